"""What keeps a night from beginning, and that it is said, typed and recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.forge.local import LocalForge
from bot.night import workflow
from bot.night.folder import Night, Plan
from bot.night.gates import Gates, NothingTonight, WorkflowRun, evening
from bot.night.handed.handing import take_over
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from bot.night.proposing.board import board
from bot.pages.dashboard import dashboard
from harness import folds
from harness.errors import ConfigError
from harness.repository import Repository
from tests.recorded import record
from tests.support import autoresearch, git, make_repository, write

AT = "targets/experiments"
EVALUATE = "from harness import candidate, evaluator\nevaluator.report({'score': candidate.load('params.yaml')['x']})\n"
TARGET = """
name: NAME
file: params.yaml
program: program.md
space: {/x: {int: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 6, wall_clock: 5m}
confirm: {budget: 5m}
"""
NOW = datetime(2026, 11, 22, 2, 17, tzinfo=UTC)
CONFIG = ".github/autoresearch.yml"


@dataclass(frozen=True)
class Counting(LocalForge):
    """The local forge with reviewers behind it."""

    waiting: frozenset[str] = frozenset()

    def open_branches(self) -> frozenset[str]:
        return self.waiting


def repository(tmp_path: Path, settings: str = "", **runners: str) -> Repository:
    files = {CONFIG: settings}
    for name, runner in (runners or {"dial": ""}).items():
        files[f"{AT}/{name}/target.yaml"] = TARGET.replace("NAME", name) + runner
        files |= {f"{AT}/{name}/evaluate.py": EVALUATE, f"{AT}/{name}/params.yaml": "x: 0\n"}
        files[f"{AT}/{name}/program.md"] = "Turn it up.\n"
    return make_repository(tmp_path, files)


def gates(found: Repository, waiting: Sequence[str] = (), **more: Any) -> Gates:
    return Gates(Counting(found.state, frozenset(waiting)), now=lambda: NOW, **{"once": True, **more})


def planned(found: Repository, wishes: Wishes = Wishes(), **more: Any) -> tuple[Night, Plan]:  # noqa: B008  # frozen
    return plan(found, wishes, forge=Counting(found.state), gates=gates(found, **more))


def ends(night: Night) -> dict[str, str | None]:
    return {share.name: folds.run_end(night.segments(share.name)) for share in night.plan.targets}


def in_vain(found: Repository, nights: Sequence[str], target: str = "dial", end: str = "exhausted") -> None:
    for night in nights:
        record(found, target, night, {"run": end, "confirm": "not-confirmed"})


def commit(found: Repository, branch: str, files: dict[str, str]) -> None:
    """Somebody's commit on a branch; `main` is checked out after it."""
    git(found, "checkout", "--quiet", branch)
    write(found, files)
    git(found, "add", "--all")
    git(found, "commit", "--quiet", "-m", "Change")
    git(found, "checkout", "--quiet", "main")


def proposed(found: Repository, *targets: str) -> str:
    """The branch of an earlier night that confirmed x: 3 of these targets; nobody has looked at it."""
    branch = f"autoresearch/{PROPOSED}"
    git(found, "branch", branch)
    commit(found, branch, {f"{AT}/{target}/params.yaml": "x: 3\n" for target in targets})
    row = git(found, "rev-parse", f"{branch}:{AT}/{targets[0]}/params.yaml")
    event = {"event": "proposed", "branch": branch, "head": git(found, "rev-parse", branch), "rows": [row]}
    for target in targets:
        ended = {"run": "exhausted", "confirm": "confirmed", "propose": "confirmed"}
        record(found, target, PROPOSED, ended, proposed=[event])
    return branch


PROPOSED = "2026-11-10"
FIVE = [f"2026-11-{day}" for day in range(11, 16)]


# Broken ------------------------------------------------------------------------------------------------------------


def test_a_target_that_does_not_load_is_named_and_the_others_have_their_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = repository(tmp_path, dial="", knob="", wheel="")
    commit(found, "main", {f"{AT}/knob/target.yaml": "name: knob\nfile: nowhere.yaml\n"})
    assert autoresearch(found, "plan").returncode == 3, "a human who plans on a machine of theirs is told at once"
    done = autoresearch(found, "plan", "--once", "--hand-over", str(tmp_path / "carried" / "plan-1"))
    assert done.returncode == 0, done.stderr
    assert f"knob: left out: {AT}/knob/target.yaml" in done.stderr
    night = take_over(found, tmp_path / "carried", "run").night
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    workflow.tell(night)
    assert "`knob`: does not load" in (tmp_path / "summary.md").read_text()
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert [one.name for one in targets_of(night)] == ["dial", "wheel"]
    for verb in ("run", "confirm"):
        assert autoresearch(found, verb, "--target", "dial", "--quiet").returncode == 0, verb
    shown = dashboard(board(night, {}))
    (line,) = [line for line in shown.splitlines() if line.startswith("| knob ")]
    assert "does not load" in line
    assert f"{AT}/knob/target.yaml" in line


def test_two_targets_that_claim_one_file_are_both_left_out(tmp_path: Path) -> None:
    found = repository(tmp_path, dial="", knob="", wheel="")
    same = TARGET.replace("NAME", "knob").replace("file: params.yaml", "file: /targets/experiments/dial/params.yaml")
    commit(found, "main", {f"{AT}/knob/target.yaml": same})
    night, _ = planned(found)
    assert [share.name for share in night.plan.targets] == ["wheel"]
    with pytest.raises(ConfigError, match="is also the file of"):
        plan(found, Wishes(("dial",)))


def test_where_no_target_loads_there_is_no_night(tmp_path: Path) -> None:
    found = repository(tmp_path)
    commit(found, "main", {f"{AT}/dial/target.yaml": "name: dial\n"})
    with pytest.raises(ConfigError):
        planned(found)


def test_a_target_that_no_night_can_work_on_ends_before_it_begins(tmp_path: Path) -> None:
    broken = "proposer: {kind: tune, catalogue: catalogue.yaml}\n"
    found = repository(tmp_path, dial="", knob=broken)
    commit(found, "main", {f"{AT}/knob/catalogue.yaml": "nothing: here\n"})
    with pytest.raises(ConfigError):
        plan(found, Wishes())
    night, _ = planned(found)
    assert ends(night) == {"dial": None, "knob": "config"}
    in_vain(found, ["2026-11-20"], "knob", "config")
    (again,) = planned(found, once=False)[1].targets
    assert again.name == "dial", "it was said in the night in which it began"


# Once --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "date"),
    [
        ("UTC", "2026-11-22T02:17+00:00", "2026-11-21"),
        ("UTC", "2026-11-22T14:16+00:00", "2026-11-21"),
        ("UTC", "2026-11-22T14:17+00:00", "2026-11-22"),
        ("Europe/Berlin", "2026-11-22T13:30+00:00", "2026-11-22"),
        ("America/Los_Angeles", "2026-11-22T22:16+00:00", "2026-11-21"),
        ("Pacific/Auckland", "2026-11-22T02:17+00:00", "2026-11-22"),
    ],
)
def test_a_night_belongs_to_the_evening_it_begins(zone: str, now: str, date: str) -> None:
    settings = config.Config(schedule=config.Schedule(timezone=zone))
    assert evening(settings, datetime.fromisoformat(now)).isoformat() == date


@pytest.mark.parametrize(
    ("cron", "hour"),
    [("47 11 * * *", "11:47"), ("0 12 * * *", "12:00"), ("30 22 * * 1-5", "22:30"), ("*/5 0 * * *", "00:00")],
)
def test_a_tick_may_come_hours_late_wherever_it_stands_on_the_clock(cron: str, hour: str) -> None:
    settings = config.Config(schedule=config.Schedule(cron=cron))
    tick = datetime.fromisoformat(f"2026-11-22T{hour}+00:00")
    dates = {evening(settings, tick + timedelta(minutes=late)) for late in (0, 25, 11 * 60)}
    assert len(dates) == 1
    assert dates.isdisjoint({evening(settings, tick + timedelta(days=day)) for day in (-1, 1)})


def test_a_schedule_of_several_hours_turns_at_noon() -> None:
    settings = config.Config(schedule=config.Schedule(cron="0 1,13 * * *"))
    at = [evening(settings, datetime(2026, 11, 22, hour, tzinfo=UTC)).day for hour in (11, 12)]
    assert at == [21, 22]


def test_more_targets_than_a_workflow_has_jobs_wait_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.night.gates.MOST_JOBS", 2)
    found = repository(tmp_path, alpha="", beta="", dial="")
    in_vain(found, FIVE[:1], "alpha")
    told: list[str] = []
    night, _ = plan(found, Wishes(), forge=Counting(found.state), gates=gates(found), say=told.append)
    assert [share.name for share in night.plan.targets] == ["beta", "dial"], "alpha has run, the others never"
    assert told[0].startswith("alpha: waiting: 3 targets are due, a workflow has at most 2")
    workflow.tell(night, told)


def test_a_tick_that_comes_twice_does_nothing_twice(tmp_path: Path) -> None:
    found = repository(tmp_path)
    night, _ = planned(found)
    assert night.name == "2026-11-21"
    with pytest.raises(NothingTonight, match="already-done: the night 2026-11-21 is recorded or planned"):
        planned(found)  # open, hours late or not
    between, _ = planned(found, once=False)
    assert between.name == "2026-11-21-2"


def test_a_recorded_night_is_had_wherever_it_ran(tmp_path: Path) -> None:
    found = repository(tmp_path)
    record(found, "dial", "2026-11-20", {"run": "exhausted"})
    record(found, "dial", "2026-11-21-2", {"run": "exhausted"})  # a night between uses nothing up
    assert planned(found)[0].name == "2026-11-21"
    other = repository(tmp_path / "other")
    record(other, "dial", "2026-11-21", {"run": "exhausted"})
    with pytest.raises(NothingTonight, match="already-done"):
        planned(other)


def test_both_kinds_of_runner_have_their_night(tmp_path: Path) -> None:
    found = repository(tmp_path, dial="", gpu="runner: [self-hosted, gpu]\n")
    hosted, _ = planned(found, runner="hosted")
    own, _ = planned(found, runner="self-hosted")
    assert (hosted.name, ends(hosted)) == ("2026-11-21", {"dial": None})
    assert (own.name, ends(own)) == ("2026-11-21-gpu", {"gpu": None})
    alone = repository(tmp_path / "alone")
    with pytest.raises(NothingTonight, match="no-target"):
        planned(alone, runner="self-hosted")


# Sleeping ----------------------------------------------------------------------------------------------------------


def test_five_nights_in_vain_put_a_target_to_sleep_once(tmp_path: Path) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE[:4])
    assert ends(planned(found)[0]) == {"dial": None}
    in_vain(found, FIVE[4:])
    night, _ = plan(found, Wishes(), gates=gates(found, once=False))
    assert ends(night) == {"dial": "sleeping"}
    (segment,) = night.segments("dial")
    assert [event["event"] for event in segment.events] == ["header", "seal"]
    proposed = propose(night, targets_of(night), LocalForge(night.path))
    assert (proposed.opened, proposed.refused, [report.end for report in proposed.reports]) == (None, {}, ["sleeping"])
    assert night.done
    listed = git(found, "ls-tree", "-r", "--name-only", "autoresearch/results").split()
    assert f"dial/{night.name}.1-run.jsonl" in listed
    with pytest.raises(NothingTonight, match="sleeping: 5 nights without a confirmed change"):
        planned(found, once=False)  # said once, and silent from then on


def test_the_dashboard_says_who_sleeps_until_they_wake(tmp_path: Path) -> None:
    found = repository(tmp_path, "sleep_after: 2\n", dial="", knob="")
    in_vain(found, FIVE[:2])
    night, _ = planned(found)
    assert board(night, {}).asleep == {}, "it is not recorded yet"
    propose(night, targets_of(night), LocalForge(night.path))
    why = "2 nights without a confirmed change, and nothing of it has changed since"
    assert board(night, {}).asleep == {"dial": f"since {night.name}: {why}"}
    in_vain(found, [f"2026-12-{day}" for day in range(10, 18)], "knob")
    later = board(night, {})
    assert set(later.asleep) == {"dial"}
    assert {report.name for report in later.reports} == {"knob"}, "its own night is out of sight"
    assert "| dial | none lately | asleep: `since 2026-11-21: 2 nights" in dashboard(later)
    record(found, "dial", "2026-12-18", {"run": "exhausted"})
    assert board(night, {}).asleep == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [("params.yaml", "x: 1\n"), ("evaluate.py", f"{EVALUATE}# again\n"), ("program.md", "Turn it down.\n")],
)
def test_a_change_wakes_it(tmp_path: Path, name: str, text: str) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE)
    write(found, {f"{AT}/dial/{name}": text})
    git(found, "commit", "--quiet", "--all", "-m", "Change")
    assert ends(planned(found)[0]) == {"dial": None}


def test_another_commit_does_not_wake_it(tmp_path: Path) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE)
    write(found, {"README.md": "Hello\n"})
    git(found, "add", "README.md")
    git(found, "commit", "--quiet", "-m", "Change")
    assert ends(planned(found)[0]) == {"dial": "sleeping"}


def test_a_human_who_names_it_wakes_it(tmp_path: Path) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE)
    assert ends(planned(found, Wishes(targets=("dial",)))[0]) == {"dial": None}


@pytest.mark.parametrize("end", ["infra", "integrity", "minutes", "runner-absent", "reviewers-behind", "interrupt"])
def test_nights_that_tried_nothing_neither_count_nor_break_the_row(tmp_path: Path, end: str) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE[:4])
    record(found, "dial", "2026-11-15", {"run": end})
    assert ends(planned(found)[0]) == {"dial": None}
    in_vain(found, ["2026-11-16"])
    assert ends(planned(found, once=False)[0]) == {"dial": "sleeping"}


def test_a_confirmed_night_breaks_the_row(tmp_path: Path) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE[:2])
    record(found, "dial", FIVE[2], {"run": "exhausted", "confirm": "confirmed"})
    in_vain(found, [*FIVE[3:], "2026-11-16", "2026-11-17"])
    assert ends(planned(found)[0]) == {"dial": None}


def test_a_base_that_is_not_here_wakes_it(tmp_path: Path) -> None:
    found = repository(tmp_path)
    in_vain(found, FIVE[:4])
    record(found, "dial", FIVE[4], {"run": "exhausted"}, base="d" * 40)
    assert ends(planned(found)[0]) == {"dial": None}


def test_sleep_after_is_configured(tmp_path: Path) -> None:
    found = repository(tmp_path, "sleep_after: 2\n")
    in_vain(found, FIVE[:2])
    assert ends(planned(found)[0]) == {"dial": "sleeping"}


# Reviewers behind --------------------------------------------------------------------------------------------------


def test_reviewers_who_are_behind_end_the_night_before_it_spends(tmp_path: Path) -> None:
    found = repository(tmp_path, "pull_request: {max_open: 2}\n")
    assert ends(planned(found, waiting=["autoresearch/a"], once=False)[0]) == {"dial": None}
    two = ["autoresearch/a", "autoresearch/b"]
    night, _ = planned(found, waiting=two)
    assert ends(night) == {"dial": "reviewers-behind"}
    assert night.segments("dial")[0].events[-1]["why"] == "2 pull requests wait for a review, and max_open is 2"
    propose(night, targets_of(night), LocalForge(night.path))
    with pytest.raises(NothingTonight, match="reviewers-behind"):
        planned(found, waiting=two, once=False)
    assert ends(planned(found, once=False)[0]) == {"dial": None}


def test_what_the_night_would_take_over_does_not_count(tmp_path: Path) -> None:
    found = repository(tmp_path, "pull_request: {max_open: 1}\n", dial="", knob="")
    branch = proposed(found, "dial", "knob")
    night, plan_ = planned(found, waiting=[branch])
    assert ends(night) == {"dial": None, "knob": None}
    assert [share.carried_from for share in plan_.targets] == [PROPOSED, PROPOSED]
    alone, _ = planned(found, Wishes(targets=("dial",)), waiting=[branch], once=False)
    assert ends(alone) == {"dial": "reviewers-behind"}, "a row of another target would be left in it"
    assert alone.segments("dial")[0].events[-1]["why"] == "1 pull request waits for a review, and max_open is 1"
    other, _ = planned(found, waiting=[branch, "autoresearch/a"], once=False)
    assert ends(other) == {"dial": "reviewers-behind", "knob": "reviewers-behind"}


def test_what_a_human_took_up_waits_for_them(tmp_path: Path) -> None:
    found = repository(tmp_path, dial="", knob="")
    branch = proposed(found, "dial")
    night, plan_ = planned(found)
    assert ends(night) == {"dial": None, "knob": None}, "nobody has looked at it"
    assert plan_.targets[0].carried_from == PROPOSED
    commit(found, branch, {"NOTES.md": "Hm.\n"})
    night, _ = planned(found, once=False)
    assert ends(night) == {"dial": "reviewers-behind", "knob": None}
    (segment,) = night.segments("dial")
    assert [event["event"] for event in segment.events] == ["header", "seal"]
    why = f"the branch {branch} is in a human's hands, and the target waits until that is decided"
    assert segment.events[-1]["why"] == why
    proposed_again = propose(night, targets_of(night)[:1], LocalForge(night.path))
    assert (proposed_again.opened, proposed_again.refused) == (None, {})
    told: list[str] = []
    night, _ = plan(found, Wishes(), gates=gates(found, once=False), say=told.append)
    assert (ends(night), told) == ({"knob": None}, [f"dial: reviewers-behind: {why}"])
    with pytest.raises(NothingTonight, match=branch):
        planned(found, Wishes(targets=("dial",)), once=False)  # naming it does not take it from them
    git(found, "branch", "-D", branch)
    assert ends(planned(found, once=False)[0]) == {"dial": None, "knob": None}


def test_on_a_laptop_too(tmp_path: Path) -> None:
    found = repository(tmp_path)
    branch = proposed(found, "dial")
    assert ends(plan(found, Wishes())[0]) == {"dial": None}
    commit(found, branch, {"NOTES.md": "Hm.\n"})
    done = autoresearch(found, "night", "--new", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "reviewers-behind" in done.stdout
    assert branch in done.stdout
    git(found, "merge", "--quiet", "--no-edit", branch)
    assert ends(plan(found, Wishes())[0]) == {"dial": None}


def test_another_lock_is_another_turn(tmp_path: Path) -> None:
    found = repository(tmp_path)
    commit(found, proposed(found, "dial"), {"NOTES.md": "Hm.\n"})
    commit(found, "main", {f"{AT}/dial/evaluate.py": f"{EVALUATE}# again\n"})
    assert ends(planned(found)[0]) == {"dial": None}


# Minutes -----------------------------------------------------------------------------------------------------------

JOBS = 30 + 30  # a loop or confirm of 5 minutes, 15 for what goes around it, 10 for the job
RUN = WorkflowRun("7", 20, measured=True)


@pytest.mark.parametrize(
    ("most", "runs", "ended"),
    [
        (50 + 2 * JOBS, [], set()),
        (50 + 2 * JOBS - 1, [], {"knob"}),
        (50 + JOBS - 1, [], {"dial", "knob"}),
        (50 + 2 * JOBS + 20, [RUN], {"dial", "knob"}),  # it left no record
        (50 + 2 * JOBS + 20, [replace(RUN, measured=False)], set()),
        (50 + 2 * JOBS + 19, [replace(RUN, measured=False)], {"knob"}),
    ],
)
def test_minutes_are_reserved_before_they_are_spent(
    tmp_path: Path, most: int, runs: list[WorkflowRun], ended: set[str]
) -> None:
    found = repository(tmp_path, f"budget: {{actions_minutes: {most}}}\n", dial="", knob="")
    night, _ = planned(found, runs=lambda _since: runs)
    assert {name for name, end in ends(night).items() if end == "minutes"} == ended


def test_a_run_that_left_its_record_counts_what_it_took(tmp_path: Path) -> None:
    found = repository(tmp_path, f"budget: {{actions_minutes: {50 + JOBS + 20}}}\n")
    record(found, "dial", "2026-11-21-2", {"run": "exhausted"}, machine={"run": "7"})
    asked = []

    def runs(since: datetime) -> list[WorkflowRun]:
        asked.append(since)
        return [RUN]

    assert ends(planned(found, runs=runs)[0]) == {"dial": None}
    assert asked == [datetime(2026, 11, 21, 14, 17, tzinfo=UTC)]


# Between jobs ------------------------------------------------------------------------------------------------------


def test_what_plan_ended_reaches_the_records_through_the_hand_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = repository(tmp_path, "sleep_after: 2\nschedule: {timezone: UTC}\n", dial="", knob="")
    in_vain(found, FIVE[:2])
    outputs, summary = tmp_path / "outputs", tmp_path / "summary"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = autoresearch(found, "plan", "--once", "--runner", "hosted", "--hand-over", str(tmp_path / "in" / "plan-1"))
    assert done.returncode == 0, done.stderr
    said = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    assert json.loads(said["matrix"]) == [{"target": "knob", "runner": "ubuntu-latest"}]
    assert "- `dial`: sleeping: `2 nights without a confirmed change" in summary.read_text()
    taken = take_over(found, tmp_path / "in", "propose")
    assert taken.night.name == said["night"]
    assert (ends(taken.night), taken.refused) == ({"dial": "sleeping", "knob": None}, {})
    assert taken.silent == {"knob": "its job handed over nothing"}
    outputs.unlink()
    again = autoresearch(found, "plan", "--once", "--runner", "hosted")
    assert (again.returncode, outputs.read_text()) == (0, "night=\nmatrix=[]\n")
    assert "already-done" in again.stderr


def test_a_machine_that_never_came_is_recorded(tmp_path: Path) -> None:
    found = repository(tmp_path, gpu="runner: [self-hosted, gpu]\n")
    done = autoresearch(found, "plan", "--runner", "self-hosted", "--hand-over", str(tmp_path / "in" / "plan-1"))
    assert done.returncode == 0, done.stderr
    done = autoresearch(found, "propose", "--handed", str(tmp_path / "in"))
    assert done.returncode == 0, done.stderr
    (path,) = git(found, "ls-tree", "-r", "--name-only", "autoresearch/results").split()
    assert '"end":"runner-absent"' in git(found, "show", f"autoresearch/results:{path}")
