"""Entities in full, as JSON in a line each, as many as there is room for. Nobody sees what a secret is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.models.redaction import REMOVED
from bot.proposers.mind.fence import begins
from harness.scorers.gtm.entities import Entity

LONG = 1_200  # characters of one text, such as code
CUT = re.compile(r"\[\.\.\. [\d,]+ more characters\]")  # what stands where a longer text was cut
_OWNERS = frozenset({"accountId", "containerId", "fingerprint", "path", "tagManagerUrl", "workspaceId"})


class Full:
    """secrets: pointers of texts that stay hidden; room: bytes. left: how many had none of it; long: texts that were
    cut."""

    def __init__(self, secrets: frozenset[str], room: int) -> None:
        self._secrets, self.room = secrets, room
        self.left = self.long = 0
        self.shown: set[Entity] = set()

    def text(self, entities: Iterable[Entity]) -> str:
        return "\n".join(self.lines(entities)) or "none"

    def lines(self, entities: Iterable[Entity]) -> Iterator[str]:
        for one in entities:
            line, long = in_full(one, self._secrets)
            size = len(line.encode()) + 1
            if size > self.room:
                self.left += 1
                continue
            self.room -= size
            self.long += long
            self.shown.add(one)
            yield line


def in_full(one: Entity, secrets: frozenset[str] = frozenset()) -> tuple[str, int]:
    """An entity in one line, without what belongs to its account; and how many of its texts were cut."""
    mine = {key: value for key, value in one.data.items() if key not in _OWNERS}
    cut = _Cut(secrets)
    shown = json.dumps(cut.of(mine, one.pointer), ensure_ascii=False, separators=(",", ":"))
    return f"{one.kind} {one.id} {shown}", cut.count


class _Cut:
    def __init__(self, secrets: frozenset[str]) -> None:
        self._secrets, self.count = secrets, 0

    def of(self, value: Any, pointer: str) -> Any:
        if pointer in self._secrets:
            return REMOVED
        if isinstance(value, Mapping):
            return {key: self.of(inner, f"{pointer}/{key}") for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, f"{pointer}/{n}") for n, inner in enumerate(value)]
        if isinstance(value, str) and len(value) > LONG:
            self.count += 1
            return begins(value, LONG // 2)
        return value
