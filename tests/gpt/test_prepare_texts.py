"""What a prepared folder holds: exact bytes of each token, a split by name, and nothing that was damaged since."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.errors import EvaluatorError
from harness.scorers.gpt import corpus
from harness.scorers.gpt.preparing import making, texts
from tests.gpt.preparation import TARGET, prepare

PREPARE = TARGET / "prepare.py"
WORDS = "The räven Ж 猫 🦊 jumps over the lazy dog, and again over the same lazy dog. "


def own(folder: Path, count: int = 40, text: str = WORDS) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.txt").write_text(text * (number + 2))
    return folder


def prepared(given: Path | None, folder: Path, vocabulary: int = 300) -> corpus.Corpus:
    prepare.made(given, vocabulary, folder, folder / "none")
    return corpus.read(folder)


def train_of(found: corpus.Corpus) -> corpus.Ids:
    return np.fromfile(found.train, dtype="<u2")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    prepared(own(tmp_path / "texts"), tmp_path / "prepared")
    return tmp_path / "prepared"


def test_tokens_add_up_to_the_bytes_of_their_text(tmp_path: Path) -> None:
    """So few tokens that letters of other alphabets are cut into bytes, which are no UTF-8 alone."""
    given = own(tmp_path / "texts")
    found = prepared(given, tmp_path / "prepared", making.LEAST)
    everything = sum(len(path.read_bytes()) for path in given.iterdir())
    both = np.concatenate([train_of(found), found.validation])
    assert found.lengths[both].sum() == everything
    assert found.lengths[:-1].tolist() == [1] * 256


def test_the_token_between_documents_is_no_text_and_no_text_is_it(tmp_path: Path) -> None:
    found = prepared(own(tmp_path / "texts", text=f"{WORDS}<|end|> </s> <|endoftext|>"), tmp_path / "prepared")
    end = found.vocabulary - 1
    assert found.spoken.tolist() == [True] * end + [False]
    assert found.lengths[end] == 0
    both = np.concatenate([train_of(found), found.validation])
    assert (both == end).sum() == 40, "one a document"
    assert (train_of(found)[-1], found.validation[-1]) == (end, end)


def test_the_tokenizer_never_saw_what_is_judged_by(tmp_path: Path) -> None:
    """A word that stands in the validation documents alone is in pieces; the control: elsewhere it is one token."""

    def longest(side: bool) -> int:
        given, made = tmp_path / f"texts{side}", tmp_path / f"prepared{side}"
        own(given)
        for path in given.iterdir():
            if texts.set_apart(path.name) is side:
                path.write_text(path.read_text() + "xylophonequartz " * 500)
        return int(prepared(given, made, 400).lengths.max())

    assert longest(True) < 14 <= longest(False)


def test_more_texts_move_none_from_one_side_to_the_other(tmp_path: Path) -> None:
    few, many = (texts.documents(own(tmp_path / str(count), count), print) for count in (30, 200))
    small, large = (texts.divided(found, "x") for found in (few, many))
    assert set(small.validation) <= set(large.validation)
    assert 0.05 < len(list(large.validation)) / len(many) < 0.25


def test_one_file_is_cut_into_documents(tmp_path: Path) -> None:
    file = tmp_path / "book.anything"
    file.write_text("".join(f"{WORDS} {number}\n" for number in range(8_000)))
    found = prepared(file, tmp_path / "prepared")
    told = json.loads((tmp_path / "prepared/manifest.json").read_text())
    assert told["validation"]["documents"] >= 1
    assert told["train"]["bytes"] + told["validation"]["bytes"] == file.stat().st_size
    assert found.lengths[found.validation].sum() == told["validation"]["bytes"]


@pytest.mark.parametrize("name", ["train.bin", "validation.bin", "tokens.json"])
@pytest.mark.parametrize("how", ["a bit", "shorter", "gone"])
def test_a_damaged_corpus_is_refused(name: str, how: str, sound: Path) -> None:
    corpus.read(sound)
    content = bytearray((sound / name).read_bytes())
    content[len(content) // 2] ^= 1
    if how == "gone":
        (sound / name).unlink()
    else:
        (sound / name).write_bytes(bytes(content) if how == "a bit" else bytes(content[:-2]))
    with pytest.raises(EvaluatorError, match=r"is damaged|holds no whole corpus") as told:
        corpus.read(sound)
    assert "autoresearch setup makes it again" in str(told.value)


def test_an_interrupted_preparation_leaves_nothing_to_train_on(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "_amount", interrupted)
    monkeypatch.setattr(making.manifest, "sealed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare.made(tmp_path / "texts", 300, sound, tmp_path)
    with pytest.raises(EvaluatorError, match="holds no whole corpus"):
        corpus.read(sound)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "holds no text"),
        ({"a.txt": " \n"}, "holds no text"),
        ({"a.jpg": "words"}, "holds no text"),
        ({"a.txt": "too little"}, "too few: some have to be set apart"),
    ],
)
def test_what_is_no_corpus_is_told(content: dict[str, str], said: str, tmp_path: Path) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(EvaluatorError, match=said):
        prepared(tmp_path, tmp_path / "prepared")


def test_bytes_that_are_no_text_are_told_and_counted_as_what_stands_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = own(tmp_path / "texts")
    (given / "latin.txt").write_bytes("räven\n".encode("latin-1") * 100)
    prepared(given, tmp_path / "prepared")
    assert "1 of 41 files are not UTF-8 throughout" in capsys.readouterr().err


def test_the_command_prepares_what_every_python_brings(tmp_path: Path) -> None:
    script = tmp_path / "prepare.py"
    script.write_text(PREPARE.read_text())
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    found = corpus.read(tmp_path / "prepared")
    assert found.vocabulary == making.VOCABULARY
    assert done.stdout.startswith(f"{len(train_of(found)):,} tokens (")


def test_the_command_says_what_is_wrong_in_words(tmp_path: Path) -> None:
    script = tmp_path / "prepare.py"
    script.write_text(PREPARE.read_text())
    done = subprocess.run([sys.executable, script, "no"], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1
    assert "no is not there" in done.stderr
    assert "Traceback" not in done.stderr
