"""What differs in its numbers alone is parsed by pattern: to the very same data as in full, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import documents
from harness.documents import ParseProblem, load_bytes, parse
from harness.documents.pattern import Pattern, Patterns
from harness.errors import InvalidCandidate

SPEC = """# a comment with 5 in it
weights:
  days: 5  # 1 = often
  "quoted 3": -2
  word: no
scaling: {days: [0, 30.5], other: [-1, 1]}
list:
- 7
- "8"
- - 9
"""


def pattern(text: str, name: str = "a.yaml") -> Pattern:
    return Pattern(text, parse(text.encode(), name))


def in_full(text: str, name: str) -> Any:
    return parse(text.encode(), name).data


def test_its_own_text_and_other_numbers() -> None:
    found = pattern(SPEC).data(SPEC.replace("days: 5", "days: -25").replace("30.5", "0.25").replace("- - 9", "- - -9"))
    assert found["weights"] == {"days": -25, "quoted 3": -2, "word": "no"}
    assert found["scaling"]["days"] == [0, 0.25]
    assert found["list"] == [7, "8", [-9]]
    assert [type(value) for value in found["scaling"]["days"]] == [int, float]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("days: 5", "days: five"), ("days: 5", "days: 05"), ("days: 5", "days: 1e3"), ("days: 5", "days: .5"),
        ("days: 5", 'days: "5"'), ("days: 5", "days: 5\n  more: 6"), ("days: 5", "days: 0x10"),
        ("days: 5", "days: [5]"),
        ("days: 5", "days: &a 5"), ("days: 5", "days:5"), ("days: 5", "days: 5 6"), ("# a", "# b"), ("- 7", "-7"),
        ("days: 5", "days: +5"), ("days: 5", "days: 5."), ("days: 5", "days: -"), ("days: 5", "days: 9999999999999999"),
        ("word: no", "word: 1"),
    ],
)  # fmt: skip
def test_what_differs_in_anything_else_is_not_matched(old: str, new: str) -> None:
    assert old in SPEC
    assert pattern(SPEC).data(SPEC.replace(old, new, 1)) is None


NUMBERS = st.one_of(st.integers(-(10**14), 10**14), st.floats(-1e6, 1e6).map(lambda value: round(value, 6)))


@given(st.lists(NUMBERS, min_size=3, max_size=3), st.sampled_from(["a.yaml", "a.json"]))
def test_the_data_is_that_of_a_full_parse(values: list[float], name: str) -> None:
    def text(a: Any, b: Any, c: Any) -> str:
        if name == "a.json":
            return json.dumps({"a": a, "b/~": [b, {"c": c}], "t": "5"}, indent=1)
        return f"a: {json.dumps(a)} # 5\nb/~: [{json.dumps(b)}, {{c: {json.dumps(c)}}}]\nt: '5'\n"

    wanted = text(*values)
    found = pattern(text(1, 2.5, -3), name).data(wanted)
    if found is not None:
        assert repr(found) == repr(in_full(wanted, name))
    elif not any("e" in json.dumps(value) for value in values):
        raise AssertionError(f"{wanted} should match")


@given(st.lists(NUMBERS, min_size=5, max_size=5), st.sampled_from(["a.yaml", "a.json"]))
def test_what_is_moved_is_what_a_full_parse_makes(values: list[float], name: str) -> None:
    def text(a: Any, b: Any, c: Any, d: Any, e: Any) -> str:
        if name == "a.json":
            return f'{{"a": {a}, "b": [{b}, {{"c":{c}}}],\n "x~": "5", "d": [{d},{e}]}}'
        return f"# 7\na: {a} # 5\nb/~: [{b}, {{c: {c}}}, '5']\nempty:\nlist:\n- {d}\n- - {e}"

    words = [f"{value:.6f}" if isinstance(value, float) else str(value) for value in values]
    old, new = text(1, 2.5, -3, 44, 5), text(*words)
    document, wanted = parse(old.encode(), name), parse(new.encode(), name)
    found = Pattern(old, document).moved(document, new)
    assert found is not None
    moved, made = found[0], Pattern(new, wanted)
    assert repr(found[1]) == repr(wanted), "its data, and where each value and key stands"
    other = text(0, *words[1:])
    assert moved.changes(moved.words(other) or ()) == made.changes(made.words(other) or ())
    pointer = next(iter(wanted.spans.keys() & made._numbers.keys()))
    assert moved.canonical_id({pointer: 12}) == made.canonical_id({pointer: 12})
    assert moved.described(words) == made.described(words)
    again = moved.moved(found[1], old)
    assert again is not None
    assert repr(again[1]) == repr(document)
    assert Pattern(old, document).moved(document, new + " ") is None


@given(st.text(alphabet='0123456789.-+e:,[]{} \n#"&*!|>ab', max_size=12))
def test_no_replacement_of_a_number_misleads(word: str) -> None:
    """Whatever stands in a number's place: matched only where the full parse says the same."""
    text = SPEC.replace("days: 5", f"days: {word}")
    found = pattern(SPEC).data(text)
    if found is not None:
        assert repr(found) == repr(in_full(text, "a.yaml"))


def test_each_caller_gets_data_of_its_own() -> None:
    text = b"mine: {a: 1, b: [2]}\n"
    first = load_bytes(text, "a.yaml")
    first["mine"]["a"] = 99
    first["mine"]["b"].append(3)
    assert load_bytes(text, "a.yaml") == {"mine": {"a": 1, "b": [2]}}
    second = load_bytes(text, "a.yaml")
    second["mine"]["b"].append(4)
    assert load_bytes(text, "a.yaml") == {"mine": {"a": 1, "b": [2]}}


def test_a_broken_text_after_a_good_one_is_still_refused() -> None:
    load_bytes(b"fine: 1\n", "a.yaml")
    for broken in (
        b"fine: 1\nfine: 2\n",
        b"fine: &a 1\n",
        b"fine: \xff1\n",
        b"\xef\xbb\xbffine: 1\n",
        b"fine: 1\n--- 2\n",
    ):
        with pytest.raises(InvalidCandidate):
            load_bytes(broken, "a.yaml")


def test_a_refused_text_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Patterns()
    monkeypatch.setitem(documents._PATTERNS, ".yaml", known)
    with pytest.raises(InvalidCandidate):
        load_bytes(b"a: 1\na: 2\n", "x.yaml")
    assert not known._known
    load_bytes(b"a: 1\n", "x.yaml")
    assert known.data("a: 2\n") == {"a": 2}


def test_limits_of_the_caller_are_kept() -> None:
    load_bytes(b"a: 1\n", "a.yaml")
    with pytest.raises(ParseProblem):
        parse(b"a: 1\n", "a.yaml", documents.ParseLimits(size=2))
    with pytest.raises(InvalidCandidate):
        load_bytes(b"a: 1\n", "a.yaml", documents.ParseLimits(size=2))
