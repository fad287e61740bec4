"""Whether a change is nearly one that was measured and discarded before.

For values: the same ones, each nearly as it was tried. For text and code: nearly the same lines removed and added,
where spacing does not count, nor do comments of Python.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.proposers.mind.changes import Values, values
from harness.documents import Scalar
from harness.documents.pythontext import NotCode, logical_lines

CLOSE = 0.05  # of a step, by which two values that were tried may differ and still be nearly the same
ALIKE = 0.9  # share of changed words that two changes have in common
MEASURED = frozenset({"worse", "tie", "within-noise", "guard", "screened", "suspect"})

Words = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Change:
    """values: of a document whose shape stays, else None; words: what lines lose and gain, with a sign."""

    values: Values | None
    words: Words


@dataclass(frozen=True)
class Discarded:
    """number: of the experiment; why: what became of it."""

    number: int
    why: str
    change: Change


def change(before: bytes, after: bytes, file: str) -> Change:
    found = values(before, after, file)
    return Change(found, Counter() if found is not None else _words(before, after, file))


def nearest(new: Change, past: list[Discarded]) -> Discarded | None:
    """The latest discarded experiment that the change nearly repeats."""
    return next((one for one in reversed(past) if near(new, one.change)), None)


def near(one: Change, other: Change) -> bool:
    if one.values is not None and other.values is not None:
        same = one.values.keys() == other.values.keys()
        return bool(one.values) and same and all(_close(one.values[p], other.values[p]) for p in one.values)
    if one.values is not None or other.values is not None:
        return False
    common, all_words = (one.words & other.words).total(), (one.words | other.words).total()
    return all_words > 0 and common >= ALIKE * all_words


def _close(one: tuple[Scalar, Scalar], other: tuple[Scalar, Scalar]) -> bool:
    """Whether two steps end nearly at the same place."""
    new, tried = one[1], other[1]
    if isinstance(new, bool) or isinstance(tried, bool) or not _number(new) or not _number(tried):
        return type(new) is type(tried) and new == tried
    assert isinstance(new, (int, float))  # noqa: S101  # what _number says, for the type checker
    assert isinstance(tried, (int, float))  # noqa: S101
    if isinstance(new, int) and isinstance(tried, int):
        return new == tried  # the neighbour of a whole number is another idea
    starts = [side[0] for side in (one, other) if isinstance(side[0], (int, float))]
    step = max((abs(tried - start) for start in starts), default=abs(tried))
    return abs(new - tried) <= CLOSE * step


def _number(value: Scalar) -> bool:
    return isinstance(value, (int, float))


def _words(before: bytes, after: bytes, file: str) -> Words:
    old, new = _lines(before, file), _lines(after, file)
    found: Words = Counter()
    for sign, lines in (("-", old - new), ("+", new - old)):
        for line, times in lines.items():
            for word in line:
                found[sign, word] += times
    return found


def _lines(content: bytes, file: str) -> Counter[tuple[str, ...]]:
    text = content.decode("utf-8", errors="surrogateescape")
    if PurePosixPath(file).suffix.lower() == ".py":
        try:
            return Counter(line[1:] for line in logical_lines(text))
        except NotCode:
            pass
    return Counter(words for line in text.splitlines() if (words := tuple(line.split())))
