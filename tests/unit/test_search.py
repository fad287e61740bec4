"""`search` stays in its space, repeats nothing, learns from what it is told, and goes on where it was."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import proposers
from bot.proposers import Outcome, Proposal, Told
from bot.proposers.coding import Coding
from bot.proposers.search import Search, worth
from harness.documents import canonical_id, load_bytes
from harness.errors import ConfigError
from harness.repository import Source
from harness.rule import Metric, Rule
from harness.space import Allowed
from harness.target import Noise
from tests.proposing import SPACE, SPEC, TINY, Session, has_choice, rules_of, spaces, spec_of, target

Score = Callable[[Any], float]
DEAR = Noise(0.05, 20, 4)


class Climb(Session):
    """Tells what a score of the data says, keeps what is better, and remembers it as the loop's record would."""

    def __init__(self, rules: dict[str, dict[str, Any]], spec: str, score: Score, **more: Any) -> None:
        super().__init__(rules, spec, **{"proposer": "search", **more})
        self.score = score
        self.best = self.value(self.incumbent)
        self.metrics = {"m": self.best}
        self.record = [Told(self.incumbent, Outcome(0, "keep", "baseline", {"m": self.best}, {}))]

    def value(self, content: bytes) -> float:
        return self.score(load_bytes(content, self.target.file))

    def outcome(self, number: int, value: float) -> Outcome:
        kept = value > self.best
        return Outcome(number, "keep" if kept else "discard", "better" if kept else "worse", {"m": value}, {})

    def batch(self, count: int = 16) -> list[Proposal]:
        first = self.number + 1
        found = self.ask(count)
        outcomes = []
        for number, proposal in enumerate(found, first):
            outcome = self.outcome(number, self.value(proposal.content))
            if outcome.status == "keep":
                self.incumbent, self.metrics, self.best = proposal.content, outcome.metrics, outcome.metrics["m"]
            outcomes.append(outcome)
            self.record.append(Told(proposal.content, outcome))
        self.proposer.tell(outcomes)
        return found

    def climb(self, experiments: int) -> float:
        while self.number < experiments and self.batch(min(16, experiments - self.number)):
            pass
        return self.best


def any_number(data: Any) -> float:
    """As good as chance, and the same for the same data."""
    return zlib.crc32(json.dumps(data, sort_keys=True).encode()) / 2**32


def test_it_is_the_proposer_of_its_name() -> None:
    made = proposers.make(target(SPACE, proposer="search"), 1)
    assert isinstance(made, Search)
    assert made.worst_case_usd == 0.0
    assert proposers.exists("search")


class Nothing(Source):
    label = "nothing"


def test_where_its_library_is_missing_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    proposers.check(target(SPACE, proposer="search"), Nothing())  # type: ignore[abstract]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"needs the library cmaes(.|\n)*pip install 'autoresearch-bot\[search\]'"):
        proposers.check(target(SPACE, proposer="search"), Nothing())  # type: ignore[abstract]


# --- what it may propose ---


@given(leaves=spaces.filter(has_choice), seed=st.integers(0, 5), file=st.sampled_from(["spec.yaml", "spec.json"]))
@settings(max_examples=40, deadline=None)
def test_every_proposal_is_new_within_the_space_and_no_other_text_moves(
    leaves: list[tuple[dict[str, Any], Any]], seed: int, file: str
) -> None:
    climb = Climb(rules_of(leaves), spec_of(leaves), any_number, seed=seed, file=file)
    base = load_bytes(climb.incumbent, file)
    seen = set(climb.tried)
    for _ in range(4):  # the later ones know enough to follow a quadratic
        before = climb.incumbent.decode()
        start = load_bytes(climb.incumbent, file)
        for proposal in climb.batch(12):
            data = load_bytes(proposal.content, file)
            assert list(data) == list(base)
            assert not list(climb.target.space.problems(base, data))
            canon = canonical_id(proposal.content, file)
            assert canon not in seen
            seen.add(canon)
            assert proposal.description
            for key, line in zip(base, before.splitlines()[1:], strict=False):
                if json.dumps(data[key]) == json.dumps(start[key]):
                    assert line.rstrip(",") in proposal.content.decode()


def test_comments_order_and_spelling_stay() -> None:
    climb = Climb(SPACE, SPEC, any_number)
    pattern = re.compile(
        r"# the score of an account\nweights:\n  logins: (\S+)      # per week\n  tickets: (\S+)\n  seats: (\S+)\n"
        r"rate: (\S+)      # how fast it forgets\nmode: (fast|slow|\"both ways\")\nflags: \[true, (\S+), null\]\n"
    )
    found = [proposal for _ in range(8) for proposal in climb.batch()]
    assert len(found) == 128
    for proposal in found:
        assert pattern.fullmatch(proposal.content.decode())


def test_the_description_says_what_changed_and_nothing_else() -> None:
    climb = Climb(
        {"/a": {"int": [0, 9]}, "/b": {"int": [0, 9]}, "/c": {"locked": True}}, "a: 3\nb: 4\nc: 5\n", any_number
    )
    for _ in range(3):
        start = load_bytes(climb.incumbent, "spec.yaml")
        for proposal in climb.batch():
            data = load_bytes(proposal.content, "spec.yaml")
            changed = [f"{key} {start[key]} -> {data[key]}" for key in data if data[key] != start[key]]
            assert proposal.description == ", ".join(changed)


@pytest.mark.parametrize(("rules", "spec", "points"), TINY)
@pytest.mark.parametrize("batch", [1, 16])
def test_a_tiny_space_is_walked_to_its_end(
    rules: dict[str, dict[str, Any]], spec: str, points: int, batch: int
) -> None:
    climb = Climb(rules, spec, any_number)
    found: list[Proposal] = []
    while more := climb.batch(batch):
        found += more
        assert len(found) < points
    canons = {canonical_id(proposal.content, "spec.yaml") for proposal in found}
    assert len(canons) == len(found) == points - 1


# --- what it makes of what it is told ---

WANTED = (7, -11, 4, 16, -3, 9, -14, 2)
LETTERS = "abcdefgh"
BOX: dict[str, dict[str, Any]] = {"/*": {"int": [-20, 20]}}
ORIGIN = "".join(f"{letter}: 0\n" for letter in LETTERS)


def valley(data: Any) -> float:
    """Highest, 0, where the values are the wanted ones; they act on each other."""
    off = [data[letter] - wanted for letter, wanted in zip(LETTERS, WANTED, strict=True)]
    return -float(sum(x * x for x in off) + 0.7 * sum(x * y for x, y in pairwise(off)))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_top_of_a_quadratic_where_chance_does_not(seed: int) -> None:
    assert Climb(BOX, ORIGIN, valley, seed=seed).climb(160) == 0.0
    assert Climb(BOX, ORIGIN, valley, seed=seed, proposer="perturb").climb(160) < -5


def test_less_is_better_where_the_goal_says_so() -> None:
    climb = Climb(BOX, ORIGIN, lambda data: -valley(data))
    rule = Rule("primary", (Metric("m", "minimize"),))
    object.__setattr__(climb.target, "rule", rule)
    climb.outcome = lambda number, value: Outcome(  # type: ignore[method-assign]
        number, *(("keep", "better") if value < climb.best else ("discard", "worse")), {"m": value}, {}
    )
    assert climb.climb(160) == 0.0


def test_one_at_a_time_it_learns_too() -> None:
    climb = Climb(BOX, ORIGIN, valley)
    while climb.number < 96:
        climb.batch(1)
    assert climb.best > -25  # of -800 at the start; what was never told is not so lucky


@pytest.mark.parametrize("seed", range(5))
def test_a_night_of_ten_dear_experiments_builds_on_its_keeps(seed: int) -> None:
    """Noise says that an experiment is dear. The control: the same steps without it."""

    def ten(noise: Noise | None) -> float:
        spec = "".join(f"w{number}: 30.0\n" for number in range(8))
        climb = Climb({"/*": {"float": [0, 100]}}, spec, lambda data: -sum((x - 70) ** 2 for x in data.values()))
        climb.proposer = proposers.make(replace(climb.target, noise=noise), seed)
        while climb.number < 10:
            climb.batch(1)
        return climb.best

    assert ten(DEAR) > ten(None) + 1000  # it begins at -12,800


def test_every_kind_of_value_finds_its_best() -> None:
    def score(data: Any) -> float:
        off = (math.log10(data["rate"]) + 3) ** 2 + (data["weights"]["logins"] / 3 - 6) ** 2
        return -off - 2 * (data["mode"] != "slow") - (data["flags"][1] is not True) - data["weights"]["seats"]

    spec = SPEC.replace("rate: 0.001", "rate: 1.0").replace("seats: 0", "seats: 1")
    climb = Climb(SPACE, spec, score)
    climb.climb(160)
    found = load_bytes(climb.incumbent, "spec.yaml")
    assert found["weights"]["logins"] == 18
    assert found["weights"]["seats"] == 0
    assert found["mode"] == "slow"
    assert found["flags"][1] is True
    assert 0.0009 < found["rate"] < 0.0011


def test_a_region_that_crashes_is_left() -> None:
    class Crashing(Climb):
        def outcome(self, number: int, value: float) -> Outcome:
            return super().outcome(number, value) if value > -1200 else Outcome(number, "crash", "timeout", {}, {})

    climb = Crashing(BOX, ORIGIN, valley)
    assert climb.climb(160) == 0.0


class Screening(Climb):
    """As an evaluator that gives no metrics of what falls short, but how good they are at best."""

    def outcome(self, number: int, value: float) -> Outcome:
        if value > self.best:
            return super().outcome(number, value)
        return Outcome(number, "discard", "screened", {}, {}, bound=value)


class Silent(Climb):
    """As one that does not even say that."""

    def outcome(self, number: int, value: float) -> Outcome:
        if value > self.best:
            return super().outcome(number, value)
        return Outcome(number, "discard", "screened", {}, {})


def test_a_bound_tells_as_much_as_a_value() -> None:
    plain, screening = Climb(BOX, ORIGIN, valley), Screening(BOX, ORIGIN, valley)
    for _ in range(6):
        assert [p.content for p in plain.batch()] == [p.content for p in screening.batch()]


def test_it_still_climbs_without_values_of_what_was_screened() -> None:
    assert Silent(BOX, ORIGIN, valley).climb(300) > valley(dict.fromkeys(LETTERS, 0)) / 5


RULE = Rule("primary", (Metric("m", "maximize"), Metric("g", "minimize")))
FEWER = Rule("primary", (Metric("m", "minimize"),))
WEIGHTED = Rule("weighted", RULE.metrics, {"m": 2.0, "g": 1.0}, {"g": 10.0})
RATIO = Rule("primary", (Metric("m", "minimize", compare="ratio"),))


@pytest.mark.parametrize(
    ("rule", "outcome", "now", "value"),
    [
        (RULE, Outcome(1, "keep", "better", {"m": 3.0, "g": 1.0}, {}), 2.0, 3.0),
        (RULE, Outcome(1, "discard", "worse", {"m": 1.5, "g": 1.0}, {}), 2.0, 1.5),
        (RULE, Outcome(1, "discard", "guard", {"m": 3.0, "g": 9.0}, {}), 2.0, 1.0),
        (RULE, Outcome(1, "discard", "guard", {"m": 1.5, "g": 9.0}, {}), 2.0, 1.5),
        (RULE, Outcome(1, "discard", "worse", {"m": 3.0, "g": 9.0}, {}), 2.0, 1.0),
        (RULE, Outcome(1, "discard", "tie", {"m": 2.0005, "g": 9.0}, {}), 2.0, 2.0005),
        (RULE, Outcome(1, "discard", "suspect", {"m": 99.0, "g": 9.0}, {}), 2.0, None),
        (RULE, Outcome(1, "crash", "timeout", {}, {}), 2.0, None),
        (RULE, Outcome(1, "discard", "screened", {}, {}, bound=1.75), 2.0, 1.75),
        (RULE, Outcome(1, "discard", "screened", {}, {}, bound=2.5), 2.0, 2.0),
        (RULE, Outcome(1, "discard", "screened", {}, {}), 2.0, -math.inf),
        (RULE, Outcome(1, "discard", "screened", {"m": 1.75}, {}), 2.0, 1.75),
        (FEWER, Outcome(1, "keep", "better", {"m": 3.0}, {}), -4.0, -3.0),
        (FEWER, Outcome(1, "discard", "screened", {}, {}, bound=5.0), -4.0, -5.0),
        (WEIGHTED, Outcome(1, "keep", "better", {"m": 3.0, "g": 5.0}, {}), 0.0, 5.5),
        (WEIGHTED, Outcome(1, "crash", "missing", {"m": 3.0}, {}), 0.0, None),
        (RATIO, Outcome(1, "keep", "better", {"m": math.e}, {}), 0.0, -1.0),
    ],
)
def test_what_an_outcome_is_worth(rule: Rule, outcome: Outcome, now: float, value: float | None) -> None:
    assert worth(rule, outcome, now) == (None if value is None else pytest.approx(value))


# --- the same again ---


def contents(climb: Climb, batches: int) -> list[bytes]:
    return [proposal.content for _ in range(batches) for proposal in climb.batch()]


def test_the_same_night_again_is_the_same_and_another_seed_is_another() -> None:
    nights = [contents(Climb(SPACE, SPEC, any_number, seed=seed), 5) for seed in (1, 1, 2)]
    assert nights[0] == nights[1] != nights[2]


def test_what_it_is_told_decides_what_it_proposes() -> None:
    up, down = (Climb(BOX, ORIGIN, lambda data, sign=sign: sign * data["a"]) for sign in (1, -1))
    assert contents(up, 1) == contents(down, 1)
    for climb in (up, down):
        climb.climb(64)
    assert load_bytes(up.incumbent, "spec.yaml")["a"] == 20
    assert load_bytes(down.incumbent, "spec.yaml")["a"] == -20


@pytest.mark.parametrize("score", [any_number, lambda data: -sum(abs(x) for x in data["weights"].values())])
@pytest.mark.parametrize("batches", [0, 1, 2, 5])
def test_a_resumed_night_that_recalls_its_record_goes_on_as_if_nothing_had_been(batches: int, score: Score) -> None:
    whole, cut = Climb(SPACE, SPEC, score), Climb(SPACE, SPEC, score)
    contents(whole, batches)
    contents(cut, batches)
    cut.proposer = proposers.make(cut.target, 1)
    cut.proposer.recall(cut.record)
    assert contents(whole, 4) == contents(cut, 4)


@pytest.mark.parametrize("cut_after", [1, 3, 5, 9, 16])
def test_a_resumed_night_of_dear_experiments_goes_on_around_the_same_keep(cut_after: int) -> None:
    whole, cut = (Climb(BOX, ORIGIN, valley) for _ in range(2))
    for climb in (whole, cut):
        climb.proposer = proposers.make(replace(climb.target, noise=DEAR), 1)
        for _ in range(cut_after):
            climb.batch(1)
    assert cut_after < 3 or sum(one.outcome.status == "keep" for one in cut.record) > 1, (
        "the control: it kept something"
    )
    cut.proposer = proposers.make(replace(cut.target, noise=DEAR), 1)
    cut.proposer.recall(cut.record)
    after = [[climb.batch(1)[0].content for _ in range(6)] for climb in (whole, cut)]
    assert after[0] == after[1]


def test_a_record_of_what_was_refused_is_passed_over() -> None:
    climb = Climb(SPACE, SPEC, any_number)
    refused = Told(b"weights: [", Outcome(1, "discard", "invalid", {}, {}))
    climb.proposer.recall([climb.record[0], refused])
    assert climb.batch()


def test_an_incumbent_that_it_did_not_make_is_what_the_next_changes_start_from() -> None:
    climb = Climb(BOX, ORIGIN, valley)
    climb.climb(48)
    there = dict(zip(LETTERS, (20, 20, 20, 20, 20, 20, 20, 20), strict=True))
    climb.incumbent = "".join(f"{letter}: {value}\n" for letter, value in there.items()).encode()
    far = [sum(abs(load_bytes(p.content, "x.yaml")[k] - there[k]) for k in LETTERS) for p in climb.ask(16)]
    assert sum(distance < 60 for distance in far) >= 8


# --- the axes ---


@given(leaves=spaces.filter(has_choice))
@settings(max_examples=60, deadline=None)
def test_a_point_means_the_values_that_it_was_made_of(leaves: list[tuple[dict[str, Any], Any]]) -> None:
    data = json.loads(spec_of(leaves))
    free = target(rules_of(leaves)).space.free(data)
    coding = Coding(free)
    values = {pointer: data[pointer[1:]] for pointer in free}
    decoded = coding.decode(coding.encode(values))
    for pointer, value in values.items():
        if isinstance(value, float) and free[pointer].kind == "float":
            assert decoded[pointer] == pytest.approx(
                value, rel=1e-5, abs=1e-5 * (free[pointer].high - free[pointer].low)
            )
        else:
            assert decoded[pointer] == value
            assert type(decoded[pointer]) is type(value) or free[pointer].kind == "float"


def test_the_first_steps_reach_every_neighbour() -> None:
    free = {"/a": Allowed("int", 0, 1), "/b": Allowed("int", -5, 25), "/c": Allowed("choice", choices=("x", "y", "z"))}
    steps = Coding(free).steps()
    assert steps.tolist() == pytest.approx([0.4, 0.13, 0.4, 0.4, 0.4])
