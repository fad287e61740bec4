"""What a night survives: evaluators that hang, lie, flood, die or leave processes behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.night.folder import nights
from harness import folds
from harness.repository import Repository
from tests.benchmarks.soak.processes import alive, wait_for
from tests.support import autoresearch, git, make_repository
from tests.surviving import SEED, events, files

PROCESS_MODES = """
import os
import signal
import subprocess
import sys
import time
from random import Random
from harness import evaluator
from harness.candidate import load

run = evaluator.settings()
mode = load(run.file)["mode"]

def stray():
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)
        os._exit(0)

def hang():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)

if mode == "hang":
    hang()
elif mode == "fork":
    stray()
    sys.exit(3)
elif mode == "stdout":
    while True:
        os.write(1, b"x" * 65536)
elif mode == "stderr":
    for _ in range(200):
        os.write(2, b"x" * 65536)
    sys.exit(3)
elif mode == "report":
    while True:
        os.write(int(os.environ["AUTORESEARCH_REPORT"]), b"x" * 65536)
elif mode == "signal":
    os.kill(os.getpid(), signal.SIGSEGV)
elif mode == "close":
    os.closerange(0, 256)
    os._exit(0)
elif mode == "close-and-hang":
    os.closerange(0, 256)
    hang()
noise = Random(f"{run.seed}/{mode}").gauss(0, NOISE)
evaluator.report({"score": {"better": 4.0, "fine": 1.0}.get(mode, 0.0) + noise})
"""
SERVE_MODES = (
    PROCESS_MODES[: PROCESS_MODES.index("run = evaluator")]
    + PROCESS_MODES[PROCESS_MODES.index("def stray") : PROCESS_MODES.index('if mode == "hang"')]
    + """
def measured(mode, seed):
    if mode == "hang":
        hang()
    if mode == "fork":
        stray()
        os._exit(3)
    while mode == "stdout":
        os.write(1, b"x" * 65536)
    if mode == "stderr":
        for _ in range(200):
            os.write(2, b"x" * 65536)
        os._exit(3)
    while mode == "report":
        os.write(answers, b"x" * 65536)
    if mode == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "close":
        os.closerange(0, 256)
        os._exit(0)
    if mode == "close-and-hang":
        os.closerange(0, 256)
        hang()
    noise = Random(f"{seed}/{mode}").gauss(0, NOISE)
    return evaluator.Scores({"score": {"better": 4.0, "fine": 1.0}.get(mode, 0.0) + noise})

def score(request):
    return [measured(load(item.path)["mode"], request.seed) for item in request.items]

answers = os.dup(1)
evaluator.serve(score)
"""
)
BAD = {
    "process": {
        "hang": "timeout", "fork": "exit", "stdout": "flood", "stderr": "exit", "report": "flood", "signal": "signal",
        "close": "missing", "close-and-hang": "timeout",
    },
    "serve": {
        "hang": "timeout", "fork": "exit", "stdout": "timeout", "stderr": "exit", "report": "flood",
        "signal": "signal", "close": "exit", "close-and-hang": "signal",
    },
}  # fmt: skip


def misbehaving(
    tmp_path: Path, form: str, *, noisy: bool, modes: Sequence[str], timeout: str = "3s", late: str = ""
) -> Repository:
    """late: what a process does once it knows its mode."""
    choices = ", ".join(f'"{mode}"' for mode in ("fine", "better", *modes))
    how = "serve" if form == "serve" else "command"
    target = (
        f"name: t\nfile: spec.yaml\nspace: {{/mode: {{choice: [{choices}]}}}}\n"
        f"evaluate: {{{how}: [python, evaluate.py], timeout: {timeout}}}\n"
        f"metrics: [{{name: score, goal: maximize}}]\n"
    )
    text = (SERVE_MODES if form == "serve" else PROCESS_MODES).replace("NOISE", "0.5" if noisy else "0")
    text = text.replace('if mode == "hang":\n    hang()\nelif', f'{late}\nif mode == "hang":\n    hang()\nelif')
    text = text.replace('mode == "hang"', 'mode.startswith("hang")')
    return make_repository(tmp_path, files(text, target + ("noise: {}\n" if noisy else ""), 'mode: "fine"\n'))


@pytest.mark.parametrize("noisy", [False, True], ids=["deterministic", "noisy"])
@pytest.mark.parametrize("form", ["process", "serve"])
def test_no_evaluator_can_stop_a_night(tmp_path: Path, form: str, noisy: bool) -> None:
    repository = misbehaving(tmp_path, form, noisy=noisy, modes=list(BAD[form]))
    done = autoresearch(repository, "night", "--quiet", "--seed", str(SEED))
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not alive(repository.root), "something that an evaluator started outlived the night")
    night = nights(repository)[-1]
    segments = night.segments("t")
    told = {}
    for event in events(night, "experiment"):
        content = folds.restore(segments, event["id"], night.packs("t"))[1].decode()
        told[content.split()[1].strip('"')] = (event["status"], event["reason"])
    assert told.pop("better") == ("keep", "better")
    assert told == {mode: ("crash", kind) for mode, kind in BAD[form].items()}
    assert folds.confirm_end(segments) == "confirmed"
    assert git(repository, "rev-parse", "--verify", f"autoresearch/{night.name}")


@pytest.mark.parametrize("form", ["process", "serve"])
@pytest.mark.parametrize("noisy", [False, True], ids=["deterministic", "noisy"])
def test_the_wall_clock_ends_a_night_whose_candidates_hang(tmp_path: Path, form: str, noisy: bool) -> None:
    modes = ["hang", *(f"hang-{number}" for number in range(40))]
    repository = misbehaving(tmp_path, form, noisy=noisy, modes=modes, timeout="60m")
    for wall_clock in ("2s", "10s", "60s"):  # the first that a slow machine's baseline does not use up
        done = autoresearch(repository, "night", "--quiet", "--seed", str(SEED), "--wall-clock", wall_clock)
        assert done.returncode == 0, done.stderr
        night = nights(repository)[-1]
        if events(night, "experiment"):
            break
    assert folds.run_end(night.segments("t")) == "wall-clock"
    found = [(event["status"], event["reason"]) for event in events(night, "experiment")]
    assert ("discard", "unfinished") in found
    assert not [status for status, _ in found if status == "crash"], "what the night cut off is no crash"
    assert autoresearch(repository, "log", "--verify").returncode == 0


IN_CONFIRM = """
from harness.schedule import block_of
if block_of(run.seed) in ("ablate", "confirm") and mode == "better":
    BAD
"""


@pytest.mark.parametrize(
    ("bad", "kind"),
    [("hang()", "timeout"), ("os.kill(os.getpid(), signal.SIGSEGV)", "signal"), ("stray(); sys.exit(3)", "exit")],
    ids=["hangs", "dies", "forks"],
)
def test_an_evaluator_that_fails_in_confirm_confirms_nothing(tmp_path: Path, bad: str, kind: str) -> None:
    late = IN_CONFIRM.replace("BAD", bad)
    repository = misbehaving(tmp_path, "process", noisy=True, modes=["worse"], late=late)
    done = autoresearch(repository, "night", "--quiet", "--seed", str(SEED))
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not alive(repository.root), "something that an evaluator started outlived the night")
    night = nights(repository)[-1]
    assert night.done
    (event,) = events(night, "confirm")
    assert event["verdict"] == "not-confirmed"
    assert f"the final file crashes: {kind}" in event["why"]
    assert git(repository, "for-each-ref", "refs/heads/autoresearch/2*") == ""
