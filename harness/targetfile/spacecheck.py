"""Whether a target.yaml's space names things that exist, and the file starts inside it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from harness import configfile
from harness.configfile import ConfigFile
from harness.documents import SPLICED_SUFFIXES, Document, ParseProblem, leaves, parse
from harness.errors import ConfigError
from harness.target import Target


class SpaceCheck:
    """Checks one target's space against the content of its file."""

    def __init__(self, config: ConfigFile, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self.config, self.entries = config, entries

    def check(self, target: Target, content: bytes) -> None:
        """The space names things that exist, and the file starts inside it."""
        if not target.space:
            if target.proposer == "perturb":
                raise self.config.error(
                    "",
                    "proposer perturb needs a space: what may change",
                    next_step="add: space: {/key: {int: [0, 10]}}",
                )
            return
        if posixpath.splitext(target.file)[1].lower() not in SPLICED_SUFFIXES:
            raise self.config.error("/space", f"a space is for YAML and JSON, and {target.file} is neither")
        self._bounds()
        document = self._document(target.file, content)
        present = dict(leaves(document.data))
        for pointer in self.entries:
            matching = [leaf for leaf in present if target.space.rules and _reaches(pointer, leaf)]
            if not matching:
                hint = configfile.nearest(pointer, present) or f"; its leaves: {', '.join(list(present)[:8])}"
                raise self.config.error(_space_key(pointer), f"{target.file} has no such leaf{hint}")
        self._start(target, document, present)

    def _bounds(self) -> None:
        for pointer, entry in self.entries.items():
            kinds = [kind for kind in ("int", "float", "choice", "locked") if kind in entry]
            if len(kinds) != 1:
                raise self.config.error(_space_key(pointer), "exactly one of int, float, choice and locked is needed")
            if kinds[0] in {"choice", "locked"}:
                continue
            low, high = entry[kinds[0]]
            if low > high:
                raise self.config.error(_space_key(pointer), f"the lowest, {low}, is above the highest, {high}")
            if entry.get("scale") == "log" and low <= 0:
                raise self.config.error(_space_key(pointer), f"scale: log needs bounds above 0, found {low}")
            if (entry.get("sign") == "+" and high < 0) or (entry.get("sign") == "-" and low > 0):
                raise self.config.error(_space_key(pointer), f"sign {entry['sign']} leaves nothing of [{low}, {high}]")

    def _start(self, target: Target, document: Document, present: Mapping[str, Any]) -> None:
        for pointer, value in present.items():
            allowed = target.space.allowed(pointer)
            if allowed is None or allowed.kind == "locked":
                continue
            problem = allowed.problem(value)
            if problem:
                place = configfile.place(target.file, document, pointer)
                raise ConfigError(place, f"{value!r} {problem} (space of {target.name})")
        if not target.space.free(document.data):
            raise self.config.error("/space", "leaves nothing to change: every value is locked or has one choice")

    def _document(self, file: str, content: bytes) -> Document:
        try:
            return parse(content, file)
        except ParseProblem as problem:
            raise ConfigError(problem.place(file), problem.what) from None


def _space_key(pointer: str) -> str:
    return "/space/" + pointer.replace("~", "~0").replace("/", "~1")


def _reaches(pattern: str, leaf: str) -> bool:
    parts, segments = pattern.split("/"), leaf.split("/")
    return len(parts) == len(segments) and all(p in ("*", s) for p, s in zip(parts, segments, strict=True))
