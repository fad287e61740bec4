"""The issues of a container as a model is told them: the dimension that can still give the most first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from bot.proposers.mind.containers.address import spelled
from bot.proposers.mind.containers.index import quoted
from bot.proposers.mind.fence import one_line
from harness.documents import escape
from harness.scorers.gtm import Scored
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.scoring import Dimension

_SEVERITY = {"error": 0, "warning": 1, "info": 2}
_WORDS = 300
MANY, A_LINE = 4, 25  # issues alike from which on they stand in one line, and how many in one
Key = tuple[str, str, str, str]


def key(issue: Issue) -> Key:
    """The same for one fault of one entity, wherever it stands in the file."""
    return issue.code, issue.entity, issue.id or issue.pointer, issue.message


def can_give(one: Dimension) -> float:
    """Of the total, were the dimension perfect."""
    return one.weight * (1 - one.score) if one.score is not None else 0.0


def nine(scored: Scored) -> str:
    """Every dimension in a line, the one that can still give the most first, then what is left out."""
    judged = sorted(scored.dimensions, key=lambda one: (one.score is None, -can_give(one)))
    return "\n".join(_dimension(one) for one in judged)


def _dimension(one: Dimension) -> str:
    if one.score is None:
        return f"{one.name} not judged: {one.why}"
    return f"{one.name} {one.score:.4f}, weight {one.weight:.3f}, can still give {can_give(one):.4f}"


def ordered(scored: Scored) -> list[Issue]:
    """Notes, which cost nothing, come last."""
    worth = {one.name: can_give(one) for one in scored.dimensions}
    names = [one.name for one in scored.dimensions]
    return sorted(
        scored.issues,
        key=lambda one: (
            one.severity == "info", -worth[one.dimension], names.index(one.dimension), _SEVERITY[one.severity],
        ),
    )  # fmt: skip


def told(issues: Sequence[Issue], data: Any, most: int) -> tuple[str, int]:
    """In at most so many bytes, in their order; and how many issues had no room. Those that ask for the same repair
    stand together."""
    groups: dict[tuple[str, ...], list[Issue]] = defaultdict(list)
    for issue in issues:
        groups[issue.dimension, issue.code, issue.severity, issue.repair].append(issue)
    lines: list[str] = []
    room, left = most, 0
    for those in groups.values():
        head, shared = _head(those)
        for n, (line, count) in enumerate(_lines(those, data, shared)):
            new = [head, line] if n == 0 else [line]
            room -= sum(len(one.encode()) + 1 for one in new)
            if room < 0:
                left += count
            else:
                lines += new
    return "\n".join(lines), left


def _lines(those: Sequence[Issue], data: Any, shared: str) -> Iterator[tuple[str, int]]:
    """Each with how many issues it tells: many of one kind at places alike in one, by their ids."""
    alike: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in those:
        above, id_, below = spelled(data, issue.pointer).partition(f"={escape(issue.id)}]")
        place = f"{above}=N]{below}" if shared and issue.id and id_ else issue.pointer
        alike[issue.entity, place].append(issue)
    for (kind, place), found in alike.items():
        if len(found) < MANY:
            yield from ((_line(issue, data, shared), 1) for issue in found)
            continue
        for start in range(0, len(found), A_LINE):
            some = found[start : start + A_LINE]
            ids = ", ".join(one_line(issue.id, 40) for issue in some)
            yield f"- each {kind} at {one_line(place, _WORDS)} where N is {ids}", len(some)


def _head(those: Sequence[Issue]) -> tuple[str, str]:
    """The line above issues that ask for the same repair, and the message that all of them share, if they do."""
    first = those[0]
    messages = {issue.message for issue in those}
    shared = first.message if len(messages) == 1 else ""
    said = f"{first.dimension}, {first.code}, {first.severity}"
    said += f": {one_line(shared, _WORDS)}" if shared else ""
    return f"{said}. Repair: {one_line(first.repair, _WORDS)}", shared


def _line(issue: Issue, data: Any, shared: str) -> str:
    message = "" if shared else f": {one_line(issue.message, _WORDS)}"
    who = f"{issue.entity} {quoted(issue.name)}" if issue.name else issue.entity
    return f"- {who} at {one_line(spelled(data, issue.pointer), _WORDS)}{message}"
