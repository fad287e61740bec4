"""Counts pairs of tokens for as long as it may, in the two ways that a candidate is started. Cheats replace its parts.

A model of counts needs no torch, so that a measurement is over in a second. What it has learnt grows with the time it
was given: it reads a piece of the text, and rests the processor no moment in between.
"""

import argparse
import base64
import signal
import sys
import time
from pathlib import Path

import numpy as np

PIECE = 20  # tokens that are read at once


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("what")
    for name in ("data", "save", "model", "unit", "device"):
        parser.add_argument(f"--{name}", default="")
    for name in ("vocabulary", "context", "seed", "threads"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1)
    return parser.parse_args()


def tokens(given):
    return np.fromfile(given.data, dtype="<u2")


def learn(counts, text, at):
    """Reads one piece, slowly enough that the time it has decides how much it has read."""
    piece = text[at : at + PIECE + 1]
    np.add.at(counts, (piece[:-1], piece[1:]), 1)
    until = time.process_time() + 0.002
    while time.process_time() < until:
        pass
    return (at + PIECE) % (len(text) - PIECE - 1)


def empty(given):
    return np.full((given.vocabulary, given.vocabulary), 0.02, dtype=np.float32)


def save(given, counts):
    part = Path(f"{given.save}.part")
    with part.open("wb") as file:
        np.save(file, counts)
    part.replace(given.save)


def clock():
    return time.process_time()


def train(given):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    before(given)
    print("ready", flush=True)
    sys.stdin.readline()
    began, text, counts, at, steps = clock(), tokens(given), empty(given), 0, 0
    while goes_on(given, clock() - began, stopped):
        at = learn(counts, text, at)
        steps += 1
        if steps % 10 == 0:
            print(f"step {steps} tokens {steps * PIECE} loss {8 - steps / 1000:.3f}", flush=True)
    after(given, counts)
    save(given, counts)


def goes_on(given, spent, stopped):
    return not stopped and spent < 0.9 * given.seconds


def before(given):
    """What a cheat does before there is anything to learn."""


def after(given, counts):
    """What a cheat does when its time is up."""


def load(given):
    return np.load(given.model)


def logits(counts, ids):
    """ids: (windows, tokens)."""
    return np.log(counts[ids])


def answer(given):
    sys.stdin.readline()
    print("ready", flush=True)
    model = None
    for line in sys.stdin:
        windows, length, ids = line.split()
        if model is None:
            model = load(given)
        asked = np.frombuffer(base64.b64decode(ids), dtype="<u2").reshape(int(windows), int(length))
        say(given, logits(model, asked.astype(np.int64)))


def say(given, found):
    sys.stdout.write(base64.b64encode(found.astype("<f2").tobytes()).decode() + "\n")
    sys.stdout.flush()


def main():
    given = arguments()
    train(given) if given.what == "train" else answer(given)


if __name__ == "__main__":
    main()
