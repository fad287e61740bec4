"""A portfolio asks the arm that yields most, never starves its control, outlives its arms, and keeps to its money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot import proposers
from bot.proposers import Outcome, Over, Proposal, Proposer, Request, Told
from bot.proposers.bandit import CONTROL_SHARE, TRIES, Bandit, Effort
from bot.proposers.portfolio import Arm, Portfolio, arms_of, used_up
from harness.target import Budget, Target
from tests.conforming import Play, Scripted, contents, mixed, setup
from tests.proposing import SPACE, target

BUDGET = Budget(400, 1000.0, 2.0, None)


@dataclass
class Puppet:
    """Proposes what is made of its name; ends as it is told to. ends: asks -> how."""

    name: str
    worst_case_usd: float = 0.0
    steady: bool = False
    empty_for: bytes = b""
    over: Over | None = None
    mends: bool = False
    asked: list[int] = field(default_factory=list)
    told: list[Outcome] = field(default_factory=list)
    recalled: list[Told] = field(default_factory=list)

    def ask(self, request: Request) -> list[Proposal]:
        self.asked.append(request.first)
        if self.over:
            raise self.over
        if request.incumbent == self.empty_for:
            return []
        numbers = range(request.first, request.first + request.count)
        return [Proposal(b"%d" % n, self.name, self.worst_case_usd, spent={"seconds": 2.0}) for n in numbers]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.told += outcomes

    def recall(self, told: Iterable[Told]) -> None:
        self.recalled += told


class Mender(Puppet):
    def repair(self, proposal: Proposal, why: str) -> Proposal | None:
        return replace(proposal, description=f"mended: {why}", spent={}) if self.mends else None


def portfolio(*puppets: Puppet, seed: int = 1) -> Portfolio:
    here: Target = replace(target(SPACE), budget=BUDGET)
    arms: list[Proposer] = list(puppets)
    return Portfolio(here, seed, [Arm(p.name, arm) for p, arm in zip(puppets, arms, strict=True)], puppets[0].name)


def night(mixed: Portfolio, batches: int, chances: dict[str, int], count: int = 4) -> list[str]:
    """Of an arm's proposals one in so many is kept. The arm of every experiment."""
    found: list[str] = []
    for _ in range(batches):
        asked = mixed.ask(Request(b"x", {}, len(found) + 1, count, set(), 400, 2.0))
        outcomes = []
        for proposal in asked:
            found.append(proposal.spent["arm"])
            keep = found.count(found[-1]) % chances[found[-1]] == 0
            said = ("keep", "better") if keep else ("discard", "worse")
            outcomes.append(Outcome(len(found), *said, {}, {}, gain=0.1 * keep, spent=proposal.spent))
        mixed.tell(outcomes)
    return found


def test_the_better_arm_is_asked_most_and_the_control_gets_its_share() -> None:
    found = night(
        portfolio(Puppet("control"), Puppet("good"), Puppet("poor")), 100, {"control": 90, "good": 8, "poor": 90}
    )
    assert found.count("good") > 200
    assert found[:4] == ["control"] * 4
    for number in range(1, len(found) + 1):
        assert found[:number].count("control") >= CONTROL_SHARE * number


def test_a_good_control_is_no_prisoner_of_its_share() -> None:
    found = night(portfolio(Puppet("control"), Puppet("poor")), 100, {"control": 8, "poor": 90})
    assert found.count("control") > 240


def test_a_batch_as_large_as_the_night_is_shared_too() -> None:
    small = replace(BUDGET, experiments=14)
    puppets = [Puppet("control"), Puppet("other")]
    arms = [Arm(puppet.name, puppet) for puppet in puppets]
    found = night(
        Portfolio(replace(target(SPACE), budget=small), 1, arms, "control"), 14, {"control": 90, "other": 90}, 14
    )
    assert len(found) == 14
    assert {found.count("control") > 2, found.count("other") > 2} == {True}


def test_every_arm_of_a_small_night_is_tried_however_well_another_one_does() -> None:
    """Where nothing is known the draw is a coin: six of them could all fall for one arm."""
    small = replace(target(SPACE), budget=replace(BUDGET, experiments=6))
    for seed in range(20):
        arms = [Arm(name, Puppet(name)) for name in ("control", "poor")]
        found = night(Portfolio(small, seed, arms, "control"), 6, {"control": 1, "poor": 90}, 1)
        assert found[: 2 * TRIES] == ["control", "poor"] * TRIES


def test_every_arm_is_told_of_its_own_and_of_nothing_else() -> None:
    one, other = Puppet("one"), Puppet("other")
    found = night(portfolio(one, other), 30, {"one": 20, "other": 20})
    for puppet in (one, other):
        mine = [number for number, name in enumerate(found, start=1) if name == puppet.name]
        assert mine
        assert [outcome.experiment for outcome in puppet.told] == mine


def test_money_and_minutes_count_as_shares_of_the_budget() -> None:
    assert used_up(BUDGET, 0.0, 0.0) == 1.0
    assert used_up(BUDGET, 0.02, 0.0) == pytest.approx(1 + 0.01 * 400)
    assert used_up(BUDGET, 0.0, 5.0) == pytest.approx(1 + 0.005 * 400)
    assert used_up(Budget(400, None, 0.0, None), 0.02, 5.0) == 1.0


def test_an_arm_that_costs_more_is_asked_less() -> None:
    asked = {}
    for used in (1.0, 20.0):
        bandit, counts = Bandit(["control", "other"], "control", 1, 2000), {"control": 0, "other": 0}
        for number in range(1, 401):
            arm = bandit.pick(number, 1, ["control", "other"])
            counts[arm] += 1
            bandit.learn(arm, Effort(number % 10 == 0, 0.1, used if arm == "other" else 1.0))
        asked[used] = counts["other"]
    assert asked[20.0] < asked[1.0] / 2


def test_larger_gains_count_for_more() -> None:
    asked = {}
    for gain in (0.01, 1.0):
        bandit, counts = Bandit(["control", "other"], "control", 1, 2000), {"control": 0, "other": 0}
        for number in range(1, 401):
            arm = bandit.pick(number, 1, ["control", "other"])
            counts[arm] += 1
            bandit.learn(arm, Effort(counts[arm] % 10 == 0, gain if arm == "other" else 0.1))
        asked[gain] = counts["other"]
    assert asked[1.0] > 1.5 * asked[0.01]


# --- ends ---


def test_an_arm_that_is_over_is_left_and_the_others_go_on() -> None:
    gone, control = Puppet("gone", over=Over("exhausted", "the key was rejected")), Puppet("control")
    found = night(portfolio(control, gone), 40, {"control": 9, "gone": 9})
    assert set(found) == {"control"}
    assert len(gone.asked) == 1


def test_an_arm_with_nothing_more_is_asked_again_when_the_incumbent_is_another() -> None:
    walked, control = Puppet("walked", empty_for=b"x"), Puppet("control")
    mixed = portfolio(control, walked)
    night(mixed, 60, {"control": 9})
    assert len(walked.asked) == 1
    for number in range(241, 300, 4):
        mixed.ask(Request(b"another", {}, number, 4, set(), 100, 2.0))
    assert len(walked.asked) > 1


def test_it_is_exhausted_when_every_arm_is() -> None:
    mixed = portfolio(Puppet("one", empty_for=b"x"), Puppet("other", empty_for=b"x"))
    assert mixed.ask(Request(b"x", {}, 1, 4, set(), 400, 2.0)) == []


@pytest.mark.parametrize("end", ["money", "exhausted"])
def test_it_says_why_it_is_over_where_a_model_could_have_gone_on(end: str) -> None:
    mixed = portfolio(Puppet("walked", empty_for=b"x"), Puppet("model", over=Over(end, "a cap or a key")))
    with pytest.raises(Over, match="model: a cap or a key") as over:
        mixed.ask(Request(b"x", {}, 1, 4, set(), 400, 2.0))
    assert over.value.end == end


def test_what_money_does_not_cover_is_not_asked_and_the_control_goes_on() -> None:
    dear, control = Puppet("dear", worst_case_usd=0.5), Puppet("control")
    mixed = portfolio(control, dear)
    assert mixed.worst_case_usd == 0.5
    mixed.ask(Request(b"x", {}, 1, 4, set(), 400, 0.4))
    assert mixed.worst_case_usd == 0.0
    for number in range(5, 200, 4):
        assert mixed.ask(Request(b"x", {}, number, 4, set(), 400, 0.4))[0].description == "control"
    assert dear.asked == []


def test_what_was_spent_since_the_last_request_counts_too() -> None:
    mixed = portfolio(Puppet("control"), Puppet("dear", worst_case_usd=0.5))
    mixed.ask(Request(b"x", {}, 1, 1, set(), 400, 0.6))
    mixed.tell([Outcome(1, "discard", "worse", {}, {}, cost_usd=0.2)])
    assert mixed.worst_case_usd == 0.0


def test_where_only_money_is_missing_it_ends_for_money() -> None:
    mixed = portfolio(Puppet("walked", empty_for=b"x"), Puppet("dear", worst_case_usd=0.5))
    with pytest.raises(Over, match="do not pay for another proposal") as over:
        mixed.ask(Request(b"x", {}, 1, 1, set(), 400, 0.1))
    assert over.value.end == "money"


# --- what it passes on ---


@pytest.mark.parametrize("mends", [True, False])
def test_a_crash_is_mended_by_the_arm_that_made_it(mends: bool) -> None:
    mixed = portfolio(Mender("control", mends=mends), Puppet("other"))
    crashed = mixed.ask(Request(b"x", {}, 1, 1, set(), 400, 2.0))[0]
    mended = mixed.repair(crashed, "a bracket")
    assert (mended is not None) == mends
    assert mended is None or (mended.description, mended.spent["arm"]) == ("mended: a bracket", "control")


def test_an_arm_that_cannot_mend_is_not_asked_to() -> None:
    mixed = portfolio(Puppet("control"), Puppet("other"))
    crashed = mixed.ask(Request(b"x", {}, 1, 1, set(), 400, 2.0))[0]
    assert mixed.repair(crashed, "a bracket") is None


def test_each_arm_recalls_its_own_and_the_incumbents_that_others_made() -> None:
    one, other = Puppet("one"), Puppet("other")
    record = [
        ("", "keep"),
        ("one", "discard"),
        ("other", "keep"),
        ("other", "discard"),
        ("one", "discard"),
        ("one", "keep"),
    ]
    told = [
        Told(b"%d" % n, Outcome(n, status, "r", {}, {}, cost_usd=0.5, spent={"arm": arm} if arm else {}))
        for n, (arm, status) in enumerate(record)
    ]
    mixed = portfolio(one, other)
    mixed.recall(iter(told))
    assert [(told.content, told.outcome.experiment) for told in one.recalled] == [
        (b"0", 0), (b"1", 1), (b"2", 0), (b"4", 4), (b"5", 5),
    ]  # fmt: skip
    assert [told.outcome.experiment for told in other.recalled] == [0, 2, 3]
    dear = portfolio(Puppet("one"), Puppet("other", worst_case_usd=0.5))
    dear.recall(told)
    assert dear.worst_case_usd == 0.0, "of two dollars all but none were spent on five experiments"


def test_arms_have_names_seeds_and_options_of_their_own() -> None:
    arms = [{"kind": "claude", "model": "a"}, {"kind": "perturb"}, {"kind": "claude", "model": "b"}]
    found = arms_of(replace(target(SPACE), options={"arms": arms}))
    assert list(found) == ["claude", "perturb", "claude-2"]
    assert [(part.proposer, part.options) for part in found.values()] == [
        ("claude", {"model": "a"}), ("perturb", {}), ("claude", {"model": "b"}),
    ]  # fmt: skip
    twice = replace(setup("portfolio").target, options={"arms": [{"kind": "perturb"}, {"kind": "perturb"}]})
    night = Play(twice, setup("portfolio").files, nothing_kept=True)
    assert {proposal.spent["arm"] for proposal in night.nights(20)} == {"perturb", "perturb-2"}


def test_an_arm_that_is_not_there_yet_is_told_of_before_the_night() -> None:
    strange = replace(target(SPACE, proposer="portfolio"), options={"arms": [{"kind": "perturb"}, {"kind": "nobody"}]})
    with pytest.raises(Exception, match="nobody is not available yet"):
        proposers.check(strange, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_a_night_with_a_model_among_the_arms_is_resumed_like_any(seed: int) -> None:
    whole, broken = (Play(mixed().target, mixed().files, seed=seed) for _ in range(2))
    found = list(contents(whole.nights(60)))
    assert {arm for _content, arm in found} == {"search", "claude"}
    assert list(contents(broken.nights(60, resuming=True))) == found
    assert whole.cost > 0


def test_a_model_that_is_gone_leaves_the_night_to_the_others() -> None:
    night = Play(mixed().target, mixed().files, model=Scripted("rejected"))
    assert {arm for _content, arm in contents(night.nights(30))} == {"search"}
    assert night.model.asked == 1  # type: ignore[attr-defined]  # of Scripted
