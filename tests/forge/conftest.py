"""What the tests of forges begin with: one small night, confirmed and not proposed yet, beside GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.night.folder import Night
from tests.every_call import Known, stages
from tests.forging import Desk, desk, made, measured


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Never proposed itself: each test has a copy."""
    return measured(made(tmp_path_factory.mktemp("night"), {"t": ""}))


@pytest.fixture
def at(tmp_path: Path, night: Night) -> Iterator[Desk]:
    with desk(tmp_path, night) as found:
        yield found


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    """What verbs come to without trouble."""
    with stages(tmp_path_factory.mktemp("stages")) as found:
        yield found
