"""A container of one's own in five commands, and what `new --container` refuses before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gtm.sites import messy_shop
from tests.support import autoresearch, git, make_repository

ADS = {
    "google": {"conversions": [{"name": "Order", "id": "AW-111222333", "label": "abc", "count": 3, "enabled": True}]}
}


def export(folder: Path, content: str | None = None) -> Path:
    path = folder / "GTM-EXAMPLE.json"
    path.write_text(json.dumps(messy_shop(), indent=4) if content is None else content)
    return path


def test_a_night_on_a_container_of_ones_own(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop", {"README.md": "# A shop\n"})
    own = export(tmp_path)
    made = autoresearch(repository, "new", "tags", "--container", str(own))
    assert (made.returncode, made.stderr) == (0, "")
    assert "a business like this: shop, guessed" in made.stdout
    folder = repository.root / "targets/experiments/tags"
    assert (folder / "container.json").read_bytes() == own.read_bytes()
    assert not any("{{" in (folder / name).read_text() for name in ("README.md", "target.yaml", "declared.yaml"))
    git(repository, "add", "-A")
    git(repository, "commit", "--quiet", "--message", "Add tags")
    checked = autoresearch(repository, "check", "tags")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    night = autoresearch(repository, "night", "--seed", "1", "--quiet")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "tags: confirmed, total" in night.stdout


def test_a_business_and_ads_that_are_said_are_written_down(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop", {"README.md": "# A shop\n"})
    ads = tmp_path / "snapshot.json"
    ads.write_text(json.dumps(ADS))
    words = ("new", "tags", "--container", str(export(tmp_path)), "--business", "lead-generation", "--ads", str(ads))
    made = autoresearch(repository, *words)
    assert made.returncode == 0, made.stderr
    assert "guessed" not in made.stdout
    folder = repository.root / "targets/experiments/tags"
    assert "business: lead-generation\n" in (folder / "declared.yaml").read_text()
    assert json.loads((folder / "ads.json").read_text()) == ADS
    assert "ads_alignment" in (folder / "target.yaml").read_text()
    git(repository, "add", "-A")
    git(repository, "commit", "--quiet", "--message", "Add tags")
    checked = autoresearch(repository, "check", "tags")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("{", (), "JSON"),
        ('{"name": "no container"}', (), "container"),
        (None, ("--business", "bakery"), "bakery"),
        (None, ("--data", "accounts.csv"), "a target is of one of them"),
        (None, ("--ads", "nowhere.json"), "nowhere.json"),
        (None, ("--private",), "about a table"),
    ],
)
def test_what_will_not_do_is_told_and_nothing_is_written(
    content: str | None, more: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    repository = make_repository(tmp_path / "shop", {"README.md": "# A shop\n"})
    made = autoresearch(repository, "new", "tags", "--container", str(export(tmp_path, content)), *more)
    assert made.returncode
    assert said in made.stderr
    assert "Traceback" not in made.stderr
    assert git(repository, "status", "--porcelain") == ""


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"README.md": "# A shop\n"})
    made = autoresearch(repository, "new", "tags", "--container", "nowhere.json")
    assert made.returncode
    assert "nowhere.json" in made.stderr
    alone = autoresearch(repository, "new", "tags", "--business", "shop")
    assert "name it with --container" in alone.stderr
