"""Makes prepared/ from text: a tokenizer trained on it, tokens to train on, tokens to be judged by. Locked.

    python prepare.py                    the text that every Python brings: its help on the language, in English
    python prepare.py FOLDER-OR-FILE     texts of your own (*.txt, *.rst, *.md, or any one file)
    python prepare.py shards.yaml        public shards in Parquet, by address, SHA-256 and size

`autoresearch setup gpt-training` runs it as target.yaml says; docs/gpt-data.md says what it checks.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.errors import AutoresearchError, EvaluatorError
from harness.scorers.gpt import extra
from harness.scorers.gpt.preparing import making, texts

HERE = Path(__file__).resolve().parent
DOWNLOADS = "AUTORESEARCH_DOWNLOADS"  # where `autoresearch setup` keeps what its runs fetched


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes prepared/ from text.")
    parser.add_argument("text", nargs="?", type=Path, help="a file or folder of texts, or a list of shards (*.yaml)")
    parser.add_argument("--vocabulary", type=int, default=0, help=f"tokens, {making.VOCABULARY} unless told")
    given = parser.parse_args()
    try:
        print(
            made(given.text, given.vocabulary, HERE / "prepared", Path(os.environ.get(DOWNLOADS, HERE / "downloads")))
        )
    except AutoresearchError as error:
        raise SystemExit(str(error)) from None


def made(given: Path | None, vocabulary: int, folder: Path, downloads: Path) -> str:
    """Makes the folder; what is in it, in words. Raises EvaluatorError, ConfigError."""
    extra.require("tokenizers")
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
    extra.require("pyarrow")
    import shards

    wanted = shards.read(given)
    return making.make(shards.fetched(wanted, downloads, tell), folder, vocabulary or wanted.vocabulary)


def documents() -> dict[str, str]:
    """Name -> text, of what every Python brings."""
    return texts.help_on_python()


def make(found: Mapping[str, str], folder: Path, vocabulary: int = making.VOCABULARY) -> str:
    """A prepared folder of documents that are at hand, name -> text; what is in it, in words."""
    return making.make(texts.divided(found, f"{len(found)} documents"), folder, vocabulary)


def tell(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
