"""What an evaluator reported, held to its schema. Anything else is a crash with a kind and a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.rule import Metric
from harness.screening import falls_short

CRASH_KINDS = ("exit", "signal", "timeout", "nan", "missing", "malformed", "twice", "flood", "refused")
CUT = "cut"  # no crash: the night ended, and nothing is known of what was being measured
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,63}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?i:nan|inf|infinity)")
_KEYS = {"metrics", "parts", "rows", "notes"}
_LARGEST = 1e150  # sums and squares of anything below it are finite too
MOST_METRICS, MOST_PARTS, MOST_STRATA = 200, 1000, 16
MOST_NOTES, LONGEST_NOTE = 20, 200


@dataclass(frozen=True)
class Measurement:
    """metrics is empty exactly if it crashed or was screened; crash is one of CRASH_KINDS or CUT, why its detail.
    seconds: of the wall clock. bound: of the primary metric, where that alone ruled the candidate out. notes: what the
    scores say nothing of, as `notes_of` keeps it."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    crash: str = ""
    why: str = ""
    seconds: float = 0.0
    bound: float | None = None
    notes: tuple[str, ...] = ()


class BadReport(Exception):
    """A report that is no score: the crash kind and why."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind, self.why = kind, why


def check_scores(message: Any, names: Sequence[str]) -> Measurement:
    """A message as a measurement, held to report.schema.json by hand: it is on the hot path. Raises BadReport."""
    if not isinstance(message, dict) or "metrics" not in message or set(message) - _KEYS:
        raise BadReport("malformed", "a report is an object with metrics, and perhaps parts, rows and notes")
    metrics = _numbers(message["metrics"], "metrics", MOST_METRICS)
    if not metrics:
        raise BadReport("malformed", "metrics is empty")
    parts = _numbers(message.get("parts", {}), "parts", MOST_PARTS)
    for name in names:
        if name not in metrics:
            raise BadReport("missing", f"the metric {name} was not reported")
    return Measurement(metrics, parts, _rows(message.get("rows", {})), notes=notes_of(message.get("notes", [])))


def check_screened(message: Any, primary: Metric, bar: float | None) -> Measurement:
    """What stands under "screened" in a result, as a measurement. bar: None where none was sent. Raises BadReport."""
    if not isinstance(message, dict) or set(message) != {"metric", "bound"}:
        raise BadReport("malformed", "screened is an object of metric and bound")
    bound = message["bound"]
    if bar is None:
        raise BadReport("malformed", "it is screened, and the request had no bar: it was to be measured")
    if message["metric"] != primary.name:
        raise BadReport("malformed", f"screened: the metric is not the primary one, {primary.name}")
    if not _finite(bound):
        raise BadReport("malformed", "screened: the bound is no finite number")
    if not falls_short(primary, bound, bar):
        raise BadReport("malformed", f"screened: a bound of {bound!r} does not rule out what must reach {bar!r}")
    return Measurement(bound=float(bound))


def _numbers(found: Any, what: str, most: int) -> dict[str, float]:
    if not isinstance(found, dict) or len(found) > most:
        raise BadReport("malformed", f"{what} must be an object of at most {most} numbers")
    for name, value in found.items():
        if not NAME.fullmatch(name):
            raise BadReport("malformed", f"{what}: a name is a letter, then letters, digits and _ . @ -")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadReport("malformed", f"{what}: {name} is no number")
        if not _finite(value):
            raise BadReport("nan", f"{what}: {name} is not finite")
    return {name: float(value) for name, value in found.items()}


def _rows(found: Any) -> dict[str, list[list[float]]]:
    if not isinstance(found, dict):
        raise BadReport("malformed", "rows must be an object")
    for name, strata in found.items():
        if not NAME.fullmatch(name) or not isinstance(strata, list) or not 1 <= len(strata) <= MOST_STRATA:
            raise BadReport("malformed", "rows: name -> a list of 1 to 16 strata")
        for stratum in strata:
            if not isinstance(stratum, list) or len(stratum) < 2 or not all(map(_finite, stratum)):
                raise BadReport("malformed", f"rows: a stratum of {name} is not a list of at least 2 finite numbers")
    return found


def notes_of(found: Any) -> tuple[str, ...]:
    """Notes fit for an event and a page: what commands a terminal escaped, long ones cut, more than 20 counted. An
    evaluator may quote its candidate in them. Raises BadReport for what is no list of texts."""
    if not isinstance(found, list) or not all(isinstance(note, str) for note in found):
        raise BadReport("malformed", "notes must be a list of texts")
    kept = [_note(note) for note in found[:MOST_NOTES]]
    if len(found) > MOST_NOTES:
        kept[-1] = f"and {len(found) - MOST_NOTES + 1:,} more"
    return tuple(kept)


def _note(text: str) -> str:
    plain = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[: LONGEST_NOTE + 1]
    )
    return plain if len(plain) <= LONGEST_NOTE else f"{plain[: LONGEST_NOTE - 3]}..."


def _finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -_LARGEST <= value <= _LARGEST


def parse_json(text: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise BadReport("nan", f"{constant} is no number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise BadReport("twice", "a name stands twice in one object")
        return found

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise BadReport("malformed", "what was reported is no JSON") from None


def closing_block(stdout: str) -> dict[str, float]:
    """The `name: number` lines after the last `---` line of standard output."""
    lines = stdout.rstrip().splitlines()
    start = max((index for index, line in enumerate(lines) if line.strip() == "---"), default=None)
    if start is None or start == len(lines) - 1:
        raise BadReport(
            "missing", "nothing was reported, and standard output ends in no --- block of name: number lines"
        )
    found: dict[str, float] = {}
    for line in lines[start + 1 :]:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _NUMBER.fullmatch(value):
            raise BadReport("malformed", f"not a name: number line: {line[:80]}")
        if name in found:
            raise BadReport("twice", f"the closing block: {line[:80]}")
        found[name] = float(value)
    return found
