"""The rules that a reply is held against: each says yes or no, and no model has a say.

mentions: [[a, b], [c]]   one word or phrase of every group stands in it, whatever its case
avoids: [a, b]            none of them does
words: 60                 no more than so many, by spaces
language: en              it has more of the small words of this language than of any other known here
json: [a, b]              it is a JSON object with exactly these keys and nothing around it, all of them filled
refuses: en               it says in this language that something is not done
asks: true                it ends in a question
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

SMALL_WORDS = {
    "en": ["the", "and", "you", "are", "is", "we", "our", "at", "to", "of", "for", "in", "on", "your", "can", "from"],
    "de": [
        "der",
        "die",
        "das",
        "und",
        "sie",
        "ist",
        "wir",
        "uns",
        "in",
        "zu",
        "für",
        "am",
        "auf",
        "ihr",
        "können",
        "von",
        "bei",
    ],
    "fr": ["le", "la", "les", "et", "vous", "est", "nous", "notre", "à", "de", "pour", "en", "sur", "votre", "des"],
    "es": ["el", "la", "los", "y", "usted", "es", "nosotros", "en", "de", "para", "por", "su", "que", "con"],
}
REFUSALS = {
    "en": (
        "can't",
        "cannot",
        "can not",
        "don't",
        "do not",
        "won't",
        "unable",
        "not able",
        "not something",
        "no longer",
    ),
    "de": ("nicht", "kein", "leider"),
}


def mentions(reply: str, groups: list[list[str]]) -> bool:
    return all(any(_holds(reply, phrase) for phrase in group) for group in groups)


def avoids(reply: str, phrases: list[str]) -> bool:
    return not any(phrase.lower() in reply.lower() for phrase in phrases)


def words(reply: str, most: int) -> bool:
    return 0 < len(reply.split()) <= most


def language(reply: str, wanted: str) -> bool:
    said = re.findall(r"\w+", reply.lower())
    counts = {name: sum(word in small for word in said) for name, small in SMALL_WORDS.items()}
    return counts[wanted] > max(count for name, count in counts.items() if name != wanted)


def is_json(reply: str, keys: list[str]) -> bool:
    try:
        found = json.loads(reply)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(found) == set(keys) and all(found.values())


def refuses(reply: str, spoken: str) -> bool:
    plain = reply.lower().replace("\u2019", "'")
    return any(_holds(plain, phrase) for phrase in REFUSALS[spoken])


def asks(reply: str, wanted: bool) -> bool:
    return reply.rstrip().endswith("?") is wanted


KINDS: Mapping[str, Callable[[str, Any], bool]] = {
    "mentions": mentions, "avoids": avoids, "words": words, "language": language, "json": is_json, "refuses": refuses,
    "asks": asks,
}  # fmt: skip


def held(reply: str | None, check: Mapping[str, Any]) -> bool:
    """Whether a reply keeps to one rule; None, no reply, keeps to none."""
    ((kind, value),) = check.items()
    return reply is not None and KINDS[kind](reply, value)


def _holds(reply: str, phrase: str) -> bool:
    """Between the ends of words: `sat` is not in `saturated`."""
    return re.search(rf"(?<!\w){re.escape(phrase.lower())}(?!\w)", reply.lower()) is not None
