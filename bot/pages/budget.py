"""A page of bounded length, whatever a night was: what goes to make room goes by rule, and the page says what went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.pages import pieces
from bot.pages.pieces import Piece, Weight
from bot.pages.wording.text import count

LIMIT = 60_000  # characters; a forge takes some more, and a human's words stand beside ours
ROWS = (100, 50, 25, 12, 6, 3, 1)
MOST_NAMES = 12


@dataclass
class _Page:
    """What is left of a page, its length, and what went: what -> the targets that lost it."""

    pieces: list[Piece]
    night: str
    size: int = 0
    gone: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = sum(len(piece.text) for piece in self.pieces)

    def put(self, at: int, piece: Piece) -> None:
        old = self.pieces[at]
        if piece is not old:
            self.pieces[at] = piece
            self.size += len(piece.text) - len(old.text)
            lost = self.gone.setdefault(old.what or "words", [])
            if old.target not in lost:
                lost.append(old.target)

    def note(self) -> str:
        if not self.gone:
            return ""
        lost = "; ".join(f"{what} ({_names(sorted(targets))})" for what, targets in self.gone.items())
        return f"Left out, as the page would be too long: {lost}. All of it: `autoresearch report {self.night}`.\n\n"


def fit(found: Sequence[Piece], night: str, limit: int = LIMIT) -> str:
    """The pieces as one text of at most `limit` characters.

    Folded parts go first, from the page's end; then tables lose their tails; then the words of the evidence go, and
    last whole sections. The first piece, which holds the verdict, stays. Before the last one stands what was left out.
    """
    page = _Page(list(found), night)
    if page.size <= limit:
        return pieces.text(page.pieces)
    for _ in _steps(page):
        if page.size + len(page.note()) <= limit:
            break
    *rest, last = page.pieces
    return _clipped(pieces.text(rest), page.note() + last.text, limit)


def _steps(page: _Page) -> Iterator[None]:
    """One thing less at each step."""
    yield from _without(page, Weight.FOLDED)
    for most in ROWS:
        for at in reversed(range(len(page.pieces))):
            page.put(at, page.pieces[at].cut(most))
            yield
    yield from _without(page, Weight.WORDS)
    yield from _without(page, Weight.SECTION)


def _without(page: _Page, weight: Weight) -> Iterator[None]:
    for at in reversed(range(len(page.pieces))):
        if page.pieces[at].weight is weight:
            page.put(at, Piece(page.pieces[at].short, Weight.FIRST))
            yield


def _clipped(text: str, end: str, limit: int) -> str:
    """The text's first lines that fit, then the end; only the lines of the text where the end alone is too long."""
    end = end if len(end) < limit // 2 else ""
    room = limit - len(end)
    if len(text) > room:
        text = text[: text.rfind("\n", 0, room) + 1]
    return text + end


def _names(targets: Sequence[str]) -> str:
    shown = ", ".join(targets[:MOST_NAMES])
    more = len(targets) - MOST_NAMES
    return f"{shown} and {count(more, 'more target')}" if more > 0 else shown
