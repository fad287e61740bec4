"""What an answer of a provider says that it took, in the shapes of Anthropic and OpenAI, whole or as a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.models.messages import Usage

_LINE = 4 << 20  # bytes of an event that may tell the usage; longer ones tell text
_ENDS = {"message_stop", "response.completed", "response.incomplete", "response.failed"}


class Counter:
    """Reads an answer as it passes. stream: server-sent events, else one JSON document."""

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._rest = bytearray()
        self._told: dict[str, Any] = {}
        self._ended = False

    def read(self, chunk: bytes) -> None:
        self._rest += chunk
        if self._stream:
            *lines, rest = self._rest.split(b"\n")
            self._rest = rest if len(rest) <= _LINE else bytearray(b":")  # a comment: what is too long is passed over
            for line in lines:
                self._line(bytes(line))

    def usage(self) -> Usage | None:
        """None where the answer did not come to its end, or told none."""
        if not self._stream:
            self._told, self._ended = _within(_parsed(bytes(self._rest))), True
        return _usage(self._told) if self._ended else None

    def _line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name != b"data":
            return
        if value.strip() == b"[DONE]":
            self._ended = True
            return
        event = _parsed(value)
        self._ended |= event.get("type") in _ENDS
        for holder in (event, event.get("message"), event.get("response")):
            self._told |= {name: count for name, count in _within(holder).items() if count is not None}


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _within(holder: object) -> dict[str, Any]:
    found = holder.get("usage") if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _usage(told: Mapping[str, Any]) -> Usage | None:
    """Anthropic counts what the cache read and wrote apart from the input, OpenAI within it."""
    total = _count(told, "input_tokens", "prompt_tokens")
    output = _count(told, "output_tokens", "completion_tokens")
    if total is None or output is None:
        return None
    details = told.get("input_tokens_details") or told.get("prompt_tokens_details")
    if isinstance(details, dict):
        cached, wrote = (_count(details, name) or 0 for name in ("cached_tokens", "cache_write_tokens"))
        return Usage(max(0, total - cached - wrote), output, cached, wrote)
    read, wrote = (_count(told, name) or 0 for name in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    return Usage(total, output, read, wrote)


def _count(told: Mapping[str, Any], *names: str) -> int | None:
    found = next((told[name] for name in names if name in told), None)
    return found if type(found) is int and found >= 0 else None
