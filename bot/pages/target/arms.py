"""What each arm of a portfolio came to: a pure fold of a night's events, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.pages.pieces import Piece, Weight
from bot.pages.wording import figures
from bot.pages.wording.gains import headline
from bot.pages.wording.text import cell_code, label
from harness.events import Event
from harness.rule import headline_name


@dataclass(frozen=True)
class Yield:
    """gain: of the headline, summed over what the loop kept; minutes: of measuring and of models."""

    arm: str
    experiments: int = 0
    kept: int = 0
    gain: float = 0.0
    dollars: float = 0.0
    minutes: float = 0.0


class Armed(figures.Measured, Protocol):
    """A target with its arms."""

    @property
    def name(self) -> str: ...

    @property
    def arms(self) -> Sequence[Yield]: ...


def yields(events: Iterable[Event]) -> tuple[Yield, ...]:
    """By the arm that proposed; empty where a night had no arms. In the order of target.yaml, never asked or not; of a
    record that does not name its arms in the order of their first experiments."""
    found: dict[str, Yield] = {}
    for event in events:
        for arm in event.get("arms", ()) if event["event"] == "header" else ():
            found.setdefault(arm, Yield(arm))
        spent = event.get("model", {}) if event["event"] == "experiment" else {}
        if "arm" in spent:
            now, keep = found.get(spent["arm"], Yield(spent["arm"])), event["status"] == "keep"
            found[now.arm] = replace(
                now,
                experiments=now.experiments + 1,
                kept=now.kept + keep,
                gain=now.gain + (event["gain"] if keep else 0.0),
                dollars=now.dollars + event["cost_usd"],
                minutes=now.minutes + (event["seconds"] + spent.get("seconds", 0.0)) / 60,
            )
    return tuple(found.values())


def table(report: Armed) -> list[Piece]:
    """Nothing where the night had no arms."""
    if not report.arms:
        return []
    head = ["<details><summary>What each proposer came to, as the loop claims it</summary>", ""]
    head += ["| arm | experiments | kept | gain | dollars | minutes |", "|---|--:|--:|--:|--:|--:|"]
    name = label(headline_name(report.rule))
    says = f"*gain*: in {name}, summed over what the loop kept; *minutes*: of measuring and of models."
    after = ["", says, "", "</details>", ""]
    return [Piece(head, Weight.FOLDED, report.name, "yield of each proposer", _lines(report), after)]


def _lines(report: Armed) -> list[str]:
    metric, gains = headline(report.rule), [arm.gain for arm in report.arms]
    return [
        f"| {cell_code(arm.arm, 40)} | {arm.experiments:,} | {arm.kept:,} "
        f"| {figures.shown(report, metric, arm.gain, like=gains)} | {arm.dollars:.2f} | {arm.minutes:,.1f} |"
        for arm in report.arms
    ]
