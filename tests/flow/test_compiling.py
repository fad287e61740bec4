"""compiler-flags for real: fetched through pip, compiled and run in the sandbox, held against the plain build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import config
from bot.setup import prepare, set_up
from harness import measure, view
from harness.measure import Ask, Measurer
from harness.reports import Measurement
from harness.repository import Repository, WorkingSource
from tests.support import make_repository

ROOT = Path(__file__).parents[2]
FOLDER = "targets/experiments/compiler-flags"
BASE = (ROOT / FOLDER / "flags.conf").read_text()


@dataclass(frozen=True)
class Bench:
    measurer: Measurer
    checkout: view.View

    def one(self, content: str) -> Measurement:
        (found,) = self.measurer.measure([content.encode()], Ask())
        return found


@contextmanager
def measuring(repository: Repository, folder: Path) -> Iterator[Bench]:
    source = WorkingSource(repository)
    (target,) = config.load_targets(source)
    checkout = view.build(source, target, folder / "checkout", hidden=False)
    measurer = measure.measurer(target, checkout, folder / "scratch", repository)
    try:
        yield Bench(measurer, checkout)
    finally:
        measurer.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The target as it stands, in a repository of its own; its setup fetches what data.lock names."""
    folder = tmp_path_factory.mktemp("flags")
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / FOLDER).rglob("*")
        if path.is_file() and not {"__pycache__", "prepared"} & set(path.parts)
    }
    repository = make_repository(folder, files)
    source = WorkingSource(repository)
    prepare(source, config.load_targets(source))
    with measuring(repository, folder) as made:
        yield made


def test_flags_make_the_program_faster_and_the_count_repeats(bench: Bench) -> None:
    base = bench.one(BASE)
    assert base.crash == "", base.why
    assert set(base.metrics) == {"seconds", "binary_bytes"}
    assert base.metrics["seconds"] > 0
    optimised = bench.one(BASE.replace("-O1", "-O2"))
    assert optimised.parts["instructions"] < base.parts["instructions"]
    assert optimised.metrics["binary_bytes"] != base.metrics["binary_bytes"]
    slow = bench.one(BASE + "-fno-inline\n")
    assert slow.parts["instructions"] > 1.1 * base.parts["instructions"]
    again = bench.one(f"# the same flags, another blob\n{BASE}")
    assert again.parts["instructions"] == base.parts["instructions"]
    bench.checkout.watch.check_in_full()


def test_what_is_compiled_once_is_timed_again(bench: Bench) -> None:
    found = bench.measurer.measure([BASE.encode()] * 4, Ask())
    assert {measured.crash for measured in found} == {""}
    assert len({measured.metrics["seconds"] for measured in found}) > 1
    assert len({measured.metrics["binary_bytes"] for measured in found}) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("-O2\n-include/etc/passwd\n", "line 2: '-include/etc/passwd' reads files"),
        ("-Ofast\n", "lets arithmetic give other results"),
        ("-march=x86-64-v9\n", "is on no list"),
        ("-O2 -o x\n", "is not one flag"),
    ],
)
def test_a_hostile_file_is_refused_with_its_reason(bench: Bench, content: str, why: str) -> None:
    measured = bench.one(content)
    assert (measured.crash, measured.metrics) == ("refused", {})
    assert why in measured.why


FAKE_LIBRARY = '''
from pathlib import Path

LZ4 = """
#define LZ4_compressBound(size) (size)
#define LZ4_compress_default(from, to, size, room) copy(from, to, size)
#define LZ4_compress_HC(from, to, size, room, level) copy(from, to, size)
#define LZ4_decompress_safe(from, to, size, room) copy(from, to, size)
static inline int copy(const char *from, char *to, int size) { memcpy(to, from, (size_t)size); return size; }
"""
Path("prepared/lz4").mkdir(parents=True)
Path("prepared/input.txt").write_text("some words\\n" * 100)
for name, content in {"lz4.h": LZ4, "lz4hc.h": "", "lz4.c": "", "lz4hc.c": ""}.items():
    Path("prepared/lz4", name).write_text(content)
'''
DONE = "write_out(back, returned);"
WRONG = {
    "output": ("write_out(back, returned - 1);", r"wrong output: .* at byte 3,299 of 3,300"),
    "crash": ("abort();", "the program fails: signal 6"),
    "hang": ("for (;;) ;", "the program was stopped"),
    "error": ("#error no such thing", "gcc fails .*no such thing"),
    "control": (DONE, ""),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_program_that_goes_wrong_is_a_crash(tmp_path: Path, how: str) -> None:
    """Only where it was optimised: as a compiler that breaks the program under some flags would do it."""
    instead, why = WRONG[how]
    files = {path.name: path.read_text() for path in (ROOT / FOLDER).iterdir() if path.is_file()}
    assert DONE in files["driver.c"]
    files["driver.c"] = files["driver.c"].replace(DONE, f"\n#ifdef __OPTIMIZE__\n{instead}\n#else\n{DONE}\n#endif\n")
    for limit in ("RUNNING = Limits(seconds=30", "COUNTING = Limits(seconds=120") if how == "hang" else ():
        assert limit in files["evaluate.py"]
        files["evaluate.py"] = files["evaluate.py"].replace(limit, f"{limit.partition('=')[0]}= Limits(seconds=3")
    files |= {"prepare.py": FAKE_LIBRARY}
    del files["data.lock"]
    files["target.yaml"] = files["target.yaml"].replace(", build_backend/**", "")
    repository = make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})
    (target,) = config.load_targets(WorkingSource(repository))
    set_up(WorkingSource(repository), target, anew=False)
    with measuring(repository, tmp_path) as made:
        found = made.one(BASE)
    assert found.crash == ("refused" if why else ""), found.why
    assert re.search(why, found.why, re.DOTALL), found.why
