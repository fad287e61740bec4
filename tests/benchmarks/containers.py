"""`python -m tests.benchmarks.containers`: what a Tag Manager container takes to read and score, by its size.

In seconds of the processor: a busy machine says the same. Nothing here waits.
"""

from __future__ import annotations

import copy
import json
import statistics
import sys
import time
from typing import Any

from harness.scorers.gtm import Declared, read, score
from tests.gtm.sites import SHOP_ADS, messy_shop

TURNS = 7
BARS = {1: 0.05, 10: 0.25, 27: 0.5}  # copies of a shop of about 40 tags, and the seconds that its score may take
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


def main() -> int:
    """1 where a bar is missed."""
    declared, missed = Declared("shop", ads=SHOP_ADS), False
    for times, bar in BARS.items():
        content = json.dumps(grown(times), indent=2).encode()
        reading, scoring = [], []
        for _ in range(TURNS):
            start = time.process_time()
            container = read(content, "container.json")
            middle = time.process_time()
            found = score(container, declared)
            reading.append(middle - start)
            scoring.append(time.process_time() - middle)
        spent = statistics.median(scoring)
        missed |= spent > bar
        size = f"{found.counts['tag']:>5} tags {len(content) / 1000:>7,.0f} kB"
        told = f"read {statistics.median(reading) * 1000:>6.1f} ms  score {spent * 1000:>6.1f} ms"
        print(f"{size}  {told}  {'ok' if spent <= bar else 'MISS'} (bar {bar * 1000:.0f} ms)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
