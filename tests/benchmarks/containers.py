"""`python -m tests.benchmarks.containers`: what a Tag Manager container takes to read and score, by its size.

In milliseconds of the processor: a busy machine says nearly the same. Nothing here waits. Read and scored alone; and
"served", read and scored beside the candidate before, of which one tag differs; "audited", the same with the audit, as
an evaluator's night is.
"""

from __future__ import annotations

import copy
import json
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

from harness.scorers.gtm import Declared, read, score
from harness.scorers.gtm.serving import Serving
from tests.gtm.sites import SHOP_ADS, messy_shop

TURNS = 7
BARS = {1: 0.05, 7: 0.05, 10: 0.25, 27: 0.5}  # copies of a shop of about 40 tags: seconds that read and score may take
NO_PADDING = 1_000


def grown(times: int) -> dict[str, Any]:
    """The messy shop as often as asked, each copy with ids and names of its own, wired within itself."""
    data = messy_shop()
    version = data["containerVersion"]
    whole = {array: copy.deepcopy(version[array]) for array in ("tag", "trigger", "variable")}
    names = {one["name"] for one in whole["variable"]}
    for turn in range(1, times):
        text = json.dumps(whole)
        for name in names:
            text = text.replace(f"{{{{{name}}}}}", f"{{{{{name} {turn}}}}}")
        for array, those in json.loads(text).items():
            version[array] += [_moved(one, f"{array}Id", turn) for one in those]
    return data


def _moved(one: dict[str, Any], key: str, turn: int) -> dict[str, Any]:
    one["name"] += f" {turn}"
    one[key] = str(int(one[key]) + NO_PADDING * turn)
    own = [trigger for trigger in one.get("firingTriggerId", []) if int(trigger) < 2_000_000_000]
    if "firingTriggerId" in one:
        others = [trigger for trigger in one["firingTriggerId"] if trigger not in own]
        one["firingTriggerId"] = [*others, *(str(int(trigger) + NO_PADDING * turn) for trigger in own)]
    return one


@dataclass(frozen=True)
class Spent:
    """Seconds of the processor, one for each turn."""

    reading: list[float]
    scoring: list[float]

    @property
    def whole(self) -> list[float]:
        return [one + other for one, other in zip(self.reading, self.scoring, strict=True)]


def alone(content: bytes, declared: Declared) -> Spent:
    """Read and scored as one that nobody has seen."""
    spent = Spent([], [])
    for _ in range(TURNS):
        start = time.process_time()
        container = read(content, "container.json")
        middle = time.process_time()
        score(container, declared)
        spent.reading.append(middle - start)
        spent.scoring.append(time.process_time() - middle)
    return spent


def served(data: dict[str, Any], declared: Declared) -> Spent:
    """One candidate after another, as an evaluator that stays up is sent them: in each one tag has another name."""
    before = read(json.dumps(data).encode(), "container.json")
    score(before, declared)
    spent, tags = Spent([], []), data["containerVersion"]["tag"]
    for turn in range(TURNS):
        tags[turn * 5]["name"] += f" {turn}"
        content = json.dumps(data, indent=2).encode()
        start = time.process_time()
        before = read(content, "container.json", before)
        middle = time.process_time()
        score(before, declared)
        spent.reading.append(middle - start)
        spent.scoring.append(time.process_time() - middle)
    return spent


def evaluated(data: dict[str, Any], declared: Declared) -> list[float]:
    """As `served`, by the evaluator itself: with the audit."""
    serving, tags, spent = Serving(declared), data["containerVersion"]["tag"], []
    serving.measure(json.dumps(data).encode())
    for turn in range(TURNS):
        tags[turn * 5]["name"] += " again"
        content = json.dumps(data, indent=2).encode()
        start = time.process_time()
        serving.measure(content)
        spent.append(time.process_time() - start)
    return spent


def main() -> int:
    """1 where a bar is missed."""
    declared, missed = Declared("shop", ads=SHOP_ADS), False
    print(
        f"{'container':>24} {'read':>8} {'score':>8} {'served':>8}   of the served: least to most, bar (milliseconds)"
    )
    for times, bar in BARS.items():
        data = grown(times)
        content = json.dumps(data, indent=2).encode()
        once = alone(content, declared)
        again = served(data, declared)
        whole = statistics.median(again.whole)
        missed |= whole > bar
        size = f"{len(data['containerVersion']['tag']):>7} tags {len(content) / 1000:>8,.0f} kB"
        audited = statistics.median(evaluated(data, declared))
        figures = [statistics.median(once.reading), statistics.median(once.scoring), whole, audited]
        told = " ".join(f"{one * 1000:>8.1f}" for one in figures)
        spread = f"{min(again.whole) * 1000:.1f} to {max(again.whole) * 1000:.1f}"
        print(f"{size} {told}   {spread}, {'ok' if whole <= bar else 'MISS'} ({bar * 1000:.0f})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
