"""The rows of a confirmed target, what the ablation took out of them, and how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.pages.facts import Dropped, Links
from bot.pages.pieces import Piece, Weight
from bot.pages.summary import Row, TargetReport
from bot.pages.target import dimensions
from bot.pages.wording import figures
from bot.pages.wording.figures import shown
from bot.pages.wording.gains import headline, number
from bot.pages.wording.text import cell_code, code, count, decimals_for, label, linked, percent, words
from harness import ablate
from harness.intervals import CONFIDENCE
from harness.rule import headline_name

_COLUMNS = {"#": "--:", "commit": "---", "change": "---", "adds": "--:", "lines": "--:"}
_MOST_EXPERIMENTS = 5
_OPERATION = 220  # characters of an operation's words
_SET = "measured as a set"  # as the confirm event says it


def table(report: TargetReport, links: Links) -> Piece:
    """A row that was dropped stands struck in its place. Where commits have addresses, the row's number is the link."""
    before = links.facts.before.get(report.name, 0)
    decimals = decimals_for(sum(row.adds for row in report.rows))
    linking = any((report.name, row.number) in links.addresses for row in report.rows)
    entries = {row.number: _row(report, row, links, before, decimals) for row in report.rows}
    for gone in links.facts.dropped:
        if gone.target == report.name and gone.row not in entries:
            entries[gone.row] = _struck(report, gone, before)
    without = {"commit"} if linking else set()
    without |= {"lines"} if _operations(report) or (linking and _leaves(report)) else set()
    columns = [column for column in _COLUMNS if column not in without]
    head = [f"| {' | '.join(columns)} |", f"|{'|'.join(_COLUMNS[column] for column in columns)}|"]
    body = [f"| {' | '.join(entries[number][column] for column in columns)} |" for number in sorted(entries)]
    return Piece(head, Weight.SECTION, report.name, "rows", body, ["", _legend(report), ""])


def _row(report: TargetReport, row: Row, links: Links, before: int, decimals: int) -> Mapping[str, str]:
    place, moves = (report.name, row.number), dimensions.by_row(report).get(row.number, "")
    commit = links.commits.get(place, "")
    return {
        "#": linked(str(before + row.number), links.addresses.get(place, "")),
        "commit": code(commit[:8]) if commit else "",
        "change": _change(report, row.change) + (f" ({moves})" if moves else ""),
        "adds": _with_bound(report, row, decimals),
        "lines": f"+{row.added} -{row.removed}",
    }


def _struck(report: TargetReport, gone: Dropped, before: int) -> Mapping[str, str]:
    change = _change(report, gone.change)
    who = f"dropped by {cell_code(gone.by, 40)}" if gone.by else "not confirmed again"
    return {
        "#": f"~~{before + gone.row}~~",
        "commit": "",
        "change": f"~~{change}~~",
        "adds": who,
        "lines": "",
    }


def _change(report: TargetReport, text: str) -> str:
    """What a row changes: of leaves and hunks the beginning tells it; of operations, whose words count things that they
    name, all that there is room for."""
    return cell_code(_beginning(text), _OPERATION) if _operations(report) else cell_code(words(text, 10), 80)


def _beginning(text: str) -> str:
    """As many of the things that an operation changed as there is room for, and how many more there are: its commit
    lists them all."""
    first, *others = text.split("; ")
    shown, left = first, list(others)
    while left and len(shown) + len(left[0]) < _OPERATION - len("; and 99 more"):
        shown += f"; {left.pop(0)}"
    return f"{shown}; and {len(left)} more" if left else shown


def _operations(report: TargetReport) -> bool:
    return report.unit == "operation"


def _leaves(report: TargetReport) -> bool:
    """Whether every row is one line for another, which needs no column on a narrow screen."""
    return all(row.added == row.removed == 1 for row in report.rows)


def in_words(report: TargetReport, number: int) -> str:
    """What a row of a noisy target adds, for its commit: seconds -4.1 %, at least -2.0 % with 90 % confidence."""
    row = next(row for row in report.rows if row.number == number)
    adds, low = _effect(report, row.adds, row.adds if row.low is None else row.low)
    return f"{report.compared.name} {adds}, at least {low} with {_confidence(report)} confidence"


def _with_bound(report: TargetReport, row: Row, decimals: int) -> str:
    if row.low is None:
        return figures.gain(report, row.adds, _base(report), decimals)
    adds, low = _effect(report, row.adds, row.low)
    return f"{adds} ({low})"


def _effect(report: TargetReport, gain: float, low: float) -> tuple[str, str]:
    """A gain and its lower bound, as the rows of this target show gains."""
    if report.noise:
        return shown(report, report.compared, gain, like=[low]), shown(report, report.compared, low, like=[gain])
    decimals, base = decimals_for(max(abs(gain), abs(low))), _base(report)
    return figures.gain(report, gain, base, decimals), figures.gain(report, low, base, decimals)


def _base(report: TargetReport) -> float:
    return number(report.rule, headline(report.rule), report.base) if report.base else 0.0


def _legend(report: TargetReport) -> str:
    if not report.noise:
        where = "search rows" if report.sample else "score"
        moves = "; in brackets, the metrics that it moves most" if dimensions.by_row(report) else ""
        name = label(headline_name(report.rule))
        return f"*adds*: a row's gain in {name} ({where}), on top of the rows above it{moves}."
    name, least = report.compared.name, f"in brackets, at least so much with {_confidence(report)} confidence"
    if _how(report) == _SET:
        return f"*adds*: how the whole change moves {name}, which was {_SET}; {least}."
    if _undivided(report):
        return f"*adds*: how the row moves {name}, the result against the base; {least}."
    return (
        f"*adds*: how the row moves {name}, the result with it against the result without; {least}, each row by "
        f"itself. Only rows whose bound shows a gain above 0 were kept."
    )


def measured(report: TargetReport) -> str:
    """How a row of a noisy target was measured, for its commit."""
    if _how(report) == _SET:
        return _SET
    return "measured against the base" if _undivided(report) else "measured by leaving it out"


def ablation(report: TargetReport, number: int) -> str:
    """What leaving a row of a noisy target out showed, for its commit."""
    if not _undivided(report):
        return in_words(report, number)
    return {_SET: _SET, "none": "none, one change"}.get(_how(report), "none, one row is left")


def _how(report: TargetReport) -> str:
    return str((report.confirm or {}).get("ablation", {}).get("how", "none"))


def _undivided(report: TargetReport) -> bool:
    """Whether one row holds all that is left: its numbers are those of confirm's own test, not of the ablation."""
    return len(report.rows) == 1


def _confidence(report: TargetReport) -> str:
    return percent(_sure(report) if _undivided(report) else ablate.CONFIDENCE)


def _sure(report: TargetReport) -> float:
    return float((report.interval or {}).get("confidence", CONFIDENCE))


def unproven(report: TargetReport) -> list[Piece]:
    """The parts of the loop's result that the ablation took out."""
    found = (report.confirm or {}).get("ablation", {}).get("removed")
    if not found:
        return []
    lines = [f"<details><summary>Unproven in the stack, taken out: {count(len(found), 'change')}</summary>", ""]
    lines += ["| tries | change | adds | at worst |", "|---|---|--:|--:|"]
    for entry in found:
        adds, low = _effect(report, entry["gain"], entry["low"])
        change = _change(report, entry["change"])
        lines.append(f"| {_numbers(entry['experiments'])} | {change} | {adds} | {low} |")
    return [Piece([*lines, "", "</details>", ""], Weight.FOLDED, report.name, "what the ablation took out")]


def method(report: TargetReport) -> str:
    """How the final change was taken apart. Nothing where it was one part."""
    found = (report.confirm or {}).get("ablation")
    return f"Ablation, {found['how']}: {code(found['says'], 300)}." if found and found["how"] != "none" else ""


def _numbers(experiments: Sequence[int]) -> str:
    more = ", ..." if len(experiments) > _MOST_EXPERIMENTS else ""
    return ", ".join(map(str, experiments[:_MOST_EXPERIMENTS])) + more
