"""Queries whose right answer the documentation itself tells, and the corpus that they are asked of. Locked.

opening  a section's first sentence -> that section, out of which the sentence is taken
link     the words of a link -> the section that it leads to
note     what a "see also" says of a section -> that section

README.md says what is left out, and what such queries are good for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sections import Section, plain

OPENINGS = 400  # of those that qualify, by the hash of their section's id
FEWEST_WORDS = {"opening": 7, "link": 2, "note": 4}
MOST_WORDS = 40
LEFT = 40  # so many words a section keeps when its first sentence is taken out
SENTENCE = re.compile(r"(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<=[.!?:])\s+(?=[A-Z\"])")


@dataclass(frozen=True)
class Query:
    kind: str
    text: str
    target: str  # a section's id

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.target}"

    @property
    def split(self) -> str:
        """One bit of a hash of the target: all queries for one section lie in one half."""
        return ("search", "holdout")[_hash(self.target)[0] & 1]


@dataclass(frozen=True)
class Document:
    id: str
    title: str
    above: str
    text: str
    code: str


def derive(sections: Sequence[Section]) -> tuple[list[Document], list[Query]]:
    """The corpus, and every query, each at most once for its kind and section."""
    titles = {label: section.title for section in sections for label in section.labels}
    kept = [section for section in sections if section.prose or section.code]
    at = {label: section for section in kept for label in section.labels}
    openings = _openings(kept, titles)
    queries = _distinct([*openings, *_links(kept, at), *_notes(kept, at)])
    taken = {query.target: query.text for query in queries if query.kind == "opening"}
    return [_document(section, titles, taken.get(section.id, "")) for section in kept], queries


def _document(section: Section, titles: dict[str, str], taken: str) -> Document:
    text = " ".join(plain(paragraph, titles) for paragraph in section.prose)
    text = text.removeprefix(taken).strip()
    return Document(section.id, section.title, " ".join(section.above), text, " ".join(section.code))


def _openings(sections: Sequence[Section], titles: dict[str, str]) -> list[Query]:
    found = list[Query]()
    for section in sections:
        text = " ".join(plain(paragraph, titles) for paragraph in section.prose)
        first = SENTENCE.split(plain(section.prose[0], titles))[0] if section.prose else ""
        words = len(text.split()) + len(" ".join(section.code).split()) - len(first.split())
        whole = first.endswith((".", "!", "?", ":"))
        if whole and _fits("opening", first) and text.startswith(first) and words >= LEFT:
            found.append(Query("opening", first, section.id))
    chosen = {query.id for query in sorted(found, key=lambda query: _hash(query.id))[:OPENINGS]}
    return [query for query in found if query.id in chosen]


def _links(sections: Sequence[Section], at: dict[str, Section]) -> Iterator[Query]:
    for section in sections:
        for link in section.links():
            target, text = at.get(link.label), plain(link.text, {})
            if target and target is not section and _fits("link", text) and not _same(text, target.title):
                yield Query("link", text, target.id)


def _notes(sections: Sequence[Section], at: dict[str, Section]) -> Iterator[Query]:
    for section in sections:
        for note in section.notes:
            target, text = at.get(note.label), plain(note.text, {})
            if target and _fits("note", text) and not _same(text, target.title):
                yield Query("note", text, target.id)


def _fits(kind: str, text: str) -> bool:
    return FEWEST_WORDS[kind] <= len(text.split()) <= MOST_WORDS


def _same(one: str, other: str) -> bool:
    return re.findall(r"\w+", one.lower()) == re.findall(r"\w+", other.lower())


def _distinct(queries: Iterable[Query]) -> list[Query]:
    """The first of each kind and section; of two with the same words the first."""
    seen, found = set[str](), list[Query]()
    for query in queries:
        if not {query.id, query.text.lower()} & seen:
            seen |= {query.id, query.text.lower()}
            found.append(query)
    return found


def _hash(text: str) -> bytes:
    return hashlib.sha256(f"rag-config:{text}".encode()).digest()
