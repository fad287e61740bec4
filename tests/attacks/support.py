"""A code target under attack, with layers that can be taken out one by one, and what an attack is.

Every attack runs as a candidate through the real measurer. `holds` asserts three things of it: with every layer in
place it does not succeed; where several layers stop it, any one of them alone does; and with exactly these layers
taken out it succeeds. So an attack that could never work, or a layer that does nothing, is a failure.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from bot import config
from harness import measure, view
from harness.measure import Ask, Measurer
from harness.reports import Measurement
from harness.repository import WorkingSource
from harness.sandbox import identity, landlock, seccomp
from harness.view import View
from tests.support import make_repository, write

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
FOLDER = "targets/experiments/sum"
SECRET = "the-answer-is-5"
HONEST = "for line in open('data/inputs.txt'):\n    print(sum(map(int, line.split())))\n"

_TARGET = """
name: sum
file: solve.py
evaluate: {FORM: [python, evaluate.py], timeout: 60s}
metrics: [{name: correct, goal: maximize}, {name: reached, goal: minimize}]
confirm: {unit: hunk}
"""
_EVALUATOR = """
import sys
from pathlib import Path

sys.path.append(REPOSITORY)
from tests.attacks.layers import switch_off

switch_off(Path("off.txt").read_text().splitlines())
from harness import candidate, evaluator

LIMITS = candidate.Limits(BOUNDS)


def judge(file):
    done = candidate.run(["python", Path(file).name], sees=[file, "data/inputs.txt", "data/open"], limits=LIMITS)
    said = done.stdout.decode(errors="replace").splitlines()
    word = next((line.split(":")[0] for line in said if line.startswith(("REACHED", "REFUSED"))), "")
    if "print(sum" not in Path(file).read_text() and not word:
        return evaluator.Crash(f"stopped by {done.stopped}" if done.stopped else f"{done.exit_code}: {done.stderr}")
    correct = sum(line == "5" for line in said)
    return evaluator.Scores({"correct": correct, "reached": float(word == "REACHED")})


if __name__ == "__main__":
    evaluator.serve(lambda request: [judge(item.path) for item in request.items])
"""
_GUARDED = """
import ctypes, os, signal, socket, stat, sys, time
libc = ctypes.CDLL(None, use_errno=True)


def must(found):
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def evaluator():
    "The number of the process that judges this one, if it can be seen."
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = open(f"/proc/{name}/cmdline", "rb").read().split(b"\\0")
            except OSError:
                continue
            if words[1:2] == [b"evaluate.py"] and int(name) in (EVALUATORS):
                return int(name)
    raise LookupError("no evaluator to be seen")


try:
BODY
except (Exception, SystemExit) as error:
    print("REFUSED:", type(error).__name__, error)
else:
    print("REACHED")
"""
BOUNDS = "seconds=8, memory=200 << 20, processes=40, file_size=64 << 20, output=1 << 20, open_files=64"


@dataclass(frozen=True)
class Attack:
    """code: what the candidate does, with an exception where it is refused. layers: those that stop it, each alone.

    with_them: layers that are out in every trial but the first, since without that the others cannot be seen at work.
    stopped: how the candidate ends where it is killed and not refused. root: only root can take the layers out; for
    anybody else the system refuses it by itself. before: an earlier candidate, whose leavings this one looks for.
    beside: what is there for the time of the attack; given the target's folder in the evaluator's checkout.
    """

    code: str
    layers: tuple[str, ...]
    with_them: tuple[str, ...] = ()
    stopped: str = ""
    root: bool = False
    before: str = ""
    beside: Callable[[Path], AbstractContextManager[None]] = nullcontext


@dataclass
class Lab:
    """The target's checkout and measurers, one for each set of layers that are out. facts: put into attacks' code."""

    folder: Path
    bounds: str = BOUNDS
    facts: dict[str, object] = field(default_factory=dict)
    checkouts: dict[frozenset[str], View] = field(default_factory=dict)
    _measurers: dict[frozenset[str], Measurer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        evaluator = _EVALUATOR.replace("REPOSITORY", repr(str(ROOT))).replace("BOUNDS", self.bounds)
        files = {
            "target.yaml": _TARGET.replace("FORM", "serve"),
            "evaluate.py": evaluator,
            "solve.py": HONEST,
            "off.txt": "",
            "data/inputs.txt": "2 3\n1 4\n",
            "data/answers.txt": SECRET,
            "data/open/question.txt": "two and three",
            "data/open/tool.sh": "#!/bin/sh\necho tool\n",
        }
        self.repository = make_repository(self.folder, {f"{FOLDER}/{name}": text for name, text in files.items()})

    def measurer(self, off: Collection[str] = ()) -> Measurer:
        key = frozenset(off)
        if key not in self._measurers:
            write(self.repository, {f"{FOLDER}/off.txt": "\n".join(sorted(key))})
            source = WorkingSource(self.repository)
            place = self.folder / f"without-{len(self._measurers)}"
            target = config.load_targets(source)[0]
            checkout = self.checkouts[key] = view.build(source, target, place / "checkout", hidden=True)
            self._measurers[key] = measure.measurer(target, checkout, place / "scratch", self.repository)
        return self._measurers[key]

    def measured(self, candidates: Sequence[str], off: Collection[str] = ()) -> list[Measurement]:
        return self.measurer(off).measure([text.encode() for text in candidates], Ask())

    def reached(self, attack: Attack, off: Collection[str] = ()) -> bool:
        """Whether the attack succeeded; that it neither did nor failed as it should is an error."""
        self.measurer(off)
        if attack.before:
            self.measured([self.spelled(attack.before)], off)
        with attack.beside(self.checkouts[frozenset(off)].cwd):
            found = self.measured([self.spelled(attack.code)], off)[0]
        if found.crash:
            assert attack.stopped, found
            assert attack.stopped in found.why, found
            return False
        return found.metrics["reached"] == 1

    def spelled(self, code: str) -> str:
        text = _GUARDED.replace("BODY", textwrap.indent(textwrap.dedent(code).strip(), "    "))
        for name, value in {"EVALUATORS": self.pids(), **self.facts}.items():
            text = text.replace(name, str(value))
        return text

    def pids(self) -> str:
        """The evaluators of this lab alone: what else runs on this machine is not attacked, in a control neither."""
        known = [getattr(m, "_conversation", None) for m in self._measurers.values()]
        return "".join(f"{conversation._child._process.pid}, " for conversation in known if conversation)

    def close(self) -> None:
        for measurer in self._measurers.values():
            measurer.close()


@contextmanager
def lab(folder: Path, bounds: str = BOUNDS, **facts: object) -> Iterator[Lab]:
    made = Lab(folder, bounds, dict(facts))
    try:
        yield made
    finally:
        made.close()


def present(layers: Sequence[str]) -> list[str]:
    """The layers that this machine has: a user of its own needs root, the others a kernel that is new enough."""
    have = landlock.abi()
    missing = {
        "user": bool(identity.refused()),
        "seccomp": bool(seccomp.unsupported()),
        "landlock": have < 1,
        "landlock: TCP": have < 4,
        "landlock: scope": have < 6,
    }
    return [layer for layer in layers if not missing.get(layer)]


def holds(place: Lab, attack: Attack) -> None:
    layers = present(attack.layers)
    place.measured([HONEST])  # the evaluator is there before an attack looks for it
    assert not place.reached(attack), "it succeeds against the whole sandbox"
    weak = []
    for kept in layers if len(layers) > 1 else ():
        off = {*layers, *attack.with_them} - {kept}
        place.measured([HONEST], off)
        weak += [kept] if place.reached(attack, off) else []
    assert not weak, "alone these do not stop it"
    everything = {*attack.layers, *attack.with_them}
    place.measured([HONEST], everything)
    assert place.reached(attack, everything) == (IS_ROOT or not attack.root), "the control fails"


def honest(place: Lab) -> Mapping[str, float]:
    return place.measured([HONEST])[0].metrics
