"""From texts to a prepared folder: a tokenizer trained on the training documents alone, and tokens of both sides.

The tokenizer is byte-level BPE without any normalisation: every byte of a text is some token, so that what a token is
in bytes is exact, also where it is half a character. The token between documents is no part of the tokenizer: no text
can spell it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import EvaluatorError
from harness.scorers.gpt import manifest
from harness.scorers.gpt.preparing.texts import Texts

VOCABULARY = 1_024
LEAST, MOST = 257, 1 << 16  # every byte and the token between documents; what 16 bits can number
SAMPLE = 100_000_000  # characters that the tokenizer is trained on, the first of the training documents
_AT_ONCE = 1_000


def require(library: str) -> None:
    """Raises EvaluatorError where the machine lacks it."""
    if importlib.util.find_spec(library) is None:
        raise EvaluatorError(f"the library {library} is not installed", next_step="pip install 'autoresearch-bot[gpt]'")


def make(found: Texts, folder: Path, vocabulary: int = VOCABULARY) -> str:
    """Writes the folder; what is in it, in words. Raises EvaluatorError."""
    if not LEAST <= vocabulary <= MOST:
        raise EvaluatorError(f"a vocabulary of {vocabulary} tokens; it has {LEAST} to {MOST}")
    tokenizer = _trained(found.train, vocabulary - 1)
    words = tokenizer.get_vocab()
    lengths = np.zeros(len(words) + 1, dtype=np.int64)
    for word, id_ in words.items():
        lengths[id_] = len(word)  # each character of a byte-level token stands for one byte
    end = len(words)
    manifest.opened(folder)
    told = {"source": found.source, "vocabulary": len(lengths)}
    for side, texts in (("train", found.train), ("validation", found.validation)):
        told[side] = _written(folder / f"{side}.bin", texts, tokenizer, lengths)
    (folder / "tokens.json").write_text(json.dumps({"bytes": lengths.tolist(), "special": [end]}) + "\n")
    manifest.sealed(folder, told)
    return f"{_amount(told['train'])} to train on, {_amount(told['validation'])} to be judged by, of {found.source}"


def _trained(texts: Iterable[str], size: int) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[], show_progress=False, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(_first(texts, SAMPLE), trainer)
    return tokenizer


def _first(texts: Iterable[str], characters: int) -> Iterator[str]:
    for text in texts:
        if characters <= 0:
            return
        characters -= len(text)
        yield text


def _written(path: Path, texts: Iterable[str], tokenizer: Any, lengths: Any) -> dict[str, int]:
    """Each document's tokens and the one that ends it; how much of what there is."""
    end, told, waiting = len(lengths) - 1, {"documents": 0, "tokens": 0, "bytes": 0}, iter(texts)
    with path.open("wb") as file:
        while some := list(islice(waiting, _AT_ONCE)):
            ids = [id_ for encoded in tokenizer.encode_batch(some) for id_ in [*encoded.ids, end]]
            size = sum(len(text.encode()) for text in some)
            if int(lengths[ids].sum()) != size:
                raise EvaluatorError(f"{path.name}: its tokens do not add up to the bytes of their text")
            file.write(np.array(ids, dtype="<u2").tobytes())
            told = {
                "documents": told["documents"] + len(some),
                "tokens": told["tokens"] + len(ids),
                "bytes": told["bytes"] + size,
            }
    if not told["documents"]:
        raise EvaluatorError(f"there is no text for {path.name}", next_step="more text, or another list of shards")
    return told


def _amount(told: Any) -> str:
    return f"{told['tokens']:,} tokens ({told['bytes']:,} bytes)"
