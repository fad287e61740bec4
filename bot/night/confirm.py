"""`confirm`: measures the night's result again from scratch, in a process and a checkout that never saw the loop.

Only what confirm says is a headline number. It takes the lock from the base commit, scores base, head and every row on
the search split, and base and head on the holdout, which nothing has read before.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.night.folder import Night
from bot.night.run import header_fields
from harness import folds, holdout, measure, rows, view
from harness.decide import Measured, Pair, State, broken_guard, decide, headline_gain, headline_name, step
from harness.errors import IntegrityError
from harness.events import Event, Segment, SegmentWriter
from harness.folds import LoopState
from harness.holdout import Interval
from harness.measure import Ask, Measurer
from harness.reports import Measurement
from harness.repository import CommitSource
from harness.rows import Group
from harness.target import Target
from harness.view import View


def confirm(night: Night, target: Target) -> str:
    """Confirms one target's result. Returns the end reason: confirmed, not-confirmed or integrity."""
    segments = night.healed(target.name)
    ended = folds.confirm_end(segments)
    if ended:
        return ended
    scratch = night.scratch(target.name, "confirm")
    checkout = view.build(CommitSource(night.repository, night.plan.base), target, scratch / "checkout", hidden=True)
    plan = night.target_plan(target.name)
    writer = night.begin(target.name, "confirm", segments, header_fields(night, target, plan, checkout.lock.harness))
    state = folds.loop_state(segments, night.packs(target.name))
    measurer = measure.measurer(target, checkout, scratch, night.repository)
    try:
        end, why = _Confirmation(night, target, segments, state, checkout, measurer, writer).run()
    finally:
        measurer.close()
        view.remove(scratch)
    writer.seal(end, why=why)
    return end


class _NotConfirmed(Exception):
    """A gate that does not open; the reason is for the page."""


@dataclass(frozen=True)
class _Row:
    group: Group
    content: bytes
    metrics: Mapping[str, float]


class _Confirmation:
    def __init__(
        self, night: Night, target: Target, segments: Sequence[Segment], state: LoopState,
        checkout: View, measurer: Measurer, writer: SegmentWriter,
    ) -> None:  # fmt: skip
        self.night, self.target, self.segments, self.state = night, target, segments, state
        self.checkout, self.measurer, self.writer = checkout, measurer, writer
        self.seed = night.target_plan(target.name).seed
        self.deadline = time.monotonic() + target.confirm.budget
        self.event: Event = {"event": "confirm"}

    def run(self) -> tuple[str, str]:
        """The end reason and why; the event is written either way, with whatever was measured by then."""
        started = time.monotonic()
        try:
            end, why = "confirmed", self._gates()
        except _NotConfirmed as failed:
            end, why = "not-confirmed", str(failed)
        except IntegrityError as error:
            end, why = "integrity", str(error)
        self.event |= {"verdict": end, "why": why, "seconds": time.monotonic() - started}
        self.writer.append([self.event])
        return end, why

    def _gates(self) -> str:
        recorded = self.segments[0].header["lock"]
        if recorded != self.checkout.lock.id:
            raise IntegrityError(
                f"the night ran under lock {recorded[:12]}, the base commit has {self.checkout.lock.id[:12]}"
            )
        ended = folds.run_end(self.segments)
        if ended in {None, "integrity", "infra"}:
            raise IntegrityError(f"the loop ended for {ended or 'no reason at all'}; its keeps cannot be trusted")
        if self.state.kept == 0:
            raise _NotConfirmed("nothing was kept, so there is nothing to confirm")
        base, head = self._search()
        self._holdout()
        self._rows(base, head)
        self.checkout.watch.check_in_full()
        gain = headline_gain(self.target.rule, base.metrics, head.metrics)
        return f"{headline_name(self.target.rule)} improves by {gain:.6g} on the search split"

    def _search(self) -> tuple[Measurement, Measurement]:
        """Base and head once more, and the claim held against them."""
        base, head = self._measure([self.checkout.base, self.state.content], "search")
        self.event |= {
            "head": self.state.blob, "base": self.state.base_blob, "claimed": self.state.metrics,
            "search": {"base": base.metrics, "head": head.metrics},
            "repeat": "identical" if dict(head.metrics) == dict(self.state.metrics) else "different",
        }  # fmt: skip
        if self.event["repeat"] == "different":
            raise _NotConfirmed("a clean run gives the kept file other numbers than the loop claimed")
        self._guards("search", base, head)
        pair = Pair(Measured(base.metrics, self.state.base_complexity), Measured(head.metrics, self.state.complexity))
        decision = decide(step(State(base.metrics), pair), self.target.rule)
        if getattr(decision, "reason", "") not in {"better", "simpler"}:
            raise _NotConfirmed(f"against the night's base the result is no gain: {getattr(decision, 'why', '')}")
        return base, head

    def _holdout(self) -> None:
        """The one look at the held-out rows: the interval of the paired gain must lie above 0."""
        if not self.target.sample:
            return
        contents = [self.checkout.base, self.state.content]
        base, head, *again = self._measure([*contents, *contents], "holdout")
        if [dict(m.metrics) for m in again] != [dict(base.metrics), dict(head.metrics)]:
            raise _NotConfirmed("the same file got two scores on the holdout split: the evaluator is not deterministic")
        primary = self.target.rule.primary
        interval = self._interval(base, head)
        self.event["holdout"] = {
            "metric": primary.name, "base": base.metrics, "head": head.metrics, **asdict(interval),
        }  # fmt: skip
        self._guards("holdout", base, head)
        if interval.low <= 0:
            raise _NotConfirmed(
                f"the gain does not hold on held-out rows: {interval.gain:+.6g}, "
                f"{interval.confidence:.0%} interval {interval.low:+.6g} to {interval.high:+.6g}"
            )

    def _interval(self, base: Measurement, head: Measurement) -> Interval:
        primary = self.target.rule.primary
        if primary.name not in base.rows or primary.name not in head.rows:
            raise _NotConfirmed(f"the evaluator reports no rows for {primary.name} on the holdout split")
        if any(
            holdout.disagreement(m.rows[primary.name], m.metrics[primary.name]) > holdout.AGREEMENT
            for m in (base, head)
        ):
            raise _NotConfirmed(f"the rows that the evaluator reports for {primary.name} do not average to its value")
        try:
            return holdout.paired_interval(base.rows[primary.name], head.rows[primary.name], primary.goal)
        except ValueError as error:
            raise _NotConfirmed(str(error)) from None

    def _guards(self, split: str, base: Measurement, head: Measurement) -> None:
        broken = broken_guard(base.metrics, head.metrics, self.target.rule)
        if broken:
            raise _NotConfirmed(f"a guard does not hold on the {split} split: {broken}")

    def _rows(self, base: Measurement, head: Measurement) -> None:
        """The final diff as rows, largest effect first, each measured on top of the ones before it."""
        history = self._history()
        diff = rows.difference(self.checkout.base, self.state.content, self.target.file, self.target.confirm.unit)
        found = rows.groups(diff, history, self.checkout.base, self.target.confirm.groups)
        stacked = self._stack(found, diff, base, head)
        events, before, metrics = [], self.checkout.base, base.metrics
        for number, row in enumerate(stacked, start=1):
            added, removed = rows.line_counts(before, row.content)
            events.append({
                "number": number, "change": row.group.change[:500], "experiments": row.group.experiments,
                "blob": self.night.repository.blob_id(row.content), "content": self.writer.content(row.content, before),
                "adds": headline_gain(self.target.rule, metrics, row.metrics), "metrics": row.metrics,
                "lines": [added, removed],
            })  # fmt: skip
            before, metrics = row.content, row.metrics
        self.event["rows"] = events

    def _stack(self, found: list[Group], diff: rows.Diff, base: Measurement, head: Measurement) -> list[_Row]:
        """Rows on top of each other: each time the one that adds most, or the next by path where that costs too much.

        Rows that cannot stand without each other (every choice crashes) become one, and so does what is left when the
        confirm budget is spent: the last content is the head, which is measured already.
        """
        left = list(found)
        stacked: list[_Row] = []
        units: tuple[int, ...] = ()
        greedy = self._affords(len(left) * (len(left) + 1) // 2, base.seconds)
        while left:
            if time.monotonic() > self.deadline:
                whole = functools.reduce(rows.join, left)
                return [*stacked, _Row(whole, self.state.content, head.metrics)]
            choices = left if greedy else left[:1]
            contents = [diff.content((*units, *group.units)) for group in choices]
            measured = self._measure(contents, "search", crash_allowed=len(left) > 1)
            sound = [index for index, measurement in enumerate(measured) if not measurement.crash]
            if not sound:
                left[:2] = [rows.join(left[0], left[1])]
                continue
            best = max(sound, key=lambda i: headline_gain(self.target.rule, base.metrics, measured[i].metrics))
            stacked.append(_Row(left[best], contents[best], measured[best].metrics))
            units = (*units, *left.pop(best).units)
        return stacked

    def _affords(self, measurements: int, seconds: float) -> bool:
        """Whether so many more fit into half of what is left of the confirm budget."""
        return measurements * seconds < (self.deadline - time.monotonic()) / 2

    def _history(self) -> list[tuple[int, bytes]]:
        packs = self.night.packs(self.target.name)
        replay, found = LoopState(), []
        for event in folds.all_events(self.segments):
            replay.apply(event, packs)
            if event["event"] == "experiment" and event["status"] == "keep":
                found.append((event["id"], replay.content))
        return found

    def _measure(self, contents: list[bytes], split: str, *, crash_allowed: bool = False) -> list[Measurement]:
        found = []
        for content in contents:
            if time.monotonic() > self.deadline:
                raise _NotConfirmed(f"the confirm budget of {self.target.confirm.budget:g} s was spent")
            measured = self.measurer.measure([content], Ask(split=split, seed=self.seed))[0]
            if measured.crash and not crash_allowed:
                raise _NotConfirmed(
                    f"the evaluator fails on the {split} split ({measured.crash}): {measured.why[:300]}"
                )
            found.append(measured)
            self.checkout.watch.check()
        return found


def outcome(segments: Sequence[Segment]) -> dict[str, Any] | None:
    """The confirm event of a night, if there is one."""
    found = folds.of_kind(segments, "confirm")
    return found[-1] if found else None
