"""`tune` without a catalogue: the constants that a human marked in a Python file, moved by the optimiser of `search`.

To `search` the marked constants are a small data file of their own. Every other character of the file stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot import marks
from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.search import Search
from bot.proposers.tune import canonical
from harness.documents import canonical_id
from harness.errors import ConfigError
from harness.target import Target

AS_DATA = "constants.json"
ROUNDS = 4  # of asking again for what turned out to be known


class Constants:
    """base: the file as the night began with it. Raises ConfigError where nothing in it is marked."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, target: Target, seed: int, base: str) -> None:
        marked = marks.read(base, target.file)
        self._file = target.file
        self._search = Search(replace(target, file=AS_DATA, space=marks.space(marked)), seed)
        self._known: set[str] = set()

    def ask(self, request: Request) -> list[Proposal]:
        text = request.incumbent.decode(errors="surrogateescape")
        marked = marks.read(text, self._file)
        known = {*self._known}
        for _ in range(ROUNDS):
            asked = replace(request, incumbent=_data(marked), tried=known)
            found = self._search.ask(asked)
            proposals = [self._proposal(one, text, marked) for one in found]
            repeated = [
                o for o, p in zip(found, proposals, strict=True) if canonical(p.content, self._file) in request.tried
            ]
            if not repeated:
                return proposals
            known |= {canonical_id(one.content, AS_DATA) for one in repeated}
        return []

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._search.tell(outcomes)

    def recall(self, told: Iterable[Told]) -> None:
        self._search.recall(replace(one, content=self._as_data(one.content)) for one in told)

    def _as_data(self, content: bytes) -> bytes:
        try:
            return _data(marks.read(content.decode(errors="surrogateescape"), self._file))
        except ConfigError:  # another arm took the marks out; what that was worth says nothing of constants
            return b"{}"

    def _proposal(self, found: Proposal, text: str, marked: tuple[marks.Constant, ...]) -> Proposal:
        values = json.loads(found.content)
        new = marks.with_values(text, marked, values)
        return replace(found, content=new.encode(errors="surrogateescape"))


def _data(marked: tuple[marks.Constant, ...]) -> bytes:
    return json.dumps({one.name: one.value for one in marked}, indent=1).encode()
