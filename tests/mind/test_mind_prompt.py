"""What a model is shown, in which order, and that a resumed night shows it the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bot.models.messages import Prompt
from bot.proposers import Told
from bot.proposers.mind import Options
from bot.proposers.mind.fence import fenced
from bot.proposers.mind.history import LINES, STAYS
from bot.proposers.mind.prompt import BYTES_PER_TOKEN, STRICTEST_MINIMUM, parts
from harness.errors import Place
from harness.rule import Metric, Rule
from harness.target import Evaluate, Noise
from tests.minds import HANDLER, RULE, Night, answer, block, code_target, data_target, put, whole
from tests.proposing import SPEC


def edit(number: int, step: int = 1000) -> dict[str, str]:
    return block(f"row + {number % 40} for", f"row + {number % 40} + {number + step} - {number + step} for")


def long_night(rounds: int, tokens: int = 12_000, program: str = "Do well.") -> Night:
    """Keeps, discards, crashes, failures and corrections."""
    night = Night(code_target(), HANDLER, options=Options("anthropic", "small", history_tokens=tokens), program=program)
    for number in range(rounds):
        made = answer(edit(number), idea=f"idea number {number}")
        if number % 11 == 10:
            night.tell(night.ask(*[answer(block("nowhere", word)) for word in "xyz"]))
        elif number % 7 == 6:
            night.step(made, "keep", "better", "score +0.01")
        elif number % 5 == 4:
            night.step(made, "crash", "exit", f"exit 1: first words{' and more' * 300}\nlast words {number}")
        else:
            night.step(made)
    return night


def common(one: Prompt, other: Prompt) -> float:
    first, second = whole(one), whole(other)
    same = next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    return same / len(second)


def test_the_order_is_from_what_never_changes_to_what_always_does() -> None:
    night = long_night(20)
    text = night.last
    places = [text.index(part) for part in (
        "You improve one file", "Do well.", "File: handler.py", "# The file at the start", "Experiment 1:", "# Now",
        "Left: ", "Propose experiment 20.",
    )]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize("private", [True, False])
def test_of_private_rows_no_amount_is_told(private: bool) -> None:
    """Not private, the same night tells each of them."""
    night = Night(replace(code_target(), private=private), HANDLER)
    night.step(answer(edit(1)), "keep", "better", "score 0.5 -> 0.51, better by 0.01")
    night.step(answer(edit(2)))
    night.ask(answer(edit(3)), parts={"rows of one customer": 0.123})
    told = whole(night.model.prompts[-1])
    for amount in ("0.51", "gain +0.01", "size 10", "0.123", "better by"):
        assert (amount in told) is not private, amount
    assert "Experiment 1: keep" in told


def test_kept_discarded_crashed_and_failed_are_all_told() -> None:
    text = long_night(20).last
    assert "Experiment 7: keep; score 0.51, gain +0.01; lines +1 -1\n" in text
    assert "Experiment 1: discard, worse; score 0.49, gain -0.01" in text
    assert "Experiment 5: crash, exit" in text
    assert "last words 4" in text
    assert "first words" not in text  # of a crash, its end
    assert "Experiment 11: discard, invalid" in text
    assert "idea number 3" in text
    assert "+    return [row + 3 + 1003 - 1003 for row in rows]" in text


def test_two_requests_in_a_row_share_most_of_their_text_after_a_keep_too() -> None:
    night = long_night(40)
    firsts = [prompt for prompt in night.model.prompts if len(prompt.turns) == 1]
    after_keep = [n for n in range(1, len(firsts)) if "keep" in firsts[n].turns[0].parts[-2].text]
    assert len(after_keep) >= 3
    assert all(common(one, other) >= 0.8 for one, other in list(pairwise(firsts))[15:])


def test_a_block_of_history_never_changes() -> None:
    night = long_night(30)
    firsts = [prompt for prompt in night.model.prompts if len(prompt.turns) == 1]
    for one, other in pairwise(firsts):
        before, after = ([part.text for part in prompt.turns[0].parts[:-1]] for prompt in (one, other))
        assert after[: len(before)] == before


def test_breakpoints_are_few_and_stand_after_enough_text() -> None:
    night = long_night(40, program="Do it well, and say why. " * 600)
    for prompt in night.model.prompts:
        length, found = len(prompt.system[0].text), 0
        for part in prompt.turns[0].parts:
            length += len(part.text)
            if part.cached:
                found += 1
                assert length >= STRICTEST_MINIMUM * BYTES_PER_TOKEN
        assert found <= 4
    last = night.model.prompts[-1].turns[0].parts
    assert last[-2].cached
    assert not last[-1].cached


@pytest.mark.parametrize("tokens", [900, 2_500])
def test_a_long_history_is_compacted_in_big_steps(tokens: int) -> None:
    night = long_night(40, tokens)
    sizes = [len(part.text) for part in night.model.prompts[-1].turns[0].parts[1:-1]]
    assert sum(sizes) <= tokens * 3 + 3_000
    assert "Experiments until" in night.last
    assert "idea number 34" in night.last  # what was kept stays the longest
    firsts = [prompt for prompt in night.model.prompts if len(prompt.turns) == 1]
    breaks = sum(common(one, other) < 0.5 for one, other in pairwise(firsts))
    assert breaks < len(firsts) / 4
    assert STAYS + LINES <= 0.5


def test_what_no_line_is_left_for_is_counted() -> None:
    assert " more: " in long_night(40, 900).last


def test_after_a_compaction_the_file_is_shown_as_it_is_by_then() -> None:
    night = long_night(40, 900)
    assert "# The file after experiment" in night.last
    assert "# The file at the start" not in night.last


@pytest.mark.parametrize("rounds", [0, 1, 7, 23, 40])
@pytest.mark.parametrize("tokens", [900, 12_000])
def test_a_resumed_night_asks_what_an_uninterrupted_one_would_have(rounds: int, tokens: int) -> None:
    night = long_night(rounds, tokens)
    resumed = night.begun()
    made = answer(block("row + 39 for", "row - 39 for"))
    night.model.answers = [made, made]
    (one,) = night.mind.ask(night.request({"p": 1.0}))
    (other,) = resumed.ask(night.request({"p": 1.0}))
    assert one == other
    assert night.model.prompts[-1] == night.model.prompts[-2]
    assert resumed.worst_case_usd == night.mind.worst_case_usd


def test_what_is_recalled_makes_a_difference() -> None:
    night = long_night(7)
    other = Night(code_target(), HANDLER)
    other.told = night.told[:-1]
    assert other.begun().worst_case_usd != night.begun().worst_case_usd


def test_a_file_that_somebody_else_changed_is_shown_with_the_change() -> None:
    night = long_night(3)
    night.incumbent = night.incumbent.replace(b"row + 30 for", b"row + 31337 for")
    night.ask(answer(edit(4)))
    assert "somebody else changed the file" in night.last
    assert "row + 31337 for" in night.last


def test_a_resumed_arm_knows_what_others_changed() -> None:
    """As a portfolio recalls it: what others kept stands before its own as another baseline."""
    night = long_night(3)
    kept = night.incumbent.replace(b"row + 30 for", b"row + 31337 for")
    night.told.append(Told(kept, replace(night.told[0].outcome, metrics={"score": 0.6, "size": 9.0})))
    night.incumbent, night.metrics, night.number = kept, night.told[-1].outcome.metrics, 7
    night.step(answer(edit(4)))
    resumed, made = night.begun(), answer(edit(5))
    night.model.answers = [made, made]
    assert resumed.ask(night.request()) == night.mind.ask(night.request())
    assert night.model.prompts[-1] == night.model.prompts[-2]
    assert "Experiment 7: keep; score 0.6" in night.last


def test_the_weakest_part_comes_first_whichever_way_is_better() -> None:
    found = {"a": 3.0, "b": 1.0, "c": 2.0}
    assert parts(found, RULE).split() == ["b", "1", "c", "2", "a", "3"]
    assert parts(found, Rule("primary", (Metric("ms", "minimize"),))).split() == ["a", "3", "c", "2", "b", "1"]


def test_parts_metrics_and_what_is_left_are_told_every_time() -> None:
    night = Night(data_target(), SPEC)
    night.step(answer(put("/weights/logins", 6)))
    night.ask(answer(put("/weights/logins", 7)), parts={"north": 0.25, "south": 0.125})
    tail = night.last.split("# Now")[1]
    assert tail.index("south 0.125") < tail.index("north 0.25")
    assert "score 0.5\nsize 10\n" in tail
    assert "Left: 199 experiments, $3.00." in tail


def test_of_the_course_of_a_measurement_a_few_points_are_told() -> None:
    night = Night(data_target(), SPEC)
    curve = {f"curve_{percent:02}": 8 - percent / 25 for percent in range(5, 101, 5)}
    night.ask(answer(put("/weights/logins", 7)), parts={**curve, "north": 0.25})
    tail = night.last.split("# Now")[1]
    assert "Along the way of one measurement: at 20 % 7.2, at 40 % 6.4, at 60 % 5.6, at 80 % 4.8, at 100 % 4." in tail
    assert "curve_" not in tail
    assert "north 0.25" in tail


def test_a_changed_file_is_told_by_its_changes_where_they_are_shorter() -> None:
    night = long_night(20)
    tail = night.last.split("# Now")[1]
    assert "with these changes" in tail
    assert "+    return [row + 6 + 1006 - 1006 for row in rows]" in tail
    small = Night(data_target(), SPEC)
    small.step(answer(put("/weights/logins", 6)), "keep", "better")
    small.ask(answer(put("/weights/logins", 7)))
    assert "/weights/logins: 5 -> 6" in small.last.split("# Now")[1]


def test_what_the_target_says_is_told() -> None:
    metrics = (Metric("p99", "minimize", 0.02, compare="ratio", floor=0.001), Metric("auc", "maximize", ceiling=0.9))
    target = replace(code_target(), rule=Rule("every", metrics), noise=Noise(0.05, 80, 20))
    night = Night(target, HANDLER)
    night.ask(answer(edit(1)))
    for part in ("p99: lower is better; a gain counts from 0.02; compared by ratio", "below 0.001 nothing is believed",
                 "auc: higher is better; may lose at most 0; above 0.9", "up to 80 pairs",
                 "measured again from scratch", "no other loses beyond its tolerance"):  # fmt: skip
        assert part in night.last
    bounded = Night(data_target(), SPEC)
    bounded.ask(answer(put("/weights/logins", 6)))
    assert "- /weights/*: whole number from -5 to 25" in bounded.last
    assert '- /mode: one of "fast", "slow", "both ways"' in bounded.last
    assert "may lose at most 0.05 of its value against the night's base" in bounded.last


def test_nothing_but_what_is_documented_reaches_a_prompt() -> None:
    """Every other field of a target holds a canary."""
    told = {"name", "file", "space", "rule", "noise", "sample", "is_data", "budget", "confirm", "isolated", "private",
            "policy"}  # fmt: skip
    canaries: dict[str, Any] = {
        "folder": "canary-folder", "program": "canary-program-path",
        "evaluate": Evaluate("process", ("canary-argv",), 1.0, ("canary-setup",)), "locked": ("canary-locked",),
        "hidden": ("canary-holdout.csv",), "signal": "canary-signal", "proposer": "canary-kind",
        "catalogue": "canary-catalogue", "owner": "canary-owner", "publish": ("canary-publish",),
        "runner": ("canary-runner",), "options": {"canary-option": 1}, "places": {"x": Place("canary-place")},
    }  # fmt: skip
    target = replace(data_target(), **canaries)
    assert set(target.__dataclass_fields__) - told == set(canaries)  # a new field is decided about
    night = Night(target, SPEC)
    night.metrics = {**night.metrics, "canary-metric": 1.0}
    night.told = []
    night.step(answer(put("/weights/logins", 6)))
    night.ask(answer(put("/weights/logins", 7)))
    assert "canary" not in night.last
    assert "canary" in repr(target)
    assert "Do well." in night.last  # what is documented does reach it


def test_what_was_turned_down_is_told() -> None:
    from bot.proposers.mind import Briefing, Mind

    night = Night(code_target(), HANDLER)
    night.mind = Mind(night.target, Briefing(night.base, "", ("sort with a bubble sort",)), night.model, night.options)
    night.ask(answer(edit(1)))
    assert fenced("declined", "sort with a bubble sort") in night.last
