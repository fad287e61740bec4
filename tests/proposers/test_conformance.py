"""What every kind of proposer holds to. Kinds come from the registry: adding one is one file and one line there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import proposers
from bot.proposers import Outcome, Proposal, Request, Setting
from bot.proposers.perturb import Perturb
from harness.targetfile.proposing import KEYLESS
from tests.conforming import Play, Scripted, Setup, contents, setup

BATCHES = 8
MODELS = [kind for kind in proposers.kinds() if kind not in {*KEYLESS, "portfolio", "command"}]
each_kind = pytest.mark.parametrize("kind", proposers.kinds())


def play(found: Setup, **more: object) -> Play:
    return Play(found.target, found.files, **more)  # type: ignore[arg-type]


def test_the_registry_is_what_is_tried() -> None:
    assert {"perturb", "search", "tune", "repair", "portfolio"} <= set(proposers.kinds())
    assert all(proposers.exists(kind) for kind in proposers.kinds())
    assert not proposers.exists("nobody")


@each_kind
def test_what_it_proposes_is_new_admitted_and_within_its_price(kind: str) -> None:
    """Play looks at every proposal."""
    night = play(setup(kind))
    found = night.nights(BATCHES)
    assert sum(not proposal.failed for proposal in found) >= 1
    assert {type(proposal) for proposal in found} == {Proposal}


@each_kind
def test_a_seed_is_a_night(kind: str) -> None:
    one, other = (list(contents(play(setup(kind), seed=5).nights(BATCHES))) for _ in range(2))
    assert one == other


@each_kind
@pytest.mark.parametrize("count", [1, 4])
def test_a_night_that_is_resumed_before_every_request_is_the_same(kind: str, count: int) -> None:
    whole, broken = play(setup(kind)), play(setup(kind))
    assert list(contents(broken.nights(BATCHES, count, resuming=True))) == list(contents(whole.nights(BATCHES, count)))
    assert [told.outcome.status for told in broken.told] == [told.outcome.status for told in whole.told]


@each_kind
def test_what_says_that_it_is_steady_may_be_asked_ahead(kind: str) -> None:
    """Where nothing is kept, the batch after the next is the same before it is told of the next."""
    ahead, after = (play(setup(kind), nothing_kept=True) for _ in range(2))
    first = after.batch()
    ahead.proposer.ask(ahead.request(4))
    if not ahead.proposer.steady:
        assert kind != "perturb", "nothing is asked ahead any more"
        return
    ahead.tried |= after.tried
    early = ahead.proposer.ask(ahead.request(4, after=len(first)))
    assert [proposal.content for proposal in early] == [proposal.content for proposal in after.batch()]


@each_kind
def test_a_night_ends_where_there_is_no_more_to_try_or_to_spend(kind: str) -> None:
    found = setup(kind)
    if kind in MODELS:
        for gone in ("rejected", "outage"):
            assert play(found, model=Scripted(gone)).to_the_end(40) == "exhausted"
        assert play(found, model=Scripted("money")).to_the_end(40) == "money"
        return
    assert found.tiny is not None
    night = Play(*found.tiny)
    assert night.to_the_end() == "exhausted"
    if kind in {*KEYLESS, "portfolio"}:
        assert night.batch() == []


@each_kind
def test_what_was_not_measured_can_be_told_too(kind: str) -> None:
    """Screened, crashed, refused, a duplicate, unfinished: no metrics."""
    night = play(setup(kind))
    reasons = [("discard", "screened"), ("crash", "crash"), ("discard", "invalid"), ("discard", "duplicate"),
               ("discard", "unfinished"), ("discard", "suspect")]  # fmt: skip
    for status, reason in 5 * reasons:
        found = night.proposer.ask(night.request(1))
        outcomes = [Outcome(len(night.told), status, reason, {}, {}, spent=p.spent) for p in found]
        night.proposer.tell(outcomes)
        night.told += [proposers.Told(p.content, o, p.description) for p, o in zip(found, outcomes, strict=True)]
    live = night.proposer.ask(night.request(4))
    assert live
    assert list(contents(night.resumed().ask(night.request(4)))) == list(contents(live))


class Faulty(Perturb):
    """Breaks one promise."""

    fault = ""

    def ask(self, request: Request) -> list[Proposal]:
        found = super().ask(request)
        if self.fault == "repeats" and request.first > 1:
            return [replace(found[0], content=request.incumbent)]
        if self.fault == "outside":
            return [replace(found[0], content=b"weights: {logins: 99}\n")]
        if self.fault == "dear":
            return [replace(found[0], cost_usd=0.01)]
        if self.fault == "many":
            return [*found, *super().ask(replace(request, first=request.first + request.count))]
        return found


@pytest.mark.parametrize("fault", ["repeats", "outside", "dear", "many"])
def test_a_new_kind_is_one_line_and_what_it_breaks_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(setting: Setting) -> Faulty:
        proposer = Faulty(setting.target, setting.seed)
        proposer.fault = fault
        return proposer

    monkeypatch.setitem(proposers._KINDS, "faulty", made)
    assert "faulty" in proposers.kinds()
    night = play(setup("faulty"))
    with pytest.raises(AssertionError):
        night.nights(BATCHES)
