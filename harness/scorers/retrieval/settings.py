"""config.yaml: everything that a retrieval pipeline can be told. Every key is needed, so that what is off is seen."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import InvalidCandidate
from harness.scorers.retrieval.tokens import IDENTIFIERS, STOP_WORDS, TokenRules, stemmers

METHODS = ("sum", "rrf")


@dataclass(frozen=True)
class BM25:
    """k1: how soon more of a word stops counting. b: how much length counts, from 0 to 1. delta: what a word adds
    however long its document is (BM25+)."""

    k1: float = 1.2
    b: float = 0.75
    delta: float = 0.0


@dataclass(frozen=True)
class Embedding:
    """weight: of the second ranking, by cosine; 0 switches it off. dimensions: how many are used of those there are."""

    weight: float = 0.0
    dimensions: int = 100


@dataclass(frozen=True)
class Fusion:
    """How the two rankings become one. constant: of reciprocal ranks; `sum` does not use it."""

    method: str = "sum"
    constant: float = 60.0


@dataclass(frozen=True)
class Rerank:
    """depth: how many of the first are put into a new order; 0 switches it off. The others are weights of features."""

    depth: int = 0
    coverage: float = 0.0
    title: float = 0.0
    phrase: float = 0.0


@dataclass(frozen=True)
class Settings:
    """weights: field -> how much a word in it counts."""

    tokens: TokenRules
    weights: Mapping[str, float]
    bm25: BM25
    embedding: Embedding
    fusion: Fusion
    rerank: Rerank


def read(data: Any, known: Collection[str]) -> Settings:
    """The content of a config.yaml. known: the corpus's fields. Raises InvalidCandidate for what cannot be meant."""
    sections = _keys(data, "the file", _RULES.keys())
    read = {name: _section(found, name) for name, found in sections.items() if name != "fields"}
    return Settings(
        tokens=TokenRules(**read["tokens"]),
        weights=_weights(sections["fields"], known),
        bm25=BM25(**read["bm25"]),
        embedding=Embedding(**read["embedding"]),
        fusion=Fusion(**read["fusion"]),
        rerank=Rerank(**_needing_a_title(read["rerank"], known)),
    )


def _section(found: Any, name: str) -> dict[str, Any]:
    rules = _RULES[name]
    values = _keys(found, name, rules.keys())
    return {key: rules[key](values[key], f"{name}: {key}") for key in rules}


def _keys(found: Any, where: str, wanted: Collection[str]) -> dict[str, Any]:
    if not isinstance(found, dict) or set(found) != set(wanted):
        raise InvalidCandidate(f"{where} has to hold exactly the keys {', '.join(wanted)}")
    return found


def _weights(found: Any, known: Collection[str]) -> dict[str, float]:
    if not isinstance(found, dict) or not found:
        raise InvalidCandidate("fields has to hold a weight for each field")
    for name in found:
        if name not in known:
            raise InvalidCandidate(f"fields: the corpus has no field {name!r}, but {', '.join(known)}")
    weights = {name: _number(0, 1000)(weight, f"fields: {name}") for name, weight in found.items()}
    if not any(weights.values()):
        raise InvalidCandidate("fields: at least one weight has to be above 0")
    return weights


def _needing_a_title(found: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    if found["title"] and "title" not in known:
        raise InvalidCandidate("rerank: title: the corpus has no field 'title', so only 0 is possible")
    return found


def _number(low: float, high: float) -> Callable[[Any, str], float]:
    def read(value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise InvalidCandidate(f"{where} has to be a number from {low:g} to {high:g}")
        return float(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any, str], int]:
    def read(value: Any, where: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise InvalidCandidate(f"{where} has to be a whole number from {low} to {high}")
        return value

    return read


def _word(*words: str) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        if value not in words or not isinstance(value, str):
            raise InvalidCandidate(f"{where} has to be one of {', '.join(words)}")
        return value

    return read


def _yes(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidCandidate(f"{where} has to be true or false")
    return value


@functools.cache
def _stems() -> tuple[str, ...]:
    return tuple(stemmers())


def _stem(value: Any, where: str) -> str:
    return value if value == "none" else _word(*_stems())(value, where)


_RULES: Mapping[str, Mapping[str, Callable[[Any, str], Any]]] = {
    "tokens": {
        "lowercase": _yes, "identifiers": _word(*IDENTIFIERS), "stem": _stem, "stop_words": _word(*STOP_WORDS),
        "shortest": _whole(1, 10),
    },
    "fields": {},
    "bm25": {"k1": _number(0, 100), "b": _number(0, 1), "delta": _number(0, 10)},
    "embedding": {"weight": _number(0, 100), "dimensions": _whole(1, 10_000)},
    "fusion": {"method": _word(*METHODS), "constant": _number(0, 10_000)},
    "rerank": {
        "depth": _whole(0, 10_000), "coverage": _number(0, 100), "title": _number(0, 100), "phrase": _number(0, 100),
    },
}  # fmt: skip
