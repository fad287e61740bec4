"""What an offer may be worth: the weight of each dimension times its gap, by the share of its issues that it mends."""

from __future__ import annotations

from collections import defaultdict

from bot.proposers.repair.bench import Bench, Offer

_SHARES = {"error": 1.0, "warning": 0.5, "info": 0.0}


class Worth:
    """Of one container. An error counts twice a warning, a note nothing: notes cost nothing."""

    def __init__(self, bench: Bench) -> None:
        judged = ((one, one.score) for one in bench.scored.dimensions)
        credit = bench.scored.credit  # what order counts for while little is measured
        self._gaps = {
            one.name: one.weight * (1 - score) * (1.0 if one.name == "tag_coverage" else credit)
            for one, score in judged
            if score is not None
        }
        self._all: dict[str, float] = defaultdict(float)
        for issue in bench.scored.issues:
            self._all[issue.dimension] += _SHARES[issue.severity]

    def of(self, offer: Offer) -> float:
        mended = ((issue.dimension, _SHARES[issue.severity]) for issue in offer.mends)
        return sum(self._gaps.get(name, 0.0) * share / self._all[name] for name, share in mended if share)
