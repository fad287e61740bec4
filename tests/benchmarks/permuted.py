"""`make study`: nights on permuted labels. Nothing can be learnt, so every pull request page is a false one."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from bot.forge.local import PAGE
from bot.night.folder import night_named
from harness import folds
from harness.repository import Repository
from tests.benchmarks.nights import churn_risk_files, scratch_repository
from tests.support import autoresearch

FOLDER = "targets/experiments/churn-risk"
OUTCOMES = ("spent_half_year", "churned", "spent_next_half_year", "spent_in_all")


def permuted_files(seed: int) -> dict[str, str | bytes]:
    """The shipped target with the outcomes of each half dealt out anew among its customers."""
    files = churn_risk_files()
    for half in ("search", "holdout"):
        name = f"{FOLDER}/data/{half}.csv"
        content = files[name]
        assert isinstance(content, bytes)
        files[name] = permute(content.decode(), random.Random(f"{seed}/{half}"))
    return files


def permute(csv: str, chance: random.Random) -> str:
    """Every outcome column permuted by the same deal, so that a customer's outcomes stay together."""
    header, *lines = csv.splitlines()
    columns = header.split(",")
    outcomes = [columns.index(name) for name in OUTCOMES]
    rows = [line.split(",") for line in lines]
    deal = [[row[i] for i in outcomes] for row in rows]
    chance.shuffle(deal)
    for row, dealt in zip(rows, deal, strict=True):
        for index, value in zip(outcomes, dealt, strict=True):
            row[index] = value
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def night_on_permuted_labels(seed: int, experiments: int) -> tuple[bool, str, float]:
    """One night: whether it ended in a pull request page, its end reason, the gain that the loop claimed."""
    with scratch_repository(permuted_files(seed)) as repository:
        done = autoresearch(repository, "night", "--quiet", "-n", str(experiments), "--seed", str(seed))
        assert done.returncode == 0, done.stderr
        return _came_to(repository)


def _came_to(repository: Repository) -> tuple[bool, str, float]:
    night = night_named(repository, "")
    segments = night.segments("churn-risk")
    state = folds.loop_state(segments)
    name = "auc_roc_churn"
    page = Path(night.path / f"{PAGE}.md").exists()
    return page, folds.confirm_end(segments) or "", state.metrics[name] - state.base_metrics[name]


def main(nights: int = 40, experiments: int = 500) -> int:
    pages, claims, started = 0, [], time.monotonic()
    for seed in range(nights):
        page, end, claimed = night_on_permuted_labels(seed, experiments)
        pages += page
        claims.append(claimed)
        print(f"  night {seed}: claimed {claimed:+.4f}, {end}", flush=True)
    held = pages <= 5
    print(f"claimed by the loop on labels without meaning: {min(claims):+.4f} to {max(claims):+.4f}")
    took = f"{time.monotonic() - started:.0f} s"
    print(f"{'ok  ' if held else 'MISS'} {pages} of {nights} nights ended in a page (at most 5), {took}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
