"""Which changes count as nearly the same."""

from __future__ import annotations

import pytest

from bot.proposers import Outcome
from bot.proposers.mind.changes import described
from bot.proposers.mind.history import History, Tried
from bot.proposers.mind.novelty import Discarded, change, near, nearest

YAML = b"weights:\n  a: 10\n  b: 1.0\n  c: fast\nflag: true\n"
CODE = b"def f(rows):\n    total = 0\n    for row in rows:\n        total += row.amount\n    return total\n"


def alike(base: bytes, one: bytes, other: bytes, file: str) -> bool:
    found = near(change(base, one, file), change(base, other, file))
    assert found == near(change(base, other, file), change(base, one, file))
    return found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((b"1.0", b"2.0"), (b"1.0", b"2.01"), True),
        ((b"1.0", b"2.0"), (b"1.0", b"2.2"), False),
        ((b"1.0", b"2.0"), (b"1.0", b"0.5"), False),
        ((b"10", b"12"), (b"10", b"13"), False),
        ((b"10", b"12"), (b"10", b"12"), True),
        ((b"fast", b"slow"), (b"fast", b"slower"), False),
        ((b"true", b"false"), (b"10", b"12"), False),
        ((b"weights:", b"# a word\nweights:"), (b"weights:", b"weights:"), False),
    ],
)
def test_values(one: tuple[bytes, bytes], other: tuple[bytes, bytes], same: bool) -> None:
    assert alike(YAML, YAML.replace(*one), YAML.replace(*other), "x.yaml") is same


def test_the_same_words_on_an_incumbent_that_moved_on_are_the_same_idea() -> None:
    moved = CODE.replace(b"def f", b"import sys\n\n\ndef f")
    one, other = (text.replace(b"total = 0", b"total = sum(r.amount for r in rows)") for text in (CODE, moved))
    assert near(change(CODE, one, "x.py"), change(moved, other, "x.py"))


def test_comments_of_python_do_not_make_an_idea_new() -> None:
    one = CODE.replace(b"total += row.amount", b"total += row.amount or 0")
    other = CODE.replace(b"total += row.amount", b"total += row.amount or 0  # this time for a good reason")
    assert alike(CODE, one, other, "x.py")
    assert not alike(CODE, one, other, "x.txt")


def test_another_change_is_another_idea() -> None:
    one = CODE.replace(b"total += row.amount", b"total += row.amount or 0")
    other = CODE.replace(b"return total", b"return round(total, 2)")
    assert not alike(CODE, one, other, "x.py")


def test_undoing_is_not_doing() -> None:
    done = CODE.replace(b"total = 0", b"total = 0.0 + start")
    assert not near(change(CODE, done, "x.py"), change(done, CODE, "x.py"))


def test_the_latest_of_those_it_repeats_is_named() -> None:
    new = change(YAML, YAML.replace(b"10", b"12"), "x.yaml")
    other = change(YAML, YAML.replace(b"10", b"13"), "x.yaml")
    past = [Discarded(1, "worse", new), Discarded(2, "tie", new), Discarded(3, "worse", other)]
    found = nearest(new, past)
    assert found is not None
    assert found.number == 2
    assert nearest(new, past[2:]) is None


def test_changes_in_words() -> None:
    assert described(YAML, YAML.replace(b"10", b"12"), "x.yaml") == "/weights/a: 10 -> 12"
    assert "-    return total" in described(CODE, CODE.replace(b"return total", b"return 1"), "x.py")
    assert described(YAML, YAML + b"new: 1\n", "x.yaml").endswith("+new: 1")
    assert described(YAML, b"\x00", "x.yaml") != ""


def test_a_block_never_changes_and_a_compaction_is_told() -> None:
    history = History("score", 3_000)
    told = []
    for number in range(1, 60):
        before = list(history.blocks)
        outcome = Outcome(number, "discard", "worse", {"score": 0.5}, {}, None, "why", -0.1)
        told.append(history.add(Tried(outcome, f"idea {number}", "a -> b")))
        if not told[-1]:
            assert history.blocks[:-1] == before
        assert sum(len(block.encode()) for block in history.blocks) <= 3_000
    assert 0 < sum(told) < len(told) / 4
