"""Prepared files of which data.lock says `any`: what is made first on a machine is what counts there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot import config
from harness import lock, prepared, view
from harness.errors import ConfigError, IntegrityError
from harness.repository import CommitSource, Repository
from tests.support import autoresearch, git, make_repository, write

FOLDER = "targets/experiments/words"
TARGET = """
name: words
file: params.yaml
space: {/weight: {int: [0, 5]}}
evaluate: {command: [python, evaluate.py], setup: [python, prepare.py]}
metrics: [{name: score, goal: maximize}]
budget: {experiments: 5}
"""
EVALUATOR = """
from pathlib import Path
from harness import evaluator
from harness.candidate import load

run = evaluator.settings()
evaluator.report({"score": float(len(Path("prepared/words.txt").read_text()) + load(run.file)["weight"])})
"""
PREPARE = """
import pathlib, shutil
pathlib.Path("prepared").mkdir()
shutil.copy({where!r}, "prepared/words.txt")
pathlib.Path("prepared/fixed.txt").write_text("always the same\\n")
"""
FIXED = b"always the same\n"
LOCK = f"any  prepared/words.txt\n{hashlib.sha256(FIXED).hexdigest()}  {len(FIXED)}  prepared/fixed.txt\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """What differs between machines."""
    path = tmp_path / "elsewhere.txt"
    path.write_text("one two three\n")
    return path


@pytest.fixture
def repository(tmp_path: Path, elsewhere: Path) -> Repository:
    files = {
        "target.yaml": TARGET, "params.yaml": "weight: 1\n", "evaluate.py": EVALUATOR, "data.lock": LOCK,
        "prepare.py": PREPARE.format(where=str(elsewhere)), ".gitignore": "/prepared/\n",
    }  # fmt: skip
    return make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})


def cache(repository: Repository) -> Path:
    (found,) = (repository.state / "prepared").iterdir()
    return found


def checkout(repository: Repository, into: Path) -> view.View:
    source = CommitSource(repository, repository.commit())
    return view.build(source, config.load_targets(source)[0], into, hidden=False)


def test_one_data_lock_serves_machines_that_make_different_files(repository: Repository, elsewhere: Path) -> None:
    done = autoresearch(repository, "setup", "words")
    assert done.returncode == 0, done.stderr
    assert "2 files prepared, 30 bytes" in done.stdout
    view.remove(repository.state / "prepared")
    elsewhere.write_text("as another machine has it\n")
    again = autoresearch(repository, "setup", "words")
    assert again.returncode == 0, again.stderr
    assert (cache(repository) / "prepared/words.txt").read_text() == "as another machine has it\n"
    assert git(repository, "status", "--porcelain") == ""


def test_what_has_a_digest_is_held_against_it_beside_what_has_none(repository: Repository) -> None:
    """The control: the same lock with the right digest is that of the test above."""
    write(repository, {f"{FOLDER}/data.lock": LOCK.replace(hashlib.sha256(FIXED).hexdigest(), "0" * 64)})
    done = autoresearch(repository, "setup", "words")
    assert done.returncode == 5
    assert "prepared/fixed.txt has 16 bytes" in done.stderr


def test_what_was_made_is_kept_until_it_is_damaged(repository: Repository, elsewhere: Path, tmp_path: Path) -> None:
    assert autoresearch(repository, "setup", "words").returncode == 0
    elsewhere.write_text("changed since\n")
    assert "setup, once" not in autoresearch(repository, "setup", "words").stderr
    assert (checkout(repository, tmp_path / "first").cwd / "prepared/words.txt").read_text() == "one two three\n"
    (cache(repository) / "prepared/words.txt").write_text("one two thrEE\n")
    with pytest.raises(IntegrityError, match=r"prepared/words\.txt is not what data\.lock names"):
        checkout(repository, tmp_path / "second")
    made = autoresearch(repository, "setup", "words")
    assert "changed on the disk" in made.stderr
    assert (checkout(repository, tmp_path / "third").cwd / "prepared/words.txt").read_text() == "changed since\n"


@pytest.mark.parametrize("change", ["gone", "empty", "nonsense"])
def test_without_a_note_of_what_was_made_nothing_counts_as_made(
    repository: Repository, tmp_path: Path, change: str
) -> None:
    assert autoresearch(repository, "setup", "words").returncode == 0
    noted = cache(repository) / prepared.MADE_FILE
    if change == "gone":
        noted.unlink()
    else:
        noted.write_text("" if change == "empty" else "any  prepared/words.txt\n")
    with pytest.raises(IntegrityError, match="is not prepared on this machine"):
        checkout(repository, tmp_path / "first")
    assert "made again" in autoresearch(repository, "setup", "words").stderr
    checkout(repository, tmp_path / "second")


def test_another_python_makes_files_of_its_own(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = prepared.parse(LOCK.encode(), "data.lock")
    fixed = {path: entry for path, entry in manifest.items() if entry != prepared.ANY}
    source = CommitSource(repository, repository.commit())
    (target,) = config.load_targets(source)
    names = {prepared.cache_name(b"x", one, source, target) for one in (manifest, fixed)}
    monkeypatch.setattr(lock, "environment", lambda: {"python": "CPython 3.99.0"})
    assert prepared.cache_name(b"x", manifest, source, target) not in names
    assert prepared.cache_name(b"x", fixed, source, target) in names


@pytest.mark.parametrize("changed", ["words", "script", "budget"])
def test_another_setup_makes_files_of_its_own(repository: Repository, changed: str) -> None:
    """The control: with another budget it is the same setup, and what it made is kept."""
    assert autoresearch(repository, "setup", "words").returncode == 0
    edits = {
        "words": ("target.yaml", TARGET.replace("prepare.py]", "prepare.py, more]")),
        "script": ("prepare.py", (repository.root / FOLDER / "prepare.py").read_text() + "# changed\n"),
        "budget": ("target.yaml", TARGET.replace("experiments: 5", "experiments: 6")),
    }
    name, content = edits[changed]
    write(repository, {f"{FOLDER}/{name}": content})
    done = autoresearch(repository, "setup", "words")
    assert done.returncode == 0, done.stderr
    assert ("setup, once" in done.stderr) == (changed != "budget")


def test_written_anew_it_still_says_any(repository: Repository) -> None:
    done = autoresearch(repository, "setup", "words", "--write-lock")
    assert done.returncode == 0
    assert "goes on saying any for prepared/words.txt" in done.stdout, "who changed the setup has to know"
    lines = (repository.root / FOLDER / "data.lock").read_text().splitlines()
    assert lines[1:] == [f"{hashlib.sha256(FIXED).hexdigest()}  16  prepared/fixed.txt", "any  prepared/words.txt"]
    assert "2 files prepared" in autoresearch(repository, "setup", "words").stdout


def test_what_is_held_out_has_one_content(repository: Repository, tmp_path: Path) -> None:
    """Looks at a holdout are counted by what is in it."""
    write(repository, {f"{FOLDER}/target.yaml": f"{TARGET}sample: rows\ndata: {{hidden: [prepared/words.txt]}}\n"})
    git(repository, "commit", "--quiet", "--all", "--message", "Hide")
    with pytest.raises(ConfigError, match=r"says any for .*what is held out has one content"):
        checkout(repository, tmp_path / "view")


def test_a_night_runs_on_it(repository: Repository) -> None:
    night = autoresearch(repository, "night", "--quiet", "--seed", "1")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "words: confirmed" in night.stdout


def test_a_setup_is_told_where_to_keep_what_it_fetched(repository: Repository, tmp_path: Path) -> None:
    """What one run left there, the next one finds."""
    script = PREPARE.format(where=str(tmp_path / "elsewhere.txt")) + (
        "import os\nkept = pathlib.Path(os.environ['AUTORESEARCH_DOWNLOADS'])\n"
        "kept.mkdir(parents=True, exist_ok=True)\n"
        "if not (kept / 'half').exists():\n    (kept / 'half').write_text('x')\n    raise SystemExit('broke off')\n"
    )
    write(repository, {f"{FOLDER}/prepare.py": script})
    assert "broke off" in autoresearch(repository, "setup", "words").stderr
    assert autoresearch(repository, "setup", "words").returncode == 0
    assert (repository.state / "downloads/half").exists()
