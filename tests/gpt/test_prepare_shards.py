"""From a list of shards to what is trained on: nothing unverified gets there, nothing judged by is trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from pydoc_data import topics

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.errors import ConfigError, EvaluatorError
from harness.scorers.gpt import corpus, preparing
from harness.scorers.gpt.preparing import fetching, shards
from harness.scorers.gpt.preparing.fetching import Patience
from tests.gpt.shards_served import Handler, Served, broken_off, corrupted, html, serving

TEXTS = [topics.topics[name] for name in sorted(topics.topics)]
TRAIN, VALIDATION = TEXTS[:50], TEXTS[50:60]
Act = Callable[[Handler, Served], None]


def shard(folder: Path, texts: Sequence[str | None], column: str = "text") -> bytes:
    path = folder / "made.parquet"
    parquet.write_table(pa.table({"id": range(len(texts)), column: pa.array(texts, pa.string())}), path)
    return path.read_bytes()


class Room:
    """Two servers, a list of their shards, and a folder to prepare."""

    def __init__(self, folder: Path, train: Served, validation: Served) -> None:
        self.folder, self.list = folder, folder / "shards.yaml"
        self.train, self.validation = train, validation
        self.prepared = folder / "prepared"
        self.write()

    def write(self, **more: object) -> None:
        named = {
            side: [{"url": one.url, "sha256": one.sha256, "size": one.size}]
            for side, one in (("train", self.train.shard()), ("validation", self.validation.shard()))
        }
        self.list.write_text(json.dumps({"vocabulary": 400, **named, **more}))

    def make(self) -> str:
        return preparing.made(self.list, 0, self.prepared, self.folder / "downloads")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    quick = Patience(tries=2, wait=0.01, longest=0.1, stall=1)
    monkeypatch.setattr(fetching, "Patience", lambda: quick)
    repeated = [*TRAIN, VALIDATION[3], None, "  "]
    with serving(shard(tmp_path, repeated)) as train, serving(shard(tmp_path, VALIDATION)) as validation:
        yield Room(tmp_path, train, validation)


def test_good_shards_become_a_corpus(room: Room) -> None:
    said = room.make()
    found = corpus.read(room.prepared)
    assert found.vocabulary == 400
    told = json.loads((room.prepared / "manifest.json").read_text())
    assert told["train"]["documents"] == len(TRAIN), (
        "what is judged by stands in the training shard too: it is left out"
    )
    assert told["validation"]["bytes"] == sum(len(text.encode()) for text in VALIDATION)
    assert found.lengths[found.validation].sum() == told["validation"]["bytes"]
    assert f"{told['train']['tokens']:,} tokens" in said
    room.make()
    assert [len(room.train.asked), len(room.validation.asked)] == [1, 1], "what is verified is not fetched again"


@pytest.mark.parametrize("plan", [[corrupted, corrupted], [html], [broken_off(99), broken_off(0), broken_off(0)]])
@pytest.mark.parametrize("side", ["train", "validation"])
def test_a_bad_shard_is_never_trained_on(plan: list[Act], side: str, room: Room) -> None:
    """The control: as soon as the same server works the same list makes a corpus."""
    getattr(room, side).plan = list(plan)
    with pytest.raises(EvaluatorError, match="cannot be had"):
        room.make()
    assert not room.prepared.exists()
    with pytest.raises(EvaluatorError, match="holds no whole corpus"):
        corpus.read(room.prepared)
    room.make()
    assert corpus.read(room.prepared).vocabulary == 400


def test_no_more_text_than_was_asked_for(room: Room) -> None:
    room.write(train_bytes=100_000, validation_bytes=20_000)
    room.make()
    told = json.loads((room.prepared / "manifest.json").read_text())
    assert 50_000 < told["train"]["bytes"] <= 100_000
    assert told["validation"]["bytes"] <= 20_000


def test_the_order_of_training_shards_is_that_of_the_list(room: Room, tmp_path: Path) -> None:
    """And each train.bin is the same whenever it is made."""
    room.make()
    first = (room.prepared / "train.bin").read_bytes()
    again = tmp_path / "again"
    preparing.made(room.list, 0, again, room.folder / "downloads")
    assert (again / "train.bin").read_bytes() == first


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"colum": "text"}, "colum: not known"),
        ({"train": []}, "train: names no shard"),
        ({"train": [{"url": "x"}]}, r"train\[0\]: is not {url"),
        ({"train": [{"url": "file:///etc/passwd", "sha256": "0" * 64, "size": 1}]}, "url is no address"),
        ({"train": [{"url": "https://a/b", "sha256": "0" * 63, "size": 1}]}, "sha256 is not 64 digits"),
        ({"train": [{"url": "https://a/b", "sha256": "0" * 64, "size": True}]}, "size is no number"),
        ({"vocabulary": 70_000}, "vocabulary: is 70000; it is a whole number from 257 to 65,536"),
        ({"column": 3}, "column: is 3"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(more: dict[str, object], said: str, room: Room) -> None:
    room.write(**more)
    with pytest.raises(ConfigError, match=said) as told:
        room.make()
    assert "shards.yaml" in str(told.value)
    assert room.train.asked == []


def test_a_shard_on_both_sides_is_refused(room: Room) -> None:
    room.validation.content = room.train.content
    room.write()
    with pytest.raises(ConfigError, match="under train and under validation"):
        room.make()


def test_the_columns_are_named_when_another_is_asked_for(room: Room) -> None:
    room.write(column="body")
    with pytest.raises(EvaluatorError, match="no column body of text") as told:
        room.make()
    assert "there are id, text" in str(told.value)
    room.write(column="id")
    with pytest.raises(EvaluatorError, match="no column id of text"):
        room.make()


def test_a_file_that_is_as_listed_and_no_parquet(room: Room) -> None:
    room.train.content = b"PAR1" + np.random.default_rng(3).bytes(4_000)
    room.write()
    with pytest.raises(EvaluatorError, match="cannot be read as Parquet"):
        room.make()
    assert not room.prepared.exists()


def test_without_pyarrow_it_says_what_is_missing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else real(name))
    with pytest.raises(EvaluatorError, match="library pyarrow is not installed") as told:
        room.make()
    assert "pip install 'autoresearch-bot[gpt]'" in str(told.value)
    assert shards.read(room.list).vocabulary == 400, "the list itself needs no library"
