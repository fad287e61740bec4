"""What counts as a report: the check by hand and the published schema say the same, and nothing else is a number."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.reports import (
    CRASH_KINDS,
    LONGEST_NOTE,
    MOST_METRICS,
    MOST_NOTES,
    MOST_PARTS,
    MOST_STRATA,
    BadReport,
    check_scores,
    closing_block,
    parse_json,
)
from harness.schemas import schema

VALIDATOR = Draft202012Validator(schema("report"))


def agrees(message: Any) -> bool:
    """Whether the schema takes a message. ECMA's $ is the end of the text, Python's also stands before a newline."""
    return VALIDATOR.is_valid(message) and not any(
        name.endswith("\n") for part in message.values() for name in (part if isinstance(part, dict) else ())
    )


def kind_of(message: Any, names: tuple[str, ...] = ()) -> str:
    """The crash kind, or nothing for a report that is one."""
    try:
        check_scores(message, names)
    except BadReport as bad:
        return bad.kind if bad.kind in CRASH_KINDS and bad.why else "not in the closed list"
    return ""


names = st.sampled_from(["a", "auc_roc", "p99.ms@eu-1", "A" * 64]) | st.sampled_from(
    ["", "1a", "_a", "a b", "A" * 65, "a\n", "é", "a/b"]
)
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
junk: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2) | st.just({})
)
values = numbers | numbers | numbers | junk
maps = st.dictionaries(names, values, max_size=3) | junk
strata = st.lists(st.lists(values, max_size=4) | junk, max_size=3) | junk
notes = st.lists(st.text(max_size=3) | junk, max_size=3) | junk
messages = (
    st.fixed_dictionaries(
        {},
        optional={
            "metrics": maps,
            "parts": maps,
            "rows": st.dictionaries(names, strata, max_size=2) | junk,
            "notes": notes,
        },
    )
    | st.dictionaries(st.sampled_from(["metrics", "parts", "rows", "notes", "more"]), maps, max_size=4)
    | junk
    | numbers
)
good = st.sampled_from(["a", "auc_roc"])
likely = st.fixed_dictionaries(
    {"metrics": st.dictionaries(good, numbers, min_size=1)},
    optional={
        "parts": st.dictionaries(good, values, max_size=2),
        "rows": st.dictionaries(good, st.lists(st.lists(values, max_size=4), max_size=3), max_size=2),
        "notes": notes,
    },
)


@given(message=messages | likely)
@example(message={"metrics": {}})
@example(message={"metrics": {"a": True}})
@example(message={"metrics": {"a": 1}, "rows": {"a": [[0, 1]] * MOST_STRATA}})
@example(message={"metrics": {"a": 1}, "rows": {"a": [[0, 1]] * (MOST_STRATA + 1)}})
@example(message={"metrics": {"a": 1}, "rows": {"a": []}})
@example(message={"metrics": {"a": 1}, "rows": {"a": [[1]]}})
@example(message={"metrics": {"a": 1}, "rows": {}})
@example(message={"metrics": {"a": 1}, "parts": {}})
@example(message={"metrics": {f"m{n}": n for n in range(MOST_METRICS)}})
@example(message={"metrics": {f"m{n}": n for n in range(MOST_METRICS + 1)}})
@example(message={"metrics": {"a": 1}, "parts": {f"m{n}": n for n in range(MOST_PARTS)}})
@example(message={"metrics": {"a": 1}, "parts": {f"m{n}": n for n in range(MOST_PARTS + 1)}})
@settings(max_examples=600, deadline=None)
def test_the_check_by_hand_agrees_with_the_schema(message: Any) -> None:
    message = json.loads(json.dumps(message))
    assert (kind_of(message) == "") == agrees(message)
    assert kind_of(message) in {"", "malformed", "nan"}


def test_the_random_messages_are_of_both_kinds() -> None:
    """The agreement above means something only if it is not one-sided."""
    found = []

    @given(message=likely)
    @settings(max_examples=200, deadline=None, database=None)
    def collect(message: Any) -> None:
        found.append(kind_of(message))

    collect()
    assert found.count("") > 20
    assert found.count("malformed") > 20


def test_a_report_comes_through_as_it_is() -> None:
    message: dict[str, Any] = {"metrics": {"a": 0.1, "b": 3}, "parts": {"x.y": -1}, "rows": {"a": [[0, 1.5], [2, 3]]}}
    found = check_scores(message, ("a", "b"))
    assert found.metrics == {"a": 0.1, "b": 3}
    assert found.parts == {"x.y": -1}
    assert found.rows == {"a": [[0, 1.5], [2, 3]]}
    assert found.crash == ""


def test_notes_come_through_bounded_and_cut_and_command_no_terminal() -> None:
    said = ["plain é", "\x1b[2Jred\u202e\n\ud800", "n" * 5000, "\x00" * 150]
    found = check_scores({"metrics": {"a": 1}, "notes": said}, ("a",)).notes
    assert found[:2] == ("plain é", "\\x1b[2Jred\\u202e\\n\\ud800")
    assert [len(note) for note in found[2:]] == [LONGEST_NOTE, LONGEST_NOTE]
    assert all(note.endswith("...") for note in found[2:])
    many = check_scores({"metrics": {"a": 1}, "notes": [f"n{n}" for n in range(1000)]}, ("a",)).notes
    assert (len(many), many[0], many[-2], many[-1]) == (MOST_NOTES, "n0", "n18", "and 981 more")
    exact = check_scores({"metrics": {"a": 1}, "notes": ["n" * LONGEST_NOTE] * MOST_NOTES}, ("a",)).notes
    assert exact == ("n" * LONGEST_NOTE,) * MOST_NOTES
    assert check_scores({"metrics": {"a": 1}}, ("a",)).notes == ()


@pytest.mark.parametrize("said", ["a note", {"a": "b"}, ["a", 1], [None], 3, None, [["a"]]])
def test_notes_are_a_list_of_texts(said: Any) -> None:
    assert kind_of({"metrics": {"a": 1.0}, "notes": said}) == "malformed"


def test_a_whole_number_is_a_number_like_any_other() -> None:
    """Everything behind the check computes with floats and shows floats."""
    found = check_scores({"metrics": {"a": 3}, "parts": {"b": -4}}, ("a",))
    assert [type(value) for value in (*found.metrics.values(), *found.parts.values())] == [float, float]


@pytest.mark.parametrize("missing", [("b",), ("a", "b"), ("A",)])
def test_a_metric_that_is_not_there_is_missing(missing: tuple[str, ...]) -> None:
    assert kind_of({"metrics": {"a": 1.0}}, missing) == "missing"
    assert kind_of({"metrics": {"a": 1.0}, "parts": {"b": 1.0, "A": 1.0}}, missing) == "missing"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**309, -(10**400)], ids=lambda value: str(value)[:6]
)
@pytest.mark.parametrize("part", ["metrics", "parts"])
def test_what_is_not_finite_is_no_number(value: float, part: str) -> None:
    assert kind_of({"metrics": {"a": 1.0}, part: {"a": value}}, ("a",)) == "nan"


@pytest.mark.parametrize("value", [math.nan, -math.inf, 10**309, True, "1", None], ids=lambda value: str(value)[:6])
def test_rows_hold_finite_numbers(value: Any) -> None:
    assert kind_of({"metrics": {"a": 1.0}, "rows": {"a": [[0.0, value]]}}) == "malformed"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"metrics": {"a": NaN}}', "nan"),
        (b'{"metrics": {"a": -Infinity}}', "nan"),
        (b'{"metrics": {"a": 1e999}}', "nan"),
        (b'{"metrics": {"a": 1' + b"0" * 400 + b"}}", "nan"),
        (b'{"metrics": {"a": 1' + b"0" * 9000 + b"}}", "malformed"),
        (b'{"metrics": {"a": 1}', "malformed"),
        (b'{"metrics": {"a": 1}} x', "malformed"),
        (b"{'metrics': {'a': 1}}", "malformed"),
        (b'{"metrics": {"a": "1"}}', "malformed"),
        (b'{"metrics": {"a": true}}', "malformed"),
        (b'{"metrics": {"a": null}}', "malformed"),
        (b'{"metrics": {"a": [1]}}', "malformed"),
        (b'{"metrics": {"a": 1, "a": 2}}', "twice"),
        (b'{"metrics": {"a": 1}, "metrics": {"a": 1}}', "twice"),
        (b'{"metrics": [1]}', "malformed"),
        (b'{"a": 1}', "malformed"),
        (b"0.91", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b"", "malformed"),
        (b'{"metrics": {"b": 1}}', "missing"),
        (b'{"metrics": {"a": -1.5e-3}}', ""),
    ],
)
def test_a_line_of_json(text: bytes, kind: str) -> None:
    try:
        found = kind_of(parse_json(text), ("a",))
    except BadReport as bad:
        found = bad.kind
    assert found == kind


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("---\na: 1\nb: -2.5e3\n", {"a": 1.0, "b": -2500.0}),
        ("noise: 7\n---\nmore\n---\na: 1\n\n", {"a": 1.0}),
        ("  ---  \n  a :  1  \n", {"a": 1.0}),
        ("---\r\na: 1\r\n", {"a": 1.0}),
        ("", "missing"),
        ("a: 1\n", "missing"),
        ("---\n", "missing"),
        ("a: 1\n---\n\n", "missing"),
        ("---\na: 1\na: 1\n", "twice"),
        ("---\na: 1\nb: 2\na: 3\n", "twice"),
        ("---\na: one\n", "malformed"),
        ("---\na 1\n", "malformed"),
        ("---\na:\n", "malformed"),
        ("---\na: 1\nDone.\n", "malformed"),
        ("---\na: 1_000\n", "malformed"),
        ("---\na: 1,5\n", "malformed"),
        ("---\n1\n", "malformed"),
        ("---\na: 0x10\n", "malformed"),
        ("---\na: true\n", "malformed"),
    ],
)
def test_a_closing_block(said: str, found: dict[str, float] | str) -> None:
    if isinstance(found, dict):
        assert closing_block(said) == found
    else:
        with pytest.raises(BadReport) as caught:
            closing_block(said)
        assert caught.value.kind == found


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-Infinity", "1e999"])
def test_a_closing_block_that_is_not_finite(value: str) -> None:
    assert kind_of({"metrics": closing_block(f"---\na: {value}\n")}, ("a",)) == "nan"
