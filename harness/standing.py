"""What stands of a target's result once humans have asked for more: of several confirmations the one that counts.

After a result is proposed, `/recheck` measures it again, and `/drop` measures what is left without some rows. Each
leaves a segment of its own, and nothing recorded before it changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.events import Event, Segment

RECHECK, DROP = "recheck", "drop"
COMMANDS = (RECHECK, DROP)
CONFIRMING = ("confirm", *COMMANDS)  # the verbs that measure again from scratch
SAYS_NOTHING = frozenset({"infra", "underpowered"})  # of the result: it could not be measured


@dataclass(frozen=True)
class Confirmation:
    """A confirm event and the segment whose seal vouches for it."""

    segment: Segment
    event: Event


def confirmation(segments: Sequence[Segment]) -> Confirmation | None:
    """The one that counts. A recheck that could measure replaces what it checked; a drop replaces it if it confirms."""
    found = None
    for each in confirmations(segments):
        if counts(each):
            found = each
    return found


def confirmations(segments: Sequence[Segment]) -> Iterator[Confirmation]:
    """Every one, in order; the last may not be sealed yet."""
    for segment in segments:
        if segment.events and segment.header["verb"] in CONFIRMING:
            for event in segment.events:
                if event["event"] == "confirm":
                    yield Confirmation(segment, event)


def counts(found: Confirmation) -> bool:
    verb, verdict = found.segment.header["verb"], found.event["verdict"]
    return not (verb == DROP and verdict != "confirmed") and not (verb == RECHECK and verdict in SAYS_NOTHING)


def repeats(segments: Sequence[Segment]) -> list[Confirmation]:
    """The commands whose test came to an answer. Each was one more chance for luck, whichever rows were left."""
    commanded = (each for each in confirmations(segments) if each.segment.header["verb"] in COMMANDS)
    return [each for each in commanded if answers(each.event)]


def answers(event: Event) -> bool:
    """Whether a confirm event says of its result what a test found."""
    return "confirmed" in event or event["verdict"] in {"confirmed", "not-confirmed"}


def end(segments: Sequence[Segment]) -> str | None:
    """What confirm came to, as far as it came to an end, or None before it."""
    found = None
    for segment in segments:
        verb = segment.header["verb"]
        if verb in CONFIRMING and segment.sealed and (said := str(segment.events[-1]["end"])) != "interrupted":
            refused = (verb == DROP and said != "confirmed") or (verb == RECHECK and said in SAYS_NOTHING)
            found = found if refused else said
    return found


def proposed(segments: Sequence[Segment]) -> tuple[Event, Confirmation] | None:
    """The last `proposed` event and the confirmation whose rows it names; None where nothing is proposed."""
    found = None
    for number, segment in enumerate(segments):
        for event in segment.events:
            if event["event"] == "proposed" and (vouched := confirmation(segments[:number])):
                found = event, vouched
    return found


def struck(segments: Sequence[Segment]) -> dict[int, tuple[Event, Event]]:
    """Rows that a human took out: number -> the row as it was confirmed, and the command."""
    found: dict[int, tuple[Event, Event]] = {}
    rows: dict[int, Event] = {}
    for each in confirmations(segments):
        if not counts(each):
            continue
        left = {entry["number"]: entry for entry in each.event.get("rows", [])}
        if each.segment.header["verb"] == DROP:
            asked = command_of(each.segment) or {}
            found |= {number: (rows[number], asked) for number in asked.get("rows", []) if number in rows}
        rows = left or rows
    return found


def command_of(segment: Segment) -> Event | None:
    """What a human asked for, of a segment that answers a command."""
    return next((event for event in segment.events if event["event"] == "command"), None)
