"""What tests of a night's survival share: a small night in each form, and the parts of it by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bot.forge.local import LocalForge
from bot.night import night as nightly
from bot.night import run as running
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.perturb import Perturb
from harness import folds
from harness.events import Event
from harness.repository import Repository
from tests.benchmarks.soak.finish import history
from tests.support import make_repository

FOLDER = "targets/experiments/t"
SEED = 3

CLOSE = """
from harness import evaluator
from harness.candidate import load

def score(request):
    specs = [load(item.path) for item in request.items]
    return [evaluator.Scores({"closeness": -float(sum((v - 7) ** 2 for v in s.values()))}) for s in specs]

evaluator.serve(score)
"""
VARYING = """
from random import Random
from harness import evaluator
from harness.candidate import load

def score(request):
    texts = [item.path.read_text() for item in request.items]
    specs = [load(item.path) for item in request.items]
    noise = [Random(f"{request.seed}/{text}").gauss(0, 1) for text in texts]
    return [evaluator.Scores({"closeness": sum(s.values()) / 4 + e}) for s, e in zip(specs, noise)]

evaluator.serve(score)
"""
PLAIN = """
echo ---
awk '{ total -= ($2 - 7) ^ 2 } END { print "closeness: " total }' "$AUTORESEARCH_FILE"
"""
TARGET = """name: t
file: spec.yaml
space: {/*: {int: [-9, 9]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: closeness, goal: maximize}]
"""
NOISY = TARGET + "noise: {}\n"
ONE_BY_ONE = TARGET.replace("serve: [python, evaluate.py]", "command: [sh, evaluate.py]")


def files(evaluator: str = CLOSE, target: str = TARGET, spec: str = "a: -5\nb: 0\nc: 9\n") -> dict[str, str]:
    return {f"{FOLDER}/target.yaml": target, f"{FOLDER}/evaluate.py": evaluator, f"{FOLDER}/spec.yaml": spec}


def planned(repository: Repository, experiments: int) -> Night:
    return plan(repository, Wishes(experiments=experiments, seed=SEED))[0]


def loop(night: Night, proposer: Interrupted | None = None) -> str:
    return running.run(night, nightly.targets_of(night)[0], quiet=True, proposer=proposer)


def finish(night: Night) -> None:
    """The rest of the night."""
    target = nightly.targets_of(night)[0]
    assert loop(night)
    assert confirm(night, target) == "confirmed"
    propose(night, [target], LocalForge(night.path))
    assert night.done


def undisturbed(tmp_path: Path, content: Mapping[str, str], experiments: int) -> list[str]:
    """What a night records to which nothing happens."""
    repository = make_repository(tmp_path / "undisturbed", content)
    night = planned(repository, experiments)
    finish(night)
    return history(night)


class Interrupted:
    """The target's own proposer, until it is asked for this experiment: then the loop ends as by a kill."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, night: Night, last: int) -> None:
        self.own, self.last = Perturb(nightly.targets_of(night)[0], SEED), last

    def ask(self, request: Request) -> list[Proposal]:
        if request.first >= self.last:
            raise KeyboardInterrupt
        return self.own.ask(request)

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.own.tell(outcomes)

    def recall(self, told: Iterable[Told]) -> None:
        self.own.recall(told)


def events(night: Night, kind: str) -> list[Event]:
    return folds.of_kind(night.segments("t"), kind)
