"""Literal constants of a Python file that a human has marked by a comment. What the proposer `tune` draws from there.

    LEARNING_RATE = 0.02  # tune: 0.002 to 0.2, by its logarithm
    DEPTH = 4  # tune: 2, 3, 4, 6
    LAYERS = 4  # tune: 2 to 8

One assignment of one literal to a line at the outermost level. A range of two whole numbers is one of whole numbers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.documents import Scalar, escape
from harness.errors import ConfigError, Place
from harness.space import Allowed, Space

_MARKED = re.compile(r"^(?P<name>[A-Za-z_]\w*)(?:\s*:[^=#]+)?\s*=\s*(?P<value>[^#]+?)\s*#\s*tune:\s*(?P<says>.*)$")
_RANGE = re.compile(r"^(?P<low>\S+)\s+to\s+(?P<high>[^\s,]+)(?P<log>\s*,\s*by its logarithm)?\s*$")
_MENTIONED = re.compile(r"#\s*tune:")


@dataclass(frozen=True)
class Constant:
    """start, end: the characters of its value in the file's text."""

    name: str
    value: Scalar
    start: int
    end: int
    allowed: Allowed


def read(text: str, file: str) -> tuple[Constant, ...]:
    """Every marked constant, in the file's order. Raises ConfigError for a mark that cannot be read, or none."""
    found, at = list[Constant](), 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if _MENTIONED.search(line) and not line.lstrip().startswith(("#", '"')):
            found.append(_constant(line, at, Place(file, number, 1)))
        at += len(line)
    if not found:
        raise ConfigError(
            Place(file), "no constant is marked for the proposer tune",
            next_step="write `# tune: 0.002 to 0.2, by its logarithm` or `# tune: 2, 3` behind one",
        )  # fmt: skip
    return tuple(found)


def space(constants: tuple[Constant, ...]) -> Space:
    """The same as a space over a mapping of names to values."""
    return Space(tuple(((escape(one.name),), one.allowed) for one in constants))


def with_values(text: str, constants: tuple[Constant, ...], values: Mapping[str, Scalar]) -> str:
    """The text with these values; whatever else stands in it stays, and so does how an unchanged value is written."""
    for one in reversed(constants):
        new = values[one.name]
        if (type(new), new) != (type(one.value), one.value):
            text = text[: one.start] + repr(new) + text[one.end :]
    return text


def _constant(line: str, at: int, place: Place) -> Constant:
    match = _MARKED.match(line.rstrip("\r\n"))
    if not match:
        raise ConfigError(place, "is marked `# tune:`, but is no assignment of one literal to a name", next_step=_HOW)
    value = _literal(match["value"], place)
    allowed = _allowed(match["says"], value, place)
    if problem := allowed.problem(value):
        raise ConfigError(place, f"{match['name']} is {value!r}, which {problem}", next_step=_HOW)
    return Constant(match["name"], value, at + match.start("value"), at + match.end("value"), allowed)


def _allowed(says: str, value: Scalar, place: Place) -> Allowed:
    if between := _RANGE.match(says):
        low, high = (_literal(between[side], place) for side in ("low", "high"))
        if isinstance(low, bool) or isinstance(high, bool) or not isinstance(low, int | float):
            raise ConfigError(place, f"the range {says!r} is not one of numbers", next_step=_HOW)
        if not isinstance(high, int | float) or low >= high or (between["log"] and low <= 0):
            raise ConfigError(place, f"the range {says!r} has no room", next_step=_HOW)
        whole = isinstance(low, int) and isinstance(high, int) and isinstance(value, int)
        return Allowed("int" if whole else "float", low, high, bool(between["log"]))
    choices = tuple(_literal(word, place) for word in says.split(","))
    if len(choices) < 2:
        raise ConfigError(place, f"{says!r} is neither a range nor several choices", next_step=_HOW)
    return Allowed("choice", choices=choices)


def _literal(text: str, place: Place) -> Scalar:
    try:
        found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, bool | int | float | str):
        raise ConfigError(place, f"{text.strip()!r} is no literal number, word or truth value", next_step=_HOW)
    return found


_HOW = "for example: RATE = 0.02  # tune: 0.002 to 0.2, by its logarithm; DEPTH = 4  # tune: 2, 3, 4"
