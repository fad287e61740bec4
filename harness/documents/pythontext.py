"""What of a Python file is code: its tokens by logical line, without comments, blank lines and spacing.

Tokens, not a syntax tree: a parser goes down as deep as a hostile file nests, and may take the process with it.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator

from harness.documents.canonical import digest

MOST_CHARACTERS = 1_000_000
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=]")  # a comment that says how bytes are read is no mere comment
_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}


class NotCode(Exception):
    """A text that cannot be read as Python, or whose comments count."""


def logical_lines(text: str) -> list[tuple[str, ...]]:
    """Each logical line as its depth and its tokens. Raises NotCode."""
    if len(text) > MOST_CHARACTERS or any(_CODING.match(line) for line in text.split("\n", 2)[:2]):
        raise NotCode
    try:
        return list(_lines(text))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        raise NotCode from None


def canonical_python(text: str) -> str:
    """Equal for two texts whose code is the same. Docstrings are code. Raises NotCode."""
    return digest(json.dumps(logical_lines(text), separators=(",", ":"), ensure_ascii=True))


def _lines(text: str) -> Iterator[tuple[str, ...]]:
    depth, line = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
        if token.type == tokenize.ERRORTOKEN:
            raise NotCode
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type == tokenize.NEWLINE:
            yield (str(depth), *line)
            line = []
        elif token.type not in _SILENT:
            line.append(token.string)
