"""`tune`: for text files by lines. Chooses among the lines of a catalogue that a human wrote; no model, no key.

Each proposal changes one entry of the incumbent to another option, at times two. What it draws depends on the night's
seed and the experiment's number alone, so a resumed night proposes what an uninterrupted one would have. When every
change of one entry and of two has been tried it is exhausted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from bot.catalogue import ABSENT, Catalogue
from bot.proposers import Outcome, Proposal, Request, Told
from harness.documents import canonical_id
from harness.errors import InvalidCandidate
from harness.target import Target

PAIR_SHARE = 0.25
ATTEMPTS = 40

Choice = Mapping[int, int]  # entry -> option, for the entries that change


class Tune:
    """A proposer that chooses among lines that somebody wrote down. base: the file as the night began with it."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, target: Target, seed: int, catalogue: Catalogue, base: bytes) -> None:
        self._target, self._seed, self._catalogue = target, seed, catalogue
        self._base = base.decode(errors="surrogateescape")
        self._text, self._now = "", catalogue.standing(self._base)

    def ask(self, request: Request) -> list[Proposal]:
        self._read(request.incumbent)
        seen = {canonical(request.incumbent, self._target.file)}
        proposals: list[Proposal] = []
        for number in range(request.first, request.first + request.count):
            chance = random.Random(f"{self._seed}/{number}")  # noqa: S311  # replayable chance, no secret
            proposal = self._untried(chance, request.tried, seen)
            if proposal is None:
                break
            proposals.append(proposal)
        return proposals

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""

    def _read(self, incumbent: bytes) -> None:
        """What is built upon: the base where its lines explain the incumbent, so that order tells no two apart."""
        text = incumbent.decode(errors="surrogateescape")
        self._now = self._catalogue.standing(text)
        explained = -1 not in self._now and self._catalogue.with_options(self._base, self._now) == text
        self._text = self._base if explained else text

    def _untried(self, chance: random.Random, tried: Collection[str], seen: set[str]) -> Proposal | None:
        for choice in itertools.chain((self._draw(chance) for _ in range(ATTEMPTS)), self._all()):
            content = self._content(choice)
            canon = canonical(content, self._target.file)
            if canon not in tried and canon not in seen:
                seen.add(canon)
                return Proposal(content, ", ".join(self._words(choice)))
        return None

    def _draw(self, chance: random.Random) -> Choice:
        entries = range(len(self._now))
        count = 2 if len(entries) > 1 and chance.random() < PAIR_SHARE else 1
        return {entry: chance.choice(self._others(entry)) for entry in sorted(chance.sample(entries, count))}

    def _all(self) -> Iterator[Choice]:
        """Every change of one entry, then every change of two."""
        for count in (1, 2):
            for entries in itertools.combinations(range(len(self._now)), count):
                for options in itertools.product(*map(self._others, entries)):
                    yield dict(zip(entries, options, strict=True))

    def _others(self, entry: int) -> list[int]:
        return [option for option in range(len(self._catalogue.entries[entry].options)) if option != self._now[entry]]

    def _content(self, choice: Choice) -> bytes:
        options = [choice.get(entry, now) for entry, now in enumerate(self._now)]
        return self._catalogue.with_options(self._text, options).encode(errors="surrogateescape")

    def _words(self, choice: Choice) -> Iterator[str]:
        for number, option in choice.items():
            entry, now = self._catalogue.entries[number], self._now[number]
            old, new = entry.options[now] if now >= 0 else ABSENT, entry.options[option]
            yield f"add {new}" if old == ABSENT else f"remove {old}" if new == ABSENT else f"{old} -> {new}"


def canonical(content: bytes, file: str) -> str:
    """As the loop counts it; for a file that lines have made unreadable its bytes, and the loop then says so."""
    try:
        return canonical_id(content, file)
    except InvalidCandidate:
        return canonical_id(content, "bytes")
