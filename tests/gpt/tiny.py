"""gpt-training at its smallest: pairs of bytes, counted by gradient descent in half a second with numpy alone.

It goes through the same evaluator as the target that is shipped, and needs no PyTorch.
"""

from __future__ import annotations

import json
from pydoc_data import topics

import numpy as np

AT = "targets/experiments/tiny-gpt"
TUNED, WEAK = 150.0, 15.0
END = 256
TRAIN = '''"""Which byte follows which: one table of logits, learnt by gradient descent."""

import argparse
import base64
import signal
import sys
import time
from pathlib import Path

import numpy as np

RATE = {rate!r}  # tune: 2.0 to 1000.0, by its logarithm
BATCH = 256


def softmax(logits):
    found = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return found / found.sum(axis=-1, keepdims=True)


def train(given):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    chance = np.random.default_rng(given.seed)
    data = np.fromfile(given.data, dtype="<u2").astype(np.int64)
    table, step, share = np.zeros((given.vocabulary, given.vocabulary), dtype=np.float32), 0, 0.0
    while not stopped and share < 0.9:
        at = chance.integers(len(data) - 1, size=BATCH)
        before, after = data[at], data[at + 1]
        slope = softmax(table[before])
        if step % 200 == 0:
            loss = -np.log2(slope[np.arange(BATCH), after]).mean()
            print(f"step {{step}} tokens {{step * BATCH}} loss {{loss:.3f}}", flush=True)
        slope[np.arange(BATCH), after] -= 1
        np.add.at(table, before, -RATE * (1 - share) / BATCH * slope)
        share, step = (time.process_time() - began) / given.seconds, step + 1
    part = Path(f"{{given.save}}.part")
    part.write_bytes(table.tobytes())
    part.replace(given.save)


def answer(given):
    table = None
    for line in sys.stdin:
        if table is None:
            table = np.fromfile(given.model, dtype=np.float32).reshape(given.vocabulary, given.vocabulary)
        windows, tokens, ids = line.split()
        asked = np.frombuffer(base64.b64decode(ids), dtype="<u2").reshape(int(windows), int(tokens))
        print(base64.b64encode(table[asked].astype("<f2").tobytes()).decode(), flush=True)


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
confirm: {budget: 5m, groups: 1}
"""
MEASURE = """{seconds: 0.5, unit: cpu, context: 32, windows: 32, batch: 32, threads: 1, memory_mb: 1024}
"""


def files(rate: float, target: str = TARGET) -> dict[str, str | bytes]:
    """A repository's worth, by path. The text is in the corpus's form already: a byte is a token."""
    chosen = [topics.topics[name].encode() for name in sorted(topics.topics)]
    parts = {"train.bin": chosen[:-8], "validation.bin": chosen[-8:]}
    text = {
        name: np.array([token for one in texts for token in (*one, END)], dtype="<u2").tobytes()
        for name, texts in parts.items()
    }
    return {
        f"{AT}/target.yaml": target,
        f"{AT}/measure.yaml": MEASURE,
        f"{AT}/train.py": TRAIN.format(rate=rate),
        f"{AT}/evaluate.py": 'from harness.scorers import gpt\n\ngpt.serve("text")\n',
        f"{AT}/text/tokens.json": json.dumps({"bytes": [1] * END + [0], "special": [END]}),
        **{f"{AT}/text/{name}": content for name, content in text.items()},
    }
