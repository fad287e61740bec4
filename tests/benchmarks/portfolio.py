"""`python -m tests.benchmarks.portfolio [--nights 200]`: what sharing a night costs, and what it saves.

Simulated arms with known chances of a keep, gains and costs, drawn by the bandit that `portfolio` draws by. Gains get
rarer as a night goes on: every chance of a keep halves whenever so much was gained, whoever gained it. Each figure is a
mean over nights: the night's gain within its budget by the portfolio, by its best arm alone and by an even split; and
the least share of experiments that the control arm had at any moment. Exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.proposers.bandit import CONTROL_SHARE, Bandit, Effort

BAR_SPLIT = 0.9  # of what an even split gains
BAR_BEST = 0.7  # of what the best arm alone gains
CONTROL = "control"


@dataclass(frozen=True)
class Arm:
    """keeps: the chance of a keep when the night begins; gain: mean of a keep; used: by one experiment; ideas: how many
    experiments it has any chance in."""

    keeps: float
    gain: float
    used: float = 1.0
    ideas: float = math.inf


@dataclass(frozen=True)
class Scene:
    """budget: in experiments of the control; batch: experiments an ask; halves: the gain that halves every chance."""

    arms: Mapping[str, Arm]
    budget: int = 2000
    batch: int = 16
    halves: float = 40.0


SCENES = {
    "alike": Scene({CONTROL: Arm(0.03, 1), "other": Arm(0.03, 1)}),
    "a better one": Scene({CONTROL: Arm(0.02, 1), "other": Arm(0.08, 1)}),
    "the control is best": Scene({CONTROL: Arm(0.06, 1), "other": Arm(0.01, 1)}),
    "good and dear": Scene({CONTROL: Arm(0.03, 1), "other": Arm(0.12, 1, 8)}),
    "good and worth it": Scene({CONTROL: Arm(0.02, 1), "other": Arm(0.2, 2, 4)}),
    "rare and large": Scene({CONTROL: Arm(0.06, 1), "other": Arm(0.02, 8)}),
    "three": Scene({CONTROL: Arm(0.02, 1), "second": Arm(0.05, 1), "third": Arm(0.1, 1, 3)}),
    "soon out of ideas": Scene({CONTROL: Arm(0.03, 1), "other": Arm(0.15, 1, ideas=400)}),
    "a noisy night": Scene({CONTROL: Arm(0.04, 1), "other": Arm(0.15, 1)}, budget=100, batch=1, halves=10),
}

Choice = Callable[[int, int], str]  # the number of the next experiment, and how many are asked for


@dataclass
class Played:
    """What a night came to; share: the control's least at any moment."""

    gain: float = 0.0
    share: float = 1.0


def night(scene: Scene, choose: Choice, seed: int, told: Callable[[str, Effort], None] = lambda _a, _e: None) -> Played:
    """Asks until the budget is used up."""
    chance, played = random.Random(seed), Played()
    left, number = float(scene.budget), 1
    made = dict.fromkeys(scene.arms, 0)
    while left > 0:
        name = choose(number, scene.batch)
        arm = scene.arms[name]
        for _ in range(scene.batch):
            odds = arm.keeps * 0.5 ** (played.gain / scene.halves) if made[name] < arm.ideas else 0.0
            keep = chance.random() < odds
            gain = chance.expovariate(1 / arm.gain) if keep else 0.0
            left, number = left - arm.used, number + 1
            made[name] += 1
            played.gain += gain
            played.share = min(played.share, made[CONTROL] / (number - 1))
            told(name, Effort(keep, gain, arm.used))
    return played


def by_bandit(scene: Scene, seed: int) -> Played:
    names = list(scene.arms)
    bandit = Bandit(names, CONTROL, seed, scene.budget)
    return night(scene, lambda number, count: bandit.pick(number, count, names), seed, bandit.learn)


def evenly(scene: Scene, seed: int) -> Played:
    """What each arm uses up is the same: the next is who has used up least."""
    used = dict.fromkeys(scene.arms, 0.0)

    def told(name: str, effort: Effort) -> None:
        used[name] += effort.used

    return night(scene, lambda _number, _count: min(used, key=used.__getitem__), seed, told)


def alone(scene: Scene, name: str, seed: int) -> Played:
    return night(scene, lambda _number, _count: name, seed)


@dataclass(frozen=True)
class Compared:
    """Mean gains of a night, and the least share of the control in any."""

    portfolio: float
    best: float
    split: float
    share: float


def compared(scene: Scene, nights: int) -> Compared:
    def mean(play: Callable[[int], Played]) -> float:
        return statistics.fmean(play(seed).gain for seed in range(nights))

    ours = [by_bandit(scene, seed) for seed in range(nights)]
    best = max(mean(lambda seed, name=name: alone(scene, name, seed)) for name in scene.arms)  # type: ignore[misc]
    split = mean(lambda seed: evenly(scene, seed))
    return Compared(statistics.fmean(each.gain for each in ours), best, split, min(each.share for each in ours))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=200)
    nights = parser.parse_args().nights
    print("| arms | best arm alone | even split | portfolio | of the best | control, at least |")
    print("|---|--:|--:|--:|--:|--:|")
    held = True
    for name, scene in SCENES.items():
        found = compared(scene, nights)
        share = found.portfolio / found.best
        gains = " | ".join(f"{gain:.1f}" for gain in (found.best, found.split, found.portfolio))
        print(f"| {name} | {gains} | {share:.0%} | {found.share:.0%} |")
        held &= share >= BAR_BEST and found.share >= CONTROL_SHARE and found.portfolio >= BAR_SPLIT * found.split
    print("ok" if held else "MISS")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
