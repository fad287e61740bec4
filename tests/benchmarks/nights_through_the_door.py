"""`python -m tests.benchmarks.nights_through_the_door`: whole nights, by the command, of candidates without effect.

Nothing is simulated but the score: repository, proposer, evaluator process, records, end. Which kind of noise it is
only the evaluator's data know.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.night.folder import night_named
from harness import folds
from harness.repository import Repository
from tests.benchmarks import noise, simulation
from tests.benchmarks.nights import scratch_repository
from tests.benchmarks.noise import FAMILIES, METRIC, Machine
from tests.benchmarks.nulls import most_nights
from tests.benchmarks.simulation import ALPHA, MAX_PAIRS
from tests.support import autoresearch

FOLDER = "targets/experiments/still"
TRIES = 20  # whatever their number, alpha is for all of a night
TARGET = f"""
name: still
file: params.yaml
space: {{/x: {{int: [0, 1000000]}}}}
evaluate: {{serve: [python, evaluate.py]}}
signal: file-property
metrics: [{{name: {METRIC}, goal: maximize}}]
noise: {{alpha: %s, max_pairs: {MAX_PAIRS}, calibration: 20}}
"""
EVALUATE = f"""
import json
from pathlib import Path

from harness import evaluator

values = iter(json.loads(Path("values.json").read_text()))

def score(request):
    return [evaluator.Scores({{"{METRIC}": next(values)}}) for _item in request.items]

evaluator.serve(score)
"""


@dataclass(frozen=True)
class Night:
    family: str
    kept: int
    tries: int
    pairs: int
    end: str


def files(family: str, seed: int, number: int, tries: int, alpha: float) -> dict[str, str | bytes]:
    """One value for the look at the unchanged file, then two for each pair."""
    chance = noise.generator(seed, "through the door", family, number)
    values = Machine(FAMILIES[family], chance, 2 * MAX_PAIRS * (tries + 2)).unchanged().tolist()
    return {
        f"{FOLDER}/target.yaml": TARGET % alpha,
        f"{FOLDER}/params.yaml": "x: 4\n",
        f"{FOLDER}/evaluate.py": EVALUATE,
        f"{FOLDER}/values.json": json.dumps([values[1], *values]),
    }


def night(seed: int, tries: int, number: int, alpha: float = ALPHA) -> Night:
    """One night by the command, in a repository of its own. Its coin is the system's, so that no seed repeats it."""
    family = list(FAMILIES)[number % len(FAMILIES)]
    with scratch_repository(files(family, seed, number, tries, alpha)) as repository:
        done = autoresearch(
            repository, "night", "--quiet", "-n", str(tries), "--seed", str(seed + number), timeout=3600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return _came_to(repository, family)


def _came_to(repository: Repository, family: str) -> Night:
    segments = night_named(repository, "").segments("still")
    state = folds.loop_state(segments)
    assert state.measured == state.experiments - state.reasons["duplicate"], state.reasons
    return Night(family, state.kept, state.experiments, state.pairs, str(folds.run_end(segments)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=100)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--seed", type=int, default=noise.seed_of_commit())
    asked = parser.parse_args(arguments)
    command = f"python -m tests.benchmarks.nights_through_the_door --nights {asked.nights} --tries {asked.tries}"
    clock = simulation.Clock.start(command, asked.seed)
    found = simulation.on_all_cores(partial(night, asked.seed, asked.tries), range(asked.nights), chunk=1)
    print(table(found))
    print(f"\n{clock.says()}\n")
    kept, most = sum(one.kept > 0 for one in found), most_nights(asked.nights)
    return (
        0 if simulation.bar(f"{kept} of {asked.nights} nights kept anything, at most {most}", held=kept <= most) else 1
    )


def table(found: Sequence[Night]) -> str:
    nights = Counter(one.family for one in found)
    rows = [
        [
            family, str(count), str(sum(one.kept > 0 for one in found if one.family == family)),
            str(sum(one.tries for one in found if one.family == family)),
            str(sum(one.pairs for one in found if one.family == family)),
        ]
        for family, count in nights.items()
    ]  # fmt: skip
    return simulation.markdown(["noise", "nights", "that kept anything", "candidates", "pairs"], rows)


if __name__ == "__main__":
    sys.exit(main())
