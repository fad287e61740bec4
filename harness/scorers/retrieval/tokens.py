"""From text to tokens: the same rules for documents and queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import InvalidCandidate

IDENTIFIERS = ("whole", "split", "both")
STOP_WORDS = ("none", "short", "english")

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_A-Za-z0-9]+")

SHORT = frozenset("a an and are as at be by for from in is it of on or that the this to was with".split())  # noqa: SIM905
ENGLISH = SHORT | frozenset(
    """
    about above after again all also am any because been before being below between both but can could did do does
    doing down during each few further had has have having he her here hers him his how i if into its itself just me
    more most my no nor not now off once only other our out over own same she should so some such than their them then
    there these they those through too under until up very we were what when where which while who whom why will would
    you your
    """.split()  # noqa: SIM905
)
_LISTS = {"none": frozenset[str](), "short": SHORT, "english": ENGLISH}


@dataclass(frozen=True)
class TokenRules:
    """identifiers: whether `max_overflow` and `QueuePool` are one token, their parts, or both. stem: the name of a
    Snowball stemmer, or none. stop_words: the list that is left out. shortest: tokens of fewer letters are left out."""

    lowercase: bool = True
    identifiers: str = "whole"
    stem: str = "none"
    stop_words: str = "none"
    shortest: int = 1


class Tokeniser:
    """Remembers what each word became, since most words come again."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules, self._stop = rules, _LISTS[rules.stop_words]
        self._stem = _stemmer(rules.stem)
        self._known: dict[str, tuple[str, ...]] = {}

    def tokens(self, text: str) -> list[str]:
        """In the text's order: words are runs of letters, digits and underscores."""
        found: list[str] = []
        for word in _WORD.findall(text):
            if word not in self._known:
                self._known[word] = tuple(self._of(word))
            found += self._known[word]
        return found

    def _of(self, word: str) -> list[str]:
        tokens = []
        for form in forms(word, self._rules.identifiers):
            lowered = form.lower()
            if lowered in self._stop or len(form) < self._rules.shortest:
                continue
            tokens.append(self._stem(lowered if self._rules.lowercase else form))
        return tokens


def forms(word: str, identifiers: str) -> list[str]:
    """What one word is read as. `both` says the word, then its parts, if they are more than one."""
    if identifiers == "whole":
        return [word]
    parts = _PART.findall(word) or [word]
    if identifiers == "split":
        return parts
    return [word, *parts] if len(parts) > 1 else [word]


def stemmers() -> list[str]:
    """Every name that `stem` may say."""
    return ["none", *_snowball().algorithms()]


def _stemmer(name: str) -> Callable[[str], str]:
    if name == "none":
        return str
    stem: Callable[[str], str] = _snowball().stemmer(name).stemWord
    return stem


def _snowball() -> Any:
    try:
        import snowballstemmer
    except ImportError:
        raise InvalidCandidate(
            "stemming needs the library snowballstemmer", next_step="pip install 'autoresearch-bot[retrieval]'"
        ) from None
    return snowballstemmer
