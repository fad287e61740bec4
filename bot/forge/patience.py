"""Waiting for a service that is there again in a moment: bounded in tries and in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from harness.errors import AutoresearchError

T = TypeVar("T")


class ForgeError(AutoresearchError):
    """The forge cannot be reached, or does not let us do something."""

    exit_code = 10


class Passing(Exception):
    """A failure that passes. wait: seconds that the service asks for, where it does."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


@dataclass
class Patience:
    """tries of each step; left: seconds that all steps together may still wait."""

    tries: int = 6
    left: float = 900.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __call__(self, step: Callable[[], T], doing: str) -> T:
        """What a step returns. It is begun anew after each passing failure, so it must first look what is there.

        Raises ForgeError where patience ends.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return step()
            except Passing as failure:
                wait = min(60.0, 2.0**attempt) if failure.wait is None else failure.wait
                if attempt == self.tries or wait > self.left:
                    raise _gave_up(failure, doing, attempt, wait) from None
                self.left -= wait
                self.sleep(wait)
        raise AssertionError("unreachable")


def _gave_up(failure: Passing, doing: str, tries: int, wait: float) -> ForgeError:
    times = "once" if tries == 1 else f"{tries} times"
    when = f", in {wait / 60:.0f} minutes or later" if wait > 60 else ""
    return ForgeError(
        f"{doing}: tried {times}, and it failed each time: {failure.why}",
        why="the service is down, busy, or out of reach from here; what was done so far stays",
        next_step=f"re-run the failed job{when}; it goes on where it stopped, and does nothing twice",
    )
