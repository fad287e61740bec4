"""Whether a confirmed gain is there at a longer budget too: base and result in pairs, on seeds of their own block.

It comes last, takes what is left of the confirm budget, and takes nothing back: where it cannot be measured it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.night.examination.bench import BudgetSpent, Drawn, Unconfirmed
from bot.night.examination.case import Case
from harness import longer
from harness.longer import FAILS, LEAST_PAIRS, UNMEASURED
from harness.reports import Measurement
from harness.rule import headline_gain
from harness.target import Longer

BLOCK = "longer"


def look(case: Case, head: bytes) -> None:
    """Writes into the confirm event what base and head, whose gain is confirmed, come to at a longer budget."""
    if asked := case.target.confirm.longer:
        case.event["longer"] = {"times": asked.times, **_Look(case, head, asked).found()}


class _Ended(Exception):
    """reading: what it comes to without an interval; why in words."""

    def __init__(self, reading: str, why: str) -> None:
        super().__init__(why)
        self.reading = reading


@dataclass(frozen=True)
class _Look:
    case: Case
    head: bytes
    asked: Longer

    def found(self) -> dict[str, Any]:
        try:
            pairs = self._pairs(self._planned())
        except _Ended as ended:
            return {"reading": ended.reading, "why": str(ended)}
        sides = [(dict(drawn.found[0].metrics), dict(drawn.found[1].metrics)) for drawn in pairs]
        gains = [headline_gain(self.case.target.rule, base, head) for base, head in sides]
        return {
            **longer.comes_to(self.case.event["confirmed"], gains),
            "pairs": [
                {"seed": drawn.seed, "order": "bh" if drawn.order[0] == 0 else "hb", "base": base, "head": head}
                for drawn, (base, head) in zip(pairs, sides, strict=True)
            ],
        }

    def _planned(self) -> int:
        """As many pairs as are asked for, or as the budget pays for. Fixed before the first."""
        bench = self.case.bench
        for event in bench.known(BLOCK):
            return int(event["of"])
        cost = 2 * self.asked.times * bench.seconds
        paid = max(int(bench.left / cost), 0) if cost else self.asked.pairs
        if paid < LEAST_PAIRS:
            raise _Ended(
                UNMEASURED,
                f"what is left of the confirm budget pays for {paid} pairs, and {LEAST_PAIRS} are the least",
            )
        return min(self.asked.pairs, paid)

    def _pairs(self, planned: int) -> list[Drawn]:
        pairs: list[Drawn] = []
        try:
            while len(pairs) < planned:
                pairs.append(self._pair(len(pairs) + 1, planned))
        except BudgetSpent as spent:
            if len(pairs) < LEAST_PAIRS:
                raise _Ended(UNMEASURED, f"{spent} after {len(pairs)} of {planned} pairs") from None
        except Unconfirmed as failed:
            raise _Ended(UNMEASURED, str(failed)) from None
        return pairs

    def _pair(self, number: int, planned: int) -> Drawn:
        for attempt in (1, 2):
            drawn = self._draw(number, [self.case.base, self.head], attempt, planned)
            if drawn.crashed is None:
                return drawn
            if drawn.crashed == 1:
                raise self._failure(drawn.found[1], number, planned)
        raise _Ended(UNMEASURED, f"the unchanged file fails there, twice under one seed: {_reason(drawn.found[0])}")

    def _failure(self, found: Measurement, number: int, planned: int) -> _Ended:
        """It counts against the result only where the base gets through."""
        base = self._draw(number, [self.case.base], 3, planned)
        if base.crashed is None:
            return _Ended(FAILS, _reason(found))
        return _Ended(UNMEASURED, f"the unchanged file fails there too: {_reason(base.found[0])}")

    def _draw(self, number: int, contents: list[bytes], attempt: int, planned: int) -> Drawn:
        return self.case.bench.draw(BLOCK, 0, number, contents, attempt, of=planned, fidelity=self.asked.times)


def _reason(found: Measurement) -> str:
    return f"{found.crash}: {found.why[:300]}"
