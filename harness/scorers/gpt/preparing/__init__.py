"""Makes a prepared folder from text: `preparing.main(folder, downloads)` is all that a target's prepare.py has to say.

Texts (`texts.py`: what every Python brings, or files of your own; `shards.py`: public shards, fetched by `fetching.py`)
become tokens (`making.py`), whose digests `harness/scorers/gpt/manifest.py` keeps.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness.errors import AutoresearchError, EvaluatorError
from harness.scorers.gpt.preparing import making, shards, texts

DOWNLOADS = "AUTORESEARCH_DOWNLOADS"  # where `autoresearch setup` keeps what its runs fetched


def main(folder: Path, downloads: Path) -> None:
    """The command line of prepare.py. downloads: where shards go when nobody else says."""
    parser = argparse.ArgumentParser(description="Makes prepared/ from text.")
    parser.add_argument("text", nargs="?", type=Path, help="a file or folder of texts, or a list of shards (*.yaml)")
    parser.add_argument("--vocabulary", type=int, default=0, help=f"tokens, {making.VOCABULARY} unless told")
    given = parser.parse_args()
    try:
        print(made(given.text, given.vocabulary, folder, Path(os.environ.get(DOWNLOADS) or downloads)))
    except AutoresearchError as error:
        raise SystemExit(str(error)) from None


def made(given: Path | None, vocabulary: int, folder: Path, downloads: Path) -> str:
    """Makes the folder; what is in it, in words. Raises EvaluatorError, ConfigError."""
    making.require("tokenizers")
    if given is None:
        return making.make(texts.by_python(), folder, vocabulary or making.VOCABULARY)
    if not given.exists():
        raise EvaluatorError(
            f"{given} is not there",
            why=f"it is looked for from {Path.cwd()}; a setup sees the locked files of its target alone",
            next_step="name it under locked in target.yaml, or by its whole path",
        )
    if given.suffix not in (".yaml", ".yml"):
        return making.make(texts.of_files(given, tell), folder, vocabulary or making.VOCABULARY)
    making.require("pyarrow")
    wanted = shards.read(given)
    return making.make(shards.fetched(wanted, downloads, tell), folder, vocabulary or wanted.vocabulary)


def tell(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


__all__ = ["made", "main"]
