"""What a text becomes under each rule."""

from __future__ import annotations

import sys

import pytest

from harness.errors import InvalidCandidate
from harness.scorers.retrieval import tokens
from harness.scorers.retrieval.tokens import Tokeniser, TokenRules


def read(rules: TokenRules, text: str) -> list[str]:
    tokeniser = Tokeniser(rules)
    return [token for word in tokens.words(text) for token in tokeniser.read(word)]


@pytest.mark.parametrize(
    ("rules", "text", "wanted"),
    [
        (TokenRules(), "The QueuePool's max_overflow=10.", "the queuepool s max_overflow 10"),
        (TokenRules(lowercase=False), "The QueuePool", "The QueuePool"),
        (
            TokenRules(identifiers="split"),
            "QueuePool max_overflow HTTPServer2",
            "queue pool max overflow http server 2",
        ),
        (TokenRules(identifiers="both"), "QueuePool pool", "queuepool queue pool pool"),
        (TokenRules(identifiers="both", lowercase=False), "max_size", "max_size max size"),
        (TokenRules(identifiers="split"), "Größe _ été", "größe _ été"),
        (TokenRules(stop_words="short"), "The cat is on a mat because", "cat mat because"),
        (TokenRules(stop_words="english"), "The cat is on a mat because", "cat mat"),
        (TokenRules(stop_words="short", identifiers="split"), "is_the_pool", "pool"),
        (TokenRules(shortest=3), "as ants do", "ants"),
        (TokenRules(stem="english"), "mapped mappings mapper", "map map mapper"),
        (TokenRules(stem="german"), "Häuser Haus", "haus haus"),
        (TokenRules(stem="english", shortest=4), "uses use", "use"),
    ],
)
def test_a_text_becomes(rules: TokenRules, text: str, wanted: str) -> None:
    assert read(rules, text) == wanted.split()
    assert read(rules, f"{text} {text}") == wanted.split() * 2, "a word that was met before is the same"


def test_stemming_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    assert read(TokenRules(), "cats") == ["cats"]
    with pytest.raises(InvalidCandidate, match=r"needs the library snowballstemmer(.|\n)*\[retrieval\]"):
        read(TokenRules(stem="dutch"), "katten")


def test_every_stop_word_of_the_short_list_is_in_the_long_one() -> None:
    assert tokens.SHORT < tokens.ENGLISH
    assert all(word == word.lower() for word in tokens.ENGLISH)
