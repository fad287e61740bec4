"""`make bench`: whole-night figures with their bars. Exits 1 if a bar is missed."""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from bot.night.loop.exact import SERVE_BATCH
from bot.pages import table
from bot.pages.body import Links, body
from bot.pages.charts import chart
from bot.pages.summary import summarise
from bot.pages.web import page
from harness import events, folds
from harness.rule import Metric, Rule
from tests.benchmarks.nights import CpuClock, churn_risk_files, own_cpu, run_loop, scratch_repository

EVENTS_BEFORE = 2  # the header and the baseline
EXPERIMENTS_AFTER = 2 * SERVE_BATCH  # what the batch after a keep and the one after that are made of

PROCESS_FORM = {
    "targets/experiments/shell/target.yaml": (
        "name: shell\nfile: spec.yaml\nspace: {/a: {float: [0, 1]}}\nevaluate: {command: [sh, evaluate.sh]}\n"
        "metrics: [{name: a, goal: maximize}]\nproposer: {kind: perturb}\n"
    ),
    "targets/experiments/shell/evaluate.sh": 'echo ---\nsed -n "s/^a: /a: /p" "$AUTORESEARCH_FILE"\n',
    "targets/experiments/shell/spec.yaml": "a: 0.5\n",
}


def steady(nights: int = 3, experiments: int = 10_000) -> bool:
    """CPU time of the last 1,000 experiments against the first 1,000, loop and evaluator together.

    Keeps come early, and each costs a full measurement and a new start for the proposer: so beside the ratio of all
    stands that of the batches which neither kept anything nor follow one that did.
    """
    ratios, alike = [], []
    for seed in range(nights):
        marks: dict[int, float] = {}
        cpu = CpuClock()

        def note(count: int, marks: dict[int, float] = marks, cpu: CpuClock = cpu) -> None:
            marks[count] = cpu()

        with scratch_repository(churn_risk_files()) as repository:
            night = run_loop(repository, experiments, seed, note)
            found = folds.of_kind(night.segments("churn-risk"), "experiment")
        kept = [event["id"] for event in found if event["status"] == "keep"]
        first = _spent(marks, 200, 1200)  # the very first 200 pay for imports and caches
        last = _spent(marks, experiments - 1000, experiments)
        ratios.append(last / first)
        quiet = [_quiet(marks, start, start + 1000, kept) for start in (200, experiments - 1000)]
        alike.append(quiet[1] / quiet[0])
        early = sum(200 < number <= 1200 for number in kept)
        print(f"  night {seed}: first 1,000 {first:.2f} s CPU ({early} kept), last 1,000 {last:.2f} s CPU,", end=" ")
        print(f"ratio {last / first:.3f}; of batches without a keep {alike[-1]:.3f}")
    print(f"  of batches without a keep: ratio, median of {nights}: {statistics.median(alike):.3f}")
    middle = statistics.median(ratios)
    return _bar("10,000 experiments do not slow down: ratio, median of 3", middle, 0.85, 1.15)


def process_form(experiments: int = 300) -> bool:
    """What the harness itself spends on an experiment in process form; the evaluator's own CPU is not in it."""
    with scratch_repository(dict(PROCESS_FORM)) as repository:
        marks: dict[int, float] = {}
        run_loop(repository, experiments, 1, lambda count: marks.__setitem__(count, own_cpu()))
    steps = sorted(marks)
    costs = [(marks[b] - marks[a]) / (b - a) * 1000 for a, b in pairwise(steps[20:])]
    low, high = statistics.quantiles(costs, n=10)[0], statistics.quantiles(costs, n=10)[-1]
    print(f"  {len(costs)} experiments, p10 {low:.2f} ms, p90 {high:.2f} ms")
    return _bar("process form, harness CPU per experiment, ms, median", statistics.median(costs), 0, 15)


def hundred_thousand(experiments: int = 100_000) -> bool:
    """Reading, verifying and rendering a night of 100,000 experiments."""
    with scratch_repository({"a": "a"}) as repository:
        folder = repository.state / "big" / "big"
        _write_big(folder, experiments)
        marks = [time.perf_counter()]
        segments = [events.read(path) for path in sorted(folder.glob("*.jsonl"))]
        assert events.verify_order(segments) is None
        marks.append(time.perf_counter())
        report = summarise(segments)
        text = body("big", [report], Links("", "", {}, {}))
        page("big", text)
        marks.append(time.perf_counter())
        chart.chart_png(report)
        marks.append(time.perf_counter())
        table.results_tsv(segments)
        marks.append(time.perf_counter())
    parts = [
        f"{b - a:.2f} s {name}"
        for name, a, b in zip(("read and verify", "page", "chart", "table"), marks, marks[1:], strict=False)
    ]
    print(f"  {segments[0].size / 1e6:.0f} MB: {', '.join(parts)}")
    return _bar("100,000 experiments read, verified and rendered, s", marks[-1] - marks[0], 0, 10)


def _write_big(folder: Any, experiments: int) -> None:
    rule = Rule("primary", (Metric("auc_roc_churn", "maximize"), Metric("revenue_capture_at_20", "maximize")))
    header = {
        "verb": "run", "target": "big", "night": "big", "base": "0" * 40, "file": "spec.yaml", "lock": "0" * 64,
        "harness": "0" * 64, "signal": "analytics-event", "sample": True, "unit": "leaf", "owner": None,
        "proposer": "perturb", "seed": 1, "usd": 0.0, "planned": experiments, **folds.rule_fields(rule),
    }  # fmt: skip
    writer = events.SegmentWriter(folder, "big.1-run", events.GENESIS, header)
    base = "\n".join(f"  feature_{i}: 5  # a comment" for i in range(11)).encode()
    metrics = {"auc_roc_churn": 0.7, "revenue_capture_at_20": 0.6, "c": 0.1, "d": 0.2, "e": 0.3}
    writer.append([{
        "event": "baseline", "blob": "0" * 40, "canon": "0" * 32, "complexity": 11, "metrics": metrics, "parts": {},
        "content": writer.content(base, None), "elapsed": 0.1,
    }])  # fmt: skip
    for start in range(0, experiments, 1000):
        writer.append([_event(writer, base, metrics, number) for number in range(start + 1, start + 1001)])
    writer.seal("experiments")


def _event(writer: events.SegmentWriter, base: bytes, metrics: dict[str, float], number: int) -> events.Event:
    content = base.replace(b"feature_7: 5", b"feature_7: %d" % (number % 25))
    value = 0.7 + (number * 7919 % 100_003) / 1e6
    keep = number % 500 == 0
    return {
        "event": "experiment", "id": number, "blob": f"{number:040x}", "canon": f"{number:032x}", "parent": "0" * 40,
        "complexity": 11, "content": writer.content(content, base), "description": f"feature_7 5 -> {number % 25}",
        "status": "keep" if keep else "discard", "reason": "better" if keep else "worse",
        "why": f"auc_roc_churn {value:+.6g}", "metrics": {**metrics, "auc_roc_churn": value},
        "parts": {f"part_{i}": value + i for i in range(5)}, "cost_usd": 0.0, "seconds": 0.001,
        "elapsed": number / 1000,
    }  # fmt: skip


def _spent(marks: dict[int, float], start: int, end: int) -> float:
    """CPU seconds between two counts, scaled to the counts that were really seen."""
    counts = sorted(marks)
    a = min(counts, key=lambda count: abs(count - start))
    b = min(counts, key=lambda count: abs(count - end))
    return (marks[b] - marks[a]) / (b - a) * (end - start)


def _quiet(marks: dict[int, float], start: int, end: int, kept: list[int]) -> float:
    """CPU seconds an experiment, of the writes between two counts that are no keep's and do not follow one."""
    counts = [count for count in sorted(marks) if start <= count <= end]
    busy = [any(a - EXPERIMENTS_AFTER < number + EVENTS_BEFORE <= b for number in kept) for a, b in pairwise(counts)]
    spent = [(marks[b] - marks[a], b - a) for (a, b), one in zip(pairwise(counts), busy, strict=True) if not one]
    return sum(seconds for seconds, _ in spent) / sum(count for _, count in spent)


def _bar(what: str, found: float, low: float, high: float) -> bool:
    held = low <= found <= high
    print(f"{'ok  ' if held else 'MISS'} {what}: {found:.3f} (bar {low:g} to {high:g})")
    return held


BENCHMARKS: dict[str, Callable[[], bool]] = {
    "steady": steady,
    "process-form": process_form,
    "hundred-thousand": hundred_thousand,
}


def main(names: list[str]) -> int:
    print(f"{platform.platform()}, Python {platform.python_version()}")
    results = [BENCHMARKS[name]() for name in names or BENCHMARKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
