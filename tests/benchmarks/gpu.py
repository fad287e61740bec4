"""gpt-training on this machine's card: a baseline at 60 seconds, then a night of `tune` from rates ten times too low.

    python -m tests.benchmarks.gpu [--seconds 10] [--tries 12] [--minutes 9] [--folder build/gpu]

Both are resumed: started again with the same folder, it goes on where it was, on the same kind of card. --minutes ends
it before a limit that somebody else sets, in the middle of a pair if need be (exit code 3: start it again). What it
found lies in FOLDER/out: baseline.json, the night's events, its page. Exits 1 where a bar is missed, 2 without a card.
--rehearse does the same on the processor with small budgets: it shows that the steps follow each other, and nothing of
a card.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import config
from bot.night import preflight
from bot.night.folder import Night, nights
from harness import device, folds, measure, view
from harness.measure import Ask
from harness.repository import CommitSource, Repository, WorkingSource
from harness.target import Target
from tests.benchmarks.nights import ROOT
from tests.gpt.weak import TIMES, weakened
from tests.support import autoresearch, make_repository

SHIPPED = "targets/experiments/gpt-training"
NIGHT, BASELINE = "gpt-training", "gpt-baseline"
BASELINE_SECONDS = 60.0
CONFIRM = "4h"  # at least 20 pairs, whose start-up and compilation take longer than a training of ten seconds
MFU_BAR, MFU_AIM, TRIES_BAR = 0.35, 0.5, 12
CUT, MISSED, NO_CARD = 3, 1, 2
TOLD = ("tokens_per_second", "mfu", "gpu_utilisation", "gpu_memory_mb", "gpu_celsius", "gpu_watts", "gpu_mhz", "steps")
STEPS = (
    "a baseline of {baseline:g} s (val_bpb, tokens per second, MFU, peak memory)",
    "a tune night of {tries} tries at {seconds:g} s from rates {low} times too low, with confirm",
)


class Cut(Exception):
    """The time that was given is over."""


@dataclass(frozen=True)
class Plan:
    """baseline, seconds: of training, of the baseline and of a try. unit, card: wall on a card, cpu in a rehearsal."""

    folder: Path
    baseline: float
    seconds: float
    tries: int
    until: float
    card: bool

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def steps(self) -> str:
        told = {"baseline": self.baseline, "tries": self.tries, "seconds": self.seconds, "low": round(1 / TIMES)}
        return "; ".join(step.format(**told) for step in STEPS)


def main(arguments: Sequence[str]) -> int:
    made = _plan(arguments)
    _card, why = device.look()
    if made.card and why:
        print(f"no card: {why}; not run: {made.steps}")
        return NO_CARD
    repository = _repository(made)
    source = WorkingSource(repository)
    targets = {target.name: target for target in config.load_targets(source, ())}
    try:
        _setup(repository)
        if not _fit(targets[NIGHT], source):
            return NO_CARD
        found = _baseline(made, repository, targets[BASELINE])
        night = _night(made, repository)
    except Cut:
        print(f"cut off after the minutes that were given: start it again with --folder {made.folder}")
        return CUT
    return 0 if _verdict(made, found, night) else MISSED


def _plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu")
    parser.add_argument("--folder", type=Path, default=Path("build/gpu"))
    parser.add_argument("--seconds", type=float, default=10.0, help="of training, for a try; a screen takes half")
    parser.add_argument("--baseline", type=float, default=BASELINE_SECONDS, help="of training, for the baseline")
    parser.add_argument("--tries", type=int, default=TRIES_BAR)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="end it after so many")
    parser.add_argument("--rehearse", action="store_true", help="on the processor")
    given = parser.parse_args(arguments)
    until = time.monotonic() + 60 * given.minutes
    return Plan(given.folder.resolve(), given.baseline, given.seconds, given.tries, until, not given.rehearse)


def _repository(made: Plan) -> Repository:
    """The one in the folder, or a new one with the two targets."""
    if (made.folder / "repository").exists():
        return Repository.find(made.folder / "repository")
    made.out.mkdir(parents=True)
    shipped = {
        path.name: path.read_bytes() for path in (ROOT / SHIPPED).iterdir() if path.is_file() and path.name[0] != "."
    }
    files: dict[str, str | bytes] = {}
    for name, seconds, train in (
        (NIGHT, made.seconds, weakened(shipped["train.py"].decode())),
        (BASELINE, made.baseline, shipped["train.py"].decode()),
    ):
        changed = {
            "target.yaml": _target(shipped["target.yaml"], name, made),
            "measure.yaml": _measure(shipped["measure.yaml"], seconds, made),
            "train.py": train,
        }
        files |= {f"targets/experiments/{name}/{file}": text for file, text in {**shipped, **changed}.items()}
    return make_repository(made.folder, files)


def _target(shipped: bytes, name: str, made: Plan) -> str:
    found: dict[str, Any] = yaml.safe_load(shipped)
    found["name"] = name
    found["evaluate"] |= {"timeout": "15m", **({"needs": ["gpu"]} if made.card else {})}
    found["budget"] = {"experiments": made.tries}
    found["confirm"] = {"budget": CONFIRM, "groups": 1}
    return yaml.safe_dump(found, sort_keys=False)


def _measure(shipped: bytes, seconds: float, made: Plan) -> str:
    found: dict[str, Any] = yaml.safe_load(shipped)
    found.setdefault("cuda" if made.card else "cpu", {})["seconds"] = seconds
    return yaml.safe_dump(found, sort_keys=False)


def _setup(repository: Repository) -> None:
    done = autoresearch(repository, "setup", timeout=900)
    if done.returncode:
        raise SystemExit(done.stderr)


def _fit(target: Target, source: WorkingSource) -> bool:
    lines = preflight.look(target, source)
    for line in lines:
        print(f"{'MISS' if line.problem else 'ok  '} {line}")
    return not any(line.problem for line in lines)


def _baseline(made: Plan, repository: Repository, target: Target) -> dict[str, Any]:
    """Measured as a night measures; once for each folder."""
    kept = made.out / "baseline.json"
    if not kept.exists():
        if time.monotonic() > made.until:
            raise Cut
        source = CommitSource(repository, repository.commit())
        with tempfile.TemporaryDirectory(prefix="autoresearch-gpu-") as folder:
            checkout = view.build(source, target, Path(folder, "checkout"), hidden=False)
            with contextlib.closing(
                measure.measurer(target, checkout, Path(folder, "scratch"), repository)
            ) as measurer:
                found = measurer.measure([checkout.base], Ask(seed=1))[0]
        card, _why = device.look()
        told = {"card": asdict(card) if card else None, "seconds": made.baseline, "measurement": asdict(found)}
        kept.write_text(json.dumps(told, indent=2, default=dict) + "\n")
    held: dict[str, Any] = json.loads(kept.read_text())
    return held


def _night(made: Plan, repository: Repository) -> Night:
    """To its end. Raises Cut: killed then, so that it goes on in the middle of a duel."""
    if not any(night.done for night in nights(repository)):
        words = [sys.executable, "-m", "bot.cli", "night", "-C", str(repository.root), "--seed", "1", NIGHT]
        process = subprocess.Popen(words, cwd=ROOT)
        try:
            code = process.wait(max(made.until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            raise Cut from None
        finally:
            process.kill()
            process.wait()
        if code:
            raise SystemExit(f"the night ended with exit code {code}")
    (night,) = nights(repository)
    events = made.out / "events"
    shutil.copytree(night.folder(NIGHT), events, dirs_exist_ok=True)
    done = autoresearch(repository, "report", night.name, "--out", str(made.out))
    print(done.stdout or done.stderr)
    return night


def _verdict(made: Plan, found: Mapping[str, Any], night: Night) -> bool:
    measured, card = found["measurement"], found["card"]
    name = card["name"] if card else "no card: a rehearsal"
    if measured["crash"]:
        print(f"MISS the baseline: {measured['crash']}: {measured['why']}")
        return False
    told = {**measured["metrics"], **{key: measured["parts"][key] for key in TOLD if key in measured["parts"]}}
    print(f"baseline, {found['seconds']:g} s on {name}: {', '.join(f'{key} {told[key]:,.4g}' for key in told)}")
    segments = night.segments(NIGHT)
    tries = len(folds.of_kind(segments, "experiment"))
    bars = [
        (f"tries: {tries} (bar {TRIES_BAR})", tries >= TRIES_BAR),
        (f"the night: {folds.confirm_end(segments)} (bar: confirmed)", folds.confirm_end(segments) == "confirmed"),
    ]
    if made.card:
        mfu = measured["parts"].get("mfu")
        bars.append((f"MFU: {mfu if mfu is None else f'{mfu:.1%}'} (bar {MFU_BAR:.0%}, aim {MFU_AIM:.0%})",
                     mfu is not None and mfu >= MFU_BAR))  # fmt: skip
    for said, holds in bars:
        print(f"{'ok  ' if holds else 'MISS'} {said}")
    return all(holds for _said, holds in bars)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
