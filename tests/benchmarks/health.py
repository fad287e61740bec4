"""The health-score target on tables of one's own making, and what a score is worth on accounts that nobody searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from harness.scorers.saas import auc
from tests.benchmarks.saas import FOLDER, files, parquet, table

FRESH = 100_000
NAME = "health-score"
HELD_OUT_FROM = 1_000_000  # account numbers of the holdout, so that no account lies in both halves

Floats = NDArray[np.float64]
Accounts = tuple[Floats, Floats]  # features, one row per account; 1 for who stayed, else 0


def health_files(
    search: pa.Table, holdout: pa.Table | None = None, *, changes: Mapping[str, str] | None = None, guards: bool = True
) -> dict[str, str | bytes]:
    """The shipped target on these tables. changes: what stands in target.yaml -> what is to stand there instead.

    Guards are about what a business may lose, not about what can be found: without them every metric but the first is
    only reported.
    """
    found = files(search.num_rows)
    found[f"{FOLDER}/data/search.parquet"] = parquet([search])
    if holdout is not None:
        found[f"{FOLDER}/data/holdout.parquet"] = parquet([holdout])
    target = str(found[f"{FOLDER}/target.yaml"])
    for old, new in (changes or {}).items():
        assert target.count(old) == 1, old
        target = target.replace(old, new)
    lines = (line for line in target.splitlines() if guards or "guard:" not in line)
    found[f"{FOLDER}/target.yaml"] = "\n".join(lines) + "\n"
    return found


def accounts_of(found: pa.Table, names: Sequence[str]) -> Accounts:
    features = np.stack([found.column(name).to_numpy().astype(np.float64) for name in names], axis=1)
    return np.round(features, 2), found.column("retained_6mo").to_numpy().astype(np.float64)


def worth(weights: Mapping[str, float], accounts: Accounts) -> float:
    """The AUC of these weights as the target scores them. accounts: with the features in the order of the weights."""
    features, labels = accounts
    return auc(labels, np.rint(100 * features) @ np.array([float(weight) for weight in weights.values()]))


def logistic(accounts: Accounts, names: Sequence[str], strength: float = np.inf) -> dict[str, float]:
    """Coefficients of a logistic regression. strength: scikit-learn's C; without end there is no penalty."""
    fitted = LogisticRegression(C=strength, max_iter=2_000).fit(*accounts).coef_[0]
    return dict(zip(names, map(float, fitted), strict=True))


def worth_of(coefficients: Mapping[str, float], accounts: Accounts) -> float:
    """The AUC of coefficients that are no whole numbers."""
    features, labels = accounts
    return auc(labels, features @ np.array(list(coefficients.values())))


def fresh_accounts(seed: int, names: Sequence[str]) -> Accounts:
    return accounts_of(table(9_000 + seed, FRESH), names)
