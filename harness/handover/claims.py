"""What confirm, propose and the commands of humans say, one after another: what is confirmed, what is proposed, and
what was asked of it since."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness import standing
from harness.events import Event, Segment
from harness.handover.loop import Contradiction, Replay
from harness.handover.outcome import check_confirm, check_proposed
from harness.standing import COMMANDS, CONFIRMING, DROP, Confirmation


@dataclass(frozen=True)
class _Confirmed:
    """A confirm event that holds, and the contents of its rows."""

    event: Event
    rows: tuple[bytes, ...]


class Claims:
    """Takes the events of all segments but the loop's, in order. Raises Contradiction at the first that does not fit.

    rows: the contents that the confirmation which counts adds up to.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._standing: _Confirmed | None = None
        self._proposed: tuple[Event, _Confirmed] | None = None
        self._command: Event | None = None
        self._on_the_way: list[Event] = []
        self._repeats = 0

    @property
    def rows(self) -> tuple[bytes, ...]:
        return self._standing.rows if self._standing else ()

    def take(self, event: Event, segment: Segment, line: int) -> None:
        """line: of the event in its segment, from 1."""
        kind, verb = event["event"], segment.header["verb"]
        if verb in COMMANDS and (line == 2) != (kind == "command"):
            raise Contradiction("a command's segment says at once what was asked for, and says it once")
        if kind == "command":
            self._ask(event, verb)
        elif kind == "confirm":
            self._confirm(event, segment)
        elif kind == "proposed":
            self._propose(event)
        elif verb in CONFIRMING:
            self._on_the_way.append(event)

    def _ask(self, event: Event, verb: str) -> None:
        """A command is bound to what is proposed. One that was interrupted may go on: it is the same event again."""
        if event == self._command:
            return
        if self._proposed is None or event["head"] != self._proposed[0]["head"]:
            raise Contradiction("it asks for what is not proposed")
        numbers = [entry["number"] for entry in self._proposed[1].event["rows"]]
        dropped = event["rows"]
        if event["command"] != verb or bool(dropped) != (verb == DROP):
            raise Contradiction("it asks for something else than its segment does")
        if sorted(set(dropped)) != dropped or not set(dropped) < set(numbers):
            raise Contradiction("it drops rows that are not there, or all of them")
        self._command, self._on_the_way = event, []

    def _confirm(self, event: Event, segment: Segment) -> None:
        if segment.header["verb"] == "confirm":
            rows = check_confirm(event, segment, self._replay, self._on_the_way)
        else:
            rows = self._again(event, segment)
        if standing.counts(Confirmation(segment, event)):
            self._standing = _Confirmed(event, rows)

    def _again(self, event: Event, segment: Segment) -> tuple[bytes, ...]:
        """What a command measured: the rows that are left, and nothing else; on seeds that were drawn for it."""
        if self._command is None or self._proposed is None:
            raise Contradiction("it confirms again, and nobody asked for it")
        left = [e for e in self._proposed[1].event["rows"] if e["number"] not in self._command["rows"]]
        mine = copy.copy(self._replay)
        mine.expected = replace(self._replay.expected, coin=self._command["coin"], repeat=self._repeats + 1)
        rows = check_confirm(event, segment, mine, self._on_the_way, [entry["number"] for entry in left])
        check_same_rows(event.get("rows", []), left)
        self._repeats += standing.answers(event)
        return rows

    def _propose(self, event: Event) -> None:
        expected, confirmed = self._replay.expected, self._standing.event if self._standing else None
        check_proposed(event, expected.night, confirmed, carried=bool(expected.carried_blob))
        if self._standing:
            self._proposed, self._command = (event, self._standing), None


def check_same_rows(entries: Sequence[Event], left: Sequence[Event]) -> None:
    """A row keeps its number, its words and the experiments that it came from."""
    for entry, before in zip(entries, left, strict=False):
        if any(entry[key] != before[key] for key in ("number", "change", "experiments")):
            raise Contradiction(f"row {before['number']}: it is another one than was proposed")
