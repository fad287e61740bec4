"""What was tried: listed, filtered, verified."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot import records
from bot.night.folder import Night, night_named, nights
from bot.pages.text import plain, value
from harness import folds
from harness.errors import IntegrityError
from harness.events import BadLine, Segment, verify_order
from harness.repository import Repository


def log_lines(repository: Repository, name: str, status: str | None, *, as_json: bool) -> Iterator[str]:
    """One line per night, or per experiment of the named night."""
    if not name and status is None and not as_json:
        known = nights(repository)
        yield from (_night_line(night) for night in known)
        if not known:
            yield "no night yet: autoresearch night runs one"
        return
    night = night_named(repository, name)
    for target in night.plan.targets:
        for event in folds.of_kind(night.segments(target.name), "experiment"):
            if status in (None, event["status"]):
                yield json.dumps({"target": target.name, **event}) if as_json else _line(target.name, event)


def verify_lines(repository: Repository, name: str) -> Iterator[str]:
    """Verifies one night, or everything: the nights' folders and the records branch. Raises IntegrityError."""
    chosen = [night_named(repository, name)] if name else nights(repository)
    for night in chosen:
        for target in night.plan.targets:
            yield _verified(f"{night.name}/{target.name}", night.segments(target.name))
    if not name:
        yield from _verified_branch(repository)


def _verified_branch(repository: Repository) -> Iterator[str]:
    tip = repository.reference(records.BRANCH)
    names = {path.split("/")[0] for path in repository.tree(tip)} if tip else set()
    for target in sorted(names):
        by_night: dict[str, list[Segment]] = {}
        for segment in records.segments(repository, target):
            by_night.setdefault(segment.name.rpartition(".")[0], []).append(segment)
        for night, segments in sorted(by_night.items()):
            ordered = sorted(segments, key=lambda s: int(s.name.rpartition(".")[2].split("-")[0]))
            yield _verified(f"autoresearch/results: {night}/{target}", ordered, ended=True)


def _verified(where: str, segments: list[Segment], *, ended: bool = False) -> str:
    """ended: whether every segment must be sealed, as on the records branch."""
    bad = verify_order(segments)
    if not bad and ended and segments and not segments[-1].sealed:
        bad = BadLine(segments[-1].name, len(segments[-1].events) + 1, "the seal is missing")
    if bad:
        raise IntegrityError(f"{where}: {bad}", why="it was changed, or damaged on the disk, after it was written")
    repeated = _repeated(segments)
    if repeated:
        raise IntegrityError(f"{where}: {repeated}")
    count = sum(len(segment.events) for segment in segments)
    open_end = "" if not segments or segments[-1].sealed else "; the last segment is still open"
    return f"{where}: {count:,} events in {len(segments)} segments verify{open_end}"


def _repeated(segments: list[Segment]) -> BadLine | None:
    """Experiments are numbered 1, 2, 3 without a gap across segments."""
    expected = 1
    for segment in segments:
        for line, event in enumerate(segment.events, start=1):
            if event["event"] == "experiment":
                if event["id"] != expected:
                    return BadLine(segment.name, line, f"experiment {event['id']} where {expected} was due")
                expected += 1
    return None


def _night_line(night: Night) -> str:
    parts = []
    for target in night.plan.targets:
        segments = night.segments(target.name)
        state = folds.loop_state(segments, night.packs(target.name))
        end = folds.confirm_end(segments) or folds.run_end(segments) or "not finished"
        parts.append(f"{target.name}: {state.experiments:,} tries, {state.kept} kept, {end}")
    return f"{night.name}  {'; '.join(parts)}"


def _line(target: str, event: dict[str, object]) -> str:
    metrics = event["metrics"]
    first = next(iter(metrics.values()), None) if isinstance(metrics, dict) else None
    shown = value(first, 6) if isinstance(first, float) else "-"
    return f"{target}/{event['id']}\t{event['status']}\t{event['reason']}\t{shown}\t{plain(str(event['description']))}"
