"""Rows: whichever of them are taken, there is a file; all of them are the result; each says what it changes."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import rows
from harness.documents import leaves, parse

BASE = b"""# weights of the score
weights:
  logins: 5   # per week
  tickets: -3
  "seats used": 2
limits: [10, 20, 30]
mode: fast
"""


def edited(base: bytes, *pairs: tuple[str, str]) -> bytes:
    text = base.decode()
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text.encode()


HEAD = edited(BASE, ("logins: 5 ", "logins: 7 "), ("-3", "-1"), ("20", "0"), ("mode: fast", "mode: slow"))


def subsets(count: int) -> list[tuple[int, ...]]:
    return [chosen for size in range(count + 1) for chosen in itertools.combinations(range(count), size)]


def test_leaf_rows_are_values_and_nothing_else_moves() -> None:
    diff = rows.difference(BASE, HEAD, "spec.yaml", "leaf")
    assert diff.changes() == ["limits/1: 20 -> 0", "mode: fast -> slow", "logins: 5 -> 7", "tickets: -3 -> -1"]
    assert diff.content([2]) == edited(BASE, ("logins: 5 ", "logins: 7 "))
    assert diff.content([0, 1]) == edited(BASE, ("20", "0"), ("mode: fast", "mode: slow"))


def test_any_subset_of_leaf_rows_is_exactly_those_values() -> None:
    diff = rows.difference(BASE, HEAD, "spec.yaml", "leaf")
    pointers = ["/limits/1", "/mode", "/weights/logins", "/weights/tickets"]
    before, after = dict(leaves(parse(BASE, "x.yaml").data)), dict(leaves(parse(HEAD, "x.yaml").data))
    for chosen in subsets(4):
        content = diff.content(chosen)
        assert content.count(b"# per week") == 1
        found = dict(leaves(parse(content, "x.yaml").data))
        assert found == {p: after[p] if p in pointers and pointers.index(p) in chosen else v for p, v in before.items()}
    assert diff.content([]) == BASE
    assert diff.content(range(4)) == HEAD
    assert diff.content([3, 1, 2, 0]) == HEAD


def test_json_has_leaf_rows_too() -> None:
    base = json.dumps({"a": [1, 2], "b": {"c": 0.5}, "d": None}, indent=1).encode()
    head = edited(base, ("2", "3"), ("0.5", "0.25"))
    diff = rows.difference(base, head, "spec.json", "leaf")
    assert diff.changes() == ["a/1: 2 -> 3", "c: 0.5 -> 0.25"]
    assert diff.content([0]) == edited(base, ("2", "3"))


def test_pointers_are_sorted_as_people_count() -> None:
    base = b"".join(b"w%d: 0\n" % n for n in (10, 9, 1, 100))
    diff = rows.difference(base, base.replace(b": 0", b": 1"), "x.yaml", "leaf")
    assert [change.split(":")[0] for change in diff.changes()] == ["w1", "w9", "w10", "w100"]


def test_labels_of_odd_keys_and_values() -> None:
    base = b'"a/b": {"c~d": null, "e": true}\n"3": [{"x": 1.5}]\n"\xc2\xb2": 1\nlong: short\n'
    head = edited(base, ("null", "false"), ("true", "null"), ("1.5", "2.5"), (": 1\n", ": 2\n"), ("short", "q" * 60))
    changes = rows.difference(base, head, "x.yaml", "leaf").changes()
    assert set(changes) == {
        "c~d: null -> false", "e: true -> null", "x: 1.5 -> 2.5", "²: 1 -> 2", f"long: short -> {'q' * 37}...",
    }  # fmt: skip


def test_true_is_not_one() -> None:
    diff = rows.difference(b"a: true\nb: 2\n", b"a: 1\nb: 2.0\n", "x.yaml", "leaf")
    assert diff.changes() == ["a: true -> 1", "b: 2 -> 2.0"]
    assert diff.content([0, 1]) == b"a: 1\nb: 2.0\n"


@pytest.mark.parametrize(
    "head",
    [
        edited(HEAD, ("# per week", "# per month")),
        edited(HEAD, ("  logins: 7   #", "  logins: 7 #")),
        edited(HEAD, ("mode: slow", "mode: slow\nmore: 1")),
        edited(HEAD, ("  tickets: -1\n", "")),
        edited(HEAD, ("limits: [10, 0, 30]", "limits: [30, 0]")),
        edited(HEAD, ("limits: [10, 0, 30]", "limits: {}")),
        edited(HEAD, ("mode: slow", "mode: [")),
        edited(HEAD, ("mode: slow", 'mode: "slow"')),
        edited(HEAD, ("  tickets: -1\n", ""), ("  logins", "  tickets: -1\n  logins")),
    ],
    ids=["comment", "spaces", "added", "removed", "shorter", "emptied", "broken", "quotes", "order"],
)
def test_more_than_values_falls_back_to_hunks(head: bytes) -> None:
    diff = rows.difference(BASE, head, "spec.yaml", "leaf")
    assert diff.changes()
    assert all(change.split(" ")[0] in {"line", "add", "remove"} for change in diff.changes())
    assert diff.content(range(len(diff.changes()))) == head
    assert diff.content([]) == BASE


def test_a_leaf_row_is_a_hunk_row_where_hunks_are_asked_for() -> None:
    assert rows.difference(BASE, HEAD, "spec.yaml", "hunk").changes() == [
        "line 3: logins: 7   # per week", "line 6: limits: [10, 0, 30]",
    ]  # fmt: skip


def test_hunks_say_what_they_do() -> None:
    base = b"one\ntwo\nthree\nfour\nfive\n"
    diff = rows.difference(base, b"ONE\ntwo\nfour\n\n\nfive\n" + b"s" * 99, "code.py", "hunk")
    assert diff.changes() == ["line 1: ONE", "remove 3: three", "add 5: blank lines", f"add 6: {'s' * 60}"]


CODE = b"""DEPTH = 4  # tune: 2, 4
RATE: float = 0.002  # tune: 0.001 to 0.1
NAME = "a # b"


def run():
    return DEPTH
"""


def test_a_line_of_code_that_changes_a_constant_is_a_row_of_its_own_named_by_it() -> None:
    head = edited(CODE, ("DEPTH = 4", "DEPTH = 6"), ("0.002 ", "0.01838372615 "), ('"a # b"', '"c # d"'))
    diff = rows.difference(CODE, head, "train.py", "hunk")
    assert diff.changes() == ["DEPTH: 4 -> 6", "RATE: 0.002 -> 0.01838", 'NAME: "a # b" -> "c # d"']
    for chosen in subsets(3):
        lines = [(head if at in chosen else CODE).splitlines(keepends=True)[at] for at in range(3)]
        assert diff.content(chosen) == b"".join(lines + CODE.splitlines(keepends=True)[3:])
    steps = [(4, edited(CODE, ("DEPTH = 4", "DEPTH = 6"))), (7, head)]
    assert [group.experiments for group in rows.groups(diff, steps, CODE, 9)] == [(4,), (7,), (7,)]


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (("DEPTH = 4  # tune: 2, 4", "DEPTH = 6  # tune: 2, 6"), "line 1: DEPTH = 6  # tune: 2, 6"),
        (("DEPTH = 4", "WIDTH = 4"), "line 1: WIDTH = 4  # tune: 2, 4"),
        (("DEPTH = 4", "DEPTH = 2 + two()"), "line 1: DEPTH = 2 + two()  # tune: 2, 4"),
        (
            ("DEPTH = 4  # tune: 2, 4\nRATE: float = 0.002", "DEPTH = 6  # tune: 2, 4\nRATE = 0.002"),
            "line 1: DEPTH = 6",
        ),
        (("return DEPTH", "DEPTH = 3"), "line 7: DEPTH = 3"),
    ],
    ids=["comment", "name", "no literal", "one of two", "inside"],
)
def test_every_other_line_of_code_is_a_row_of_lines(pair: tuple[str, str], says: str) -> None:
    (change,) = rows.difference(CODE, edited(CODE, pair), "train.py", "hunk").changes()
    assert change.startswith(says)


def test_numbers_that_read_alike_are_shown_in_full() -> None:
    change = rows.difference(b"A = 0.123456781\n", b"A = 0.123456789\n", "a.py", "hunk").changes()
    assert change == ["A: 0.123456781 -> 0.123456789"]
    assert rows.difference(b"A = 1\n", b"A = 2\n", "a.sh", "hunk").changes() == ["line 1: A = 2"]


source = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"\xff\n", b"d\r"]), max_size=9).map(b"".join)


@given(base=source, head=source, tail=st.sampled_from([b"", b"z", b"\xff"]), chance=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_any_subset_of_hunks_is_a_file_of_lines_of_both(
    base: bytes, head: bytes, tail: bytes, chance: random.Random
) -> None:
    base += tail
    diff = rows.difference(base, head, "code.py", "hunk")
    count = len(diff.changes())
    assert diff.content(range(count)) == head
    assert diff.content([]) == base
    chosen = [unit for unit in range(count) if chance.random() < 0.5]
    known = Counter((base + b"\n" + head).splitlines(keepends=True)) + Counter(base.splitlines(keepends=True))
    known += Counter(head.splitlines(keepends=True))
    content = diff.content(chosen)
    assert content == diff.content(reversed(chosen))
    assert not Counter(content.splitlines(keepends=True)) - known


keys = st.sampled_from(list("abcdefgh"))
scalars = st.integers(-9, 9) | st.floats(0.5, 9).map(lambda x: round(x, 3)) | st.sampled_from([True, False, "fast"])


@given(data=st.dictionaries(keys, scalars, min_size=1), chance=st.randoms(use_true_random=False), values=st.data())
@settings(max_examples=100, deadline=None)
def test_any_subset_of_leaves_of_any_file(
    data: dict[str, object], chance: random.Random, values: st.DataObject
) -> None:
    new = {key: values.draw(scalars) if chance.random() < 0.6 else value for key, value in data.items()}
    base, head = (json.dumps(content, indent=2).encode() for content in (data, new))
    diff = rows.difference(base, head, "x.json", "leaf")
    count = len(diff.changes())
    chosen = {unit for unit in range(count) if chance.random() < 0.5}
    changed = sorted(key for key in data if json.dumps(data[key]) != json.dumps(new[key]))
    assert count == len(changed)
    wanted = {key: new[key] if key in {changed[unit] for unit in chosen} else data[key] for key in data}
    assert diff.content(chosen) == json.dumps(wanted, indent=2).encode()


# --- groups ---


def spec(**values: int) -> bytes:
    return "".join(f"{key}: {value}\n" for key, value in values.items()).encode()


def test_each_row_names_the_experiments_that_fed_it() -> None:
    base = spec(a=0, b=0, c=0)
    history = [(3, spec(a=1, b=0, c=0)), (7, spec(a=1, b=2, c=5)), (9, spec(a=4, b=2, c=0)), (12, spec(a=4, b=2, c=1))]
    diff = rows.difference(base, history[-1][1], "x.yaml", "leaf")
    found = rows.groups(diff, history, base, 12)
    assert [(group.units, group.change, group.experiments) for group in found] == [
        ((0,), "a: 0 -> 4", (3, 9)),
        ((1,), "b: 0 -> 2", (7,)),
        ((2,), "c: 0 -> 1", (7, 9, 12)),
    ]


def test_neighbours_that_share_experiments_are_merged_first() -> None:
    base = spec(a=0, b=0, c=0, d=0)
    history = [(1, spec(a=1, b=0, c=0, d=0)), (2, spec(a=1, b=1, c=1, d=0)), (3, spec(a=1, b=2, c=2, d=1))]
    diff = rows.difference(base, history[-1][1], "x.yaml", "leaf")
    by_count = {most: [group.units for group in rows.groups(diff, history, base, most)] for most in (1, 2, 3, 4)}
    assert by_count[4] == [(0,), (1,), (2,), (3,)]
    assert by_count[3] == [(0,), (1, 2), (3,)]
    assert by_count[2] == [(0,), (1, 2, 3)]
    assert by_count[1] == [(0, 1, 2, 3)]
    merged = rows.groups(diff, history, base, 3)[1]
    assert merged.change == "b: 0 -> 2; c: 0 -> 2"
    assert merged.experiments == (2, 3)


def test_hunk_rows_know_their_experiments() -> None:
    base = b"".join(b"line %d\n" % n for n in range(9))
    one = base.replace(b"line 1", b"LINE 1")
    two = one.replace(b"line 7\n", b"")
    diff = rows.difference(base, two, "code.py", "hunk")
    found = rows.groups(diff, [(4, one), (6, two)], base, 12)
    assert [group.experiments for group in found] == [(4,), (6,)]


@given(
    steps=st.lists(st.dictionaries(keys, st.integers(0, 5), min_size=1, max_size=3), max_size=6), most=st.integers(1, 9)
)
@settings(max_examples=100, deadline=None)
def test_rows_are_at_most_so_many_and_hold_every_unit_once(steps: list[dict[str, int]], most: int) -> None:
    state = dict.fromkeys("abcdefgh", 0)
    base = content = spec(**state)
    history = []
    for number, step in enumerate(steps, start=1):
        state |= step
        content = spec(**state)
        history.append((number, content))
    diff = rows.difference(base, content, "x.yaml", "leaf")
    found = rows.groups(diff, history, base, most)
    assert len(found) <= most
    assert [unit for group in found for unit in group.units] == list(range(len(diff.changes())))
    assert diff.content([unit for group in found for unit in group.units]) == content
    for group in found:
        assert set(group.experiments) <= {number for number, _ in history}
        assert group.experiments == tuple(sorted(group.experiments))
        assert group.experiments


def test_joined_rows_are_one() -> None:
    one, other = rows.Group((2, 5), "b", (9, 11)), rows.Group((0,), "a", (3, 9))
    assert rows.join(one, other) == rows.Group((0, 2, 5), "b; a", (3, 9, 11))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"", b"", (0, 0)),
        (b"a\nb\n", b"a\nb\n", (0, 0)),
        (b"a\nb\n", b"a\nc\n", (1, 1)),
        (b"a\n", b"a\nb\nc\n", (2, 0)),
        (b"a\nb\nc\n", b"", (0, 3)),
        (b"a", b"a\n", (1, 1)),
        (b"a\nb\n", b"b\na\n", (1, 1)),
    ],
)
def test_line_counts(before: bytes, after: bytes, expected: tuple[int, int]) -> None:
    assert rows.line_counts(before, after) == expected
