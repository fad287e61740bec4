"""Code as text: comments taken out, brackets counted, scripts of a page's piece told apart. Nothing is ever run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from harness.scorers.gtm.references import NAMED

_PLAIN = re.compile(r"""[^"'`/()\[\]{}]+""")
_TEXT = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}\]|[^/\\\[\n]){1,500}/[a-z]*")
_BEFORE_PATTERN = re.compile(r"(?:^|[=(,:\[!&|?{};+<>~*%-]|\breturn|\btypeof|\bcase)$")
_TAG = re.compile(r"<!--|<script\b[^>]{0,2000}>|</script\s{0,9}>", re.IGNORECASE)
_END = re.compile(r"</script\s{0,9}>", re.IGNORECASE)
_OTHER_SCRIPT = re.compile(
    r"""\btype\s{0,9}=(?!\s{0,9}(?:["']?(?:(?:text|application)/(?:x-)?(?:java|ecma)script|module)|""|''))""", re.I
)
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Code:
    """bare: without comments. sound: every bracket and every text is closed."""

    bare: str
    comments: tuple[str, ...]
    sound: bool


@dataclass(frozen=True)
class Piece:
    """A piece of HTML. bare: without comments. closed: every script and comment is. sound: its scripts' code, too."""

    bare: str
    comments: tuple[str, ...]
    closed: bool
    sound: bool


@lru_cache(maxsize=2048)
def code_of(text: str) -> Code:
    text = NAMED.sub("named", text)
    bare: list[str] = []
    comments: list[str] = []
    stack: list[str] = []
    at, sound = 0, True
    while at < len(text):
        kind, part = _next(text, at, bare)
        at += len(part)
        if kind == "comment":
            comments.append(part)
            sound = sound and (part.startswith("//") or part.endswith("*/"))
            continue
        bare.append(part)
        if part in "([{":
            stack.append(part)
        elif part in _PAIRS:
            sound = sound and bool(stack) and stack.pop() == _PAIRS[part]
        elif kind == "open":
            sound = False
    return Code("".join(bare), tuple(comments), sound and not stack)


def _next(text: str, at: int, before: list[str]) -> tuple[str, str]:
    """The next piece: plain, comment, text, one bracket, or open for a text or comment without its end."""
    if match := _PLAIN.match(text, at):
        return "plain", match.group()
    if match := _COMMENT.match(text, at):
        return "comment", match.group()
    if match := _TEXT.match(text, at):
        return "text", match.group()
    if text[at] == "/":
        is_pattern = _BEFORE_PATTERN.search("".join(before[-3:]).rstrip()[-12:])
        match = _PATTERN.match(text, at) if is_pattern else None
        return ("text", match.group()) if match else ("plain", "/")
    return ("plain" if text[at] in "()[]{}" else "open"), text[at]


@lru_cache(maxsize=1024)
def piece_of(html: str) -> Piece:
    """As a browser reads it: inside a script only its end counts, inside a comment only that one's."""
    bare: list[str] = []
    comments: list[str] = []
    at, closed, sound = 0, True, True
    while match := _TAG.search(html, at):
        bare.append(html[at : match.start()])
        opening = match.group()
        at = match.end()
        if opening.startswith("</"):
            closed = False
            continue
        end, after = _end(html, at, is_comment=opening == "<!--")
        closed = closed and after >= 0
        inside, at = html[at:end], after if after >= 0 else len(html)
        if opening == "<!--":
            comments.append(inside)
            continue
        code = code_of(inside)
        is_code = not _OTHER_SCRIPT.search(opening)
        sound = sound and (code.sound or not is_code)
        comments += code.comments if is_code else ()
        bare += [opening, code.bare if is_code else inside, "</script>"]
    return Piece("".join([*bare, html[at:]]), tuple(comments), closed, sound)


def _end(html: str, at: int, *, is_comment: bool) -> tuple[int, int]:
    """Where the inside ends and where what follows begins; -1 for the latter where it never ends."""
    if is_comment:
        end = html.find("-->", at)
        return (end, end + 3) if end >= 0 else (len(html), -1)
    match = _END.search(html, at)
    return (match.start(), match.end()) if match else (len(html), -1)
