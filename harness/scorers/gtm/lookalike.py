"""Texts that only look like others: spaces at the ends, characters that nobody sees, letters of another alphabet."""

from __future__ import annotations

import functools
import re
import unicodedata

_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACES = re.compile(r"\s+")
_ALIKE = str.maketrans(  # letters that are drawn as Latin ones: Cyrillic, then Greek
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u0501\u04cf"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "abekmhopctyxijsdlabeikvoptux",
)


@functools.lru_cache(maxsize=8192)
def skeleton(text: str) -> str:
    """What a reader sees: two texts with one skeleton look the same, but for their case."""
    if text.isascii():
        return _SPACES.sub(" ", text.strip()).lower()
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return _SPACES.sub(" ", seen.strip()).lower().translate(_ALIKE)


def disguised(text: str) -> bool:
    """Whether a text looks like plain words and is another: no site would ever push an event of that name."""
    return text != text.strip() or bool(_UNSEEN.search(text)) or (not text.isascii() and skeleton(text).isascii())
