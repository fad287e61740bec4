"""A candidate that differs from the base in numbers alone is admitted by the short way: as the long one would."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.admission import Admission, Admitted, Refused
from harness.space import Space, from_config
from tests.proposing import target as invented

BASE = """# 7 beliefs
weights:
  calls: 5   # the 1st
  "odd/key~2": -3
  ratio: 0.50
  none: 0
list: [1, {deep: 2}, word, "12", true, null]
tiers: {A: 60, B: 0}
"""
NAMES = ("5   #", "-3", "0.50", "none: 0", "[1,", "deep: 2", "A: 60", "B: 0")
WORDS = st.sampled_from(
    ["5", "0", "-0", "7", "7.0", "0.5", "-3", "25", "26", "1e3", "05", "x", "true", "9" * 20, "0.0"]
)
SPACE: dict[str, Any] = {
    "/weights/*": {"int": [-5, 25]}, "/weights/ratio": {"float": [0, 1]}, "/list/1/deep": {"int": [0, 30]},
    "/tiers/A": {"locked": True},
}  # fmt: skip


def admission(space: Space, name: str = "spec.yaml") -> Admission:
    target = dataclasses.replace(invented({}), file=name, space=space)
    return Admission(target, BASE.encode(), lambda content: f"blob of {len(content)}")


def in_full(judge: Admission) -> Admission:
    """The same without the short way."""
    judge._likes = None
    return judge


@given(st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=5), st.booleans())
def test_both_ways_say_the_same(words: dict[str, str], bounded: bool) -> None:
    space = from_config(SPACE) if bounded else Space()
    text = BASE
    for old, new in words.items():
        number = next(part for part in old.replace("[", "").replace(",", "").split() if part[-1].isdigit())
        text = text.replace(old, old.replace(number, new))
    content = text.encode()
    assert admission(space).judge(content) == in_full(admission(space)).judge(content)


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = admission(from_config(SPACE))
    monkeypatch.setattr("harness.admission.load_bytes", None)
    found = judge.judge(BASE.replace("calls: 5", "calls: 9").encode())
    assert isinstance(found, Admitted)
    with pytest.raises(TypeError):
        judge.judge(BASE.replace("word", "another").encode())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("calls: 5", "calls: 26", "/weights/calls: 26 must be within [-5, 25]"),
        ("calls: 5", "calls: 6.0", "/weights/calls: 6.0 must be a whole number"),
        ("A: 60", "A: 61", "/tiers/A: 61 is locked"),
        ("B: 0", "B: 1", "/tiers/B is not in the space"),
    ],
)
def test_what_leaves_the_space_is_refused(old: str, new: str, why: str) -> None:
    found = admission(from_config(SPACE)).judge(BASE.replace(old, new).encode())
    assert isinstance(found, Refused)
    assert found.why == why


def test_bytes_that_are_no_text_do_not_pass_for_a_sign_of_such() -> None:
    """A base that holds the sign for what could not be read is no way around the reading."""
    target = dataclasses.replace(invented({}), file="spec.yaml", space=Space())
    judge = Admission(target, "a: 1 # \ufffd\n".encode(), lambda _content: "blob")
    assert isinstance(judge.judge("a: 2 # \ufffd\n".encode()), Admitted)
    assert isinstance(judge.judge(b"a: 2 # \xff\n"), Refused)


@pytest.mark.parametrize(("name", "text"), [("spec.yaml", "|\n  one\n  two\n"), ("spec.json", '"one\\ntwo"')])
def test_of_a_file_that_is_one_text_the_lines_are_counted(name: str, text: str) -> None:
    target = dataclasses.replace(invented({}), file=name, space=Space())
    found = Admission(target, text.encode(), lambda _content: "blob").judge(text.encode())
    assert isinstance(found, Admitted)
    assert found.complexity == 2
