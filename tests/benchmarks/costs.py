"""What scoring an account costs, by accounts, features and metrics, and where the time goes: medians of CPU time.

`python -m tests.benchmarks.costs`. The evaluator's part alone, in this process; `tests.benchmarks.saas` times nights.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in an evaluator; read when numpy is imported

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.documents import load_bytes
from harness.scorers.saas.accounts import points
from harness.scorers.saas.columns import Columns, load
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.spec import Reader, Spec
from tests.benchmarks.nights import ROOT
from tests.benchmarks.saas import FOLDER, parquet, table

ACCOUNTS = (5_000, 50_000, 500_000)
FEATURES = (7, 14, 28)
BATCH = 16
PRIMARY = "auc_roc_retain"


def main() -> None:
    print("| accounts | features | primary metric alone | every metric, no segments | with 3 segments | metrics |")
    print("|--:|--:|--:|--:|--:|--:|")
    for accounts in ACCOUNTS:
        for features in FEATURES:
            print(costs(accounts, features), flush=True)
    print("\n| accounts | read the file | the product | count the primary | everything else of a full score |")
    print("|--:|--:|--:|--:|--:|")
    for accounts in ACCOUNTS:
        print(stages(accounts), flush=True)


def costs(accounts: int, features: int) -> str:
    with scorers(accounts, features) as (plain, full):
        specs = some_specs(full.columns)
        alone = per_spec(lambda: full.primary(specs, "search", PRIMARY), accounts)
        all_ = per_spec(lambda: plain.measure(specs, "search"), accounts)
        segmented = per_spec(lambda: full.measure(specs, "search"), accounts)
        count = len(full.measure(specs[:1], "search")[0])
    return f"| {accounts:,} | {features} | {alone} | {all_} | {segmented} | {count} |"


def stages(accounts: int) -> str:
    with scorers(accounts, 14) as (_plain, full):
        specs, text = some_specs(full.columns), (ROOT / FOLDER / "spec.yaml").read_bytes()
        reader = Reader(full.columns.features)
        read = per_spec(lambda: [reader.spec(load_bytes(text, "spec.yaml")) for _ in specs], accounts)
        full.measure(specs[:1], "search")
        [(_block, hundredths)] = full.store("search").blocks(0, ())
        product = milliseconds(lambda: points(specs, hundredths), accounts)
        primary = milliseconds(lambda: full.primary(specs, "search", PRIMARY), accounts)
        whole = milliseconds(lambda: full.measure(specs, "search"), accounts)
    return f"| {accounts:,} | {read} | {product:.3f} | {primary - product:.3f} | {whole - product:.3f} |"


@contextmanager
def scorers(accounts: int, features: int) -> Iterator[tuple[Scorer, Scorer]]:
    """Over accounts of health-score with so many features (the same columns again, where there are more): without and
    with its segments."""
    with tempfile.TemporaryDirectory(prefix="autoresearch-bench-") as scratch:
        folder = Path(scratch)
        made = table(1, accounts)
        text = (ROOT / FOLDER / "columns.yaml").read_text().replace(".csv", ".parquet")
        (folder / "columns.yaml").write_text(text)
        known = load(folder / "columns.yaml")
        names = [known.features[n % len(known.features)] for n in range(features)]
        for number, name in enumerate(names[len(known.features) :]):
            made = made.append_column(f"again_{number}", made.column(name))
        wanted = [*known.features[:features], *(f"again_{n}" for n in range(features - len(known.features)))]
        (folder / "data").mkdir()
        (folder / "data" / "search.parquet").write_bytes(parquet([made]))
        old = text[text.index("features:") : text.index("outcomes:")]
        text = text.replace(old, "features: [" + ", ".join(wanted) + "]\n")
        (folder / "columns.yaml").write_text(text)
        full = load(folder / "columns.yaml")
        (folder / "columns.yaml").write_text(text[: text.index("segments:")])
        yield Scorer(folder, load(folder / "columns.yaml")), Scorer(folder, full)


def some_specs(columns: Columns) -> list[Spec]:
    chance = random.Random(1)
    tiers = (("A", 40.0), ("B", 30.0), ("C", 20.0), ("D", 0.0))
    return [Spec(tuple(chance.randint(-5, 25) for _ in columns.features), (), tiers) for _ in range(BATCH)]


def per_spec(work: Callable[[], object], accounts: int) -> str:
    return f"{milliseconds(work, accounts):.3f} ms"


def milliseconds(work: Callable[[], object], accounts: int) -> float:
    """Of CPU time, per spec of a batch; the first time, which pays for reading the table, is not counted."""
    work()
    times = []
    for _ in range(30 if accounts < 100_000 else 5):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000 / BATCH)
    return statistics.median(times)


if __name__ == "__main__":
    main()
