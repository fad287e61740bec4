"""What confirm and propose claim: it must fit the loop's events, and lead to no content that the loop did not find."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.admission import Admitted
from harness.decide import Keep, Measured, Pair, State, broken_guard, decide, step
from harness.documents import ParseProblem, leaves, parse
from harness.events import Event, Segment
from harness.handover.expected import Expected
from harness.handover.intervals import recompute_interval
from harness.handover.lasting import check_longer
from harness.handover.loop import Contradiction, Replay, check_metrics, content
from harness.handover.shapes import INTERRUPTED
from harness.holdout import AGREEMENT, LOOKS
from harness.intervals import CONFIDENCE
from harness.operations import Operations
from harness.rows import difference, hunks, line_counts
from harness.rule import declared, headline_gain

_OF_A_NIGHT = re.compile(r"autoresearch/[0-9]{4}-[0-9]{2}-[0-9]{2}(-[a-z0-9-]+)?")


def check_confirm(
    event: Event, segment: Segment, replay: Replay, on_the_way: Sequence[Event],
    numbers: Sequence[int] | None = None,
) -> tuple[bytes, ...]:  # fmt: skip
    """The contents of the rows of a confirm event that holds. on_the_way: what confirm wrote before it; numbers: the
    rows', where they are not counted from 1. Raises Contradiction."""
    end = segment.events[-1].get("end") if segment.sealed else INTERRUPTED
    if end not in {event["verdict"], INTERRUPTED}:
        raise Contradiction(f"its verdict is {event['verdict']}, and its segment ends {end}")
    found = check_rows(event, replay, numbers)
    if event["verdict"] == "confirmed":
        check_complete(event, replay, found)
        if replay.expected.judged:
            (recompute_interval if replay.expected.target.noise else check_exact)(event, replay, found, on_the_way)
            check_longer(event, replay)
    return found


def check_exact(event: Event, replay: Replay, rows: Sequence[bytes], on_the_way: Sequence[Event]) -> None:
    check_gain(event, replay, rows[-1])
    check_holdout(event, replay.expected, on_the_way)


def check_rows(event: Event, replay: Replay, numbers: Sequence[int] | None = None) -> tuple[bytes, ...]:
    """Rows stack up from the base; every content is the one that it names, admissible, and made of the loop's own."""
    expected, parent, found = replay.expected, replay.expected.base, []
    entries = event.get("rows", [])
    if len(entries) > max(expected.target.confirm.groups, 1):
        raise Contradiction(f"{len(entries)} rows, and at most {expected.target.confirm.groups} are asked for")
    due = range(1, len(entries) + 1) if numbers is None or not entries else numbers
    if len(due) != len(entries):
        raise Contradiction(f"{len(entries)} rows, and {len(due)} are left")
    for number, entry in zip(due, entries, strict=True):
        try:
            made = content(entry, parent, replay.packs)
            check_row(entry, number, parent, made, replay)
        except Contradiction as wrong:
            raise Contradiction(f"row {number}: {wrong}") from None
        found.append(made)
        parent = made
    return tuple(found)


def check_row(entry: Mapping[str, Any], number: int, parent: bytes, made: bytes, replay: Replay) -> None:
    expected = replay.expected
    if entry["number"] != number:
        raise Contradiction(f"it is numbered {entry['number']}")
    if expected.blob_id(made) != entry["blob"]:
        raise Contradiction("it is not the content that was confirmed")
    if not set(entry["experiments"]) <= {experiment for experiment, _ in replay.history}:
        raise Contradiction("it names experiments that were not kept")
    if entry["metrics"] or not expected.target.noise:
        check_metrics(replay, entry["metrics"])
    if tuple(entry["lines"]) != line_counts(parent, made):
        raise Contradiction("it counts other lines than it changes")
    if expected.judged:
        if entry["metrics"]:  # an unmeasured step on the way is only held to be the loop's own
            check_row_admission(made, expected)
        check_origin(made, replay)
        check_words(entry, parent, made, replay)


def check_row_admission(made: bytes, expected: Expected) -> None:
    judged = expected.admission.judge(made)
    if not isinstance(judged, Admitted):
        raise Contradiction(f"it is not admissible: {judged.why[:200]}")


def check_origin(made: bytes, replay: Replay) -> None:
    """Every part of it is the base's or the incumbent's."""
    if units_of(made, replay) is None:
        raise Contradiction("it holds what is neither the base's nor the incumbent's")


def check_words(entry: Mapping[str, Any], parent: bytes, made: bytes, replay: Replay) -> None:
    """What it says of itself is what it changes, and nothing besides."""
    before, after = units_of(parent, replay), units_of(made, replay)
    if before is None or after is None:
        return
    changes = replay.difference.changes()
    mine = [changes[unit] for unit in sorted(set(after) - set(before))]
    if set(before) - set(after) or not mine or not says(entry["change"], mine):
        raise Contradiction("it says another change than it makes")


def says(words: str, changes: Sequence[str]) -> bool:
    """Whether words are these changes in any order, cut at the length of a record."""
    if len("; ".join(changes)) > 500:
        return len(words) == 500 and any(words.startswith(change[:500]) for change in changes)
    left = words
    for change in sorted(changes, key=len, reverse=True):
        if change not in left:
            return False
        left = left.replace(change, "", 1)
    return left == "; " * (len(changes) - 1)


def units_of(made: bytes, replay: Replay) -> tuple[int, ...] | None:
    """Which units of the difference of base and incumbent give this content; None if none do."""
    diff, base, head = replay.difference, replay.expected.base, replay.state.content
    if made == base:
        return ()
    if made == head:
        return tuple(range(len(diff.changes())))
    if isinstance(diff, Operations):
        return diff.units_in(made)
    found = _leaf_units(made, base, head, replay.expected.target.file)
    if found is not None and diff.content(found) == made:
        return found
    return hunk_units(made, base, head, replay.expected.target.file)


def _leaf_units(made: bytes, base: bytes, head: bytes, name: str) -> tuple[int, ...] | None:
    try:
        units = sorted(difference(base, head, name, "leaf").touched(base, made))
        return tuple(units) if dict(leaves(parse(made, name).data)) else None
    except (ParseProblem, ValueError):
        return None


def hunk_units(made: bytes, base: bytes, head: bytes, name: str) -> tuple[int, ...] | None:
    """The hunks between base and head that a content has taken over, if it is nothing but a choice among them."""
    old, new, got = (text.splitlines(keepends=True) for text in (base, head, made))
    ways: dict[int, tuple[int, ...]] = {0: ()}  # how many lines of it are told so far, by which units
    end = 0
    for number, (i1, i2, j1, j2) in enumerate(hunks(old, new, name)):
        following: dict[int, tuple[int, ...]] = {}
        for at, units in ways.items():
            for part, taken in ((old[i1:i2], False), (new[j1:j2], True)):
                whole = [*old[end:i1], *part]
                if got[at : at + len(whole)] == whole:
                    following.setdefault(at + len(whole), (*units, number) if taken else units)
        ways, end = following, i2
    return next((units for at, units in ways.items() if got[at:] == old[end:]), None)


def check_complete(event: Event, replay: Replay, found: Sequence[bytes]) -> None:
    """A confirmation says what it confirmed: base, head, both measured, and rows that end at the head."""
    for key in ("base", "head", "claimed", "search"):
        if key not in event:
            raise Contradiction(f'it confirms without "{key}"')
    if event["base"] != replay.state.base_blob or event.get("incumbent", replay.state.blob) != replay.state.blob:
        raise Contradiction("it confirms against another base, or another result of the loop")
    if not found or replay.expected.blob_id(found[-1]) != event["head"]:
        raise Contradiction("its rows do not add up to the content that it confirms")
    if event["claimed"] != replay.state.metrics:
        raise Contradiction("it claims other numbers than the loop")
    if replay.expected.target.sample and "holdout" not in event:
        raise Contradiction("it confirms without held-out rows")


def check_gain(event: Event, replay: Replay, head: bytes) -> None:
    """The confirmed numbers are a keep by the target's own rule, and each row adds what it says."""
    rule, base, found = replay.expected.target.rule, event["search"]["base"], event["search"]["head"]
    check_metrics(replay, base)
    check_metrics(replay, found)
    anew = replay.expected.target.evaluate.model is not None  # a model's answers are no repetition
    same = anew or declared(base, rule) == declared(replay.state.base_metrics, rule)
    repeat = "varies" if anew else "identical"
    if event.get("repeat") != repeat or not same or event["rows"][-1]["metrics"] != found:
        raise Contradiction("its numbers are not those of the loop, nor of its own rows")
    complexity = getattr(replay.expected.admission.judge(head), "complexity", 0)
    pair = Pair(Measured(base, replay.state.base_complexity), Measured(found, complexity))
    if not isinstance(decide(step(State(base), pair), rule), Keep):
        raise Contradiction("its numbers are no gain over the base")
    before = base
    for entry in event["rows"]:
        loop = replay.measured.get(entry["blob"], entry["metrics"])
        if not anew and declared(loop, rule) != declared(entry["metrics"], rule):
            raise Contradiction(f"row {entry['number']}: the loop measured other numbers")
        if entry["adds"] != headline_gain(rule, before, entry["metrics"]):
            raise Contradiction(f"row {entry['number']}: it does not add what it says")
        before = entry["metrics"]


def check_holdout(event: Event, expected: Expected, on_the_way: Sequence[Event]) -> None:
    """The held-out interval lies above 0 and around its own gain, and the guards hold there too."""
    if "holdout" not in event:
        return
    found, primary = event["holdout"], expected.target.rule.primary
    if found["metric"] != primary.name or found["confidence"] < CONFIDENCE:
        raise Contradiction("its held-out interval is of another metric, or of less confidence")
    if primary.name not in found["base"] or primary.name not in found["head"]:
        raise Contradiction(f"the metric {primary.name} is missing on held-out rows")
    gain = primary.gain(found["base"][primary.name], found["head"][primary.name])
    if abs(gain - found["gain"]) > 2 * AGREEMENT or not found["low"] <= found["gain"] <= found["high"]:
        raise Contradiction("its held-out interval does not lie around the gain")
    if min(found["low"], found["lower"]) <= 0:
        raise Contradiction("its held-out gain is not above 0")
    if broken := broken_guard(found["base"], found["head"], expected.target.rule):
        raise Contradiction(f"a guard does not hold on held-out rows: {broken}")
    looked = any(e["event"] == "look" and e["head"] == event["head"] for e in on_the_way)
    if not looked or found["look"] > LOOKS:
        raise Contradiction("it looked at held-out rows without saying so, or more often than they bear")


def check_proposed(event: Event, night: str, confirm: Event | None, *, carried: bool = False) -> None:
    """Only what was confirmed is proposed: on the night's own branch, of one owner or of all. carried: whether the
    night started from an unreviewed one, whose branch it may renew."""
    if confirm is None or confirm["verdict"] != "confirmed":
        raise Contradiction("it is proposed, and was not confirmed")
    own = rf"autoresearch/{re.escape(night)}(-[a-z][a-z0-9-]*)?"
    if not re.fullmatch(own, event["branch"]) and not (carried and _OF_A_NIGHT.fullmatch(event["branch"])):
        raise Contradiction("it names another branch than the night's")
    if event["rows"] != [entry["blob"] for entry in confirm["rows"]]:
        raise Contradiction("it names other contents than were confirmed")
