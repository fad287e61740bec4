"""All kills over all kinds, and what they came to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.soak.finish import check_finished, history
from tests.benchmarks.soak.ground import Ground, Tally
from tests.benchmarks.soak.kill import killed
from tests.benchmarks.soak.kinds import KINDS, Kind

WORKERS = 2  # kinds at a time


@dataclass
class _Field:
    """One kind: what its unkilled nights recorded, and where its killed ones run."""

    kind: Kind
    chance: random.Random
    folder: Path
    tally: Tally = field(default_factory=Tally)
    reference: list[list[str]] = field(default_factory=list)

    def prepare(self) -> None:
        ground = Ground(self.kind, self.folder / "unkilled")
        for _ in range(self.kind.nights):
            ground.next_night()
            ground.undisturbed()
            assert ground.night is not None
            self.reference.append(history(ground.night))

    def kill(self, wanted: int, say: Callable[[str], None]) -> None:
        """So many kills, spread over as many nights as they take; each night is brought to its end."""
        number = 0
        while self.tally.kills < wanted:
            number += 1
            ground = Ground(self.kind, self.folder / str(number))
            ground.tally = self.tally
            for reference in self.reference:
                ground.next_night()
                if self.kind.from_confirm:
                    ground.loop()
                while self.tally.kills < wanted and killed(ground, self.chance) and not ground.over:
                    pass
                if not ground.over:
                    ground.undisturbed()
                check_finished(ground, reference)
                say(f"  {self.kind.name}: {self.tally.kills} kills, {self.tally.nights} nights")


def soak(kills: int, seed: int, folder: Path, say: Callable[[str], None] = print) -> Mapping[str, Tally]:
    """That many kills over all kinds, two kinds at a time; raises AssertionError where something does not hold."""

    def one(index: int, kind: Kind) -> Tally:
        one_field = _Field(kind, random.Random(f"{seed}/{kind.name}"), folder / str(index))
        one_field.prepare()
        one_field.kill((kills + len(KINDS) - 1 - index) // len(KINDS), say)
        return one_field.tally

    with ThreadPoolExecutor(WORKERS) as pool:
        tallies = list(pool.map(one, range(len(KINDS)), KINDS))
    return {kind.name: tally for kind, tally in zip(KINDS, tallies, strict=True)}


def table(found: Mapping[str, Tally]) -> str:
    head = f"{'kind':12}{'kills':>6}{'nights':>8}{'repeats':>9}{'worst':>7}  whom; where"
    lines = [
        f"{name:12}{t.kills:6}{t.nights:8}{t.repeats:9}{t.worst:7}  {_counts(t.whom)}; {_counts(t.where)}"
        for name, t in found.items()
    ]
    return "\n".join([head, *lines])


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
