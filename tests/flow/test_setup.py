"""`evaluate.setup` from the first run to the night: what it makes is what data.lock names, or nothing is scored."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from bot import config
from bot.setup import prepare
from harness import prepared, view
from harness.errors import ConfigError, IntegrityError
from harness.repository import CommitSource, Repository, WorkingSource
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

words = Path("prepared/words/all.txt").read_text().split()
run = evaluator.settings()
evaluator.report({"score": float(len(words) + load(run.file)["weight"])})
"""
PREPARE = """
import os, pathlib, sys
print("fetching", file=sys.stderr)
text = pathlib.Path({where!r}).read_text()
pathlib.Path("prepared/words").mkdir(parents=True)
pathlib.Path("prepared/words/all.txt").write_text(text)
with pathlib.Path({where!r} + ".seen").open("a") as seen:
    print(sorted(os.environ), sorted(p.name for p in pathlib.Path().iterdir()), file=seen)
"""
WORDS = "one two three\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """What stands for the network."""
    path = tmp_path / "elsewhere.txt"
    path.write_text(WORDS)
    return path


@pytest.fixture
def repository(tmp_path: Path, elsewhere: Path) -> Repository:
    files = {
        "target.yaml": TARGET, "params.yaml": "weight: 1\n", "evaluate.py": EVALUATOR,
        "prepare.py": PREPARE.format(where=str(elsewhere)), ".gitignore": "/prepared/\n",
    }  # fmt: skip
    return make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})


@pytest.fixture
def locked(repository: Repository) -> Repository:
    """With data.lock written and committed."""
    done = autoresearch(repository, "setup", "words")
    assert done.returncode == 0, done.stderr
    commit(repository)
    return repository


def commit(repository: Repository) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Change")


def caches(repository: Repository) -> list[Path]:
    return sorted((repository.state / "prepared").iterdir()) if (repository.state / "prepared").is_dir() else []


def runs(elsewhere: Path) -> int:
    seen = elsewhere.with_name("elsewhere.txt.seen")
    return len(seen.read_text().splitlines()) if seen.exists() else 0


def test_the_first_run_writes_data_lock(repository: Repository, elsewhere: Path) -> None:
    done = autoresearch(repository, "setup")
    assert done.returncode == 0, done.stderr
    assert f"wrote {FOLDER}/data.lock: commit it" in done.stdout
    assert "words: setup, once: python prepare.py" in done.stderr
    content = (repository.root / FOLDER / "data.lock").read_bytes()
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    assert content.decode().splitlines()[1:] == [f"{digest}  {len(WORDS)}  prepared/words/all.txt"]
    (kept,) = caches(repository)
    assert kept.name == hashlib.sha256(content).hexdigest()
    assert (kept / "prepared/words/all.txt").read_text() == WORDS
    assert not (repository.root / FOLDER / "prepared").exists()
    assert git(repository, "status", "--porcelain") == f"?? {FOLDER}/data.lock"
    again = autoresearch(repository, "setup", "words")
    assert "1 file prepared, 14 bytes, as" in again.stdout
    assert runs(elsewhere) == 1


def test_a_setup_sees_neither_secrets_nor_the_file(
    repository: Repository, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MY_TOKEN": "x", "HTTPS_PROXY": "http://a:b@proxy", "NO_PROXY": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert autoresearch(repository, "setup").returncode == 0
    seen = elsewhere.with_name("elsewhere.txt.seen").read_text()
    assert "NO_PROXY" in seen
    assert "MY_TOKEN" not in seen
    assert "HTTPS_PROXY" not in seen
    assert "params.yaml" not in seen
    assert "evaluate.py" in seen


def test_a_night_prepares_by_itself_and_scores_with_it(locked: Repository, elsewhere: Path) -> None:
    view.remove(locked.state / "prepared")
    checked = autoresearch(locked, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert runs(elsewhere) == 2
    view.remove(locked.state / "prepared")
    night = autoresearch(locked, "night", "--quiet", "--seed", "1")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "words: confirmed" in night.stdout
    assert runs(elsewhere) == 3, "check and the night share one run; run and confirm need none"
    again = autoresearch(locked, "reproduce", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert runs(elsewhere) == 3


def test_an_interrupted_night_prepares_again(locked: Repository) -> None:
    assert autoresearch(locked, "plan", "words").returncode == 0
    view.remove(locked.state / "prepared")
    lost = autoresearch(locked, "run", "--quiet")
    assert lost.returncode == 5
    base = locked.commit()[:12]
    assert "words: prepared/words/all.txt is not prepared on this machine" in lost.stderr
    assert f"autoresearch setup words --at {base}" in lost.stderr
    assert autoresearch(locked, "setup", "words", "--at", base).returncode == 0
    assert autoresearch(locked, "run", "--quiet").returncode == 0
    view.remove(locked.state / "prepared")
    resumed = autoresearch(locked, "night", "--quiet")
    assert "words: confirmed" in resumed.stdout, resumed.stderr


def test_what_cannot_be_prepared_leaves_no_plan(locked: Repository, elsewhere: Path) -> None:
    view.remove(locked.state / "prepared")
    elsewhere.unlink()
    night = autoresearch(locked, "night", "--quiet")
    assert night.returncode == 4
    assert "words: the setup failed with exit code 1: python prepare.py" in night.stderr
    assert "No such file or directory" in night.stderr
    assert not list(locked.state.glob("*/plan.json"))
    assert caches(locked) == []


def test_another_content_is_named_and_not_kept(locked: Repository, elsewhere: Path) -> None:
    view.remove(locked.state / "prepared")
    elsewhere.write_text(WORDS + "four\n")
    checked = autoresearch(locked, "check")
    assert checked.returncode == 5
    assert "words: the setup made something else than data.lock names: prepared/words/all.txt has 19" in checked.stderr
    assert "data.lock says 14 bytes" in checked.stderr
    assert "autoresearch setup words --write-lock" in checked.stderr
    assert caches(locked) == []
    assert autoresearch(locked, "setup", "--write-lock").returncode == 0
    assert autoresearch(locked, "check").returncode == 0


@pytest.mark.parametrize("change", ["content", "extra", "missing", "link"])
def test_a_tampered_cache_is_made_again(locked: Repository, elsewhere: Path, change: str) -> None:
    (kept,) = caches(locked)
    file = kept / "prepared/words/all.txt"
    if change == "content":
        file.write_text("one two thrEE\n")
    elif change == "extra":
        file.with_name("more.txt").write_text("x")
    else:
        file.unlink()
        if change == "link":
            file.symlink_to(elsewhere)
    done = autoresearch(locked, "plan")
    assert done.returncode == 0, done.stderr
    assert "changed on the disk" in done.stderr
    assert runs(elsewhere) == 2
    assert prepared.found_below(kept) == {"prepared/words/all.txt": entry(WORDS)}


def entry(text: str) -> prepared.Entry:
    return prepared.Entry(hashlib.sha256(text.encode()).hexdigest(), len(text))


def test_a_view_takes_nothing_from_a_tampered_cache(locked: Repository, tmp_path: Path) -> None:
    source = CommitSource(locked, locked.commit())
    target = config.load_targets(source)[0]
    checkout = view.build(source, target, tmp_path / "sound", hidden=False)
    there = checkout.cwd / "prepared/words/all.txt"
    assert (there.read_text(), there.stat().st_mode & 0o777) == (WORDS, 0o444)
    assert checkout.sweep() == []
    there.chmod(0o644)
    there.write_text("x")
    with pytest.raises(IntegrityError, match=r"prepared/words/all\.txt changed during the night"):
        checkout.watch.check()
    (kept,) = caches(locked)
    (kept / "prepared/words/all.txt").write_text("one two thrEE\n")
    with pytest.raises(IntegrityError, match=r"words: prepared/words/all\.txt is not what data\.lock names"):
        view.build(source, target, tmp_path / "tampered", hidden=False)


def test_a_missing_data_lock_is_told(repository: Repository) -> None:
    for verb in ("check", "plan"):
        done = autoresearch(repository, verb)
        assert done.returncode == 3, done.stderr
        assert f"{FOLDER}/data.lock: is not in" in done.stderr
        assert "autoresearch setup words writes it; then commit it" in done.stderr
    assert caches(repository) == []


def test_the_lock_covers_data_lock_and_nothing_prepared(locked: Repository) -> None:
    write(locked, {f"{FOLDER}/prepared/words/all.txt": "made by hand\n", f"{FOLDER}/.gitignore": ""})
    target = config.load_targets(WorkingSource(locked))[0]
    names = {Path(path).name for path in target.locked}
    assert names == {".gitignore", "target.yaml", "evaluate.py", "prepare.py", "data.lock"}
    explicit = TARGET + "locked: [evaluate.py, prepare.py]\n"
    write(locked, {f"{FOLDER}/target.yaml": explicit})
    target = config.load_targets(WorkingSource(locked))[0]
    assert {Path(path).name for path in target.locked} == {"target.yaml", "evaluate.py", "prepare.py", "data.lock"}


def test_a_target_without_setup_pays_nothing(repository: Repository, elsewhere: Path) -> None:
    plain = TARGET.replace(", setup: [python, prepare.py]", "")
    write(repository, {f"{FOLDER}/target.yaml": plain})
    done = autoresearch(repository, "setup")
    assert "nothing to prepare" in done.stdout
    source = WorkingSource(repository)
    prepare(source, config.load_targets(source))
    assert (runs(elsewhere), caches(repository)) == (0, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("setup: [python, params.yaml]", '"params.yaml" is the editable file'),
        ("setup: [python, perpare.py]", 'did you mean "prepare.py"?'),
        ("setup: [python, unlocked.py]", '"unlocked.py" computes the score and is not locked'),
        ("setup: []", "setup"),
    ],
)
def test_the_setups_words_are_checked(repository: Repository, change: str, said: str) -> None:
    content = TARGET.replace("setup: [python, prepare.py]", change) + "locked: [evaluate.py, prepare.py]\n"
    write(repository, {f"{FOLDER}/target.yaml": content, f"{FOLDER}/unlocked.py": ""})
    with pytest.raises(ConfigError) as raised:
        config.load_targets(WorkingSource(repository))
    assert said in str(raised.value)
    assert f"{FOLDER}/target.yaml:5:" in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("abc  1  prepared/x", "is not: sha256, size, path"),
        (f"{'a' * 64}  1  ../x", "names a path that is not below prepared/"),
        (f"{'a' * 64}  1  prepared/../../x", "names a path that is not below prepared/"),
        (f"{'a' * 64}  1  prepared/a\n{'a' * 64}  1  prepared/a/b", "names a path that stands above already"),
        ("", "names no file"),
    ],
)
def test_a_bad_data_lock_names_its_line(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        prepared.parse(f"# first\n{line}\n".encode(), "data.lock")
    assert said in str(raised.value)
    assert str(raised.value).startswith("data.lock:")


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("", 4, "wrote no file below prepared/"),
        ("import os; os.mkdir('prepared'); os.symlink('/etc/passwd', 'prepared/x')", 5, "neither a plain file"),
        ("import sys; sys.exit('no network today')", 4, "no network today"),
    ],
)
def test_a_setup_that_makes_nothing_usable(repository: Repository, script: str, code: int, said: str) -> None:
    write(repository, {f"{FOLDER}/prepare.py": script})
    done = autoresearch(repository, "setup")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert not (repository.root / FOLDER / "data.lock").exists()
    assert caches(repository) == []


def test_the_network_is_there_for_the_setup_and_gone_for_the_evaluator(repository: Repository) -> None:
    write(repository, {
        f"{FOLDER}/prepare.py": "import os, pathlib\npathlib.Path('prepared').mkdir()\n"
        "pathlib.Path('prepared/net').write_text(os.readlink('/proc/self/ns/net'))\n",
        f"{FOLDER}/evaluate.py": "import os, pathlib\nfrom harness import evaluator\n"
        "same = os.readlink('/proc/self/ns/net') == pathlib.Path('prepared/net').read_text()\n"
        "evaluator.report({'score': float(same)})\n",
    })  # fmt: skip
    host = subprocess.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True).stdout.strip()
    assert autoresearch(repository, "setup").returncode == 0
    (kept,) = caches(repository)
    assert (kept / "prepared/net").read_text() == host
    done = autoresearch(repository, "check", "--json")
    (report,) = json.loads(done.stdout)
    assert report["metrics"] == {"score": 0.0}
