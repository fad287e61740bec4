"""Makes prepared/ from text: a tokenizer trained on it, tokens to train on, tokens to be judged by. Locked.

    python prepare.py                    the text that every Python brings: its help on the language, in English
    python prepare.py FOLDER-OR-FILE     texts of your own (*.txt, *.rst, *.md, or any one file)
    python prepare.py shards.yaml        public shards in Parquet, by address, SHA-256 and size

`autoresearch setup gpt-training` runs it as target.yaml says; docs/gpt-data.md says what it checks.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.scorers.gpt import preparing
from harness.scorers.gpt.preparing import making, texts

HERE = Path(__file__).resolve().parent


def documents() -> dict[str, str]:
    """Name -> text, of what every Python brings."""
    return texts.help_on_python()


def make(found: Mapping[str, str], folder: Path, vocabulary: int = making.VOCABULARY) -> str:
    """A prepared folder of documents that are at hand, name -> text; what is in it, in words."""
    return making.make(texts.divided(found, f"{len(found)} documents"), folder, vocabulary)


if __name__ == "__main__":
    preparing.main(HERE / "prepared", HERE / "downloads")
