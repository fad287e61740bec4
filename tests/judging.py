"""A provider that both proposes by a script and sorts messages: better the more its instructions say, never quite the
same twice."""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.scripted import USAGE, Answer, Scripted

JUDGED = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
JUDGED_USD = (100 * 1 + 10 * 5) / 1e6  # at 1 and 5 dollars per million tokens
PROPOSED_USD = (USAGE["prompt_tokens"] * 1 + USAGE["completion_tokens"] * 5) / 1e6


def luck(text: str) -> int:
    """0 to 99, the same everywhere."""
    return zlib.crc32(text.encode()) % 100


class Judge(Scripted):
    """right: message -> its intent. asked: (system, message) of every question of an evaluator, in order. fault: the
    status that a question with these instructions gets; dear: by how much its answer is dearer."""

    def __init__(
        self, answer: Answer, right: Mapping[str, str], fault: Callable[[str], int] = lambda _: 200,
        dear: Callable[[str], int] = lambda _: 1,
    ) -> None:  # fmt: skip
        super().__init__(answer)
        self.right, self.fault, self.dear = right, fault, dear
        self.asked: list[tuple[str, str]] = []
        self._times = Counter[tuple[str, str]]()
        self._turn = threading.Lock()

    @property
    def proposals(self) -> int:
        return len(self.bodies) - len(self.asked)

    def _status(self, body: str) -> int:
        return self.fault(_said(body)[0]) if _of_an_evaluator(body) else 200

    def _reply(self, body: str, key: str) -> list[dict[str, Any]]:
        if not _of_an_evaluator(body):
            return super()._reply(body, key)
        system, message = _said(body)
        with self._turn:
            self.bodies.append(body)
            self.keys.append(key)
            self.asked.append((system, message))
            self._times[system, message] += 1
            times = self._times[system, message]
        intent = self._intent(system, message, times)
        call = {"name": "reply", "arguments": json.dumps({"intent": intent})}
        said = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": call}]}
        return [
            {"choices": [{"index": 0, "delta": {"role": "assistant", **said}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {"choices": [], "usage": {name: tokens * self.dear(system) for name, tokens in JUDGED.items()}},
        ]

    def _intent(self, system: str, message: str, times: int) -> str:
        """Whoever is told of an intent gets most of its messages right; a few are answered otherwise every time."""
        intent = self.right[message]
        known = luck(message) < (78 if f"{intent}:" in system else 35)
        unsure = luck(message) >= 82 and times % 2 == 0
        return intent if known or unsure else "product" if intent != "product" else "billing"


def _said(body: str) -> tuple[str, str]:
    messages = json.loads(body)["messages"]
    return "".join(one["content"] for one in messages if one["role"] == "system"), messages[-1]["content"]


def _of_an_evaluator(body: str) -> bool:
    return '"name":"reply"' in body.replace(" ", "")
