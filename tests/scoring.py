"""A small scoring target with planted signals, after a real night whose result was confirmed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from harness.repository import Repository
from tests.attacks.forgery import confirmed, proposed
from tests.support import make_repository

FOLDER = "targets/experiments/h"
FEATURES = ("strong", "weak", "noise", "minutes")
TARGET = """
name: h
file: spec.yaml
space: {/weights/*: {int: [-5, 25]}}
evaluate: {serve: [python, evaluate.py]}
locked: [evaluate.py, columns.yaml, "data/**"]
data: {hidden: [data/holdout.csv]}
sample: rows
metrics: [{name: auc_roc_retain, goal: maximize}]
proposer: {kind: perturb}
"""
COLUMNS = """
search: data/search.csv
holdout: data/holdout.csv
id: account
score: health
features: [strong, weak, noise, minutes]
outcomes: {retained: stayed}
segments: [region]
as_of: {features: 2025-01-31, outcomes: 2025-06-30}
"""
SPEC = """weights: {strong: 5, weak: 5, noise: 5, minutes: 5}
scaling: {minutes: [0, 300]}
tiers: {A: 60, B: 40, C: 0}
"""


def accounts(seed: int, count: int = 1500, strong: float = 4.0, shift: float = 0.0) -> str:
    """CSV: `strong` drives who stays, `weak` a little, `noise` not at all; regions do not differ."""
    chance = np.random.default_rng(seed)
    values = {name: np.round(chance.random(count) * (300 if name == "minutes" else 1), 2) for name in FEATURES}
    values["weak"] = np.round(np.clip(values["weak"] + shift, 0, 1), 2)
    logit = strong * (values["strong"] - 0.5) + values["weak"] - 0.5
    stayed = (chance.random(count) < 1 / (1 + np.exp(-logit))).astype(int)
    rows = [[f"a{n}", *(values[f][n] for f in FEATURES), stayed[n], ("eu", "us")[n % 2]] for n in range(count)]
    head = ["account", *FEATURES, "stayed", "region"]
    return "\n".join(",".join(map(str, row)) for row in [head, *rows]) + "\n"


def repository_at(folder: Path) -> Repository:
    return make_repository(
        folder,
        {
            f"{FOLDER}/target.yaml": TARGET,
            f"{FOLDER}/columns.yaml": COLUMNS,
            f"{FOLDER}/spec.yaml": SPEC,
            f"{FOLDER}/evaluate.py": 'from harness.scorers import saas\n\nsaas.serve("columns.yaml")\n',
            f"{FOLDER}/data/search.csv": accounts(1),
            f"{FOLDER}/data/holdout.csv": accounts(2),
        },
    )


def night_in(repository: Repository, experiments: int = 120, seed: int = 3) -> Night:
    night, _ = plan(repository, Wishes(experiments=experiments, seed=seed))
    run(night, targets_of(night)[0], quiet=True)
    assert proposed(confirmed(night)).opened is not None
    return night
