"""Measures of a customer score: how well it ranks (auc), and what its chosen share holds (capture)."""

from harness.scorers.saas.auc import auc, auc_batch, placements
from harness.scorers.saas.capture import capture, count_at, top_sum

__all__ = ["auc", "auc_batch", "placements", "capture", "count_at", "top_sum"]
