"""What a space lets a candidate change, and that nothing else gets through."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.documents import leaves
from harness.space import Allowed, Space, from_config

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
BASE: dict[str, Any] = {
    "weights": {"warm": 5, "cold": 2, "a/b~c": 1},
    "rate": 0.5,
    "mode": "fast",
    "on": True,
    "steps": [1, 2, {"size": 3}],
    "note": None,
}
SPACE = from_config(
    {
        "/weights/*": {"int": [0, 10]},
        "/weights/cold": {"locked": True},
        "/rate": {"float": [0.25, 4], "scale": "log"},
        "/mode": {"choice": ["fast", "slow", 1, True, None]},
        "/steps/*": {"int": [1, 9]},
        "/steps/2/size": {"int": [3, 3]},
    }
)


def changed(pointer: str, value: Any) -> Any:
    """BASE with one value replaced; unescaped segments, as no key here needs more."""
    data: Any = copy.deepcopy(BASE)
    inner: Any = data
    *parents, last = pointer.split("/")[1:]
    for segment in parents:
        inner = inner[int(segment)] if isinstance(inner, list) else inner[segment]
    inner[int(last) if isinstance(inner, list) else last] = value
    return data


def problems(candidate: Any, space: Space = SPACE) -> list[str]:
    return list(space.problems(BASE, candidate))


def test_the_unchanged_file_is_inside() -> None:
    assert problems(copy.deepcopy(BASE)) == []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/weights/warm", 0), ("/weights/warm", 10), ("/rate", 0.25), ("/rate", 4), ("/rate", 4.0),
        ("/mode", "slow"), ("/mode", 1), ("/mode", True), ("/mode", None), ("/steps/0", 9),
    ],
)  # fmt: skip
def test_what_is_allowed(pointer: str, value: Any) -> None:
    assert problems(changed(pointer, value)) == []


@pytest.mark.parametrize(
    ("pointer", "value", "problem"),
    [
        ("/weights/warm", 11, "/weights/warm: 11 must be within [0, 10]"),
        ("/weights/warm", -1, "/weights/warm: -1 must be within [0, 10]"),
        ("/weights/warm", 5.0, "/weights/warm: 5.0 must be a whole number"),
        ("/weights/warm", True, "/weights/warm: True must be a whole number"),
        ("/weights/warm", "5", "/weights/warm: '5' must be a whole number"),
        ("/weights/warm", None, "/weights/warm: None must be a whole number"),
        ("/weights/warm", {"x": 1}, "/weights/warm was a single value and became a mapping"),
        ("/weights/warm", [5], "/weights/warm was a single value and became a list of 1"),
        ("/weights/cold", 3, "/weights/cold: 3 is locked"),
        ("/rate", 4.000001, "/rate: 4.000001 must be within [0.25, 4]"),
        ("/rate", math.nan, "/rate: nan must be within [0.25, 4]"),
        ("/rate", math.inf, "/rate: inf must be within [0.25, 4]"),
        ("/rate", False, "/rate: False must be a number"),
        ("/mode", "slower", "/mode: 'slower' must be one of fast, slow, 1, true, null"),
        ("/mode", 1.0, "/mode: 1.0 must be one of fast, slow, 1, true, null"),
        ("/mode", False, "/mode: False must be one of fast, slow, 1, true, null"),
        ("/on", False, "/on is not in the space"),
        ("/on", 1, "/on is not in the space"),
        ("/note", "x", "/note is not in the space"),
        ("/note", {}, "/note was a single value and became a mapping"),
        ("/steps/2", 3, "/steps/2 was a mapping and became a single value"),
        ("/steps/2/size", 4, "/steps/2/size: 4 must be within [3, 3]"),
        ("/steps", [1, 2], "/steps was a list of 3 and became a list of 2"),
        ("/weights", 5, "/weights was a mapping and became a single value"),
    ],
)
def test_what_is_not_allowed(pointer: str, value: Any, problem: str) -> None:
    assert problems(changed(pointer, value)) == [problem]


def test_adding_and_removing_are_told_by_their_pointers() -> None:
    candidate = copy.deepcopy(BASE)
    del candidate["weights"]["a/b~c"]
    candidate["weights"]["new/key"] = 1
    assert problems(candidate) == ["/weights/a~1b~0c was removed", "/weights/new~1key was added"]
    assert problems([]) == ["the whole file was a mapping and became a list of 0"]
    assert problems({}) == [f"/{key} was removed" for key in BASE]


@pytest.mark.parametrize(
    ("pointer", "kind"),
    [
        ("/weights/warm", "int"), ("/weights/cold", "locked"), ("/weights/a~1b~0c", "int"), ("/weights", None),
        ("/weights/warm/x", None), ("", None), ("/rate", "float"), ("/steps/0", "int"), ("/other", None),
    ],
)  # fmt: skip
def test_which_entry_holds(pointer: str, kind: str | None) -> None:
    allowed = SPACE.allowed(pointer)
    assert (allowed.kind if allowed else None) == kind


def test_the_most_exact_pointer_wins_whatever_the_order_and_the_later_among_equals() -> None:
    entries = [
        ("/a/*", {"int": [0, 1]}),
        ("/*/b", {"int": [0, 2]}),
        ("/a/b", {"int": [0, 3]}),
        ("/*/*", {"int": [0, 4]}),
    ]
    for order in (entries, entries[::-1]):
        space = from_config(dict(order))
        assert high(space, "/a/b") == 3
        assert high(space, "/x/y") == 4
        assert high(space, "/a/x") == 1
    assert high(from_config(dict(entries[:2])), "/a/b") == 2
    assert high(from_config(dict(entries[1::-1])), "/a/b") == 1


def high(space: Space, pointer: str) -> float:
    allowed = space.allowed(pointer)
    assert allowed
    return allowed.high


def test_a_lock_holds_whatever_a_wider_pointer_says() -> None:
    space = from_config({"/a": {"locked": True}, "/*": {"int": [0, 9]}})
    assert list(space.free({"a": 1, "b": 2})) == ["/b"]


def test_free_leaves_come_in_the_order_of_the_file_without_locked_and_single_ones() -> None:
    assert list(SPACE.free(BASE)) == ["/weights/warm", "/weights/a~1b~0c", "/rate", "/mode", "/steps/0", "/steps/1"]


@pytest.mark.parametrize(
    ("entry", "low", "high"),
    [
        ({"int": [-5, 5]}, -5, 5), ({"int": [-5, 5], "sign": "+"}, 0, 5), ({"int": [-5, 5], "sign": "-"}, -5, 0),
        ({"float": [1, 2], "sign": "+"}, 1, 2), ({"float": [-2, -1], "sign": "-"}, -2, -1),
    ],
)  # fmt: skip
def test_sign_narrows_the_bounds(entry: dict[str, Any], low: float, high: float) -> None:
    allowed = from_config({"/x": entry}).allowed("/x")
    assert allowed
    assert (allowed.low, allowed.high) == (low, high)


@pytest.mark.parametrize(
    ("allowed", "size"),
    [
        (Allowed("int", -5, 5), 11), (Allowed("int", 3, 3), 1), (Allowed("float", 0, 1), math.inf),
        (Allowed("float", 1, 1), 1), (Allowed("choice", choices=("a", "b")), 2), (Allowed("locked"), 1),
    ],
)  # fmt: skip
def test_size(allowed: Allowed, size: float) -> None:
    assert allowed.size() == size


def test_bounds_are_told_in_full() -> None:
    assert Allowed("int", 0, 1234567).problem(1234568) == "must be within [0, 1234567]"
    assert Allowed("float", 0, 0.123456789).problem(1) == "must be within [0, 0.123456789]"


def test_an_empty_space_is_false() -> None:
    assert not Space()
    assert SPACE
    assert problems(BASE, Space()) == []


def test_a_star_as_a_key_is_a_pattern_too() -> None:
    assert from_config({"/*": {"int": [0, 1]}}).allowed("/anything")


keys = st.sampled_from(["a", "b", "*", "~", "/", "", "0"])
values = st.none() | st.booleans() | st.integers(-3, 12) | st.floats(-1, 3) | st.sampled_from(["fast", "x"])
trees = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
entries = st.one_of(
    st.builds(lambda low, size: {"int": [low, low + size]}, st.integers(-3, 5), st.integers(0, 5)),
    st.builds(lambda low: {"float": [low, low + 1]}, st.floats(-1, 1)),
    st.just({"choice": ["fast", "x", None]}),
    st.just({"locked": True}),
)
pointers = st.lists(st.sampled_from(["a", "b", "*", "~0", "~1", "0"]), min_size=1, max_size=3).map(
    lambda segments: "".join(f"/{segment}" for segment in segments)
)
spaces = st.dictionaries(pointers, entries, max_size=4).map(from_config)


def shape(data: Any) -> Any:
    """A document without its values."""
    if isinstance(data, dict):
        return {key: shape(inner) for key, inner in data.items()}
    return [shape(inner) for inner in data] if isinstance(data, list) else None


@QUICK
@given(trees, spaces)
def test_nothing_changed_is_never_a_problem(data: Any, space: Space) -> None:
    assert list(space.problems(data, copy.deepcopy(data))) == []


@QUICK
@given(trees, trees, spaces)
def test_no_problem_means_that_every_change_is_allowed(base: Any, candidate: Any, space: Space) -> None:
    if list(space.problems(base, candidate)):
        return
    assert shape(candidate) == shape(base)
    before = dict(leaves(base))
    for pointer, value in leaves(candidate):
        if type(before[pointer]) is not type(value) or before[pointer] != value:
            allowed = space.allowed(pointer)
            assert allowed
            assert allowed.kind != "locked"
            assert allowed.problem(value) == ""


@QUICK
@given(trees, spaces, st.data())
def test_changing_free_leaves_within_their_bounds_is_never_a_problem(
    base: Any, space: Space, data: st.DataObject
) -> None:
    free = space.free(base)
    candidate = rebuilt(base, "", {pointer: data.draw(inside(allowed)) for pointer, allowed in free.items()})
    assert list(space.problems(base, candidate)) == []
    assert shape(candidate) == shape(base)


def inside(allowed: Allowed) -> st.SearchStrategy[Any]:
    if allowed.kind == "choice":
        return st.sampled_from(allowed.choices)
    if allowed.kind == "int":
        return st.integers(int(allowed.low), int(allowed.high))
    return st.floats(allowed.low, allowed.high)


def rebuilt(data: Any, pointer: str, changes: dict[str, Any]) -> Any:
    if isinstance(data, dict):
        return {
            key: rebuilt(inner, pointer + "/" + key.replace("~", "~0").replace("/", "~1"), changes)
            for key, inner in data.items()
        }
    if isinstance(data, list):
        return [rebuilt(inner, f"{pointer}/{index}", changes) for index, inner in enumerate(data)]
    return changes.get(pointer, data)
