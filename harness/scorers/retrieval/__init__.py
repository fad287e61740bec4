"""Measures of a retrieval pipeline, from one evaluator line: `retrieval.serve("prepared")`.

The folder holds a corpus, queries and judgements (`corpus.py` says in which files); the candidate is a config.yaml
(`settings.py`). Words become tokens (`tokens.py`), which are counted (`index.py`), scored (`bm25.py`, `lsa.py`), joined
and reordered (`fusion.py`, `features.py`), and measured (`measures.py`).
"""

import os

# A batch is a small product: a second BLAS thread costs more than it does, and takes a core from the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def serve(folder: str) -> None:
    """The evaluator of a retrieval target; folder: where the corpus lies, beside its target.yaml."""
    from harness.scorers.retrieval.serving import serve as serve_folder

    serve_folder(folder)


__all__ = ["serve"]
