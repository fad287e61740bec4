"""A promotion that another job handed over, judged as data: what was measured of a merged content, and what follows.

Publishing holds a secret and measures nothing. It believes of a segment only what the repository says too (target,
commit, contents, what confirmed them), and makes the verdict again from the figures.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from harness import intervals
from harness.decide import Keep, Measured, Pair, State, broken_guard, decide, step
from harness.errors import IntegrityError
from harness.events import Event, Segment, packed_contents, parse
from harness.handover import shapes
from harness.handover.shapes import Shape, bounded, list_of, matches, number, numbers, one_of, shown, text, whole
from harness.holdout import AGREEMENT
from harness.intervals import Mean
from harness.reports import MOST_METRICS
from harness.rule import Metric, Rule, headline_gain, headline_name

VERB = "promote"
PROMOTED, NOT_CONFIRMED, UNDERPOWERED, INFRA, RESUMED = (
    "promoted", "not-confirmed", "underpowered", "infra", "resumed",
)  # fmt: skip
ENDS = (PROMOTED, NOT_CONFIRMED, UNDERPOWERED, INFRA, "integrity", RESUMED)
MOST_BYTES = 64 * 1024 * 1024
_CHAIN = len(',"chain":""}') + 64
_AT = re.compile(r"[0-9]{1,12}")
_METRICS = numbers(MOST_METRICS)
_NOT_COMPARED = frozenset({"event", "version", "machine", "at", "coin"})
_PAIR = Shape({"seed": whole(), "base": _METRICS, "head": _METRICS})
_HELD_OUT = Shape({"base": _METRICS, "head": _METRICS, "lower": number(), "rows": whole(1)})
_FIGURES = Shape(
    {
        "how": one_of("search", "held-out", "pairs"), "metric": text(80), "base": _METRICS, "head": _METRICS,
        "gain": number(), "low": number(), "high": number(), "confidence": number(0.5, 1),
    },
    {
        "pairs": list_of(lambda value: isinstance(value, dict) and not _PAIR.problem(value), 1000),
        "holdout": lambda value: isinstance(value, dict) and not _HELD_OUT.problem(value),
    },
)  # fmt: skip
_PREDICTED = Shape({"how": one_of("search", "held-out", "pairs"), "gain": number(), "low": number(), "high": number()})
_BLOB, _NIGHT = shapes.KINDS["look"].required["head"], text(64)
_KINDS: Mapping[str, Shape] = {
    "realised": Shape(
        {
            "kind": one_of("confirmed", "unconfirmed"), "commit": _BLOB, "before": _BLOB, "blob": _BLOB,
            "content": shapes.content, "night": _NIGHT, "row": whole(0, 1000), "comparable": bounded,
            "complexity": list_of(whole(), 2), "verdict": one_of(*ENDS), "why": text(8000),
            "seconds": number(0, shapes.MOST_SECONDS),
        },
        {
            "figures": lambda value: isinstance(value, dict) and not _FIGURES.problem(value),
            "predicted": lambda value: isinstance(value, dict) and not _PREDICTED.problem(value),
        },
    ),
    "promoted": Shape({"commit": _BLOB, "blob": _BLOB, "night": _NIGHT, "row": whole(0, 1000), "tag": text(200)}),
    "note": shapes.KINDS["note"],
    "look": shapes.KINDS["look"],
    "seal": shapes.KINDS["seal"],
}  # fmt: skip

Metrics = Mapping[str, float]
Verdict = tuple[str, str]  # end reason, and why in words


@dataclass(frozen=True)
class ExpectedPromotion:
    """What the repository says of a promotion. name: of its segment; header, realised: what these must say, key by key;
    how: the way in which it has to be measured; tag: what a promoted content is called; blob_id: git's id of a
    content."""

    name: str
    previous: str
    header: Mapping[str, Any]
    realised: Mapping[str, Any]
    how: str
    tag: str
    rule: Rule
    blob_id: Any


def receive_promotion(files: Mapping[str, bytes], expected: ExpectedPromotion) -> Segment:
    """The segment, if everything in it holds. files: name -> content. Raises IntegrityError, which names the part."""
    name = f"{expected.name}.jsonl"
    if name not in files or files.keys() - {name, f"{expected.name}.pack"}:
        _refuse(expected, f"its files are {', '.join(map(shown, sorted(files)))}, and {name} is due")
    if sum(map(len, files.values())) > MOST_BYTES:
        _refuse(expected, "larger than a promotion can make it")
    pack = files.get(f"{expected.name}.pack", b"")
    segment = parse(expected.name, files[name], pack)
    if segment.bad or not segment.sealed:
        _refuse(expected, str(segment.bad or "its seal is missing"))
    _check_written(segment, files[name], expected)
    _check_header(segment, expected)
    for line, event in enumerate(segment.events[1:], start=2):
        shape = _KINDS.get(event["event"])
        if wrong := shape.problem(event) if shape else "unknown":
            _refuse(expected, f"line {line}: {shown(event['event'])}: {wrong}")
    _check_events(segment, expected, packed_contents(segment, pack))
    return segment


def verdict(figures: Mapping[str, Any] | None, rule: Rule, complexity: Sequence[int], *, confirmed: bool) -> Verdict:
    """What follows from figures. confirmed: whether a night confirmed this very content under this very lock.

    What a night confirmed is promoted unless it is measurably worse than what it replaced. Anything else has to be
    confirmed by these figures, as a night would confirm it.
    """
    if figures is None:
        return (PROMOTED, "confirmed by its night") if confirmed else (NOT_CONFIRMED, "nothing could be measured")
    gain = f"{figures['metric']} {figures['gain']:+.6g}"
    if figures["high"] < 0:
        return NOT_CONFIRMED, f"measurably worse than what it replaced: {gain}"
    if confirmed:
        return PROMOTED, f"confirmed by its night; {gain} measured again"
    why = {"search": _exact_gain, "held-out": _held_out_gain, "pairs": _paired_gain}[figures["how"]](
        figures, rule, complexity
    )
    return (NOT_CONFIRMED, why) if why else (PROMOTED, f"{gain}, confirmed by this measurement")


def of_pairs(rule: Rule, pairs: Sequence[Mapping[str, Any]]) -> Mean:
    """The headline gain of pairs {base, head}."""
    return intervals.paired([headline_gain(rule, pair["base"], pair["head"]) for pair in pairs])


def _exact_gain(figures: Mapping[str, Any], rule: Rule, complexity: Sequence[int]) -> str:
    """Why it is no gain; nothing if it is one."""
    pair = Pair(Measured(figures["base"], complexity[0]), Measured(figures["head"], complexity[1]))
    decision = decide(step(State(figures["base"]), pair), rule)
    return "" if isinstance(decision, Keep) else f"no gain over what it replaced: {getattr(decision, 'why', '')}"


def _held_out_gain(figures: Mapping[str, Any], rule: Rule, complexity: Sequence[int]) -> str:
    held = figures["holdout"]
    if why := _exact_gain(figures, rule, complexity):
        return why
    if held["lower"] <= 0:
        return f"the gain does not hold on held-out rows: {figures['gain']:+.6g}"
    broken = broken_guard(held["base"], held["head"], rule)
    return f"a guard does not hold on held-out rows: {broken}" if broken else ""


def _paired_gain(figures: Mapping[str, Any], rule: Rule, _complexity: Sequence[int]) -> str:
    mean = of_pairs(rule, figures["pairs"])
    if mean.lower <= rule.headline_min_effect:
        return f"the bound of its gain is {mean.lower:+.4g}, and must lie above {rule.headline_min_effect:g}"
    for metric in rule.metrics:
        if why := _guard_in_doubt(metric, figures["pairs"], rule):
            return why
    return ""


def _guard_in_doubt(metric: Metric, pairs: Sequence[Mapping[str, Any]], rule: Rule) -> str:
    limits = [metric.guard] if metric.guard else []
    limits += [metric.tolerance] if rule.name == "every" and metric is not rule.primary else []
    gains = [metric.gain(pair["base"][metric.name], pair["head"][metric.name]) for pair in pairs]
    upper = -intervals.paired(gains).lower
    base = statistics.fmean(pair["base"][metric.name] for pair in pairs)
    for limit in limits:
        if upper > (allowed := metric.allowed(limit, base)):
            return f"{metric.name} may be worse by {upper:.4g}, and at most {allowed:.4g} is allowed"
    return ""


def _check_written(segment: Segment, data: bytes, expected: ExpectedPromotion) -> None:
    """Every line is spelled as this program spells it: no key twice, no number that a float cannot hold."""
    for place, (event, line) in enumerate(zip(segment.events, data.split(b"\n"), strict=False), start=1):
        try:
            spelled = json.dumps(event, separators=(",", ":"), allow_nan=False)[:-1].encode()
        except ValueError:
            spelled = b""
        if spelled != line[:-_CHAIN]:
            _refuse(expected, f"line {place}: not as this program writes it")


def _check_header(segment: Segment, expected: ExpectedPromotion) -> None:
    header = segment.header
    due = {"format": 1, "segment": expected.name, "previous": expected.previous, "verb": VERB, **expected.header}
    for key in sorted(due.keys() | header.keys() - _NOT_COMPARED):
        if key not in _NOT_COMPARED and not _same(header.get(key), due.get(key)):
            _refuse(expected, f"{shown(key)} is {shown(header.get(key))}, and {shown(due.get(key))} was due")
    if not matches(_AT)(str(header.get("at"))):
        _refuse(expected, f"its time is {shown(header.get('at'))}")


def _check_events(segment: Segment, expected: ExpectedPromotion, packs: Mapping[str, bytes]) -> None:
    found = [event for event in segment.events if event["event"] == "realised"]
    promoted = [event for event in segment.events if event["event"] == "promoted"]
    if len(found) != 1:
        _refuse(expected, f"{len(found)} measurements, and one was due")
    event, end = found[0], segment.events[-1]["end"]
    for key, due in expected.realised.items():
        if not _same(event.get(key), due):
            _refuse(expected, f"{key} is {shown(event.get(key))}, and {shown(due)} was due")
    held = event["content"]
    content = packs.get(held["pack"]["sha256"], b"") if "pack" in held else str(held.get("text", "")).encode()
    if "patch" in held or expected.blob_id(content) != event["blob"]:
        _refuse(expected, "its content is not the one that it names")
    _check_figures(event, expected)
    if end != event["verdict"] or (end == PROMOTED) != bool(promoted) or len(promoted) > 1:
        _refuse(expected, f"it ends {shown(end)}, and its verdict is {event['verdict']}")
    due = {key: event[key] for key in ("commit", "blob", "night", "row")} | {"tag": expected.tag}
    for one in promoted:
        if any(one[key] != value for key, value in due.items()):
            _refuse(expected, "it promotes something else than it measured")


def _check_figures(event: Event, expected: ExpectedPromotion) -> None:
    """The numbers fit each other and the rule, and the verdict is theirs."""
    figures, rule = event.get("figures"), expected.rule
    try:
        if figures is not None:
            _check_sums(figures, rule, expected)
        due, _why = verdict(
            figures, rule, event["complexity"], confirmed=event["kind"] == "confirmed" and event["comparable"]
        )
    except (ArithmeticError, KeyError, ValueError, TypeError):
        _refuse(expected, "its numbers cannot be compared")
    weaker = {UNDERPOWERED, INFRA, "integrity", NOT_CONFIRMED}
    if event["verdict"] != due and not (figures is None and event["verdict"] in weaker):
        _refuse(expected, f"its verdict is {event['verdict']}, and its figures say {due}")


def _check_sums(figures: Mapping[str, Any], rule: Rule, expected: ExpectedPromotion) -> None:
    names = {metric.name for metric in rule.metrics}
    if not names <= figures["base"].keys() & figures["head"].keys():
        _refuse(expected, "a metric is missing in its figures")
    if figures["how"] != expected.how:
        _refuse(expected, f"it was measured in the way {figures['how']}, and {expected.how} was due")
    if figures["metric"] != headline_name(rule):
        _refuse(expected, f"it says the gain of {shown(figures['metric'])}")
    if figures["how"] == "held-out":
        _check_held_out(figures, rule, expected)
        return
    if figures["how"] == "pairs":
        if len(figures["pairs"]) < intervals.LEAST_PAIRS:
            _refuse(expected, f"{len(figures['pairs'])} pairs, and {intervals.LEAST_PAIRS} are the least")
        mean = of_pairs(rule, figures["pairs"])
        due = (mean.gain, mean.low, mean.high, means(figures["pairs"], "base"), means(figures["pairs"], "head"))
    else:
        due = (*((headline_gain(rule, figures["base"], figures["head"]),) * 3), figures["base"], figures["head"])
    if tuple(figures[key] for key in ("gain", "low", "high", "base", "head")) != due:
        _refuse(expected, "its gain is not that of its own numbers")


def _check_held_out(figures: Mapping[str, Any], rule: Rule, expected: ExpectedPromotion) -> None:
    held, name = figures["holdout"], rule.primary.name
    gain = rule.primary.gain(held["base"][name], held["head"][name])
    if abs(gain - figures["gain"]) > 2 * AGREEMENT or not figures["low"] <= figures["gain"] <= figures["high"]:
        _refuse(expected, "its interval does not lie around its gain")
    if held["lower"] > figures["gain"]:
        _refuse(expected, "its bound lies above its gain")


def means(pairs: Sequence[Mapping[str, Any]], side: str) -> dict[str, float]:
    """Each metric's mean over one side of the pairs."""
    return {name: statistics.fmean(pair[side][name] for pair in pairs) for name in pairs[0][side]}


def _same(one: object, other: object) -> bool:
    """Equal as JSON spells them: 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _refuse(expected: ExpectedPromotion, why: str) -> Never:
    raise IntegrityError(
        f"{expected.header.get('target')}: {expected.name}: {why}",
        why="it was changed after it was written, or something else than this program wrote it",
        next_step="autoresearch promote measures again; nothing of this was recorded",
    )
