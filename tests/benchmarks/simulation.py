"""Duels on a simulated machine: everything but the evaluator is what a night runs."""

from __future__ import annotations

import multiprocessing
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.decide import Share
from harness.duel import Fought, Ring, Verdict, duel
from harness.error_budget import ErrorBudget
from harness.rule import Metric, Rule
from harness.schedule import Draw, Schedule
from tests.benchmarks.noise import METRIC, Machine

ALPHA, TRIES, MAX_PAIRS = 0.05, 100, 80
BUDGET = ErrorBudget(ALPHA, TRIES, MAX_PAIRS)
RULE = Rule("primary", (Metric(METRIC, "maximize"),))
INCUMBENT = b"the incumbent\n"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class IncumbentFirst(Schedule):
    """What a night never does: the same order in every pair."""

    def pair(self, block: str, experiment: int, number: int) -> Draw:
        return Draw(super().pair(block, experiment, number).seed, True)


def ring(machine: Machine, schedule: Schedule, share: Share) -> Ring:
    return Ring(machine.measure, RULE, share, schedule, {METRIC: machine.level}, _unrecorded)


def _unrecorded(_fought: Fought) -> None:
    """Simulated pairs are not written anywhere."""


def candidate(number: int) -> bytes:
    """Every candidate is another text; what it does is the machine's secret."""
    return b"candidate %d\n" % number


def fought(night: Ring, number: int) -> Verdict:
    return duel(night, number, INCUMBENT, candidate(number))


def pairs_of(verdict: Verdict) -> int:
    return next(iter(verdict.state.evidence.values())).pairs


def on_all_cores(work: Callable[[T], R], tasks: Iterable[T], chunk: int = 8) -> list[R]:
    """The results, in the order of the tasks. chunk: how many a process takes at a time."""
    with multiprocessing.Pool() as pool:
        return list(pool.imap(work, tasks, chunksize=chunk))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bar(what: str, *, held: bool) -> bool:
    print(f"{'ok  ' if held else 'MISS'} {what}")
    return held


@dataclass(frozen=True)
class Clock:
    """What a study says about itself, so that it can be repeated."""

    command: str
    seed: int
    started: float

    @classmethod
    def start(cls, command: str, seed: int) -> Clock:
        return cls(command, seed, time.monotonic())

    def says(self) -> str:
        took = f"{time.monotonic() - self.started:.0f} s"
        machine = f"{platform.machine()}, {multiprocessing.cpu_count()} cores, Python {platform.python_version()}"
        return f"`{self.command}`, seed {self.seed}, {time.strftime('%Y-%m-%d')}, {machine}, {took}"
