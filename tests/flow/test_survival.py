"""What a night survives: a full disk, a torn line, a clock that jumps, another machine, evaluators that misbehave."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from bot.forge.local import LocalForge
from bot.night import night as nightly
from bot.night import run as running
from bot.night.confirm import confirm
from bot.night.folder import Night, nights, remove_tree
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.perturb import Perturb
from harness import folds
from harness.events import Event, verify_order
from harness.repository import Repository
from tests.benchmarks.soak import alive, history, wait_for
from tests.support import ENVIRONMENT, autoresearch, git, make_repository

FOLDER = "targets/experiments/t"
SEED = 3

CLOSE = """
from harness import evaluator
from harness.candidate import load

def score(request):
    specs = [load(item.path) for item in request.items]
    return [evaluator.Scores({"closeness": -float(sum((v - 7) ** 2 for v in s.values()))}) for s in specs]

evaluator.serve(score)
"""
VARYING = """
from random import Random
from harness import evaluator
from harness.candidate import load

def score(request):
    texts = [item.path.read_text() for item in request.items]
    specs = [load(item.path) for item in request.items]
    noise = [Random(f"{request.seed}/{text}").gauss(0, 1) for text in texts]
    return [evaluator.Scores({"closeness": sum(s.values()) / 4 + e}) for s, e in zip(specs, noise)]

evaluator.serve(score)
"""
PLAIN = """
echo ---
awk '{ total -= ($2 - 7) ^ 2 } END { print "closeness: " total }' "$AUTORESEARCH_FILE"
"""
TARGET = """name: t
file: spec.yaml
space: {/*: {int: [-9, 9]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: closeness, goal: maximize}]
"""
NOISY = TARGET + "noise: {}\n"
ONE_BY_ONE = TARGET.replace("serve: [python, evaluate.py]", "command: [sh, evaluate.py]")


def files(evaluator: str = CLOSE, target: str = TARGET, spec: str = "a: -5\nb: 0\nc: 9\n") -> dict[str, str]:
    return {f"{FOLDER}/target.yaml": target, f"{FOLDER}/evaluate.py": evaluator, f"{FOLDER}/spec.yaml": spec}


def planned(repository: Repository, experiments: int) -> Night:
    return plan(repository, Wishes(experiments=experiments, seed=SEED))[0]


def loop(night: Night, proposer: Interrupted | None = None) -> str:
    return running.run(night, nightly.targets_of(night)[0], quiet=True, proposer=proposer)


def finish(night: Night) -> None:
    """The rest of the night."""
    target = nightly.targets_of(night)[0]
    assert loop(night)
    assert confirm(night, target) == "confirmed"
    propose(night, [target], LocalForge(night.path))
    assert night.done


def undisturbed(tmp_path: Path, content: Mapping[str, str], experiments: int) -> list[str]:
    """What a night records to which nothing happens."""
    repository = make_repository(tmp_path / "undisturbed", content)
    night = planned(repository, experiments)
    finish(night)
    return history(night)


class Interrupted:
    """The target's own proposer, until it is asked for this experiment: then the loop ends as by a kill."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, night: Night, last: int) -> None:
        self.own, self.last = Perturb(nightly.targets_of(night)[0], SEED), last

    def ask(self, request: Request) -> list[Proposal]:
        if request.first >= self.last:
            raise KeyboardInterrupt
        return self.own.ask(request)

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.own.tell(outcomes)

    def recall(self, told: Iterable[Told]) -> None:
        self.own.recall(told)


def events(night: Night, kind: str) -> list[Event]:
    return folds.of_kind(night.segments("t"), kind)


# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk of one's own without the right to mount one: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("room", [0, 40_000, 120_000])
def test_a_full_disk_is_said_and_nothing_recorded_is_lost(tmp_path: Path, small_disk: Path, room: int) -> None:
    content = files(PLAIN, ONE_BY_ONE)
    expected = undisturbed(tmp_path, content, 200)
    repository = make_repository(small_disk, content)
    made = autoresearch(repository, "plan", "-n", "200", "--seed", str(SEED))
    assert made.returncode == 0, made.stderr
    filler = small_disk / "filler"
    free = shutil.disk_usage(small_disk).free
    filler.write_bytes(b"x" * (free - room))

    full = autoresearch(repository, "night", "--quiet")
    assert full.returncode not in {0, 130}, full.stdout
    assert "No space left on device" in full.stderr, full.stderr
    assert "Traceback" not in full.stderr
    assert "night then goes on where it was" in full.stderr
    before = events(nights(repository)[-1], "experiment")

    filler.unlink()
    after = autoresearch(repository, "night", "--quiet")
    assert after.returncode == 0, after.stderr
    (night,) = nights(repository)
    assert night.done
    assert [e["canon"] for e in events(night, "experiment")][: len(before)] == [e["canon"] for e in before]
    assert history(night) == expected
    assert autoresearch(repository, "log", "--verify").returncode == 0


def test_a_write_that_fails_anywhere_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a disk of one's own: each write of the loop in turn finds no room, some after half of it."""
    expected = undisturbed(tmp_path, files(PLAIN, ONE_BY_ONE), 24)
    repository = make_repository(tmp_path, files(PLAIN, ONE_BY_ONE))
    night = planned(repository, 24)
    whole = os.write
    chance = random.Random(1)
    for room in itertools.count(0, 400):
        left = [room]

        def write(descriptor: int, data: bytes, left: list[int] = left) -> int:
            if not str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith((".jsonl", ".pack")):
                return whole(descriptor, data)
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = whole(descriptor, bytes(data)[: min(left[0], chance.randint(1, 2000))])
            left[0] -= written
            return written

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            with contextlib.suppress(OSError):
                loop(night)
                break
    assert len(night.segments("t")) > 3, "no write failed: the test proves nothing"
    finish(night)
    assert history(night) == expected


# --- a torn line ---


@pytest.mark.parametrize("form", ["process", "serve", "noisy"])
def test_a_segment_that_ends_anywhere_in_its_last_line(tmp_path: Path, form: str) -> None:
    content = {"process": files(PLAIN, ONE_BY_ONE), "serve": files(), "noisy": files(VARYING, NOISY)}[form]
    experiments = 6 if form == "noisy" else 24
    expected = undisturbed(tmp_path, content, experiments)
    repository = make_repository(tmp_path, content)
    night = planned(repository, experiments)
    with pytest.raises(KeyboardInterrupt):
        loop(night, Interrupted(night, 4 if form == "noisy" else 17))
    (path,) = night.folder("t").glob("*.jsonl")
    data = path.read_bytes()
    start = data.rstrip(b"\n").rfind(b"\n") + 1
    (segment,) = night.segments("t")
    saved = tmp_path / "saved"
    shutil.copytree(night.path, saved)
    for end in range(start, len(data) + 1):
        path.write_bytes(data[:end])
        night.mend("t")
        (healed,) = night.segments("t")
        assert verify_order([healed]) is None
        assert healed.events[-1]["end"] == "interrupted"
        whole = end == len(data)
        assert healed.events[:-1] == segment.events[: None if whole else -1], f"cut at byte {end - start}"
    for end in (start, start + 1, (start + len(data)) // 2, len(data) - 1, len(data)):
        remove_tree(night.path)
        shutil.copytree(saved, night.path)
        path.write_bytes(data[:end])
        loop(night)
        found, due = history(night), [line for line in expected if _of_loop(line)]
        # A batch of which a part was recorded is not asked for again: what follows it starts from another incumbent.
        kept = len(segment.events) - 2 if form == "serve" else len(due)
        assert (found[:kept], len(found)) == (due[:kept], len(due))


def _of_loop(line: str) -> bool:
    return any(f'"event": "{kind}"' in line for kind in ("baseline", "try", "pair", "experiment")) or (
        '"event": "seal"' in line and '"end": "confirmed"' not in line
    )


def test_a_header_that_was_torn_is_written_again(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files())
    night = planned(repository, 16)
    with pytest.raises(KeyboardInterrupt):
        loop(night, Interrupted(night, 1))
    (path,) = night.folder("t").glob("*.jsonl")
    header = path.read_bytes().split(b"\n")[0]
    for end in (0, 1, len(header) // 2, len(header)):
        path.write_bytes(header[:end])
        assert night.healed("t") == []
    finish(night)
    assert history(night) == undisturbed(tmp_path, files(), 16)


# --- the clock ---


def test_a_clock_that_jumps_changes_nothing_but_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = undisturbed(tmp_path, files(), 64)
    repository = make_repository(tmp_path, files())
    chance, real = random.Random(9), time.time
    monkeypatch.setattr(time, "time", lambda: real() + chance.uniform(-40, 40) * 365 * 86400)
    night = planned(repository, 64)
    for last in (17, 33):
        with pytest.raises(KeyboardInterrupt):
            loop(night, Interrupted(night, last))
    finish(night)
    assert history(night) == expected
    elapsed = [event["elapsed"] for event in events(night, "experiment")]
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] < 3600
    assert autoresearch(repository, "log", "--verify").returncode == 0


# --- a second night, another machine ---


def test_a_second_night_beside_the_first_is_refused(tmp_path: Path) -> None:
    slow = CLOSE.replace("def score(request):", "import time\ndef score(request):\n    time.sleep(0.3)")
    repository = make_repository(tmp_path, files(slow))
    command = [sys.executable, "-m", "bot.cli", "night", "--quiet", "--seed", str(SEED), "-n", "320"]
    first = subprocess.Popen(command, cwd=repository.root, env={**os.environ, **ENVIRONMENT})
    try:
        wait_for(lambda: bool(nights(repository)), "no night begins")
        for verb in (["night"], ["night", "--new"], ["run"], ["plan"], ["propose"]):
            second = autoresearch(repository, *verb)
            assert second.returncode == 6, (verb, second.stdout, second.stderr)
            assert f"a night is already running in this repository (process {first.pid})" in second.stderr
        assert first.poll() is None, "the first ended before the second came: the test proves nothing"
    finally:
        first.wait()
    assert first.returncode == 0
    (night,) = nights(repository)
    assert history(night) == undisturbed(tmp_path, files(slow), 320)


def test_a_try_that_began_on_another_machine_stays_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository(tmp_path, files(VARYING, NOISY))
    night = planned(repository, 6)
    record, taken = running.SegmentWriter.append, itertools.count()

    def until_the_third_pair(writer: object, found: Sequence[Event], *, wait: bool = True) -> None:
        record(writer, found, wait=wait)  # type: ignore[arg-type]
        if found[0]["event"] == "pair" and found[0]["id"] == 2 and next(taken) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running.SegmentWriter, "append", until_the_third_pair)
        with pytest.raises(KeyboardInterrupt):
            loop(night)
    monkeypatch.setattr(running, "machine", lambda: {"system": "elsewhere", "python": "3", "cpu": "other"})
    with monkeypatch.context() as patch:  # the first resume there comes to nothing
        patch.setattr(running._Loop, "_baseline", lambda _loop: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            loop(night)
    assert loop(night) == "experiments"
    second = events(night, "experiment")[1]
    assert (second["id"], second["status"], second["reason"]) == (2, "discard", "unfinished")
    assert [event["n"] for event in events(night, "pair") if event["id"] == 2] == [1, 2, 3]
    assert len(events(night, "experiment")) == 6, "a try was given back"


# --- evaluators ---

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
    done = autoresearch(repository, "night", "--quiet", "--seed", str(SEED), timeout=600)
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
        done = autoresearch(
            repository, "night", "--quiet", "--seed", str(SEED), "--wall-clock", wall_clock, timeout=600
        )
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
    done = autoresearch(repository, "night", "--quiet", "--seed", str(SEED), timeout=300)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not alive(repository.root), "something that an evaluator started outlived the night")
    night = nights(repository)[-1]
    assert night.done
    (event,) = events(night, "confirm")
    assert event["verdict"] == "not-confirmed"
    assert f"the final file crashes: {kind}" in event["why"]
    assert git(repository, "for-each-ref", "refs/heads/autoresearch/2*") == ""
