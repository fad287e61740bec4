"""The rubric of `system-prompt`: what each rule says yes to, and that its messages can be answered."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot import catalogue
from harness.candidate import load
from tests.bikes import told

TARGET = Path(__file__).resolve().parents[2] / "targets/experiments/system-prompt"


def rubric() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rubric", TARGET / "rubric.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUBRIC = rubric()


@pytest.mark.parametrize(
    ("check", "kept", "broken"),
    [
        ({"mentions": [["sat", "saturday"], ["10"]]}, "Saturday from 10.", "saturated, from 10"),
        ({"mentions": [["020 555"]]}, "Call 020 555.", "Call 1020 555."),
        ({"avoids": ["is booked"]}, "Please call.", "It IS BOOKED."),
        ({"words": 3}, "one two three", "one two three four"),
        ({"words": 3}, "one", ""),
        ({"language": "de"}, "Wir sind in der Straße am Fluss.", "We are in the street on the river."),
        ({"language": "en"}, "We are in the street.", "Nous sommes dans la rue et vous?"),
        ({"json": ["a", "b"]}, '{"a": "x", "b": 1}', 'Here: {"a": "x", "b": 1}'),
        ({"json": ["a", "b"]}, '{"b": "y", "a": "x"}', '{"a": "x", "b": ""}'),
        ({"json": ["a"]}, '{"a": [1]}', "[" * 100_000),
        ({"refuses": "en"}, "We can\u2019t do that.", "Gladly, candidates are welcome."),
        ({"asks": True}, "Which bike?\n", "Which bike? Tell us."),
    ],
)
def test_a_rule_tells_one_reply_from_the_other(check: dict[str, Any], kept: str, broken: str) -> None:
    assert RUBRIC.held(kept, check)
    assert not RUBRIC.held(broken, check)
    assert not RUBRIC.held(None, check), "no reply keeps to no rule"


@pytest.mark.parametrize("split", ["search", "holdout"])
def test_every_message_can_be_answered_and_no_one_reply_answers_all(split: str) -> None:
    cases = load(TARGET / "data" / f"{split}.yaml")
    assert len(cases) == 40
    assert {kind for case in cases for check in case["checks"] for kind in check} == set(RUBRIC.KINDS)
    for case in cases:
        reply = told(case["user"])
        assert [check for check in case["checks"] if not RUBRIC.held(reply, check)] == [], (case["user"], reply)
    for reply in {told(case["user"]) for case in cases}:
        kept = sum(all(RUBRIC.held(reply, check) for check in case["checks"]) for case in cases)
        assert kept <= 15, reply


def test_both_splits_hold_other_messages() -> None:
    one, other = ({case["user"] for case in load(TARGET / "data" / f"{split}.yaml")} for split in ("search", "holdout"))
    assert len(one) == len(other) == 40
    assert not one & other


def test_every_choice_of_the_catalogue_fits_the_prompt_and_its_guard() -> None:
    base = (TARGET / "system.md").read_bytes()
    listed = catalogue.read((TARGET / "catalogue.yaml").read_bytes(), "catalogue.yaml", "system.md", base)
    assert len(listed.entries) >= 8
    longest = [max(range(len(entry.options)), key=lambda at, e=entry: len(e.options[at])) for entry in listed.entries]
    text = listed.with_options(base.decode(), longest)
    assert listed.standing(text) == tuple(longest)
    (guard,) = (metric["guard"]["tolerance"] for metric in load(TARGET / "target.yaml")["metrics"] if "guard" in metric)
    assert len(text.split()) <= len(base.split()) + guard


def test_what_the_catalogue_promises_is_what_the_program_says() -> None:
    """Figures and names of the house; an option that said others would be climbed on all the same."""
    program = " ".join((TARGET / "program.md").read_text().split())
    said = [option for entry in load(TARGET / "catalogue.yaml") for option in entry["options"]]
    facts = {fact for option in said for fact in re.findall(r"\d[\d ]*\d|\b[A-Z][a-z]+day\b|Mill Lane", option)}
    assert {"45", "020 555 0141", "14", "Tuesday", "Mill Lane"} <= facts
    assert [fact for fact in facts if fact not in program] == []
