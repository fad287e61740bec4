"""What scores say nothing of: through a measurer, into an event and out of it, and never of a private target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bot.night.examination import bench
from harness.discretion import Discreet
from harness.evaluator import Scores
from harness.handover import shapes
from harness.measure import Ask
from harness.reports import LONGEST_NOTE, MOST_NOTES, Measurement, check_scores
from harness.schemas import schema

SAID = ("ads are left out: nobody said what was paid for",)
CONFIRM = {"event": "confirm", "verdict": "confirmed", "why": "", "seconds": 1.0}


class Fixed:
    """Measures everything as the same."""

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        assert ask.split == "search"
        return [Measurement({"a": 1.0, "b": 2.0}, {"p": 1.0}, notes=SAID) for _ in contents]

    def close(self) -> None:
        """Nothing is open."""


def test_a_private_target_says_none() -> None:
    assert Fixed().measure([b""], Ask())[0].notes == SAID
    (found,) = Discreet(Fixed(), {"a"}).measure([b""], Ask())
    assert found == Measurement({"a": 1.0})


def test_what_an_evaluator_says_is_a_report() -> None:
    message = json.loads(json.dumps(Scores({"a": 1.0}, notes=SAID).as_message()))
    assert Draft202012Validator(schema("report")).is_valid(message)
    assert check_scores(message, ("a",)).notes == SAID
    assert "notes" not in Scores({"a": 1.0}).as_message()


@pytest.mark.parametrize("found", [Measurement({"a": 1.0}, notes=SAID), Measurement({"a": 1.0})])
def test_a_confirm_that_was_killed_finds_them_in_its_record(found: Measurement) -> None:
    written = json.loads(json.dumps(bench._entry(found)))
    assert bench._measurement(written) == found


def test_a_confirm_event_holds_them_for_both_sides() -> None:
    most = ["n" * LONGEST_NOTE] * MOST_NOTES
    for notes in ({"base": [], "head": list(SAID)}, {"base": most, "head": most}):
        assert shapes.problem({**CONFIRM, "notes": notes}, "confirm") == ""


@pytest.mark.parametrize(
    "notes",
    [
        "text",
        [],
        {"base": []},
        {"base": [], "head": [], "more": []},
        {"base": [], "head": "text"},
        {"base": [], "head": [1]},
        {"base": [], "head": ["n" * (LONGEST_NOTE + 1)]},
        {"base": ["n"] * (MOST_NOTES + 1), "head": []},
        {"base": ["\ud800"], "head": []},
    ],
)
def test_whoever_hands_over_other_notes_is_refused(notes: Any) -> None:
    assert "notes" in shapes.problem({**CONFIRM, "notes": notes}, "confirm")
