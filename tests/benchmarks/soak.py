"""`make soak`: kills nights with SIGKILL at random instants and holds every resume against a night that nobody killed.

    python -m tests.benchmarks.soak [--kills 300] [--seed N]

Four kinds of night; in each the evaluator's scores follow from content and seed alone, so that a killed night has to
end as an unkilled one of the same --seed does, event for event. The evaluator writes a line per measurement to a log
that no night can see: what stands there and was recorded when the kill fell may not be measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bot import records
from bot.night.folder import Night, nights
from bot.night.opening import branch_of
from harness import events, folds
from harness.contents import content_of
from harness.events import Event
from harness.schedule import Schedule
from tests.support import ENVIRONMENT, autoresearch, git, make_repository

KILLS = 300
WORKERS = 2  # kinds at a time
SEED = 5  # of every night
FOLDER = "targets/experiments/t"
PATIENCE = 60.0  # seconds for an instant to come, or for a process to follow its parent
_VOLATILE = ("chain", "seconds", "elapsed")
_NIGHT = re.compile(r"\d{4}-\d\d-\d\d(?:-\d+)?")

PROCESS = """
case $PWD in *-confirm/*) verb=confirm;; *) verb=run;; esac
printf '%s %s %s\\n' "$verb" "$AUTORESEARCH_SEED" "$(tr -d ' \\n' < "$AUTORESEARCH_FILE")" >> 'LOG'
sleep 0.005
echo ---
awk '{ total -= ($2 - 7) ^ 2 } END { print "closeness: " total }' "$AUTORESEARCH_FILE"
"""
SERVE = """
import os
import time
from harness import evaluator
from harness.candidate import load
from harness.schedule import block_of
from random import Random

VERB = "confirm" if "-confirm/" in os.getcwd() else "run"

def score(request):
    texts = ["".join(item.path.read_text().split()) for item in request.items]
    with open("LOG", "a") as log:
        log.write("".join(f"{VERB} {request.seed} {text}\\n" for text in texts))
    time.sleep(0.001)
    return [measured(text, load(item.path), request.seed) for text, item in zip(texts, request.items)]

def measured(text, spec, seed):
    return SCORE

evaluator.serve(score)
"""
CLOSE = 'evaluator.Scores({"closeness": -float(sum((w - 7) ** 2 for w in spec.values()))})'
NOISY = """(
        evaluator.Crash("a bad day")
        if block_of(seed) == "loop" and Random(f"bad/{seed}").random() < 0.02
        else evaluator.Scores({"closeness": sum(spec.values()) / 4 + Random(f"{text}/{seed}").gauss(0, 1)})
    )"""
# In the loop each change looks like a large gain; on seeds of confirm one of them does the work of all.
PLANTED = """evaluator.Scores({"closeness": Random(f"{text}/{seed}").gauss(0, 1) + (
        4.0 * sum(spec.values()) if block_of(seed) in ("calibration", "loop") else 3.0 if spec["b"] else 1.5 * spec["a"]
    )})"""
TARGET = """
name: t
file: spec.yaml
space: {/*: {int: [LOW, HIGH]}}
evaluate: {EVALUATE}
metrics: [{name: closeness, goal: maximize}]
confirm: {budget: 60m, groups: 4}
"""
SERVED = "serve: [python, evaluate.py]"


@dataclass(frozen=True)
class Kind:
    """A kind of night. flight: measurements of one experiment, pair or batch; from_confirm: its loop is run
    undisturbed; nights: of one repository, one after the other."""

    name: str
    target: str
    evaluator: tuple[str, str]
    spec: str
    experiments: int
    flight: int
    nights: int = 1
    from_confirm: bool = False

    @property
    def noisy(self) -> bool:
        return "noise:" in self.target

    def files(self, log: Path) -> dict[str, str]:
        name, text = self.evaluator
        return {
            f"{FOLDER}/target.yaml": self.target,
            f"{FOLDER}/{name}": text.replace("LOG", str(log)),
            f"{FOLDER}/spec.yaml": self.spec,
        }


def _target(evaluate: str, low: int, high: int, more: str = "") -> str:
    text = TARGET.replace("EVALUATE", evaluate).replace("LOW", str(low)).replace("HIGH", str(high))
    return text.lstrip() + more


PAIR, DRAW = 2, 4  # measurements; the targets here have three values, so at most three parts

KINDS = (
    Kind(
        "process", _target("command: [sh, evaluate.sh]", -50, 50), ("evaluate.sh", PROCESS),
        "a: -40\nb: 40\nc: 0\n", 60, 1,
    ),
    Kind(
        "serve", _target(SERVED, -50, 50), ("evaluate.py", SERVE.replace("SCORE", CLOSE)),
        "a: -40\nb: 40\nc: 0\nd: 12\n", 800, 16, nights=2,
    ),
    Kind(
        "noisy duel", _target(SERVED, -4, 4, "noise: {}\n"), ("evaluate.py", SERVE.replace("SCORE", NOISY)),
        "a: 0\nb: -2\nc: 0\n", 12, PAIR,
    ),
    Kind(
        "confirm", _target(SERVED, 0, 1, "noise: {}\n"), ("evaluate.py", SERVE.replace("SCORE", PLANTED)),
        "a: 0\nb: 0\nc: 0\n", 7, DRAW, from_confirm=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One measurement, as the evaluator logged it."""

    verb: str
    seed: int
    text: str


@dataclass
class Tally:
    """What the kills of one kind came to. repeats: measurements made again per kill; worst: of one kill."""

    kills: int = 0
    nights: int = 0
    whom: Counter[str] = field(default_factory=Counter)
    where: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    worst: int = 0


class Ground:
    """A repository of one kind, in which nights are run, killed and resumed."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind, self.log = kind, folder / "log"
        self.repository = make_repository(folder, kind.files(self.log))
        self.log.touch()
        self.due = 0  # the night that is being run, counted from 1
        self.began = 0  # lines of the log before it
        self.tally = Tally()

    @property
    def night(self) -> Night | None:
        """The night that is being run, once it is planned."""
        known = nights(self.repository)
        return known[-1] if len(known) >= self.due else None

    @property
    def over(self) -> bool:
        night = self.night
        return night is not None and night.done

    def next_night(self) -> None:
        self.due, self.began = self.due + 1, len(self.lines())

    def lines(self) -> list[Line]:
        found = [line.split(" ", 2) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [Line(verb, int(seed), text) for verb, seed, text in found]

    def start(self) -> subprocess.Popen[bytes]:
        """A night in a process group of its own: a new one, or the interrupted one once more."""
        command = [sys.executable, "-m", "bot.cli", "night", "--quiet", *self.wishes()]
        return subprocess.Popen(
            command, cwd=self.repository.root, env={**os.environ, **ENVIRONMENT}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=(self.log.parent / "stderr").open("wb"),
        )  # fmt: skip

    def wishes(self) -> tuple[str, ...]:
        return "--seed", str(SEED), "-n", str(self.kind.experiments)

    def undisturbed(self) -> None:
        """A whole night, or what is left of one."""
        process = self.start()
        process.wait(timeout=600)
        self.check_exit(process)

    def loop(self) -> None:
        """Plan and run alone."""
        for command in (["plan", *self.wishes()], ["run", "--quiet"]):
            done = autoresearch(self.repository, *command)
            assert done.returncode == 0, done.stderr

    def check_exit(self, process: subprocess.Popen[bytes]) -> None:
        said = (self.log.parent / "stderr").read_text(encoding="utf-8", errors="replace")
        assert process.returncode == 0, f"{self.kind.name}: exit {process.returncode}: {said}"


# --- one kill ---


def killed(ground: Ground, chance: random.Random) -> bool:
    """Starts the night and kills it at a random instant; False where it came to its end before that."""
    recorded, before = _Recorded.of(ground), ground.lines()
    process = ground.start()
    if not _reached(ground, process, _instant(ground, chance, len(before))):
        ground.check_exit(process)
        _check_repeats(ground, recorded, before)
        return False
    whom = strike(process, chance.choice(("group", "verb", "night")))
    process.wait(timeout=PATIENCE)
    wait_for(lambda: not alive(ground.repository.root), "a process outlived the killed night")
    ground.tally.kills += 1
    ground.tally.whom[whom] += 1
    ground.tally.where[_where(ground)] += 1
    _check_repeats(ground, recorded, before)
    check_readable(ground)
    return True


def strike(process: subprocess.Popen[bytes], whom: str) -> str:
    """Kills the whole process group, or the verb or the night alone; whom it met: without a verb, the group."""
    verb = next(iter(_children(process.pid)), None) if whom == "verb" else None
    whom = "group" if whom == "verb" and verb is None else whom
    with contextlib.suppress(ProcessLookupError):
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(verb or process.pid, signal.SIGKILL)
    return whom


def _instant(ground: Ground, chance: random.Random, logged: int) -> Callable[[], bool]:
    """When to kill: soon after the start, in the middle of measuring, or once confirm is through."""
    which, pause = chance.random(), chance.uniform(0, 0.03)
    if which < 0.15:
        return _after(lambda: True, chance.uniform(0.05, 1.0))
    if which < 0.92:
        wanted = logged + chance.randint(1, 8 * ground.kind.flight)
        return _after(lambda: _newlines(ground.log) >= wanted, pause)
    return _after(lambda: (night := ground.night) is not None and _confirmed(night), chance.uniform(0, 0.6))


def _confirmed(night: Night) -> bool:
    found = sorted(night.folder("t").glob("*-confirm.jsonl"), key=lambda path: path.stat().st_mtime)
    return bool(found) and b'"event":"confirm"' in found[-1].read_bytes()


def _newlines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _after(happened: Callable[[], bool], pause: float) -> Callable[[], bool]:
    due: list[float] = []

    def reached() -> bool:
        if not due and happened():
            due.append(time.monotonic() + pause)
        return bool(due) and time.monotonic() >= due[0]

    return reached


def _reached(ground: Ground, process: subprocess.Popen[bytes], instant: Callable[[], bool]) -> bool:
    """Whether the instant came before the end of the process."""
    deadline = time.monotonic() + 5 * PATIENCE
    while not instant():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, f"{ground.kind.name}: the night neither ends nor goes on"
        time.sleep(0.002)
    return process.poll() is None


def _where(ground: Ground) -> str:
    """The verb that the kill fell into."""
    night = ground.night
    segments = night.segments("t") if night else []
    if night and night.done:
        return "propose"
    if not segments or not segments[-1].events:
        return "plan"
    last = segments[-1]
    if not last.sealed:
        return str(last.header["verb"])
    return "propose" if folds.confirm_end(segments) else "between"


# --- what must hold after each kill ---


def check_readable(ground: Ground) -> None:
    """The chain verifies but for a torn end, which only the last segment may have; what is recorded agrees with it."""
    night = ground.night
    if night is None:
        return
    segments = night.segments("t")
    whole = segments[:-1] if segments and segments[-1].bad else segments
    assert events.verify_order(whole) is None
    if len(whole) < len(segments):
        data = (night.folder("t") / f"{segments[-1].name}.jsonl").read_bytes()
        assert b"\n" not in data[segments[-1].size :], "more than the last line is torn"
    check_counted_once(segments)
    check_records(ground, complete=False)


def check_counted_once(segments: Sequence[events.Segment]) -> None:
    """No number, no content and no pair twice, but for a void pair, which is fought once more."""
    for kind in ("experiment", "try"):
        numbers = [event["id"] for event in folds.of_kind(segments, kind)]
        assert len(numbers) == len(set(numbers)), f"{kind}: a number stands twice"
    numbers = [event["id"] for event in folds.of_kind(segments, "experiment")]
    assert numbers == list(range(1, len(numbers) + 1))
    canons = [event["canon"] for event in folds.of_kind(segments, "experiment")]
    assert len(canons) == len(set(canons)), "paid for twice"
    pairs = [(event["id"], event["n"]) for event in folds.of_kind(segments, "pair") if not event["void"]]
    assert len(pairs) == len(set(pairs)), "a pair stands twice"
    for kind in ("baseline", "confirm", "proposed"):
        assert len(folds.of_kind(segments, kind)) <= 1, f"{kind} stands twice"


def check_records(ground: Ground, *, complete: bool) -> None:
    """The records branch holds the very bytes of the nights' folders. complete: all of them."""
    there = records.tree(ground.repository)
    here: dict[str, str] = {}
    for night in nights(ground.repository):
        files = {f"t/{name}": data for name, data in night.files("t").contents.items()}
        here |= {path: ground.repository.blob_id(data) for path, data in files.items()}
    assert there.items() <= here.items(), "the records branch holds what no night wrote"
    assert not complete or there == here, "something is not on the records branch"


@dataclass(frozen=True)
class _Recorded:
    """What was recorded before a start: contents of the loop, seeds of its pairs, seeds of confirm's draws."""

    texts: frozenset[str]
    seeds: Counter[int]
    drawn: frozenset[int]
    base: str
    begun: bool

    @staticmethod
    def of(ground: Ground) -> _Recorded:
        night, texts, base = ground.night, set[str](), "".join(ground.kind.spec.split())
        segments = [s for s in night.segments("t") if s.events] if night and not night.done else []
        packs = night.packs("t") if night and segments else {}
        for event in folds.of_kind(segments, "experiment"):
            texts.add("".join(folds.restore(segments, event["id"], packs)[1].decode().split()))
        seeds = Counter[int]()
        for event in folds.of_kind(segments, "pair"):
            seeds[event["seed"]] += 1 if event["void"] and event["n"] else 2
        drawn = frozenset(event["seed"] for event in folds.of_kind(segments, "note"))
        return _Recorded(frozenset(texts - {base}), seeds, drawn, base, bool(folds.of_kind(segments, "baseline")))


def _check_repeats(ground: Ground, recorded: _Recorded, before: Sequence[Line]) -> None:
    """Nothing that was recorded at the start was measured in it, and of the rest no more again than was in flight."""
    new, noisy = ground.lines()[len(before) :], ground.kind.noisy
    first = Schedule(SEED, "").number("calibration", 0, 0)
    known = set(before[ground.began :])
    if noisy:
        loop = [line for line in new if line.verb == "run" and line.seed != first]
        assert not [line for line in loop if recorded.seeds[line.seed] > 1], "a recorded pair was fought again"
        confirm = [line for line in new if line.verb == "confirm"]
        assert not [line for line in confirm if line.seed in recorded.drawn], "a recorded draw was made again"
        again = [line for line in (*loop, *confirm) if line in known and not recorded.seeds[line.seed]]
        # Confirm's unit is a draw: the head, and the head without each of its parts, under one seed.
        in_loop = sum(line.verb == "run" for line in again)
        assert in_loop <= PAIR, f"{ground.kind.name}: {in_loop} measurements of the loop were made again"
    else:
        loop = [line for line in new if line.verb == "run" and line.text != recorded.base]
        assert not [line for line in loop if line.text in recorded.texts], "a recorded experiment was measured again"
        again = [line for line in loop if line in known]
        checks = sum(line.verb == "run" and line.text == recorded.base for line in new)
        assert checks <= (1 if recorded.begun else 2), "the unchanged file was measured more than a start needs"
    said = f"{ground.kind.name}: {len(again)} measurements were made again: {again}"
    assert len(again) <= (DRAW if noisy else ground.kind.flight), said
    ground.tally.repeats += len(again)
    ground.tally.worst = max(ground.tally.worst, len(again))


# --- what must hold at the end of a night ---


def history(night: Night) -> list[str]:
    """Everything that a night recorded but for times, names and what was merely interrupted."""
    found = []
    for event in folds.all_events(night.segments("t")):
        if event["event"] == "header" or (event["event"], event.get("end")) == ("seal", "interrupted"):
            continue
        found.append(_NIGHT.sub("NIGHT", json.dumps(_lasting(event), sort_keys=True)))
    return found


def _lasting(event: Event) -> Event:
    dropped = {*_VOLATILE, *({"events"} if event["event"] == "seal" else set())}
    dropped |= {"head"} if event["event"] == "proposed" else set()
    lasting = {key: value for key, value in event.items() if key not in dropped}
    if "pack" in lasting.get("content", {}):
        lasting["content"] = lasting["content"]["pack"]["sha256"]
    return lasting


def check_finished(ground: Ground, reference: Sequence[str]) -> None:
    """The night is over, and is the one that nobody killed."""
    night = ground.night
    assert night is not None
    assert night.done, "the night is not over"
    check_readable(ground)
    check_records(ground, complete=True)
    mine = history(night)
    apart = next((pair for pair in itertools.zip_longest(mine, reference) if pair[0] != pair[1]), None)
    assert apart is None, f"{ground.kind.name}: not the night that nobody killed:\n{apart}"
    assert branch_content(ground, night) == final_content(night), "the branch is not what was confirmed"
    verified = autoresearch(ground.repository, "log", "--verify")
    assert verified.returncode == 0, verified.stderr
    settled: set[str] = set()
    for one in nights(ground.repository):
        tried = folds.of_kind(one.segments("t"), "experiment")
        assert settled.isdisjoint(event["canon"] for event in tried), "paid for twice across nights"
        settled |= {event["canon"] for event in tried if event["status"] != "keep"}
    ground.tally.nights += 1


def final_content(night: Night) -> str:
    segments = night.segments("t")
    confirm = folds.of_kind(segments, "confirm")[-1]
    content = folds.restore(segments, 0, night.packs("t"))[1]
    for row in confirm["rows"]:
        content = content_of(row, content, night.packs("t"))
    return content.decode()


def branch_content(ground: Ground, night: Night) -> str:
    return git(ground.repository, "show", f"{branch_of(night.name)}:{FOLDER}/spec.yaml") + "\n"


# --- processes ---


def alive(root: Path) -> list[str]:
    """Processes that work below a folder, or were started for it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                inside = str((entry / "cwd").readlink()).startswith(str(root))
                said = (entry / "cmdline").read_bytes()
                if inside or str(root).encode() in said + (entry / "environ").read_bytes():
                    found.append(said.replace(b"\0", b" ").decode(errors="replace"))
    return found


def _children(pid: int) -> Iterator[int]:
    """The verbs that a night has started."""
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listing.read_text(encoding="ascii").split()):
                if b"bot.cli" in Path(f"/proc/{child}/cmdline").read_bytes():
                    yield child


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


# --- all of it ---


@dataclass
class _Field:
    """One kind: what its unkilled nights recorded, and where its killed ones run."""

    kind: Kind
    chance: random.Random
    folder: Path
    tally: Tally = field(default_factory=Tally)
    reference: list[list[str]] = field(default_factory=list)

    def prepare(self) -> None:
        ground = Ground(self.kind, self.folder / "unkilled")
        for _ in range(self.kind.nights):
            ground.next_night()
            ground.undisturbed()
            assert ground.night is not None
            self.reference.append(history(ground.night))

    def kill(self, wanted: int, say: Callable[[str], None]) -> None:
        """So many kills, spread over as many nights as they take; each night is brought to its end."""
        number = 0
        while self.tally.kills < wanted:
            number += 1
            ground = Ground(self.kind, self.folder / str(number))
            ground.tally = self.tally
            for reference in self.reference:
                ground.next_night()
                if self.kind.from_confirm:
                    ground.loop()
                while self.tally.kills < wanted and killed(ground, self.chance) and not ground.over:
                    pass
                if not ground.over:
                    ground.undisturbed()
                check_finished(ground, reference)
                say(f"  {self.kind.name}: {self.tally.kills} kills, {self.tally.nights} nights")


def soak(kills: int, seed: int, folder: Path, say: Callable[[str], None] = print) -> Mapping[str, Tally]:
    """That many kills over all kinds, two kinds at a time; raises AssertionError where something does not hold."""

    def one(index: int, kind: Kind) -> Tally:
        one_field = _Field(kind, random.Random(f"{seed}/{kind.name}"), folder / str(index))
        one_field.prepare()
        one_field.kill((kills + len(KINDS) - 1 - index) // len(KINDS), say)
        return one_field.tally

    with ThreadPoolExecutor(WORKERS) as pool:
        tallies = list(pool.map(one, range(len(KINDS)), KINDS))
    return {kind.name: tally for kind, tally in zip(KINDS, tallies, strict=True)}


def table(found: Mapping[str, Tally]) -> str:
    head = f"{'kind':12}{'kills':>6}{'nights':>8}{'repeats':>9}{'worst':>7}  whom; where"
    lines = [
        f"{name:12}{t.kills:6}{t.nights:8}{t.repeats:9}{t.worst:7}  {_counts(t.whom)}; {_counts(t.where)}"
        for name, t in found.items()
    ]
    return "\n".join([head, *lines])


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))


def main(arguments: Collection[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(list(arguments) if arguments is not None else None)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(chosen.kills, chosen.seed, Path(folder), lambda text: print(text, flush=True))
    print(f"\n{table(found)}\n\n{chosen.kills} kills in {time.monotonic() - started:.0f} s, seed {chosen.seed}")


if __name__ == "__main__":
    main()
