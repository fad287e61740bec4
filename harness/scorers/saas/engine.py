"""Where the parts of a table are added up. What comes back is the same whichever it is: sums of whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.scorers.saas.spec import Spec

if TYPE_CHECKING:
    from harness.scorers.saas.scorer import Scorer
    from harness.scorers.saas.tally import Tally

Tallies = list[list["Tally"]]  # per spec: of all accounts, then of each segment


@dataclass(frozen=True)
class Work:
    """A batch: what is computed of each part. All specs have one scaling. scalar: the one metric that is wanted, if not
    all are."""

    specs: Sequence[Spec]
    split: str
    scalar: str = ""


class Engine(Protocol):
    """Adds up each part of a split."""

    def each(self, scorer: Scorer, work: Work) -> Iterator[Tallies]:
        """The tallies of every part, in the parts' order. Raises what the first part that fails raises."""
        ...


class Here:
    """One part after the other, in this process."""

    def each(self, scorer: Scorer, work: Work) -> Iterator[Tallies]:
        for part in range(len(scorer.store(work.split).parts)):
            yield scorer.tallies(work, part)
