"""A repository's whole life with the bot: its workflows as they are written, on a real runner, against real git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.shop import Shop, opened
from tests.forging import files, folder

SPEC = f"{folder('t')}/spec.yaml"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, files("t")) as made:
        yield made


def test_a_whole_life(shop: Shop) -> None:
    run = shop.night()
    assert run.jobs == dict.fromkeys(["plan", "run t", "confirm t", "propose"], "success")
    (first,) = shop.open
    assert first.title.startswith("autoresearch ")
    promoted = shop.merge(first)
    assert promoted.jobs == dict.fromkeys(["plan", "remeasure t", "publish"], "success")
    assert len(shop.tags) == 1
    (realised,) = shop.recorded("realised")
    print(realised)

    shop.night()
    (second,) = shop.open
    assert shop.read(second.head_sha, SPEC) != shop.read("main", SPEC)
    shop.night()
    (third,) = shop.open
    assert third.number != second.number
    assert second.state == "closed"
    assert "superseded" in second.labels
