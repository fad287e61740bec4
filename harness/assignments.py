"""Lines of Python that give a name a literal value, so that a change of one reads as it is: RATE: 0.002 -> 0.02."""

from __future__ import annotations

import ast
from dataclasses import dataclass

_LONGEST = 300  # bytes of a line that is looked at
_EXACT = 8  # characters up to which a number is shown as it is written


@dataclass(frozen=True)
class Assigned:
    """around: the line without the value, its comment included."""

    name: str
    value: str
    around: tuple[bytes, bytes]


def assigned(line: bytes) -> Assigned | None:
    """What a line at the outermost level assigns; None where it is anything but one literal given to one name."""
    if len(line) > _LONGEST or not line[:1].strip():
        return None
    try:
        (node,) = ast.parse(line).body
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value:
            name, value = node.target, node.value
        else:
            return None
        ast.literal_eval(value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(name, ast.Name) or value.end_col_offset is None:
        return None
    start, end = value.col_offset, value.end_col_offset
    return Assigned(name.id, line[start:end].decode(errors="replace"), (line[:start], line[end:]))


def revalued(before: bytes, after: bytes) -> str:
    """RATE: 0.002 -> 0.02, where the two lines differ in that alone; else nothing."""
    one, other = assigned(before), assigned(after)
    if not one or not other or one.around != other.around or one.value == other.value:
        return ""
    values = [one.value, other.value]
    short = [_short(value) for value in values]
    was, now = short if short[0] != short[1] else values
    return f"{one.name}: {was} -> {now}"


def _short(value: str) -> str:
    """A number with the digits that people read; everything else as it is written."""
    if len(value) <= _EXACT:
        return value
    found = ast.literal_eval(value)
    return f"{found:.4g}" if isinstance(found, float) else value if len(value) <= 40 else f"{value[:37]}..."
