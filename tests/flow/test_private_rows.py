"""`data.private`: rows that setup splits from a table outside the repository, and a holdout that waits for confirm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot import config
from bot.night.earlier import looks
from bot.setup import prepare
from harness import prepared, view
from harness.errors import ConfigError
from harness.repository import CommitSource, Repository, WorkingSource
from tests.support import autoresearch, git, make_repository

FOLDER = "targets/experiments/health"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Accounts outside the repository, each with a mark that nothing else bears."""
    chance, path = np.random.default_rng(3), tmp_path / "crm" / "accounts.csv"
    days = chance.integers(0, 31, 600)
    stayed = (chance.random(600) < 1 / (1 + np.exp(1.5 - days / 10))).astype(int)
    rows = [f"mark{n},{days[n]},{n % 59},{stayed[n]}" for n in range(600)]
    path.parent.mkdir()
    path.write_text("account_id,days_active,seats,retained\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def repository(tmp_path: Path, table: Path) -> Repository:
    """With a private target, its data.lock committed."""
    found = make_repository(tmp_path, {})
    assert autoresearch(found, "new", "health", "--data", str(table), "--private").returncode == 0
    done = autoresearch(found, "setup", "health")
    assert done.returncode == 0, done.stderr
    git(found, "add", "--all")
    git(found, "commit", "--quiet", "--message", "Add health")
    return found


def test_the_loop_does_not_see_the_holdout(repository: Repository, tmp_path: Path) -> None:
    source = CommitSource(repository, repository.commit())
    (target,) = config.load_targets(source)
    assert target.hidden == (f"{FOLDER}/prepared/holdout.csv",)
    for hidden in (False, True):
        checkout = view.build(source, target, tmp_path / f"hidden-{hidden}", hidden=hidden)
        assert (checkout.cwd / "prepared/search.csv").is_file()
        assert (checkout.cwd / "prepared/holdout.csv").is_file() == hidden
        assert checkout.sweep() == []
        checkout.watch.check()


def test_a_night_confirms_and_no_row_is_recorded(repository: Repository) -> None:
    assert not git(repository, "ls-files", f"{FOLDER}/prepared", f"{FOLDER}/.autoresearch-private")
    night = autoresearch(repository, "night", "--experiments", "80", "--seed", "1", "--quiet")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "on held-out rows" in night.stdout
    for commit in git(repository, "rev-list", "--all").splitlines():
        for path in repository.tree(commit):
            assert "mark1" not in git(repository, "show", f"{commit}:{path}")


def test_the_looks_are_counted_by_the_held_out_rows(repository: Repository) -> None:
    assert autoresearch(repository, "night", "--experiments", "20", "--seed", "1", "--quiet").returncode == 0
    source = CommitSource(repository, repository.commit())
    (target,) = config.load_targets(source)
    files = prepared.digests(source, target)
    assert looks.count(repository, looks.identity(files, target)) == 1
    changed = files | {f"{FOLDER}/prepared/search.csv": "0" * 64}
    assert looks.count(repository, looks.identity(changed, target)) == 1, "other rows to search on make no new holdout"
    changed = files | {f"{FOLDER}/prepared/holdout.csv": "0" * 64}
    assert looks.count(repository, looks.identity(changed, target)) == 0


def test_another_machine_names_its_copy_in_the_environment(
    repository: Repository, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", str(repository.root), "elsewhere")
    clone = Repository.find(tmp_path / "elsewhere")
    assert "say where the table of accounts is" in autoresearch(clone, "check").stderr
    monkeypatch.setenv("AUTORESEARCH_PRIVATE_DATA", str(table))
    source = WorkingSource(clone)
    prepare(source, config.load_targets(source))
    assert autoresearch(clone, "check").returncode == 0
    table.write_text(table.read_text().replace("mark7,", "mark700,"))
    view.remove(clone.private / "prepared")
    assert autoresearch(clone, "check").returncode == 5, "another table is another lock"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  setup: [python, prepare.py]", "  #", "must be made by evaluate.setup"),
        ("hidden: [prepared/holdout.csv]", "hidden: [prepared/other.csv]", "does not name"),
    ],
)
def test_private_rows_need_a_setup_that_makes_what_is_hidden(
    repository: Repository, before: str, after: str, said: str
) -> None:
    path = repository.root / FOLDER / "target.yaml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(ConfigError) as caught:
        shown(repository)
    assert said in str(caught.value)


def shown(repository: Repository) -> view.View:
    """What the loop would see of the working tree."""
    source = WorkingSource(repository)
    (target,) = config.load_targets(source)
    return view.build(source, target, repository.root.parent / "view", hidden=False)
