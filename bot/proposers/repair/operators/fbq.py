"""Calls of Meta's fbq in the code of a tag: read and completed, everything around them left as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CALL = re.compile(r"fbq\(\s*['\"](track\w*)['\"]")
_PAIRS = {"(": ")", "{": "}", "[": "]"}
_EVENT_ID = re.compile(r"(event_?id['\"]?\s*:\s*)(\{\{[^{}]+\}\}|'[^']*'|\"[^\"]*\"|[\w.$]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """One call. start, end: of what stands between its parentheses; arguments: with their place in the code."""

    start: int
    end: int
    arguments: tuple[tuple[int, int], ...]
    event: str
    after: int  # the index of the argument with the event's name


def calls(code: str) -> Iterator[Call]:
    """Every call that sends an event by a literal name."""
    for match in _CALL.finditer(code):
        start = code.index("(", match.start()) + 1
        arguments = _arguments(code, start)
        after = 2 if match.group(1).startswith("trackSingle") else 1
        if arguments and len(arguments) > after:
            at, end = arguments[after]
            yield Call(start, arguments[-1][1], arguments, code[at:end].strip().strip("'\""), after)


def _arguments(code: str, start: int) -> tuple[tuple[int, int], ...]:
    """Places of the arguments of a call that begins here; none where its end is not found."""
    found, begin, open_, quote, at = [], start, [], "", start
    while at < len(code):
        char = code[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in _PAIRS:
            open_.append(_PAIRS[char])
        elif open_ and char == open_[-1]:
            open_.pop()
        elif char == ")" or (char == "," and not open_):
            found.append((begin, at))
            begin = at + 1
            if char == ")":
                return tuple(found)
        at += 1
    return ()


def with_event_id(code: str, said: str) -> str:
    """Every event but page views with this event id."""

    def change(call: Call) -> tuple[int, int, str] | None:
        if call.event == "PageView":
            return None
        text = code[call.start : call.end]
        if found := _EVENT_ID.search(text):
            quote = found.group(2)[0] if found.group(2)[0] in "'\"" else "" if "{{" in found.group(2) else "'"
            at, end = call.start + found.start(2), call.start + found.end(2)
            return at, end, f"{quote}{said}{quote}"
        return _into(code, call, call.after + 2, f"eventID: '{said}'")

    return _changed(code, change)


def with_field(code: str, event: str, key: str, said: str) -> str:
    """Calls of one event with a field of what they tell."""

    def change(call: Call) -> tuple[int, int, str] | None:
        return _into(code, call, call.after + 1, f"{key}: {said}") if call.event == event else None

    return _changed(code, change)


def _into(code: str, call: Call, index: int, field: str) -> tuple[int, int, str] | None:
    """A field put into the object that is an argument; the argument made where there is none; None for no object."""
    if index >= len(call.arguments):
        missing = index - len(call.arguments)
        return call.end, call.end, ", {}" * missing + f", {{{field}}}"
    at, end = call.arguments[index]
    inside = code[at:end].strip()
    if not (inside.startswith("{") and inside.endswith("}")) or inside.startswith("{{"):
        return None
    where = code.index("{", at) + 1
    return where, where, field if not inside[1:-1].strip() else f"{field}, "


def _changed(code: str, change: Callable[[Call], tuple[int, int, str] | None]) -> str:
    edits = [found for call in calls(code) if (found := change(call))]
    for at, end, text in reversed(edits):
        code = code[:at] + text + code[end:]
    return code
