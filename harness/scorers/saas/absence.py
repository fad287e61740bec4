"""Why a score has no such metric: because of columns.yaml and the spec, or because of the accounts themselves."""

from __future__ import annotations

from collections.abc import Sequence

from harness.complaints import nearest, show
from harness.scorers.saas.columns import Columns
from harness.scorers.saas.measures import BY_SEGMENT, NEEDS, PER_TIER, absent

_ENDS = ("worst", "gap")
_ACCOUNTS_LACK = {
    "auc_roc_retain": "all accounts are of one class",
    "auc_roc_churn": "all accounts are of one class",
    "revenue_capture_at_20": "no account has revenue at the start",
    "revenue_hhi": "no account has revenue at the start",
    "tier_separation": "the worst quarter of the accounts has a lifetime value of 0",
    "nrr": "no account of the tier has revenue at the start",
    "grr": "no account of the tier has revenue at the start",
    "expansion": "no account of the tier has revenue at the start",
    "contraction": "no account of the tier has revenue at the start",
    "arpa": "no account of the tier has revenue at the start",
    "quick_ratio": "no revenue of the tier was lost or shrank, so the number below the line is 0",
    "logo_retention": "the tier has no customer at the start",
    "winback": "no account of the tier churned",
    "activation": "no account is in the tier",
    "tier_share": "there are no accounts",
}


def impossible(metric: str, columns: Columns, tiers: Sequence[str]) -> str:
    """Why no table with these columns, and no spec with these tiers, has the metric; "" where one can."""
    measure, _dot, rest = metric.partition(".")
    if measure not in NEEDS:
        return f"{show(measure)} is no measure of a score{nearest(measure, NEEDS)}"
    if lacking := absent(columns.outcomes).get(measure):
        return lacking
    if measure in {one.name for one in PER_TIER}:
        return "" if rest in tiers else f"the tiers of the spec are {', '.join(tiers)}, such as {measure}.{tiers[0]}"
    return _of_segments(measure, rest, columns) if rest else ""


def _of_segments(measure: str, rest: str, columns: Columns) -> str:
    segment, _dot, end = rest.rpartition(".")
    if measure not in {one.name for one in BY_SEGMENT}:
        return f"{measure} is computed of the whole score alone"
    if segment not in columns.segments or end not in _ENDS:
        named = ", ".join(columns.segments) or "none"
        return f"it is no {measure}.SEGMENT.worst or .gap; the segments of columns.yaml are: {named}"
    return ""


def accounts_lack(metric: str) -> str:
    """What the accounts must be like where a metric that is possible has no value."""
    measure, _dot, rest = metric.partition(".")
    if rest.rpartition(".")[2] in _ENDS and measure in {one.name for one in BY_SEGMENT}:
        return "fewer than two values of the segment have one"
    return _ACCOUNTS_LACK[measure]
