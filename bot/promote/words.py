"""What merges really gained, in a reader's words: for a terminal, a summary and a night's report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.pages.wording import figures
from bot.pages.wording.gains import headline
from bot.promote import chain, folds
from bot.promote.folds import Realised
from harness.repository import Repository


def merged(merge: Realised) -> str:
    """auc +0.0100 on main (abc123), +0.0120 was confirmed: what a merge gained beside what its night said."""
    metric = headline(merge.rule)
    like = [merge.gain, merge.low, merge.high, *([merge.predicted] if merge.predicted is not None else [])]
    found = f"{metric.name} {figures.shown(merge, metric, merge.gain, like=like)} on main ({merge.commit[:12]})"
    if merge.low != merge.high:
        low, high = (figures.shown(merge, metric, gain, like=like) for gain in (merge.low, merge.high))
        found += f", interval {low} to {high}"
    if merge.predicted is None:
        return f"{found}; no night confirmed this content"
    said = f"{found}; {figures.shown(merge, metric, merge.predicted, like=like)} was confirmed"
    return said if merge.comparable else f"{said} under another lock, so the two are not compared"


def of_night(repository: Repository, target: str, night: str) -> Iterator[tuple[Realised, str]]:
    """What became of a night's result: each merge of it, with its line."""
    for merge in folds.merges(chain.read(repository, target).segments):
        if merge.night == night:
            yield merge, merged(merge)


def section(repository: Repository, targets: Sequence[str], night: str) -> str:
    """The end of a night's report: what main gained by it; nothing before a merge was measured."""
    lines = [f"- {name}: {line}" for name in targets for _merge, line in of_night(repository, name, night)]
    return "\n".join(["", "## After the merge", "", *lines, ""]) if lines else ""


def as_json(merge: Realised) -> dict[str, Any]:
    return {
        "night": merge.night, "row": merge.row, "commit": merge.commit, "gain": merge.gain, "low": merge.low,
        "high": merge.high, "predicted": merge.predicted, "comparable": merge.comparable, "promoted": merge.promoted,
    }  # fmt: skip
