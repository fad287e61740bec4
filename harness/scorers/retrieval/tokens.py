"""From text to tokens: the same rules for documents and queries."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import InvalidCandidate

IDENTIFIERS = ("whole", "split", "both")
STOP_WORDS = ("none", "short", "english")

_WORD = re.compile(r"\w+")

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


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores, in the text's order."""
    return _WORD.findall(text)


class Tokeniser:
    """What one word is read as, under one set of rules."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules, self._stop = rules, _LISTS[rules.stop_words]

    def read(self, word: str) -> list[str]:
        """No token, one, or several."""
        tokens = []
        for form in forms(word, self._rules.identifiers):
            lowered = form.lower()
            if lowered in self._stop or len(form) < self._rules.shortest:
                continue
            tokens.append(_stemmed(lowered if self._rules.lowercase else form, self._rules.stem))
        return tokens


def forms(word: str, identifiers: str) -> list[str]:
    """`both` says the word, then its parts, if they are more than one."""
    if identifiers == "whole":
        return [word]
    found = parts(word) or [word]
    if identifiers == "split":
        return found
    return [word, *found] if len(found) > 1 else [word]


@functools.lru_cache(maxsize=1_000_000)
def parts(word: str) -> list[str]:
    """Cut at underscores, between letters and digits, and where a capital begins: HTTPServer2 is HTTP, Server, 2."""
    if word.islower() and word.isalpha():
        return [word]
    spaced = ""
    for at, letter in enumerate(word):
        before, after = word[at - 1 : at], word[at + 1 : at + 2]
        turns = bool(before) and before.isalpha() != letter.isalpha()
        begins = letter.isupper() and (before.islower() or (before.isupper() and after.islower()))
        spaced += f" {letter}" if turns or begins else letter
    return spaced.replace("_", " ").split()


def stemmers() -> list[str]:
    """Every name that `stem` may say."""
    return ["none", *_snowball().algorithms()]


@functools.lru_cache(maxsize=1_000_000)
def _stemmed(token: str, stem: str) -> str:
    return token if stem == "none" else str(_stemmer(stem)(token))


@functools.cache
def _stemmer(name: str) -> Callable[[str], str]:
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
