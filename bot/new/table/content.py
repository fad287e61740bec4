"""What the cells of a column are: numbers, text, dates, or something that only looks like one of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "-")  # in a column of numbers
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_TRUTH = r"(?i)^(true|false)$"
_DATE = r"^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}( .*)?)$"
_DRESSED = r"^[-+(]?[$€£]?[-+]? ?[0-9][0-9.,' ]*[0-9]?\)? ?[%$€£kKmM]?\)?$"  # 1,200 or 12% or $5
_MOSTLY = 0.5


@dataclass(frozen=True)
class Oddity:
    """Why a column that looks like numbers holds none. kind: dressed (1,200), mixed, stored (as text).

    count: of the cells at fault; row: the first of them, from 0; shown: what stands there.
    """

    kind: str
    count: int
    row: int
    shown: str


@dataclass(frozen=True, eq=False)
class Column:
    """kind: number, text, date, empty or other. numbers: NaN is missing; without content unless kind is number.

    array: the cells as they were read (pyarrow).
    """

    name: str
    kind: str
    numbers: Floats
    array: Any
    oddity: Oddity | None = None

    @functools.cached_property
    def texts(self) -> list[str]:
        """Each cell as text, "" where it is missing; a whole number without a fraction, however it was stored."""
        import pyarrow

        if pyarrow.types.is_floating(self.array.type):
            return [
                "" if np.isnan(v) else f"{v:.0f}" if float(v).is_integer() else repr(float(v)) for v in self.numbers
            ]
        return ["" if value is None else str(value).strip() for value in self.array.to_pylist()]

    def distinct(self) -> int:
        """How many different values there are, a missing one included."""
        return len(set(self.texts)) if self.kind == "text" else int(np.unique(self.numbers).size)

    @property
    def unique(self) -> bool:
        """Whether every cell holds a value, and each another one."""
        texts = self.texts
        return "" not in texts and len(set(texts)) == len(texts)

    @property
    def binary(self) -> bool:
        return self.kind == "number" and bool(np.isin(self.numbers, (0, 1)).all())


def column(name: str, array: Any, *, from_text: bool) -> Column:
    """What a column holds. array: pyarrow's; from_text: whether all of its file is text, as in CSV."""
    import pyarrow

    types, kind = pyarrow.types, array.type
    if types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if types.is_null(kind) or array.null_count == len(array) > 0:
        return Column(name, "empty", np.empty(0), array)
    if types.is_string(kind) or types.is_large_string(kind):
        return _of_text(name, array, from_text=from_text)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Column(name, "number", _floats(array), array)
    return Column(name, "date" if types.is_temporal(kind) else "other", np.empty(0), array)


def _of_text(name: str, array: Any, *, from_text: bool) -> Column:
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(array.fill_null(""))
    missing = _is_in(cells, MISSING)
    number = _matches(cells, _NUMBER) | _matches(cells, _INFINITE)
    if missing.all():
        return Column(name, "empty" if len(array) else "text", np.empty(0), array)
    if from_text and (_matches(cells, _TRUTH) | missing).all():
        return Column(name, "number", np.where(missing, np.nan, _matches(cells, r"(?i)^true$")), array)
    if from_text and (number | missing).all():
        return Column(name, "number", _floats(pc.if_else(_arrow(missing), "nan", cells)), array)
    if (_matches(cells, _DATE) | missing).all():
        return Column(name, "date", np.empty(0), array)
    return Column(name, "text", np.empty(0), array, _odd(cells, number, missing))


def _odd(cells: Any, number: NDArray[np.bool_], missing: NDArray[np.bool_]) -> Oddity | None:
    """What makes text of a column that looks like numbers."""
    dressed = _matches(cells, _DRESSED)
    if (number | missing).all():
        return _oddity("stored", cells, number)
    if (number | dressed | missing).all():
        return _oddity("dressed", cells, dressed & ~number)
    if number.sum() > _MOSTLY * (~missing).sum():
        return _oddity("mixed", cells, ~missing & ~number)
    return None


def _oddity(kind: str, cells: Any, wrong: NDArray[np.bool_]) -> Oddity:
    row = int(np.argmax(wrong))
    return Oddity(kind, int(wrong.sum()), row, str(cells[row].as_py()))


def _floats(array: Any) -> Floats:
    found: Floats = array.cast("float64").to_numpy()
    return found


def _matches(cells: Any, pattern: str) -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    return np.asarray(pc.match_substring_regex(cells, pattern).to_numpy(), dtype=bool)


def _is_in(cells: Any, words: tuple[str, ...]) -> NDArray[np.bool_]:
    import pyarrow
    import pyarrow.compute as pc

    return np.asarray(pc.is_in(cells, value_set=pyarrow.array(words, cells.type)).to_numpy(), dtype=bool)


def _arrow(mask: NDArray[np.bool_]) -> Any:
    import pyarrow

    return pyarrow.array(mask)
