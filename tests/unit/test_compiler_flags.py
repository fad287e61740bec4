"""compiler-flags: no flag reaches gcc that does more than optimise. The control of each refusal: gcc would obey it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bot import catalogue, config
from harness.repository import Repository, WorkingSource

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "targets" / "experiments" / "compiler-flags"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TARGET / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


flags = load("flags")
evaluate = load("evaluate")


def refused(content: str) -> str:
    with pytest.raises(flags.Refused) as raised:
        flags.parse(content.encode())
    return str(raised.value)


# --- what is read ---


def test_comments_blanks_and_indentation_are_no_flags() -> None:
    assert flags.parse(b"# a\n\n  -O2\r\n\t-funroll-loops \n#-ffast-math\n") == ["-O2", "-funroll-loops"]
    assert flags.parse(b"") == []


@pytest.mark.parametrize(
    "flag",
    ["-O0", "-Os", "-ftracer", "-fno-tracer", "-falign-loops=32", "-fno-align-loops", "-fvect-cost-model=cheap",
     "-march=x86-64-v3", "-mtune=generic", "-mbranch-cost=5"],
)  # fmt: skip
def test_what_only_optimises_is_allowed(flag: str) -> None:
    assert flags.parse(flag.encode()) == [flag]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("-O2 -O3", "line 1: '-O2 -O3' is not one flag"),
        ("-O1\n-O2;touch x", "line 2: '-O2;touch x' is not one flag"),
        ("-O2$(id)", "is not one flag"),
        ("-O2\x00", "is not one flag"),
        ("-O9", "is on no list"),
        ("-O", "is on no list"),
        ("main.c", "is on no list"),
        ("-falign-loops=99999", "is on no list"),
        ("-falign-loops=-1", "is on no list"),
        ("-fno-align-loops=8", "is on no list"),
        ("-ftracer=1", "is on no list"),
        ("-fvect-cost-model=/etc/passwd", "is on no list"),
        ("-mtune=../../x", "is on no list"),
        ("-f" + "x" * 200, "is not one flag"),
        ("-ftracer\n" * 101, "101 flags; at most 100"),
    ],
)
def test_anything_else_is_refused(content: str, said: str) -> None:
    assert said in refused(content)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(flags.Refused, match="byte 3 is not plain ASCII"):
        flags.parse(b"-O2\xff")


# --- hostile flags, and that gcc does obey them ---

PROBE = """
#include <stdio.h>
#ifndef SAID
#define SAID "plain"
#endif
enum e { A };
struct s { char a; int b; };
int main(void)
{
#ifdef __FAST_MATH__
    puts("fast math");
#endif
#ifdef __SANITIZE_ADDRESS__
    puts("sanitized");
#endif
#ifdef __cplusplus
    puts("C++");
#endif
#ifdef _OPENMP
    puts("openmp");
#endif
    printf("%s %d %d %d\\n", SAID, (int)sizeof(enum e), (int)sizeof(struct s), (char)-1 < 0);
    return 0;
}
"""


def built(folder: Path, *words: str) -> dict[str, str]:
    """What compiling the probe with these flags leaves behind: exit code, words, what it prints, which files."""
    (folder / "probe.c").write_text(PROBE)
    before = {path for path in folder.rglob("*") if path.name != "probe"}
    done = subprocess.run(
        ["gcc", "-o", "probe", *words, "probe.c"], cwd=folder, capture_output=True, text=True, check=False
    )
    made = sorted(str(path.relative_to(folder)) for path in {*folder.rglob("*")} - before if path.name != "probe")
    probe = folder / "probe"
    try:
        said = subprocess.run([probe], capture_output=True, text=True, check=False).stdout
    except OSError:
        said = "no program"
    return {"exit": str(done.returncode), "errors": done.stderr, "says": said, "files": " ".join(made)}


HOSTILE = {
    "-DSAID=\"x\"": "says",
    "-Dputs=printf": "",
    "-DSAID=__FILE__": "says",
    "-include{folder}/said.h": "says",
    "-imacros{folder}/said.h": "says",
    "-I{folder}/include": "says",
    "@{folder}/more": "says",
    "-o{folder}/elsewhere": "files",
    "-save-temps": "files",
    "-fdump-tree-optimized": "files",
    "-fstack-usage": "files",
    "-fcallgraph-info": "files",
    "-ftest-coverage": "files",
    "-MD": "files",
    "-Wl,-Map={folder}/map": "files",
    "-Wa,-a={folder}/listing": "files",
    "-c": "says",
    "-E": "says",
    "-S": "says",
    "-xc++": "says",
    "-fplugin={folder}/evil.so": "errors",
    "-specs={folder}/specs": "files",
    "-B{folder}/tools/": "files",
    "-fprofile-use={folder}/x": "",
    "-fprofile-generate": "",
    "-ffast-math": "says",
    "-Ofast": "says",
    "-fsanitize=address": "says",
    "-fopenmp": "says",
    "-fshort-enums": "says",
    "-fpack-struct": "says",
    "-funsigned-char": "says",
    "-flto": "",
    "-march=native": "",
    "-fno-signed-zeros": "",
    "-fwrapv": "",
    "-L{folder}": "",
    "--param=max-unroll-times=1": "",
    "-static": "",
}  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with everything that a hostile flag would like to read, load or run."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "stdio.h").write_text('#include_next <stdio.h>\n#define SAID "header"\n')
    (tmp_path / "said.h").write_text('#define SAID "included"\n')
    (tmp_path / "more").write_text('-DSAID=\\"more\\"\n')
    (tmp_path / "evil.so").write_text("no library")
    (tmp_path / "specs").write_text(f"*cc1_options:\n+ -dumpdir {tmp_path}/ -fdump-tree-optimized\n\n")
    (tmp_path / "tools").mkdir()
    tool = tmp_path / "tools" / "cc1"
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    tool.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("written", HOSTILE)
def test_a_hostile_flag_is_refused_and_gcc_would_obey_it(written: str, trap: Path) -> None:
    flag = written.format(folder=trap)
    why = flags.problem(flag)
    assert why
    assert "line 1: " in refused(flag)
    if not HOSTILE[written]:  # what it does cannot be seen in one small program
        return
    plain, obeyed = built(trap, "-O1"), built(trap, "-O1", flag)
    assert obeyed[HOSTILE[written]] != plain[HOSTILE[written]], "the control: gcc does nothing with this flag"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["-wrapper", "touch,ran"], "reaches another program"), (["-Xlinker", "-Map=map"], "reaches another program"),
     (["-include", "said.h"], "reads files"), (["-x", "c++"], "changes what is compiled")],
)  # fmt: skip
def test_a_flag_of_two_words_is_refused_by_its_first(words: list[str], said: str, trap: Path) -> None:
    assert said in refused("\n".join(words))
    assert built(trap, "-O1", *words) != built(trap, "-O1")


# --- what is compared ---


def test_wrong_output_is_named_by_its_first_byte() -> None:
    evaluate.require_same(b"abc", b"abc")
    for output, where in ((b"abd", 2), (b"ab", 2), (b"abcd", 3), (b"", 0)):
        with pytest.raises(evaluate.Bad, match=f"at byte {where} of 3"):
            evaluate.require_same(output, b"abc")


# --- what the target promises ---


def test_the_catalogue_fits_the_file_and_every_line_of_it_compiles(tmp_path: Path) -> None:
    content = (TARGET / "flags.conf").read_bytes()
    listed = catalogue.read((TARGET / "catalogue.yaml").read_bytes(), "catalogue.yaml", "flags.conf", content)
    options = {option for entry in listed.entries for option in entry.options if option}
    assert len(options) > 30
    for option in sorted(options):
        assert not flags.problem(option), option
        words = ["gcc", *flags.parse(content), option, "-c", str(TARGET / "nothing.c"), "-o", str(tmp_path / "x.o")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (option, done.stderr)


def test_every_listed_switch_is_one_that_gcc_knows() -> None:
    known = subprocess.run(["gcc", "-Q", "--help=optimizers"], capture_output=True, text=True, check=True).stdout
    known += subprocess.run(["gcc", "-Q", "--help=common"], capture_output=True, text=True, check=True).stdout
    missing = {name for name in flags.SWITCHES if f"-f{name}" not in known}
    assert not missing, "named in flags.py and unknown to this compiler"


def test_the_target_is_valid() -> None:
    (target,) = config.load_targets(WorkingSource(Repository.find(ROOT)), ["compiler-flags"])
    names = {path.removeprefix(f"{target.folder}/") for path in target.locked}
    assert {"evaluate.py", "flags.py", "driver.c", "nothing.c", "prepare.py", "data.lock", "target.yaml"} <= names
    assert not {"flags.conf", "catalogue.yaml", "program.md"} & names
    assert target.isolated
