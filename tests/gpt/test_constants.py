"""Constants that a comment marks: what is read, what is refused, what stays."""

from __future__ import annotations

import pytest

from bot import marks
from harness.errors import ConfigError

TEXT = '''"""A file."""
RATE = 0.020  # tune: 0.002 to 0.2, by its logarithm
DEPTH: int = 4  # tune: 2 to 8
KIND = "muon"  # tune: "muon", "adam"
SHARED = True  # tune: True, False
WIDTH = 128  # tune: 96, 128
OTHER = 7
print(RATE, DEPTH)  # nothing to tune
'''


def test_ranges_choices_and_what_is_not_marked() -> None:
    found = {one.name: one for one in marks.read(TEXT, "train.py")}
    assert list(found) == ["RATE", "DEPTH", "KIND", "SHARED", "WIDTH"]
    assert (found["RATE"].allowed.kind, found["RATE"].allowed.log) == ("float", True)
    assert (found["DEPTH"].allowed.kind, found["DEPTH"].allowed.high) == ("int", 8)
    assert found["KIND"].allowed.choices == ("muon", "adam")
    assert found["SHARED"].allowed.choices == (True, False)
    assert found["WIDTH"].allowed.choices == (96, 128)


def test_only_the_value_changes() -> None:
    found = marks.read(TEXT, "train.py")
    values = {one.name: one.value for one in found}
    assert marks.with_values(TEXT, found, values) == TEXT
    new = marks.with_values(TEXT, found, {**values, "DEPTH": 6, "SHARED": False, "KIND": "adam"})
    changed = [(a, b) for a, b in zip(TEXT.splitlines(), new.splitlines(), strict=True) if a != b]
    assert changed == [
        ("DEPTH: int = 4  # tune: 2 to 8", "DEPTH: int = 6  # tune: 2 to 8"),
        ('KIND = "muon"  # tune: "muon", "adam"', 'KIND = \'adam\'  # tune: "muon", "adam"'),
        ("SHARED = True  # tune: True, False", "SHARED = False  # tune: True, False"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("RATE = 1 + 1  # tune: 1 to 3", "is no literal"),
        ("RATE = 5  # tune: 1 to 3", "must be within"),
        ("RATE = 2  # tune: 3 to 1", "has no room"),
        ("RATE = 2.0  # tune: 0 to 3, by its logarithm", "has no room"),
        ("RATE = 2  # tune: something", "is no literal"),
        ("RATE = 2  # tune: 2", "neither a range nor several"),
        ("f(2)  # tune: 2, 3", "no assignment of one literal"),
        ("RATE = 2", "no constant is marked"),
    ],
)
def test_a_mark_that_says_nothing_is_told_with_its_line(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as told:
        marks.read(f"# first\n{line}\n", "train.py")
    assert "train.py" in str(told.value)
    if said != "no constant is marked":
        assert ":2" in str(told.value)
