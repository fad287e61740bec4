"""Makes prepared/ from text: a tokenizer trained on it, tokens to train on, tokens to be judged by. Locked.

    python prepare.py                    the text that every Python brings: its help on the language, in English
    python prepare.py FOLDER-OR-FILE     texts of your own (*.txt, *.rst, *.md, or any one file)

A document goes to validation by a hash of its name alone, one in eight, so that more text moves none from one side to
the other. The tokenizer is byte-level BPE and sees the training documents only; every byte is some token, so
that what a token is in bytes is exact.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from pydoc_data import topics

import numpy as np

HERE = Path(__file__).parent
VOCABULARY = 1_024
END = "<|end|>"
ONE_IN = 8
SUFFIXES = (".txt", ".rst", ".md")


def main() -> None:
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(make(documents(given), HERE / "prepared"))


def documents(given: Path | None = None) -> dict[str, str]:
    """Name -> text."""
    if given is None:
        return {name: text for name, text in topics.topics.items() if text.strip()}
    files = [given] if given.is_file() else sorted(p for p in given.rglob("*") if p.suffix in SUFFIXES)
    found = {str(p.relative_to(given) if p != given else p.name): p.read_text(errors="replace") for p in files}
    if len(found) < ONE_IN:
        found = dict(_pieces(found))
    return found


def _pieces(found: dict[str, str], size: int = 20_000) -> Iterator[tuple[str, str]]:
    """Few large files become many documents, so that some of them can be set apart."""
    for name, text in found.items():
        for at in range(0, len(text), size):
            yield f"{name}#{at // size}", text[at : at + size]


def make(found: dict[str, str], folder: Path, vocabulary: int = VOCABULARY) -> str:
    """Writes the folder; what is in it, in words."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    train = {name: text for name, text in found.items() if not set_apart(name)}
    validation = {name: text for name, text in found.items() if set_apart(name)}
    if not train or not validation:
        raise SystemExit("too few documents: some have to be set apart to be judged by")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator((train[name] for name in sorted(train)), trainer)
    end = tokenizer.token_to_id(END)
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for file, texts in (("train.bin", train), ("validation.bin", validation)):
        ids = [id_ for name in sorted(texts) for id_ in [*tokenizer.encode(texts[name]).ids, end]]
        np.array(ids, dtype="<u2").tofile(folder / file)
        counts[file] = len(ids)
    words = tokenizer.get_vocab()
    lengths = [0] * len(words)
    for word, id_ in words.items():
        lengths[id_] = 0 if word == END else len(word)  # each character of a byte-level token stands for one byte
    (folder / "tokens.json").write_text(json.dumps({"bytes": lengths, "special": [end]}) + "\n")
    kept = sum(len(text.encode()) for text in validation.values())
    said = np.fromfile(folder / "validation.bin", dtype="<u2")
    if sum(lengths[id_] for id_ in said) != kept:
        raise SystemExit("the tokens of the validation text do not add up to its bytes")
    return f"{counts['train.bin']:,} tokens to train on, {counts['validation.bin']:,} to be judged by ({kept:,} bytes)"


def set_apart(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % ONE_IN == 0


if __name__ == "__main__":
    main()
