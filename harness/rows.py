"""Rows: the final diff in parts that a human can read, judge and take out one by one.

A row's unit is a leaf (YAML, JSON), a hunk (anything), or an operation, which is a kept experiment (YAML, JSON). Leaves
are sorted by path, operations as they were kept; a line of Python that gives a name another literal value is a hunk by
itself. Of too many units, those that share the most experiments are merged, then those alike. Any subset of rows has a
content of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness import assignments
from harness.documents import ParseProblem, Scalar, leaves, parse, splice, unescape
from harness.operations import Operations

Hunk = tuple[int, int, int, int]  # base lines [i1, i2) become head lines [j1, j2)


@dataclass(frozen=True)
class Group:
    """units: indexes into the diff's units; change: in words; experiments: kept ones that fed it, in order."""

    units: tuple[int, ...]
    change: str
    experiments: tuple[int, ...]


class Diff(Protocol):
    """The difference of two contents, in units that can be applied one by one."""

    def changes(self) -> list[str]:
        """Each unit in words."""
        ...

    def content(self, units: Iterable[int]) -> bytes:
        """The base with only these units applied."""
        ...

    def kinds(self) -> list[str]:
        """What sort of change each unit is; units that have no sort are all of one."""
        ...

    def touched(self, before: bytes, after: bytes) -> set[int]:
        """Which units a step on the way (a kept experiment) fed."""
        ...


def difference(base: bytes, head: bytes, name: str, unit: str, history: Sequence[tuple[int, bytes]] = ()) -> Diff:
    """By leaves where that is asked for and the contents differ in leaf values alone; by operations where that is asked
    for and each can be made on the base; else by hunks of lines. history: as for `groups`; it ends at the head."""
    try:
        if unit == "leaf":
            return _Leaves(base, head, name)
        if unit == "operation":
            return Operations(base, [content for _, content in history], head, name)
    except (ParseProblem, ValueError):
        pass
    return _Hunks(base, head, name)


def groups(diff: Diff, history: Sequence[tuple[int, bytes]], base: bytes, most: int) -> list[Group]:
    """The rows of a diff. history: the kept experiments' numbers and contents, in order."""
    fed: list[set[int]] = [set() for _ in diff.changes()]
    before = base
    for experiment, content in history:
        for unit in diff.touched(before, content):
            fed[unit].add(experiment)
        before = content
    merged = [([index], numbers) for index, numbers in enumerate(fed)]
    kinds = diff.kinds()
    while len(merged) > most:
        one, other = _closest(merged, kinds)
        united = (merged[one][0] + merged[other][0], merged[one][1] | merged[other][1])
        merged = [united if at == one else group for at, group in enumerate(merged) if at != other]
    changes = diff.changes()
    return [Group(tuple(u), "; ".join(changes[i] for i in u), tuple(sorted(numbers))) for u, numbers in merged]


def _closest(merged: Sequence[tuple[list[int], set[int]]], kinds: Sequence[str]) -> tuple[int, int]:
    """Which two to merge next: of units of a kind any two, the smallest; of others neighbours."""
    sorted_out = any(kinds)
    count = len(merged)
    pairs = (
        (i, j) for i in range(count) for j in (range(i + 1, count) if sorted_out else range(i + 1, i + 2)) if j < count
    )

    def nearness(pair: tuple[int, int]) -> tuple[int, bool, int]:
        (units, fed), (others, theirs) = merged[pair[0]], merged[pair[1]]
        alike = {kinds[unit] for unit in units} == {kinds[unit] for unit in others}
        return len(fed & theirs), alike, -(len(units) + len(others)) if sorted_out else 0

    return max(pairs, key=nearness)


def join(one: Group, other: Group) -> Group:
    """Two rows as one."""
    experiments = tuple(sorted({*one.experiments, *other.experiments}))
    return Group(tuple(sorted((*one.units, *other.units))), f"{one.change}; {other.change}", experiments)


def line_counts(before: bytes, after: bytes) -> tuple[int, int]:
    """Lines added and removed."""
    matcher = difflib.SequenceMatcher(None, _lines(before), _lines(after), autojunk=False)
    blocks = matcher.get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(_lines(after)) - same, len(_lines(before)) - same


class _Leaves:
    """Raises ValueError where the contents differ in anything but the values of the same leaves."""

    def __init__(self, base: bytes, head: bytes, name: str) -> None:
        self._name, self._text = name, base.decode()
        self._document = parse(base, name)
        if isinstance(self._document.data, str):
            raise ValueError("plain text has no leaves")
        self._before = dict(leaves(self._document.data))
        after = dict(leaves(parse(head, name).data))
        if list(self._before) != list(after):
            raise ValueError("leaves were added or removed")
        self._after = after
        changed = [p for p, value in after.items() if not _same(value, self._before[p])]
        self._pointers = sorted(changed, key=_natural)
        if self.content(range(len(self._pointers))) != head:
            raise ValueError("more than values changed")

    def changes(self) -> list[str]:
        return [f"{_label(p)}: {_value(self._before[p])} -> {_value(self._after[p])}" for p in self._pointers]

    def content(self, units: Iterable[int]) -> bytes:
        wanted: dict[str, Scalar] = {self._pointers[unit]: self._after[self._pointers[unit]] for unit in units}
        return splice(self._text, self._document, wanted, self._name).encode()

    def kinds(self) -> list[str]:
        return [""] * len(self._pointers)

    def touched(self, before: bytes, after: bytes) -> set[int]:
        one = dict(leaves(parse(before, self._name).data))
        other = dict(leaves(parse(after, self._name).data))
        return {i for i, p in enumerate(self._pointers) if not _same(one.get(p), other.get(p))}


def hunks(base: Sequence[bytes], head: Sequence[bytes], name: str) -> list[Hunk]:
    """Where two files' lines differ. In Python, lines that do no more than give names other values are one each."""
    found: list[Hunk] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, base, head, autojunk=False).get_opcodes():
        if kind != "equal":
            single = [(i, i + 1, j, j + 1) for i, j in zip(range(i1, i2), range(j1, j2), strict=False)]
            apart = i2 - i1 == j2 - j1 and all(_constant(base, head, line, name) for line in single)
            found += single if apart else [(i1, i2, j1, j2)]
    return found


def _constant(base: Sequence[bytes], head: Sequence[bytes], hunk: Hunk, name: str) -> str:
    i1, i2, j1, j2 = hunk
    single = name.endswith(".py") and (i2 - i1, j2 - j1) == (1, 1)
    return assignments.revalued(base[i1], head[j1]) if single else ""


class _Hunks:
    def __init__(self, base: bytes, head: bytes, name: str) -> None:
        self._base, self._head, self._name = _lines(base), _lines(head), name
        self._hunks = hunks(self._base, self._head, name)

    def changes(self) -> list[str]:
        return [_constant(self._base, self._head, hunk, self._name) or self._words(hunk) for hunk in self._hunks]

    def content(self, units: Iterable[int]) -> bytes:
        wanted, parts, at = set(units), [], 0
        for index, (i1, i2, j1, j2) in enumerate(self._hunks):
            parts += self._base[at:i1]
            parts += self._head[j1:j2] if index in wanted else self._base[i1:i2]
            at = i2
        return b"".join([*parts, *self._base[at:]])

    def kinds(self) -> list[str]:
        return [""] * len(self._hunks)

    def touched(self, before: bytes, after: bytes) -> set[int]:
        step = _Hunks(before, after, self._name)
        removed = {line for i1, i2, _, _ in step._hunks for line in step._base[i1:i2]}
        added = {line for _, _, j1, j2 in step._hunks for line in step._head[j1:j2]}
        return {
            index
            for index, (i1, i2, j1, j2) in enumerate(self._hunks)
            if removed & set(self._base[i1:i2]) or added & set(self._head[j1:j2])
        }

    def _words(self, hunk: Hunk) -> str:
        i1, i2, j1, j2 = hunk
        line = next((line for line in [*self._head[j1:j2], *self._base[i1:i2]] if line.strip()), b"blank lines")
        verb = "remove" if j1 == j2 else "add" if i1 == i2 else "line"
        return f"{verb} {i1 + 1}: {line.decode(errors='replace').strip()[:60]}"


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _label(pointer: str) -> str:
    segments = [unescape(segment) for segment in pointer.split("/")[1:]]
    return "/".join(segments[-2:] if segments[-1].isdecimal() else segments[-1:])


def _value(value: Scalar) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _natural(pointer: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[/]|(\d+)", pointer) if part]
