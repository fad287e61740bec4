"""What each kind of event may hold: keys, types, sizes. By hand, since every line of every night passes here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import longer
from harness.events import Event
from harness.reports import CRASH_KINDS, LONGEST_NOTE, MOST_METRICS, MOST_NOTES, MOST_PARTS, NAME
from harness.standing import COMMANDS, DROP, RECHECK

Check = Callable[[Any], bool]

VERBS = ("run", "confirm", "propose", *COMMANDS)
RANK: Mapping[str, int] = {"run": 0, "confirm": 1, **dict.fromkeys(("propose", *COMMANDS), 2)}
"""No verb's segment stands before one of a lower rank."""
GATED = frozenset({"sleeping", "paused", "reviewers-behind", "minutes", "runner-absent", "preflight", "config"})
"""Ends of a loop that never began: nothing was spent."""
RUN_ENDS = GATED | frozenset({
    "experiments", "wall-clock", "money", "plateau", "exhausted", "interrupt", "underpowered", "integrity", "infra",
})  # fmt: skip
ENDS: Mapping[str, frozenset[str]] = {
    "run": RUN_ENDS,
    "confirm": frozenset({"confirmed", "not-confirmed", "underpowered", "integrity", "infra"}),
    "propose": frozenset({"confirmed"}),
    RECHECK: frozenset({"confirmed", "not-confirmed", "underpowered", "integrity", "infra"}),
    DROP: frozenset({"confirmed", "not-confirmed", "underpowered", "integrity", "infra", "needed"}),
}
INTERRUPTED = "interrupted"
REASONS: Mapping[str, frozenset[str]] = {
    "keep": frozenset({"better", "simpler"}),
    "discard": frozenset({
        "worse", "tie", "within-noise", "guard", "suspect", "screened", "unfinished", "duplicate", "invalid",
    }),
    "crash": frozenset(CRASH_KINDS),
}  # fmt: skip
MOST_TEXT = 2000
MOST_SECONDS = 1e9
MOST_USD = 1e6
MOST_REPAIRS = 2  # of a candidate that crashed
MOST_VALUES = 100_000  # in one event, nested ones included
MOST_DEPTH = 8
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_HEX_64_OR_NONE = re.compile(r"[0-9a-f]{64}|")
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CANON = re.compile(r"[0-9a-f]{16,64}")
_COIN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Shape:
    """key -> check of its value. more: whether other keys may hold any bounded data."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = field(default_factory=dict)
    more: bool = False

    def problem(self, event: Mapping[str, Any]) -> str:
        """What is wrong, in words; nothing if it fits."""
        for key, check in self.required.items():
            if key not in event:
                return f'the key "{key}" is missing'
            if not check(event[key]):
                return f'"{key}" holds {shown(event[key])}'
        for key in event.keys() - self.required.keys() - {"event"}:
            known = self.optional.get(key)
            if known is None and not self.more:
                return f"holds an unknown key: {shown(key)}"
            if not (known or bounded)(event[key]):
                return f"{shown(key)} holds {shown(event[key])}"
        return ""


def shown(value: Any) -> str:
    """A value from outside in a message: one short line of ASCII."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def text(most: int = MOST_TEXT) -> Check:
    def check(value: Any) -> bool:
        return isinstance(value, str) and len(value) <= most and (value.isascii() or _whole_characters(value))

    return check


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    def check(value: Any) -> bool:
        return finite(value) and low <= value <= high

    return check


def whole(low: int = 0, high: int = 2**53) -> Check:
    def check(value: Any) -> bool:
        return type(value) is int and low <= value <= high

    return check


def finite(value: Any) -> bool:
    """A number that a float holds, and that is one."""
    kind = type(value)
    return (kind is float and math.isfinite(value)) or (kind is int and abs(value) <= 2**53)


def one_of(*valid: str) -> Check:
    return lambda value: isinstance(value, str) and value in valid


def matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def numbers(most: int) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, dict) or len(value) > most:
            return False
        return all(NAME.fullmatch(name) and finite(inner) for name, inner in value.items())

    return check


def list_of(check: Check, most: int) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def bounded(value: Any) -> bool:
    """Any data of bounded size and depth: finite numbers, whole texts."""
    left = MOST_VALUES
    waiting = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > MOST_DEPTH:
            return False
        if isinstance(found, dict):
            if not all(map(_TEXT, found)):
                return False
            waiting += [(inner, depth + 1) for inner in found.values()]
        elif isinstance(found, list):
            waiting += [(inner, depth + 1) for inner in found]
        elif not (found is None or isinstance(found, bool) or _TEXT(found) or finite(found)):
            return False
    return True


def content(value: Any) -> bool:
    """How an event holds a content: exactly one of a text, a patch, a place in the pack."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, held),) = value.items()
    if kind == "text":
        return _INLINE(held)
    if kind == "patch":
        return isinstance(held, list) and len(held) == 3 and _COUNT(held[0]) and _COUNT(held[1]) and _INLINE(held[2])
    return kind == "pack" and _is_place(held)


def _is_place(held: Any) -> bool:
    """A place in the pack, and no other."""
    if not isinstance(held, dict) or held.keys() != {"at", "size", "sha256"}:
        return False
    return _COUNT(held["at"]) and _COUNT(held["size"]) and _HASH(held["sha256"])


def _whole_characters(value: str) -> bool:
    """No half of a character (a lone surrogate), which no file could hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_TEXT, _COUNT, _HASH = text(), whole(), matches(_HEX_64)
_INLINE = text(4096)
_METRICS, _PARTS = numbers(MOST_METRICS), numbers(MOST_PARTS)
_SECONDS, _COST, _ID = number(0, MOST_SECONDS), number(0, MOST_USD), whole(1)
_BLOB_ID, _CANON_ID = matches(_BLOB), matches(_CANON)
_IDS = list_of(_ID, 1_000_000)

_IDENTITY: dict[str, Check] = {
    "blob": _BLOB_ID, "canon": _CANON_ID, "complexity": whole(), "content": content,
}  # fmt: skip
_EVIDENCE: dict[str, Check] = {
    "pairs": whole(), "incumbent": _METRICS, "log_e": number(), "peak": number(), "threshold": number(0),
    "bound": number(),
}  # fmt: skip
_ROW = Shape(
    {
        "number": _ID, "change": text(500), "experiments": _IDS, "blob": _BLOB_ID, "content": content,
        "adds": number(), "metrics": _METRICS, "lines": lambda value: list_of(_COUNT, 2)(value) and len(value) == 2,
    },
    more=True,
)  # fmt: skip
_MODEL = Shape(
    {},
    {
        "model": text(200), "arm": text(100), "calls": whole(), "input": whole(), "output": whole(),
        "cache_read": whole(), "cache_write": whole(), "seconds": _SECONDS, "prompt": matches(_HEX_64_OR_NONE),
        "reply": matches(_HEX_64_OR_NONE),
    },
)  # fmt: skip
_ASKED: dict[str, Check] = {
    "model": lambda value: isinstance(value, dict) and not _MODEL.problem(value), "repairs": whole(1, MOST_REPAIRS),
}  # fmt: skip
_EVALUATION = Shape({
    "model": text(200), "calls": whole(), "cached": whole(), "input": whole(), "output": whole(),
    "cache_read": whole(), "cache_write": whole(), "cost_usd": _COST, "seconds": _SECONDS,
})  # fmt: skip
_JUDGED: dict[str, Check] = {
    "evaluation": lambda value: isinstance(value, dict) and not _EVALUATION.problem(value),
}
_SIDES = Shape({"base": _METRICS, "head": _METRICS}, more=True)
_NOTE = list_of(text(LONGEST_NOTE), MOST_NOTES)
_NOTES = Shape({"base": _NOTE, "head": _NOTE})
_HOLDOUT = Shape(
    {
        "metric": text(64), "base": _METRICS, "head": _METRICS, "gain": number(), "low": number(), "high": number(),
        "rows": whole(1), "confidence": number(0.5, 1), "lower": number(), "look": whole(1),
    },
    more=True,
)  # fmt: skip
_LONGER = Shape({
    "times": number(1), "reading": one_of(*longer.MEASURED), "gain": number(), "low": number(), "high": number(),
    "confidence": number(0.5, 1), "sd": number(0), "pairs": list_of(bounded, longer.MOST_PAIRS),
})  # fmt: skip
_NOT_LONGER = Shape({"times": number(1), "reading": one_of(longer.FAILS, longer.UNMEASURED), "why": text()})


def _is_longer(value: Any) -> bool:
    return isinstance(value, dict) and not all(shape.problem(value) for shape in (_LONGER, _NOT_LONGER))


KINDS: Mapping[str, Shape] = {
    "baseline": Shape(
        {**_IDENTITY, "metrics": _METRICS, "parts": _PARTS, "repeat": one_of("identical", "varies"),
         "seconds": _SECONDS, "elapsed": _SECONDS},
        {"pairs": whole(), "spread": number(0), "detectable": number(0), "cost_usd": _COST, **_JUDGED},
    ),
    "try": Shape(
        {"id": _ID, "blob": _BLOB_ID, "canon": _CANON_ID, "content": content, "parent": _BLOB_ID,
         "description": text(500), "cost_usd": _COST},
        {"complexity": whole(), **_ASKED},
    ),
    "pair": Shape({
        "id": whole(), "n": _ID, "seed": whole(), "order": one_of("ic", "ci"), "incumbent": _METRICS,
        "candidate": _METRICS, "void": text(), "crash": one_of("", *CRASH_KINDS), "why": text(),
        "seconds": _SECONDS, "elapsed": _SECONDS,
    }),
    "screen": Shape(
        {"id": _ID, "seed": whole(), "share": number(0, 1), "incumbent": _METRICS, "candidate": _METRICS,
         "void": text(), "crash": one_of("", *CRASH_KINDS), "why": text(), "seconds": _SECONDS, "elapsed": _SECONDS},
        {"bound": number()},
    ),
    "experiment": Shape(
        {"id": _ID, **_IDENTITY, "parent": _BLOB_ID, "description": text(500), "status": one_of(*REASONS),
         "reason": text(40), "why": text(), "metrics": _METRICS, "parts": _PARTS, "gain": number(), "cost_usd": _COST,
         "seconds": _SECONDS, "elapsed": _SECONDS},
        {**_EVIDENCE, **_ASKED, **_JUDGED, "batch": whole(2)},
    ),
    "ablate": Shape({}, more=True),
    "look": Shape({"holdout": _HASH, "split": text(40), "head": _BLOB_ID}),
    "confirm": Shape(
        {"verdict": one_of(*ENDS["confirm"], *ENDS[DROP]), "why": text(8000), "seconds": _SECONDS},
        {
            "head": _BLOB_ID, "base": _BLOB_ID, "incumbent": _BLOB_ID, "claimed": _METRICS, "repeat": text(40),
            "search": lambda value: isinstance(value, dict) and not _SIDES.problem(value),
            "holdout": lambda value: isinstance(value, dict) and not _HOLDOUT.problem(value),
            "rows": lambda value: isinstance(value, list) and all(map(_is_row, value)), "cost_usd": _COST, **_JUDGED,
            "notes": lambda value: isinstance(value, dict) and not _NOTES.problem(value),
            "longer": _is_longer,
        },
        more=True,
    ),
    "command": Shape({
        "command": one_of(*COMMANDS), "rows": list_of(_ID, 1000), "head": _BLOB_ID, "comment": whole(), "by": text(100),
        "coin": matches(_COIN),
    }),
    "proposed": Shape(
        {"branch": text(200), "head": _BLOB_ID, "rows": list_of(_BLOB_ID, 1000)},
        {"includes": text(200), "supersedes": text(200), "minutes_used": whole(), "minutes_reserved": whole(),
         "absent": list_of(list_of(text(8000), 3), 1000)},
    ),
    "note": Shape({}, more=True),
    "seal": Shape({"events": whole(), "end": text(40)}, {"why": text(8000)}),
}  # fmt: skip
"""Header apart, whose keys the plan and the base commit say."""

HEADER = Shape(
    {"format": lambda value: value == 1, "segment": text(200), "previous": _HASH, "verb": one_of(*VERBS),
     "harness": _HASH, "version": text(40), "machine": bounded, "at": whole()},
    more=True,
)  # fmt: skip

OF_VERB: Mapping[str, frozenset[str]] = {
    "run": frozenset({"baseline", "try", "screen", "pair", "experiment", "note", "seal"}),
    "confirm": frozenset({"confirm", "look", "ablate", "note", "seal"}),
    "propose": frozenset({"proposed", "note", "seal"}),
    **dict.fromkeys(COMMANDS, frozenset({"command", "confirm", "look", "ablate", "note", "seal"})),
}


def problem(event: Event, verb: str) -> str:
    """What is wrong with an event of a verb's segment, in words; nothing if it fits."""
    kind = event["event"]
    if kind == "header":
        return HEADER.problem(event)
    if kind not in OF_VERB[verb]:
        return f"{shown(kind)} is no event that {verb} writes"
    found = KINDS[kind].problem(event)
    if not found and kind == "experiment" and event["reason"] not in REASONS[event["status"]]:
        return f"a {event['status']} with the reason {shown(event['reason'])}"
    if not found and kind == "experiment" and ("bound" in event) != (event["reason"] == "screened"):
        return "an experiment that is screened without a bound, or bounded without being screened"
    return f"{kind}: {found}" if found else ""


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and not _ROW.problem(value)
