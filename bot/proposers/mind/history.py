"""What was tried in this night, as a model is told it: one block per experiment, which never changes afterwards.

Where the blocks outgrow their limit they are compacted by rule: the latest fifth stays, everything older becomes one
block of a line each, and of what has no room there the reasons are counted. That takes a big step, so that between two
compactions what a provider has cached stays what it was. All of it follows from the experiments in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.proposers import Outcome
from bot.proposers.mind.fence import begins, ends, fenced, one_line

STAYS = 0.2  # of the limit, for the latest experiments in full
LINES = 0.25  # of the limit, for the lines of older ones
LINE = 220
MOST_CHANGE, MOST_KEPT, MOST_WHY, MOST_CRASH = 1_000, 3_000, 400, 1_200  # characters of one block


@dataclass(frozen=True)
class Tried:
    """One experiment. change: what it changed in the incumbent of then, in words."""

    outcome: Outcome
    description: str
    change: str

    @property
    def lines(self) -> str:
        """Of a diff, how many lines it adds and takes away; nothing for values."""
        if not self.change.startswith("@@"):
            return ""
        signs = Counter(line[:1] for line in self.change.split("\n"))
        return f"; lines +{signs['+']} -{signs['-']}"

    @property
    def kept(self) -> bool:
        return self.outcome.status == "keep"


class History:
    """headline: the metric that decides; most: bytes of all blocks together; also: metrics that are told beside it."""

    def __init__(self, headline: str, most: int, also: Sequence[str] = ()) -> None:
        self._headline, self._most, self._also = headline, most, also
        self._all: list[Tried] = []
        self._blocks: list[str] = []

    @property
    def blocks(self) -> list[str]:
        """In the order of the experiments."""
        return self._blocks

    @property
    def count(self) -> int:
        return len(self._all)

    def add(self, tried: Tried) -> bool:
        """Whether that made a compaction necessary."""
        self._all.append(tried)
        self._blocks.append(self.block(tried))
        if _size(self._blocks) <= self._most:
            return False
        self._compact()
        return True

    def block(self, tried: Tried) -> str:
        """An experiment in full: what was found, as the harness says it, and what others wrote, as data."""
        said = f"idea: {tried.description}\nchange:\n{begins(tried.change, MOST_KEPT if tried.kept else MOST_CHANGE)}"
        if tried.outcome.status == "crash":
            said += f"\nend of its output:\n{ends(tried.outcome.why, MOST_CRASH)}"
        elif tried.outcome.why:
            said += f"\nwhy: {begins(tried.outcome.why, MOST_WHY)}"
        number = tried.outcome.experiment
        return (
            f"Experiment {number}: {self._verdict(tried)}\n{self._others(tried)}{fenced(f'experiment {number}', said)}"
        )

    def _verdict(self, tried: Tried) -> str:
        outcome = tried.outcome
        found = "keep" if tried.kept else f"{outcome.status}, {outcome.reason}"
        value = outcome.metrics.get(self._headline)
        gain = "" if value is None else f"; {self._headline} {value:.6g}, gain {outcome.gain:+.4g}"
        return f"{found}{gain}{tried.lines}"

    def _others(self, tried: Tried) -> str:
        found = tried.outcome.metrics
        said = ", ".join(f"{name} {found[name]:.6g}" for name in self._also if name in found)
        return f"{said}\n" if said else ""

    def _compact(self) -> None:
        kept, room = len(self._all), self._most * STAYS
        blocks: list[str] = []
        while kept and (room := room - len((block := self.block(self._all[kept - 1])).encode())) >= 0:
            kept -= 1
            blocks.append(block)
        self._blocks = [self._summary(self._all[:kept]), *reversed(blocks)]

    def _summary(self, older: Sequence[Tried]) -> str:
        """Kept ones first choose their lines, then the latest of the others; they stand in their order."""
        room = self._most * LINES
        chosen: dict[int, str] = {}
        by_worth = sorted(range(len(older)), key=lambda index: (not older[index].kept, -index))
        for index in by_worth:
            line = self._line(older[index])
            if (room := room - len(line.encode()) - 1) < 0:
                break
            chosen[index] = line
        left = Counter(one.outcome.reason for index, one in enumerate(older) if index not in chosen)
        return f"Experiments until {older[-1].outcome.experiment if older else 0}, in short\n" + fenced(
            "older experiments", "\n".join([*(chosen[index] for index in sorted(chosen)), *_counted(left)])
        )

    def _line(self, tried: Tried) -> str:
        change = one_line(tried.change, LINE // 2)
        return one_line(f"{tried.outcome.experiment}: {self._verdict(tried)}: {tried.description} | {change}", 2 * LINE)


def _counted(left: Counter[str]) -> Iterator[str]:
    if left:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(left.items()))
        yield f"and {left.total()} more: {reasons}"


def _size(blocks: Sequence[str]) -> int:
    return sum(len(block.encode()) for block in blocks)
