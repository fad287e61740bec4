"""Rows by operations: whichever are taken, there is a file; what cannot stand alone is one row with what it needs."""

from __future__ import annotations

import copy
import itertools
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from harness import rows
from harness.operations import Operations

Edit = Callable[[dict[str, Any]], object]
Data = dict[str, Any]


def garden() -> Data:
    return {
        "gardenId": "7",
        "plant": [
            {"plantId": str(n), "name": f"plant {n}", "care": [{"key": "water", "value": n}]} for n in range(1, 6)
        ],
        "bed": [{"bedId": "1", "name": "south"}],
    }


def plant(data: Data, number: str) -> Data:
    return next(one for one in data["plant"] if one["plantId"] == number)


def history(*edits: Edit, indent: int = 4) -> tuple[bytes, list[tuple[int, bytes]]]:
    """A base, and what it was after each edit; experiments that were not kept lie between."""
    data, kept = garden(), list[tuple[int, bytes]]()
    base = json.dumps(data, indent=indent).encode()
    for number, edit in enumerate(edits, start=1):
        edit(data)
        kept.append((3 * number, json.dumps(data, indent=indent).encode()))
    return base, kept


def operations(*edits: Edit) -> rows.Diff:
    base, kept = history(*edits)
    found = rows.difference(base, kept[-1][1], "garden.json", "operation", kept)
    assert isinstance(found, Operations)
    return found


def feed(number: str, value: str = "weekly") -> Edit:
    return lambda data: plant(data, number)["care"].append({"key": "feed", "value": value})


def into_bed(*numbers: str) -> Edit:
    def edit(data: Data) -> None:
        for number in numbers:
            plant(data, number)["bedId"] = "1"

    return edit


def new(number: str) -> Edit:
    return lambda data: data["plant"].append({"plantId": number, "name": f"new {number}", "care": []})


def remove(number: str) -> Edit:
    return lambda data: data["plant"].remove(plant(data, number))


def after(*edits: Edit) -> Data:
    data = garden()
    for edit in edits:
        edit(data)
    return data


EDITS = (feed("1"), into_bed("1", "2", "3"), new("9"), remove("5"))


def test_each_operation_is_a_unit_and_says_what_it_did() -> None:
    assert operations(*EDITS).changes() == [
        'plant "plant 1": + care feed', '3 plants ("plant 1", "plant 2" and 1 more): bed "south"',
        '+ plant "new 9"', '- plant "plant 5"',
    ]  # fmt: skip


def test_any_choice_of_operations_is_exactly_those() -> None:
    diff = operations(*EDITS)
    for size in range(len(EDITS) + 1):
        for chosen in itertools.combinations(range(len(EDITS)), size):
            content = diff.content(chosen)
            assert json.loads(content) == after(*(EDITS[index] for index in chosen))
            assert content == json.dumps(json.loads(content), indent=4).encode()
            assert isinstance(diff, Operations)
            assert diff.units_in(content) == chosen


def test_what_stands_on_another_operation_is_one_with_it() -> None:
    diff = operations(feed("1"), new("9"), feed("2"), lambda data: plant(data, "9").update(name="rose"), feed("9"))
    assert diff.changes() == ['plant "plant 1": + care feed', '+ plant "rose"', 'plant "plant 2": + care feed']
    assert json.loads(diff.content([1])) == after(new("9"), lambda d: plant(d, "9").update(name="rose"), feed("9"))


def test_an_operation_does_the_rest_without_what_another_made() -> None:
    """Of two beds' worth of plants one is new: without it, the others are still moved."""
    diff = operations(new("9"), into_bed("1", "2", "9"), feed("3"))
    assert len(diff.changes()) == 3
    assert json.loads(diff.content([1])) == after(into_bed("1", "2"))
    assert json.loads(diff.content([0])) == after(new("9"))
    assert json.loads(diff.content([0, 1])) == after(new("9"), into_bed("1", "2", "9"))


def test_what_another_took_away_later_comes_back_as_it_was_changed() -> None:
    diff = operations(into_bed("1", "2"), remove("2"), feed("3"))
    assert len(diff.changes()) == 3
    assert json.loads(diff.content([0, 2])) == after(into_bed("1", "2"), feed("3"))
    assert json.loads(diff.content([1])) == after(remove("2"))
    assert isinstance(diff, Operations)
    assert diff.units_in(diff.content([0, 1])) == (0, 1)
    assert diff.units_in(diff.content([1, 2])) == (1, 2)


def test_what_was_taken_away_later_has_its_name_and_words() -> None:
    def quiet(data: Data) -> None:
        for number in ("2", "3"):
            plant(data, number)["consentSettings"] = {"consentStatus": "NOT_NEEDED"}

    rename = named("3", "lily")
    assert operations(quiet, remove("2"), rename).changes() == [
        '2 plants ("plant 2", "lily"): consent not needed', '- plant "plant 2"', 'plant "lily": was named "plant 3"',
    ]  # fmt: skip


def test_what_only_worked_on_what_is_gone_is_one_with_its_removal() -> None:
    assert len(operations(feed("2"), remove("2"), feed("3")).changes()) == 2


def named(number: str, name: str) -> Edit:
    """A plant gets another name, and every note that refers to it follows."""

    def edit(data: Data) -> None:
        old = plant(data, number)["name"]
        plant(data, number)["name"] = name
        for one in data["plant"]:
            if "note" in one:
                one["note"] = one["note"].replace(f"{{{{{old}}}}}", f"{{{{{name}}}}}")

    return edit


def noted(data: Data) -> Data:
    plant(data, "4")["note"] = "{{plant 1}} beside {{plant 2}}, {{plant 1}}"
    return data


def test_names_of_two_things_are_carried_through_one_text_apart() -> None:
    edits = (named("1", "rose"), named("2", "lily"), feed("3"))
    data = noted(garden())
    base, kept = json.dumps(data).encode(), list[tuple[int, bytes]]()
    for number, edit in enumerate(edits, start=1):
        edit(data)
        kept.append((number, json.dumps(data).encode()))
    diff = rows.difference(base, kept[-1][1], "garden.json", "operation", kept)
    assert isinstance(diff, Operations)
    assert len(diff.changes()) == 3
    for chosen in itertools.chain.from_iterable(itertools.combinations(range(3), size) for size in range(4)):
        expected = noted(garden())
        for index in chosen:
            edits[index](expected)
        assert json.loads(diff.content(chosen)) == expected
        assert diff.units_in(diff.content(chosen)) == chosen


def test_a_name_that_is_changed_twice_is_one_unit() -> None:
    assert len(operations(named("1", "rose"), feed("2"), named("1", "lily")).changes()) == 2


def test_what_one_overwrites_of_another_is_one_with_it() -> None:
    diff = operations(feed("1"), lambda data: plant(data, "1")["care"][1].update(value="daily"), feed("2"))
    assert len(diff.changes()) == 2
    assert json.loads(diff.content([0])) == after(feed("1", "daily"))


def test_what_was_undone_is_no_unit() -> None:
    diff = operations(feed("1"), feed("2"), lambda data: plant(data, "1")["care"].pop())
    assert diff.changes() == ['plant "plant 2": + care feed']
    base, kept = history(feed("1"), lambda data: plant(data, "1")["care"].pop())
    with pytest.raises(ValueError, match="nothing"):
        Operations(base, [content for _, content in kept], kept[-1][1], "garden.json")


def test_rows_know_their_experiments() -> None:
    base, kept = history(feed("1"), new("9"), into_bed("9"), feed("2"))
    diff = rows.difference(base, kept[-1][1], "garden.json", "operation", kept)
    found = rows.groups(diff, kept, base, most=12)
    assert [(group.units, group.experiments) for group in found] == [((0,), (3,)), ((1,), (6, 9)), ((2,), (12,))]


def test_of_too_many_those_alike_are_one_row() -> None:
    edits = [feed("1"), new("8"), feed("2"), into_bed("4"), feed("3"), new("9"), into_bed("5")]
    base, kept = history(*edits)
    diff = rows.difference(base, kept[-1][1], "garden.json", "operation", kept)
    assert [group.units for group in rows.groups(diff, kept, base, most=3)] == [(0, 2, 4), (1, 5), (3, 6)]


@pytest.mark.parametrize("seed", range(12))
def test_random_histories_come_apart_and_together_again(seed: int) -> None:
    rng = random.Random(seed)
    numbers = iter(range(20, 60))

    def edit(data: Data) -> None:
        plants = data["plant"]
        one = rng.choice(plants)
        rng.choice([
            lambda: one["care"].append({"key": f"k{next(numbers)}", "value": "x"}),
            lambda: one.update(name=f"name {next(numbers)}"),
            lambda: plants.insert(plants.index(one), {"plantId": str(next(numbers)), "name": "new", "care": []}),
            lambda: one.setdefault("bedId", str(rng.randint(1, 5))),
            lambda: plants.remove(one) if len(plants) > 2 else None,
            plants.reverse if seed % 3 == 0 else lambda: one.update(height=next(numbers)),
        ])()  # fmt: skip

    base, kept = history(*[edit] * 9)
    kept = [entry for i, entry in enumerate(kept) if entry[1] != (kept[i - 1][1] if i else base)]
    diff = rows.difference(base, kept[-1][1], "garden.json", "operation", kept)
    assert isinstance(diff, Operations)
    units = range(len(diff.changes()))
    assert diff.content(units) == kept[-1][1]
    assert diff.content([]) == base
    everything = frozenset(units)
    for left_out in units:
        content = diff.content(everything - {left_out})
        assert diff.units_in(content) == tuple(sorted(everything - {left_out}))
    assert all(diff.content(range(n)) != diff.content(range(n + 1)) for n in units)


def test_the_style_of_the_base_stays() -> None:
    base = b'{\r\n\t"plant": [\r\n\t\t{\r\n\t\t\t"plantId": "1",\r\n\t\t\t"name": "a \\u003d b"\r\n\t\t}\r\n\t]\r\n}'
    one = base.replace(b"a \\u003d b", b"c \\u003d d")
    two = one.replace(b"\r\n\t\t}", b',\r\n\t\t\t"bed": 3\r\n\t\t}').replace(b'd",\r\n\t\t\t"b', b'd",\r\n\t\t\t"b')
    diff = rows.difference(base, two, "x.json", "operation", [(1, one), (2, two)])
    assert diff.content([0]) == one
    assert diff.content([1]) == two.replace(b"c \\u003d d", b"a \\u003d b")


def test_yaml_has_operations_where_values_change() -> None:
    base, one, two = b"a: 1  # why\nb: 2\nc: 3\n", b"a: 5  # why\nb: 2\nc: 3\n", b"a: 5  # why\nb: 6\nc: 7\n"
    diff = rows.difference(base, two, "x.yaml", "operation", [(1, one), (4, two)])
    assert diff.changes() == ["a: 1 -> 5", "b: 2 -> 6, c: 3 -> 7"]
    assert diff.content([1]) == b"a: 1  # why\nb: 6\nc: 7\n"


@pytest.mark.parametrize(
    ("base", "kept", "name"),
    [
        (b"a: 1\nb: 1\n", [b"a: 2\nb: 1\n", b"a: 2\nb: 1\nc: 1\n"], "x.yaml"),
        (b'{"a": 1}', [b'{"a": 2}', b'{"a": '], "x.json"),
        (b"a", [b"b"], "x.txt"),
    ],
    ids=["more leaves", "broken", "text"],
)
def test_what_has_no_operations_falls_back_to_hunks(base: bytes, kept: list[bytes], name: str) -> None:
    diff = rows.difference(base, kept[-1], name, "operation", list(enumerate(kept, start=1)))
    assert not isinstance(diff, Operations)
    assert diff.content(range(len(diff.changes()))) == kept[-1]


def test_a_history_that_leads_elsewhere_is_none() -> None:
    base, kept = history(feed("1"), feed("2"))
    assert not isinstance(rows.difference(base, kept[0][1], "garden.json", "operation", kept), Operations)


def test_foreign_content_is_no_choice_of_units() -> None:
    base, kept = history(feed("1"), new("9"))
    diff = Operations(base, [content for _, content in kept], kept[-1][1], "garden.json")
    foreign = copy.deepcopy(after(feed("1")))
    foreign["plant"][3]["name"] = "theirs"
    assert diff.units_in(json.dumps(foreign, indent=4).encode()) is None
    assert diff.units_in(json.dumps(after(feed("1")), indent=2).encode()) is None
    assert diff.units_in(b"{") is None
