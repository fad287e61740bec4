"""How many attacks there are, each with a control: counted from what pytest collects, not from a number in a text.

An attack is an entry of a module's table ATTACKS, and counts if the module's `test_attack` runs for each entry: that
test asserts both that it fails and that it succeeds with its layers taken out. The same name in two files counts once.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

THEMES = (
    "answers",
    "data",
    "filesystem",
    "git",
    "leftovers",
    "network",
    "output",
    "processes",
    "forged_reports",
    "resources",
)
LEAST = 60


def modules() -> list[ModuleType]:
    return [importlib.import_module(f"tests.attacks.test_{name}") for name in THEMES]


def parameters(module: ModuleType) -> list[str]:
    """The names for which pytest runs the module's test of one attack."""
    marks = [mark for mark in module.test_attack.pytestmark if mark.name == "parametrize"]
    assert len(marks) == 1
    assert marks[0].args[0] == "name"
    return list(marks[0].args[1])


def test_every_table_is_counted() -> None:
    here = {path.stem for path in Path(__file__).parent.glob("test_*.py") if "\nATTACKS" in path.read_text()}
    assert {f"test_{name}" for name in THEMES} <= here
    for module in modules():
        assert parameters(module) == list(module.ATTACKS), module


def test_enough_attacks() -> None:
    names = {(name, repr(attack)) for module in modules() for name, attack in module.ATTACKS.items()}
    distinct = {name for name, _attack in names}
    assert len(distinct) == sum(len(module.ATTACKS) for module in modules()), "two attacks of one name"
    assert len({attack for _name, attack in names}) == len(distinct), "one attack under two names"
    assert len(distinct) >= LEAST
