"""Nights whose evaluator asks a model: the real commands, broker and clients; a provider that sorts by a script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.night.folder import Night, nights
from harness import folds
from harness.events import Event
from harness.repository import Repository
from tests.judging import JUDGED_USD, PROPOSED_USD, Judge
from tests.support import ENVIRONMENT, autoresearch, git, make_repository

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "targets/experiments/prompt-engineering"
NAME = "prompt-engineering"
KEY = "sk-canary-5f0b7c1d93aa4e62b7"
CONFIG = """
models:
  providers: {{scripted: {{kind: openai, base_url: "{address}", key: SCRIPTED_KEY, timeout: 20s}}}}
  prices: {{small: {{input: 1, output: 5}}}}
"""
TARGET = """name: prompt-engineering
file: prompt.txt
program: program.md
evaluate:
  command: [python, evaluate.py]
  timeout: 5m
  needs: [model]
  model: {{provider: scripted, model: small, max_tokens: 100}}
data: {{hidden: [data/holdout.jsonl]}}
sample: rows
signal: file-property
metrics:
  - {{name: accuracy, goal: maximize}}
  - {{name: words, goal: minimize, guard: {{tolerance: 250}}}}
proposer: {proposer}
budget: {{experiments: {experiments}, usd: {usd}}}
confirm: {{groups: 1}}
"""
ASKS = "{kind: openai, provider: scripted, model: small, max_tokens: 1000, history_tokens: 2000}"
SPY = """
import os as _os
open({log!r}, "a").write(" ".join(sorted(name for name in _os.environ if name.startswith("AUTORESEARCH"))) + "\\n")
"""


def rows(split: str) -> list[dict[str, str]]:
    """Five or seven messages of each intent: enough for these tests."""
    lines = (ROOT / FOLDER / "data" / f"{split}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[: {"search": 30, "holdout": 42}[split]]]


RIGHT = {case["message"]: case["intent"] for split in ("search", "holdout") for case in rows(split)}
SEARCH, HOLDOUT = len(rows("search")), len(rows("holdout"))


def whole(text: str, why: str = "say what the shop means") -> dict[str, Any]:
    return {"hypothesis": why, "expected_effect": "accuracy rises", "edits": [{"content": text}]}


def told(*intents: str) -> str:
    return "Sort the messages.\n" + "".join(f"{intent}: as the shop means it\n" for intent in intents)


EVERYTHING = told("account", "billing", "cancel", "delivery", "product", "returns")


def answers(number: int, _before: int) -> dict[str, Any] | str:
    return {
        1: whole(told("billing", "delivery")),
        2: whole("Sort the messages as you like.\n"),
        3: whole(EVERYTHING),
    }.get(number, whole(f"Sort them, attempt {number}.\n"))


class World:
    """A repository with the target that ships, asking the scripted provider for both proposals and judgements."""

    def __init__(
        self, folder: Path, provider: Judge, experiments: int = 4, usd: float = 5.0, proposer: str = ASKS,
        more: str = "",
    ) -> None:  # fmt: skip
        self.log = folder / "evaluators.log"
        self.repository = make_repository(folder, {})
        place = self.repository.root / FOLDER
        shutil.copytree(ROOT / FOLDER, place)
        for split in ("search", "holdout"):
            lines = "".join(f"{json.dumps(case)}\n" for case in rows(split))
            (place / "data" / f"{split}.jsonl").write_text(lines)
        told_of = TARGET.format(proposer=proposer, experiments=experiments, usd=usd)
        (place / "target.yaml").write_text(told_of)
        evaluate = (place / "evaluate.py").read_text()
        (place / "evaluate.py").write_text(f"{evaluate}\n".replace("def main()", f"{self.spy}\ndef main()", 1))
        settings = self.repository.root / ".github" / "autoresearch.yml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(CONFIG.format(address=provider.address) + more)
        self.commit()

    @property
    def spy(self) -> str:
        return SPY.format(log=str(self.log))

    def with_lines(self) -> World:
        """A catalogue for the proposer that needs no model: what the shop means by each intent."""
        lines = EVERYTHING.splitlines()[1:]
        catalogue = "".join(f'- options: ["", "{line}"]\n' for line in lines)
        (self.repository.root / FOLDER / "catalogue.yaml").write_text(catalogue)
        self.commit()
        return self

    def paid(self) -> list[Event]:
        found = [*self.events("baseline"), *self.events("experiment"), *self.events("confirm")]
        return [event for event in found if "evaluation" in event]

    def commit(self) -> None:
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", "Add a target")

    def run(self, *words: str, key: str = KEY) -> tuple[int, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = {**inherited, **ENVIRONMENT, **({"SCRIPTED_KEY": key} if key else {})}
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *words], cwd=self.repository.root, env=environment, capture_output=True,
            text=True, timeout=110, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def night(self) -> str:
        code, said = self.run("night", "--quiet", "--seed", "1")
        assert code == 0, said
        return said

    @property
    def last(self) -> Night:
        return nights(Repository.find(self.repository.root))[-1]

    def events(self, kind: str) -> list[Event]:
        return folds.of_kind(self.last.segments(NAME), kind)

    def left_behind(self) -> bytes:
        """Every object of the repository, and all that lies in its state."""
        command = ["git", "cat-file", "--batch-all-objects", "--batch"]
        objects = subprocess.run(command, cwd=self.repository.root, capture_output=True, check=True).stdout
        state = self.last.path.parent
        return objects + b"\n".join(path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file())


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


def test_past_the_budget_everything_paid_for_was_judged_and_is_confirmed(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, experiments=40, usd=0.15, proposer="{kind: tune}").with_lines()
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "money"
        experiments = world.events("experiment")
        assert 3 <= len(experiments) < 40
        assert all(event["metrics"] and event["evaluation"]["calls"] == SEARCH for event in experiments)
        assert world.events("confirm")[-1]["verdict"] == "confirmed", "its part was kept aside"
        judged = world.paid()
        assert sum(event["cost_usd"] for event in judged) <= 0.15
        assert sum(event["evaluation"]["calls"] for event in judged) == len(provider.asked)


def test_a_cap_holds_where_judging_is_suddenly_dear(tmp_path: Path) -> None:
    with Judge(answers, RIGHT, dear=lambda system: 60 if "returns" in system else 1) as provider:
        world = World(tmp_path, provider, experiments=40, usd=0.2, proposer="{kind: tune}").with_lines()
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "money"
        *others, last = world.events("experiment")
        assert last["reason"] == "unfinished"
        assert "no money" in last["why"]
        assert 0 < last["evaluation"]["calls"] < SEARCH
        assert last["cost_usd"] > SEARCH * JUDGED_USD, "what the cut measurement cost is told"
        assert not [event for event in others if event["reason"] == "unfinished"]
        assert sum(event["cost_usd"] for event in world.paid()) <= 0.2
        assert sum(event["evaluation"]["calls"] for event in world.paid()) == len(provider.asked)


def test_a_model_that_is_gone_ends_the_night_and_is_no_crash(tmp_path: Path) -> None:
    with Judge(answers, RIGHT, fault=lambda system: 401 if "as you like" in system else 200) as provider:
        world = World(tmp_path, provider)
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "exhausted"
        assert [event["reason"] for event in world.events("experiment")] == ["better", "unfinished"]
        assert "the model gave no answer: rejected" in world.events("experiment")[1]["why"]
        assert world.events("confirm")[-1]["verdict"] == "confirmed", "what was kept before is"


def test_check_says_what_judging_costs_and_that_answers_vary(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider)
        code, said = world.run("check", NAME)
        assert code == 0, said
        assert len(provider.asked) == 2 * SEARCH + HOLDOUT
        said = " ".join(said.split())
        assert "asked twice: accuracy" in said
        assert f"this check asked small {2 * SEARCH + HOLDOUT} questions for $" in said
        assert "confirm asks anew, held-out cases decide" in said
        assert KEY not in said


@pytest.mark.parametrize(
    ("key", "usd", "provider_name", "next_step"),
    [
        ("", 5.0, "scripted", "no key is in SCRIPTED_KEY; export it first"),
        (KEY, 0, "scripted", "next: budget: {usd: 2}"),
        (KEY, 5.0, "scriptd", 'did you mean "scripted"?'),
    ],
)
def test_without_a_model_check_says_what_to_do_and_spends_nothing(
    tmp_path: Path, key: str, usd: float, provider_name: str, next_step: str
) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, usd=usd, proposer="{kind: tune}")
        place = world.repository.root / FOLDER
        (place / "catalogue.yaml").write_text('- options: ["", "Be quick."]\n')
        said = (place / "target.yaml").read_text().replace("provider: scripted,", f"provider: {provider_name},")
        (place / "target.yaml").write_text(said)
        code, told_so = world.run("check", NAME, key=key)
        assert code in {3, 4}
        assert next_step in told_so
        assert not provider.bodies


def test_a_budget_that_pays_for_no_confirmation_is_told_by_check(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        code, said = World(tmp_path, provider, usd=0.04).run("check", NAME)
        assert code == 4
        assert "judging one experiment and confirming it is reckoned at $0.0" in " ".join(said.split())


def test_a_night_whose_proposer_needs_no_model_still_has_one_for_its_evaluator(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, proposer="{kind: tune}").with_lines()
        world.night()
        assert not provider.proposals
        assert len(world.events("experiment")) == 4
        assert world.events("confirm")[-1]["search"]["head"]["accuracy"] > 0.4
        asked = len(provider.asked)
        code, said = world.run("reproduce", "1")
        assert code == 0, said
        assert len(provider.asked) == asked + SEARCH
        assert "the evaluator's model was asked anew" in said
        refused, why = world.run("reproduce", "1", key="")
        assert refused == 4
        assert "no model can be asked here" in why
