"""What GitHub makes of text: how long it may be, whom it calls, which issues it closes."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

MENTION = re.compile(r"(?<![\w/.@-])@([A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}(?:/[\w-]+)?)")
CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)
LONGEST = {"title": 256, "body": 65_536, "name": 50, "description": 100}
COLOUR = re.compile(r"[0-9a-fA-F]{6}")


def prose(markdown: str) -> str:
    """What is text to a reader: without code spans, fences, HTML and the targets of links."""
    parts = []
    for block in MarkdownIt("commonmark").parse(markdown):
        parts += [each.content for each in block.children or [] if each.type == "text"]
        parts.append("\n")
    return "".join(parts)


def mentioned(markdown: str | None) -> set[str]:
    """The people and teams whom this text would notify."""
    return set(MENTION.findall(prose(markdown or "")))


def closed_by(markdown: str | None) -> set[int]:
    """The issues that close when a pull request with this text is merged."""
    return {int(number) for number in CLOSING.findall(prose(markdown or ""))}


def closed_by_message(message: str) -> set[int]:
    """The issues that close when a commit with this message reaches the default branch: no code spans there."""
    return {int(number) for number in CLOSING.findall(message)}


def too_long(fields: dict[str, object]) -> str:
    """What is longer than GitHub takes, in its words; empty where nothing is."""
    for name, limit in LONGEST.items():
        value = fields.get(name)
        if isinstance(value, str) and len(value) > limit:
            return f"{name} is too long (maximum is {limit} characters)"
    return ""
