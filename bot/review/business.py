"""What new weights mean for the people who work with the tiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.scorers.saas.scored import Scored


@dataclass(frozen=True)
class Business:
    """accounts, moved: how many there are, and change tier; sizes: tier -> accounts before and after.

    top_fifth: the share of revenue that the best-scored fifth of the paying accounts holds, before and after; None
        without revenue.
    """

    accounts: int
    moved: int
    sizes: dict[str, tuple[int, int]]
    top_fifth: tuple[float, float] | None


def business(before: Scored, after: Scored) -> Business:
    sizes = [_sizes(one) for one in (before, after)]
    held = [one.metrics.get("revenue_capture_at_20") for one in (before, after)]
    return Business(
        accounts=int(before.points.size),
        moved=int(np.count_nonzero(before.tiers != after.tiers)),
        sizes={name: (sizes[0].get(name, 0), sizes[1].get(name, 0)) for name in {**sizes[0], **sizes[1]}},
        top_fifth=(held[0], held[1]) if held[0] is not None and held[1] is not None else None,
    )


def _sizes(one: Scored) -> dict[str, int]:
    counts = np.bincount(one.tiers, minlength=len(one.spec.tiers))
    return {name: int(count) for (name, _at), count in zip(one.spec.tiers, counts, strict=True)}


def sentences(found: Business) -> list[str]:
    """The same in words, for a reader who does not read tables."""
    said = [f"{found.moved:,} of {found.accounts:,} accounts change tier."]
    if found.top_fifth:
        before, after = found.top_fifth
        said.append(f"The best-scored fifth of the paying accounts holds {after:.0%} of revenue; it held {before:.0%}.")
    return said
