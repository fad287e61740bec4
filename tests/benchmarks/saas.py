"""What a scoring night costs, by number of accounts: `python -m tests.benchmarks.saas [--accounts N] [--largest]`.

The accounts are those of targets/experiments/health-score, as many as wanted; the night is a real one, with the real
proposer, evaluator process, admission and records. Exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness import folds
from tests.benchmarks.nights import ROOT, children_cpu, own_cpu, run_loop, scratch_repository

FOLDER = "targets/experiments/health-score"
BARS = {5_000: 2_500.0, 50_000: 250.0, 500_000: 25.0}  # experiments a second
EXPERIMENTS = {5_000: 5_000, 50_000: 1_500, 500_000: 300}
LARGEST, GROUP = 20_000_000, 1_000_000
MEGABYTE = 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, action="append", help="only this many; may stand several times")
    parser.add_argument("--largest", action="store_true", help="20 million from Parquet, and nothing else")
    asked = parser.parse_args()
    if asked.largest:
        sys.exit(not largest(*(asked.accounts or [])))
    print("| accounts | experiments/s, median of stretches [range] | CPU ms each: loop", end=" ")
    print("| evaluator | fully scored | evaluator memory, MB |")
    print("|--:|--:|--:|--:|--:|--:|")
    held = [night(accounts) for accounts in asked.accounts or BARS]
    sys.exit(not all(held))


def night(accounts: int) -> bool:
    """One night's loop, in twenty stretches; the first two pay for imports and caches and are not counted."""
    experiments = EXPERIMENTS.get(accounts, 300)
    marks: list[tuple[int, float, float, float]] = []

    def note(count: int) -> None:
        if not marks or count - marks[-1][0] >= experiments // 20:
            marks.append((count, time.perf_counter(), own_cpu(), children_cpu()))

    with scratch_repository(files(accounts)) as repository:
        found = run_loop(repository, experiments, 1, note)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MEGABYTE
        events = folds.of_kind(found.segments("health-score"), "experiment")
    full = sum(event["reason"] not in {"screened", "duplicate", "invalid"} for event in events) / len(events)
    stretches = list(pairwise(marks[2:]))
    rates = sorted((end[0] - one[0]) / (end[1] - one[1]) for one, end in stretches)
    rate = statistics.median(rates)
    (first, _began, own, theirs), (last, _ended, own_end, theirs_end) = marks[2], marks[-1]
    loop, evaluator = 1000 * (own_end - own) / (last - first), 1000 * (theirs_end - theirs) / (last - first)
    spread = f"{rates[0]:,.0f} .. {rates[-1]:,.0f}"
    print(
        f"| {accounts:,} | {rate:,.0f} [{spread}] | {loop:.2f} | {evaluator:.2f} | {full:.0%} | {memory:,.0f} |",
        flush=True,
    )
    return rate >= BARS.get(accounts, 0) and memory < 1024


def files(accounts: int) -> dict[str, str | bytes]:
    """The shipped target with Parquet tables of so many accounts."""
    folder = ROOT / FOLDER
    found: dict[str, str | bytes] = {
        f"{FOLDER}/{name}": (folder / name).read_bytes()
        for name in ("target.yaml", "spec.yaml", "evaluate.py", "program.md")
    }
    for name in ("target.yaml", "columns.yaml"):
        found[f"{FOLDER}/{name}"] = (folder / name).read_text().replace(".csv", ".parquet")
    for split, seed, count in (("search", 1, accounts), ("holdout", 2, 1_000)):
        found[f"{FOLDER}/data/{split}.parquet"] = parquet([table(seed, count)])
    return found


def _generator(accounts: int) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ACCOUNTS = accounts
    return module


def shipped() -> int:
    """The seed of the table that is committed."""
    return int(_generator(1).SEEDS["search"])


def table(seed: int, accounts: int, first: int = 0) -> pa.Table:
    made = _generator(accounts)
    chance = made.Chance(seed, accounts)
    known = made.features(chance)
    segments = {name: chance.pick(shares) for name, shares in made.SHARES.items()}
    numbers = {**known, **made.outcomes(chance, known, segments["plan"])}
    ids = pa.array(range(first, first + accounts), pa.int64())
    return pa.table({"account_id": ids, **{k: pa.array(v * 1.0, pa.float32()) for k, v in numbers.items()}, **segments})


def parquet(tables: list[pa.Table]) -> bytes:
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, tables[0].schema) as writer:
        for one in tables:
            writer.write_table(one)
    return buffer.getvalue()


def largest(accounts: int = LARGEST) -> bool:
    """A baseline and ten experiments on 20 million accounts that are read from Parquet in row groups."""
    with tempfile.TemporaryDirectory(prefix="autoresearch-bench-") as scratch:
        folder = Path(scratch)
        (folder / "data").mkdir()
        for name in ("target.yaml", "spec.yaml", "evaluate.py"):
            (folder / name).write_bytes((ROOT / FOLDER / name).read_bytes())
        (folder / "columns.yaml").write_text((ROOT / FOLDER / "columns.yaml").read_text().replace(".csv", ".parquet"))
        path = folder / "data" / "search.parquet"
        with pq.ParquetWriter(path, table(1, 10).schema) as writer:
            for number in range(accounts // GROUP):
                writer.write_table(table(number + 1, GROUP, number * GROUP))
        print(f"{accounts:,} accounts, {path.stat().st_size / 1e6:,.0f} MB of Parquet", flush=True)
        began = time.perf_counter()
        answers = []
        for answer in _asked(folder):
            answers.append(answer)
            if len(answers) == 1:
                print(f"the baseline after {time.perf_counter() - began:.0f} s", flush=True)
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MEGABYTE
    print(f"baseline {answers[0]['metrics']['auc_roc_retain']!r}")
    print(f"a baseline and ten experiments in {seconds:.0f} s (at most 300), {memory:,.0f} MB (at most 2,048)")
    return seconds <= 300 and memory <= 2048


def _asked(folder: Path) -> Iterator[dict[str, Any]]:
    """The evaluator's answers to one spec, then to a batch of ten, in the serve form."""
    base = (folder / "spec.yaml").read_text()
    batches = [[base], [base.replace("alert_created: 5", f"alert_created: {6 + step}") for step in range(10)]]
    with subprocess.Popen(
        [sys.executable, "evaluate.py"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, batch in enumerate(batches):
            items = []
            for place, text in enumerate(batch):
                path = folder / f"{number}-{place}.yaml"
                path.write_text(text)
                items.append({"blob": "", "path": str(path)})
            request = {"id": number, "split": "search", "seed": 1, "fidelity": 1.0, "items": items}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            yield from json.loads(process.stdout.readline())["results"]
        process.stdin.close()


if __name__ == "__main__":
    main()
