"""Does confirm leave exactly what pays? Simulated nights with hidden contents, through the code of a real night.

    python -m tests.benchmarks.ablation [--nights 200] [--seed N]

Each night ends with a kept file, a small YAML whose effect only the simulator knows. The examination takes it apart
and tests it as in any night; what is simulated is the measuring alone. Noise has a standard deviation of 1. Seeds come
from the commit, so that a later commit repeats the study on other nights.
"""

from __future__ import annotations

import argparse
import functools
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from bot import config
from bot.night.examination import noisy
from bot.night.examination.bench import Bench, Unconfirmed
from bot.night.examination.case import Case
from harness.admission import Admission
from harness.events import Event
from harness.folds import LoopState
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import WorkingSource
from harness.schedule import Schedule
from harness.target import Target
from tests.benchmarks.nights import scratch_repository

NOISES = ("gaussian", "t(3)", "drift")
FOLDER = "targets/experiments/planted"
FILES = {
    f"{FOLDER}/target.yaml": """
name: planted
file: spec.yaml
space: {/*: {int: [0, 1]}}
evaluate: {command: [python, evaluate.py]}
metrics: [{name: speed, goal: maximize}]
noise: {}
""",
    f"{FOLDER}/evaluate.py": "",
    f"{FOLDER}/spec.yaml": "a: 0\nb: 0\n",
}

Effect = Callable[[Mapping[str, int]], float]


@dataclass(frozen=True)
class Planted:
    """effect: in standard deviations of one measurement; claimed: what the loop says of the file with all changes;
    good: whether what is left of the changes is what should be; bad: what must hardly ever be left."""

    name: str
    effect: Effect
    claimed: float
    good: Callable[[frozenset[str]], bool]
    least: float
    bad: Callable[[frozenset[str]], bool] | None = None
    most_bad: float = 0.0


CASES = (
    Planted("a lucky null beside a change of 2 sd", lambda on: 2.0 * on["b"], 2.8, lambda left: "a" not in left, 0.85),
    Planted(
        "a superseded pair", lambda on: 3.0 if on["b"] else 1.5 * on["a"], 3.0, lambda left: left == frozenset("b"), 0.8
    ),
    Planted(
        "a redundant pair", lambda on: 2.0 * (on["a"] or on["b"]), 2.5, lambda left: len(left) == 1, 0.95,
        lambda left: not left, 0.02,
    ),
    Planted("a synergy pair", lambda on: 2.0 * (on["a"] and on["b"]), 2.0, lambda left: left == frozenset("ab"), 0.95),
    Planted(
        "an honest change of 2 sd beside one of 1 sd", lambda on: 2.0 * on["a"] + on["b"], 3.0,
        lambda left: "a" in left, 0.95,
    ),
)  # fmt: skip


class Simulated:
    """A measurer that knows the planted effect, and scatters it."""

    def __init__(self, effect: Effect, noise: str, chance: np.random.Generator) -> None:
        self._effect, self._noise, self._chance = effect, noise, chance
        self._measured = 0
        self._step = int(chance.integers(20, 200))

    def measure(self, contents: Sequence[bytes], _ask: Ask) -> list[Measurement]:
        return [Measurement({"speed": truth(self._effect, content) + self.scatter()}) for content in contents]

    def scatter(self) -> float:
        self._measured += 1
        if self._noise == "t(3)":
            return float(self._chance.standard_t(3)) / math.sqrt(3)
        drift = self._measured / 400 + (self._measured > self._step) if self._noise == "drift" else 0.0
        return float(self._chance.normal()) + drift

    def close(self) -> None:
        """Nothing is open."""


@functools.cache
def settings(content: bytes) -> Mapping[str, int]:
    found: dict[str, int] = yaml.safe_load(content)
    return found


def truth(effect: Effect, content: bytes) -> float:
    return effect(settings(content))


@functools.cache
def blob_id(content: bytes) -> str:
    return content.hex()


@dataclass(frozen=True)
class Outcome:
    """left: the changes that confirm left; covered: whether the interval holds the truth about them."""

    left: frozenset[str]
    covered: bool
    confirmed: bool


def night(planted: Planted, noise: str, target: Target, seed: Sequence[int]) -> Outcome:
    """One simulated night's confirm."""
    chance = np.random.default_rng(seed)
    base, head = b"a: 0\nb: 0\n", b"a: 1\nb: 1\n"
    measurer = Simulated(planted.effect, noise, chance)
    recorded: list[Event] = []
    schedule = Schedule(int(chance.integers(2**31)), str(chance.integers(2**62)))
    bench = Bench(target, measurer, schedule, 0, blob_id, lambda: None, recorded.append, (), 0.0)
    case = Case(
        target, _state(planted, measurer, base, head), base, [(1, b"a: 1\nb: 0\n"), (2, head)], bench,
        Admission(target, base, blob_id), {"event": "confirm"}, (), recorded.append, lambda _made, _before: {},
        lambda _head: {},
    )  # fmt: skip
    try:
        noisy.examine(case)
    except Unconfirmed:
        confirmed = False
    else:
        confirmed = True
    final = bytes.fromhex(case.event["head"])
    interval, gain = case.event["confirmed"], truth(planted.effect, final) - truth(planted.effect, base)
    left = frozenset(name for name, value in settings(final).items() if value)
    return Outcome(left, interval["low"] <= gain <= interval["high"], confirmed)


def _state(planted: Planted, measurer: Simulated, base: bytes, head: bytes) -> LoopState:
    """What the loop would have left: its claim, and pairs of the unchanged file that say how far it scatters."""
    pairs: list[dict[str, Any]] = [
        {"incumbent": {"speed": measurer.scatter()}, "candidate": {"speed": measurer.scatter()}, "void": ""}
        for _ in range(20)
    ]
    return LoopState(
        base_metrics={"speed": 0.0}, base_blob=blob_id(base), blob=blob_id(head), content=head,
        metrics={"speed": planted.claimed}, claimed=planted.claimed, kept=2, calibration=pairs,
    )  # fmt: skip


def planted_target() -> Target:
    with scratch_repository(FILES) as repository:
        return config.load_targets(WorkingSource(repository), ("planted",))[0]


def study(nights: int, seed: int) -> bool:
    """Runs and prints everything; whether every bar held. Bars stand on a case's nights of all kinds of noise."""
    target, held, covered = planted_target(), True, list[bool]()
    for number, planted in enumerate(CASES):
        found = {
            noise: [night(planted, noise, target, (seed, number, kind, index)) for index in range(nights)]
            for kind, noise in enumerate(NOISES)
        }
        outcomes = [outcome for of_noise in found.values() for outcome in of_noise]
        covered += [outcome.covered for outcome in outcomes]
        good = _share([planted.good(outcome.left) for outcome in outcomes])
        bad = _share([planted.bad(outcome.left) for outcome in outcomes]) if planted.bad else 0.0
        passed = good >= planted.least and bad <= planted.most_bad
        held = held and passed
        each = ", ".join(f"{n} {_share([planted.good(o.left) for o in of]):.1%}" for n, of in found.items())
        print(f"{'ok  ' if passed else 'MISS'} {planted.name}: right in {good:.1%} (at least {planted.least:.0%})")
        print(f"       {each}; confirmed {_share([outcome.confirmed for outcome in outcomes]):.1%}", end="")
        print(f"; nothing left in {bad:.1%} (at most {planted.most_bad:.0%})" if planted.bad else "", flush=True)
    share = _share(covered)
    held = held and share >= 0.93
    print(
        f"{'ok  ' if share >= 0.93 else 'MISS'} 95 % interval covers the truth in {share:.1%} of {len(covered)} nights,"
    )
    print("       confirmed or not (at least 93 %)")
    return held


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def commit_seed() -> int:
    """A seed from the last commit."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return int(found.stdout[:12], 16)


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulated nights through confirm.")
    parser.add_argument("--nights", type=int, default=200, help="of each case, with each kind of noise")
    parser.add_argument("--seed", type=int, default=None, help="default: from the last commit")
    wishes = parser.parse_args()
    seed, started = commit_seed() if wishes.seed is None else wishes.seed, time.monotonic()
    held = study(wishes.nights, seed)
    print(f"seed {seed}, {wishes.nights} nights a case and noise, {time.monotonic() - started:.0f} s")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
