"""The labels that the bot sets and reads: a closed set. Every other label is a human's, and stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.pages.summary import TargetReport

OURS = "autoresearch"
SUPERSEDED, HOLD, RETRY, RECHECK = "superseded", "hold", "retry", "needs-recheck"
DASHBOARD = "autoresearch:dashboard"
MOST_NAME = 50  # characters that GitHub takes

_KNOWN = {
    OURS: ("1d76db", "opened by the nightly bot"),
    "evidence:strong": ("0e8a16", "confirmed on rows or pairs that no decision has seen"),
    "evidence:weak": ("fbca04", "confirmed, and the interval of its gain reaches 0"),
    RECHECK: ("d93f0b", "confirm does not vouch for this state any more"),
    SUPERSEDED: ("cfd3d7", "a newer pull request holds its rows"),
    HOLD: ("b60205", "the bot leaves this pull request alone"),
    RETRY: ("5319e7", "closed, but its rows may be proposed again"),
    DASHBOARD: ("1d76db", "the state of every target"),
}


def look(name: str) -> tuple[str, str]:
    """A label's colour and description."""
    if name.startswith("target:"):
        return "c5def5", "the target that it changes"
    return _KNOWN.get(name, ("ededed", ""))


def of_target(name: str) -> str:
    return f"target:{name}"[:MOST_NAME]


def for_reports(reports: Sequence[TargetReport], more: Collection[str], *, strong: bool) -> list[str]:
    """The labels of a pull request with these reports. more: those that the configuration adds."""
    confirmed = [report for report in reports if report.confirmed]
    evidence = "evidence:strong" if strong else "evidence:weak"
    return [OURS, evidence, *(of_target(report.name) for report in confirmed), *sorted(more)]


def renewed(there: Collection[str], wanted: Collection[str]) -> list[str]:
    """What a pull request is labelled with after a refresh: a human's labels stay, ours are what they should be."""
    kept = {name for name in there if name in wanted or not name.startswith(("evidence:", "target:"))}
    return sorted(kept - {RECHECK, SUPERSEDED} | set(wanted))
