"""Whether a target.yaml's space names things that exist, and the file starts inside it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from harness import space
from harness.complaints import Faults, nearest, parsed, place, show
from harness.configfile import ConfigFile
from harness.documents import SPLICED_SUFFIXES, Document, escape, leaves
from harness.errors import ConfigError
from harness.space import Space
from harness.targetfile.proposing import kinds

KINDS = ("int", "float", "choice", "locked")
VALUE_CHANGERS = frozenset({"perturb", "search"})  # proposers that need a space


class SpaceCheck:
    """Checks one target's space against the content of its file."""

    def __init__(self, config: ConfigFile, file: str, content: bytes) -> None:
        self.config, self.file, self.content = config, file, content
        self.entries: Mapping[str, Mapping[str, Any]] = config.data.get("space", {})

    def space(self) -> Space:
        """The space: every entry means something, and the file starts inside it. Raises ConfigError(s)."""
        if posixpath.splitext(self.file)[1].lower() not in SPLICED_SUFFIXES:
            return self._unstructured()
        document = parsed(self.content, self.file)
        if not self.entries:
            for kind in VALUE_CHANGERS.intersection(kinds(self.config.data, "perturb")):
                what = f'the key "space" is missing: the proposer {kind} changes nothing else'
                raise self.config.error("", what, next_step=f"add: space: {{{_example(document)}}}")
            return Space()
        present = dict(leaves(document.data))
        with Faults() as faults:
            for pointer, entry in self.entries.items():
                faults.found += [*self._meaningless(pointer, entry), *self._missing(pointer, document, present)]
        found = space.from_config(self.entries)
        with Faults() as faults:
            faults.found += self._outside(found, document, present)
        if not found.free(document.data):
            raise self.config.error("/space", "leaves nothing to change: every value is locked or has one choice")
        return found

    def _unstructured(self) -> Space:
        what = f"{self.file} is neither YAML nor JSON"
        if self.entries:
            raise self.config.error("/space", f"{what}, and a space names values in such files", at_key=True)
        for kind in VALUE_CHANGERS.intersection(kinds(self.config.data)):
            raise self.config.error("/file", f"{what}, and the proposer {kind} changes values in such files")
        return Space()

    def _meaningless(self, pointer: str, entry: Mapping[str, Any]) -> Iterator[ConfigError]:
        """What contradicts itself within one entry."""
        where = f"/space/{escape(pointer)}"
        kinds = [kind for kind in KINDS if kind in entry]
        if len(kinds) != 1:
            what = f"exactly one of {', '.join(KINDS)} is needed, found {' and '.join(kinds) or 'none'}"
            yield self.config.error(where, what)
            return
        extras = [key for key in ("scale", "sign") if key in entry]
        if kinds[0] in {"choice", "locked"}:
            for key in extras:
                yield self.config.error(f"{where}/{key}", f"belongs to int and float, not {kinds[0]}", at_key=True)
            return
        low, high = entry[kinds[0]]
        if low > high:
            cure = f"{kinds[0]}: [{high}, {low}]"
            yield self.config.error(
                f"{where}/{kinds[0]}", f"the lowest, {low}, is above the highest, {high}", next_step=cure
            )
        elif (entry.get("sign") == "+" and high < 0) or (entry.get("sign") == "-" and low > 0):
            yield self.config.error(f"{where}/sign", f"sign {entry['sign']} leaves nothing of [{low}, {high}]")
        elif entry.get("scale") == "log" and low <= 0:
            yield self.config.error(f"{where}/{kinds[0]}/0", f"scale: log needs bounds above 0, found {low}")

    def _missing(self, pointer: str, document: Document, present: Mapping[str, Any]) -> Iterator[ConfigError]:
        parts = pointer.split("/")
        if any(_reaches(parts, leaf) for leaf in present):
            return
        wider = [f"{leaf.rpartition('/')[0]}/*" for leaf in present if "/" in leaf]
        if pointer in document.spans and f"{pointer}/*" in wider:
            hint = f"; it holds several: did you mean {show(f'{pointer}/*')}?"
        elif "*" in parts:
            hint = nearest(pointer, dict.fromkeys([*wider, *present]))
        else:
            hint = nearest(pointer, present)
        have = ", ".join(list(present)[:8]) + (", ..." if len(present) > 8 else "")
        hint = hint or f"; its leaves: {have if have else 'none'}"
        yield self.config.error(f"/space/{escape(pointer)}", f"{self.file} has no such leaf{hint}", at_key=True)

    def _outside(self, found: Space, document: Document, present: Mapping[str, Any]) -> Iterator[ConfigError]:
        """Values of the unchanged file that its own space forbids."""
        for pointer, value in present.items():
            allowed = found.allowed(pointer)
            problem = "" if allowed is None or allowed.kind == "locked" else allowed.problem(value)
            if problem:
                what = f"{show(value)} {problem} (space of {self.config.data['name']})"
                yield ConfigError(place(self.file, document, pointer), what)


def _example(document: Document) -> str:
    """A first space for this file."""
    for pointer, value in leaves(document.data):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9:
            kind = "int" if isinstance(value, int) else "float"
            return f"{pointer}: {{{kind}: [{min(0, round(2 * value))}, {max(10, round(2 * value))}]}}"
    return "/key: {int: [0, 10]}"


def _reaches(parts: list[str], leaf: str) -> bool:
    segments = leaf.split("/")
    return len(parts) == len(segments) and all(p in ("*", s) for p, s in zip(parts, segments, strict=True))
