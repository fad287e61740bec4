"""The three scoring targets with invented accounts: what their READMEs say, their generators and their tables."""

from __future__ import annotations

import csv
import functools
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.scorers.saas import columns

TARGETS = Path(__file__).parents[1] / "targets" / "experiments"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What a README says. label: the column that the log odds are of; base: its share of ones; strongest: how many
    planted effects a fit puts into their order; absent: the measures that have no outcome; end:
    the column of the last revenue; retained: the value of the label of who stayed."""

    name: str
    label: str
    base: float
    strongest: int
    absent: frozenset[str]
    end: str
    retained: int


ALL = (
    Facts("health-score", "retained_6mo", 0.56, 5, frozenset(), "mrr_6mo", 1),
    Facts("churn-decay", "churned", 0.21, 4, frozenset({"activation", "auc_roc_retain"}), "mrr_3mo", 0),
    Facts("icp-fit", "retained_12mo", 0.60, 3, frozenset({"winback", "auc_roc_churn"}), "mrr_12mo", 1),
)
each_target = pytest.mark.parametrize("facts", ALL, ids=lambda facts: facts.name)


@functools.cache
def generator(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generate_{name}", TARGETS / name / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def table(name: str, split: str) -> dict[str, list[str]]:
    with (TARGETS / name / "data" / f"{split}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def numbers(name: str, split: str, column: str) -> Floats:
    return np.array(table(name, split)[column], dtype=np.float64)


def scaled(facts: Facts, split: str) -> dict[str, Floats]:
    module = generator(facts.name)
    found = columns.load(TARGETS / facts.name / "columns.yaml").features
    same = getattr(module, "scaled", lambda _name, values: values)
    return {name: same(name, numbers(facts.name, split, name)) for name in found}
