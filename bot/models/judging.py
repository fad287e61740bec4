"""What came of a call: the reply held against what was asked for."""

from __future__ import annotations

import json
from typing import Any

from bot.models.messages import Answer, Prompt
from bot.models.providers import Reply

MOST_TEXT = 2000  # characters
_DEEPEST = 64
_LONGEST = 2 << 20  # characters of a call's arguments; escaped, they still fit into a line to the one who asked


def judged(prompt: Prompt, reply: Reply) -> Answer:
    """answer, malformed, truncated or refused; without money and hashes."""
    said = (reply.text or reply.arguments or "")[:MOST_TEXT]
    if reply.ended == "refused":
        return Answer("refused", text=said, why="the model or a filter of its provider declined")
    if reply.ended == "length":
        return Answer("truncated", text=said, why=f"the answer came to its limit of {prompt.max_tokens} tokens")
    if reply.arguments is None:
        what = f"it said something instead of calling {prompt.tool}" if reply.text.strip() else "it said nothing"
        return Answer("malformed", text=said, why=what)
    try:
        value = _parsed(reply.arguments)
    except (ValueError, RecursionError) as error:
        return Answer("malformed", text=said, why=f"its answer is no JSON: {error}")
    wrong = _mismatch(value, prompt)
    if wrong:
        return Answer("malformed", text=said, why=wrong)
    return Answer("answer", value=value, text=reply.text[:MOST_TEXT])


def _parsed(arguments: str) -> Any:
    if len(arguments) > _LONGEST:
        raise ValueError(f"more than {_LONGEST:,} characters are not read")
    return json.loads(arguments, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _mismatch(value: Any, prompt: Prompt) -> str:
    """What is wrong with it by the schema, "" for nothing."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if not isinstance(value, dict):
        return "its answer is no JSON object"
    if _depth(value) > _DEEPEST:
        return f"its answer is nested more than {_DEEPEST} deep"
    error = best_match(Draft202012Validator(prompt.schema).iter_errors(value))
    if error is None:
        return ""
    where = "/".join(str(step) for step in error.absolute_path)
    return f"its answer does not match the schema{f' at {where}' if where else ''}: {error.message}"[:500]


def _depth(value: Any) -> int:
    level, deep = [value], 0
    while level and deep <= _DEEPEST:
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [child for children in inner for child in children]
        deep += 1
    return deep
