"""Fetches shards over HTTP until each has the size and the SHA-256 that it should have, or says why it cannot.

A shard grows as SHA256.part and gets its name only when every byte was verified. What broke off goes on where it
stopped, in this run or the next; a server that ignores that, or has another file by now, is asked for all of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from harness.errors import EvaluatorError
from harness.scorers.gpt.preparing import asking
from harness.scorers.gpt.preparing.asking import Broken, Refused

Say = Callable[[str], None]
MIB = 1 << 20
_CORRUPT = 2  # so often the whole of a shard may be wrong
_WORTH = 100  # an attempt that brought a hundredth of the shard is no failure


@dataclass(frozen=True)
class Shard:
    """size: bytes."""

    url: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """For people: without what may be a password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}{parts.path}"


@dataclass(frozen=True)
class Patience:
    """tries: in a row that bring nothing. wait: seconds after the first of them, doubled each time, at most longest.
    stall: seconds without news after which an answer counts as broken off."""

    tries: int = 6
    wait: float = 1.0
    longest: float = 120.0
    stall: float = 30.0


def fetch(shards: Sequence[Shard], downloads: Path, say: Say, patience: Patience | None = None) -> list[Path]:
    """The verified files, in the order of the shards. Raises EvaluatorError for the first that cannot be had."""
    downloads.mkdir(parents=True, exist_ok=True)
    found = []
    for number, shard in enumerate(shards, start=1):
        one = _Fetching(shard, downloads, partial(_tell, say, f"{number} of {len(shards)}"), patience)
        found.append(one.verified())
    return found


def _tell(say: Say, which: str, line: str) -> None:
    say(f"{which}: {line}")


class _Fetching:
    def __init__(self, shard: Shard, downloads: Path, say: Say, patience: Patience | None) -> None:
        self._shard, self._say, self._patience = shard, say, patience or Patience()
        self._whole = downloads / f"{shard.sha256}.parquet"
        self._part, self._tag = self._whole.with_suffix(".part"), self._whole.with_suffix(".etag")

    def verified(self) -> Path:
        if self._whole.is_file():
            if self._sound(self._whole):
                self._say(f"{self._shard.name} is here, verified")
                return self._whole
            self._say(f"{self._shard.name} was damaged on this disk and is fetched again")
            self._whole.unlink()
        with _alone(self._part, self._shard):
            self._require_room()
            self._fill()
            self._part.rename(self._whole)
        self._tag.unlink(missing_ok=True)
        self._say(f"{self._shard.name}: {self._shard.size:,} bytes, verified")
        return self._whole

    def _fill(self) -> None:
        """Attempts until the part is whole and sound. Raises EvaluatorError."""
        fruitless = corrupt = 0
        while True:
            before, wait = self._there(), 0.0
            try:
                self._attempt(before)
                if self._sound(self._part):
                    return
                corrupt += 1
                self._forget()
                why = f"{self._shard.size:,} bytes came, with another SHA-256 than {self._shard.sha256[:12]}"
                if corrupt == _CORRUPT:
                    raise self._given_up(f"{why}, twice", "what is there is not what the list names: compare the list")
            except Broken as broken:
                why, wait = str(broken), broken.wait
                if broken.afresh:
                    self._forget()
            except Refused as refused:
                raise self._given_up(str(refused), refused.step) from None
            fruitless = 0 if self._there() - before > self._shard.size // _WORTH else fruitless + 1
            if fruitless >= self._patience.tries:
                raise self._given_up(f"{why}; tried {fruitless} times", "later again: what came stays")
            self._pause(why, fruitless, wait)

    def _attempt(self, offset: int) -> None:
        """Appends what the server gives. Raises Broken, Refused."""
        if offset >= self._shard.size:
            if offset == self._shard.size:
                return
            self._forget()
            offset = 0
        tag = self._tag.read_text() if offset and self._tag.is_file() else ""
        with asking.answer(self._shard.url, offset, tag, self._shard.size, self._patience.stall) as found:
            if found.begins != offset:
                self._say(f"{self._shard.name}: the server begins again")
            self._tag.write_text(found.tag)
            with self._part.open("r+b") as file:
                file.truncate(found.begins)
                file.seek(found.begins)
                self._append(found.pieces, file, found.begins)

    def _append(self, pieces: Iterator[bytes], file: BinaryIO, at: int) -> None:
        told = time.monotonic()
        for piece in pieces:
            at += len(piece)
            if at > self._shard.size:
                raise Refused(f"more than the {self._shard.size:,} bytes that the list names", "compare the list")
            _write(file, piece)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self._say(f"{self._shard.name}: {at / MIB:,.0f} of {self._shard.size / MIB:,.0f} MiB")
        if at < self._shard.size:
            raise Broken(f"the answer broke off after {at:,} of {self._shard.size:,} bytes")
        file.flush()
        os.fsync(file.fileno())

    def _pause(self, why: str, fruitless: int, asked: float) -> None:
        """asked: seconds that the server wants to be left alone."""
        seconds = min(self._patience.longest, max(asked, self._patience.wait * 2 ** max(0, fruitless - 1)))
        self._say(f"{self._shard.name}: {why}; again in {seconds:.3g} s")
        time.sleep(seconds)

    def _there(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _forget(self) -> None:
        os.truncate(self._part, 0)
        self._tag.unlink(missing_ok=True)

    def _sound(self, path: Path) -> bool:
        if path.stat().st_size != self._shard.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self._shard.sha256

    def _require_room(self) -> None:
        needed, free = self._shard.size - self._there(), shutil.disk_usage(self._part.parent).free
        if needed > free:
            raise self._given_up(f"{needed:,} bytes are to come, {free:,} are free in {self._part.parent}", "make room")

    def _given_up(self, why: str, step: str) -> EvaluatorError:
        return EvaluatorError(f"the shard {self._shard.name} cannot be had", why=why, next_step=step)


@contextmanager
def _alone(part: Path, shard: Shard) -> Iterator[None]:
    """The part belongs to this process, from its first byte to its name."""
    with part.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            what = f"another process fetches {shard.name} right now"
            raise EvaluatorError(what, next_step="wait until it is done, then again") from None
        yield


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        raise Refused(f"it cannot be written: {error.strerror}", "make room; what came stays") from None
