"""Serves a handler.py in the sandbox, asks it as four clients at once, and measures how long its answers take. Locked.

Started once and asked in batches (harness.evaluator.serve). The data are drawn and written once, and what a seed's
requests must be answered with is worked out once, for both sides of a pair. Every measurement starts the service anew
on a fresh copy of the database: one that has been asked for hours would be slower than one that was just started.

A candidate is refused, and gets no number, for a single answer that is wrong, for a write that its database does not
hold when the service is killed after its answer, for a start that computes too much, and for work that goes on while
nobody waits for an answer.
"""

from __future__ import annotations

import functools
import json
import math
import os
import secrets
import shutil
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import answers
import driving
import shops
import traffic
from driving import Bad, Drive, Heard

from harness import candidate, evaluator
from harness.candidate import ConversationOver, Limits, Session, Taken

SEED = 20250101  # of the data, until confirm
HIDDEN = Path("data/confirm.json")
LIMITS = Limits(seconds=20, memory=512 << 20, processes=24, output=8 << 20)
START_CPU = 0.8  # seconds of processor time until the first answer is there, both interpreters included
PAUSE, IDLE = 0.015, 0.02  # seconds between two looks in the pause, and the processor time that all of it may take
LOOKS = 5  # in the pause; on a busy machine work is seen waiting for a processor, not done
MILLI, MIB = 1000.0, 1 << 20


@dataclass(frozen=True)
class Ground:
    """What the service finds. database: the file that is copied for each measurement."""

    data: shops.Data
    database: Path
    edges: list[dict[str, Any]]


@dataclass(frozen=True)
class Course:
    """The requests of one seed, of each client, and what the database has to hold after them."""

    traffic: list[list[traffic.Asked]]
    holdings: dict[str, Any]
    pause: int  # after which request of each client


def score(request: evaluator.Request) -> list[evaluator.Scores | evaluator.Crash]:
    """One result per item of the request, in its order."""
    return [_score(item.path, request.seed) for item in request.items]


def _score(path: Path, seed: int) -> evaluator.Scores | evaluator.Crash:
    home = Path(os.environ.get("TMPDIR", ".")).resolve()
    shutil.copyfile(path, home / "handler.py")
    try:
        return measured(home, course(seed))
    except Bad as bad:
        return evaluator.Crash(str(bad))
    except ConversationOver as over:
        return evaluator.Crash(f"the service ended: {over.detail}")


def measured(home: Path, asked: Course) -> evaluator.Scores:
    """One run of the service, from its start to its end. Raises Bad, ConversationOver."""
    sees = [home / "handler.py", ground().database, "server.py", "receipt.html"]
    words = ["python", "-S", "-E", "server.py"]
    with (
        listening(home) as (listener, place),
        candidate.serve(words, sees=sees, limits=LIMITS, listening=listener) as keeper,
    ):
        listener.close()  # the sandbox has it now, and its end is the end of all connections
        started = time.monotonic()
        try:
            tell(keeper, "start")
            heard, taken = load(keeper, place, asked)
            holds = tell(keeper, "end", known=asked.holdings["old lines"][0][0]).get("holds")
        except Bad as bad:
            raise Bad(f"{bad}{_last_words(keeper)}") from None
        took = time.monotonic() - started
    driving.require_right(heard)
    require_held(asked.holdings, holds)
    return scores(heard, taken, took)


def load(keeper: Session, place: Path, asked: Course) -> tuple[list[Heard], list[Taken]]:
    """All requests, the first of them alone: the start is over when it is answered. What was taken by then, by a pause
    in the middle in which the service has nothing to do, and in the end."""
    drive = Drive(place, asked.traffic, LIMITS.seconds)
    try:
        heard = drive.first()
        start = keeper.taken()
        _require_start(start.cpu_seconds)
        heard += drive.until(asked.pause)
        middle = keeper.taken()
        _require_idle(middle, keeper)
        drive.require_silence()
        heard += drive.until(traffic.EACH)
        return heard, [start, middle, keeper.taken()]
    finally:
        drive.close()


def scores(heard: Sequence[Heard], taken: Sequence[Taken], took: float) -> evaluator.Scores:
    """Milliseconds by request, the first left out; percentiles by nearest rank."""
    start, *heard = heard
    times = sorted(one.seconds * MILLI for one in heard)
    kinds = {one.asked.kind for one in heard}
    parts = {f"{kind}_ms".replace(" ", "_"): _mean(heard, kind) for kind in sorted(kinds)}
    parts |= {"slowest_ms": times[-1], "start_ms": start.seconds * MILLI, "seconds": took}
    parts["start_cpu_ms"] = taken[0].cpu_seconds * MILLI
    return evaluator.Scores(
        {
            "p99_ms": percentile(times, 0.99),
            "p50_ms": percentile(times, 0.50),
            "memory_mb": max(look.memory for look in taken) / MIB,
            "cpu_ms": taken[-1].cpu_seconds * MILLI / len(times),
        },
        parts,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def tell(keeper: Session, what: str, **more: Any) -> dict[str, Any]:
    """What the keeper in the sandbox answers. Its own process is the only one that hears the nonce."""
    nonce = secrets.token_hex(16)
    try:
        answer = json.loads(keeper.ask(json.dumps({"do": what, "nonce": nonce, **more})))
    except (ValueError, RecursionError):
        raise Bad("the server's keeper was tampered with") from None
    if not isinstance(answer, dict) or answer.get("nonce") != nonce:
        raise Bad("the server's keeper was tampered with")
    return answer


def require_held(wanted: dict[str, Any], holds: Any) -> None:
    """Raises Bad unless the database of the killed service holds what was answered."""
    for name in ("orders", "new lines", "old lines", "prices", "customers"):
        found = holds.get(name) if isinstance(holds, dict) else None
        if found is None:
            raise Bad(f"the database cannot be read: {str(holds)[:200]}")
        if wrong := next(driving.difference(wanted[name], found, name), ""):
            raise Bad(f"the database does not hold what was answered: {wrong}")


@contextmanager
def listening(home: Path) -> Iterator[tuple[socket.socket, Path]]:
    """A socket of ours that listens in our own folder, which no candidate sees, and its place in few letters.

    By way of a descriptor: a Unix socket's address has room for 107 bytes, and the path of a night's folder has more.
    """
    folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
    place = Path(f"/proc/self/fd/{folder}/socket")
    try:
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(place))
            listener.listen(traffic.CLIENTS * traffic.CONNECTIONS)
            yield listener, place
    finally:
        os.close(folder)


@functools.cache
def ground() -> Ground:
    """In confirm the hidden file gives other data, and requests that were never asked before."""
    hidden = json.loads(HIDDEN.read_text(encoding="utf-8")) if HIDDEN.exists() else {"seed": SEED, "edges": []}
    database = Path(os.environ.get("TMPDIR", ".")).resolve() / "shops.db"
    data = shops.drawn(hidden["seed"])
    shops.write(data, database)
    database.chmod(0o644)
    return Ground(data, database, hidden["edges"])


@functools.lru_cache(maxsize=4)
def course(seed: int) -> Course:
    """The same for every candidate that is measured under this seed."""
    books = {number: book.copy() for number, book in _begun().items()}
    found = traffic.drawn(seed, books, ground().edges)
    pause = traffic.EACH // 3 + seed % (traffic.EACH // 3)
    return Course(found, answers.holdings(ground().data, books), pause)


@functools.cache
def _begun() -> dict[int, answers.Books]:
    return answers.opened(ground().data)


def _require_start(cpu: float) -> None:
    if cpu > START_CPU:
        raise Bad(f"its start takes {cpu:.2f} s of processor time; at most {START_CPU:g} s may be worked ahead")


def _require_idle(before: Taken, keeper: Session) -> None:
    looks = [before]
    for _ in range(LOOKS):
        time.sleep(PAUSE)
        looks.append(keeper.taken())
    spent = looks[-1].cpu_seconds - before.cpu_seconds
    if spent > IDLE or all(look.running for look in looks[1:]):
        raise Bad(f"it works in a pause of {LOOKS * PAUSE * MILLI:.0f} ms, when nobody waits for an answer")


def _mean(heard: Sequence[Heard], kind: str) -> float:
    return statistics.fmean(one.seconds * MILLI for one in heard if one.asked.kind == kind)


def _last_words(keeper: Session) -> str:
    said = keeper.stderr_tail().strip().rpartition("\n")[2][-300:]
    return f"; its last words: {said}" if said else ""


if __name__ == "__main__":
    evaluator.serve(score)
