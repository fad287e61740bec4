"""What an evaluator says that its numbers say nothing of, in its own words."""

from __future__ import annotations

from bot.pages.pieces import Piece, Weight
from bot.pages.summary import TargetReport
from bot.pages.wording.text import code, count

_LONGEST = 220  # characters of a note, escapes included


def not_judged(report: TargetReport) -> list[Piece]:
    """The notes on what was confirmed; those that only the base had are said to be gone."""
    found = (report.confirm or {}).get("notes", {})
    base, head = (list(dict.fromkeys(found.get(side, []))) for side in ("base", "head"))
    gone = [note for note in base if note not in head]
    if report.private or not (head or gone):
        return []
    new = sum(note not in base for note in head)
    says = f"Not judged: {count(len(head), 'thing')}" + (f", {new} of them new" if new else "")
    lines = [f"<details><summary>{says}</summary>", "", *(f"- {code(note, _LONGEST)}" for note in head), ""]
    if gone:
        lines += ["In the base only:", "", *(f"- {code(note, _LONGEST)}" for note in gone), ""]
    return [
        Piece([*lines, "</details>", ""], Weight.FOLDED, report.name, "what was not judged", short=[f"{says}.", ""])
    ]
