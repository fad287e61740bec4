"""A private target's measurements, without a word of the evaluator's: what it says may quote a row.

Of a measurement stay the declared metrics, which target.yaml vouches to be aggregates; parts, notes and other metrics
could bear an account's name or be one account's value. Of a crash stay its kind, the exit code, and how much was said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.reports import CUT, Measurement

if TYPE_CHECKING:
    from harness.measure import Ask, Measurer

NOT_KEPT = "not kept, because the rows are private"


@dataclass(frozen=True)
class Discreet:
    """A measurer of a private target. declared: the names of its metrics."""

    measurer: Measurer
    declared: Collection[str]

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        return [_discreet(found, self.declared) for found in self.measurer.measure(contents, ask)]

    def close(self) -> None:
        self.measurer.close()


def _discreet(found: Measurement, declared: Collection[str]) -> Measurement:
    if found.crash == CUT:
        return found
    metrics = {name: value for name, value in found.metrics.items() if name in declared}
    return replace(found, metrics=metrics, parts={}, notes=(), why=_why(found) if found.crash else "")


def _why(found: Measurement) -> str:
    """An exit code is the harness's own word. No hash of the rest: who can guess a row could check the guess."""
    code = f"{found.why.partition(':')[0]}: " if found.crash in {"exit", "signal"} else ""
    return f"{code}why is {NOT_KEPT} ({len(found.why):,} characters)"
