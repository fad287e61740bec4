"""How often a provider is asked again, and how long is waited for it."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Retries:
    """attempts: calls at most, the first included; first, longest: seconds of the first wait and of any later one, of
    which chance takes up to half away; patience: seconds that all waits of one question may take together."""

    attempts: int = 4
    first: float = 2.0
    longest: float = 60.0
    patience: float = 300.0

    def wait(self, failed: int, asked_for: float | None, waited: float, chance: random.Random) -> float | None:
        """Seconds until the next attempt after so many failed ones; None where there is none.

        A wait that the provider asks for is honoured in full, or not begun.
        """
        if failed >= self.attempts:
            return None
        own = min(self.longest, self.first * 2 ** (failed - 1)) * chance.uniform(0.5, 1.0)
        wait = own if asked_for is None else asked_for + chance.uniform(0.0, min(1.0, self.first))
        return wait if waited + wait <= self.patience else None
