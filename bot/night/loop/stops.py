"""When the loop ends. Each stop looks at the state and says its end reason, or nothing; the first that speaks wins."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from harness.folds import LoopState

Stop = Callable[[LoopState], str | None]


@dataclass(frozen=True)
class Limits:
    """What a target's loop may spend. Seconds, US dollars; None is no limit."""

    experiments: int
    wall_clock: float | None
    usd: float
    plateau: int | None


def stops(limits: Limits, worst_case_usd: Callable[[], float], clock: Callable[[], float]) -> list[Stop]:
    """worst_case_usd: of one proposal; clock: seconds that this target has run, earlier runs of the night included."""

    def experiments(state: LoopState) -> str | None:
        return "experiments" if state.experiments >= limits.experiments else None

    def wall_clock(_state: LoopState) -> str | None:
        return "wall-clock" if limits.wall_clock is not None and clock() >= limits.wall_clock else None

    def money(state: LoopState) -> str | None:
        worst = worst_case_usd()
        return "money" if worst and state.cost + worst > limits.usd else None

    def plateau(state: LoopState) -> str | None:
        return "plateau" if limits.plateau and state.since_keep >= limits.plateau else None

    return [experiments, wall_clock, money, plateau]


def first(stops: Sequence[Stop], state: LoopState) -> str | None:
    """The first end reason that any stop gives."""
    return next((reason for stop in stops if (reason := stop(state))), None)


def affordable(limits: Limits, state: LoopState, worst_case_usd: float, wanted: int) -> int:
    """How many experiments of a batch may be asked for: the worst case is reserved before it is spent."""
    count = min(wanted, limits.experiments - state.experiments)
    if limits.plateau:
        count = min(count, limits.plateau - state.since_keep)
    if worst_case_usd:
        count = min(count, int((limits.usd - state.cost) / worst_case_usd + 1e-9))
    return max(count, 0)


@contextmanager
def interrupt() -> Iterator[Stop]:
    """A stop that speaks after Ctrl-C or SIGTERM. What is in flight is judged; a second one ends at once."""
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda _state: "interrupt" if seen else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
