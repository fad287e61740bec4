"""While a batch is measured, the next is prepared: the night is as it would be without that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from bot.night.folder import Night
from bot.night.loop.asking import Asking
from bot.night.loop.exact import SERVE_BATCH
from bot.night.loop.stops import Limits
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.perturb import Perturb
from harness import folds
from harness.admission import Admission
from harness.documents import canonical_id
from harness.folds import LoopState
from harness.measure import Ask, ServeMeasurer
from harness.reports import Measurement
from tests.proposing import target
from tests.scoring import FOLDER, TARGET, repository_at
from tests.support import git

EXPERIMENTS = 150
BASE = b"w: 0\n"
SMALL = "/weights/*: {int: [4, 6]}"  # 81 points, which are walked to their end


def planned(folder: Path, space: str) -> Night:
    repository = repository_at(folder)
    path = repository.root / FOLDER / "target.yaml"
    path.write_text(TARGET.replace("/weights/*: {int: [-5, 25]}", space))
    git(repository.root, "commit", "--quiet", "--all", "--allow-empty", "--message", "Space")
    night, _ = plan(repository, Wishes(experiments=EXPERIMENTS, seed=3))
    return night


def made(night: Night) -> tuple[list[tuple[object, ...]], str | None]:
    run(night, targets_of(night)[0], quiet=True)
    found = folds.of_kind(night.segments("h"), "experiment")
    keys = ("id", "canon", "content", "description", "status", "reason", "metrics", "parent")
    return [tuple(event[key] for key in keys) for event in found], folds.run_end(night.segments("h"))


@pytest.mark.parametrize("space", ["/weights/*: {int: [-5, 25]}", SMALL], ids=["large", "walked"])
def test_the_night_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str) -> None:
    asked: list[int] = []
    original = Perturb.ask

    def ask(self: Perturb, request: Request) -> list[Proposal]:
        asked.append(request.first)
        return original(self, request)

    monkeypatch.setattr(Perturb, "ask", ask)
    with_it = made(planned(tmp_path / "with", space))
    ahead, asked = asked, []
    monkeypatch.setattr(Asking, "ahead", lambda _self: None)
    assert made(planned(tmp_path / "without", space)) == with_it
    statuses = {experiment[4] for experiment in with_it[0]}
    assert statuses == {"keep", "discard"}
    repeated = len(ahead) > len(asked)
    assert repeated == (space != SMALL), "a prepared batch is thrown away after a keep, and nothing is in a walk"
    assert with_it[1] == ("experiments" if space != SMALL else "exhausted")


def test_a_batch_is_recorded_before_the_next_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a kill takes what is in flight, and no more."""
    night = planned(tmp_path, "/weights/*: {int: [-5, 25]}")
    seen: list[int] = []  # recorded experiments when a batch is about to be sent
    original = ServeMeasurer._batch

    def batch(self: ServeMeasurer, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        if ask.meanwhile:  # the baseline has none
            files = night.folder("h").glob("*.jsonl")
            seen.append(sum(path.read_bytes().count(b'{"event":"experiment"') for path in files))
        return original(self, contents, ask)

    monkeypatch.setattr(ServeMeasurer, "_batch", batch)
    assert len(made(night)[0]) == EXPERIMENTS
    assert seen == list(range(0, EXPERIMENTS, SERVE_BATCH))


class Steady:
    """Proposes the incumbent as a null, then another number; says that it may be asked ahead."""

    worst_case_usd, steady = 0.0, True

    def ask(self, request: Request) -> list[Proposal]:
        return [Proposal(request.incumbent, "nothing", null=True), Proposal(b"w: %d\n" % request.first, "something")]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""


def test_a_batch_that_is_thrown_away_leaves_what_was_tried_before() -> None:
    """A null is given out however often the same was tried: that it was stays known."""
    judging = Admission(target({}), BASE, lambda content: content.decode())
    state = LoopState(content=BASE, blob="base", tried={canonical_id(BASE, "spec.yaml")}, since_keep=2)
    asking = Asking(state, judging, Steady(), Limits(100, None, 0.0, None), 2)
    asking.next()
    asked = set(state.tried)
    asking.ahead()
    assert len(state.tried) == len(asked) + 1
    state.experiments, state.blob, state.content, state.since_keep = 2, "kept", b"w: 1\n", 1
    assert [attempt.duplicate for attempt in asking.next()] == [False, False]
    again = asked | {canonical_id(b"w: 3\n", "spec.yaml")}
    assert state.tried == again
    asking.ahead()
    assert state.tried == again, "keeps come in rows: after one nothing is prepared"
