"""How the runs of a target went, where its evaluator tells: a training run's loss along the way, its pace, its card.

All of it is shown and nothing of it decides: the course is what the candidate's own log says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.pages.pieces import Piece, Weight
from bot.pages.summary import TargetReport
from bot.pages.tally import Run
from bot.pages.wording.figures import shown
from bot.pages.wording.gains import headline
from bot.pages.wording.text import code, count, value

_PACE = {"tokens_per_second": "tokens/s", "steps": "steps"}
MOST = 12  # runs in a table
_CHANGE = 200  # characters
_Columns = Mapping[str, Callable[[Run], str]]


def is_training(report: TargetReport) -> bool:
    """Whether the runs are training runs, whose course is a loss in bits per token."""
    return any(name in run.beside for run in report.runs for name in _PACE)


def told(report: TargetReport) -> list[Run]:
    """The base, and the latest of what was kept."""
    first, *kept = report.runs
    return [first, *kept[-MOST:]]


def said(run: Run) -> str:
    return f"try {run.experiment}" if run.experiment else "base"


def pieces(report: TargetReport, address: str) -> list[Piece]:
    """The chart of the courses, what it shows in a sentence, and the runs in a table. address: of the chart."""
    if not report.runs:
        return []
    lines = [_says(report), ""]
    if address:
        lines += [f"![{_drawn(report)} of {report.name}]({address})", ""]
    table = _table(report, {"run": said, **_pace(report), _end(report): _last, **_memory(report)})
    table += _changes(report)
    if card := _card(report):
        table += [f"The card{f', {code(report.device, 80)}' if report.device else ''}:", ""]
        table += _table(report, {"run": said, **card})
    kept = count(len(report.runs) - 1, "kept run")
    kept += f", the latest {MOST}" if len(report.runs) - 1 > MOST else ""
    folded = [f"<details><summary>{_word(report)}: the base and {kept}</summary>", "", *table, _honest(report), ""]
    return [
        Piece(lines, Weight.WORDS, report.name, "how the runs went"),
        Piece([*folded, "</details>", ""], Weight.FOLDED, report.name, "the runs in numbers"),
    ]


def _changes(report: TargetReport) -> list[str]:
    """What each kept run changed, and what the loop saw that it is worth."""
    name = headline(report.rule)
    gains = {point.experiment: shown(report, name, point.value) for point in report.points if report.noise}
    lines = []
    for run in told(report):
        if run.experiment:
            worth = f", {gains[run.experiment]} claimed" if run.experiment in gains else ""
            lines.append(f"- {said(run)}{worth}: {code(run.change, _CHANGE)}")
    return [*lines, ""] if lines else []


def _word(report: TargetReport) -> str:
    return "Training" if is_training(report) else "Runs"


def _drawn(report: TargetReport) -> str:
    return f"{'loss' if is_training(report) else 'course'} of each kept run, and the staircase"


def _says(report: TargetReport) -> str:
    """Training, base and last kept run: 9,812 -> 11,930 tokens/s, 203 -> 251 steps, on NVIDIA H200."""
    base, last = report.runs[0], report.runs[-1]
    moved = [
        f"{_amount(base.beside[name])} -> {_amount(last.beside[name])} {unit}"
        for name, unit in _PACE.items()
        if base is not last and {name} <= base.beside.keys() & last.beside.keys()
    ]
    alone = [f"{_amount(base.beside[name])} {unit}" for name, unit in _PACE.items() if name in base.beside]
    on = [f"on {code(report.device, 80)}"] if report.device else []
    who, logs = ("base", "its own log says") if base is last else ("base and last kept run", "their own logs say")
    who += f", as {logs}" if is_training(report) else ""
    told = ", ".join([*(moved or alone), *on]) or "see the chart"
    return f"{_word(report)}, {who}: {told}."


def _honest(report: TargetReport) -> str:
    told = "The course stands as the evaluator's parts say"
    if is_training(report):
        share = ", and with them MFU," if _told(report, "mfu") else ""
        told = f"Loss, tokens and steps{share} stand as the candidate's own training log says"
    return f"{told}; one run each, on different seeds. Nothing of it decided anything."


def _end(report: TargetReport) -> str:
    return "loss at the end" if is_training(report) else "at the end"


def _last(run: Run) -> str:
    return value(run.course[-1][1])


def _pace(report: TargetReport) -> dict[str, Callable[[Run], str]]:
    return {unit: _part(name, _amount) for name, unit in _PACE.items() if _told(report, name)}


def _memory(report: TargetReport) -> dict[str, Callable[[Run], str]]:
    known = any("memory_mb" in run.metrics for run in report.runs)
    return {"memory MB": lambda run: _amount(run.metrics.get("memory_mb"))} if known else {}


def _card(report: TargetReport) -> dict[str, Callable[[Run], str]]:
    columns: dict[str, tuple[str, Callable[[float | None], str]]] = {
        "gpu_utilisation": ("busy", lambda found: "" if found is None else f"{found:.0f} %"),
        "gpu_memory_mb": ("memory MB", _amount),
        "gpu_celsius": ("warmest", lambda found: "" if found is None else f"{found:.0f} °C"),
        "mfu": ("MFU", lambda found: "" if found is None else f"{100 * found:.1f} %"),
    }
    return {head: _part(name, say) for name, (head, say) in columns.items() if _told(report, name)}


def _part(name: str, say: Callable[[float | None], str]) -> Callable[[Run], str]:
    return lambda run: say(run.beside.get(name))


def _told(report: TargetReport, name: str) -> bool:
    return any(name in run.beside for run in report.runs)


def _table(report: TargetReport, columns: _Columns) -> list[str]:
    head = [f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"]
    return [*head, *(f"| {' | '.join(say(run) for say in columns.values())} |" for run in told(report)), ""]


def _amount(found: float | None) -> str:
    """12,345; 251; 8.1"""
    if found is None:
        return ""
    return f"{found:,.0f}" if abs(found) >= 100 or float(found).is_integer() else f"{found:.1f}"
