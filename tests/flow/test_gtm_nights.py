"""A real night with `repair` alone on each shipped container: its gain, what it mends, and what it leaves alone."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.check import check
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers.repair.bench import Bench
from bot.proposers.repair.operators import OPERATORS
from bot.proposers.repair.unrepaired import unrepaired
from bot.report import report
from harness import folds
from harness.events import Event
from harness.repository import Repository
from harness.scorers.gtm import Declared, Scored, read, score
from harness.scorers.gtm import policy as policies
from harness.scorers.gtm.audit import audit
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.serving import declared_from
from tests.containers.made import MADE, file_of
from tests.containers.planted import CLEAN, Planted, planted
from tests.support import make_repository

LEAST = {"gtm-shop": 0.40, "gtm-leads": 0.20, "gtm-publisher": 0.15, "gtm-server": 0.10}  # gain of the total
MOST_EXPERIMENTS = 60
ARRAYS = {"template": "customTemplate"}
each_target = pytest.mark.parametrize("name", sorted(MADE))


@dataclass(frozen=True)
class Ran:
    """A night that is over, with its result as a file."""

    name: str
    repository: Repository
    night: Night
    out: Path
    before: bytes
    after: bytes

    @property
    def experiments(self) -> list[Event]:
        return list(folds.of_kind(self.night.segments(self.name), "experiment"))

    @property
    def confirmed(self) -> Event:
        (found,) = folds.of_kind(self.night.segments(self.name), "confirm")
        return found

    @property
    def declared(self) -> Declared:
        return declared_from(lambda name: (file_of(self.name).parent / name).read_bytes(), "declared.yaml")

    def scored(self, content: bytes) -> Scored:
        return score(read(content, "container.json"), self.declared)

    def audited(self, content: bytes) -> int:
        return audit(read(content, "container.json"), self.declared).weight


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    @functools.cache
    def made(name: str) -> Ran:
        folder = tmp_path_factory.mktemp(name)
        source = file_of(name).parent
        files = {
            f"targets/experiments/{name}/{one.name}": one.read_bytes() for one in source.iterdir() if one.is_file()
        }
        repository = make_repository(folder, files)
        (found,) = check(repository, [])
        assert found.ready, found.problems
        night, _ = plan(repository, Wishes())
        (target,) = targets_of(night)
        run(night, target, quiet=True)
        confirm(night, target)
        report(repository, night.name, folder / "out", as_json=False)
        state = folds.loop_state(night.segments(name), night.packs(name))
        return Ran(name, repository, night, folder / "out", file_of(name).read_bytes(), state.content)

    return made


def entities(content: bytes, kind: str) -> dict[str, dict[str, Any]]:
    """Of one kind, by id."""
    listed = json.loads(content)["containerVersion"].get(ARRAYS.get(kind, kind), [])
    return {one[f"{kind}Id"]: one for one in listed}


@each_target
def test_the_container_is_better_and_its_audit_no_worse(name: str, ran: Callable[[str], Ran]) -> None:
    night = ran(name)
    before, after = night.scored(night.before), night.scored(night.after)
    assert after.total - before.total >= LEAST[name]
    assert night.audited(night.after) <= night.audited(night.before)
    for was, now in zip(before.dimensions, after.dimensions, strict=True):
        assert (now.score or 0.0) >= (was.score or 0.0) - 0.01, was.name


def test_the_shop_is_brought_from_a_mess_to_order(ran: Callable[[str], Ran]) -> None:
    night = ran("gtm-shop")
    assert night.scored(night.before).total < 0.55
    assert night.scored(night.after).total >= 0.90
    assert len(night.experiments) < MOST_EXPERIMENTS
    assert night.audited(night.after) < night.audited(night.before)


@each_target
def test_the_night_ends_confirmed_and_its_rows_speak_of_entities(name: str, ran: Callable[[str], Ran]) -> None:
    event = ran(name).confirmed
    assert event["verdict"] == "confirmed", event
    kinds = re.compile(r"\b(tag|trigger|variable|folder|built-in)s?\b")
    assert event["rows"]
    assert all(kinds.search(row["change"]) for row in event["rows"]), event["rows"]


@each_target
def test_whatever_is_left_says_why(name: str, ran: Callable[[str], Ran]) -> None:
    """Nothing would be done about it, for a reason; or it was tried in the night, and refused for one."""
    night = ran(name)
    policy = policies.read((file_of(name).parent / "policy.yaml").read_bytes(), "policy.yaml")
    bench = Bench.of(read(night.after, "container.json"), night.declared, policy)
    listed = unrepaired(bench)
    assert listed
    assert all(len(why) > 20 for _issue, why in listed)
    open_issues = {issue for issue in bench.scored.issues if issue not in {one for one, _why in listed}}
    tried = {one["description"] for one in night.experiments if one["status"] != "keep"}
    for operator in OPERATORS:
        words = [f"{operator.name}: {one.words}" for one in operator.offers(bench) if open_issues & set(one.mends)]
        assert not words or tried & set(words), words


def test_what_was_planted_is_mended(ran: Callable[[str], Ran]) -> None:
    night = ran("gtm-shop")
    before, after = night.scored(night.before).issues, night.scored(night.after).issues
    faults = list(planted())
    left = [fault for fault in faults if _is_left(fault, before, after)]
    assert len(left) <= len(faults) / 10, left


def _is_left(fault: Planted, before: tuple[Issue, ...], after: tuple[Issue, ...]) -> bool:
    """Whether the issue still stands at that entity, which may have another name now."""
    told = [issue for issue in before if fault.is_told_by(issue)]
    assert told, fault
    same = {(issue.code, issue.entity, issue.id) for issue in told}
    return any(
        (issue.code, issue.entity, issue.id) in same and issue.message.startswith(fault.message) for issue in after
    )


def test_what_was_clean_is_untouched(ran: Callable[[str], Ran]) -> None:
    night = ran("gtm-shop")
    for kind, names in CLEAN.items():
        before, after = entities(night.before, kind), entities(night.after, kind)
        ids = [id_ for id_, one in before.items() if one["name"] in names]
        assert len(ids) == len(names)
        assert {before[id_]["name"]: after.get(id_) for id_ in ids} == {before[id_]["name"]: before[id_] for id_ in ids}


@each_target
def test_no_id_is_given_twice_and_no_reference_is_lost(name: str, ran: Callable[[str], Ran]) -> None:
    night = ran(name)
    before, after = read(night.before, "container.json"), read(night.after, "container.json")
    for kind, those in after.entities.items():
        assert len({one.id for one in those}) == len(those), kind
    old = {issue.message for issue in night.scored(night.before).issues if issue.code.endswith("-undefined")}
    new = {issue.message for issue in night.scored(night.after).issues if issue.code.endswith("-undefined")}
    assert new <= old
    assert (after.name, after.context) == (before.name, before.context)


def test_a_conversion_that_is_no_event_of_the_container_is_not_invented(ran: Callable[[str], Ran]) -> None:
    """The server hears of orders; which of them is a customer's first is not in it."""
    night = ran("gtm-server")
    left = [issue.message for issue in night.scored(night.after).issues if issue.code == "conversion-not-sent"]
    assert len(left) == 1
    assert '"First order"' in left[0]
    assert b"exampleFirst00003" not in night.after
