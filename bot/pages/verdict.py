"""What a reader is told to do, from the reports and the facts: one verdict for the page, the check and the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.pages.facts import Facts, MovedHow
from bot.pages.summary import TargetReport
from bot.pages.target import lasting
from bot.pages.wording.text import code

Advice = Literal["merge", "recheck", "do-not-merge", "nothing"]

_MOVED: Mapping[MovedHow, str] = {
    "conflict": "it changed a file that this pull request changes",
    "lock": "it changed what computes a score",
}


@dataclass(frozen=True)
class Verdict:
    """advice: what to do; says: the same as the page's first words; because: why it is not plainly `merge`, or what to
    look at before, in Markdown; strong: whether the evidence of every confirmed target is."""

    advice: Advice
    says: str
    because: tuple[str, ...]
    strong: bool


def verdict(reports: Sequence[TargetReport], facts: Facts) -> Verdict:
    """Of all targets of one pull request."""
    confirmed = [report for report in reports if report.confirmed]
    weak = tuple(f"{report.name}: {why}" for report in confirmed if (why := weakness(report)))
    strong = bool(confirmed) and not weak
    if not confirmed:
        if not facts.rechecked:
            return Verdict("nothing", "Nothing to merge.", ("No gain was confirmed",), strong=False)
        return Verdict("do-not-merge", "Do not merge.", ("A check after the night confirmed nothing",), strong=False)
    if facts.moved:
        why = f"The base is at {code(facts.moved.to[:8])} now, and {_MOVED[facts.moved.how]}"
        return Verdict("do-not-merge", "Do not merge.", (why,), strong)
    look = tuple(f"Look at {why}" for report in confirmed if (why := lasting.alarm(report)))
    if weak:
        return Verdict("recheck", "Evidence weak: recheck before merging.", (*weak, *look), strong)
    diffs = "the diff reads" if len(confirmed) == 1 else f"the {len(confirmed)} diffs read"
    return Verdict("merge", f"Merge if {diffs} well.", look, strong)


def weakness(report: TargetReport) -> str:
    """Why the evidence of a confirmed target is weak; nothing where it is strong."""
    found = report.interval or report.holdout
    if found and found["low"] <= 0:
        return "the interval of its gain reaches 0"
    return ""
