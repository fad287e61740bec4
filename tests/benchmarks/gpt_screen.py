"""`python -m tests.benchmarks.gpt_screen`: what a screen of training runs loses, and what it saves.

Candidates of `tune` are trained at the full budget, which says what they are worth, and once at each share under a seed
of its own, which is all that a screen sees. Rule and early stop are those of a night; the sandbox is left out, so that
a core trains and does nothing else.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import math
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bot import config
from bot.proposers import Request
from bot.proposers.constants import Constants
from harness.evaluator import Request as Asked
from harness.evaluator import Scores
from harness.repository import Repository, WorkingSource
from harness.rule import Metric
from harness.scorers.gpt import bits, corpus
from harness.scorers.gpt.behind import CLEARLY, Behind
from harness.scorers.gpt.curve import Curve, Point, parts
from harness.screening import falls_short, screen_bar
from tests.benchmarks.simulation import Clock, markdown
from tests.gpt.weak import weakened

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "targets/experiments/gpt-training"
METRIC = Metric("val_bpb", "minimize")
CONTEXT, WINDOWS, BATCH = 256, 32, 8
SHARES, SLACKS = (0.25, 0.5), (0.0, 1.0, 2.0)  # slack: in spreads of the incumbent
SEEDS = (11,)  # of what candidates are worth
SPREAD_SEEDS = (11, 12, 13)
CLEAR = 2.0  # standard errors that a gain is ahead of chance
SCREEN_SEED = 21
DUEL = 8  # runs that the shortest duel takes: four pairs


@dataclass(frozen=True)
class Task:
    """One training run: of the candidate of this number, the incumbent's is 0."""

    number: int
    seed: int
    share: float


@dataclass(frozen=True)
class Run:
    value: float  # bits per byte; infinite where it failed
    curve: tuple[Point, ...]


class _Go:
    """Standard input of a run: says when the time begins to count."""

    began = 0.0

    def readline(self) -> str:
        self.began = time.process_time()
        return "go\n"


class _Heard:
    """Standard output of a run: what it says of its training, at the share of its time at which it says so."""

    def __init__(self, go: _Go, seconds: float) -> None:
        self.curve, self._go, self._seconds = Curve(), go, seconds

    def write(self, text: str) -> int:
        self.curve.hear(text)
        if self._go.began:
            self.curve.at((time.process_time() - self._go.began) / self._seconds)
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def trained(texts: Sequence[str], folder: Path, seconds: float, task: Task) -> Run:
    """In a process of its own."""
    found, budget = corpus.read(folder), seconds * task.share
    go = _Go()
    heard = _Heard(go, budget)
    common = f"--vocabulary {found.vocabulary} --context {CONTEXT} --threads 1 --device cpu".split()
    with tempfile.TemporaryDirectory() as made:
        saved = str(Path(made, "model.bin"))
        words = f"train --save {saved} --data {found.train} --seconds {budget} --unit cpu --seed {task.seed}".split()
        _called(texts[task.number], [*words, *common], go, heard)
        heard.curve.at(1.0)
        windows, answers = found.windows(WINDOWS, CONTEXT), io.TextIOWrapper(io.BytesIO())
        _called(texts[task.number], ["answer", "--model", saved, *common], io.StringIO(_asked(windows)), answers)
        answers.flush()
        said = answers.buffer.getvalue().decode()
    logits = np.concatenate([_logits(line, found.vocabulary) for line in said.split("\n")[1:-1]])
    value = bits.per_byte(bits.bits_of(logits, windows[:, 1:]), windows[:, 1:], found)
    return Run(value if math.isfinite(value) else math.inf, tuple(heard.curve.points))


def _called(text: str, words: Sequence[str], given: Any, said: Any) -> None:
    before = sys.argv, sys.stdin, sys.stdout
    sys.argv, sys.stdin, sys.stdout = ["train.py", *words], given, said
    try:
        exec(compile(text, "train.py", "exec"), {"__name__": "__main__", "__file__": "train.py"})  # noqa: S102  ours
    finally:
        sys.argv, sys.stdin, sys.stdout = before


def _asked(windows: corpus.Ids) -> str:
    lines = ["start"]
    for at in range(0, len(windows), BATCH):
        ids = windows[at : at + BATCH, :-1]
        lines.append(f"{ids.shape[0]} {ids.shape[1]} {base64.b64encode(ids.astype('<u2').tobytes()).decode()}")
    return "".join(f"{line}\n" for line in lines)


def _logits(line: str, vocabulary: int) -> Any:
    return np.frombuffer(base64.b64decode(line), dtype="<f2").reshape(-1, CONTEXT, vocabulary).astype(np.float32)


def _guarded(texts: Sequence[str], folder: Path, seconds: float, task: Task) -> tuple[Task, Run]:
    """A candidate that fails is worth nothing."""
    try:
        return task, trained(texts, folder, seconds, task)
    except Exception as failed:  # noqa: BLE001  whatever it is: one of many candidates, and said
        print(f"  candidate {task.number} failed: {failed!r}"[:200], file=sys.stderr)
        return task, Run(math.inf, ())


def candidates(base: str, count: int, seed: int) -> list[str]:
    """Of the proposer that a night of this target has, before it has learnt anything."""
    target = config.load_targets(WorkingSource(Repository.find(ROOT)), ["gpt-training"])[0]
    proposer = Constants(target, seed, base)
    request = Request(base.encode(), {METRIC.name: 3.0}, 1, count, set(), count, 0.0, {})
    return [proposal.content.decode() for proposal in proposer.ask(request)]


@dataclass(frozen=True)
class Study:
    """runs: of every task; count: of candidates."""

    runs: Mapping[Task, Run]
    count: int

    @property
    def spread(self) -> float:
        """Standard deviation of the incumbent over seeds."""
        return statistics.stdev(self.runs[Task(0, seed, 1.0)].value for seed in SPREAD_SEEDS)

    def worth(self, number: int) -> float:
        """The mean gain at the full budget."""
        own = [self.runs[Task(0, seed, 1.0)].value - self.runs[Task(number, seed, 1.0)].value for seed in SEEDS]
        return statistics.fmean(own)

    def winners(self) -> set[int]:
        """Those ahead by more than chance makes of so few runs."""
        least = CLEAR * self.spread * math.sqrt(2 / len(SEEDS))
        return {number for number in range(1, self.count + 1) if self.worth(number) > least}

    def screened(self, share: float, slack: float) -> set[int]:
        incumbent = self.runs[Task(0, SCREEN_SEED, share)].value
        bar = screen_bar(METRIC, incumbent, slack * self.spread)
        return {n for n in range(1, self.count + 1) if falls_short(METRIC, self._look(n, share).value, bar)}

    def stopped(self, share: float, slack: float, clearly: float = CLEARLY) -> dict[int, float]:
        """Candidate -> the share of its screen after which it was stopped."""
        incumbent = self.runs[Task(0, SCREEN_SEED, share)]
        rule, asked = Behind(METRIC.name, clearly), Asked(1, "search", SCREEN_SEED, share, ())
        rule.remember(asked, Scores({METRIC.name: incumbent.value}, parts(incumbent.curve)))
        bar = screen_bar(METRIC, incumbent.value, slack * self.spread)
        stop = rule.stop(Asked(2, "search", SCREEN_SEED, share, (), bar))
        assert stop is not None, "the incumbent said nothing"
        found = {}
        for number in range(1, self.count + 1):
            curve = self._look(number, share).curve
            at = next((i for i in range(1, len(curve)) if stop(curve[:i])), None)
            if at is not None:
                found[number] = curve[at - 1].share
        return found

    def _look(self, number: int, share: float) -> Run:
        return self.runs[Task(number, SCREEN_SEED, share)]

    def cost(self, share: float, stopped: Mapping[int, float]) -> float:
        """Of a screen, on average, in full runs."""
        return share * (1 - sum(1 - at for at in stopped.values()) / self.count)

    def strictness(self, share: float, clearly: float) -> list[str]:
        """What the early stop does with another margin, where nothing behind is allowed."""
        stopped = self.stopped(share, 0.0, clearly)
        ahead = {number for number in stopped if self.worth(number) > 0}
        return [
            f"{share:g}", f"{clearly:g}", f"{len(stopped)} of {self.count}", f"{len(self.winners() & set(stopped))}",
            f"{len(ahead)}", f"{len(set(stopped) - self.screened(share, 0.0))}", f"{self.cost(share, stopped):.3f}",
        ]  # fmt: skip

    def row(self, share: float, slack: float) -> list[str]:
        winners, screened, stopped = self.winners(), self.screened(share, slack), self.stopped(share, slack)
        gone, cost = screened | set(stopped), self.cost(share, stopped)
        losers = self.count - len(winners)
        left = len(set(range(1, self.count + 1)) - gone - winners)
        saved = 1 - (cost * self.count + DUEL * left) / (DUEL * losers) if losers else 0.0
        return [
            f"{share:g}", f"{slack * self.spread:.3f}", f"{len(winners & screened)} of {len(winners)}",
            f"{len(winners & set(stopped) - screened)}", f"{losers - left} of {losers}", f"{len(stopped)}",
            f"{cost:.3f}", f"{saved:.0%}",
        ]  # fmt: skip


HEAD = [
    "share", "behind", "winners that the screen loses", "and the early stop alone", "losers that get no duel",
    "stopped early", "cost of a screen, in full runs", "saved of the losers' duels",
]  # fmt: skip


STRICTNESS = [
    "share", "standard errors", "stopped early", "winners among them", "ahead at all", "passed by the screen",
    "cost of a screen, in full runs",
]  # fmt: skip
MARGINS = (1.0, 2.0, 3.0, 4.0, 6.0)


def _whole(runs: Mapping[Task, Run]) -> Study:
    """Of the candidates whose runs are all there."""
    count = max(task.number for task in runs)
    return Study(runs, count if set(tasks(count)) <= set(runs) else count - 1)


def tasks(count: int) -> Iterator[Task]:
    yield from (Task(0, seed, 1.0) for seed in SPREAD_SEEDS)
    for number in range(count + 1):
        yield from (Task(number, SCREEN_SEED, share) for share in SHARES)
        yield from (Task(number, seed, 1.0) for seed in SEEDS if number)


def study(texts: Sequence[str], seconds: float, minutes: float) -> Study:
    sys.path.insert(0, str(FOLDER))
    import prepare
    import torch  # before the fork, so that no run pays for it

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        prepare.make(prepare.documents(), Path(made))
        return _studied(texts, Path(made), seconds, time.monotonic() + 60 * minutes)


def _studied(texts: Sequence[str], folder: Path, seconds: float, until: float) -> Study:
    """Of as many candidates as were trained in time."""
    runs: dict[Task, Run] = {}
    work = partial(_guarded, texts, folder, seconds)
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        for task, run in pool.imap(work, list(tasks(len(texts) - 1)), chunksize=1):
            runs[task] = run
            if time.monotonic() > until:
                break
    return _whole(runs)


def write(path: Path, found: Study) -> None:
    runs = [[*astuple(task), run.value, [astuple(point) for point in run.curve]] for task, run in found.runs.items()]
    path.write_text(json.dumps(runs))


def read(path: Path) -> Study:
    runs = {
        Task(number, seed, share): Run(value, tuple(Point(*point) for point in curve))
        for number, seed, share, value, curve in json.loads(path.read_text())
    }
    return _whole(runs)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--minutes", type=float, default=60.0, help="candidates that are not done by then are left out")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--tuned", action="store_true", help="from train.py as it is, not with its rates a tenth")
    parser.add_argument("--file", type=Path, default=FOLDER / "train.py")
    parser.add_argument("--runs", type=Path, help="a file that keeps the runs: where it is there, nothing is trained")
    asked = parser.parse_args(arguments)
    given = " ".join(sys.argv[1:] if arguments is None else arguments)
    clock = Clock.start(f"python -m tests.benchmarks.gpt_screen {given}".strip(), asked.seed)
    base = asked.file.read_text() if asked.tuned else weakened(asked.file.read_text())
    if asked.runs and asked.runs.exists():
        found = read(asked.runs)
    else:
        found = study([base, *candidates(base, asked.candidates, asked.seed)], asked.seconds, asked.minutes)
    if asked.runs:
        write(asked.runs, found)
    own = found.runs[Task(0, SEEDS[0], 1.0)].value
    print(f"{found.count} candidates; incumbent {own:.3f}, spread {found.spread:.4f} over seeds; gains at full budget:")
    print(" ".join(f"{gain:+.3f}" for gain in sorted(map(found.worth, range(1, found.count + 1)), reverse=True)))
    print(markdown(HEAD, [found.row(share, slack) for share in SHARES for slack in SLACKS]))
    print("\n" + markdown(STRICTNESS, [found.strictness(share, one) for share in SHARES for one in MARGINS]))
    print(f"\n{clock.says()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
