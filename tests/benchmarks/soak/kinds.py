"""The kinds of night that are killed: what the evaluator of each does, and what its target asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = "targets/experiments/t"

PROCESS = """
case $PWD in *-confirm/*) verb=confirm;; *) verb=run;; esac
printf '%s %s %s\\n' "$verb" "$AUTORESEARCH_SEED" "$(tr -d ' \\n' < "$AUTORESEARCH_FILE")" >> 'LOG'
sleep 0.005
echo ---
awk '{ total -= ($2 - 7) ^ 2 } END { print "closeness: " total }' "$AUTORESEARCH_FILE"
"""
SERVE = """
import os
import time
from harness import evaluator
from harness.candidate import load
from harness.schedule import block_of
from random import Random

VERB = "confirm" if "-confirm/" in os.getcwd() else "run"

def score(request):
    texts = ["".join(item.path.read_text().split()) for item in request.items]
    with open("LOG", "a") as log:
        log.write("".join(f"{VERB} {request.seed} {text}\\n" for text in texts))
    time.sleep(0.001)
    return [measured(text, load(item.path), request.seed) for text, item in zip(texts, request.items)]

def measured(text, spec, seed):
    return SCORE

evaluator.serve(score)
"""
CLOSE = 'evaluator.Scores({"closeness": -float(sum((w - 7) ** 2 for w in spec.values()))})'
NOISY = """(
        evaluator.Crash("a bad day")
        if block_of(seed) == "loop" and Random(f"bad/{seed}").random() < 0.02
        else evaluator.Scores({"closeness": sum(spec.values()) / 4 + Random(f"{text}/{seed}").gauss(0, 1)})
    )"""
# In the loop each change looks like a large gain; on seeds of confirm one of them does the work of all.
PLANTED = """evaluator.Scores({"closeness": Random(f"{text}/{seed}").gauss(0, 1) + (
        4.0 * sum(spec.values()) if block_of(seed) in ("calibration", "loop") else 3.0 if spec["b"] else 1.5 * spec["a"]
    )})"""
TARGET = """
name: t
file: spec.yaml
space: {/*: {int: [LOW, HIGH]}}
evaluate: {EVALUATE}
metrics: [{name: closeness, goal: maximize}]
confirm: {budget: 60m, groups: 4}
"""
SERVED = "serve: [python, evaluate.py]"


@dataclass(frozen=True)
class Kind:
    """A kind of night. flight: measurements of one experiment, pair or batch; from_confirm: its loop is run
    undisturbed; nights: of one repository, one after the other."""

    name: str
    target: str
    evaluator: tuple[str, str]
    spec: str
    experiments: int
    flight: int
    nights: int = 1
    from_confirm: bool = False

    @property
    def noisy(self) -> bool:
        return "noise:" in self.target

    def files(self, log: Path) -> dict[str, str]:
        name, text = self.evaluator
        return {
            f"{FOLDER}/target.yaml": self.target,
            f"{FOLDER}/{name}": text.replace("LOG", str(log)),
            f"{FOLDER}/spec.yaml": self.spec,
        }


def _target(evaluate: str, low: int, high: int, more: str = "") -> str:
    text = TARGET.replace("EVALUATE", evaluate).replace("LOW", str(low)).replace("HIGH", str(high))
    return text.lstrip() + more


PAIR, DRAW = 2, 4  # measurements; the targets here have three values, so at most three parts

KINDS = (
    Kind(
        "process", _target("command: [sh, evaluate.sh]", -50, 50), ("evaluate.sh", PROCESS),
        "a: -40\nb: 40\nc: 0\n", 60, 1,
    ),
    Kind(
        "serve", _target(SERVED, -50, 50), ("evaluate.py", SERVE.replace("SCORE", CLOSE)),
        "a: -40\nb: 40\nc: 0\nd: 12\n", 800, 16, nights=2,
    ),
    Kind(
        "noisy duel", _target(SERVED, -4, 4, "noise: {}\n"), ("evaluate.py", SERVE.replace("SCORE", NOISY)),
        "a: 0\nb: -2\nc: 0\n", 12, PAIR,
    ),
    Kind(
        "confirm", _target(SERVED, 0, 1, "noise: {}\n"), ("evaluate.py", SERVE.replace("SCORE", PLANTED)),
        "a: 0\nb: 0\nc: 0\n", 7, DRAW, from_confirm=True,
    ),
)  # fmt: skip
