"""What a proxy lets through to a provider: a list of paths, headers and fields, and nothing that is not on it.

A request is read whole, parsed, and built anew from what is known. So no second request, header or host can hide in it.
What a provider would do besides answering is taken out: tools that it runs itself, dearer tiers, stored conversations,
connections to other servers. What its price cannot be bounded by its length for is refused: images and documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from bot.models.passage import Call, Kind
from bot.models.prices import most_tokens
from bot.models.providers import OVERHEAD

Body = dict[str, Any]

MAX_TOKENS = 32_000  # of an answer whose request names no bound
_MOST_TOKENS = 1_000_000
_COUNT = "/v1/messages/count_tokens"
_COMMON = {"model", "stream", "temperature", "top_p", "tools", "tool_choice", "metadata"}
_FIELDS: Mapping[str, set[str]] = {
    "/v1/messages": _COMMON
    | {"max_tokens", "messages", "system", "stop_sequences", "top_k", "thinking", "context_management"}
    | {"output_config", "output_format"},
    _COUNT: {"model", "messages", "system", "tools", "tool_choice", "thinking"},
    "/v1/chat/completions": _COMMON
    | {"max_tokens", "max_completion_tokens", "messages", "stop", "seed", "parallel_tool_calls", "response_format"}
    | {"presence_penalty", "frequency_penalty", "logit_bias", "user", "reasoning_effort", "verbosity"},
    "/v1/responses": _COMMON
    | {"max_output_tokens", "input", "instructions", "reasoning", "text", "parallel_tool_calls", "include", "user"}
    | {"truncation", "prompt_cache_key"},
}
PATHS: Mapping[Kind, tuple[str, ...]] = {
    "anthropic": ("/v1/messages", _COUNT),
    "openai": ("/v1/chat/completions", "/v1/responses"),
}
_QUERIES = ("", "beta=true")
_HEADERS = ("anthropic-version",)
_BETAS = (  # features that change neither the price nor what is reached
    "claude-code-", "interleaved-thinking-", "fine-grained-tool-streaming-", "context-management-", "prompt-caching-",
    "token-efficient-tools-", "structured-outputs-", "output-128k-", "effort-", "token-counting-",
)  # fmt: skip
_TOOLS = ("custom", "function", "local_shell", "bash_", "text_editor_", "memory_")
_TEXT = {"text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text", "thinking"}
_BLOCKS = _TEXT | {
    "redacted_thinking", "tool_use", "tool_result", "message", "reasoning", "function_call", "function_call_output",
    "custom_tool_call", "custom_tool_call_output", "local_shell_call", "local_shell_call_output",
}  # fmt: skip
_NESTED = ("content", "output", "summary")  # where a block may hold others


class Refused(Exception):
    """A request that goes nowhere. status: the answer's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Admitted:
    """What is sent in place of a request. call: what it may cost, None for one that costs nothing."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    call: Call | None


def path_of(kind: Kind, method: str, target: str) -> str:
    """The path that a request line names, one of PATHS. Raises Refused."""
    path, _, query = target.partition("?")
    if path not in PATHS[kind] or query not in _QUERIES:
        raise Refused(404, f"this way leads to {' and '.join(PATHS[kind])} alone")
    if method != "POST":
        raise Refused(405, "this way takes POST alone")
    return path + (f"?{query}" if query else "")


def admitted(kind: Kind, target: str, headers: Mapping[str, str], body: bytes, chat_limit: str) -> Admitted:
    """A request as it may be sent, without a key. target: as `path_of` returns it; headers: lower-case names;
    chat_limit: by which name the host heeds the bound of a chat's answer."""
    path = target.partition("?")[0]
    said = {name: value for name, value in _parsed(body).items() if name in _FIELDS[path]}
    model = said.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "model: a name is needed")
    for block in (said.get("messages"), said.get("input"), said.get("system")):
        _look_through(block)
    said |= {"tools": _tools(said["tools"])} if "tools" in said else {}
    said |= {"context_management": _clearing(said["context_management"])} if "context_management" in said else {}
    most = 0 if path == _COUNT else _bounded(path, said, chat_limit)
    try:
        content = json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        _refuse("text that is no Unicode")
    call = None if path == _COUNT else Call(model, most_tokens(content) + OVERHEAD, most)
    return Admitted(target, _headers(kind, headers), content, call)


def _parsed(body: bytes) -> Body:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        _refuse("no JSON")
    if not isinstance(found, dict):
        _refuse("no JSON object")
    return found


def _bounded(path: str, said: Body, chat_limit: str) -> int:
    """Bounds the answer where the request does not, and asks for its usage; returns the bound."""
    names = {"/v1/messages": ["max_tokens"], "/v1/responses": ["max_output_tokens"]}.get(
        path, ["max_completion_tokens", "max_tokens"]
    )
    if not any(name in said for name in names):
        said[names[0]] = MAX_TOKENS
    bounds: list[int] = [said[name] for name in names if name in said]
    if not all(type(bound) is int and 0 < bound <= _MOST_TOKENS for bound in bounds):
        raise Refused(400, f"{names[0]}: a number of tokens from 1 to {_MOST_TOKENS} is needed")
    if type(said.get("stream", False)) is not bool:
        raise Refused(400, "stream: true or false is needed")
    if path == "/v1/chat/completions":
        for name in names:
            said.pop(name, None)
        said[chat_limit] = max(bounds)
        said |= {"stream_options": {"include_usage": True}} if said.get("stream") else {}
    if path == "/v1/responses":
        said["store"] = False
    return max(bounds)


def _look_through(found: object) -> None:
    """Refuses every block that is not text or a call, in whatever it lies; marks for the cache are the plain ones."""
    if found is None or isinstance(found, str):
        return
    if not isinstance(found, list) or not all(isinstance(block, dict) for block in found):
        _refuse("contents are text, or a list of blocks")
    for block in found:
        kind = block.get("type", "message")
        if not isinstance(kind, str) or kind not in _BLOCKS:
            raise Refused(400, f"{str(kind)[:40]!r}: this way takes text and calls of tools, no other content")
        if "cache_control" in block:
            block["cache_control"] = {"type": "ephemeral"}  # for an hour would cost more
        for name in _NESTED:
            _look_through(block.get(name))
        block.pop("audio", None)


def _tools(found: object) -> list[Body]:
    """Those that the client itself runs."""
    if not isinstance(found, list):
        _refuse("tools are a list")
    kept = [dict(tool) for tool in found if isinstance(tool, dict) and _is_clients(tool.get("type", "custom"))]
    for tool in kept:
        if "cache_control" in tool:
            tool["cache_control"] = {"type": "ephemeral"}
    return kept


def _clearing(found: object) -> Body:
    """What takes old blocks out. To summarise them instead is a call of its own, beyond every bound of this one."""
    edits = found.get("edits") if isinstance(found, dict) else None
    kinds = [(edit, edit.get("type")) for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
    return {"edits": [edit for edit, kind in kinds if isinstance(kind, str) and kind.startswith("clear_")]}


def _is_clients(kind: object) -> bool:
    return isinstance(kind, str) and kind.startswith(_TOOLS)


def _headers(kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: given[name] for name in _HEADERS if name in given and kind == "anthropic"}
    wanted = [word.strip() for word in given.get("anthropic-beta", "").split(",")]
    if kind == "anthropic" and (betas := [word for word in wanted if word.startswith(_BETAS)]):
        kept["anthropic-beta"] = ",".join(betas)
    if not all(value.isascii() and value.isprintable() and len(value) < 1000 for value in kept.values()):
        _refuse("a header that is no plain text")
    return kept


def _refuse(what: str) -> NoReturn:
    raise Refused(400, f"this request cannot be sent: {what}")
