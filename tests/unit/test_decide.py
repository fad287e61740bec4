"""The table of decisions. Values are chosen to be exact in binary, so that `exactly met` means exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decide import Decision, Discard, Keep, Measure, Measured, Pair, State, broken_guard, decide, step
from harness.rule import Metric, Rule, Tolerance, combined, headline_gain  # fmt: skip

UP = Metric("up", "maximize")
DOWN = Metric("down", "minimize")
REASONS = {"better", "simpler", "worse", "tie", "guard"}


@dataclass(frozen=True)
class Case:
    """base (the night's) -> incumbent -> candidate, values by metric; complexities of the latter two."""

    name: str
    rule: Rule
    incumbent: dict[str, float]
    candidate: dict[str, float]
    expected: str
    base: dict[str, float] | None = None
    complexity: tuple[int, int] = (5, 5)
    says: tuple[str, ...] = field(default=())


def primary(*metrics: Metric) -> Rule:
    return Rule("primary", metrics)


def effect(minimum: float, goal: str = "maximize") -> Metric:
    return Metric("up" if goal == "maximize" else "down", goal, minimum)


def guarded(amount: float, *, relative: bool = False, goal: str = "minimize") -> Metric:
    return Metric("cost", goal, guard=Tolerance(amount, relative))


EVERY = Rule(
    "every",
    (UP, Metric("b", "maximize", tolerance=Tolerance(0.25)), Metric("c", "minimize", tolerance=Tolerance(0.5, True))),
)
PARETO = Rule("pareto", (Metric("up", "maximize", 0.5), Metric("down", "minimize", 0.25)))
WEIGHTED = Rule("weighted", (UP, DOWN), {"up": 1.0, "down": 2.0}, {"down": 4.0}, 0.5)

CASES = [
    Case("up", primary(UP), {"up": 1.0}, {"up": 2.0}, "better", says=("up +1",)),
    Case("down", primary(UP), {"up": 1.0}, {"up": 0.5}, "worse", says=("up -0.5",)),
    Case("minimize: less is better", primary(DOWN), {"down": 1.0}, {"down": 0.5}, "better"),
    Case("minimize: more is worse", primary(DOWN), {"down": 1.0}, {"down": 1.5}, "worse"),
    Case("equal", primary(UP), {"up": 1.0}, {"up": 1.0}, "tie"),
    Case("equal, but -0.0", primary(UP), {"up": 0.0}, {"up": -0.0}, "tie"),
    Case("a gain of 1e-12 counts", primary(UP), {"up": 0.0}, {"up": 1e-12}, "better"),
    Case("the smallest gain there is", primary(UP), {"up": 1.0}, {"up": math.nextafter(1.0, 2)}, "better"),
    Case("the smallest loss there is", primary(UP), {"up": 1.0}, {"up": math.nextafter(1.0, 0)}, "worse"),
    Case("a loss of 1e-12 is no tie", primary(UP), {"up": 0.0}, {"up": -1e-12}, "worse", complexity=(9, 1)),
    Case("min_effect exactly met", primary(effect(0.25)), {"up": 1.0}, {"up": 1.25}, "better"),
    Case("min_effect just missed", primary(effect(0.25)), {"up": 1.0}, {"up": math.nextafter(1.25, 0)}, "tie"),
    Case("min_effect missed is a tie even if simpler", primary(effect(0.25)), {"up": 1.0}, {"up": 1.125}, "tie",
         complexity=(9, 1), says=("below min_effect 0.25",)),
    Case("min_effect of a cost", primary(effect(0.25, "minimize")), {"down": 1.0}, {"down": 0.75}, "better"),
    Case("min_effect of a cost missed", primary(effect(0.25, "minimize")), {"down": 1.0}, {"down": 0.8125}, "tie"),
    Case("the incumbent is what must be beaten", primary(UP), {"up": 3.0}, {"up": 2.0}, "worse", base={"up": 1.0}),
    Case("equal and simpler", primary(UP), {"up": 1.0}, {"up": 1.0}, "simpler", complexity=(5, 4), says=("5 -> 4",)),
    Case("equal and longer", primary(UP), {"up": 1.0}, {"up": 1.0}, "tie", complexity=(4, 5)),
    Case("better and longer", primary(UP), {"up": 1.0}, {"up": 2.0}, "better", complexity=(1, 99)),
    Case("simpler and worse", primary(UP), {"up": 1.0}, {"up": 0.0}, "worse", complexity=(99, 1)),
    Case("other metrics do not count", primary(UP, DOWN), {"up": 1.0, "down": 1.0}, {"up": 2.0, "down": 9.0}, "better"),
    Case("whole numbers", primary(UP), {"up": 10**17}, {"up": 10**17 + 1}, "better"),
    # guards
    Case("guard holds at its bound", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 2.0}, {"up": 2.0, "cost": 2.5},
         "better"),
    Case("guard broken just above it", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 2.0},
         {"up": 2.0, "cost": math.nextafter(2.5, 3)}, "guard", says=("cost", "worse by")),
    Case("guard of a gain", primary(UP, guarded(0.5, goal="maximize")), {"up": 1.0, "cost": 2.0},
         {"up": 2.0, "cost": 1.0}, "guard"),
    Case("relative guard at its bound", primary(UP, guarded(0.5, relative=True)), {"up": 1.0, "cost": 4.0},
         {"up": 2.0, "cost": 6.0}, "better"),
    Case("relative guard broken", primary(UP, guarded(0.5, relative=True)), {"up": 1.0, "cost": 4.0},
         {"up": 2.0, "cost": 6.25}, "guard"),
    Case("relative guard of a negative base", primary(UP, guarded(0.5, relative=True)), {"up": 1.0, "cost": -4.0},
         {"up": 2.0, "cost": -2.0}, "better"),
    Case("relative guard of a base of 0 allows nothing", primary(UP, guarded(0.5, relative=True)),
         {"up": 1.0, "cost": 0.0}, {"up": 2.0, "cost": 1e-9}, "guard"),
    Case("guard without tolerance", primary(UP, guarded(0.0)), {"up": 1.0, "cost": 2.0}, {"up": 2.0, "cost": 2.0},
         "better"),
    Case("small losses cannot add up", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 2.375},
         {"up": 2.0, "cost": 2.75}, "guard", base={"up": 0.0, "cost": 2.0}),
    Case("what an incumbent gained on a guard may be lost again", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 1.0},
         {"up": 2.0, "cost": 2.5}, "better", base={"up": 0.0, "cost": 2.0}),
    Case("a relative guard is relative to the base", primary(UP, guarded(0.5, relative=True)),
         {"up": 1.0, "cost": 8.0}, {"up": 2.0, "cost": 7.0}, "guard", base={"up": 0.0, "cost": 4.0}),
    Case("a guard of the primary itself", primary(Metric("up", "maximize", guard=Tolerance(0.0))), {"up": 1.0},
         {"up": 2.0}, "guard", base={"up": 3.0}),
    Case("a guard is looked at before the gain", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 2.0},
         {"up": 0.0, "cost": 9.0}, "guard"),
    Case("simpler does not help against a guard", primary(UP, guarded(0.5)), {"up": 1.0, "cost": 2.0},
         {"up": 1.0, "cost": 9.0}, "guard", complexity=(5, 1)),
    Case("a tolerance binds under every alone", primary(UP, Metric("b", "maximize", tolerance=Tolerance(0.0))),
         {"up": 1.0, "b": 1.0}, {"up": 2.0, "b": 0.0}, "better"),
    # every
    Case("every: all within tolerance", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0}, {"up": 1.5, "b": 0.75, "c": 3.0},
         "better"),
    Case("every: absolute tolerance broken", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0},
         {"up": 1.5, "b": math.nextafter(0.75, 0), "c": 2.0}, "guard", says=("b ",)),
    Case("every: relative tolerance broken", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0},
         {"up": 1.5, "b": 1.0, "c": 3.25}, "guard", says=("c ",)),
    Case("every: against the base, not the incumbent", EVERY, {"up": 1.0, "b": 0.875, "c": 2.0},
         {"up": 1.5, "b": 0.625, "c": 2.0}, "guard", base={"up": 0.0, "b": 1.0, "c": 2.0}),
    Case("every: the primary must be up", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0}, {"up": 1.0, "b": 9.0, "c": 0.0},
         "tie"),
    Case("every: primary down", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0}, {"up": 0.5, "b": 9.0, "c": 0.0}, "worse"),
    Case("every: equal and simpler", EVERY, {"up": 1.0, "b": 1.0, "c": 2.0}, {"up": 1.0, "b": 1.0, "c": 2.0},
         "simpler", complexity=(2, 1)),
    # pareto
    Case("pareto: one up, none worse", PARETO, {"up": 1.0, "down": 1.0}, {"up": 1.5, "down": 1.0}, "better"),
    Case("pareto: the other one up", PARETO, {"up": 1.0, "down": 1.0}, {"up": 1.0, "down": 0.75}, "better"),
    Case("pareto: none by its min_effect", PARETO, {"up": 1.0, "down": 1.0}, {"up": 1.25, "down": 0.875}, "tie"),
    Case("pareto: none by its min_effect, even if simpler", PARETO, {"up": 1.0, "down": 1.0},
         {"up": 1.25, "down": 1.0}, "tie", complexity=(5, 1)),
    Case("pareto: one worse by almost nothing", PARETO, {"up": 1.0, "down": 1.0},
         {"up": 9.0, "down": math.nextafter(1.0, 2)}, "worse", says=("down",)),
    Case("pareto: against the incumbent", PARETO, {"up": 3.0, "down": 1.0}, {"up": 2.0, "down": 0.0}, "worse",
         base={"up": 1.0, "down": 9.0}),
    Case("pareto: all equal and simpler", PARETO, {"up": 1.0, "down": 1.0}, {"up": 1.0, "down": 1.0}, "simpler",
         complexity=(3, 2)),
    Case("pareto: all equal", PARETO, {"up": 1.0, "down": 1.0}, {"up": 1.0, "down": 1.0}, "tie"),
    # weighted: two units of down are worth one of up
    Case("weighted: up by exactly min_effect", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": 1.5, "down": 1.0}, "better"),
    Case("weighted: just missed", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": math.nextafter(1.5, 1), "down": 1.0},
         "tie"),
    Case("weighted: one pays for the other", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": 2.0, "down": 2.0}, "better"),
    Case("weighted: does not pay", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": 1.25, "down": 2.0}, "worse"),
    Case("weighted: pays exactly", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": 1.5, "down": 2.0}, "tie"),
    Case("weighted: pays exactly and is simpler", WEIGHTED, {"up": 1.0, "down": 1.0}, {"up": 1.5, "down": 2.0},
         "simpler", complexity=(2, 1)),
    Case("weighted: a guard holds it", Rule("weighted", (UP, guarded(0.5)), {"up": 1.0, "cost": 1.0}),
         {"up": 1.0, "cost": 1.0}, {"up": 99.0, "cost": 2.0}, "guard"),
    Case("weighted: a metric without weight does not count", Rule("weighted", (UP, DOWN), {"up": 1.0}),
         {"up": 1.0, "down": 1.0}, {"up": 2.0, "down": 99.0}, "better"),
]  # fmt: skip


def decided(case: Case) -> Decision:
    pair = Pair(Measured(case.incumbent, case.complexity[0]), Measured(case.candidate, case.complexity[1]))
    return decide(step(State(case.base or case.incumbent), pair), case.rule)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_decision(case: Case) -> None:
    decision = decided(case)
    assert not isinstance(decision, Measure)
    assert decision.reason == case.expected
    assert isinstance(decision, Keep) == (case.expected in {"better", "simpler"})
    for word in case.says:
        assert word in decision.why
    assert decision.why


def test_every_reason_of_a_decision_is_in_the_table() -> None:
    assert {case.expected for case in CASES} == REASONS
    assert {case.rule.name for case in CASES} == {"primary", "every", "pareto", "weighted"}


def test_without_a_pair_one_is_measured() -> None:
    assert decide(State({"up": 1.0}), primary(UP)) == Measure(1)


values = st.floats(-1e6, 1e6)
numbers = st.fixed_dictionaries({"up": values, "b": values, "c": values})
rules = st.sampled_from(
    [
        Rule("primary", (UP, Metric("b", "maximize", guard=Tolerance(10.0)), Metric("c", "minimize"))),
        EVERY,
        Rule("pareto", (UP, Metric("b", "maximize", 3.0), Metric("c", "minimize"))),
        Rule("weighted", (UP, Metric("b", "maximize"), Metric("c", "minimize")), {"up": 1, "b": 0.5, "c": 3}),
    ]
)


@given(rule=rules, base=numbers, incumbent=numbers, candidate=numbers, sizes=st.tuples(st.integers(), st.integers()))
def test_a_decision_is_always_one_of_the_closed_list_and_never_kept_against_a_guard(
    rule: Rule, base: dict[str, float], incumbent: dict[str, float], candidate: dict[str, float], sizes: tuple[int, int]
) -> None:
    state = step(State(base), Pair(Measured(incumbent, sizes[0]), Measured(candidate, sizes[1])))
    decision = decide(state, rule)
    assert decision == decide(state, rule)
    assert isinstance(decision, (Keep, Discard))
    assert decision.reason in ({"better", "simpler"} if isinstance(decision, Keep) else {"worse", "tie", "guard"})
    if isinstance(decision, Keep):
        assert not broken_guard(base, candidate, rule)
        gain = headline_gain(rule, incumbent, candidate)
        assert gain >= 0 or rule.name == "pareto"


@given(rule=rules, base=numbers, one=numbers)
def test_nothing_is_better_than_itself(rule: Rule, base: dict[str, float], one: dict[str, float]) -> None:
    same = Measured(one, 3)
    decision = decide(step(State(base), Pair(same, same)), rule)
    assert isinstance(decision, Discard)
    assert decision.reason in {"tie", "guard"}


@given(rule=rules, start=numbers, steps=st.lists(numbers, max_size=12))
def test_keeps_in_a_row_never_leave_the_tolerance_of_the_base(
    rule: Rule, start: dict[str, float], steps: list[dict[str, float]]
) -> None:
    incumbent = start
    for candidate in steps:
        decision = decide(step(State(start), Pair(Measured(incumbent, 1), Measured(candidate, 1))), rule)
        if isinstance(decision, Keep):
            incumbent = candidate
    assert not broken_guard(start, incumbent, rule) or incumbent == start


def test_the_combined_number_by_hand() -> None:
    assert combined({"up": 3.0, "down": 2.0}, WEIGHTED) == 3.0 - 2.0 * 2.0 / 4.0
    assert headline_gain(WEIGHTED, {"up": 3.0, "down": 2.0}, {"up": 4.0, "down": 0.0}) == 2.0
    assert headline_gain(primary(DOWN), {"down": 3.0}, {"down": 2.5}) == 0.5


@pytest.mark.parametrize(
    ("tolerance", "base", "allowed"),
    [
        (Tolerance(), 100.0, 0.0),
        (Tolerance(2.0), 100.0, 2.0),
        (Tolerance(0.05, relative=True), 100.0, 5.0),
        (Tolerance(0.05, relative=True), -100.0, 5.0),
        (Tolerance(0.05, relative=True), 0.0, 0.0),
    ],
)
def test_what_a_tolerance_allows(tolerance: Tolerance, base: float, allowed: float) -> None:
    assert tolerance.allowed(base) == allowed
