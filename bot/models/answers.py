"""Answers that an evaluator was given and that are paid for, on the disk as soon as they are there.

One JSON object a line: {"asked": hash of the prompt, "answer": ..}. A line that a kill cut is nobody's answer.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from bot.models import wire
from bot.models.messages import Answer


class Answers:
    """again: whether one answer serves every time that the same is asked; else each that an earlier life of this
    process left is given out once, and nothing of this life."""

    def __init__(self, path: Path, *, again: bool) -> None:
        self._path, self._again = path, again
        self._known: dict[str, list[Answer]] = defaultdict(list)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in path.read_bytes().splitlines() if path.exists() else []:
            if entry := _entry(line):
                self._known[entry[0]].append(entry[1])
        self.earlier = [answer for found in self._known.values() for answer in found]

    def find(self, asked: str) -> Answer | None:
        """Free: whoever asks has paid for it before."""
        found = self._known.get(asked)
        if not found:
            return None
        return found[0] if self._again else found.pop(0)

    def keep(self, asked: str, answer: Answer) -> None:
        """Raises OSError."""
        if self._again:
            self._known[asked].append(answer)
        line = wire.canonical({"asked": asked, "answer": wire.answer_data(answer)})
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
            file.write(b"\n" + line + b"\n")  # an empty line before it: a cut one spoils none that follows
            file.flush()
            os.fsync(file.fileno())


def _entry(line: bytes) -> tuple[str, Answer] | None:
    try:
        data: dict[str, Any] = json.loads(line)
        return data["asked"], wire.answer_from(data["answer"])
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None
