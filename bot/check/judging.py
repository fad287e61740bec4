"""Of a target whose evaluator asks a model: whether it answers, what that costs, and whether it says the same twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.check.baseline import Baseline
from bot.models.answers import Answers
from bot.models.client import Client
from bot.models.teller import Teller
from bot.pages.wording.text import count
from harness.reserve import least
from harness.target import Target


def teller(target: Target, folder: Path, broker: Path | None) -> Teller | None:
    """Asks anew for every measurement. None where nothing is asked, or nobody is there to ask."""
    asked = target.evaluate.model
    if not asked or not broker:
        return None
    return Teller(Client(broker, keep=False), asked, Answers(folder / "answers", again=False), usd=target.budget.usd)


def unasked(target: Target, missing: Sequence[str]) -> Baseline:
    """Why nothing was measured."""
    name = target.evaluate.model.model if target.evaluate.model else ""
    why = f"no key is in {', '.join(missing)}; export it first" if missing else "no broker is running for it"
    return Baseline({}, problem=f"its evaluator asks {name}, and nobody can be asked: {why}. Nothing was spent")


def told(target: Target, teller: Teller, measured: Baseline) -> tuple[str, ...]:
    return tuple(_lines(target, teller, measured))


def _lines(target: Target, teller: Teller, measured: Baseline) -> Iterator[str]:
    spent = teller.taken()
    if spent:
        yield f"this check asked {spent['model']} {count(spent['calls'], 'question')} for ${spent['cost_usd']:.4f}"
    if measured.metrics and teller.dearest:
        kept = f"a night reckons with twice that, and keeps {least(target)} of them for confirm"
        yield f"one measurement costs ${teller.dearest:.4f}; {kept}"
    if measured.varies:
        yield "it answers otherwise each time: the loop uses an answer again, confirm asks anew, held-out cases decide"


def unpaid(target: Target, teller: Teller) -> str:
    """Why the budget does not pay for a night; "" where it does."""
    needed = teller.dearest + teller.reckoned(1 + least(target))
    if float(needed) <= target.budget.usd:
        return ""
    return (
        f"judging one experiment and confirming it is reckoned at ${needed:.4f}, and the budget is "
        f"${target.budget.usd:g}; budget: {{usd: {float(needed) * 10:.2g}}} pays for some more"
    )
