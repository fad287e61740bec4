"""Pull requests on GitHub: what is opened, that nothing is there twice, and what a human's touch means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.night.folder import Night
from tests.forging import Desk, desk, made, measured


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return measured(made(tmp_path_factory.mktemp("night"), {"t": ""}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart takes most of a proposal's time, and nothing here is about it."""
    monkeypatch.setattr("bot.pages.chart.chart_png", lambda _report: b"png")


@pytest.fixture
def at(tmp_path: Path, night: Night) -> Iterator[Desk]:
    with desk(tmp_path, night) as found:
        yield found


def test_a_confirmed_night_becomes_one_pull_request(at: Desk) -> None:
    result = at.propose()
    assert result.refused == {}
    (pull,) = at.there.pulls.values()
    assert result.opened is not None
    assert result.opened.where == f"{at.there.html_url}/pull/{pull.number}"
    assert result.opened.notes == ()
    assert pull.title.startswith(f"autoresearch {at.night.name}: t acc 2.0000 -> ")
    assert pull.head == f"autoresearch/{at.night.name}"
    assert pull.base == "main"
    assert "## t: evidence strong" in (pull.body or "")
    assert sorted(pull.labels) == ["autoresearch", "evidence:strong", "target:t"]
    (check,) = at.there.check_runs
    assert (check.name, check.conclusion, check.head_sha) == ("autoresearch/verdict", "success", pull.head_sha)
    assert at.records() == [f"t/{at.night.name}.{name}.jsonl" for name in ("1-run", "2-confirm", "3-propose")]


def test_a_second_time_changes_nothing(at: Desk) -> None:
    at.propose()
    before, calls = at.state(), len(at.github.calls)
    at.propose()
    assert at.state() == before
    assert not [call.name for call in at.github.calls[calls:] if not call.name.startswith(("GET", "git"))]
