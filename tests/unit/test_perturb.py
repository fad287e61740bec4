"""`perturb` stays in its space, repeats nothing, forgets nothing that it could try, and replays."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import proposers
from bot.proposers import Request, moves
from bot.proposers.moves import draw
from bot.proposers.perturb import Perturb
from harness.documents import canonical_id, load_bytes
from harness.space import Allowed
from tests.proposing import SPACE, SPEC, TINY, Session, has_choice, rules_of, spaces, spec_of, target, walk


def test_it_is_the_proposer_of_its_name() -> None:
    assert isinstance(proposers.make(target(SPACE), 1), Perturb)
    assert proposers.make(target(SPACE), 1).worst_case_usd == 0.0


def test_comments_order_and_spelling_stay() -> None:
    session = Session(SPACE, SPEC)
    pattern = re.compile(
        r"# the score of an account\nweights:\n  logins: (\S+)      # per week\n  tickets: (\S+)\n  seats: (\S+)\n"
        r"rate: (\S+)      # how fast it forgets\nmode: (fast|slow|\"both ways\")\nflags: \[true, (\S+), null\]\n"
    )
    for proposal in session.ask(400):
        assert pattern.fullmatch(proposal.content.decode())


def test_json_keeps_its_layout_too() -> None:
    spec = '{"b": [1,  2],\n\n "a~/": {"x":0.50}}\n'
    rules: dict[str, dict[str, Any]] = {"/b/*": {"int": [0, 9]}, "/a~0~1/x": {"float": [0, 1]}}
    session = Session(rules, spec, file="spec.json")
    pattern = re.compile(r'\{"b": \[\d,  \d\],\n\n "a~/": \{"x":[-\d.e]+\}\}\n')
    for proposal in session.ask(200):
        assert pattern.fullmatch(proposal.content.decode())


def test_the_description_says_what_changed() -> None:
    session = Session({"/weights/logins": {"int": [4, 6]}, "/flags/1": {"choice": [True, False]}}, SPEC)
    said = {proposal.description for proposal in walk(session)}
    assert said == {
        "logins 5 -> 4", "logins 5 -> 6", "flags/1 False -> True", "logins 5 -> 4, flags/1 False -> True",
        "logins 5 -> 6, flags/1 False -> True",
    }  # fmt: skip


def test_one_to_three_values_change_at_once() -> None:
    session = Session(SPACE, SPEC)
    counts = [len(proposal.description.split(", ")) for proposal in session.ask(60)]
    assert set(counts) == {1, 2, 3}
    assert min(counts.count(1), counts.count(2), counts.count(3)) >= 5


# --- random spaces ---


@given(leaves=spaces.filter(has_choice), seed=st.integers(0, 5), file=st.sampled_from(["spec.yaml", "spec.json"]))
@settings(max_examples=120, deadline=None)
def test_every_proposal_is_new_within_the_space_and_no_other_text_moves(
    leaves: list[tuple[dict[str, Any], Any]], seed: int, file: str
) -> None:
    session = Session(rules_of(leaves), spec_of(leaves), seed=seed, file=file)
    base = load_bytes(session.incumbent, file)
    seen = set(session.tried)
    for _ in range(3):
        for proposal in session.ask(12):
            data = load_bytes(proposal.content, file)
            assert list(data) == list(base)
            assert not list(session.target.space.problems(base, data))
            canon = canonical_id(proposal.content, file)
            assert canon not in seen
            seen.add(canon)
            assert proposal.description
            unchanged = [line for key, line in zip(base, session.incumbent.decode().splitlines()[1:], strict=False)
                         if json.dumps(data[key]) == json.dumps(base[key])]  # fmt: skip
            for line in unchanged:
                assert line.rstrip(",") in proposal.content.decode()


@given(
    leaves=spaces.filter(has_choice), cuts=st.lists(st.integers(1, 7), min_size=1, max_size=12), seed=st.integers(0, 5)
)
@settings(max_examples=80, deadline=None)
def test_it_replays_whatever_the_batches_were(
    leaves: list[tuple[dict[str, Any], Any]], cuts: list[int], seed: int
) -> None:
    def told(batches: list[int], *, resume: bool) -> list[bytes]:
        session = Session(rules_of(leaves), spec_of(leaves), seed=seed)
        found: list[bytes] = []
        for batch in batches:
            if resume:
                session.resumed(seed)
            found += [proposal.content for proposal in session.ask(batch)]
        return found

    whole = told([sum(cuts)], resume=False)
    assert told(cuts, resume=False) == whole
    assert told(cuts, resume=True) == whole


def test_another_seed_is_another_night() -> None:
    def night(seed: int) -> list[bytes]:
        return [proposal.content for proposal in Session(SPACE, SPEC, seed=seed).ask(20)]

    assert night(1) == night(1)
    assert night(1) != night(2)


def test_a_new_incumbent_is_what_the_next_changes_start_from() -> None:
    session = Session(SPACE, SPEC)
    session.ask(5)
    session.incumbent = SPEC.replace("logins: 5", "logins: 6").encode()
    for proposal in session.ask(60):
        lines = proposal.content.splitlines()
        assert 1 <= sum(a != b for a, b in zip(lines, session.incumbent.splitlines(), strict=True)) <= 3


# --- small spaces ---


@pytest.mark.parametrize(("rules", "spec", "points"), TINY)
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("attempts", [0, 1, 40], ids=["walk alone", "few draws", "draws"])
def test_a_tiny_space_is_walked_to_its_end(
    rules: dict[str, dict[str, Any]], spec: str, points: int, batch: int, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "ATTEMPTS", attempts)
    session = Session(rules, spec)
    found = walk(session, batch, most=200)
    canons = [canonical_id(proposal.content, "spec.yaml") for proposal in found]
    assert len(canons) == len(set(canons)) == points - 1
    assert canonical_id(spec.encode(), "spec.yaml") not in canons
    assert session.ask(16) == []


def test_a_walk_goes_on_over_a_new_incumbent_and_a_resume() -> None:
    session = Session({"/*": {"int": [0, 2]}}, "a: 0\nb: 1\nc: 2\nd: 0\n")
    seen: list[bytes] = []
    for _ in range(200):
        proposals = session.ask(3)
        seen += [proposal.content for proposal in proposals]
        if not proposals:
            break
        session.incumbent = proposals[-1].content
        session.resumed()
    assert len(seen) == len(set(seen)) == 80


def test_a_walk_ends_even_where_the_record_never_takes_a_point_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposal that is refused is recorded under another id than the point it stands for."""
    monkeypatch.setattr(moves, "ATTEMPTS", 0)
    proposer = proposers.make(target({"/a": {"int": [0, 4]}}), 1)
    tried = {canonical_id(b"a: 0\n", "x.yaml")}
    asked = 0
    while proposer.ask(Request(b"a: 0\n", {}, asked + 1, 1, tried)):
        asked += 1
        assert asked <= 4
    assert asked == 4


def test_the_incumbent_is_never_proposed_even_if_nobody_says_that_it_was_tried() -> None:
    proposer = proposers.make(target({"/a": {"choice": [1, 1.0, 2]}, "/b": {"int": [0, 1]}}), 1)
    incumbent = canonical_id(b"a: 1\nb: 0\n", "x.yaml")
    tried: set[str] = set()
    for number in range(1, 10):
        for proposal in proposer.ask(Request(b"a: 1\nb: 0\n", {}, number, 1, tried)):
            canon = canonical_id(proposal.content, "x.yaml")
            assert canon != incumbent
            tried.add(canon)
    assert len(tried) == 3


def test_a_large_space_is_not_exhausted_by_an_unlucky_draw() -> None:
    """Nearly everything near the incumbent was tried; the rest of the space was not."""

    class AllButFew(Collection[str]):
        def __init__(self, left: set[str]) -> None:
            self.left = left

        def __contains__(self, canon: object) -> bool:
            return canon not in self.left

        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[str]:
            return iter(())

    left = {canonical_id(b"a: %d\n" % n, "x.yaml") for n in (1999, 3777)}
    proposer = proposers.make(target({"/a": {"int": [0, 5000]}}), 1)
    found = proposer.ask(Request(b"a: 2\n", {}, 1, 5, AllButFew(left)))
    assert sorted(proposal.content for proposal in found) == [b"a: 1999\n", b"a: 3777\n"]


# --- reach of a single draw ---


def draws(allowed: Allowed, old: Any, count: int = 4000) -> list[Any]:
    chance = random.Random(3)
    found = [draw(chance, allowed, old) for _ in range(count)]
    assert all(value != old or type(value) is not type(old) for value in found)
    assert all(not allowed.problem(value) for value in found)
    return found


@pytest.mark.parametrize("old", [-4, 0, 1, 7, 12])
def test_every_whole_number_is_within_reach(old: int) -> None:
    assert set(draws(Allowed("int", -4, 12), old)) == set(range(-4, 13)) - {old}


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 2), (5, 6), (-300, 300)])
def test_every_whole_number_of_any_range(low: int, high: int) -> None:
    for old in {low, high, (low + high) // 2}:
        assert set(draws(Allowed("int", low, high), old, 20_000)) == set(range(low, high + 1)) - {old}


def test_every_choice_is_within_reach() -> None:
    choices = ("a", 1, True, None, 2.5)
    for old in choices:
        found = {(type(value), value) for value in draws(Allowed("choice", choices=choices), old, 200)}
        assert found == {(type(choice), choice) for choice in choices} - {(type(old), old)}


RANGES = [
    (0.0, 1.0), (-1.0, 1.0), (0.0, 1e6), (-5e-7, 5e-7), (1_000_000.1, 1_000_000.2), (0.9999991, 0.9999999), (1, 3),
    (1e15, 1e15 + 64),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("start", ["low", "high", "inside"])
def test_every_part_of_a_range_is_within_reach(low: float, high: float, start: str) -> None:
    old = {"low": low, "high": high, "inside": low + (high - low) * 0.375}[start]
    found = draws(Allowed("float", low, high), old, 3000)
    parts = {min(int(20 * (value - low) / (high - low)), 19) for value in found}
    assert parts == set(range(20))
    near = [value for value in found if 0 < abs(value - old) <= (high - low) / 50]
    assert len(near) > 500


@pytest.mark.parametrize(("low", "high"), [(1e-9, 1e9), (1e-5, 10.0), (1.0, 1.001), (1e-300, 1e300), (2, 4)])
@pytest.mark.parametrize("start", ["low", "high"])
def test_every_ratio_of_a_log_range_is_within_reach(low: float, high: float, start: str) -> None:
    old = low if start == "low" else high
    found = draws(Allowed("float", low, high, log=True), old, 3000)
    whole = math.log(high) - math.log(low)
    parts = {min(int(20 * (math.log(value) - math.log(low)) / whole), 19) for value in found}
    assert parts == set(range(20))
    near = [value for value in found if 0 < abs(math.log(value) - math.log(old)) <= whole / 50]
    assert len(near) > 500


def test_values_are_written_as_people_would_write_them() -> None:
    for value in draws(Allowed("float", 0.0, 1.0), 0.5, 500):
        assert len(repr(value).replace("e-0", "").lstrip("0.").replace(".", "").replace("-", "")) <= 9
        assert float(f"{value:.6g}") == value


def test_many_whole_numbers_and_one_with_a_point_are_no_walk() -> None:
    """Their number is beyond every float, and times infinity."""
    spec = "w:\n" + "".join(f"  f{n}: 1\n" for n in range(300)) + "rate: 0.5\n"
    session = Session({"/w/*": {"int": [-5, 25]}, "/rate": {"float": [0, 1]}}, spec)
    assert len(session.ask(4)) == 4
    assert session.proposer.steady
