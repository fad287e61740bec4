"""The hand-over: what one verb left for the next, treated as hostile until it holds. Bytes in, judgement out.

A night's folder may come from a machine that ran a proposer, or from one that was broken into. `receive` therefore
believes nothing in it: names, sizes, shapes, numbers, order, seals, contents and decisions are all held against the
plan and the base commit. What cannot be checked here is checked by measuring again, which is what confirm is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Never

from harness.errors import IntegrityError
from harness.events import Event, Segment, packed_contents, parse, verify_order
from harness.handover.claims import Claims
from harness.handover.expected import MOST_LINE, MOST_SEGMENTS, Expected, Received
from harness.handover.fights import check_calibration, recompute_duel, take_pair, take_try
from harness.handover.loop import Contradiction, Replay, check_decision
from harness.handover.screens import take_screen
from harness.handover.shapes import ENDS, INTERRUPTED, RANK, VERBS, problem, shown
from harness.standing import COMMANDS

_NAME = re.compile(r"(?P<night>.+)\.(?P<number>[1-9][0-9]{0,5})-(?P<verb>[a-z]+)")
_NOT_COMPARED = frozenset({
    "event", "format", "segment", "previous", "verb", "harness", "version", "machine", "at",
})  # fmt: skip
_CHAIN = len(',"chain":""}') + 64


class _Refusal(Exception):
    """part: the file, and the line where it is known; why in words."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"{part}: {why}")


def receive(files: Mapping[str, bytes], expected: Expected, verbs: Collection[str] = VERBS) -> Received:
    """A target's files (name -> content), if everything in them holds. verbs: whose segments the giver may hand over.

    The last segment may be open, and then end in a torn line. Raises IntegrityError, which names the part.
    """
    try:
        return _received(files, expected, verbs)
    except _Refusal as refusal:
        raise IntegrityError(
            f"{expected.target.name}: {refusal}",
            why="it was changed after it was written, or something else than this program wrote it",
            next_step="autoresearch night --new; what is refused stays where it is",
        ) from None


def _received(files: Mapping[str, bytes], expected: Expected, verbs: Collection[str]) -> Received:
    names = check_names(files, expected.night, verbs)
    check_sizes(files, expected)
    segments = [_parsed(name, files) for name in names]
    if segments and not segments[-1].events:
        segments.pop()  # begun, and not a line of it written yet
    check_chain(segments)
    for segment in segments:
        check_written(segment, files[f"{segment.name}.jsonl"])
        check_shapes(segment)
        check_header(segment, expected)
    check_ends(segments)
    packs = {
        key: content
        for segment in segments
        if (pack := files.get(f"{segment.name}.pack"))
        for key, content in packed_contents(segment, pack).items()
    }
    replay = Replay(expected, packs)
    rows = _replayed(segments, replay)
    return Received(tuple(segments), packs, dict(files), replay.state, tuple(replay.history), rows)


def check_names(files: Mapping[str, bytes], night: str, verbs: Collection[str]) -> list[str]:
    """The segments' names in order: <night>.<n>-<verb>, n from 1 without a gap, run before confirm before the rest."""
    found: list[tuple[int, str, str]] = []
    for name in files:
        stem, _, suffix = name.rpartition(".")
        parts = _NAME.fullmatch(stem)
        if not parts or parts["night"] != night or parts["verb"] not in VERBS or suffix not in {"jsonl", "pack"}:
            _refuse(shown(name), "not the name of a segment of this night")
        if suffix == "pack" and f"{stem}.jsonl" not in files:
            _refuse(name, "a pack without its segment")
        if parts["verb"] not in verbs:
            _refuse(name, f"a segment of {parts['verb']}, which whoever hands this over does not write")
        if suffix == "jsonl":
            found.append((int(parts["number"]), parts["verb"], stem))
    found.sort()
    if len(found) > MOST_SEGMENTS:
        _refuse(found[-1][2], f"more than {MOST_SEGMENTS:,} segments")
    for place, (number, verb, stem) in enumerate(found):
        if number != place + 1:
            _refuse(stem, f"segment {number} where {place + 1} was due: one is missing, or stands twice")
        if place and RANK[verb] < RANK[found[place - 1][1]]:
            _refuse(stem, f"a segment of {verb} after one of {found[place - 1][1]}")
    return [stem for _, _, stem in found]


def check_sizes(files: Mapping[str, bytes], expected: Expected) -> None:
    """Bytes, lines and the longest line, before anything is parsed."""
    segments = {name: data for name, data in files.items() if name.endswith(".jsonl")}
    packs = [name for name in files if name not in segments]
    if sum(map(len, segments.values())) > expected.most_segment_bytes:
        _refuse(max(segments, key=lambda name: len(segments[name])), "larger than the planned experiments can make it")
    if sum(len(files[name]) for name in packs) > expected.most_pack_bytes:
        _refuse(max(packs, key=lambda name: len(files[name])), "larger than the planned experiments can make it")
    if sum(data.count(b"\n") for data in segments.values()) > expected.most_events:
        _refuse(max(segments, key=lambda name: segments[name].count(b"\n")), "more events than were planned")
    for name, data in segments.items():
        if len(data) > MOST_LINE and max(map(len, data.split(b"\n"))) > MOST_LINE:
            _refuse(name, f"a line of more than {MOST_LINE:,} bytes")


def check_chain(segments: Sequence[Segment]) -> None:
    """Every byte is what was written, and the segments follow each other; only the last may be open."""
    whole = list(segments)
    if whole and not whole[-1].sealed and whole[-1].bad:
        whole.pop()  # a torn line at the open end; what stands before it is read
    bad = verify_order(whole)
    if bad:
        _refuse(f"{bad.segment}, line {bad.line}", bad.why)


def check_written(segment: Segment, data: bytes) -> None:
    """Every line is spelled as this program spells it: no key twice, no NaN, no number that a float cannot hold."""
    for number, (event, line) in enumerate(zip(segment.events, data.split(b"\n"), strict=False), start=1):
        try:
            spelled = json.dumps(event, separators=(",", ":"), allow_nan=False)[:-1].encode()
        except ValueError:
            spelled = b""
        if spelled != line[:-_CHAIN]:
            _refuse(f"{segment.name}, line {number}", "not as this program writes it")


def check_shapes(segment: Segment) -> None:
    verb = segment.name.rpartition("-")[2]
    for number, event in enumerate(segment.events, start=1):
        if wrong := problem(event, verb):
            _refuse(f"{segment.name}, line {number}", wrong)


def check_header(segment: Segment, expected: Expected) -> None:
    """It says what the plan and the base commit say, and nothing else."""
    header = segment.header
    if header["verb"] != segment.name.rpartition("-")[2]:
        _refuse(f"{segment.name}, line 1", "its header is of another verb")
    for key in sorted(expected.header.keys() | header.keys() - _NOT_COMPARED):
        if key in _NOT_COMPARED:
            continue
        if not _same(header.get(key), expected.header.get(key)):
            said, due = shown(header.get(key)), shown(expected.header.get(key))
            _refuse(f"{segment.name}, line 1", f"{shown(key)} is {said}, and the plan and the base commit say {due}")


def check_ends(segments: Sequence[Segment]) -> None:
    """Each verb ends once, for a reason of its own; whatever of it stands before was interrupted.

    What is proposed may be proposed again at another commit, and commands may follow each other.
    """
    for segment, after in zip_longest(segments, segments[1:]):
        if not segment.sealed:
            continue
        verb, end = segment.name.rpartition("-")[2], segment.events[-1]["end"]
        if end != INTERRUPTED and end not in ENDS[verb]:
            _refuse(segment.name, f"{shown(end)} is no end of {verb}")
        again = after and after.name.endswith(f"-{verb}") and verb not in {"propose", *COMMANDS}
        if after and again and end != INTERRUPTED:
            _refuse(after.name, f"{verb} had come to its end before")


def _parsed(name: str, files: Mapping[str, bytes]) -> Segment:
    return parse(name, files[f"{name}.jsonl"], files.get(f"{name}.pack", b""))


def _replayed(segments: Sequence[Segment], replay: Replay) -> tuple[bytes, ...]:
    """Takes every event in; the rows that stand."""
    claims = Claims(replay)
    for segment in segments:
        for number, event in enumerate(segment.events, start=1):
            try:
                if segment.header["verb"] != "run":
                    claims.take(event, segment, number)
                else:
                    _take(replay, event)
            except Contradiction as wrong:
                _refuse(f"{segment.name}, line {number}", str(wrong))
            except (ArithmeticError, ValueError, TypeError, AttributeError):
                # Bounded data can still be of no use: sums at the end of a float, a list where an object was due.
                _refuse(f"{segment.name}, line {number}", "its numbers cannot be compared")
    return claims.rows


def _take(replay: Replay, event: Event) -> None:
    """An event of the loop."""
    kind, noisy = event["event"], replay.expected.target.noise is not None
    if kind == "baseline":
        replay.baseline(event)
        if noisy:
            check_calibration(replay, event)
    elif kind == "try":
        take_try(replay, event)
    elif kind == "screen":
        take_screen(replay, event)
    elif kind == "pair":
        take_pair(replay, event)
    elif kind == "experiment":
        content = replay.experiment(event)
        if replay.expected.judged:
            (recompute_duel if noisy else check_decision)(replay, event, content)
    replay.apply(event)


def _same(one: object, other: object) -> bool:
    """Equal as JSON spells them: 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _refuse(part: str, why: str) -> Never:
    raise _Refusal(part, why)


__all__ = ["Expected", "Received", "receive"]
