"""Noisy experiments once more: each decision must follow from its recorded pairs, and the pairs from the schedule."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from harness.calibration import means
from harness.decide import Measure, Measured, Pair, Share, State, decide, step
from harness.duel import Fought, next_number, too_many_void
from harness.error_budget import ErrorBudget
from harness.events import Event
from harness.handover.expected import Expected
from harness.handover.loop import (
    Contradiction,
    Replay,
    check_metrics,
    check_number,
    check_parent,
    check_started,
    check_verdict,
    restored,
    verdict,
)
from harness.handover.screens import check_ruled_out, ruled_out
from harness.handover.shapes import MOST_REPAIRS
from harness.rule import Rule, headline_gain
from harness.schedule import Draw, Schedule


def take_try(replay: Replay, event: Event) -> None:
    """A try begins where none is open."""
    check_started(replay, event)
    check_number(replay, event)
    check_parent(replay, event)
    if replay.state.begun is not None and not _mends(replay, event):
        raise Contradiction(f"try {event['id']} begins before the one ahead of it was decided")
    restored(replay, event)
    replay.duel, replay.crashed = State(replay.state.base_metrics), ""


def _mends(replay: Replay, event: Event) -> bool:
    """Whether a try is the one before it, mended, and no more than the second: that crashed in its screen, or in its
    first pair."""
    begun = replay.state.begun or {}
    fought = replay.state.fought
    screen = replay.state.screen or {"crash": ""}
    crashed = screen["crash"] or any(pair["crash"] for pair in fought)
    sound = [pair for pair in fought if not pair["void"] and not pair["crash"]]
    due = begun.get("repairs", 0) + 1
    return bool(crashed) and not sound and event.get("repairs") == due <= MOST_REPAIRS


def take_pair(replay: Replay, event: Event) -> None:
    """A pair of the try at hand, or (number 0) of the calibration before everything else."""
    expected, state = replay.expected, replay.state
    if not expected.target.noise:
        raise Contradiction("a pair, and the target's metrics do not vary")
    begun = state.begun["id"] if state.begun else None
    if event["id"] != (begun if state.started else 0):
        raise Contradiction(f"a pair of {event['id']}, which is not being tried")
    check_scheduled(replay, event)
    check_sides(replay, event)
    if state.pairs >= expected.most_pairs or too_many_void(state.void, state.pairs):
        raise Contradiction("more pairs, or more void pairs, than a night goes on with")
    if event["id"] and expected.judged:
        check_open(replay)
        if event["crash"]:
            replay.crashed = event["crash"]
        elif not event["void"]:
            pair = Pair(Measured(event["incumbent"], 0), Measured(event["candidate"], 0))
            replay.duel = step(replay.duel, pair, expected.target.rule)


def check_scheduled(replay: Replay, event: Event) -> None:
    """Number, seed and order are those that the night's schedule gives."""
    state, expected = replay.state, replay.expected
    before = [_numbered(pair) for pair in (state.fought if event["id"] else state.calibration)]
    if event["n"] != next_number(before):
        raise Contradiction(f"pair {event['n']} where {next_number(before)} was due")
    due = Schedule(expected.seed, expected.coin).pair("loop" if event["id"] else "calibration", event["id"], event["n"])
    if event["seed"] != due.seed or (expected.coin and event["order"] != due.order):
        raise Contradiction("its seed or order is not the one that the schedule gives")


def check_sides(replay: Replay, event: Event) -> None:
    """A sound pair has both sides; a void one has no incumbent, a crashed one no candidate."""
    if event["void"] and (event["incumbent"] or (event["crash"] and event["candidate"])):
        raise Contradiction("it is void, and has the incumbent's numbers")
    if event["crash"] and event["candidate"]:
        raise Contradiction("its candidate crashed, and has numbers")
    if not event["void"] and not event["crash"]:
        check_metrics(replay, event["incumbent"])
        check_metrics(replay, event["candidate"])


def check_open(replay: Replay) -> None:
    """A duel ends with its decision."""
    if replay.crashed or ruled_out(replay) or not isinstance(decision_of(replay), Measure):
        raise Contradiction("a pair after the one that decided")


def recompute_duel(replay: Replay, event: Event, content: bytes) -> None:
    """Status, reason and every figure of a noisy experiment follow from its pairs."""
    begun = replay.state.begun
    if event["reason"] in {"invalid", "duplicate"} or (event["reason"] == "unfinished" and "pairs" not in event):
        if event["metrics"] or event["parts"] or event["gain"]:
            raise Contradiction(f"it was not measured ({event['reason']}), and has numbers")
        return
    if begun is None or any(begun[key] != event[key] for key in ("id", "blob", "canon", "description")):
        raise Contradiction("it is not what was tried")
    repaired_in_vain = replay.crashed and event["cost_usd"] > begun["cost_usd"]
    if begun["cost_usd"] != event["cost_usd"] and not repaired_in_vain:
        raise Contradiction("it cost something else than what was tried")
    if check_ruled_out(replay, event):
        return
    check_figures(replay, event)
    if replay.crashed:
        check_verdict(event, ("crash", replay.crashed))
    else:
        check_verdict(event, verdict(decision_of(replay), replay, event, content))


def check_figures(replay: Replay, event: Event) -> None:
    rule = replay.expected.target.rule
    pairs = [pair for pair in replay.state.fought if not pair["void"] and not pair["crash"]]
    evidence = max(replay.duel.evidence.values(), key=lambda found: found.log_e, default=None)
    due = {
        "pairs": len(pairs), "metrics": means([pair["candidate"] for pair in pairs]),
        "incumbent": means([pair["incumbent"] for pair in pairs]),
        "gain": statistics.fmean(gains_of(rule, pairs) or [0.0]), "parts": _parts(event),
        "log_e": evidence.log_e if evidence else 0.0, "peak": evidence.peak if evidence else 0.0,
        "threshold": share_of(replay.expected).threshold,
    }  # fmt: skip
    for key, value in due.items():
        if event.get(key) != value:
            raise Contradiction(f'"{key}" does not follow from its {len(pairs)} pairs')


def _parts(event: Event) -> Mapping[str, float]:
    """Those of the event where a mind was asked or the duel was won; otherwise none are recorded."""
    told = "model" in event or event["status"] == "keep" or event["reason"] == "suspect"
    found: Mapping[str, float] = event["parts"] if told else {}
    return found


def check_calibration(replay: Replay, event: Event) -> None:
    """The baseline of a noisy target is what its calibration says."""
    noise, pairs = replay.expected.target.noise, [p for p in replay.state.calibration if not p["void"]]
    if noise is None or len(pairs) < max(noise.calibration, 2):
        raise Contradiction(f"the baseline rests on {len(pairs)} pairs of the unchanged file")
    gains = gains_of(replay.expected.target.rule, pairs)
    due = {
        "repeat": "varies", "pairs": len(pairs), "spread": statistics.stdev(gains),
        "metrics": means([side for pair in pairs for side in (pair["incumbent"], pair["candidate"])]),
    }  # fmt: skip
    for key, value in due.items():
        if event.get(key) != value:
            raise Contradiction(f'"{key}" does not follow from the {len(pairs)} pairs of the calibration')


def decision_of(replay: Replay) -> object:
    return decide(replay.duel, replay.expected.target.rule, share_of(replay.expected))


def share_of(expected: Expected) -> Share:
    noise = expected.target.noise
    if noise is None:
        raise Contradiction("a duel, and the target's metrics do not vary")
    return ErrorBudget(noise.alpha, expected.planned, noise.max_pairs).share()


def gains_of(rule: Rule, pairs: Sequence[Event]) -> list[float]:
    return [headline_gain(rule, pair["incumbent"], pair["candidate"]) for pair in pairs]


def _numbered(event: Event) -> Fought:
    return Fought(event["n"], Draw(event["seed"], event["order"] == "ic"), {}, {}, event["void"])
