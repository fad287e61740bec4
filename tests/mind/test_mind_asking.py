"""What a mind does with what a model answers: corrections, money, ends, repairs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.models.client import Client
from bot.models.messages import Answer
from bot.models.messages import Outcome as Came
from bot.models.redaction import REMOVED
from bot.proposers import Outcome, Over
from bot.proposers.mind import Options
from bot.proposers.mind.mind import CORRECTIONS
from tests.minds import CENT, HANDLER, Night, answer, block, came, code_target, data_target, put, whole
from tests.proposing import SPEC

GOOD = block("row + 3 for", "row + 99 for")
NOTHING: dict[str, Any] = block("row + 3 for", "row + 3 for")


def code_night(**options: Any) -> Night:
    return Night(code_target(), HANDLER, options=Options("anthropic", "small", **options))


def data_night(**options: Any) -> Night:
    return Night(data_target(), SPEC, options=Options("anthropic", "small", **options))


def test_a_good_answer_is_a_proposal_with_its_cost_and_usage() -> None:
    night = code_night()
    found = night.ask(answer(GOOD))
    assert found.content == HANDLER.replace("row + 3 for", "row + 99 for").encode()
    assert found.description == "less work for the weakest part (expected: score +1 %)"
    assert found.cost_usd == 0.01
    assert found.spent == {
        "model": "small", "calls": 1, "input": 100, "output": 20, "cache_read": 300, "cache_write": 40, "seconds": 0.5,
        "prompt": "p", "reply": "r",
    }  # fmt: skip
    assert not found.failed
    assert (night.model.prompts[0].provider, night.model.prompts[0].model) == ("anthropic", "small")


def test_one_proposal_at_a_time_and_none_where_none_is_wanted() -> None:
    night = code_night()
    night.model.answers = [answer(GOOD)]
    assert len(night.mind.ask(night.request())) == 1
    assert night.request().count > 1
    assert night.mind.ask(replace(night.request(), count=0)) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (answer(), "there are no edits"),
        (answer(block("nowhere", "x")), "does not stand in the file"),
        (answer(NOTHING), "the edits change nothing"),
        (answer(block("def step_3(", "# a word\ndef step_3(")), "change nothing that counts"),
        (answer(block("row + 3 for", "row + \u202e3 for")), "U+202E"),
        (answer(block("row + 3 for", "x" * 20_000)), "are allowed"),
        (answer(block("row + 3 for", f"row + '{REMOVED}' for")), "was kept from you"),
        (answer(GOOD, idea="  "), "hypothesis is empty"),
        (came("malformed", text="Here is my idea:"), "no call of the tool"),
        (came("truncated", text="Here is"), "came to the limit"),
        (came("refused"), "There was no answer"),
    ],
)
def test_what_is_wrong_goes_back_and_may_be_corrected(wrong: Any, said: str) -> None:
    night = code_night()
    found = night.ask(wrong, answer(GOOD))
    assert not found.failed
    assert said not in whole(night.model.prompts[0])
    assert said in night.last
    assert Decimal(str(found.cost_usd)) == wrong.cost_usd + CENT
    assert found.spent["calls"] == 2
    assert [turn.role for turn in night.model.prompts[1].turns] in (["user", "assistant", "user"], ["user"])
    assert night.last.startswith(whole(night.model.prompts[0])[:2_000])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (put("/weights/logins", 99), "must be within [-5, 25]"),
        (put("/weights/logins", 5.5), "must be a whole number"),
        (put("/weights/logins", "5"), "the edits change nothing"),
        (put("/weights/logins", "five"), "must be a whole number"),
        (put("/mode", "slower"), "must be one of"),
        (put("/flags/0", False), "is not in the space"),
        (put("/weights", 1), "was a mapping"),
        (put("/nothing", 1), "edit 1 (replace /nothing)"),
        (put("/weights/logins", 5), "the edits change nothing"),
    ],
)
def test_what_leaves_the_space_goes_back(edit: dict[str, Any], said: str) -> None:
    night = data_night()
    found = night.ask(answer(edit), answer(put("/weights/logins", 6)))
    assert found.content.decode() == SPEC.replace("logins: 5", "logins: 6")
    assert said in night.last


def test_a_duplicate_goes_back_however_it_is_spelled() -> None:
    night = code_night()
    night.step(answer(GOOD), "crash", "exit", "exit 1")
    found = night.ask(answer(block("row + 3 for", "row + 99  for")), answer(block("row + 4 for", "row + 98 for")))
    assert "exactly one that was measured before" in night.last
    assert b"row + 98" in found.content


def test_a_near_repeat_of_a_discarded_idea_goes_back_once() -> None:
    again = block(
        "row + 3 for row in rows", "row + 99 for row in rows if row is not None and row == row and row != rows"
    )
    near = block(
        "row + 3 for row in rows", "row + 98 for row in rows if row is not None and row == row and row != rows"
    )
    night = code_night()
    night.step(answer(again))
    found = night.ask(answer(near), answer(near))
    assert "nearly repeats experiment 1, which was discarded (worse)" in night.last
    assert b"row + 98" in found.content  # said twice, it is meant
    assert found.spent["calls"] == 2
    assert len(night.model.prompts) == 3


def test_after_two_corrections_it_has_failed_and_has_cost_what_it_cost() -> None:
    night = code_night()
    found = night.ask(answer(block("nowhere", "x")), answer(block("", "x")), answer(NOTHING))
    assert CORRECTIONS == 2
    assert "in 3 answers; the last: the edits change nothing" in found.failed
    assert found.content == night.incumbent
    assert found.cost_usd == 0.03
    assert found.spent["calls"] == 3
    assert found.spent["output"] == 60
    assert night.model.answers == []


@pytest.mark.parametrize("said", [answer(NOTHING), came("malformed", text="I would rather not", cost=CENT)])
def test_the_same_wrong_answer_twice_is_not_paid_for_a_third_time(said: Answer) -> None:
    night = code_night()
    other = replace(said, value={**said.value, "hypothesis": "in other words"}) if said.value else said
    found = night.ask(said, other, answer(GOOD))
    assert "in 2 answers; the last: " in found.failed
    assert found.failed.endswith("(twice the same answer)")
    assert found.spent["calls"] == 2
    assert len(night.model.answers) == 1, "the third is not asked for"


def test_a_wrong_answer_that_comes_again_later_is_told_again() -> None:
    night = code_night()
    found = night.ask(answer(NOTHING), answer(block("nowhere", "x")), answer(NOTHING))
    assert "in 3 answers" in found.failed


def test_past_a_cap_the_night_is_over() -> None:
    night = code_night()
    night.model.answers = [came("money", "the night's cap")]
    with pytest.raises(Over) as over:
        night.mind.ask(night.request())
    assert (over.value.end, over.value.why) == ("money", "money: the night's cap")


@pytest.mark.parametrize("end", ["money", "rejected", "outage"])
def test_what_cost_something_is_returned_before_the_end(end: Came) -> None:
    night = code_night()
    found = night.ask(answer(NOTHING), came(end, "gone"))
    assert found.failed == f"{end}: gone"
    assert found.cost_usd == 0.01
    night.tell(found)
    if end != "outage":
        night.model.answers = [came(end, "gone")]
        with pytest.raises(Over):
            night.mind.ask(night.request())


def test_a_key_that_is_not_taken_ends_the_night() -> None:
    night = code_night()
    night.model.answers = [came("rejected", "401")]
    with pytest.raises(Over) as over:
        night.mind.ask(night.request())
    assert over.value.end == "exhausted"


def test_a_correction_that_a_small_context_does_not_hold_costs_one_proposal_of_a_free_model() -> None:
    free = Decimal(0)
    night = code_night()
    found = night.ask(answer(NOTHING, cost=free), came("rejected", "HTTP 400: more than the context holds"))
    assert found.failed == "rejected: HTTP 400: more than the context holds"
    night.tell(found)
    assert not night.ask(answer(GOOD, cost=free)).failed


@pytest.mark.parametrize("outcome", ["outage", "overloaded", "rate-limited"])
def test_three_outages_in_a_row_end_the_night_and_no_fewer(outcome: Came) -> None:
    night = code_night()
    for _ in range(2):
        night.tell(night.ask(came(outcome, "nobody")))
    night.step(answer(GOOD))
    for _ in range(2):
        found = night.ask(came(outcome, "nobody"))
        assert found.failed == f"{outcome}: nobody"
        night.tell(found)
    night.model.answers = [came(outcome, "nobody")]
    with pytest.raises(Over) as over:
        night.mind.ask(night.request())
    assert over.value.end == "exhausted"


def test_outages_before_a_restart_count() -> None:
    night = code_night()
    for _ in range(2):
        night.tell(night.ask(came("outage", "nobody")))
    night.mind = night.begun()
    night.model.answers = [came("outage", "nobody")]
    with pytest.raises(Over, match="nobody"):
        night.mind.ask(night.request())


def test_a_broker_that_is_gone_is_an_outage(tmp_path: Path) -> None:
    night = code_night()
    night.step(answer(GOOD))
    gone = Client(tmp_path / "none.sock")
    with pytest.raises(ConnectionError):
        gone.worst_case_usd(night.model.prompts[0])
    for mind in (night.mind, night.begun()):  # one that knew it, one that begins without
        mind._model = gone
        for _ in range(2):
            (found,) = mind.ask(night.request())
            assert found.failed.startswith("outage: the broker is gone")
            mind.tell([Outcome(night.number + 1, "discard", "invalid", {}, {}, why=found.failed)])
        with pytest.raises(Over, match="the broker is gone") as over:
            mind.ask(night.request())
        assert over.value.end == "exhausted"
    night.model = gone  # type: ignore[assignment]
    assert night.begun().worst_case_usd == 0


def test_no_proposal_costs_more_than_its_worst_case() -> None:
    night = code_night()
    for number in range(40):
        worst = night.mind.worst_case_usd
        before = len(night.model.prompts)
        wrong = answer(block("nowhere" * 900, "x" * 900))
        other = answer(block("nowhere" * 900, "y" * 900))
        found = night.ask(wrong, other, answer(block(f"row + {number} for", f"row + {number + 1000} for")))
        assert not found.failed
        asked = night.model.prompts[before:]
        assert len(asked) == 3
        assert sum(night.model.worst_case_usd(prompt) for prompt in asked) <= Decimal(str(worst))
        night.tell(
            found, "keep" if number % 9 == 8 else "discard", "better" if number % 9 == 8 else "worse", "w" * 3_000
        )


def test_a_prompt_that_outgrew_its_reserve_is_not_sent() -> None:
    night = code_night()
    parts = {f"part {n} {'x' * 100}": float(n) for n in range(5_000)}
    assert not night.ask(answer(GOOD), parts=parts).failed  # parts are cut where they are too many
    night.mind._worst = {"small": Decimal(0)}
    with pytest.raises(Over, match="beyond what its cost was reserved for"):
        night.mind.ask(night.request())
    assert len(night.model.prompts) == 1


def test_the_larger_model_is_asked_on_stall_until_something_is_kept() -> None:
    night = code_night(larger="large", after=2)
    for number, status in enumerate(["discard", "discard", "discard", "keep", "discard"]):
        edit = block(f"row + {number} for", f"row + {number} * 2 for")
        night.step(answer(edit), status, "better" if status == "keep" else "worse")
    assert [prompt.model for prompt in night.model.prompts] == ["small", "small", "large", "large", "small"]


def test_every_few_rounds_without_a_keep_ask_for_less_code() -> None:
    night = code_night(simplify=2)
    for number in range(5):
        night.step(answer(block(f"row + {number} for", f"row + {number} * 2 for")))
    asked = ["the same score with less" in whole(prompt) for prompt in night.model.prompts]
    assert asked == [False, False, True, False, True]


def test_data_has_no_code_to_ask_less_of() -> None:
    night = data_night(simplify=1)
    for value in range(6, 9):
        night.step(answer(put("/weights/logins", value)))
    assert "the same score with less" not in night.last


TRACE = "exit 1: Traceback (most recent call last):\n  line 9\nNameError: name 'rws' is not defined"


def test_a_slip_is_mended_twice_at_most() -> None:
    night = code_night()
    first = night.ask(answer(block("row + 3 for", "rws + 3 for")))
    night.model.answers = [answer(block("row + 3 for", "rwz + 3 for")), answer(block("row + 3 for", "row + 33 for"))]
    second = night.mind.repair(first, TRACE)
    assert second is not None
    assert "NameError" in night.last
    assert second.cost_usd == 0.01
    third = night.mind.repair(second, TRACE)
    assert third is not None
    assert b"row + 33" in third.content
    assert night.mind.repair(third, TRACE) is None
    night.tell(third, "keep", "better")
    night.ask(answer(block("row + 4 for", "row + 44 for")))
    assert "row + 33" in night.last
    assert "rwz" not in night.last


@pytest.mark.parametrize(
    "why", ["exit 1: wrong answer", "exit 1: Traceback\nAssertionError: rows differ", "timeout", "", "nan: score"]
)
def test_other_crashes_are_not_mended(why: str) -> None:
    night = code_night()
    found = night.ask(answer(GOOD))
    assert night.mind.repair(found, why) is None
    assert len(night.model.prompts) == 1


@pytest.mark.parametrize(
    "slip", ["SyntaxError", "IndentationError", "NameError", "ImportError", "ModuleNotFoundError", "KeyError"]
)
def test_slips_are_known_by_the_name_that_python_gives_them(slip: str) -> None:
    night = code_night()
    found = night.ask(answer(GOOD))
    night.model.answers = [answer(block("row + 3 for", "row + 5 for"))]
    assert night.mind.repair(found, f"exit 1: Traceback\n{slip}: what it says") is not None


def test_a_repair_that_is_none_has_failed_with_its_cost() -> None:
    night = code_night()
    found = night.ask(answer(GOOD))
    night.model.answers = [answer(GOOD)]  # the same again
    again = night.mind.repair(found, TRACE)
    assert again is not None
    assert again.failed
    assert again.cost_usd == 0.01
    night.model.answers = [came("outage", "nobody")]
    assert night.mind.repair(found, TRACE) is None


def test_a_repair_after_a_restart_is_not_asked_for() -> None:
    night = code_night()
    found = night.ask(answer(GOOD))
    assert night.begun().repair(found, TRACE) is None
