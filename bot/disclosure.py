"""What a page may say of few accounts. Of a private target a figure of fewer than five says too much of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.scorers.saas.accounts import Ints
from harness.scorers.saas.measures import PER_TIER, PerTier
from harness.scorers.saas.scored import Scored
from harness.target import Target

FEWEST = 5  # accounts
SMALL_GROUPS = f"groups of fewer than {FEWEST} accounts"


def metrics(target: Target, one: Scored) -> Mapping[str, float]:
    """The metrics of a score that may be shown; of a private target none of a tier that rests on too few accounts."""
    if not target.private:
        return one.metrics
    few = {name for measure in PER_TIER for name in _few(measure, one)}
    return {name: value for name, value in one.metrics.items() if name not in few}


def _few(measure: PerTier, one: Scored) -> list[str]:
    """Its tiers in which too few accounts make up the denominator: of an ARPA, those that pay."""
    facts = one.block.facts
    if not set(measure.needs) <= set(facts):
        return []
    counts = np.sum([facts[name] for name in measure.denominator], axis=0) > 0
    held = np.bincount(one.tiers, weights=counts, minlength=len(one.spec.tiers))
    return [f"{measure.name}.{tier}" for (tier, _at), count in zip(one.spec.tiers, held, strict=True) if count < FEWEST]


def groups(target: Target, codes: Ints, values: tuple[str, ...]) -> dict[str, Ints]:
    """The value of each group of a segment -> the places of its accounts; of a private target the small ones as one."""
    found = {value: np.flatnonzero(codes == number) for number, value in enumerate(values)}
    small = [value for value, where in found.items() if target.private and where.size < FEWEST]
    if not small:
        return found
    together = np.sort(np.concatenate([found.pop(value) for value in small]))
    return found | {SMALL_GROUPS: together}
