"""What becomes of a duel: every case, with an evaluator that does exactly what a test says."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from harness.decide import Share
from harness.duel import FEW_VOID, MOST_VOID, Fought, Ring, Verdict, after, duel, too_many_void
from harness.error_budget import ErrorBudget
from harness.evidence import TIED, Evidence
from harness.reports import Measurement
from harness.rule import Metric, Rule, Tolerance
from harness.schedule import Schedule

INCUMBENT, CANDIDATE = b"incumbent", b"candidate"
SHARE = ErrorBudget(0.05, 100, 80).share()
LEAST = math.ceil(math.log2(2000))
PRIMARY = Rule("primary", (Metric("up", "maximize"),))
Score = Callable[[bytes, int], Measurement]  # content, how many measurements before it


def scores(**metrics: float) -> Measurement:
    return Measurement(metrics)


def crash(kind: str, why: str = "") -> Measurement:
    return Measurement(crash=kind, why=why)


@dataclass
class Bench:
    """Duels under one rule; takes down every pair and what each measurement was asked."""

    score: Score
    rule: Rule = PRIMARY
    share: Share = SHARE
    base: Mapping[str, float] = field(default_factory=lambda: {"up": 0.0, "b": 0.0})
    halt_after: int = 10**9
    coin: str = "coin"
    pairs: list[Fought] = field(default_factory=list)
    asked: list[tuple[bytes, int]] = field(default_factory=list)

    def ring(self) -> Ring:
        return Ring(
            self._measure, self.rule, self.share, Schedule(1, self.coin), self.base, self.pairs.append,
            lambda: len(self.pairs) >= self.halt_after,
        )  # fmt: skip

    def _measure(self, content: bytes, seed: int) -> Measurement:
        self.asked.append((content, seed))
        return self.score(content, len(self.asked) - 1)

    def duel(self) -> Verdict:
        return duel(self.ring(), 1, INCUMBENT, CANDIDATE, tuple(self.pairs))


def noisy(gain: float, seed: int = 3, quantum: float = 0.0) -> Score:
    """A gain over Gaussian noise with sd 1."""
    rng = random.Random(seed)

    def score(content: bytes, _index: int) -> Measurement:
        value = rng.gauss(0, 1) + gain * (content == CANDIDATE)
        return scores(up=round(value / quantum) * quantum if quantum else value)

    return score


def exact(candidate: Mapping[str, float], incumbent: Mapping[str, float]) -> Score:
    return lambda content, _index: Measurement(candidate if content == CANDIDATE else incumbent)


def evidence(verdict: Verdict, name: str = "up") -> Evidence:
    return verdict.state.evidence[name]


def test_a_gain_is_kept_and_every_pair_is_recorded() -> None:
    bench = Bench(noisy(2.0))
    verdict = bench.duel()
    assert (verdict.status, verdict.reason) == ("keep", "better")
    assert evidence(verdict).log_e >= math.log(2000)
    assert [fought.number for fought in bench.pairs] == list(range(1, evidence(verdict).pairs + 1))


def test_no_gain_is_given_up_early() -> None:
    pairs = [evidence(Bench(noisy(0.0, seed)).duel()).pairs for seed in range(40)]
    assert sum(pairs) / len(pairs) < 20


def test_both_sides_of_a_pair_share_its_seed_and_follow_the_coin() -> None:
    bench = Bench(noisy(0.3))
    bench.duel()
    for fought, first, second in zip(bench.pairs, bench.asked[::2], bench.asked[1::2], strict=True):
        assert first[1] == second[1] == fought.draw.seed
        assert (first[0] == INCUMBENT) == fought.draw.incumbent_first
        assert {first[0], second[0]} == {INCUMBENT, CANDIDATE}
    assert {fought.draw.order for fought in bench.pairs} == {"ic", "ci"}


def test_no_difference_at_all_is_a_tie() -> None:
    verdict = Bench(exact({"up": 1.0}, {"up": 1.0})).duel()
    assert (verdict.status, verdict.reason) == ("discard", "tie")
    assert evidence(verdict).pairs == TIED


def test_equal_and_simpler_is_for_exact_metrics_only() -> None:
    """The same shorter candidate wins where metrics are deterministic; a duel knows no complexity."""
    verdict = Bench(exact({"up": 1.0}, {"up": 1.0})).duel()
    assert verdict.reason == "tie"
    assert verdict.state.pair is not None
    assert verdict.state.pair.candidate.complexity == verdict.state.pair.incumbent.complexity == 0


@pytest.mark.parametrize("gain", [1e-9, 1.0, 1e9])
def test_a_gain_without_variance_takes_as_many_pairs_as_a_coin_needs(gain: float) -> None:
    verdict = Bench(exact({"up": gain}, {"up": 0.0})).duel()
    assert verdict.status == "keep"
    assert LEAST <= evidence(verdict).pairs <= LEAST + 5
    assert math.isfinite(evidence(verdict).log_e)


def test_a_loss_without_variance_is_worse() -> None:
    verdict = Bench(exact({"up": 0.0}, {"up": 1.0})).duel()
    assert (verdict.status, verdict.reason) == ("discard", "worse" if evidence(verdict).pairs > 4 else "within-noise")
    assert evidence(verdict).mean == -1


def test_a_gain_that_stays_below_min_effect_is_not_kept() -> None:
    rule = Rule("primary", (Metric("up", "maximize", min_effect=2.0),))
    assert Bench(noisy(1.0), rule).duel().status == "discard"
    assert Bench(noisy(1.0 + 2.0), rule).duel().status == "keep"


@pytest.mark.parametrize("kind", ["nan", "missing", "timeout", "exit", "signal"])
def test_a_candidate_that_fails_is_a_crash_and_never_a_number(kind: str) -> None:
    def score(content: bytes, index: int) -> Measurement:
        return crash(kind, "why not") if content == CANDIDATE and index > 5 else scores(up=index % 2 + index / 100)

    bench = Bench(score)
    verdict = bench.duel()
    assert (verdict.status, verdict.reason, verdict.why) == ("crash", kind, "why not")
    assert bench.pairs[-1].crash == kind
    assert not bench.pairs[-1].candidate
    assert evidence(verdict).pairs == len(bench.pairs) - 1


@pytest.mark.parametrize("kind", ["nan", "missing", "timeout", "exit"])
def test_an_incumbent_that_fails_makes_the_pair_void_and_its_seed_is_tried_once_more(kind: str) -> None:
    failing = {4}  # the fifth measurement of the incumbent
    seen: list[int] = []
    steady = noisy(2.0)

    def score(content: bytes, index: int) -> Measurement:
        if content == INCUMBENT:
            seen.append(index)
            if len(seen) - 1 in failing:
                return crash(kind)
        return steady(content, index)

    bench = Bench(score)
    verdict = bench.duel()
    assert verdict.status == "keep"
    void = [fought for fought in bench.pairs if fought.void]
    assert [fought.number for fought in void] == [5]
    again = [fought for fought in bench.pairs if fought.number == 5 and not fought.void]
    assert [fought.draw for fought in again] == [void[0].draw]
    assert evidence(verdict).pairs == len(bench.pairs) - 1


def test_a_pair_is_tried_once_more_and_no_more() -> None:
    steady = noisy(0.4)
    incumbents = 0

    def score(content: bytes, index: int) -> Measurement:
        nonlocal incumbents
        incumbents += content == INCUMBENT
        return crash("exit") if content == INCUMBENT and incumbents in {3, 4} else steady(content, index)

    bench = Bench(score)
    bench.duel()
    numbers = [fought.number for fought in bench.pairs]
    assert numbers[:5] == [1, 2, 3, 3, 4]
    assert len(set(numbers)) == len(numbers) - 1


@pytest.mark.parametrize("value", [-1e9, 0.0, 1e9])
def test_what_the_candidate_scored_does_not_make_a_pair_void(value: float) -> None:
    """Who goes first is drawn; in pairs where the candidate did, its value was there before the incumbent failed."""

    def score(content: bytes, index: int) -> Measurement:
        return crash("exit") if content == INCUMBENT and index < 20 else scores(up=value)

    bench = Bench(score, halt_after=8, coin="c")
    bench.duel()
    assert {fought.draw.order for fought in bench.pairs} == {"ic", "ci"}
    assert all(fought.void for fought in bench.pairs)


def test_too_many_void_pairs_are_nothing_that_a_night_can_go_on_with() -> None:
    assert not too_many_void(FEW_VOID, 3)
    assert too_many_void(FEW_VOID + 1, 3)
    assert not too_many_void(int(MOST_VOID * 1000), 1000)
    assert too_many_void(int(MOST_VOID * 1000) + 1, 1000)


def test_a_candidate_that_only_times_out_is_no_slow_value() -> None:
    verdict = Bench(lambda content, _index: crash("timeout") if content == CANDIDATE else scores(up=0.0)).duel()
    assert (verdict.status, verdict.reason) == ("crash", "timeout")
    assert not verdict.state.evidence


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("side", [CANDIDATE, INCUMBENT])
def test_a_ratio_of_nothing_is_no_measurement(value: float, side: bytes) -> None:
    rule = Rule("primary", (Metric("up", "minimize", compare="ratio"),))
    bench = Bench(lambda content, _index: scores(up=value if content == side else 1.0), rule, halt_after=4)
    verdict = bench.duel()
    if side == CANDIDATE:
        assert (verdict.status, verdict.reason) == ("crash", "nan")
    else:
        assert all(fought.void for fought in bench.pairs)


def test_a_quantised_gain_is_kept_and_ties_do_not_hurt_it() -> None:
    verdict = Bench(noisy(2.0, quantum=0.5)).duel()
    assert verdict.status == "keep"
    assert 0.0 in evidence(verdict).sizes


def test_an_outlier_counts_with_all_its_weight() -> None:
    """Nineteen gains and one huge loss: whatever the signs say, the mean is below 0 and nothing is kept."""

    def score(content: bytes, index: int) -> Measurement:
        lost = content == CANDIDATE and index in {4, 5}
        return scores(up=-1e6 if lost else 1.0 * (content == CANDIDATE))

    verdict = Bench(score, share=Share(2000, 80)).duel()
    assert verdict.status == "discard"
    assert evidence(verdict).mean < 0
    assert Bench(exact({"up": 1.0}, {"up": 0.0})).duel().status == "keep"


@pytest.mark.parametrize(
    ("b", "status", "reason"), [(-0.2, "keep", "better"), (-0.5, "discard", "guard"), (3.0, "keep", "better")]
)
def test_every_takes_all_tests_and_splits_nothing(b: float, status: str, reason: str) -> None:
    rule = Rule("every", (Metric("up", "maximize"), Metric("b", "maximize", tolerance=Tolerance(0.25))))
    bench = Bench(exact({"up": 1.0, "b": b}, {"up": 0.0, "b": 0.0}), rule)
    verdict = bench.duel()
    assert (verdict.status, verdict.reason) == (status, reason)
    assert list(verdict.state.evidence) == ["up"]
    assert evidence(verdict).pairs == evidence(Bench(exact({"up": 1.0}, {"up": 0.0})).duel()).pairs


def test_pareto_splits_alpha_among_what_could_keep() -> None:
    """Either metric alone could keep, so that each has half of the share: one pair more than a single metric needs."""
    rule = Rule("pareto", (Metric("up", "maximize"), Metric("b", "maximize")))
    single = evidence(Bench(exact({"up": 1.0}, {"up": 0.0})).duel()).pairs
    verdict = Bench(exact({"up": 1.0, "b": 0.0}, {"up": 0.0, "b": 0.0}), rule).duel()
    assert verdict.status == "keep"
    assert evidence(verdict).log_e >= math.log(2 * 2000)
    assert evidence(verdict).pairs > single
    worse = Bench(exact({"up": 1.0, "b": -1.0}, {"up": 0.0, "b": 0.0}), rule).duel()
    assert (worse.status, worse.reason) == ("discard", "guard")


def test_weighted_tests_the_one_combined_number() -> None:
    rule = Rule("weighted", (Metric("up", "maximize"), Metric("b", "minimize")), {"up": 1.0, "b": 2.0}, {"b": 4.0}, 0.5)
    kept = Bench(exact({"up": 2.0, "b": 1.0}, {"up": 0.0, "b": 0.0}), rule).duel()
    assert kept.status == "keep"
    assert next(iter(kept.state.evidence.values())).mean == pytest.approx(2 - 2 / 4 - 0.5)
    lost = Bench(exact({"up": 2.0, "b": 5.0}, {"up": 0.0, "b": 0.0}), rule).duel()
    assert lost.status == "discard"


def test_a_clock_that_ends_in_the_middle_leaves_it_unfinished() -> None:
    bench = Bench(noisy(1.0), halt_after=6)
    verdict = bench.duel()
    assert (verdict.status, verdict.reason) == ("discard", "unfinished")
    assert len(bench.pairs) == 6


@pytest.mark.parametrize("gain", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("interrupted", [1, 5, 9])
def test_what_is_resumed_from_its_record_comes_to_the_same(gain: float, interrupted: int) -> None:
    """The pairs of the interrupted half are not measured again; the decision is that of one undisturbed duel."""
    whole = Bench(_by_place(gain))
    expected = whole.duel()
    half = Bench(_by_place(gain), halt_after=interrupted)
    half.duel()
    resumed = Bench(lambda content, index: _by_place(gain)(content, index + 2 * len(half.pairs)))
    resumed.pairs += half.pairs
    verdict = resumed.duel()
    assert (verdict.status, verdict.reason, verdict.why) == (expected.status, expected.reason, expected.why)
    assert verdict.state.evidence == expected.state.evidence
    assert [(one.number, one.draw) for one in resumed.pairs] == [(one.number, one.draw) for one in whole.pairs]


def _by_place(gain: float) -> Score:
    def score(content: bytes, index: int) -> Measurement:
        return scores(up=random.Random(f"place/{index}").gauss(0, 1) + gain * (content == CANDIDATE))

    return score


def test_a_recorded_crash_is_a_crash_when_it_is_resumed() -> None:
    bench = Bench(lambda content, _index: crash("exit") if content == CANDIDATE else scores(up=0.0))
    bench.duel()
    again = Bench(noisy(2.0))
    again.pairs += bench.pairs
    assert again.duel().status == "crash"
    assert not again.asked


def test_the_state_after_recorded_pairs_is_the_duel_s() -> None:
    bench = Bench(noisy(0.5))
    verdict = bench.duel()
    state, crashed = after(bench.ring(), bench.pairs)
    assert crashed is None
    assert state.evidence == verdict.state.evidence
