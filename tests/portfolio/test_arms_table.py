"""What a page says of arms: a fold of events, and a table that keeps to what every page keeps to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.pages.pieces import text
from bot.pages.summary import TargetReport, summarise
from bot.pages.target.arms import Yield, table, yields
from tests.invented import night, noisy_night
from tests.pages import live, tables


def experiment(arm: str, status: str = "discard", **more: Any) -> dict[str, Any]:
    model = {"arm": arm, **more.pop("model", {})} if arm else {}
    event = {"event": "experiment", "status": status, "gain": -3.0, "cost_usd": 0.0, "seconds": 6.0, **more}
    return {**event, **({"model": model} if model else {})}


def report(**more: Any) -> TargetReport:
    return replace(summarise(more.pop("segments")), **more)


def test_what_each_arm_came_to() -> None:
    events = [
        {"event": "header"}, {"event": "baseline", "metrics": {}},
        experiment("search", "keep", gain=0.5), experiment("search"), experiment(""),
        experiment("claude", "keep", gain=0.25, cost_usd=0.02, model={"seconds": 54.0}),
        experiment("claude", "crash", gain=0.0, cost_usd=0.01), {"event": "seal"},
    ]  # fmt: skip
    assert yields(events) == (
        Yield("search", 2, 1, 0.5, 0.0, 0.2), Yield("claude", 2, 1, 0.25, 0.03, 66 / 60),
    )  # fmt: skip
    assert yields([experiment("")]) == ()


def test_an_arm_that_was_never_asked_came_to_nothing() -> None:
    header = {"event": "header", "arms": ["search", "claude", "tune"]}
    found = yields([header, experiment("tune"), header, experiment("search", "keep", gain=0.5)])
    assert found == (Yield("search", 1, 1, 0.5, 0.0, 0.1), Yield("claude"), Yield("tune", 1, 0, 0.0, 0.0, 0.1))


def test_the_table(tmp_path: Path) -> None:
    arms = (Yield("search", 1500, 3, 0.0123, 0.0, 61.25), Yield("claude", 40, 1, 0.0004, 1.5, 3.0))
    found = text(table(report(segments=night(tmp_path), arms=arms)))
    assert "| `search` | 1,500 | 3 | +0.0123 | 0.00 | 61.2 |" in found
    assert "| `claude` | 40 | 1 | +0.0004 | 1.50 | 3.0 |" in found
    assert len(tables(found)) == 1
    assert table(report(segments=night(tmp_path / "none"))) == []


def test_a_ratio_stands_in_percent(tmp_path: Path) -> None:
    found = text(table(report(segments=noisy_night(tmp_path), arms=(Yield("search", 9, 1, 0.05),))))
    assert "| `search` | 9 | 1 | -4.9 % |" in found


def test_amounts_of_private_rows_are_not_shown(tmp_path: Path) -> None:
    segments = night(tmp_path)
    base = dict.fromkeys(summarise(segments).base, 48211.0)
    shown = [
        text(table(report(segments=segments, arms=(Yield("search", 9, 1, 1234.5),), base=base, private=private)))
        for private in (False, True)
    ]
    assert "1,234.5" in shown[0] or "+1234" in shown[0].replace(",", ""), "the control"
    assert "234" not in shown[1]
    assert "%" in shown[1]


def test_a_name_is_no_markup(tmp_path: Path) -> None:
    found = text(table(report(segments=night(tmp_path), arms=(Yield("a|b`@all <b>", 9, 1, 0.1),))))
    assert len(tables(found)) == 1
    assert not live(found) - live(text(table(report(segments=night(tmp_path / "tame"), arms=(Yield("a", 9, 1, 0.1),)))))
