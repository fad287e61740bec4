"""An invented night on a container: ten metrics that must all hold, rows of operations, what was not judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import events, folds
from harness.events import Segment, SegmentWriter
from harness.rule import Metric, Rule, Tolerance
from tests.invented import NIGHT

NINE = (
    "tag_coverage", "parameter_completeness", "deduplication", "consent", "naming", "variable_hygiene",
    "trigger_quality", "folders", "ads_alignment",
)  # fmt: skip
BASE = dict(zip(NINE, (0.39, 0.89, 0.85, 0.33, 0.52, 0.54, 0.891, 0.39, 0.0), strict=True))
HEAD = BASE | {"consent": 0.97, "naming": 0.93, "tag_coverage": 0.75, "trigger_quality": 0.884}
STEPS = (("consent", 0.094), ("tag_coverage", 0.071), ("naming", 0.029))
CHANGES = (
    '17 tags ("Meta - Purchase", "TikTok" and 15 more): consent types ad_storage; tag "X": consent types ad_storage',
    'tag "GA4 - purchase": + parameter currency, - firing trigger "All Pages", + firing trigger "CE - purchase"; '
    + "; ".join(f'tag "GA4 - event number {n}": + parameter eventSettingsTable' for n in range(1, 9)),
    '57 tags ("GA4 - Konfiguration", "GA4 - view_item" and 55 more): renamed',
)
NOTES = ("ads alignment is left out: no snapshot of ads was given", "tag Partner order: nobody knows to whom it sends")
RULE = Rule(
    "every",
    (
        Metric("total", "maximize", min_effect=0.0005),
        *(Metric(name, "maximize", tolerance=Tolerance(0.01)) for name in NINE),
        Metric("audit_findings", "minimize", guard=Tolerance(0.0)),
    ),
)


def container_night(
    folder: Path, name: str = "gtm-shop", *, changes: tuple[str, ...] = CHANGES, notes: tuple[str, ...] = NOTES,
    private: bool = False,
) -> list[Segment]:  # fmt: skip
    """Three operations are kept, one row each; ads alignment has nothing to judge, trigger quality falls a little."""
    header = {
        "target": name, "night": NIGHT, "base": "4d2e" * 10, "file": "container.json", "lock": "9f31" * 16,
        "harness": "c07d" * 16, "signal": "file-property", "sample": False, "unit": "operation", "owner": None,
        "proposer": "repair", "seed": 1, "usd": 0.0, "planned": 60, "noise": None, **folds.rule_fields(RULE),
        **({"private": True} if private else {}),
    }  # fmt: skip
    writer = SegmentWriter(folder / name, f"{NIGHT}.1-run", events.GENESIS, {"verb": "run", **header})
    judged = {key: BASE[key] for key in NINE if key != "ads_alignment"}
    start, text = {"total": 0.541, **BASE, "audit_findings": 31.0}, b'{"a": 0}'
    writer.append([{
        "event": "baseline", "blob": "b" * 40, "canon": "base", "complexity": 3, "metrics": start, "parts": judged,
        "content": writer.content(text, None), "repeat": "identical", "elapsed": 0.5, "seconds": 0.1,
    }])  # fmt: skip
    now, rows = dict(start), list[dict[str, Any]]()
    for number, ((metric, gain), change) in enumerate(zip(STEPS, changes, strict=True), start=1):
        now = {**now, metric: HEAD[metric], "total": now["total"] + gain, "audit_findings": now["audit_findings"] - 6}
        now |= {"trigger_quality": HEAD["trigger_quality"]}
        before, text = text, b'{"a": %d}' % number
        content = writer.content(text, before)
        writer.append([{
            "event": "experiment", "id": number, "blob": f"{number:040x}", "canon": str(number), "parent": "b" * 40,
            "complexity": 3, "content": content, "description": change[:200], "status": "keep", "reason": "better",
            "why": "", "metrics": now, "parts": judged, "gain": gain, "cost_usd": 0.0, "seconds": 0.1,
            "elapsed": 0.5 + number,
        }])  # fmt: skip
        rows.append({
            "number": number, "change": change[:500], "adds": gain, "experiments": [number], "blob": f"{number:040x}",
            "content": content, "metrics": now, "lines": [4 * number, 2],
        })  # fmt: skip
    writer.seal("exhausted")
    first = events.read(folder / name / f"{NIGHT}.1-run.jsonl")
    confirm: dict[str, Any] = {
        "event": "confirm", "head": f"{3:040x}", "base": "b" * 40, "claimed": now,
        "search": {"base": start, "head": now},
        "claimed_gain": sum(gain for _, gain in STEPS), "repeat": "identical", "verdict": "confirmed", "why": "",
        "seconds": 1.5, "rows": rows,
        "ablation": {
            "how": "leave-one-out", "rounds": 1, "measured": 4, "says": "4 parts left out one by one, 2 rounds",
            "removed": [{"change": changes[0][:500], "experiments": [2], "gain": 0.0, "low": 0.0, "why": "unproven"}],
        },
        **({"notes": {"base": [*notes, "a note that is gone"], "head": [*notes]}} if notes else {}),
    }  # fmt: skip
    writer = SegmentWriter(folder / name, f"{NIGHT}.2-confirm", first.chain, {"verb": "confirm", **header})
    writer.append([confirm])
    writer.seal("confirmed", why="")
    return [first, events.read(folder / name / f"{NIGHT}.2-confirm.jsonl")]
