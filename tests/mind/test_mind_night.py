"""A real night that asks a model, killed and resumed: the next prompt is the one that an uninterrupted night sends."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.models.messages import Answer, Prompt
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers.mind import Mind
from harness import folds
from tests.minds import Script, answer, came, put, whole
from tests.scoring import FOLDER, TARGET, repository_at
from tests.support import git

ROUNDS = 8
ANSWERS = [
    answer(put("/weights/strong", 9)),
    answer(put("/weights/noise", 0)),
    answer(put("/weights/weak", 99)),  # outside
    answer(put("/weights/weak", 2)),
    answer(put("/weights/noise", 0)),  # as it is, or a duplicate
    answer(put("/weights/minutes", 1)),
    *[came("malformed", text=f"I think {n}") for n in range(3)],
    *[answer(put("/weights/strong", 10 + n), put("/weights/minutes", n)) for n in range(ROUNDS)],
]


class Free(Script):
    """Costs nothing, and may be killed before it answers."""

    kill_at = -1

    def ask(self, prompt: Prompt) -> Answer:
        if len(self.prompts) == self.kill_at:
            raise Killed
        return super().ask(prompt)

    def worst_case_usd(self, _prompt: Prompt) -> Decimal:
        return Decimal(0)


class Killed(BaseException):
    """As abrupt as a signal."""


def planned(folder: Path) -> Night:
    repository = repository_at(folder)
    path = repository.root / FOLDER / "target.yaml"
    asking = TARGET.replace("kind: perturb", "kind: claude, history_tokens: 300")
    path.write_text(f"{asking}budget: {{usd: 2}}\n")
    git(repository.root, "commit", "--quiet", "--all", "--message", "Claude")
    night, _ = plan(repository, Wishes(experiments=ROUNDS, seed=3))
    return night


def events(night: Night) -> list[tuple[object, ...]]:
    keys = ("canon", "status", "reason", "cost_usd", "description")
    return [tuple(event[key] for key in keys) for event in folds.of_kind(night.segments("h"), "experiment")]


def asked(model: Script) -> list[str]:
    return [whole(prompt) for prompt in model.prompts]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Night, Free]:
    night, model = planned(tmp_path_factory.mktemp("whole")), Free(ANSWERS)
    assert run(night, targets_of(night)[0], quiet=True, model=model) == "experiments"
    return night, model


def test_a_night_keeps_discards_corrects_and_fails(uninterrupted: tuple[Night, Free]) -> None:
    night, _ = uninterrupted
    found = folds.of_kind(night.segments("h"), "experiment")
    assert len(found) == ROUNDS
    assert {"keep", "discard"} == {event["status"] for event in found}
    (failed,) = [event for event in found if event["reason"] == "invalid"]
    assert "nothing that can be measured in 3 answers" in failed["why"]
    corrected = [event for event in found if event["model"]["calls"] == 2]
    assert corrected
    assert all(event["cost_usd"] == pytest.approx(0.02) for event in corrected)
    assert all(event["model"]["model"] == "claude-haiku-5-5" for event in found)


@pytest.mark.parametrize("kill_at", [1, 5, 9])
def test_a_resumed_night_asks_the_same(uninterrupted: tuple[Night, Free], tmp_path: Path, kill_at: int) -> None:
    whole_night, whole_model = uninterrupted
    night, model = planned(tmp_path), Free(ANSWERS)
    model.kill_at = kill_at
    with pytest.raises(Killed):
        run(night, targets_of(night)[0], quiet=True, model=model)
    done = sum(event["model"]["calls"] for event in folds.of_kind(night.segments("h"), "experiment"))
    again = Free(ANSWERS[done:])  # what was asked and not recorded is asked once more
    run(night, targets_of(night)[0], quiet=True, model=again)
    assert asked(whole_model)[done:] == asked(again)
    assert events(night) == events(whole_night)


def test_without_what_was_recorded_it_would_not(
    uninterrupted: tuple[Night, Free], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what is recalled is what makes the two alike."""
    night, model = planned(tmp_path), Free(ANSWERS)
    model.kill_at = 5
    with pytest.raises(Killed):
        run(night, targets_of(night)[0], quiet=True, model=model)
    monkeypatch.setattr(Mind, "recall", lambda _self, _told: None)
    done = sum(event["model"]["calls"] for event in folds.of_kind(night.segments("h"), "experiment"))
    again = Free(ANSWERS[done:])
    run(night, targets_of(night)[0], quiet=True, model=again)
    assert asked(uninterrupted[1])[done:] != asked(again)


def test_no_prompt_holds_a_held_out_row(uninterrupted: tuple[Night, Free]) -> None:
    night, model = uninterrupted
    root = night.repository.root
    rows = (root / FOLDER / "data/holdout.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) > 100
    for prompt in asked(model):
        assert "holdout" not in prompt
        assert not any(row in prompt for row in rows)
