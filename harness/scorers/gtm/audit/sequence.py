"""Sequences and schedules: does what must run before or after something run once, and still at all?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from harness.scorers.gtm.audit.findings import Rule, Spot
from harness.scorers.gtm.entities import Entity, canonical, text_of
from harness.scorers.gtm.view import View


def _next(view: View, tag: Entity) -> Iterator[Entity]:
    for reference in view.references.of(tag):
        if reference.how in {"setup", "teardown"} and reference.target:
            yield reference.target


def _circles(view: View) -> Iterator[Spot]:
    for tag in view.container.all("tag"):
        waiting, seen = list(_next(view, tag)), set[Entity]()
        while waiting:
            one = waiting.pop()
            if one is tag:
                yield Spot(tag, "its setup and teardown tags lead back to itself")
                break
            if one not in seen:
                seen.add(one)
                waiting += _next(view, one)


def _twice(view: View) -> Iterator[Spot]:
    """A setup tag with triggers of its own, which may fire again before each tag that names it."""
    for tag in view.container.all("tag"):
        named = [ref.source for ref in view.references.to(tag) if ref.how in {"setup", "teardown"}]
        own = [ref for ref in view.references.of(tag) if ref.how == "firing" and ref.state in {"entity", "system"}]
        if named and own and canonical(tag.data.get("tagFiringOption")) != "ONCE_PER_LOAD":
            yield Spot(tag, "runs for another tag and by its own triggers, and is not limited to once a page",
                       f"{tag.pointer}/tagFiringOption")  # fmt: skip


def _moment(value: object) -> int | None:
    text = text_of(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _schedule(tag: Entity) -> tuple[int | None, int | None]:
    return _moment(tag.data.get("scheduleStartMs")), _moment(tag.data.get("scheduleEndMs"))


def _scheduled(view: View) -> Iterator[Entity]:
    return (tag for tag in view.container.all("tag") if "scheduleEndMs" in tag.data)


def _over(view: View) -> Iterator[Spot]:
    """By the time of the export: a file without one has no today."""
    try:
        today = datetime.fromisoformat(text_of(view.container.data.get("exportTime")))
    except ValueError:
        return
    now = today.replace(tzinfo=UTC).timestamp() * 1000
    for tag in _scheduled(view):
        end = _schedule(tag)[1]
        if end is not None and end < now and not tag.paused:
            yield Spot(
                tag,
                "its schedule was over before the container was exported: it fires no more",
                f"{tag.pointer}/scheduleEndMs",
            )


def _backwards(view: View) -> Iterator[Spot]:
    for tag in _scheduled(view):
        start, end = _schedule(tag)
        if start is not None and end is not None and end <= start:
            yield Spot(tag, "its schedule ends before it begins", f"{tag.pointer}/scheduleEndMs")


RULES = (
    Rule("sequence-circle", "error", _circles),
    Rule("sequence-twice", "warning", _twice),
    Rule("schedule-over", "warning", _over),
    Rule("schedule-backwards", "error", _backwards),
)
