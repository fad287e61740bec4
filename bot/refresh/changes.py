"""Per account: score and tier before and after, and what each feature contributes to the change."""

from __future__ import annotations

import csv
import io

import numpy as np

from bot.refresh.comparison import Comparison
from bot.refresh.inputs import LATER, Inputs

HEAD = ("score_before", "score_after", "change", "tier_before", "tier_after")


def table(inputs: Inputs, found: Comparison) -> str:
    """CSV, the largest changes first. Contributions, in points of the score, and `scale` add up to `change`.

    scale: what an account gains or loses because the lowest possible score lies elsewhere, whatever its features.
    """
    block = inputs.accounts[LATER]
    parts = found.after.contributions - found.before.contributions
    scale = found.after.floor - found.before.floor
    before, after = found.before.scores, found.after.scores
    names = [name for name, _at in found.before.spec.tiers]
    later_names = [name for name, _at in found.after.spec.tiers]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([inputs.columns.id, *HEAD, *block.features, "scale"])
    for at in np.argsort(-np.abs(after - before), kind="stable"):
        writer.writerow([
            _safe(inputs.ids[at]), f"{before[at]:.2f}", f"{after[at]:.2f}", f"{after[at] - before[at]:+.2f}",
            names[found.before.tiers[at]], later_names[found.after.tiers[at]],
            *[f"{part:+.2f}" for part in parts[:, at]], f"{scale:+.2f}",
        ])  # fmt: skip
    return out.getvalue()


def _safe(text: str) -> str:
    """A spreadsheet runs what begins like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
