"""Nights on permuted labels: nothing can be learnt, so every pull request page is a false one.

    python -m tests.benchmarks.permuted                          all targets, as `make study` runs them
    python -m tests.benchmarks.permuted --target churn-risk      real customers; half of them to search on
    python -m tests.benchmarks.permuted --target health-score    300 invented accounts to search on, 300 held out
    python -m tests.benchmarks.permuted --target rag-config      judged queries of a documentation

In each half the outcomes are dealt out anew among the accounts, all outcomes of an account together; of rag-config the
documents that were judged right. Two bars: at most 5 % of nights, and at most the 0.25 % that the gate allows a first
look; both with the 99 % point of the binomial distribution. Exits 1 if one is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import stats

from bot.forge.local import PAGE
from bot.night.folder import night_named
from harness import folds
from harness.holdout import LOOK_CONFIDENCE
from harness.repository import Repository
from tests.benchmarks.health import HELD_OUT_FROM, health_files
from tests.benchmarks.nights import churn_risk_files, scratch_repository
from tests.benchmarks.retrieval import rag_config
from tests.benchmarks.saas import table
from tests.support import autoresearch

CHURN_RISK = "targets/experiments/churn-risk"
CHURN_OUTCOMES = ("spent_half_year", "churned", "spent_next_half_year", "spent_in_all")
HEALTH_OUTCOMES = ("retained_6mo", "churned", "mrr", "mrr_6mo", "came_back", "activated", "ltv")
ACCOUNTS = 300  # in each half: where luck is largest
MOST, PROMISED = 0.05, 1 - LOOK_CONFIDENCE  # shares of nights
PROCESSES = 2


@dataclass(frozen=True)
class Study:
    """files: of a night, by its seed; nights, experiments: where nothing else is asked for."""

    files: Callable[[int], dict[str, str | bytes]]
    nights: int
    experiments: int


@dataclass(frozen=True)
class Ended:
    """claimed: the gain of the primary metric that the loop claimed; looked: whether the holdout was read; held:
    whether the gain held there, whatever the guards said."""

    page: bool
    end: str
    claimed: float
    looked: bool
    held: bool


def churn_risk(seed: int) -> dict[str, str | bytes]:
    """The shipped target with the outcomes of each half dealt out anew among its customers."""
    files = churn_risk_files()
    for half in ("search", "holdout"):
        name = f"{CHURN_RISK}/data/{half}.csv"
        content = files[name]
        assert isinstance(content, bytes)
        files[name] = permute(content.decode(), random.Random(f"{seed}/{half}"))
    return files


def permute(csv: str, chance: random.Random) -> str:
    """Every outcome column permuted by the same deal, so that a customer's outcomes stay together."""
    header, *lines = csv.splitlines()
    columns = header.split(",")
    outcomes = [columns.index(name) for name in CHURN_OUTCOMES]
    rows = [line.split(",") for line in lines]
    deal = [[row[i] for i in outcomes] for row in rows]
    chance.shuffle(deal)
    for row, dealt in zip(rows, deal, strict=True):
        for index, value in zip(outcomes, dealt, strict=True):
            row[index] = value
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def health_score(seed: int) -> dict[str, str | bytes]:
    """The shipped target on other accounts for every seed, their outcomes dealt out anew in each half."""
    search, holdout = table(30_000 + seed, ACCOUNTS), table(40_000 + seed, ACCOUNTS, HELD_OUT_FROM)
    return health_files(dealt(search, seed, "search"), dealt(holdout, seed, "holdout"))


def dealt(accounts: pa.Table, seed: int, half: str) -> pa.Table:
    """Every outcome column in the same new order; features and segments stay where they are."""
    order = np.random.default_rng([seed, half == "search"]).permutation(accounts.num_rows)
    for name in HEALTH_OUTCOMES:
        index = accounts.column_names.index(name)
        accounts = accounts.set_column(index, name, accounts.column(name).take(pa.array(order)))
    return accounts


STUDIES: Mapping[str, Study] = {
    "churn-risk": Study(churn_risk, nights=40, experiments=500),
    "health-score": Study(health_score, nights=200, experiments=300),
    "rag-config": Study(rag_config, nights=40, experiments=100),
}


def night_on_permuted_labels(target: str, seed: int, experiments: int) -> Ended:
    with scratch_repository(STUDIES[target].files(seed)) as repository:
        done = autoresearch(repository, "night", "--quiet", "-n", str(experiments), "--seed", str(seed))
        assert done.returncode == 0, done.stderr
        return _came_to(repository, target)


def _came_to(repository: Repository, target: str) -> Ended:
    night = night_named(repository, "")
    segments = night.segments(target)
    state, page = folds.loop_state(segments), Path(night.path / f"{PAGE}.md").exists()
    primary = folds.rule_of(segments[0].header).primary
    claimed = primary.gain(state.base_metrics[primary.name], state.metrics[primary.name])
    seen = folds.of_kind(segments, "confirm")[-1].get("holdout", {})
    return Ended(page, folds.confirm_end(segments) or "", claimed, bool(seen), seen.get("lower", 0) > 0)


def studied(target: str, nights: int, experiments: int, processes: int) -> bool:
    """Runs the nights, so many at a time, and says whether both bars are held."""
    print(f"{target}: {nights} nights of {experiments} experiments", flush=True)
    started, found = time.monotonic(), list[Ended]()
    with ThreadPoolExecutor(processes) as pool:
        one = partial(night_on_permuted_labels, target, experiments=experiments)
        for number, ended in enumerate(pool.map(one, range(nights))):
            print(f"  night {number}: claimed {ended.claimed:+.4f}, {ended.end}", flush=True)
            found.append(ended)
    took = time.monotonic() - started
    claims = sorted(ended.claimed for ended in found)
    print(
        f"claimed by the loop on labels without meaning: {claims[0]:+.4f} to {claims[-1]:+.4f}, "
        f"median {statistics.median(claims):+.4f}"
    )
    ends = ", ".join(f"{count} {end}" for end, count in Counter(ended.end for ended in found).most_common())
    looked, held = sum(ended.looked for ended in found), sum(ended.held for ended in found)
    print(f"the holdout was read in {looked}; the gain held there in {held}, whatever the guards said")
    print(f"ends: {ends}; {took:.0f} s, {took / nights:.1f} s a night, {processes} at a time")
    return _judged(sum(ended.page for ended in found), nights)


def _judged(pages: int, nights: int) -> bool:
    bars = {share: most_pages(nights, share) for share in (MOST, PROMISED)}
    for share, most in bars.items():
        word = "ok  " if pages <= most else "MISS"
        print(
            f"{word} {pages} of {nights} nights ended in a page; at {share:.2%} each chance allows {most}", flush=True
        )
    return all(pages <= most for most in bars.values())


def most_pages(nights: int, share: float) -> int:
    """So many nights with a page may be, if each has one with this chance: the 99 % point."""
    return int(stats.binom.ppf(0.99, nights, share))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.permuted", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    usual = ", ".join(f"{study.nights} of {study.experiments} experiments ({name})" for name, study in STUDIES.items())
    parser.add_argument("--target", choices=list(STUDIES), help="default: one after the other")
    parser.add_argument("--nights", type=int, help=f"default: {usual}")
    parser.add_argument("--experiments", type=int, help="of each night")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="nights at a time (default: %(default)s)")
    asked = parser.parse_args()
    held = [
        studied(
            name, asked.nights or STUDIES[name].nights, asked.experiments or STUDIES[name].experiments, asked.processes
        )
        for name in ([asked.target] if asked.target else STUDIES)
    ]
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
