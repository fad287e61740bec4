"""The command, see the package."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from tests.benchmarks import soak as package
from tests.benchmarks.soak.field import soak, table

KILLS = 300


def main(arguments: Collection[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=package.__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(list(arguments) if arguments is not None else None)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(chosen.kills, chosen.seed, Path(folder), lambda text: print(text, flush=True))
    print(f"\n{table(found)}\n\n{chosen.kills} kills in {time.monotonic() - started:.0f} s, seed {chosen.seed}")


if __name__ == "__main__":
    main()
