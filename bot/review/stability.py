"""Would another night have found the same? Short searches from the same base under other seeds, same accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot import proposers
from bot.proposers import Outcome, Request
from bot.review.inputs import Reviewed
from harness.documents import canonical_id, load_bytes
from harness.errors import InvalidCandidate
from harness.scorers.saas.accounts import Facts, points
from harness.scorers.saas.measures import facts_of, measured
from harness.scorers.saas.spec import Spec, spec_of
from harness.scorers.saas.tally import add_up

SEEDS = 5
EXPERIMENTS = 400
_BATCH = 16


@dataclass(frozen=True)
class Seeds:
    """values: the primary metric that each search ended with; weights: feature -> its weight in each."""

    experiments: int
    values: tuple[float, ...]
    weights: Mapping[str, tuple[int, ...]]


def over_seeds(found: Reviewed) -> Seeds:
    """Guards are not looked at: the question is where the score alone leads."""
    ends = [_search(found, seed) for seed in range(1, SEEDS + 1)]
    weights = {
        name: tuple(spec.weights[place] for spec, _value in ends) for place, name in enumerate(found.columns.features)
    }
    return Seeds(EXPERIMENTS, tuple(value for _spec, value in ends), weights)


def _search(found: Reviewed, seed: int) -> tuple[Spec, float]:
    proposer = proposers.make(found.target, seed)
    best, content = _value(found, found.base.spec), found.content
    tried = {canonical_id(content, found.target.file)}
    number = 1
    while number <= EXPERIMENTS:
        count = min(_BATCH, EXPERIMENTS - number + 1)
        metrics = {found.primary.name: best}
        asked = proposer.ask(Request(incumbent=content, metrics=metrics, first=number, count=count, tried=tried))
        if not asked:
            break
        outcomes = []
        for proposal in asked:
            tried.add(canonical_id(proposal.content, found.target.file))
            value = _tried(found, proposal.content)
            if value is None:
                outcomes.append(Outcome(number, "crash", "refused", {}, {}))
            elif found.primary.gain(best, value) > 0:
                best, content = value, proposal.content
                outcomes.append(Outcome(number, "keep", "better", {found.primary.name: value}, {}))
            else:
                outcomes.append(Outcome(number, "discard", "worse", {found.primary.name: value}, {}))
            number += 1
        proposer.tell(outcomes)
    return _spec(found, content), best


def _spec(found: Reviewed, content: bytes) -> Spec:
    return spec_of(load_bytes(content, found.target.file), found.columns.features)


def _tried(found: Reviewed, content: bytes) -> float | None:
    """None where a night would say crash: no spec, or one without the metric, as where a tier is empty."""
    try:
        return _value(found, _spec(found, content))
    except (InvalidCandidate, KeyError):
        return None


def _value(found: Reviewed, spec: Spec) -> float:
    row = points([spec], found.accounts.hundredths(spec.scaling))[0]
    facts = Facts.of(found.accounts.facts, facts_of(found.primary.name))
    return measured(add_up(spec, row, facts, rising=found.rising))[found.primary.name]
