"""Texts that need no download, and which of them are set apart to be judged by.

A document is set apart by a hash of its name alone, one in eight, so that more text moves none from one side to the
other. Where there are fewer than eight documents each is cut into pieces, which count as documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

from harness.errors import EvaluatorError

ONE_IN = 8
SUFFIXES = (".txt", ".rst", ".md")
PIECE = 20_000  # characters
Say = Callable[[str], None]


@dataclass(frozen=True)
class Texts:
    """train, validation: documents, which can be gone through more than once. source: where they are from, in words."""

    train: Iterable[str]
    validation: Iterable[str]
    source: str


def by_python() -> Texts:
    """The help on the language that every Python brings, in English: 460 kB, not the same in all versions."""
    return divided(help_on_python(), "the help on the language that this Python brings")


def help_on_python() -> dict[str, str]:
    """Name -> text."""
    return {name: text for name, text in topics.topics.items() if text.strip()}


def of_files(given: Path, say: Say) -> Texts:
    """Every text below a folder, or one file of any name."""
    return divided(documents(given, say), f"{given.name}/" if given.is_dir() else given.name)


def documents(given: Path, say: Say) -> dict[str, str]:
    """Name -> text. Raises EvaluatorError where there is none."""
    files = [given] if given.is_file() else sorted(p for p in given.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    found, foreign = {}, 0
    for path in files:
        content = path.read_bytes()
        text = content.decode("utf-8", errors="replace")
        foreign += text.encode() != content
        if text.strip():
            found[path.relative_to(given).as_posix() if path != given else path.name] = text
    if foreign:
        say(f"{foreign} of {len(files)} files are not UTF-8 throughout; what is not was replaced by U+FFFD")
    if not found:
        raise EvaluatorError(f"{given} holds no text", next_step=f"texts end in {', '.join(SUFFIXES)}")
    return found if len(found) >= ONE_IN else dict(_pieces(found))


def _pieces(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in found.items():
        for at in range(0, len(text), PIECE):
            yield f"{name}#{at // PIECE}", text[at : at + PIECE]


def divided(found: Mapping[str, str], source: str) -> Texts:
    """By their names. Raises EvaluatorError where one side has none."""
    train = [found[name] for name in sorted(found) if not set_apart(name)]
    validation = [found[name] for name in sorted(found) if set_apart(name)]
    if not train or not validation:
        raise EvaluatorError(
            f"{source}: {len(found)} documents are too few: some have to be set apart to be judged by",
            next_step=f"more text; one document in {ONE_IN} is set apart, by a hash of its name",
        )
    return Texts(without(train, validation), validation, source)


def set_apart(name: str) -> bool:
    """Whether a document of this name is judged by."""
    return hashlib.sha256(name.encode()).digest()[0] % ONE_IN == 0


def without(train: Iterable[str], validation: Sequence[str]) -> list[str]:
    """The training documents but those that stand among the others, word for word."""
    known = set(validation)
    return [text for text in train if text not in known]
