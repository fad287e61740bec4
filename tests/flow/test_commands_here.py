"""/recheck and /drop N on a laptop, where no forge is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bot.forge.local import LocalForge
from bot.night.earlier import past
from bot.night.folder import Night, nights
from harness import folds
from harness.repository import Repository
from tests.commanding import rows, target_files
from tests.support import autoresearch, git, make_repository

TOGETHER = """
from harness import candidate, evaluator

def score(request):
    found = []
    for item in request.items:
        values = candidate.load(item.path)
        if values["b"] and not values["a"] and not values["c"]:
            found.append(evaluator.Crash("b needs a or c"))
        else:
            found.append(evaluator.Scores({"score": sum(values.values())}))
    return found

evaluator.serve(score)
"""


@pytest.fixture(scope="module")
def over_here(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    found = make_repository(tmp_path_factory.mktemp("here"), target_files("dial"))
    assert autoresearch(found, "night", "--quiet", "--seed", "1").returncode == 0
    return found


@pytest.fixture
def here(tmp_path: Path, over_here: Repository) -> tuple[Repository, Night]:
    shutil.copytree(over_here.root, tmp_path / "repository")
    found = Repository.find(tmp_path / "repository")
    return found, nights(found)[-1]


def test_on_a_laptop_rows_go_one_by_one_and_keep_their_numbers(here: tuple[Repository, Night]) -> None:
    found, night = here
    before = rows(night.segments("dial"))
    assert [row["number"] for row in before] == [1, 2, 3]
    for command, left in (("/recheck", [1, 2, 3]), ("/drop 2", [1, 3]), ("/recheck", [1, 3]), ("/drop 1", [3])):
        done = autoresearch(found, "command", "local", command)
        assert done.returncode == 0, done.stderr
        now = rows(night.segments("dial"))
        assert [row["number"] for row in now] == left, command
        assert [row["change"] for row in now] == [before[number - 1]["change"] for number in left]
    shown = git(found, "show", f"autoresearch/{night.name}:targets/experiments/dial/params.yaml")
    (last,) = rows(night.segments("dial"))
    assert found.blob_id(f"{shown}\n".encode()) == last["blob"]
    assert autoresearch(found, "log", "--verify").returncode == 0
    assert "the same" in autoresearch(found, "reproduce", "dial#3").stdout
    assert autoresearch(found, "reproduce", "dial#1").returncode == 9
    page = (night.path / "pull-request.md").read_text()
    refs = git(found, "for-each-ref")
    assert autoresearch(found, "propose").returncode == 0
    assert (git(found, "for-each-ref"), (night.path / "pull-request.md").read_text()) == (refs, page)
    assert "~~1~~" in page
    assert "~~2~~" in page


def test_what_held_a_dropped_row_is_not_found_again(
    here: tuple[Repository, Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, night = here
    whole = rows(night.segments("dial"))
    dropped, last = max(whole, key=lambda row: min(row["experiments"])), whole[-1]["blob"]
    kept = [event for event in folds.of_kind(night.segments("dial"), "experiment") if event["status"] == "keep"]
    with_it = {event["canon"] for event in kept if event["id"] >= min(dropped["experiments"])}
    without = {event["canon"] for event in kept} - with_it
    assert with_it
    assert without, "the row is in everything: the test proves nothing"
    assert autoresearch(found, "command", "local", f"/drop {dropped['number']}").returncode == 0

    asked = found, "dial", night.target_plan("dial").lock, found.commit(), LocalForge(found.state)
    assert with_it <= past.tried(*asked)
    assert past.tried(*asked).isdisjoint(without)
    assert past.refused(*asked) == dict.fromkeys(
        (row["blob"] for row in whole[whole.index(dropped) :]), (night.name, past.DROPPED)
    )
    assert past.declined(*asked) == set(), "what is left still waits for a review"
    assert past.in_words(*asked) == (f"{dropped['change']} (a human took it out, of the night {night.name})",)
    done = autoresearch(found, "night", "--quiet", "--seed", "2", "--new")
    assert done.returncode == 0, done.stderr
    newest = nights(found)[-1]
    tried = folds.of_kind(newest.segments("dial"), "experiment")
    assert newest.target_plan("dial").carried_from == night.name
    assert last not in {event["blob"] for event in tried if event["reason"] != "duplicate"}

    monkeypatch.setattr("bot.night.earlier.struck.of", lambda *_: [])
    assert past.tried(*asked).isdisjoint(with_it), "the control: otherwise it might be found again"


def test_on_a_laptop_what_cannot_be_asked_changes_nothing(here: tuple[Repository, Night]) -> None:
    found, night = here
    before = git(found, "for-each-ref"), sorted(path.name for path in night.folder("dial").iterdir())
    for comment in ("/drop", "/drop 0", "drop 1", "/hold", "/recheck now", "/drop 1,2"):
        assert autoresearch(found, "command", "local", comment).returncode == 2, comment
    for comment in ("/drop 4", "/drop 1 2 3"):
        assert autoresearch(found, "command", "local", comment).returncode == 9, comment
    assert (git(found, "for-each-ref"), sorted(path.name for path in night.folder("dial").iterdir())) == before


def test_rows_that_another_needs_are_not_dropped_and_it_is_said_which(tmp_path: Path) -> None:
    found = make_repository(tmp_path, target_files("dial", TOGETHER))
    assert autoresearch(found, "night", "--quiet", "--seed", "1").returncode == 0
    night = nights(found)[-1]
    changes = {row["change"][0]: row["number"] for row in rows(night.segments("dial"))}
    a, b, c = (changes[name] for name in "abc")
    branch = git(found, "rev-parse", f"autoresearch/{night.name}")
    done = autoresearch(found, "command", "local", f"/drop {a} {c}")
    assert done.returncode == 1
    assert f"needed: row {b} cannot stand without row {min(a, c)}, {max(a, c)}" in done.stdout
    assert git(found, "rev-parse", f"autoresearch/{night.name}") == branch
    assert folds.confirm_end(night.segments("dial")) == "confirmed"
    assert autoresearch(found, "command", "local", f"/drop {a}").returncode == 0
    assert autoresearch(found, "log", "--verify").returncode == 0


def test_a_branch_that_somebody_committed_to_is_left_alone(here: tuple[Repository, Night]) -> None:
    found, night = here
    git(found, "switch", "--quiet", f"autoresearch/{night.name}")
    git(found, "commit", "--quiet", "--allow-empty", "--message", "Mine")
    mine = git(found, "rev-parse", "HEAD")
    done = autoresearch(found, "command", "local", "/drop 2")
    assert done.returncode == 8
    assert "commits that the bot did not put there" in done.stderr
    assert git(found, "rev-parse", f"autoresearch/{night.name}") == mine


def test_the_page_of_a_laptop_numbers_rows_as_commands_do_and_its_lines_run(tmp_path: Path) -> None:
    found = make_repository(tmp_path, {**target_files("dial"), **target_files("knob", TOGETHER)})
    assert autoresearch(found, "night", "--quiet", "--seed", "1").returncode == 0
    night = nights(found)[-1]
    own = {row["change"][0]: row["number"] for row in rows(night.segments("knob"))}
    page = (night.path / "pull-request.md").read_text()
    shown = {
        change: int(n) for n, change in re.findall(r"^\| (\d+) \|[^|]*\| `(\w)", page.partition("## knob")[2], re.M)
    }
    assert shown == {change: 3 + number for change, number in own.items()}
    lines = re.findall(r"^autoresearch (reproduce .*)$", page, re.MULTILINE)
    assert f"reproduce {night.name}/knob#4" in lines
    for line in lines:
        assert autoresearch(found, *line.split()).returncode == 0, line
    committed = git(found, "show", f"autoresearch/{night.name}:results/knob/README.md")
    assert f"autoresearch reproduce {night.name}/knob#4" in committed
    done = autoresearch(found, "command", "local", f"/drop {shown['a']} {shown['c']}")
    gone = f"{min(shown['a'], shown['c'])}, {max(shown['a'], shown['c'])}"
    assert f"needed: row {shown['b']} cannot stand without row {gone}" in done.stdout
