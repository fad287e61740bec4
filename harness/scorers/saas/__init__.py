"""Measures of a customer score, from one evaluator line: `saas.serve("columns.yaml")`. docs/metrics.md defines them."""

import os

# A batch is a small product: a second BLAS thread costs more than it does, and takes a core from the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from harness.scorers.saas.auc import auc, placements


def serve(file: str) -> None:
    """The evaluator of a scoring target; file: the columns.yaml beside its target.yaml."""
    from harness.scorers.saas.serving import serve as serve_columns

    serve_columns(file)


__all__ = ["auc", "placements", "serve"]
