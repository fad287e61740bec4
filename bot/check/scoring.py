"""What columns.yaml and the ids of the accounts say of a scoring target, beside what its evaluator reports."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import view
from harness.documents import load_bytes
from harness.errors import AutoresearchError, InvalidCandidate
from harness.repository import WorkingSource
from harness.target import Target

if TYPE_CHECKING:
    from harness.scorers.saas.columns import Columns

COLUMNS_FILE = "columns.yaml"


@dataclass(frozen=True)
class Scoring:
    """absent: lines, each with measures or metrics that are not computed and why. Of another target all is empty."""

    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def look(
    source: WorkingSource, target: Target, folder: Path, metrics: Mapping[str, float], failed: Iterable[str]
) -> Scoring:
    """metrics: of the unchanged file on the search; failed: why the evaluator fails, if it does. folder: not there."""
    path = posixpath.join(target.folder, COLUMNS_FILE)
    if path not in target.locked:
        return Scoring()
    from bot.check import accounts
    from harness.scorers.saas import columns
    from harness.scorers.saas.spec import spec_of

    try:
        found = columns.parse(source.read([path])[path], path)
        spec = spec_of(load_bytes(source.read([target.file])[target.file], target.file), found.features)
        checkout = view.build(source, target, folder, hidden=True).cwd
    except (AutoresearchError, InvalidCandidate):
        return Scoring()  # the evaluator has failed on it, and says why
    tiers = [name for name, _at in spec.tiers]
    tables = {split: checkout / file for split, file in found.tables.items()}
    return Scoring(
        absent=tuple(_absent(target, found, tiers, metrics)),
        warnings=tuple(_warnings(target, tiers)),
        problems=(
            *_without_value(target, found, tiers, metrics, " ".join(failed)),
            *accounts.problems(tables, found.id),
        ),
    )


def _absent(target: Target, columns: Columns, tiers: list[str], metrics: Mapping[str, float]) -> Iterator[str]:
    """One line a reason."""
    from harness.scorers.saas import absence, measures

    reasons: dict[str, list[str]] = {}
    lacking = measures.absent(columns.outcomes)
    for name, why in lacking.items():
        reasons.setdefault(why, []).append(name)
    if set(metrics) - {metric.name for metric in target.rule.metrics}:  # else what is not declared may be withheld
        possible = [one.name for one in measures.PER_TIER if one.name not in lacking]
        for name in (f"{measure}.{tier}" for measure in possible for tier in tiers):
            if name not in metrics:
                reasons.setdefault(absence.accounts_lack(name), []).append(name)
    for why, names in reasons.items():
        yield f"{', '.join(names)}: {why}"


def _without_value(
    target: Target, columns: Columns, tiers: list[str], metrics: Mapping[str, float], failed: str
) -> Iterator[str]:
    """Why a declared metric cannot be, or was not, computed."""
    from harness.scorers.saas import absence

    for name in (metric.name for metric in target.rule.metrics):
        why = absence.impossible(name, columns, tiers)
        if why and name not in metrics:
            yield f"{name} is not computed: {why}"
        elif f"the metric {name} was not reported" in failed:
            yield f"{name} has no value: {absence.accounts_lack(name)}"


def _warnings(target: Target, tiers: list[str]) -> Iterator[str]:
    """Of a tier's metric as the goal while the tier may shrink."""
    measure, _dot, tier = target.rule.primary.name.partition(".")
    share = f"tier_share.{tier}"
    guarded = any(one.name == share and one.goal == "maximize" and one.guard for one in target.rule.metrics)
    if tier in tiers and measure != "tier_share" and not guarded:
        yield (
            f"{measure}.{tier} can be gained by a tier {tier} of a few accounts, and nothing guards its size; metrics: "
            f"{{name: {share}, goal: maximize, guard: {{tolerance: 10%}}}}"
        )
