"""Everything that is known of a new scoring target before its files are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.new.table import refusals, split, starting
from bot.new.table.asked import Asked, Table
from bot.new.table.detection import Role, detect
from bot.pages.wording.text import code
from harness.scorers.saas.accounts import Scaling
from harness.scorers.saas.columns import OUTCOMES

FEWEST_TO_GUARD = 20  # accounts of each class in each group of a segment, on either side


@dataclass(frozen=True, eq=False)
class Plan:
    """score: health or risk; primary: the metric that decides; holdout: per account whether it is held out.

    guards: metrics that may not suffer; unguarded: segment -> why its worst group is no guard.
    """

    table: Table
    roles: tuple[Role, ...]
    percent: int
    score: str
    primary: str
    holdout: NDArray[np.bool_]
    scaling: Scaling
    tiers: tuple[tuple[str, float], ...]
    guards: tuple[str, ...]
    unguarded: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.named("id")[0]

    @property
    def features(self) -> list[str]:
        return self.named("feature")

    @property
    def outcomes(self) -> dict[str, str]:
        """Our word -> the column, in the order of our words."""
        found = {role.ours: role.column for role in self.roles if role.kind == "outcome"}
        return {ours: found[ours] for ours in OUTCOMES if ours in found}

    @property
    def label(self) -> str:
        """The column that the primary metric foretells."""
        return self.outcomes["retained" if self.primary == "auc_roc_retain" else "churned"]

    @property
    def kept(self) -> list[str]:
        """The columns that the target's tables hold."""
        return [role.column for role in self.roles if role.kind != "left out"]

    def named(self, kind: str) -> list[str]:
        """The columns of one kind, in the table's order."""
        return [role.column for role in self.roles if role.kind == kind]


def plan(table: Table, asked: Asked) -> Plan:
    """A target for this table. Raises ConfigErrors for what cannot be one."""
    refusals.refuse_size(table)
    roles = detect(table, asked)
    refusals.refuse_values(table, roles, asked)
    outcomes = {role.ours: role.column for role in roles if role.kind == "outcome"}
    score = asked.score or ("health" if "retained" in outcomes else "risk")
    stays = "retained" in outcomes and (score == "health" or "churned" not in outcomes)
    label = outcomes["retained" if stays else "churned"]
    (identity,) = (role.column for role in roles if role.kind == "id")
    holdout = split.sides(table[identity].texts, asked.holdout)
    split.refuse_thin(table, label, holdout)
    features = [role.column for role in roles if role.kind == "feature"]
    ranges = starting.scaling(table, features, ~holdout)
    scaled = starting.hundredths(table, features, ranges)
    starting.refuse_alike(table, features, scaled)
    primary = "auc_roc_retain" if stays else "auc_roc_churn"
    unguarded = _unguarded(table, roles, label, holdout)
    return Plan(
        table, roles, asked.holdout, score, primary, holdout, ranges, starting.tiers(scaled[:, ~holdout]),
        tuple(_guards(table, roles, primary, holdout, unguarded)), unguarded,
    )  # fmt: skip


def _guards(
    table: Table, roles: tuple[Role, ...], primary: str, holdout: NDArray[np.bool_], unguarded: Mapping[str, str]
) -> Iterator[str]:
    revenue = next((table[role.column].numbers for role in roles if role.ours == "revenue_start"), None)
    if revenue is not None and revenue[holdout].any() and revenue[~holdout].any():
        yield "revenue_capture_at_20"
    for role in roles:
        if role.kind == "segment" and role.column not in unguarded:
            yield f"{primary}.{role.column}.worst"


def _unguarded(table: Table, roles: tuple[Role, ...], label: str, holdout: NDArray[np.bool_]) -> dict[str, str]:
    """Segments with a group too small for its AUC to mean anything."""
    found, values = {}, table[label].numbers
    for role in roles:
        if role.kind != "segment":
            continue
        texts = np.array(table[role.column].texts)
        for group in sorted(set(texts)):
            counts = [
                int(((texts == group) & (values == value) & (holdout == side)).sum())
                for value in (0, 1) for side in (False, True)
            ]  # fmt: skip
            if min(counts) < FEWEST_TO_GUARD:
                shown = "one of its groups" if table.private else code(group or "missing")
                found[role.column] = f"{shown} has {min(counts)} accounts of one outcome on one side"
                break
    return found
