"""Scores params.yaml by how far its forecasts of the next day were off. Locked: no experiment changes this file.

A row is one day. The first weeks of a series teach the forecast and are not scored.
"""

import csv
from pathlib import Path

from harness import evaluator
from harness.candidate import load
from harness.errors import InvalidCandidate

WARM_UP = 28
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def misses(orders, level_share, trend_share, weekday_share):
    """Forecast less truth for each day after the warm-up: additive exponential smoothing, one day ahead, from a Monday."""
    level, trend = sum(orders[:7]) / 7, 0.0
    special = [day - level for day in orders[:7]]
    found = []
    for number, truth in enumerate(orders):
        weekday = number % 7
        surprise = truth - (level + trend + special[weekday])
        found.append(-surprise)
        level += trend + level_share * surprise
        trend += level_share * trend_share * surprise
        special[weekday] += weekday_share * (1 - level_share) * surprise
    return found[WARM_UP:]


def shares(path):
    """The three numbers of params.yaml. What an experiment wrote is data, and checked as such."""
    try:
        smoothing = load(path)["smoothing"]
        found = [smoothing[name] for name in ("level", "trend", "weekday")]
    except (InvalidCandidate, KeyError, TypeError) as error:
        raise SystemExit(f"params.yaml: {error}") from None
    if not all(type(share) in (int, float) and 0 <= share <= 1 for share in found):
        raise SystemExit("params.yaml: each share is a number from 0 to 1")
    return found


def main():
    run = evaluator.settings()
    with Path("data", f"{run.split}.csv").open(encoding="utf-8") as file:
        orders = [int(row["orders"]) for row in csv.DictReader(file)]
    off = misses(orders, *shares(run.file))
    rows = [abs(miss) for miss in off]
    parts = {day: sum(rows[index::7]) / len(rows[index::7]) for index, day in enumerate(WEEKDAYS)}
    evaluator.report(
        {"mean_absolute_error": sum(rows) / len(rows), "bias": abs(sum(off) / len(off))},
        parts=parts,  # where it is weak: shown to whoever proposes changes
        rows={"mean_absolute_error": [rows]},  # what its mean is made of: the interval of a held-out gain rests on it
    )


if __name__ == "__main__":
    main()
