"""`promote remeasure`: one segment with what a merged content really gains. Holds no secret, runs in the sandbox."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
from bot.night.earlier import looks
from bot.night.examination.bench import NOTE, Bench, Unconfirmed
from bot.night.folder import remove_tree
from bot.night.header import machine
from bot.night.lifeline import killed_with_us
from bot.promote import measuring
from bot.promote.plan import Due, expected
from harness import events, measure, prepared, view
from harness.errors import IntegrityError
from harness.events import Event, Segment, SegmentWriter
from harness.handover.promotions import NOT_CONFIRMED, PROMOTED, VERB, verdict
from harness.holdout import LOOKS
from harness.repository import CommitSource, Repository
from harness.schedule import Schedule
from harness.view import View


def folder(repository: Repository, target: str) -> Path:
    """Where a target's next promotion waits to be published."""
    return repository.state / "promotions" / target


def remeasure(repository: Repository, due: Due) -> str:
    """Measures one target. Returns the end: promoted, not-confirmed, underpowered, infra or integrity. What is there
    already is not measured again; of an interrupted measurement the pairs are kept."""
    place = folder(repository, due.target.name)
    there = _standing(place, repository, due)
    if there and there.sealed:
        return str(there.events[-1]["end"])
    coin = str(there.header["coin"]) if there else secrets.token_hex(16)
    notes = [event for event in there.events if _is_note(event)] if there else []
    remove_tree(place)
    scratch = repository.private / "scratch" / "promotions" / due.target.name
    remove_tree(scratch)
    scratch.mkdir(parents=True)
    fields = {**expected(repository, due).header, "coin": coin, "version": harness.__version__}
    writer = SegmentWriter(
        place, due.name, due.previous, {"verb": VERB, **fields, "machine": machine(due.target), "at": int(time.time())}
    )
    if notes:
        writer.append(notes)
    with killed_with_us(scratch):
        try:
            end, why = _Remeasurement(repository, due, scratch, writer, notes, coin).run()
        finally:
            view.remove(scratch)
    writer.seal(end, why=why)
    return end


class _Remeasurement:
    def __init__(
        self, repository: Repository, due: Due, scratch: Path, writer: SegmentWriter, notes: list[Event], coin: str
    ) -> None:
        self.repository, self.due, self.writer, self.notes = repository, due, writer, notes
        self.scratch, self.coin = scratch, coin

    def run(self) -> tuple[str, str]:
        """The end and why. The event is written either way."""
        started, due = time.monotonic(), self.due
        found: Mapping[str, Any] | None = None
        realised = expected(self.repository, due).realised
        try:
            found = self._figures()
            end, why = verdict(found, due.target.rule, realised["complexity"], confirmed=due.stands)
        except Unconfirmed as failed:
            end, why = self._without_figures(failed)
        except IntegrityError as error:
            end, why = "integrity", str(error)
        if due.confirmed and not due.comparable:
            why = f"its night {due.vouched.night if due.vouched else ''} confirmed it under another lock; here: {why}"
        event: Event = {
            "event": "realised", **realised, "content": self.writer.content(due.content, None), "verdict": end,
            "why": why, "seconds": time.monotonic() - started,
        }  # fmt: skip
        if event["predicted"] is None:
            del event["predicted"]
        if found is not None and end != "integrity":
            event["figures"] = dict(found)
        promotes = {key: event[key] for key in ("commit", "blob", "night", "row")} | {"tag": due.tag}
        self.writer.append([event, *([{"event": "promoted", **promotes}] if end == PROMOTED else [])])
        return end, why

    def _without_figures(self, failed: Unconfirmed) -> tuple[str, str]:
        """A content that its night confirmed needs no figure, unless it is the file itself that fails."""
        if self.due.stands and failed.end != NOT_CONFIRMED:
            return PROMOTED, f"confirmed by its night; it was not measured again: {failed}"
        return failed.end, str(failed)

    def _figures(self) -> Mapping[str, Any]:
        due = self.due
        if due.target.evaluate.model:
            raise Unconfirmed("a model judges it, and a promotion asks none", "infra")
        source = CommitSource(self.repository, due.commit)
        checkout = view.build(source, due.target, self.scratch / "checkout", hidden=True)
        measurer = measure.measurer(due.target, checkout, self.scratch / "measurer", self.repository)
        schedule = Schedule(_seed(due), self.coin)
        bench = Bench(
            due.target, measurer, schedule, schedule.number("confirm", 0, 0), self.repository.blob_id,
            checkout.watch.check, lambda event: self.writer.append([event]), self.notes,
            due.vouched.seconds if due.vouched else 0.0,
        )  # fmt: skip
        try:
            found = measuring.figures(due, bench, lambda: self._look(checkout))
        finally:
            measurer.close()
        checkout.watch.check_in_full()
        return found

    def _look(self, checkout: View) -> None:
        """A look at held-out rows is counted unless its night has taken the very same one."""
        due = self.due
        if due.vouched and due.vouched.lock == checkout.lock.id:
            return
        made = prepared.digests(CommitSource(self.repository, due.commit), due.target)
        data = looks.identity({**checkout.lock.files, **made}, due.target)
        taken = looks.count(self.repository, data)
        if taken >= LOOKS:
            raise Unconfirmed(f"this holdout is spent: it has been looked at {taken} times, and bears {LOOKS}")
        self.writer.append([{"event": "look", "holdout": data, "split": "holdout", "head": due.blob}])


def _standing(place: Path, repository: Repository, due: Due) -> Segment | None:
    """What was measured of the same thing on this machine, finished or not."""
    path = place / f"{due.name}.jsonl"
    if not path.is_file():
        return None
    found = events.read(path)
    if not found.events or (found.bad and found.sealed):
        return None
    wanted = expected(repository, due).header
    same = found.header["previous"] == due.previous and all(found.header.get(k) == v for k, v in wanted.items())
    return found if same and found.header.get("machine") == machine(due.target) else None


def _is_note(event: Event) -> bool:
    return bool(event["event"] == "note" and event.get("about") == NOTE)


def _seed(due: Due) -> int:
    return int(hashlib.sha256(f"{due.commit}/{due.name}/{due.target.name}".encode()).hexdigest()[:8], 16)


__all__ = ["folder", "remeasure"]
