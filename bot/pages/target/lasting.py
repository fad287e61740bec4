"""Whether a confirmed gain lasts at a longer budget, in words for who reads it on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.pages.summary import TargetReport
from bot.pages.wording import figures
from bot.pages.wording.figures import shown
from bot.pages.wording.text import code, count
from harness.longer import ALARMING, FADES, FAILS, HOLDS, SHRINKS, TURNS, UNCLEAR, UNMEASURED

_MEANS = {
    HOLDS: "the gain is there too, and not clearly smaller",
    SHRINKS: "the gain is there too, but clearly smaller: only a part of it lasts",
    FADES: "the gain is clearly smaller, and perhaps none of it is left: it may not last",
    UNCLEAR: "too few pairs to say whether the gain lasts",
    TURNS: "the gain turns into a loss: it does not last",
}


def found(report: TargetReport) -> Mapping[str, Any] | None:
    """What confirm found at a longer budget; None where nobody asked, or nothing was confirmed."""
    return report.confirm.get("longer") if report.confirm and report.confirmed else None


def budget(times: float) -> str:
    """twice the budget; 3 times the budget"""
    return "twice the budget" if times == 2 else f"{times:g} times the budget"


def row(report: TargetReport) -> list[str]:
    """A line of the table of numbers, below the confirmed gain."""
    one = found(report)
    if not one or "gain" not in one:
        return []
    gain = shown(report, report.compared, one["gain"], like=[one["low"], one["high"]])
    return [f"| at {budget(one['times'])} | 0 | not used | {gain} |"]


def said(report: TargetReport) -> str:
    """At twice the budget: -0.051, 95 % interval -0.060 to -0.042, from 5 more pairs: the gain is there too ..."""
    if not (one := found(report)):
        return ""
    at = f"At {budget(one['times'])}"
    if one["reading"] == UNMEASURED:
        return f"{at}: not measured, so nothing is known of whether the gain lasts: {_why(report, one)}."
    if one["reading"] == FAILS:
        return f"{at}: the result fails, and the base does not: {_why(report, one)}."
    interval = figures.interval(report, report.compared, one)
    return f"{at}: {interval}, from {count(len(one['pairs']), 'more pair')}: {_MEANS[one['reading']]}."


def alarm(report: TargetReport) -> str:
    """What has to be looked at before a merge; nothing where nothing has."""
    one = found(report)
    if not one or one["reading"] not in ALARMING:
        return ""
    turn = "the result fails" if one["reading"] == FAILS else "the gain turns into a loss"
    return f"{report.name}: at {budget(one['times'])} {turn}"


def _why(report: TargetReport, one: Mapping[str, Any]) -> str:
    return code(figures.words(report, one["why"]), 200)
