"""What was spent, what may still be asked for it, and nothing beyond a cap.

A folder of append-only files, one per calendar month (UTC), one JSON object a line:

    {"reserve": id, "night": .., "at": unix time, "usd": the worst case, "asked": hash of the prompt, "model": ..}
    {"settle": id, "usd": what it cost, "outcome": .., "answered": whether the answer can be had again}

A reservation is on the disk before anything is sent. One without a settle, because its broker was killed, counts in
full for ever. Brokers that share a folder take turns, and read what the others wrote before they reserve.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models import blobs, wire
from bot.models.messages import Answer

_LOCK = "lock"
_LONGEST_WAIT = 14 * 86400.0  # seconds that an answer waits for its night to go on


@dataclass(frozen=True)
class Caps:
    """In US dollars; None is no cap."""

    call: Decimal | None = None
    night: Decimal | None = None
    month: Decimal | None = None


@dataclass(frozen=True)
class Reservation:
    id: str
    month: str
    usd: Decimal


class PastCap(Exception):
    """The worst case does not fit; its text says into which cap."""


@dataclass
class _Entry:
    night: str
    month: str
    usd: Decimal
    asked: str
    settled: bool = False
    answered: bool = False


@dataclass
class _Read:
    """How far a month's file was read. file: which it was, by device and inode."""

    file: tuple[int, int] = (0, 0)
    offset: int = 0
    entries: dict[str, _Entry] = field(default_factory=dict)


class Ledger:
    """One broker's view. now: unix time in seconds. Raises OSError where the disk does not take a line: then nothing
    may be sent."""

    def __init__(self, folder: Path, night: str, caps: Caps, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.night = night
        self.caps = caps
        self._now = now
        self._months: dict[str, _Read] = {}
        self._mine = threading.Lock()
        self._answers = folder / "answers"
        self._answers.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        weakref.finalize(self, os.close, self._lock)
        with self._turn():
            self._refresh()
        self._earlier = self._left_by_earlier_lives()
        self._given: list[str] = []  # answers of this life, and of earlier ones that this one gave out
        self._clear_old()

    def reserve(self, usd: Decimal, asked: str, model: str) -> Reservation:
        """Durably set aside. Raises PastCap, with nothing written."""
        with self._turn():
            self._refresh()
            self._check(usd)
            reservation = Reservation(secrets.token_hex(8), self._month(), usd)
            line = {
                "reserve": reservation.id, "night": self.night, "at": round(self._now(), 3), "usd": str(usd),
                "asked": asked, "model": model,
            }  # fmt: skip
            self._append(reservation.month, line)
            return reservation

    def settle(self, reservation: Reservation, usd: Decimal, answer: Answer, *, again: bool) -> None:
        """again: this answer is what the same question gets after a kill, at no further cost."""
        if again:
            self._given.append(reservation.id)
            blobs.write_whole(self._place(reservation.id), wire.canonical(wire.answer_data(answer)))
        line = {"settle": reservation.id, "usd": str(usd), "outcome": answer.outcome, "answered": again}
        with self._turn():
            self._append(reservation.month, line)

    def earlier(self, asked: str) -> Answer | None:
        """An answer that an earlier life of this night's broker paid for; each is given out once."""
        with self._mine:
            waiting = self._earlier.get(asked, [])
            while waiting:
                name = waiting.pop(0)
                try:
                    answer = wire.answer_from(json.loads(self._place(name).read_bytes()))
                except (OSError, ValueError, KeyError, TypeError):
                    continue
                self._given.append(name)
                return answer
        return None

    def spent(self) -> dict[str, Decimal]:
        """night, month: what counts against the caps; open: the part of it that is reserved and not settled."""
        with self._turn():
            self._refresh()
            return {"night": self._sum(night=True), "month": self._sum(night=False), "open": self._open()}

    def left(self) -> Decimal | None:
        """The least that the caps of night and month leave; None without either."""
        with self._turn():
            self._refresh()
            caps = ((self.caps.night, True), (self.caps.month, False))
            return min((cap - self._sum(night=night) for cap, night in caps if cap is not None), default=None)

    def forget(self) -> None:
        """Takes the answers that this broker gave off the disk; what they cost stays."""
        for name in self._given:
            self._place(name).unlink(missing_ok=True)

    def _clear_old(self) -> None:
        """Answers of nights that were never gone on with."""
        for path in self._answers.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < time.time() - _LONGEST_WAIT:
                    path.unlink()

    def _check(self, usd: Decimal) -> None:
        wanted = (("call", Decimal(0)), ("night", self._sum(night=True)), ("month", self._sum(night=False)))
        for name, spent in wanted:
            cap = getattr(self.caps, name)
            if cap is not None and spent + usd > cap:
                raise PastCap(
                    f"it could cost ${usd:.6f}, and ${max(cap - spent, Decimal(0)):.6f} of the {name}'s ${cap} are left"
                )

    def _sum(self, *, night: bool) -> Decimal:
        found = (entry for entry in self._entries() if not night or entry.night == self.night)
        month = self._month()
        return sum((entry.usd for entry in found if night or entry.month == month), Decimal(0))

    def _open(self) -> Decimal:
        found = (entry for entry in self._entries() if entry.night == self.night and not entry.settled)
        return sum((entry.usd for entry in found), Decimal(0))

    def _entries(self) -> Iterator[_Entry]:
        for read in self._months.values():
            yield from read.entries.values()

    def _left_by_earlier_lives(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for read in self._months.values():
            for name, entry in read.entries.items():
                if entry.night == self.night and entry.answered:
                    found.setdefault(entry.asked, []).append(name)
        return found

    def _month(self) -> str:
        return time.strftime("%Y-%m", time.gmtime(self._now()))

    def _place(self, name: str) -> Path:
        return self._answers / f"{name}.json"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Alone among the threads of this broker and among brokers."""
        with self._mine:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _refresh(self) -> None:
        """Takes in what was written since. A night that runs over the end of a month stands in two files."""
        now = time.gmtime(self._now())
        before = f"{now.tm_year - (now.tm_mon == 1)}-{(now.tm_mon - 2) % 12 + 1:02}"
        for month in {before, self._month(), *self._months}:
            self._read(month)

    def _read(self, month: str) -> None:
        """What was read of a file that is gone, or was cut or put in another's place, goes on counting."""
        read = self._months.setdefault(month, _Read())
        try:
            with self._file(month).open("rb") as file:
                found = os.fstat(file.fileno())
                if (found.st_dev, found.st_ino) != read.file or found.st_size < read.offset:
                    read.file, read.offset = (found.st_dev, found.st_ino), 0
                file.seek(read.offset)
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        read.offset += len(whole)
        for line in whole.splitlines():
            _take(read.entries, month, line)

    def _append(self, month: str, line: Mapping[str, Any]) -> None:
        """A kill can cut the last line: what follows then begins on a line of its own."""
        path = self._file(month)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            content = (b"\n" if torn else b"") + wire.canonical(line) + b"\n"
            if os.write(descriptor, content) != len(content):
                raise OSError(f"{path}: the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._read(month)

    def _file(self, month: str) -> Path:
        return self.folder / f"{month}.jsonl"


def _take(entries: dict[str, _Entry], month: str, line: bytes) -> None:
    try:
        data = json.loads(line)
        if "reserve" in data:
            entries[data["reserve"]] = _Entry(data["night"], month, Decimal(data["usd"]), data["asked"])
        elif "settle" in data:
            entry = entries[data["settle"]]
            entry.usd, entry.settled, entry.answered = Decimal(data["usd"]), True, data["answered"]
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return  # a line that a kill cut: nothing was sent for it, or its reservation counts in full
