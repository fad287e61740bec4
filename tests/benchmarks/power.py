"""`python -m tests.benchmarks.power`: candidates that are better. How many of them are kept, and at what cost?

The tries in front of a candidate are not fought: a machine's noise is a function of time alone, so that the candidate
meets it where it stands after the measurements that as many candidates without effect take.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from harness.error_budget import detectable
from harness.schedule import Schedule
from tests.benchmarks import noise, simulation
from tests.benchmarks.noise import FAMILIES, USUAL, Machine
from tests.benchmarks.simulation import BUDGET, MAX_PAIRS, TRIES

PLACES = (1, 51, 100)
ONE_SD, TWO_SD, TWO_SD_PAIRS, APART = 0.80, 0.99, 20, 0.05
DETECTABLE = (0.75, 0.90)
CALIBRATIONS, CALIBRATION = 150, 20
AGAINST = 20  # tries at the gain that a calibration called detectable


@dataclass(frozen=True)
class Try:
    kept: bool
    pairs: int


def attempt(seed: int, family: str, night: int, *, effect: float, place: int) -> Try:
    """One candidate with an effect (in sd), as the try of this number of a night."""
    before = 2 * (USUAL // 2 // TRIES) * (place - 1)
    chance = noise.generator(seed, f"power/{effect}", family, night)
    machine = Machine(
        FAMILIES[family], chance, before + 2 * MAX_PAIRS, before, {simulation.candidate(place): effect}
    )  # fmt: skip
    schedule = Schedule(seed, f"{seed}/power/{family}/{night}/{effect}")
    verdict = simulation.fought(simulation.ring(machine, schedule, BUDGET.share()), place)
    return Try(verdict.status == "keep", simulation.pairs_of(verdict))


@dataclass(frozen=True)
class Calibrated:
    """What 20 A/A pairs call detectable, and how many of some tries at that gain, later in the night, are kept."""

    gain: float
    power: float


def calibrated(seed: int, family: str, number: int, *, from_start: bool) -> Calibrated:
    """from_start: the pairs are the night's first; else they lie apart, all over the night."""
    night = _Night(seed, family, number)
    gain = detectable(night.unchanged(from_start=from_start), BUDGET.share())
    tries = [night.attempt(gain, number) for number in range(AGAINST)]
    return Calibrated(gain, float(np.mean(tries)))


@dataclass(frozen=True)
class _Night:
    """One night's noise, to be met again from any of its measurements on."""

    seed: int
    family: str
    number: int

    def machine(self, skipped: int = 0, effects: Mapping[bytes, float] | None = None) -> Machine:
        chance = noise.generator(self.seed, "calibrated", self.family, self.number)
        length = USUAL + 2 * (CALIBRATION + MAX_PAIRS)
        return Machine(FAMILIES[self.family], chance, length, skipped, effects or {})

    def unchanged(self, *, from_start: bool) -> list[float]:
        values = self.machine().unchanged()[:USUAL]
        differences = values[1::2] - values[::2]
        chosen = differences[:CALIBRATION] if from_start else differences[:: len(differences) // CALIBRATION]
        return [float(difference) for difference in chosen]

    def attempt(self, gain: float, number: int) -> bool:
        """Whether one of AGAINST tries, evenly over the night, is kept."""
        skipped = 2 * CALIBRATION + USUAL // AGAINST * number
        machine = self.machine(skipped, {simulation.candidate(number): gain})
        schedule = Schedule(self.seed, f"{self.seed}/calibrated/{self.family}/{self.number}")
        return simulation.fought(simulation.ring(machine, schedule, BUDGET.share()), number).status == "keep"


def _attempt(family: str, seed: int, effect: float, place: int, night: int) -> Try:
    return attempt(seed, family, night, effect=effect, place=place)


def _calibrated(family: str, seed: int, from_start: bool, number: int) -> Calibrated:
    return calibrated(seed, family, number, from_start=from_start)


@dataclass(frozen=True)
class Power:
    """Of one family. places: the share of one-sd gains kept, by place; gain, by_start: where the calibration is at the
    night's start, the mean gain called detectable and its power; spread: its power where it lies all over the night."""

    places: dict[int, float]
    pairs: float
    two_sd: float
    two_sd_pairs: float
    gain: float
    by_start: float
    spread: float


def power(seed: int, family: str, nights: int, calibrations: int) -> Power:
    def tries(effect: float, place: int) -> list[Try]:
        return simulation.on_all_cores(partial(_attempt, family, seed, effect, place), range(nights))

    def calibrated_(*, from_start: bool) -> list[Calibrated]:
        return simulation.on_all_cores(partial(_calibrated, family, seed, from_start), range(calibrations))

    one = {place: tries(1.0, place) for place in PLACES}
    two, start, spread = tries(2.0, PLACES[1]), calibrated_(from_start=True), calibrated_(from_start=False)
    return Power(
        {place: _mean([one_.kept for one_ in found]) for place, found in one.items()},
        _mean([one_.pairs for found in one.values() for one_ in found]),
        _mean([one_.kept for one_ in two]),
        _mean([one_.pairs for one_ in two]),
        _mean([found.gain for found in start]),
        _mean([found.power for found in start]),
        _mean([found.power for found in spread]),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def table(found: dict[str, Power]) -> str:
    head = [
        "noise", *(f"1 sd, try {place}" for place in PLACES), "pairs", "2 sd", "pairs", "detectable gain",
        "kept at it", "kept at it, calibrated all night",
    ]  # fmt: skip
    rows = [
        [
            family, *(f"{100 * share:.1f} %" for share in one.places.values()), f"{one.pairs:.1f}",
            f"{100 * one.two_sd:.1f} %", f"{one.two_sd_pairs:.1f}", f"{one.gain:.2f} sd", f"{100 * one.by_start:.0f} %",
            f"{100 * one.spread:.0f} %",
        ]
        for family, one in found.items()
    ]  # fmt: skip
    return simulation.markdown(head, rows)


def bars(found: dict[str, Power]) -> bool:
    held = []
    for family, one in found.items():
        least, apart = min(one.places.values()), max(one.places.values()) - min(one.places.values())
        low, high = DETECTABLE
        for what, ok in (
            (f"1 sd kept in {100 * least:.1f} %, at least {100 * ONE_SD:.0f} %", least >= ONE_SD),
            (f"places differ by {100 * apart:.1f} points, at most {100 * APART:.0f}", apart <= APART),
            (f"2 sd kept in {100 * one.two_sd:.1f} %, at least {100 * TWO_SD:.0f} %", one.two_sd >= TWO_SD),
            (f"2 sd takes {one.two_sd_pairs:.1f} pairs, at most {TWO_SD_PAIRS}", one.two_sd_pairs <= TWO_SD_PAIRS),
            (f"the detectable gain is kept in {100 * one.by_start:.0f} %, 75 to 90 %", low <= one.by_start <= high),
        ):
            held.append(simulation.bar(f"{family}: {what}", held=ok))
    return all(held)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--calibrations", type=int, default=CALIBRATIONS)
    parser.add_argument("--seed", type=int, default=noise.seed_of_commit())
    asked = parser.parse_args(arguments)
    command = f"python -m tests.benchmarks.power --nights {asked.nights} --calibrations {asked.calibrations}"
    clock = simulation.Clock.start(command, asked.seed)
    found = {}
    for family in FAMILIES:
        found[family] = power(asked.seed, family, asked.nights, asked.calibrations)
        print(f"  {family}: {found[family]}", flush=True)
    print(table(found))
    print(f"\n{clock.says()}\n")
    return 0 if bars(found) else 1


if __name__ == "__main__":
    sys.exit(main())
