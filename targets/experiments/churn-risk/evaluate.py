"""Scores specs of churn-risk: weighted sums of customer features, held against who bought again. Locked.

Started once and asked in batches (harness.evaluator.serve). Features are whole hundredths and weights whole
numbers, so every customer score is a whole number and every metric exact: no rounding, no seed, no order of
rows. README.md defines the metrics.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import evaluator
from harness.candidate import load
from harness.errors import InvalidCandidate
from harness.scorers.saas import auc_batch, count_at, placements, top_sum

DATA = Path(__file__).parent / "data"
FACTS = ("orders", "revenue_cents", "churned", "revenue_after_cents")
LIMIT = 100  # a weight beyond this is a mistake; below it a float32 product of the batch is still exact

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Customers:
    """One split. features: (customers, features) in hundredths; groups: name -> rows."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    churned: Ints
    lost: Ints  # cents before the cut of those who churned, 0 for the others
    after: Ints  # cents after the cut
    groups: dict[str, Ints]
    gaps: NDArray[np.float64]  # per feature: its mean among the churned less its mean among the others, in 0..1


@functools.cache
def customers(split: str) -> Customers:
    path = DATA / f"{split}.csv"
    with path.open(encoding="ascii") as file:
        header = file.readline().strip().split(",")
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    names = tuple(header[1 : -len(FACTS)])
    if tuple(header[-len(FACTS) :]) != FACTS:
        raise SystemExit(f"{path.name} does not end with the columns {', '.join(FACTS)}")
    features = table[:, 1 : -len(FACTS)]
    orders, revenue, churned, after = table[:, -len(FACTS) :].T
    gaps = (features[churned == 1].mean(axis=0) - features[churned == 0].mean(axis=0)) / 100
    return Customers(
        names=names,
        features=features.astype(np.float32),
        churned=churned.copy(),
        lost=revenue * churned,
        after=after.copy(),
        groups={
            "one_order": np.flatnonzero(orders == 1),
            "repeat": np.flatnonzero(orders > 1),
            "two_or_three_orders": np.flatnonzero((orders == 2) | (orders == 3)),
            "four_or_more_orders": np.flatnonzero(orders > 3),
        },
        gaps=gaps,
    )


def weights_of(path: Path, names: tuple[str, ...]) -> list[int] | evaluator.Crash:
    """The spec's weights in the order of the features, or why it has none."""
    try:
        spec = load(path)
    except InvalidCandidate as error:
        return evaluator.Crash(str(error)[:2000])
    if not isinstance(spec, dict) or set(spec) != {"weights"} or not isinstance(spec["weights"], dict):
        return evaluator.Crash("the file holds one mapping, weights: {feature: whole number}")
    weights: dict[str, Any] = spec["weights"]
    if problems := [f"{n} has no weight" for n in names if n not in weights] + [
        f"{n} is no feature" for n in weights if n not in names
    ]:
        return evaluator.Crash(f"{problems[0]}; the features are {', '.join(names)}"[:2000])
    for name in names:
        if type(weights[name]) is not int or abs(weights[name]) > LIMIT:
            return evaluator.Crash(f"the weight of {name} is not a whole number in -{LIMIT}..{LIMIT}")
    return [weights[name] for name in names]


def measure(weights: list[list[int]], split: str, *, with_rows: bool) -> list[evaluator.Scores]:
    """All candidates of a batch at once: one product, then each metric over (candidates, customers)."""
    people = customers(split)
    points = (np.array(weights, dtype=np.float32) @ people.features.T).astype(np.int64)
    whole = auc_batch(people.churned, points)
    groups = {name: auc_batch(people.churned[rows], points[:, rows]).tolist() for name, rows in people.groups.items()}
    scores = []
    for index, row in enumerate(points):
        metrics = {"auc_roc_churn": float(whole[index]), "auc_roc_repeat": groups["repeat"][index]}
        metrics |= shares(people, row.astype(np.int32))
        parts = {f"auc_{name}": areas[index] for name, areas in groups.items() if name != "repeat"}
        pulls = (np.array(weights[index]) * people.gaps).tolist()
        parts |= {f"pull.{name}": pull for name, pull in zip(people.names, pulls, strict=True)}
        scores.append(evaluator.Scores(metrics, parts, rows_of(people, row) if with_rows else {}))
    return scores


def rows_of(people: Customers, points: Ints) -> evaluator.Rows:
    """What the paired interval of a gain is made of."""
    positives, negatives = placements(people.churned, points)
    return {"auc_roc_churn": [positives.tolist(), negatives.tolist()]}


def shares(people: Customers, points: NDArray[np.int32]) -> dict[str, float]:
    """What the riskiest fifth and the safest fifth hold."""
    k = count_at(points.size)
    return {
        "revenue_capture_at_20": top_sum(-points, people.after, k) / float(people.after.sum()),
        "precision_at_20": top_sum(points, people.churned, k) / k,
        "lost_revenue_at_20": top_sum(points, people.lost, k) / float(people.lost.sum()),
    }


def score(request: evaluator.Request) -> list[evaluator.Scores | evaluator.Crash]:
    """One result per item of the request, in its order.

    Rows take longer than all the metrics, and the loop has no use for them: they come with requests for one spec, which
    is how a final result is measured.
    """
    names = customers(request.split).names
    read = [weights_of(item.path, names) for item in request.items]
    usable = [weights for weights in read if not isinstance(weights, evaluator.Crash)]
    with_rows = request.split == "holdout" or len(read) == 1
    measured = iter(measure(usable, request.split, with_rows=with_rows) if usable else [])
    return [crash if isinstance(crash, evaluator.Crash) else next(measured) for crash in read]


if __name__ == "__main__":
    evaluator.serve(score)
