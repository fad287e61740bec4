"""The final diff by operations: each kept experiment is a unit, whatever it touched.

A unit's change is against the incumbent before it, by identity, so that any choice of units can be made on the base, in
the base's own style. Operations that cannot be told apart are one unit: see `harness.apart`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from harness.apart import Apart
from harness.documents import ParseProblem, Scalar, leaves, parse, splice
from harness.documents.change import Change
from harness.documents.identity import changes, same, words
from harness.documents.jsonstyle import rewritten


class Operations:
    """See `harness.rows.Diff`. Raises ValueError where the contents are not the data of one file all along, and where
    YAML changes in more than the values of the same leaves; ParseProblem."""

    def __init__(self, base: bytes, history: Sequence[bytes], head: bytes, name: str) -> None:
        self._name, self._text, self._head = name, base.decode(), head
        self._document = parse(base, name)
        if isinstance(self._document.data, str):
            raise ValueError("plain text has no operations")
        contents = [base, *history]
        if contents[-1] != head:
            raise ValueError("the history does not lead to the head")
        data = [self._document.data, *(self._read(content) for content in history)]
        self._final = data[-1]
        self._apart = Apart(data[0], [changes(before, after) for before, after in pairwise(data)])
        self._fed = dict(zip(pairwise(contents), range(len(history)), strict=True))
        if not self._apart.units:
            raise ValueError("nothing is changed in the end")
        if not self._is_json:
            for unit in range(len(self._apart.units)):
                self.content([unit])  # what cannot be written raises

    def changes(self) -> list[str]:
        """Each unit in words."""
        base, last = self._document.data, self._final
        return [words(alone, base, self._apart.made([unit]), last) for unit, alone in enumerate(self._alone)]

    def kinds(self) -> list[str]:
        """What sort of change each unit is, so that those alike are joined first."""
        return [_shape(alone[0]) for alone in self._alone]

    def content(self, units: Iterable[int]) -> bytes:
        """The base with only these units applied, in the order in which they were found."""
        wanted = set(units)
        if not wanted:
            return self._text.encode()
        return self._head if len(wanted) == len(self._apart.units) else self._written(self._apart.made(wanted))

    def touched(self, before: bytes, after: bytes) -> set[int]:
        """Which unit a kept experiment became."""
        step = self._fed.get((before, after))
        return {index for index, unit in enumerate(self._apart.units) if step in unit}

    def units_in(self, made: bytes) -> tuple[int, ...] | None:
        """The units that give this content; None if none do."""
        try:
            present = self._apart.present(parse(made, self._name).data)
        except ParseProblem:
            return None
        return present if self.content(present) == made else None

    @cached_property
    def _alone(self) -> list[tuple[Change, ...]]:
        return [self._apart.alone(unit) for unit in range(len(self._apart.units))]

    def _read(self, content: bytes) -> Any:
        """Data of a content that was measured, so that it was parsed with limits before; ten times as fast as that."""
        try:
            return json.loads(content) if self._is_json else parse(content, self._name).data
        except RecursionError:
            raise ValueError("nested too deeply") from None

    @property
    def _is_json(self) -> bool:
        return self._name.lower().endswith(".json")

    def _written(self, data: Any) -> bytes:
        """In the style of the base."""
        if self._is_json:
            return rewritten(data, self._text).encode()
        before, after = dict(leaves(self._document.data)), dict(leaves(data))
        if before.keys() != after.keys():
            raise ValueError("leaves were added or removed")
        changed: dict[str, Scalar] = {p: value for p, value in after.items() if not same(value, before[p])}
        return splice(self._text, self._document, changed, self._name).encode()


def _shape(change: Change) -> str:
    """containerVersion/tag/consentSettings: where a change is made, in whichever thing."""
    return "/".join(step for step in change.path if isinstance(step, str))
