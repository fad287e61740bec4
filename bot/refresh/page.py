"""The report of a refresh, as Markdown, as a page and as JSON, and the manifest of what went into it."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

import harness
from bot import disclosure
from bot.pages.web import page
from bot.pages.wording.text import cell_code, code, percent, signed, value
from bot.refresh.comparison import Comparison, Gate
from bot.refresh.drift import Drift
from bot.refresh.inputs import Inputs
from harness.scorers.saas.scored import moves
from harness.target import Target

NO_ACCOUNTS = "The rows are private: single accounts only with `--into` and a folder outside the repository."


def files(
    verdict: str, inputs: Inputs, found: Comparison, gates: Sequence[Gate], drift: Sequence[Drift], *, per_account: bool
) -> dict[str, str]:
    """report.md, report.html, report.json, manifest.json. per_account: whether accounts.csv lies beside them."""
    text = "\n".join(_sections(verdict, inputs, found, gates, drift, per_account=per_account))
    figures = _figures(inputs.target, verdict, found, gates, drift)
    return {
        "report.md": text,
        "report.html": page(f"Refresh of {inputs.target.name}: {verdict}", text),
        "report.json": json.dumps(figures, indent=2),
        "manifest.json": json.dumps(_manifest(inputs), indent=2),
    }


def _sections(
    verdict: str, inputs: Inputs, found: Comparison, gates: Sequence[Gate], drift: Sequence[Drift], *, per_account: bool
) -> list[str]:
    then, now = inputs.periods["search"], inputs.periods["later"]
    name, interval, size = inputs.primary.name, found.interval, found.before.points.size
    lines = [
        f"""**{verdict}**. Nothing was changed or promoted; a human decides.

Candidate: the confirmed result of the night {code(inputs.night)}. Incumbent: the base of that night.

Searched on features of {then.features}, outcomes up to {then.outcomes}. Compared on {size:,} accounts of a later
period: features of {now.features}, outcomes up to {now.outcomes}.

| {name} | incumbent | candidate | gain |
|---|--:|--:|--:|
{_row("accounts of the search", *found.in_sample)}
{_row("**later accounts**", found.before.metrics[name], found.after.metrics[name])}

{percent(interval.confidence)} interval of the later gain: {signed(interval.low)} to {signed(interval.high)}.

## Gates

| gate | | figures |
|---|---|---|""",
        *[f"| {gate.name} | {'holds' if gate.holds else '**fails**'} | {gate.says} |" for gate in gates],
        "",
    ]
    return [
        *lines,
        *_tiers(found, per_account=per_account),
        *_segment_lines(found),
        *_weight_lines(inputs),
        *_drift_lines(drift),
    ]


def _row(what: str, before: float, after: float) -> str:
    return f"| {what} | {value(before)} | {value(after)} | {signed(after - before)} |"


def _tiers(found: Comparison, *, per_account: bool) -> list[str]:
    """Where accounts go: rows are the tier before, columns the tier after."""
    before, after = ([name for name, _at in one.spec.tiers] for one in (found.before, found.after))
    lines = ["## Who changes tier", "", f"{found.moved:,} of {found.before.points.size:,} accounts. Rows: before.", ""]
    lines += [f"| | {' | '.join(f'to {name}' for name in after)} |", f"|---|{'--:|' * len(after)}"]
    for name, row in zip(before, moves(found.before, found.after), strict=True):
        lines.append(f"| from {name} | {' | '.join(f'{count:,}' for count in row)} |")
    said = "Every account, with what each feature contributes to its change: `accounts.csv`."
    return [*lines, "", said if per_account else NO_ACCOUNTS, ""]


def _segment_lines(found: Comparison) -> list[str]:
    if not found.segments:
        return []
    lines = ["## Segments", "", "| segment | accounts | incumbent | candidate |", "|---|--:|--:|--:|"]
    for one in found.segments:
        values = [value(number) if number is not None else "not computed" for number in (one.before, one.after)]
        lines.append(f"| {cell_code(f'{one.segment}: {one.value}')} | {one.size:,} | {values[0]} | {values[1]} |")
    return [*lines, ""]


def _weight_lines(inputs: Inputs) -> list[str]:
    lines = ["## Weights", "", "| feature | incumbent | candidate |", "|---|--:|--:|"]
    pairs = zip(inputs.columns.features, inputs.incumbent.spec.weights, inputs.candidate.spec.weights, strict=True)
    for name, before, after in pairs:
        lines.append(f"| {cell_code(name)} | {before} | {f'**{after}**' if after != before else after} |")
    return [*lines, ""]


def _drift_lines(drift: Sequence[Drift]) -> list[str]:
    lines = [
        "## Drift of the features", "",
        "Population stability index over tenths of the earlier values: under 0.1 stable, from 0.25 on shifted.", "",
        "| feature | mean before | mean after | zeros before | zeros after | index | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]  # fmt: skip
    for one in drift:
        lines.append(
            f"| {cell_code(one.feature)} | {value(one.mean[0])} | {value(one.mean[1])} | {one.zeros[0]:.1%} "
            f"| {one.zeros[1]:.1%} | {one.index:.3f} | {one.reading} |"
        )
    return [*lines, ""]


def _figures(
    target: Target, verdict: str, found: Comparison, gates: Sequence[Gate], drift: Sequence[Drift]
) -> dict[str, Any]:
    interval = found.interval
    return {
        "verdict": verdict,
        "gates": [{"name": gate.name, "holds": gate.holds, "says": gate.says} for gate in gates],
        "gain": interval.gain, "low": interval.low, "high": interval.high, "confidence": interval.confidence,
        "in_sample": list(found.in_sample), "accounts": int(found.before.points.size), "moved": found.moved,
        "incumbent": disclosure.metrics(target, found.before), "candidate": disclosure.metrics(target, found.after),
        "segments": [vars(one) for one in found.segments],
        "drift": [{**vars(one), "reading": one.reading} for one in drift],
    }  # fmt: skip


def _manifest(inputs: Inputs) -> dict[str, Any]:
    return {
        "target": inputs.target.name, "night": inputs.night, "tables_sha256": dict(inputs.hashes),
        "periods": {
            split: {"features": str(period.features), "outcomes": str(period.outcomes)}
            for split, period in inputs.periods.items()
        },
        "harness": harness.__version__, "numpy": np.__version__, "python": platform.python_version(),
    }  # fmt: skip
