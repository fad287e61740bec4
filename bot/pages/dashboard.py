"""The one issue that shows where everything stands: the last night seen, each target, the spend, what is protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.pages import markers
from bot.pages.budget import LIMIT, fit
from bot.pages.facts import Minutes, Pull
from bot.pages.pieces import Piece, Weight, broken
from bot.pages.summary import TargetReport
from bot.pages.target import evidence
from bot.pages.wording.text import cell_code, count, duration, label, names, unbroken

_WHAT = "dashboard"


@dataclass(frozen=True)
class State:
    """One target, folded from its nights. last: the last night that ran, nothing before the first; result: what it came
    to; confirmed: the last night that confirmed a gain; barren: nights since then."""

    name: str
    last: str = ""
    result: str = ""
    confirmed: str = ""
    barren: int = 0


@dataclass(frozen=True)
class Protection:
    """A rule that the repository is asked to hold. holds: None where this token may not know; cure: the click path."""

    what: str
    holds: bool | None
    cure: str = ""


@dataclass(frozen=True)
class Board:
    """What the issue shows. ended: why the last night ended, target -> typed reason, or "" -> one for all of it.

    asleep, paused, broken (it does not load): target -> since when or why; reports: of the last nights, the oldest
    first; minutes: of the last one, where it ran in a workflow; pulls: (pull request, its night, its state in a word).
    """

    night: str
    ended: Mapping[str, str] = field(default_factory=dict)
    targets: Sequence[str] = ()
    reports: Sequence[TargetReport] = ()
    asleep: Mapping[str, str] = field(default_factory=dict)
    paused: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    pulls: Sequence[tuple[Pull, str, str]] = ()
    minutes: Minutes | None = None
    protections: Sequence[Protection] = ()


def dashboard(board: Board, limit: int = LIMIT) -> str:
    """The issue's body between its markers, in at most `limit` characters."""
    found = fit(_pieces(board), board.night or "NIGHT", markers.room(_WHAT, limit))
    return markers.wrapped(_WHAT, unbroken(found))


def states(names_of_targets: Sequence[str], reports: Sequence[TargetReport]) -> list[State]:
    """Every target, by name. reports: of its nights, the oldest first."""
    found = {name: State(name) for name in sorted({*names_of_targets, *(report.name for report in reports)})}
    for report in reports:
        before = found[report.name]
        if report.confirmed:
            result, confirmed, barren = f"confirmed, {evidence.headline(report)}", report.night, 0
        else:
            result, confirmed, barren = report.verdict or report.end or "no end", before.confirmed, before.barren + 1
        found[report.name] = State(report.name, report.night, result, confirmed, barren)
    return list(found.values())


def _pieces(board: Board) -> list[Piece]:
    rows = [_row(state, board) for state in states([*board.targets, *board.broken], board.reports)]
    head = ["| target | last night | now |", "|---|---|---|"]
    return [
        Piece([*broken(_opening(board)), ""], Weight.FIRST),
        Piece(head, Weight.FIRST, "", "lines of the targets", rows, [""]),
        *_protection(board.protections),
        Piece(
            ["Written by a bot and edited in place after every night; what you write above or below stays."],
            Weight.FIRST,
        ),
    ]


def _opening(board: Board) -> list[str]:
    seen = f"**Last night seen: {board.night or 'none yet'}.**{_ended(board.ended)}"
    due = "One is due every night. If that date is more than two days old, none runs: `autoresearch doctor` says why."
    lines = [seen, due]
    if board.pulls:
        lines.append(f"Open: {names([_pull(*entry) for entry in board.pulls], 10)}.")
    else:
        lines.append("No pull request is open.")
    return [*lines, _spend(board)]


def _ended(ended: Mapping[str, str]) -> str:
    if not ended:
        return ""
    reasons = sorted(set(ended.values()))
    if len(reasons) == 1:
        return f" Ended by: {reasons[0]}."
    told = [
        f"{reason} ({names([target for target in sorted(ended) if ended[target] == reason])})" for reason in reasons
    ]
    return f" Ended by: {names(told, 10)}."


def _pull(pull: Pull, night: str, state: str) -> str:
    return f"#{pull.number} of {label(night)} ({label(state)})"


def _spend(board: Board) -> str:
    nights = len({report.night for report in board.reports})
    spent = [
        count(sum(report.tries for report in board.reports), "try", "tries"),
        duration(sum(report.seconds for report in board.reports)),
        f"${sum(report.cost for report in board.reports):.2f}",
    ]
    told = f"Spent in the last {count(nights, 'night')}: {', '.join(spent)}." if nights else "Nothing was spent yet."
    if board.minutes:
        reserved = count(board.minutes.reserved, "reserved Actions minute")
        told += f" The last night took {board.minutes.used:,} of {reserved}."
    return told


def _row(state: State, board: Board) -> str:
    now = []
    if state.name in board.broken:
        now.append(f"does not load: {cell_code(board.broken[state.name], 200)}")
    if state.name in board.paused:
        now.append(f"paused: {cell_code(board.paused[state.name], 120)}")
    if state.name in board.asleep:
        now.append(f"asleep: {cell_code(board.asleep[state.name], 120)}")
    if not now:
        now.append(f"{count(state.barren, 'night')} without a gain" if state.barren else "awake")
    if state.confirmed and state.confirmed != state.last:
        now.append(f"last confirmed {state.confirmed}")
    none = "none lately" if state.name in {*board.asleep, *board.paused} else "never"
    last = f"{state.last}: {state.result}" if state.last else none
    return f"| {state.name} | {last} | {'; '.join(now)} |"


def _protection(found: Sequence[Protection]) -> list[Piece]:
    if not found:
        return []
    says = {True: "yes", False: "**no**", None: "not known to this token"}
    rows = [
        f"| {entry.what} | {says[entry.holds]} | {cell_code(entry.cure, 200) if entry.cure else ''} |"
        for entry in found
    ]
    head = ["### What is protected", "", "| rule | holds | how to make it so |", "|---|---|---|"]
    return [Piece(head, Weight.FIRST, "", "lines of what is protected", rows, [""])]
