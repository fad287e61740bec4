"""300 training accounts: is what a night confirms any good to a small customer base?

    python -m tests.benchmarks.few_accounts            the target as it is shipped, and by the proposer search
    python -m tests.benchmarks.few_accounts --cures    other settings beside them, on the same accounts

Whole nights by the command: 300 accounts of health-score to search on, 300 others held out, other accounts in each of
20 runs. As many are held out because the one test has to tell a gain from chance: with fewer, honest gains get lost;
with more, a small base has none left to search on. Beside each night a logistic regression of its 300 accounts
(scikit-learn: without a penalty, and as it comes), and the AUC of all of them on 100,000 fresh accounts.

The bar is for the target as it is shipped: in the median of the nights that were confirmed, the result is at most 0.002
below the regression without a penalty. Exits 1 if it is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from bot.night.confirm import outcome
from bot.night.folder import night_named
from bot.night.proposing.opening import branch_of
from harness import folds
from harness.documents import load_bytes
from harness.repository import Repository
from tests.benchmarks.health import (
    HELD_OUT_FROM,
    NAME,
    accounts_of,
    fresh_accounts,
    health_files,
    logistic,
    worth,
    worth_of,
)
from tests.benchmarks.nights import scratch_repository
from tests.benchmarks.saas import FOLDER, table
from tests.support import autoresearch, git

ACCOUNTS, RUNS, PROCESSES = 300, 20, 2
BAR = 0.002  # of AUC, below the regression
GROUPS, PROPOSER, EXPERIMENTS = "confirm: {groups: 14}", "{kind: perturb}", "experiments: 2000,"


@dataclass(frozen=True)
class Way:
    """A way to set the target up. changes: of target.yaml; accounts: to search on, and held out."""

    name: str
    changes: Mapping[str, str] = field(default_factory=dict)
    guards: bool = True
    accounts: tuple[int, int] = (ACCOUNTS, ACCOUNTS)


SHIPPED = Way("as shipped: perturb, 2,000")
SEARCH = {PROPOSER: "{kind: search}", EXPERIMENTS: "experiments: 300,"}
WAYS = (SHIPPED, Way("search, 300", SEARCH))
CURES = (
    Way("without guards", guards=False),
    Way("search, 300, without guards", SEARCH, guards=False),
    Way("the change as a set (groups: 1)", {GROUPS: "confirm: {groups: 1}"}),
    Way("the same, without guards", {GROUPS: "confirm: {groups: 1}"}, guards=False),
    Way("five parts (groups: 5)", {GROUPS: "confirm: {groups: 5}"}),
    Way("300 experiments", {EXPERIMENTS: "experiments: 300,"}),
    Way("plateau: 100", {EXPERIMENTS: "experiments: 2000, plateau: 100,"}),
    Way("900 held out", accounts=(ACCOUNTS, 900)),
)


@dataclass(frozen=True)
class Night:
    """AUCs on fresh accounts: of the start, of what the loop kept, of what was confirmed (None: nothing was), and of
    the regression without and with its usual penalty. removed: parts that confirm took out."""

    end: str
    start: float
    loop: float
    confirmed: float | None
    regression: float
    penalised: float
    removed: int

    @property
    def gap(self) -> float:
        """What was confirmed less the regression."""
        assert self.confirmed is not None
        return self.confirmed - self.regression


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.few_accounts", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--runs", type=int, default=RUNS, help="nights of each row (default: %(default)s)")
    parser.add_argument("--cures", action="store_true", help="other settings too")
    parser.add_argument("--setting", metavar="NAME", help="only this row, by the name that the table gives it")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="nights at a time (default: %(default)s)")
    asked = parser.parse_args()
    ways = [way for way in WAYS + CURES if way.name == asked.setting] or WAYS + CURES * asked.cures
    if asked.setting and len(ways) != 1:
        parser.error(f"no such setting; they are: {', '.join(way.name for way in WAYS + CURES)}")
    print("| setting | confirmed | start | loop | regression | penalised | loop less regression, all nights", end=" ")
    print("| confirmed less regression | parts taken out |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    found = {way.name: nights(way, asked.runs, asked.processes) for way in ways}
    for name, these in found.items():
        print(f"{name}: {ends(these)}")
    sys.exit(SHIPPED.name in found and not judged(found[SHIPPED.name]))


def nights(way: Way, runs: int, processes: int) -> Sequence[Night]:
    with ThreadPoolExecutor(processes) as pool:
        found = list(pool.map(partial(night, way), range(runs)))
    print(row(way, found), flush=True)
    return found


def night(way: Way, run: int) -> Night:
    """One night by the command. run: gives the accounts and the night's seed, so that settings compare."""
    search = table(50_000 + run, way.accounts[0])
    holdout = table(60_000 + run, way.accounts[1], HELD_OUT_FROM)
    with scratch_repository(health_files(search, holdout, changes=way.changes, guards=way.guards)) as repository:
        done = autoresearch(repository, "night", "--quiet", "--seed", str(run), timeout=600)
        assert done.returncode == 0, done.stderr
        start, loop, confirmed, end, removed = _results(repository)
    names = list(start)
    known, fresh = accounts_of(search, names), fresh_accounts(run, names)
    return Night(
        end, worth(start, fresh), worth(loop, fresh), worth(confirmed, fresh) if confirmed else None,
        worth_of(logistic(known, names), fresh), worth_of(logistic(known, names, 1.0), fresh), removed,
    )  # fmt: skip


Weights = Mapping[str, float]


def _results(repository: Repository) -> tuple[Weights, Weights, Weights | None, str, int]:
    """The weights of the start, the loop and the branch; how the night ended; how many parts confirm took out."""
    found = night_named(repository, "")
    segments = found.segments(NAME)
    event = outcome(segments) or {}
    path, end = f"{FOLDER}/spec.yaml", f"{event['verdict']}, {_in_short(event['why'])}"
    confirmed = None
    if event["verdict"] == "confirmed":
        end, confirmed = "confirmed", git(repository, "show", f"{branch_of(found.name)}:{path}").encode()
    contents = (git(repository, "show", f"main:{path}").encode(), folds.loop_state(segments, found.packs(NAME)).content)
    start, loop = (load_bytes(content, "spec.yaml")["weights"] for content in contents)
    removed = len(event.get("ablation", {}).get("removed", ()))
    return start, loop, load_bytes(confirmed, "spec.yaml")["weights"] if confirmed else None, end, removed


def _in_short(why: str) -> str:
    """A reason up to its figures; of a guard also its metric."""
    head, _, rest = why.partition(":")
    return f"{head} ({rest.split()[0]})" if head.startswith("a guard") else head


def row(way: Way, found: Sequence[Night]) -> str:
    """Medians; of gaps their range too. All nights stand beside the confirmed ones, which the holdout has chosen."""
    sure = [one for one in found if one.confirmed is not None]
    columns = [[one.start, one.loop, one.regression, one.penalised] for one in found]
    cells = [way.name, f"{len(sure)} of {len(found)}"]
    cells += [f"{statistics.median(column):.4f}" for column in zip(*columns, strict=True)]
    cells += [spread([one.loop - one.regression for one in found]), spread([one.gap for one in sure])]
    return f"| {' | '.join(cells)} | {statistics.median(one.removed for one in found):g} |"


def spread(gaps: Sequence[float]) -> str:
    return f"{statistics.median(gaps):+.4f} [{min(gaps):+.4f} .. {max(gaps):+.4f}]" if gaps else ""


def ends(found: Sequence[Night]) -> str:
    return "; ".join(f"{count} {end}" for end, count in Counter(one.end for one in found).most_common())


def judged(found: Sequence[Night]) -> bool:
    """Whether the nights that were confirmed are good enough; a night that confirms nothing does no harm."""
    gaps = [one.gap for one in found if one.confirmed is not None]
    held = not gaps or statistics.median(gaps) >= -BAR
    what = f"{statistics.median(gaps):+.4f} in the median of {len(gaps)}" if gaps else "none"
    print(f"{'ok  ' if held else 'MISS'} confirmed results less the regression: {what}, at least {-BAR:+.3f}")
    return held


if __name__ == "__main__":
    main()
