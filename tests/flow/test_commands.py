"""/recheck, /drop N and /hold from the comment to the branch, on the test server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import records
from bot.commands import answer as answering
from bot.commands.gate import Outcome
from bot.forge.github.comments import Comments
from bot.forge.github.forge import GitHubForge
from bot.night.folder import nights
from bot.night.gates import end_before_it_began
from bot.night.night import targets_of
from bot.night.proposing import opening, recording
from bot.pages.facts import Minutes
from bot.reproduce import Reproduction, reproduce
from harness import folds, standing
from harness.errors import NotFound
from harness.events import Segment
from harness.repository import Repository
from tests.commanding import World, answers, night_over, proposed, reactions, target_files
from tests.support import autoresearch, git

SHIFTED = """
from pathlib import Path
from harness import candidate, evaluator

def score(request):
    shift = float(Path("SHIFT").read_text())
    return [evaluator.Scores({"score": shift * sum(candidate.load(item.path).values())}) for item in request.items]

evaluator.serve(score)
"""

pytestmark = pytest.mark.usefixtures("no_chart")


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return night_over(tmp_path_factory.mktemp("one"), target_files("dial"))


@pytest.fixture(scope="module")
def two_over(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return night_over(tmp_path_factory.mktemp("two"), {**target_files("dial"), **target_files("knob")})


@pytest.fixture
def world(tmp_path: Path, over: Repository) -> Iterator[World]:
    with proposed(tmp_path, over) as found:
        yield found


def segments(repository: Repository, night: str, target: str = "dial") -> list[Segment]:
    found = [one for one in records.segments(repository, target) if one.name.startswith(f"{night}.")]
    return sorted(found, key=lambda one: int(one.name.rpartition(".")[2].partition("-")[0]))


def recorded(world: World, target: str = "dial") -> list[Segment]:
    return segments(world.job().repository, world.night, target)


def subjects(world: World) -> list[str]:
    """Of the pull request's commits, the results' left out."""
    return git(world.hosted.bare.path, "log", "--reverse", "--format=%s", f"main..{world.pull.head_sha}").splitlines()[
        :-1
    ]


def content(world: World, target: str = "dial") -> str:
    return git(world.hosted.bare.path, "show", f"{world.pull.head_sha}:targets/experiments/{target}/params.yaml")


def test_a_dropped_row_leaves_the_branch_and_stays_struck_on_the_page(world: World) -> None:
    before, body = subjects(world), world.pull.body or ""
    world.pull.body = f"Ada was here.\n\n{body}"
    said, found = world.whole("/drop 2", "dial")
    assert found
    assert found.ends == {"dial": "confirmed"}
    assert reactions(said) == ["eyes", "rocket"]
    assert not answers(world, said)
    assert subjects(world) == [before[0], before[2]]
    assert (world.pull.body or "").startswith("Ada was here.")
    assert "~~2~~" in (world.pull.body or "")
    assert "dropped by `ada`" in (world.pull.body or "")
    (check,) = [one for one in world.hosted.check_runs if one.head_sha == world.pull.head_sha]
    assert (check.name, check.conclusion) == ("autoresearch/verdict", "success")
    last = recorded(world)
    assert [segment.header["verb"] for segment in last][-2:] == ["drop", "propose"]
    assert standing.proposed(last)[0]["head"] == world.pull.head_sha  # type: ignore[index]
    clone = world.job().repository
    assert autoresearch(clone, "log", "--verify").returncode == 0
    assert len(world.hosted.pulls) == 1


def test_a_recheck_measures_with_seeds_of_its_own_and_moves_nothing(world: World) -> None:
    head = world.pull.head_sha
    said, found = world.whole("/recheck", "dial")
    assert found
    assert found.confirmed
    assert reactions(said) == ["eyes", "rocket"]
    assert world.pull.head_sha == head
    assert [segment.header["verb"] for segment in recorded(world)][-1] == "recheck"
    seeds = [
        event["seed"] for s in recorded(world) for event in folds.of_kind([s], "note") if event.get("block") == "score"
    ]
    assert len(set(seeds)) == 2, "confirm and recheck measured under one seed, or under many"


@pytest.mark.parametrize("command", ["/recheck", "/drop 2"])
def test_a_base_that_changed_the_same_file_since_is_said_whatever_was_measured(world: World, command: str) -> None:
    world.hosted.commit("main", {"targets/experiments/dial/params.yaml": "a: 7\nb: 0\nc: 0\n"}, by="ada")
    _said, found = world.whole(command, "dial")
    assert found
    assert found.confirmed, "it was measured on the night's own base"
    assert "Do not merge" in (world.pull.body or "")
    assert "it changed a file that this pull request changes" in (world.pull.body or "")
    assert [one.conclusion for one in world.hosted.check_runs if one.head_sha == world.pull.head_sha][-1] == "failure"


@pytest.mark.parametrize("ended", ["", "sleeping"])
def test_a_command_keeps_what_the_page_said_of_the_night(tmp_path: Path, two_over: Repository, ended: str) -> None:
    shutil.copytree(two_over.root, tmp_path / "over")
    over = Repository.find(tmp_path / "over")
    night = nights(over)[-1]
    for path in night.folder("knob").glob("*-*"):
        path.unlink()
    if ended:
        end_before_it_began(night, targets_of(night)[-1], ended, "it kept nothing for 5 nights")
    with proposed(tmp_path / "world", over, minutes=Minutes(12, 90)) as world:
        said = {f"did not run: knob ({ended or 'infra'})", "12 of 90 reserved Actions minutes"}
        assert all(one in (world.pull.body or "") for one in said)
        for command in ("/recheck", "/drop 2"):
            _said, found = world.whole(command, "dial")
            assert found
            assert found.confirmed
            assert [one for one in sorted(said) if one not in (world.pull.body or "")] == []


def test_a_result_that_does_not_come_out_again_is_not_to_be_merged(tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    shift.write_text("1")
    over = night_over(tmp_path / "night", target_files("dial", SHIFTED.replace("SHIFT", str(shift))))
    (tmp_path / "server").mkdir()
    with proposed(tmp_path / "server", over) as world:
        head = world.pull.head_sha
        shift.write_text("2")
        said, found = world.whole("/recheck", "dial")
        assert found
        assert found.ends == {"dial": "not-confirmed"}
        assert "other numbers" in answers(world, said)[0]
        assert reactions(said) == ["confused", "eyes"]
        assert "needs-recheck" in world.pull.labels
        assert "Do not merge" in (world.pull.body or "")
        assert world.hosted.check_runs[-1].conclusion == "failure"
        assert world.pull.head_sha == head
        shift.write_text("1")
        world.whole("/recheck", "dial")
        assert "needs-recheck" not in world.pull.labels
        assert "Merge if" in (world.pull.body or "")
        assert world.hosted.check_runs[-1].conclusion == "success"


def test_rows_that_nothing_vouches_for_leave_the_branch_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    shift.write_text("1")
    files = {**target_files("dial", SHIFTED.replace("SHIFT", str(shift))), **target_files("knob")}
    over = night_over(tmp_path / "night", files)
    (tmp_path / "server").mkdir()
    with proposed(tmp_path / "server", over) as world:
        before = subjects(world)
        shift.write_text("2")
        said, found = world.whole("/recheck", "dial", "knob")
        assert found
        assert found.ends == {"dial": "not-confirmed", "knob": "confirmed"}
        assert reactions(said) == ["confused", "eyes"]
        assert subjects(world) == before[3:]
        assert "| [4](" in (world.pull.body or ""), "the other target's rows are counted anew"
        assert "| [1](" not in (world.pull.body or "")
        world.whole("/drop 5", "knob")
        assert subjects(world) == [before[3], before[5]]
        assert autoresearch(world.job().repository, "log", "--verify").returncode == 0


def test_rows_of_all_targets_are_numbered_on_and_go_by_these_numbers(tmp_path: Path, two_over: Repository) -> None:
    with proposed(tmp_path, two_over) as world:
        before = subjects(world)
        assert len(before) == 6
        dial = content(world, "dial")
        said, found = world.whole("/drop 2 5", "dial", "knob")
        assert found
        assert found.ends == {"dial": "confirmed", "knob": "confirmed"}
        assert subjects(world) == [before[0], before[2], before[3], before[5]]
        assert content(world, "dial") != dial
        assert "~~5~~" in (world.pull.body or "")
        assert rows_reproduced(world) == {"dial#1", "dial#3", "knob#4", "knob#6"}
        said, found = world.whole("/drop 6", "knob")
        assert subjects(world) == [before[0], before[2], before[3]]
        heads = {standing.proposed(recorded(world, name))[0]["head"] for name in ("dial", "knob")}  # type: ignore[index]
        assert heads == {world.pull.head_sha}
        said, _ = world.whole("/drop 2")
        assert "row 2 is not there any more" in answers(world, said)[0]


def rows_reproduced(world: World) -> set[str]:
    """Every row that `reproduce` knows, under the number that it has on the page."""
    clone, found = world.job().repository, set()
    for target in ("dial", "knob"):
        for number in range(1, 8):
            try:
                again = reproduce(clone, f"{world.night}/{target}#{number}")
            except NotFound:
                continue
            assert isinstance(again, Reproduction)
            assert again.same
            assert f"[{number}](" in (world.pull.body or "")
            found.add(again.name.partition("/")[2])
        assert again.content.decode().strip() == content(world, target), "the last row is the whole result"
    return found


def test_hold_is_a_label(world: World) -> None:
    said, _ = world.whole("/hold")
    assert "hold" in world.pull.labels
    assert reactions(said) == ["eyes", "rocket"]


def test_a_job_that_left_nothing_is_said_and_its_re_run_mends_it(world: World) -> None:
    said = world.comment("/drop 3")
    handed, event = world.folder / "handed", world.event(said)
    world.gate(event, handed)
    found = world.post(event, handed)
    assert found
    assert found.ends == {"dial": ""}
    assert "not measured" in answers(world, said)[0]
    world.work(handed, "dial")
    found = world.post(event, handed)
    assert found
    assert found.confirmed
    assert len(subjects(world)) == 2


APP = "shop-app[bot]"


def test_where_an_app_writes_its_own_pull_requests_are_heard(
    tmp_path: Path, over: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proposed(tmp_path, over, app=APP) as world:
        assert world.pull.user.login == APP
        said = world.comment("/drop 2")
        handed, event = world.folder / "handed", world.event(said)
        assert world.gate(event, handed).outcome is Outcome.UNHEARD, "no App is installed here"
        monkeypatch.setenv("AUTORESEARCH_APP", "yes")
        assert world.gate(event, handed).outcome is Outcome.ACCEPTED
        monkeypatch.setenv("AUTORESEARCH_LOGIN", APP)
        for _ in range(2):  # nothing was measured yet: it says so, in one comment of its own
            world.post(event, handed)
        (answer,) = [one for one in world.pull.comments if one.user.login == APP]
        assert "not measured" in answer.body
        world.work(handed, "dial")
        found = world.post(event, handed)
        assert found
        assert found.confirmed
        assert "~~2~~" in (world.pull.body or "")


def test_a_pull_request_of_before_the_app_is_still_the_bots(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_APP", "yes")
    world.app = APP
    monkeypatch.setenv("AUTORESEARCH_LOGIN", APP)
    _, found = world.whole("/drop 2", "dial")
    assert found
    assert found.confirmed


class Killed(BaseException):
    """The machine is gone."""


STEPS = [
    (recording, "records.append"), (GitHubForge, "publish_records"), (GitHubForge, "publish"), (opening, "_note"),
    (GitHubForge, "open"), (answering, "recorded"), (Comments, "react"),
]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_post_killed_at_every_step_ends_the_same_with_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    before = subjects(world)
    said = world.comment("/drop 2")
    handed, event = world.folder / "handed", world.event(said)
    world.gate(event, handed)
    world.work(handed, "dial")
    for where, name in STEPS:
        killed_once(monkeypatch, where, name, after=after)
        with pytest.raises(Killed):
            world.post(event, handed)
        monkeypatch.undo()
    for _ in range(2):
        world.post(event, handed)
    assert reactions(said) == ["eyes", "rocket"]
    assert not answers(world, said)
    assert subjects(world) == [before[0], before[2]]
    assert [one.header["verb"] for one in recorded(world)] == ["run", "confirm", "propose", "drop", "propose"]
    assert len([one for one in world.hosted.check_runs if one.head_sha == world.pull.head_sha]) == 1
    assert autoresearch(world.job().repository, "log", "--verify").returncode == 0


def killed_once(monkeypatch: pytest.MonkeyPatch, where: object, name: str, *, after: bool) -> None:
    *path, last = name.split(".")
    for part in path:
        where = getattr(where, part)
    real = getattr(where, last)

    def dies(*arguments: object, **named: object) -> None:
        if after:
            real(*arguments, **named)
        raise Killed(name)

    monkeypatch.setattr(where, last, dies)


def test_what_is_asked_reaches_the_next_job_as_it_was_decided(world: World) -> None:
    said = world.comment("/drop 3 1")
    handed = world.folder / "handed"
    found = world.gate(world.event(said), handed)
    written = json.loads((handed / "command-1" / "request.json").read_text())
    assert (written["rows"], written["numbers"]) == ({"dial": [1, 3]}, [1, 3])
    assert (written["head"], written["by"], written["comment"]) == (world.pull.head_sha, "ada", said.id)
    assert found.matrix == {"dial": (1, 3)}
