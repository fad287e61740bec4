"""Anthropic's Messages: the answer is the call of a strict tool, streamed so that a long one outlives no time limit."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import anthropic

from bot.models import wire
from bot.models.messages import Part, Prompt, Turn, Usage
from bot.models.prices import Price
from bot.models.providers import Reply, Trouble, bound, failures

_BREAKPOINTS = 4
_BYTES_PER_TOKEN = 3  # of a prefix that is held against the least that is cached; text and code have three to five
_ENDS = {"max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "refused"}


class Anthropic:
    """price: of a model; without one nothing is asked of it."""

    def __init__(self, key: str, base_url: str, timeout: float, price: Mapping[str, Price]) -> None:
        self._client = anthropic.Anthropic(
            api_key=key or "none", base_url=base_url or "https://api.anthropic.com", max_retries=0, timeout=timeout,
            http_client=anthropic.DefaultHttpxClient(follow_redirects=False),
        )  # fmt: skip
        self._timeout = timeout
        self._price = price
        self._unforced = {model for model, its in price.items() if not its.forced_tool}

    def input_bound(self, prompt: Prompt) -> int:
        return bound(wire.canonical(self._request(prompt)), len(prompt.turns))

    def send(self, prompt: Prompt) -> Reply:
        """A model that does not let a tool be forced says so with an error; it is asked again without."""
        try:
            return self._send(self._request(prompt))
        except Trouble as trouble:
            if trouble.outcome != "rejected" or "tool_choice" not in trouble.why or prompt.model in self._unforced:
                raise
        self._unforced.add(prompt.model)
        return self._send(self._request(prompt))

    def _send(self, request: Mapping[str, Any]) -> Reply:
        heard = _Heard()
        try:
            with self._client.messages.create(**request, stream=True) as stream:
                late = threading.Timer(self._timeout, stream.close)  # pings keep a connection alive for ever
                late.daemon = True
                late.start()
                try:
                    for event in stream:
                        heard.take(event)
                finally:
                    late.cancel()
        except anthropic.APIStatusError as error:
            raise _trouble(error, heard.usage) from None
        except Exception as error:  # noqa: BLE001  the client's own, its HTTP library's, or what no JSON raises
            raise failures.from_connection(error, heard.usage) from None
        return heard.reply()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        tool = {"name": prompt.tool, "description": prompt.about, "input_schema": prompt.schema, "strict": True}
        forced = {"type": "tool", "name": prompt.tool, "disable_parallel_tool_use": True}
        marks = self._breakpoints(prompt, len(wire.canonical(tool)))
        system = [_text(part, ("system", index) in marks) for index, part in enumerate(prompt.system) if part.text]
        messages = [
            {"role": turn.role, "content": _content(prompt, turns, turn, marks)}
            for turns, turn in enumerate(prompt.turns)
        ]
        request = {
            "model": prompt.model, "max_tokens": prompt.max_tokens, "messages": messages, "tools": [tool],
            "tool_choice": {"type": "auto"} if prompt.model in self._unforced else forced,
        }  # fmt: skip
        return {**request, "system": system} if system else request

    def _breakpoints(self, prompt: Prompt, tools: int) -> set[tuple[str | int, int]]:
        """Which parts end a cached prefix: those that ask for it and are long enough, at most four; the first of them
        is the steadiest, the last ones save most."""
        price = self._price.get(prompt.model)
        least = (price.cache_minimum if price else 0) * _BYTES_PER_TOKEN
        size, found = tools, list[tuple[str | int, int]]()
        places: list[tuple[str | int, tuple[Part, ...]]] = [("system", prompt.system)]
        for name, parts in places + [(index, turn.parts) for index, turn in enumerate(prompt.turns)]:
            for index, part in enumerate(parts):
                size += len(part.text.encode("utf-8", "surrogatepass"))
                if part.cached and part.text and size >= least:
                    found.append((name, index))
        return set(found if len(found) <= _BREAKPOINTS else [found[0], *found[1 - _BREAKPOINTS :]])


def _content(prompt: Prompt, number: int, turn: Turn, marks: set[tuple[str | int, int]]) -> list[dict[str, Any]]:
    said = [_text(part, (number, index) in marks) for index, part in enumerate(turn.parts) if part.text]
    if turn.value is not None:
        call = {"type": "tool_use", "id": f"toolu_{number:06}", "name": prompt.tool, "input": turn.value}
        return [*said, call]
    before = prompt.turns[number - 1] if number else None
    if before is not None and before.value is not None:
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number - 1:06}", "content": "Received."}
        return [result, *said]
    return said


def _text(part: Part, breakpoint_here: bool) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": part.text}
    return {**block, "cache_control": {"type": "ephemeral"}} if breakpoint_here else block


class _Heard:
    """What a stream has said so far. usage: None until the provider tells of any."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._text: list[str] = []
        self._arguments: list[str] | None = None
        self._stop = ""
        self._whole = False

    def take(self, event: Any) -> None:
        if event.type == "message_start":
            self.usage = _usage(event.message.usage, Usage())
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            self._arguments = []
        elif event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                self._text.append(event.delta.text)
            elif event.delta.type == "input_json_delta" and self._arguments is not None:
                self._arguments.append(event.delta.partial_json)
        elif event.type == "message_delta":
            self._stop = event.delta.stop_reason or self._stop
            self.usage = _usage(event.usage, self.usage or Usage())
        elif event.type == "message_stop":
            self._whole = True

    def reply(self) -> Reply:
        if not self._whole:
            raise failures.from_connection(EOFError("the stream ended early"), self.usage)
        arguments = None if self._arguments is None else "".join(self._arguments) or "{}"
        ended: Any = _ENDS.get(self._stop, "done")
        return Reply(ended, arguments, "".join(self._text), self.usage, {"stop_reason": self._stop})


def _usage(found: Any, before: Usage) -> Usage:
    """Counts are cumulative; what an event does not tell stays as it was."""

    def told(name: str, known: int) -> int:
        value = getattr(found, name, None)
        return known if value is None else max(0, int(value))

    return Usage(
        told("input_tokens", before.input), told("output_tokens", before.output),
        told("cache_read_input_tokens", before.cache_read), told("cache_creation_input_tokens", before.cache_write),
    )  # fmt: skip


def _trouble(error: anthropic.APIStatusError, usage: Usage | None) -> Trouble:
    body = error.body if isinstance(error.body, Mapping) else {}
    inner = body.get("error")
    said = inner if isinstance(inner, Mapping) else {}
    message = str(said.get("message") or error.message)
    if error.status_code < 300:  # the error came as an event of a stream that began well
        return failures.from_stream(str(said.get("type", "")), message, usage)
    return failures.from_status(error.status_code, error.response.headers, message)
