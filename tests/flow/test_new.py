"""A first target in five commands, as README tells them; and what `new` refuses."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlparse

import pytest

from bot.new import new
from harness.errors import ConfigError
from harness.schemas import schema
from tests.support import autoresearch, git, make_repository, write

EXPERIMENTS = 80  # of the 300 that the template asks for: enough for a gain that the holdout confirms


def test_a_first_night_in_five_commands(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"README.md": "# A shop\n"})

    made = autoresearch(repository, "new", "orders")
    assert (made.returncode, made.stderr) == (0, "")
    checked = autoresearch(repository, "check", "orders")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    _add, *paths = checked.stdout.strip().splitlines()[-1].partition(" && ")[0].split()[1:]
    git(repository, "add", *paths)
    git(repository, "commit", "--quiet", "--message", "Add orders")
    assert git(repository, "status", "--porcelain") == ""
    night = autoresearch(repository, "night", "--experiments", str(EXPERIMENTS), "--seed", "1", "--quiet")
    assert night.returncode == 0, night.stdout + night.stderr

    assert git(repository, "status", "--porcelain") == ""
    said = dict(line.split(":", 1) for line in night.stdout.splitlines() if ":" in line)
    assert "orders: confirmed, mean_absolute_error" in night.stdout
    page = Path(said["page"].strip())
    assert page.is_file()
    assert "orders" in page.read_text()
    branch = said["branch"].strip()
    changed = git(repository, "diff", "--name-only", f"main...{branch}").splitlines()
    assert "targets/experiments/orders/params.yaml" in changed
    assert "held-out" in autoresearch(repository, "report").stdout


def test_what_is_written_is_commented_and_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {})
    paths = new(repository, "a-1")
    assert sorted(paths) == sorted(git(repository, "ls-files", "--others", "--exclude-standard").splitlines())
    assert not any("{{" in (repository.root / path).read_text() for path in paths)
    for path in paths:
        first = (repository.root / path).read_text().partition("\n")[0]
        if path.endswith(("target.yaml", "autoresearch.yml")):
            shown = first.removeprefix("# yaml-language-server: $schema=")
            assert not urlparse(shown).scheme
            found = json.loads((repository.root / path).parent.joinpath(shown).read_text())
            assert found == schema("target" if path.endswith("target.yaml") else "autoresearch")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("My Target", "my-target"),
        ("../x", "x"),
        ("", "my-target"),
        ("Größe", "groe"),
        ("-a", "a"),
        ("a" * 64, "a" * 63),
    ],
)
def test_a_bad_name_is_refused_with_a_good_one(tmp_path: Path, name: str, cure: str) -> None:
    repository = make_repository(tmp_path, {})
    with pytest.raises(ConfigError, match="lower-case letters, digits and dashes") as caught:
        new(repository, name)
    assert caught.value.next_step == f"autoresearch new {cure}"
    assert git(repository, "status", "--porcelain") == ""


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = "# mine\n"
    repository = make_repository(
        tmp_path, {".github/autoresearch.yml": mine, ".github/autoresearch/target.schema.json": mine}
    )
    paths = new(repository, "orders")
    assert ".github/autoresearch/autoresearch.schema.json" in paths
    assert git(repository, "diff", "--name-only") == ""
    before = git(repository, "stash", "create")
    with pytest.raises(ConfigError, match="targets/experiments/orders: exists already"):
        new(repository, "orders")
    assert git(repository, "stash", "create") == before
    (repository.root / "targets/experiments/empty").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        new(repository, "empty")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({".gitignore": "data/\n"}, "git would ignore targets/experiments/orders/data/holdout.csv"),
        ({".github/autoresearch.yml": 'targets: ["loops/*"]\n'}, "loops/\\* does not name targets/experiments/orders"),
    ],
)
def test_a_target_that_no_night_would_see_is_not_written(tmp_path: Path, files: dict[str, str], said: str) -> None:
    repository = make_repository(tmp_path, files)
    with pytest.raises(ConfigError, match=said):
        new(repository, "orders")
    assert not (repository.root / "targets/experiments/orders").exists()
    assert git(repository, "status", "--porcelain", "--ignored") == ""


def test_the_cure_for_ignored_files_works(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {".gitignore": "data/\n*.csv\n"})
    with pytest.raises(ConfigError) as caught:
        new(repository, "orders")
    line = caught.value.next_step.removeprefix("add the line ")
    write(repository, {".gitignore": f"data/\n*.csv\n{line}\n"})
    assert len(new(repository, "orders")) == 10
