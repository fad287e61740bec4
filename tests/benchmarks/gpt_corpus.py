"""How good the shipped train.py is: bits per byte of Debian's kernel documentation beside a plain GPT's, at one budget.

    python -m tests.benchmarks.gpt_corpus [--seconds 60] [--seeds 3] [--first 0]

The text: of the package linux-doc-6.1 every .rst and .txt file below Documentation/, without translations/ (not
English) and devicetree/bindings/ (no prose): 22 MB. Documents stand in the order of a hash of their paths, and
prepare.py sets one in eight apart by a hash of its name: what is judged is drawn from the whole. Both models train in
the same sandbox, on one thread, for the same seconds of the processor; which comes first changes from seed to seed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.evaluator import Scores
from harness.sandbox.views import ROOT_VARIABLE
from harness.scorers.gpt.serving import PRIMARY, Serving
from harness.scorers.gpt.training import Failed
from tests.benchmarks.nights import ROOT

TARGET = ROOT / "targets/experiments/gpt-training"
FILES = {"train.py": TARGET / "train.py", "plain GPT": ROOT / "tests/benchmarks/plain_gpt.py"}
PACKAGE = "linux-doc-6.1"
DOCUMENTATION = Path("/usr/share/doc", PACKAGE, "Documentation")
WITHOUT = (("translations",), ("devicetree", "bindings"))
VERSION, DIGEST = "6.1.192-2", "c164a63b9f6ac81b"  # what docs/gpt-training-choices.md tells of
VOCABULARY = 2_048
MEASURE = "seconds: {seconds:g}\nunit: cpu\ncontext: 256\nwindows: {windows}\nthreads: 1\n"
WINDOWS, WINDOWS_A_SECOND = 256, 8  # 65,536 tokens are judged; fewer after short runs, as answers are charged, too
BELOW, GOOD, AIM = 0.04, 2.10, 1.95


def texts(folder: Path = DOCUMENTATION) -> dict[str, bytes]:
    """Path below the folder, without .gz -> content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        name = below.as_posix().removesuffix(".gz")
        if not name.endswith((".rst", ".txt")) or path.is_symlink() or not path.is_file():
            continue
        if any(below.parts[: len(parts)] == parts for parts in WITHOUT):
            continue
        found[name] = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return found


def digest(found: Mapping[str, bytes]) -> str:
    """Of the list of files with what is in each: SHA-256 over lines `<sha256 of the content>  <path>`, by path."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(found.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def prepared(found: Mapping[str, bytes], folder: Path) -> str:
    """Makes the corpus with the target's own prepare.py; what is in it, in words."""
    documents = {
        f"{hashlib.sha256(name.encode()).hexdigest()[:8]}/{name}": content.decode("utf-8", "replace")
        for name, content in found.items()
    }
    said = _prepare().make(documents, folder, vocabulary=VOCABULARY)
    return str(said)


def measured(folder: Path, measure: Path, seeds: range) -> dict[str, list[float]]:
    """Bits per byte of both files at each seed, interleaved."""
    serving = Serving(folder, measure)
    found: dict[str, list[float]] = {name: [] for name in FILES}
    for seed in seeds:
        for name in list(FILES)[:: 1 if seed % 2 else -1]:
            began = time.monotonic()
            scores = serving.measure(FILES[name], seed)
            found[name].append(scores.metrics[PRIMARY])
            print(f"  seed {seed} {name:9}  {_told(scores)}, {time.monotonic() - began:.0f} s on the wall", flush=True)
    return found


def _told(scores: Scores) -> str:
    parts = [f"{name} {scores.parts[name]:,.0f}" for name in ("steps", "tokens_per_second") if name in scores.parts]
    taken = f"{scores.parts['train_seconds']:.1f} s of the processor, {scores.metrics['memory_mb']:.0f} MB"
    return ", ".join([f"{scores.metrics[PRIMARY]:.4f} bits per byte", taken, *parts])


def verdict(found: Mapping[str, list[float]]) -> bool:
    for name, values in found.items():
        spread = max(values) - min(values)
        each = " ".join(f"{value:.4f}" for value in values)
        print(f"{name:9}  median {statistics.median(values):.4f}, spread {spread:.4f}: {each}")
    ours, plain = (found[name] for name in FILES)
    apart = [b - a for a, b in zip(ours, plain, strict=True)]
    print(f"difference, seed by seed: {' '.join(f'{one:+.4f}' for one in apart)}")
    median = statistics.median(ours)
    below = statistics.median(apart)
    print(f"{'ok  ' if below >= BELOW else 'MISS'} below the plain GPT, median: {below:.4f} (bar {BELOW:g} or more)")
    for word, bar in (("good", GOOD), ("aim", AIM)):
        print(f"{'ok  ' if median <= bar else 'MISS'} {word}: {median:.4f} (bar {bar:.2f} or less)")
    return below >= BELOW


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpt_corpus")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the processor, for a training run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    given = parser.parse_args(arguments)
    if not DOCUMENTATION.is_dir():
        print(
            f"{DOCUMENTATION} is not there: `apt-get install --no-install-recommends {PACKAGE}` brings it (Debian 12)"
        )
        return 2
    found = texts()
    known = f"that of {VERSION}" if digest(found).startswith(DIGEST) else f"not that of {VERSION}"
    print(f"{PACKAGE}: {len(found):,} files, {sum(map(len, found.values())):,} bytes, list {digest(found)} ({known})")
    os.environ[ROOT_VARIABLE] = os.pathsep.join([str(ROOT), tempfile.gettempdir()])
    with tempfile.TemporaryDirectory() as temporary:
        folder, measure = Path(temporary, "prepared"), Path(temporary, "measure.yaml")
        print(f"vocabulary {VOCABULARY:,}: {prepared(found, folder)}", flush=True)
        windows = max(16, min(WINDOWS, int(WINDOWS_A_SECOND * given.seconds)))
        measure.write_text(MEASURE.format(seconds=given.seconds, windows=windows))
        try:
            results = measured(folder, measure, range(given.first, given.first + given.seeds))
        except Failed as failed:
            print(f"MISS {failed}")
            return 1
    return 0 if verdict(results) else 1


def _prepare() -> Any:
    spec = importlib.util.spec_from_file_location("gpt_prepare", TARGET / "prepare.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
