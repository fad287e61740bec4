"""What must hold after each kill: the chain verifies, nothing counts twice, and nothing recorded is measured again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot import records
from bot.night.folder import nights
from harness import events, folds
from harness.schedule import Schedule
from tests.benchmarks.soak.ground import SEED, Ground, Line
from tests.benchmarks.soak.kinds import DRAW, PAIR


def check_readable(ground: Ground) -> None:
    """The chain verifies but for a torn end, which only the last segment may have; what is recorded agrees with it."""
    night = ground.night
    if night is None:
        return
    segments = night.segments("t")
    whole = segments[:-1] if segments and segments[-1].bad else segments
    assert events.verify_order(whole) is None
    if len(whole) < len(segments):
        data = (night.folder("t") / f"{segments[-1].name}.jsonl").read_bytes()
        assert b"\n" not in data[segments[-1].size :], "more than the last line is torn"
    check_counted_once(segments)
    check_records(ground, complete=False)


def check_counted_once(segments: Sequence[events.Segment]) -> None:
    """No number, no content and no pair twice, but for a void pair, which is fought once more."""
    for kind in ("experiment", "try"):
        numbers = [event["id"] for event in folds.of_kind(segments, kind)]
        assert len(numbers) == len(set(numbers)), f"{kind}: a number stands twice"
    numbers = [event["id"] for event in folds.of_kind(segments, "experiment")]
    assert numbers == list(range(1, len(numbers) + 1))
    canons = [event["canon"] for event in folds.of_kind(segments, "experiment")]
    assert len(canons) == len(set(canons)), "paid for twice"
    pairs = [(event["id"], event["n"]) for event in folds.of_kind(segments, "pair") if not event["void"]]
    assert len(pairs) == len(set(pairs)), "a pair stands twice"
    for kind in ("baseline", "confirm", "proposed"):
        assert len(folds.of_kind(segments, kind)) <= 1, f"{kind} stands twice"


def check_records(ground: Ground, *, complete: bool) -> None:
    """The records branch holds the very bytes of the nights' folders. complete: all of them."""
    there = records.tree(ground.repository)
    here: dict[str, str] = {}
    for night in nights(ground.repository):
        files = {f"t/{name}": data for name, data in night.files("t").contents.items()}
        here |= {path: ground.repository.blob_id(data) for path, data in files.items()}
    assert there.items() <= here.items(), "the records branch holds what no night wrote"
    assert not complete or there == here, "something is not on the records branch"


@dataclass(frozen=True)
class Recorded:
    """What was recorded before a start: contents of the loop, seeds of its pairs, seeds of confirm's draws."""

    texts: frozenset[str]
    seeds: Counter[int]
    drawn: frozenset[int]
    base: str
    begun: bool

    @staticmethod
    def of(ground: Ground) -> Recorded:
        night, texts, base = ground.night, set[str](), "".join(ground.kind.spec.split())
        segments = [s for s in night.segments("t") if s.events] if night and not night.done else []
        packs = night.packs("t") if night and segments else {}
        for event in folds.of_kind(segments, "experiment"):
            texts.add("".join(folds.restore(segments, event["id"], packs)[1].decode().split()))
        seeds = Counter[int]()
        for event in folds.of_kind(segments, "pair"):
            seeds[event["seed"]] += 1 if event["void"] and event["n"] else 2
        drawn = frozenset(event["seed"] for event in folds.of_kind(segments, "note"))
        return Recorded(frozenset(texts - {base}), seeds, drawn, base, bool(folds.of_kind(segments, "baseline")))


def check_repeats(ground: Ground, recorded: Recorded, before: Sequence[Line]) -> None:
    """Nothing that was recorded at the start was measured in it, and of the rest no more again than was in flight."""
    new, noisy = ground.lines()[len(before) :], ground.kind.noisy
    first = Schedule(SEED, "").number("calibration", 0, 0)
    known = set(before[ground.began :])
    if noisy:
        loop = [line for line in new if line.verb == "run" and line.seed != first]
        assert not [line for line in loop if recorded.seeds[line.seed] > 1], "a recorded pair was fought again"
        confirm = [line for line in new if line.verb == "confirm"]
        assert not [line for line in confirm if line.seed in recorded.drawn], "a recorded draw was made again"
        again = [line for line in (*loop, *confirm) if line in known and not recorded.seeds[line.seed]]
        # Confirm's unit is a draw: the head, and the head without each of its parts, under one seed.
        in_loop = sum(line.verb == "run" for line in again)
        assert in_loop <= PAIR, f"{ground.kind.name}: {in_loop} measurements of the loop were made again"
    else:
        loop = [line for line in new if line.verb == "run" and line.text != recorded.base]
        assert not [line for line in loop if line.text in recorded.texts], "a recorded experiment was measured again"
        again = [line for line in loop if line in known]
        checks = sum(line.verb == "run" and line.text == recorded.base for line in new)
        assert checks <= (1 if recorded.begun else 2), "the unchanged file was measured more than a start needs"
    said = f"{ground.kind.name}: {len(again)} measurements were made again: {again}"
    assert len(again) <= (DRAW if noisy else ground.kind.flight), said
    ground.tally.repeats += len(again)
    ground.tally.worst = max(ground.tally.worst, len(again))
