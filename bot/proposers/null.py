"""Candidates that differ from the incumbent and change nothing: what a gate must not keep."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from bot.proposers import Outcome, Proposal, Request, Told

_HASH, _SLASHES = "# {}\n", "/* {} */\n"
_COMMENTS = {
    **dict.fromkeys((".yaml", ".yml", ".toml", ".py", ".sh", ".conf", ".cfg", ".ini", ".rb", ".pl"), _HASH),
    **dict.fromkeys((".css", ".js", ".ts", ".c", ".h", ".cc", ".cpp", ".rs", ".go", ".java"), _SLASHES),
    **dict.fromkeys((".md", ".html", ".xml", ".svg"), "<!-- {} -->\n"),
}


class Null:
    """Adds a comment, where the kind of file has comments; blank lines in JSON; else nothing at all."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, file: str, count: int) -> None:
        self._suffix, self._last = posixpath.splitext(file)[1].lower(), count

    def ask(self, request: Request) -> list[Proposal]:
        end = min(request.first + request.count - 1, self._last)
        return [self._one(request.incumbent, number) for number in range(request.first, end + 1)]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Learns nothing."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""

    def _one(self, incumbent: bytes, number: int) -> Proposal:
        blank = "\n" * number if self._suffix == ".json" else ""
        more = _COMMENTS[self._suffix].format(f"null {number}") if self._suffix in _COMMENTS else blank
        start = b"" if incumbent.endswith(b"\n") or not more else b"\n"
        return Proposal(incumbent + start + more.encode(), f"nothing, number {number}", null=True)
