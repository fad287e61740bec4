"""Nights whose evaluator asks a model: the real commands, broker and clients; a provider that sorts by a script."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.judging import (
    EVERYTHING,
    FOLDER,
    JUDGED_USD,
    KEY,
    PROPOSED_USD,
    RIGHT,
    ROOT,
    SEARCH,
    Judge,
    World,
    answers,
    rows,
    told,
)  # fmt: skip
from tests.support import autoresearch, git


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Judge, str]:
    folder = tmp_path_factory.mktemp("judged")
    with Judge(answers, RIGHT) as provider:
        world = World(folder, provider)
        assert autoresearch(world.repository, "new", "forecast").returncode == 0
        other = world.repository.root / "targets/experiments/forecast"
        source = (other / "evaluate.py").read_text()
        (other / "evaluate.py").write_text(source.replace("def main():\n", f"{world.spy}\n\ndef main():\n", 1))
        head, _, _ = (other / "target.yaml").read_text().partition("budget:")
        (other / "target.yaml").write_text(f"{head}budget: {{experiments: 2}}\n")
        world.commit()
        said = world.night()
        assert autoresearch(world.repository, "report", "--out", str(folder / "pages")).returncode == 0
        return world, provider, said


def test_what_is_better_on_hidden_messages_is_confirmed(played: tuple[World, Judge, str]) -> None:
    world, _, said = played
    found = {event["id"]: (event["status"], event["reason"]) for event in world.events("experiment")}
    assert [found[1], found[2][0], found[3]] == [("keep", "better"), "discard", ("keep", "better")]
    confirmed = world.events("confirm")[-1]
    assert confirmed["verdict"] == "confirmed", confirmed["why"]
    assert confirmed["repeat"] == "varies"
    assert confirmed["holdout"]["low"] > 0
    branch = f"autoresearch/{world.last.name}"
    assert branch in said
    assert git(world.repository, "show", f"{branch}:{FOLDER}/prompt.txt") == EVERYTHING.strip()


def test_the_loop_asks_each_question_once_and_confirm_asks_anew(played: tuple[World, Judge, str]) -> None:
    world, provider, _ = played
    times = Counter(provider.asked)
    base = (ROOT / FOLDER / "prompt.txt").read_text()
    search, hidden = ({case["message"] for case in rows(split)} for split in ("search", "holdout"))
    splits, middle = {"search": search, "holdout": hidden}, told("billing", "delivery")
    by = {
        (system, split): {times[system, message] for message in messages}
        for system in (base, middle, EVERYTHING)
        for split, messages in splits.items()
    }
    assert by[base, "search"] == {2}, "the baseline, measured twice with the same answers, and confirm"
    assert by[EVERYTHING, "search"] == {2}
    assert by[middle, "search"] == {1}
    assert by[base, "holdout"] == by[EVERYTHING, "holdout"] == {1}
    assert by[middle, "holdout"] == {0}
    baseline = world.events("baseline")[0]
    assert baseline["evaluation"]["cached"] == SEARCH, "its repetition"
    claimed, anew = world.events("confirm")[-1]["claimed"], world.events("confirm")[-1]["search"]["head"]
    assert claimed["accuracy"] != anew["accuracy"], "control: the provider does not say the same twice"


def test_what_judging_cost_is_in_the_events(played: tuple[World, Judge, str]) -> None:
    world, provider, _ = played
    judged = [*world.events("baseline"), *world.events("experiment"), *world.events("confirm")]
    assert sum(event["evaluation"]["calls"] for event in judged) == len(provider.asked)
    assert all(event["evaluation"]["input"] == 100 * event["evaluation"]["calls"] for event in judged)
    for event in judged:
        assert event["evaluation"]["cost_usd"] == pytest.approx(JUDGED_USD * event["evaluation"]["calls"])
    whole_cost = JUDGED_USD * len(provider.asked) + PROPOSED_USD * provider.proposals
    assert sum(event["cost_usd"] for event in judged) == pytest.approx(whole_cost, abs=1e-12)
    first = world.events("experiment")[0]
    assert first["cost_usd"] == pytest.approx(PROPOSED_USD + SEARCH * JUDGED_USD)
    page = (world.log.parent / "pages" / "page.md").read_text()
    assert f"Judged by `small`, {len(provider.asked)} calls, {SEARCH} answers used again: " in page
    assert "Asked anew: confirm used no answer that the model gave in the loop" in page


def test_hidden_messages_reach_no_proposer(played: tuple[World, Judge, str]) -> None:
    hidden = [case["message"] for case in rows("holdout")]
    bodies = [body for body in played[1].bodies if '"name": "propose"' in body or '"name":"propose"' in body]
    assert len(bodies) == played[1].proposals > 0
    assert not [message for message in hidden for body in bodies if json.dumps(message)[1:-1] in body]
    assert all("right_billing" in body for body in bodies), "control: the parts are told"


def test_the_key_of_an_evaluators_model_is_nowhere(played: tuple[World, Judge, str]) -> None:
    world, provider, said = played
    assert all(KEY in key for key in provider.keys), "control: the key was used"
    assert KEY.encode() not in world.left_behind() + said.encode()
    assert not any(KEY in body for body in provider.bodies)
    assert b"right_billing" in world.left_behind(), "control: this search sees events"


def test_only_the_evaluator_that_needs_it_is_given_a_way(played: tuple[World, Judge, str]) -> None:
    lines = played[0].log.read_text().splitlines()
    asking = [line for line in lines if "AUTORESEARCH_MODEL" in line]
    assert asking, "control: the evaluator that needs a model has it"
    assert len(lines) > len(asking), "the other target's evaluator was started too"
    assert not [line for line in lines if "AUTORESEARCH_BROKER" in line]
    assert all("BROKER-ABOVE" in line for line in asking), "control: what starts it knows the broker"
    assert not [line for line in lines if "BROKER-ABOVE" in line and line not in asking]
