"""Compiles lz4 with the flags of a flags.conf and measures what comes of it. Locked.

Started once and asked in batches (harness.evaluator.serve): a flags.conf is compiled once, however often it is timed.
Compiler and program run in the sandbox. `seconds` is processor time, user and system together, taken by the parent of
the measured process: on a machine with other work it varies several times less than the clock on the wall.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import flags

from harness import candidate, evaluator
from harness.candidate import Limits, Result

SOURCES = ("driver.c", "prepared/lz4/lz4.c", "prepared/lz4/lz4hc.c")
INPUT = "prepared/input.txt"
SEES = ("driver.c", "nothing.c", "prepared/lz4")
PLAIN = ("-O0",)  # the build that says what the right output is
MIB = 1 << 20

COMPILING = Limits(seconds=120, output=16 * MIB)
RUNNING = Limits(seconds=30, output=32 * MIB)
COUNTING = Limits(seconds=120, output=32 * MIB)

BUILD = 'gcc "$@" -o /tmp/built && exec cat /tmp/built'

# Starts one program and says what it took; the program's own standard error does not reach the line that is read.
CLOCK = """
import json, os, sys, time
nowhere = os.open(os.devnull, os.O_WRONLY)
started = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], {}, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 2)])
_, status, usage = os.wait4(pid, 0)
took = {"wall": time.monotonic() - started, "cpu": usage.ru_utime + usage.ru_stime}
print(json.dumps({"exit": os.waitstatus_to_exitcode(status), **took}), file=sys.stderr)
"""


@dataclass(frozen=True)
class Built:
    """One program: where it lies, how large it is, and the instructions of its short run (None: not counted)."""

    path: Path
    size: int
    instructions: int | None


@dataclass(frozen=True)
class Timed:
    """One run. Seconds of processor time and of the wall clock."""

    output: bytes
    cpu: float
    wall: float


class Bad(Exception):
    """Why a candidate cannot be scored."""


def score(request: evaluator.Request) -> list[evaluator.Scores | evaluator.Crash]:
    """One result per item of the request, in its order."""
    return [_score(item) for item in request.items]


def _score(item: evaluator.Item) -> evaluator.Scores | evaluator.Crash:
    try:
        built = program(item.blob, tuple(flags.parse(item.path.read_bytes())))
        timed = run(built.path)
        require_same(timed.output, expected())
    except (flags.Refused, Bad) as refused:
        return evaluator.Crash(str(refused))
    parts = {"wall_seconds": timed.wall, "nothing_seconds": nothing_seconds()}
    if built.instructions is not None:
        parts["instructions"] = float(built.instructions)
    return evaluator.Scores({"seconds": timed.cpu, "binary_bytes": float(built.size)}, parts)


_built: dict[str, Built | Bad] = {}


def program(blob: str, given: tuple[str, ...]) -> Built:
    """The program of these flags, compiled when its blob is first seen. Raises Bad, each time, where that failed."""
    if blob not in _built:
        try:
            path = built(f"program-{blob}", given, SOURCES)
            _built[blob] = Built(path, path.stat().st_size, instructions(path))
        except Bad as bad:
            _built[blob] = bad
    found = _built[blob]
    if isinstance(found, Bad):
        raise found
    return found


def built(name: str, given: tuple[str, ...], sources: tuple[str, ...]) -> Path:
    """Compiles in the sandbox; the program, in a folder of the evaluator's own."""
    words = ["sh", "-c", BUILD, "sh", *given, "-Iprepared/lz4", *sources]
    done = candidate.run(words, sees=SEES, limits=COMPILING)
    if not done.ok or not done.stdout:
        raise Bad(f"gcc fails ({_end(done)}): {done.stderr.strip()[-600:]}")
    path = Path(os.environ.get("TMPDIR", "."), name).resolve()
    path.write_bytes(done.stdout)
    path.chmod(0o755)
    return path


def run(path: Path, *arguments: str) -> Timed:
    """One run in a sandbox of its own."""
    words = ["python", "-I", "-S", "-c", CLOCK, f"/candidate/{path.name}", INPUT, *arguments]
    done = candidate.run(words, sees=[path, INPUT], limits=RUNNING)
    if not done.ok:
        raise Bad(f"the program was stopped ({_end(done)}): {done.stderr.strip()[-300:]}")
    told = json.loads(done.stderr.strip().rpartition("\n")[2])
    if told["exit"]:
        how = f"signal {-told['exit']}" if told["exit"] < 0 else f"exit code {told['exit']}"
        raise Bad(f"the program fails: {how}")
    return Timed(done.stdout, told["cpu"], told["wall"])


def instructions(path: Path) -> int | None:
    """How many instructions the short run takes, the same every time; None without valgrind or where it cannot."""
    if not valgrind():
        return None
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"/candidate/{path.name}", INPUT, "once"]
    done = candidate.run(words, sees=[path, INPUT], limits=COUNTING)
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if done.ok and found else None


def require_same(output: bytes, wanted: bytes) -> None:
    """Raises Bad unless the program did what the plain build does, to the last byte."""
    if output == wanted:
        return
    pairs = enumerate(zip(output, wanted, strict=False))
    first = next((at for at, (one, other) in pairs if one != other), min(len(output), len(wanted)))
    raise Bad(f"wrong output: differs from the plain build's at byte {first:,} of {len(wanted):,}")


@functools.cache
def expected() -> bytes:
    """What a build without any optimisation writes: both compressed forms, and the input again."""
    output = run(built("plain", PLAIN, SOURCES)).output
    if not output.endswith(Path(INPUT).read_bytes()):
        raise Bad("the plain build does not give the input back: the compiler or the library is broken")
    return output


@functools.cache
def nothing_seconds() -> float:
    """Processor seconds of a program that does nothing: the median of five."""
    path = built("nothing", PLAIN, ("nothing.c",))
    return sorted(run(path).cpu for _ in range(5))[2]


@functools.cache
def valgrind() -> bool:
    if shutil.which("valgrind"):
        return True
    print("valgrind is not installed: no part `instructions`", file=sys.stderr)
    return False


def _end(done: Result) -> str:
    return done.stopped or f"exit code {done.exit_code}"


if __name__ == "__main__":
    if not shutil.which("gcc"):
        raise SystemExit("gcc is not installed. Try: sudo apt-get install gcc libc6-dev valgrind")
    evaluator.serve(score)
