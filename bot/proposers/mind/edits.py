"""Four forms in which a model says what to change, each applied exactly or not at all.

blocks   search-and-replace; each search text stands exactly once in the file as it is
whole    the file's whole new content
patch    JSON Patch (RFC 6902), for JSON and YAML; comments and order stay
container  JSON Patch by identity and a few verbs, for containers of Tag Manager
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

from bot.proposers.mind import patch
from bot.proposers.mind.wrong import Wrong

Form = Literal["blocks", "whole", "patch", "container"]
Edit = Mapping[str, Any]

PATCHED = frozenset({".json", ".yaml", ".yml"})
SMALL = 2_000  # bytes that a model writes again as cheaply as it says where to change them
SHOWN = 80
_HUNK = re.compile(r"^@{2,} -\d+(?:,\d+)? \+\d+(?:,\d+)? @{2,}", re.MULTILINE)  # what was tried is shown as diffs
HINTS = 3  # edits that are told which line is most like theirs: it is looked for in all the file


def usual_form(file: str, content: bytes) -> Form:
    """The form for a file of this name that begins as this content."""
    if PurePosixPath(file).suffix.lower() in PATCHED:
        return "patch"
    return "whole" if len(content) <= SMALL else "blocks"


def apply(form: Form, edits: Sequence[Edit], content: bytes, file: str, base: bytes = b"") -> bytes:
    """The content with the edits made. base: of the night, whose ids a container gives to nothing new.

    Raises Wrong, which says of every edit what is wrong with it.
    """
    text, unix = _read(content)
    if not edits:
        raise Wrong("there are no edits")
    if form == "patch":
        new = patch.patched(edits, text, file)
    elif form == "container":
        from bot.proposers.mind.containers.edits import edited  # no other form needs what it imports

        new = edited(edits, text, file, base)
    elif form == "blocks":
        new = _replaced(edits, text)
    else:
        new = _whole(edits, text)
    return _written(new, content, unix=unix)


def _read(content: bytes) -> tuple[str, bool]:
    """The text with \\n at its lines' ends, and whether that is how they end in the file."""
    text = content.decode("utf-8", errors="surrogateescape")
    windows = "\r\n" in text and text.count("\n") == text.count("\r\n")
    return (text.replace("\r\n", "\n"), False) if windows else (text, True)


def _written(text: str, before: bytes, *, unix: bool) -> bytes:
    if not unix:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        pass
    try:  # bytes that were no UTF-8 before may stay what they are, and nothing else may become such
        new = text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        raise Wrong("the edits hold half of a surrogate pair, which no file can hold") from None
    if _strays(new) > _strays(before):
        raise Wrong("the edits hold half of a surrogate pair, which no file can hold")
    return new


def _strays(content: bytes) -> int:
    return sum("\udc80" <= c <= "\udcff" for c in content.decode("utf-8", errors="surrogateescape"))


def _whole(edits: Sequence[Edit], text: str) -> str:
    if len(edits) != 1:
        raise Wrong(f"one edit with the whole file is expected; there are {len(edits)}")
    new = str(edits[0]["content"])
    if _HUNK.search(new) and not _HUNK.search(text):
        raise Wrong("its content is a diff; say the whole new file as it is to stand, without @@ and without + and -")
    return f"{new}\n" if text.endswith("\n") and not new.endswith("\n") else new


def _replaced(edits: Sequence[Edit], text: str) -> str:
    """Every search text is looked for in the file as it is, not as the edits before leave it."""
    problems: list[str] = []
    places: list[tuple[int, int, str, str]] = []
    for number, edit in enumerate(edits, 1):
        search = str(edit["search"])
        if found := _problem(search, text, hint=len(problems) < HINTS):
            problems.append(f"edit {number}: {found}")
        else:
            places.append((text.index(search), number, search, str(edit["replace"])))
    places.sort()
    for (at, number, search, _), (following, other, _, _) in itertools.pairwise(places):
        if at + len(search) > following:
            problems.append(f"edits {number} and {other} overlap; make one edit of them")
    if problems:
        raise Wrong("; ".join(problems))
    parts, position = [], 0
    for at, _, search, replacement in places:
        parts += [text[position:at], replacement]
        position = at + len(search)
    return "".join([*parts, text[position:]])


def _problem(search: str, text: str, *, hint: bool) -> str:
    if not search:
        return "its search text is empty"
    first = text.find(search)
    if first < 0:
        return "its search text does not stand in the file as it is now" + (_nearest(search, text) if hint else "")
    second = text.find(search, first + 1)
    if second >= 0:
        lines = " and ".join(_line(text, at) for at in (first, second))
        return f"its search text stands more than once (first in {lines}); take more lines around it, whole ones"
    return ""


def _line(text: str, at: int) -> str:
    """Number and beginning of the line in which a place lies."""
    begins = text.rfind("\n", 0, at) + 1
    line, _, _ = text[begins : begins + 1_000].partition("\n")
    return f"line {text.count(chr(10), 0, at) + 1}: {line.strip()[:SHOWN]!r}"


def _nearest(search: str, text: str) -> str:
    """The line of the file most like the first that was looked for."""
    wanted = next((line for line in search.splitlines() if line.strip()), "")
    if not wanted.strip() or len(text) > 200_000:
        return ""
    lines = {line: number for number, line in reversed([*enumerate(text.splitlines(), 1)]) if line.strip()}
    near = difflib.get_close_matches(wanted[:200], [line[:200] for line in lines], 1, 0.6)
    found = next((line for line in lines if near and line[:200] == near[0]), None)
    return "" if found is None else f"; most like it is line {lines[found]}: {found.strip()[:SHOWN]!r}"
