"""gpt-training at its smallest: which byte follows which, learnt in half a second by nothing but Python.

It goes through the same evaluator as the target that is shipped. Without PyTorch its processes start at once, and a
night of sixty measurements takes about a minute.
"""

from __future__ import annotations

import hashlib
import json
from pydoc_data import topics

import numpy as np

AT = "targets/experiments/tiny-gpt"
TUNED, WEAK = 1.0, 0.1
END = 256
TRAIN = '''"""Which byte follows which: one table of logits, each a sum of ever smaller steps."""

import argparse
import array
import base64
import random
import signal
import struct
import sys
import time
from pathlib import Path

RATE = {rate!r}  # tune: 0.01 to 4.0, by its logarithm


def ids_of(content):
    found = array.array("H")
    found.frombytes(content)
    return found


def train(given):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    data, step, tokens = ids_of(Path(given.data).read_bytes()), 0, 0
    table = [array.array("f", bytes(4 * given.vocabulary)) for _ in range(given.vocabulary)]
    seen = [array.array("f", bytes(4 * given.vocabulary)) for _ in range(given.vocabulary)]
    chance = random.Random(given.seed)
    while not stopped and tokens < 60_000 and time.process_time() - began < 0.9 * given.seconds:
        at = chance.randrange(len(data) - 501)
        for before, after in zip(data[at : at + 500], data[at + 1 : at + 501]):
            seen[before][after] += 1
            table[before][after] += RATE / seen[before][after]
        step, tokens = step + 1, tokens + 500
        if step % 10 == 0:
            print(f"step {{step}} tokens {{tokens}} loss {{8 / (1 + RATE * step):.3f}}", flush=True)
    part = Path(f"{{given.save}}.part")
    part.write_bytes(b"".join(row.tobytes() for row in table))
    part.replace(given.save)


def answer(given):
    sys.stdin.readline()
    print("ready", flush=True)
    rows = []
    for line in sys.stdin:
        if not rows:
            saved, size = Path(given.model).read_bytes(), given.vocabulary
            flat = struct.unpack(f"{{size * size}}f", saved)
            rows = [struct.pack(f"{{size}}e", *flat[at * size : (at + 1) * size]) for at in range(size)]
        ids = ids_of(base64.b64decode(line.split()[2]))
        print(base64.b64encode(b"".join(rows[one] for one in ids)).decode(), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what")
    for name in ("data", "model", "save"):
        parser.add_argument(f"--{{name}}")
    for name in ("vocabulary", "seed"):
        parser.add_argument(f"--{{name}}", type=int)
    parser.add_argument("--seconds", type=float)
    given, _ = parser.parse_known_args()
    train(given) if given.what == "train" else answer(given)


main()
'''
TARGET = """name: tiny-gpt
file: train.py
evaluate:
  serve: [python, evaluate.py]
  timeout: 2m
locked: [evaluate.py, measure.yaml, text/**]
signal: file-property
noise: {max_pairs: 12, calibration: 4, screen: {share: 0.5}}
metrics:
  - {name: val_bpb, goal: minimize, floor: 0.5}
  - {name: memory_mb, goal: minimize, compare: ratio, guard: {tolerance: 100%}}
proposer: {kind: tune}
budget: {experiments: 2}
confirm: {budget: 5m, groups: 1, longer: {times: 2, pairs: 3}}
"""
MEASURE = """cpu: {seconds: 0.5, unit: cpu, context: 32, windows: 32, batch: 32, threads: 1, memory_mb: 1024}
"""


def files(rate: float, target: str = TARGET) -> dict[str, str | bytes]:
    """A repository's worth, by path. The text is in the corpus's form already: a byte is a token."""
    chosen = [topics.topics[name].encode() for name in sorted(topics.topics)]
    parts = {"train.bin": chosen[:-8], "validation.bin": chosen[-8:]}
    text = {
        name: np.array([token for one in texts for token in (*one, END)], dtype="<u2").tobytes()
        for name, texts in parts.items()
    }
    tokens = json.dumps({"bytes": [1] * END + [0], "special": [END]}).encode()
    whole = {"tokens.json": tokens, **text}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in whole.items()}
    return {
        f"{AT}/target.yaml": target,
        f"{AT}/measure.yaml": MEASURE,
        f"{AT}/train.py": TRAIN.format(rate=rate),
        f"{AT}/evaluate.py": 'from harness.scorers import gpt\n\ngpt.serve("text")\n',
        f"{AT}/text/manifest.json": json.dumps({"sha256": digests}),
        **{f"{AT}/text/{name}": content for name, content in whole.items()},
    }
