"""What was tried: listed and filtered."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot import records
from bot.night.earlier import archive
from bot.night.folder import Night, nights
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.pages.wording.text import plain, value
from bot.verification import verify_lines
from harness import folds
from harness.errors import AutoresearchError
from harness.events import Event
from harness.repository import Repository
from harness.screening import in_words
from harness.target import Target


def log_lines(repository: Repository, name: str, status: str | None, *, as_json: bool) -> Iterator[str]:
    """One line per night, or per experiment of the named night."""
    if not name and status is None and not as_json:
        known = nights(repository)
        yield from (_night_line(night) for night in known)
        elsewhere = sorted(set(records.nights(repository)) - {night.name for night in known})
        yield from (f"{recorded}  on the records branch: autoresearch log {recorded}" for recorded in elsewhere)
        if not known and not elsewhere:
            yield "no night yet: autoresearch night runs one"
        return
    with archive.opened(repository, name) as night:
        for target in targets_of(night):
            segments = handover.read(night, target).received.segments
            for event in folds.of_kind(segments, "experiment"):
                if status in (None, event["status"]):
                    yield json.dumps({"target": target.name, **event}) if as_json else _line(target, event)


def _night_line(night: Night) -> str:
    try:
        targets = targets_of(night)
    except AutoresearchError as error:
        return f"{night.name}  cannot be read: {error.what}"
    parts = []
    for target in targets:
        try:
            received = handover.read(night, target).received
        except AutoresearchError as error:
            parts.append(f"{target.name}: refused ({plain(error.what, 200)})")
            continue
        end = folds.confirm_end(received.segments) or folds.run_end(received.segments) or "not finished"
        parts.append(f"{target.name}: {received.state.experiments:,} tries, {received.state.kept} kept, {end}")
    return f"{night.name}  {'; '.join(parts)}"


def _line(target: Target, event: Event) -> str:
    first = next(iter(event["metrics"].values()), None)
    shown = value(first, 6) if isinstance(first, float) else "-"
    if "bound" in event:
        shown = f"about {event['bound']:.6g}" if target.noise else in_words(target.rule.primary, event["bound"])
    what = plain(event["description"])
    return f"{target.name}/{event['id']}\t{event['status']}\t{event['reason']}\t{shown}\t{what}"


__all__ = ["log_lines", "verify_lines"]
