"""OpenAI's Chat Completions, as many servers speak them: the answer is a tool's call, or JSON of a schema."""

from __future__ import annotations

import json
import threading
from typing import Any, Literal

import openai

from bot.models import wire
from bot.models.messages import Prompt, Turn, Usage
from bot.models.providers import Reply, bound, failures

_OWN = "https://api.openai.com/v1"
_SHOWN = "\nThere is no tool to call here. Answer with one JSON object of this schema, and with nothing else:\n"


class OpenAI:
    def __init__(self, key: str, base_url: str, timeout: float, answers: Literal["tool", "schema"]) -> None:
        self._client = openai.OpenAI(
            api_key=key or "none", base_url=base_url or _OWN, max_retries=0, timeout=timeout,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )  # fmt: skip
        self._timeout = timeout
        self._schema = answers == "schema"
        own = base_url in ("", _OWN)
        # OpenAI's own models take the newer name only, most other servers the older one only
        self._limit = "max_completion_tokens" if own else "max_tokens"
        # servers of local weights hold the model to a schema that it never sees, with all that is described in it
        self._unseen = self._schema and not own

    def input_bound(self, prompt: Prompt) -> int:
        return bound(wire.canonical(self._request(prompt)), len(prompt.turns))

    def send(self, prompt: Prompt) -> Reply:
        heard = _Heard(self._schema)
        try:
            with self._client.chat.completions.create(
                **self._request(prompt), stream=True, stream_options={"include_usage": True}
            ) as stream:
                late = threading.Timer(self._timeout, stream.close)
                late.daemon = True
                late.start()
                try:
                    for chunk in stream:
                        heard.take(chunk)
                finally:
                    late.cancel()
        except openai.APIStatusError as error:
            raise failures.from_status(error.status_code, error.response.headers, error.message) from None
        except openai.APIConnectionError as error:
            raise failures.from_connection(error, heard.usage) from None
        except openai.APIError as error:
            raise failures.from_stream(str(error.type or ""), error.message, heard.usage) from None
        except Exception as error:  # noqa: BLE001  the client's own, its HTTP library's, or what no JSON raises
            raise failures.from_connection(error, heard.usage) from None
        return heard.reply()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        messages = [message for number in range(len(prompt.turns)) for message in self._messages(prompt, number)]
        system = "".join(part.text for part in prompt.system)
        if self._unseen:
            system += _SHOWN + json.dumps(prompt.schema)
        if system:
            messages.insert(0, {"role": "system", "content": system})
        request = {"model": prompt.model, "messages": messages, self._limit: prompt.max_tokens}
        return {**request, **(_by_schema(prompt) if self._schema else _by_tool(prompt))}

    def _messages(self, prompt: Prompt, number: int) -> list[dict[str, Any]]:
        turn = prompt.turns[number]
        text = "".join(part.text for part in turn.parts)
        if turn.value is not None:
            return [self._called(prompt, turn, number, text)]
        before = prompt.turns[number - 1] if number else None
        said = {"role": turn.role, "content": text}
        if before is not None and before.value is not None and not self._schema:
            return [{"role": "tool", "tool_call_id": f"call_{number - 1:06}", "content": "Received."}, said]
        return [said]

    def _called(self, prompt: Prompt, turn: Turn, number: int, text: str) -> dict[str, Any]:
        arguments = json.dumps(turn.value, ensure_ascii=False)
        if self._schema:
            return {"role": "assistant", "content": arguments}
        call = {"name": prompt.tool, "arguments": arguments}
        calls = [{"id": f"call_{number:06}", "type": "function", "function": call}]
        return {"role": "assistant", "content": text or None, "tool_calls": calls}


def _by_tool(prompt: Prompt) -> dict[str, Any]:
    function = {"name": prompt.tool, "description": prompt.about, "parameters": prompt.schema, "strict": True}
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": prompt.tool}},
    }


def _by_schema(prompt: Prompt) -> dict[str, Any]:
    asked = {"name": prompt.tool, "description": prompt.about, "schema": prompt.schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": asked}}


class _Heard:
    """What a stream has said so far. usage: None until the provider tells of any, which it does at the end."""

    def __init__(self, schema: bool) -> None:
        self.usage: Usage | None = None
        self._schema = schema
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._stop = ""

    def take(self, chunk: Any) -> None:
        if chunk.usage is not None:
            self.usage = _usage(chunk.usage)
        for choice in chunk.choices[:1]:
            self._stop = choice.finish_reason or self._stop
            delta = choice.delta
            self._text.append(delta.content or "")
            self._refusal.append(getattr(delta, "refusal", None) or "")
            for call in delta.tool_calls or ():
                said = call.function.arguments if call.function else None
                self._calls.setdefault(call.index or 0, []).append(said or "")

    def reply(self) -> Reply:
        if not self._stop:
            raise failures.from_connection(EOFError("the stream ended early"), self.usage)
        text, refusal = "".join(self._text), "".join(self._refusal)
        arguments = "".join(self._calls[min(self._calls)]) if self._calls else None
        if self._schema:
            arguments, text = text or None, ""
        ended: Any = {"length": "length", "content_filter": "refused"}.get(self._stop, "done")
        if refusal:
            ended, text = "refused", refusal
        return Reply(ended, arguments, text, self.usage, {"finish_reason": self._stop})


def _usage(found: Any) -> Usage | None:
    """The cached and the newly cached are part of the prompt's count, and taken out of it here. None where what is told
    is no count: many servers speak this."""
    total, output = _count(found, "prompt_tokens"), _count(found, "completion_tokens")
    if total is None or output is None:
        return None
    details = getattr(found, "prompt_tokens_details", None)
    read, write = (_count(details, name) or 0 for name in ("cached_tokens", "cache_write_tokens"))
    return Usage(max(0, total - read - write), output, read, write)


def _count(told: Any, name: str) -> int | None:
    found = getattr(told, name, None)
    return found if type(found) is int and found >= 0 else None
