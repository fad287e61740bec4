"""Text from files and runs, as a model is shown it: as data, between two lines that the data cannot hold."""

from __future__ import annotations

import hashlib
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, what has no width, what has no meaning
NOT_DRAWN = frozenset(
    map(
        chr,
        [
            0x34F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            0x3164,
            *range(0xFE00, 0xFE10),
            0xFFA0,
            *range(0xE0100, 0xE01F0),
        ],
    )
)  # letters and marks by their category, and nothing to be seen: Unicode's Default_Ignorable_Code_Point
KEPT = frozenset("\n\t")
MARK = 8


def visible(text: str) -> str:
    """Every character that nobody sees, or that moves others, as its number: \\u{200d}."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c if _is_seen(c) else f"\\u{{{ord(c):x}}}" for c in text)


def _is_seen(c: str) -> bool:
    return c in KEPT or (unicodedata.category(c) not in HIDDEN and c not in NOT_DRAWN)


def one_line(text: str, most: int) -> str:
    """At most so many characters, in one line."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def fenced(label: str, text: str) -> str:
    """The text between two lines with a mark that it holds in no spelling. The same text gets the same mark."""
    shown = visible(text)
    mark = _mark(shown)
    return f"<<<{mark} {one_line(label, 200)}\n{shown}\n{mark}>>>\n"


def _mark(shown: str) -> str:
    plain = unicodedata.normalize("NFKC", shown).casefold()
    salt = 0
    while True:
        mark = hashlib.sha256(f"{salt}/{shown}".encode()).hexdigest()[:MARK]
        if mark not in plain:
            return mark
        salt += 1


def ends(text: str, most: int) -> str:
    """The end of a text, whole lines where it has them: what a crash says last says most."""
    if len(text) <= most:
        return text
    end = text[-most:]
    _, newline, rest = end.partition("\n")
    return f"[...]\n{rest if newline and rest else end}"


def begins(text: str, most: int) -> str:
    """The first characters of a text, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}\n[... {len(text) - most:,} more characters]"
