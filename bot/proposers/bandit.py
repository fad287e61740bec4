"""Which arm of a portfolio is asked next: the one that keeps most for what it uses up, as far as that is known.

Thompson sampling. Of each arm a chance of a keep is drawn, from the Beta distribution that its keeps and its other
experiments leave over a prior of one keep in twenty. It is multiplied by the mean gain of the arm's keeps, as a
multiple of the night's mean, and divided by what an experiment of the arm uses up; the largest is asked. The gains
are those that the loop kept, which is what is known while a night runs.

Gains get smaller as a night goes on, and who came first had the easy ones. So what was learnt fades: by half in a
quarter of the night's experiments. An arm that did badly early is tried again.

Nothing is known of an arm that was never tried: each makes TRIES experiments before the draw decides, or a small night
could end without it. One arm is the control. It has never made less than CONTROL_SHARE of the experiments, so that
there is always something to compare the others with.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONTROL_SHARE = 0.2
TRIES = 2
PRIOR_KEEPS, PRIOR_OTHERS = 1.0, 19.0
HALVES_IN = 0.25  # of the night's experiments


@dataclass(frozen=True)
class Effort:
    """One experiment. gain: the headline's, where it was kept; used: what it took, where 1 is an experiment that takes
    neither money nor a model's time."""

    kept: bool
    gain: float
    used: float = 1.0


@dataclass
class _Sums:
    """What is left of an arm's efforts after fading; made: how many there really were."""

    made: int = 0
    tries: float = 0.0
    keeps: float = 0.0
    gain: float = 0.0
    used: float = 0.0

    def fade(self, factor: float) -> None:
        self.tries, self.keeps = self.tries * factor, self.keeps * factor
        self.gain, self.used = self.gain * factor, self.used * factor

    def add(self, effort: Effort) -> None:
        self.made, self.tries, self.used = self.made + 1, self.tries + 1, self.used + effort.used
        if effort.kept:
            self.keeps, self.gain = self.keeps + 1, self.gain + max(effort.gain, 0.0)


class Bandit:
    """arms: their names, of which control is one; experiments: how many the night has.

    What is picked follows from the seed, the experiment's number and what was learnt, whatever was picked before.
    """

    def __init__(self, arms: Sequence[str], control: str, seed: int, experiments: int) -> None:
        self._control, self._seed = control, seed
        self._sums: Mapping[str, _Sums] = {arm: _Sums() for arm in arms}
        self._factor: float = 0.5 ** (1 / max(HALVES_IN * experiments, 1.0))

    def learn(self, arm: str, effort: Effort) -> None:
        for sums in self._sums.values():
            sums.fade(self._factor)
        self._sums[arm].add(effort)

    def pick(self, number: int, count: int, among: Sequence[str]) -> str:
        """Who is asked for `count` experiments, the first of this number; among: who has more, at least one arm."""
        made = sum(sums.made for sums in self._sums.values())
        if self._control in among and self._sums[self._control].made < CONTROL_SHARE * (made + count):
            return self._control
        untried = [arm for arm in among if self._sums[arm].made < TRIES]
        if untried:
            return min(untried, key=lambda arm: self._sums[arm].made)
        return max(among, key=lambda arm: self._drawn(arm, number))

    def _drawn(self, arm: str, number: int) -> float:
        """Each arm has a chance of its own: whether another one has more left changes nothing."""
        mine = self._sums[arm]
        chance = random.Random(f"{self._seed}/{number}/{arm}")  # noqa: S311  # replayable chance, no secret
        keeps = chance.betavariate(PRIOR_KEEPS + mine.keeps, PRIOR_OTHERS + mine.tries - mine.keeps)
        return keeps * self._worth(mine) * (mine.tries + 1) / (mine.used + 1)

    def _worth(self, mine: _Sums) -> float:
        """The mean gain of a keep over the night's; one keep of the night's mean is taken for granted."""
        keeps = sum(sums.keeps for sums in self._sums.values())
        gain = sum(sums.gain for sums in self._sums.values())
        return (mine.gain * keeps / gain + 1) / (mine.keeps + 1) if gain > 0 else 1.0
