"""On a machine without torch everything but a training run works, and a training run says what is missing.

The machine is a virtual environment with everything that this one has installed, less what is hidden.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.repository import Repository
from tests.support import ENVIRONMENT, make_repository

ROOT = Path(__file__).parents[2]
TORCH, TOKENIZERS, PYARROW = ("torch", "functorch", "torchgen", "triton"), ("tokenizers",), ("pyarrow",)
INSTALL = "pip install 'autoresearch-bot[gpt]'"
EVERYTHING = """
import importlib, pkgutil, sys
import bot, harness
for package in (bot, harness):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".templates" not in found.name and not found.name.endswith(("__main__", ".launcher")):
            importlib.import_module(found.name)
print(len([name for name in sys.modules if name.startswith(("bot.", "harness."))]))
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], Path]:
    """The Python of a machine that lacks some packages."""

    def made(hidden: Sequence[str]) -> Path:
        folder = tmp_path_factory.mktemp("machine")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=600)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = folder / "lib" / version / "site-packages"
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if path.name.split("-")[0].split(".")[0] not in {*hidden, "__pycache__"}:
                (packages / path.name).symlink_to(path)
        return folder / "bin" / "python"

    return made


def run(python: Path, *words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *words], cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
        env={"PATH": f"{python.parent}:/usr/bin:/bin", **ENVIRONMENT},
    )  # fmt: skip


def bot(python: Path, repository: Repository, *words: str) -> subprocess.CompletedProcess[str]:
    return run(python, "-m", "bot.cli", *words, cwd=repository.root)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    listed = ["git", "ls-files", "targets/experiments/gpt-training", "targets/experiments/health-score"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return make_repository(tmp_path_factory.mktemp("shipped"), {name: (ROOT / name).read_bytes() for name in names})


@pytest.fixture(scope="module")
def without_both(machine: Callable[[Sequence[str]], Path]) -> Path:
    return machine((*TORCH, *TOKENIZERS))


@pytest.fixture(scope="module")
def without_torch(machine: Callable[[Sequence[str]], Path]) -> Path:
    return machine(TORCH)


def test_the_bot_and_the_harness_import_neither(without_both: Path) -> None:
    """The control: what is hidden cannot be imported there, and can here."""
    for name in ("torch", "tokenizers"):
        find = f"import importlib.util; print(importlib.util.find_spec({name!r}) is None)"
        assert run(without_both, "-c", find).stdout == "True\n"
        assert run(Path(sys.executable), "-c", find).stdout == "False\n"
    done = run(without_both, "-c", EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 300


@pytest.mark.parametrize("command", ["check", "setup", "night", "plan"])
def test_every_command_says_what_is_missing_and_how_to_get_it(
    command: str, without_both: Path, repository: Repository
) -> None:
    done = bot(without_both, repository, command, "gpt-training")
    assert done.returncode == 4, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "a training run needs the extra gpt: tokenizers is not installed" in said
    assert INSTALL in said
    assert "Traceback" not in said


def test_without_torch_alone_no_training_is_begun(without_torch: Path, repository: Repository) -> None:
    assert bot(without_torch, repository, "setup", "gpt-training").returncode == 0, "the corpus needs no torch"
    for command in ("check", "night"):
        done = bot(without_torch, repository, command, "gpt-training")
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0
        assert "a training run needs the extra gpt: torch is not installed" in said
        assert INSTALL in said
        assert "Traceback" not in said


def test_other_targets_neither_know_nor_care(without_both: Path, repository: Repository) -> None:
    checked = bot(without_both, repository, "check", "health-score")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    night = bot(without_both, repository, "night", "health-score", "--quiet", "--seed", "1", "--experiments", "20")
    assert night.returncode == 0, night.stdout + night.stderr
    assert bot(without_both, repository, "install", "--help").returncode == 0


def test_a_corpus_of_texts_needs_no_pyarrow(machine: Callable[[Sequence[str]], Path], tmp_path: Path) -> None:
    """Shards do, and say so."""
    python, script = machine((*PYARROW, *TORCH)), tmp_path / "prepare.py"
    script.write_bytes((ROOT / "targets/experiments/gpt-training/prepare.py").read_bytes())
    made = run(python, str(script), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    (tmp_path / "shards.yaml").write_text("{}\n")
    refused = run(python, str(script), "shards.yaml", cwd=tmp_path)
    assert refused.returncode == 1
    assert "a training run needs the extra gpt: pyarrow is not installed" in refused.stderr
    assert INSTALL in refused.stderr
