"""How a prompt and an answer travel between the broker and those who ask it: one JSON object a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, BinaryIO

from bot.models.messages import Answer, Part, Prompt, Turn, Usage
from bot.models.passage import Toll

LONGEST = 16 * 1024 * 1024  # bytes of a line; no window of a model holds as much


class BadLine(ValueError):
    """A line that is no message: too long, no JSON, or not of the agreed shape."""


def canonical(data: Any) -> bytes:
    """The one way that data is written where its hash counts."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def digest(data: Any) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()


def written(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; None at the end. Raises BadLine."""
    line = stream.readline(LONGEST + 1)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise BadLine("too long" if len(line) > LONGEST else "cut off")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("no JSON") from None
    if not isinstance(message, dict):
        raise BadLine("no object")
    return message


def prompt_data(prompt: Prompt) -> dict[str, Any]:
    return asdict(prompt)


def prompt_from(data: Any) -> Prompt:
    """Raises BadLine."""
    try:
        prompt = Prompt(
            provider=data["provider"], model=data["model"], system=_parts(data["system"]),
            turns=tuple(Turn(turn["role"], _parts(turn["parts"]), turn["value"]) for turn in data["turns"]),
            tool=data["tool"], about=data["about"], schema=data["schema"], max_tokens=data["max_tokens"],
        )  # fmt: skip
    except (KeyError, TypeError):
        raise BadLine("no prompt") from None
    if not _sound(prompt):
        raise BadLine("no prompt")
    return prompt


def _parts(data: Any) -> tuple[Part, ...]:
    return tuple(Part(part["text"], part["cached"]) for part in data)


def _sound(prompt: Prompt) -> bool:
    texts = [prompt.provider, prompt.model, prompt.tool, prompt.about]
    texts += [part.text for part in prompt.system] + [part.text for turn in prompt.turns for part in turn.parts]
    return (
        all(isinstance(text, str) for text in texts)
        and all(turn.role in ("user", "assistant") for turn in prompt.turns)
        and all(turn.value is None or isinstance(turn.value, Mapping) for turn in prompt.turns)
        and isinstance(prompt.schema, Mapping)
        and type(prompt.max_tokens) is int
        and prompt.max_tokens > 0
    )


def answer_data(answer: Answer) -> dict[str, Any]:
    return {**asdict(answer), "cost_usd": str(answer.cost_usd)}


def answer_from(data: Mapping[str, Any]) -> Answer:
    return Answer(**{**data, "usage": Usage(**data["usage"]), "cost_usd": Decimal(data["cost_usd"])})


def toll_data(toll: Toll) -> dict[str, Any]:
    return {**asdict(toll), "cost_usd": str(toll.cost_usd)}


def toll_from(data: Mapping[str, Any]) -> Toll:
    return Toll(**{**data, "usage": Usage(**data["usage"]), "cost_usd": Decimal(data["cost_usd"])})
