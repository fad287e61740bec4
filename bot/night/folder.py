"""The folder of a night, <git common dir>/autoresearch/<night>/, and the mutex beside it.

plan.json                            what this night set out to do
<target>/<night>.<n>-<verb>.jsonl    segments, with .pack files beside them
<target>/tried.txt                   what earlier nights measured under the same lock
recorded.txt                         what of it is on the records branch
pull-request.md .html chart-*.png    what a human reads
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.records import night_order
from harness import events
from harness.errors import BusyError, IntegrityError, NotFound
from harness.events import Segment
from harness.handover import plans
from harness.handover.expected import MOST_PACK_BYTES, MOST_SEGMENT_BYTES
from harness.handover.files import Files, read_bounded, read_folder
from harness.healing import heal
from harness.repository import Repository

RECORDED = "recorded.txt"  # what of a night is on the records branch: blob id and path, a line each
MUTEX_VARIABLE = "AUTORESEARCH_MUTEX"
DYING = 5.0  # seconds that the children of a killed night may take to follow it
_MOST_PLAN = 16 * 1024 * 1024
_BESIDE = re.compile(r"\.?tried\.txt(?:\.[0-9]+)?")  # what lies beside the segments, and is no record
_MOST = {".jsonl": MOST_SEGMENT_BYTES, ".pack": MOST_PACK_BYTES}


@dataclass(frozen=True)
class TargetPlan:
    """One target's share of a night. Seconds, US dollars; None is no limit."""

    name: str
    folder: str
    seed: int
    lock: str
    experiments: int
    wall_clock: float | None
    usd: float
    plateau: int | None
    coin: str = ""  # orders the sides of pairs; nobody can know it before the night
    carried_from: str = ""  # an unreviewed night whose rows this one starts from
    carried_blob: str = ""
    reserve: str = ""  # what confirm will be able to pay for, as far as is known
    looks: int = 0  # at the held-out data, before this night
    declined: tuple[str, ...] = ()  # what humans turned down before, a line each


@dataclass(frozen=True)
class Plan:
    """What a night set out to do: frozen before anything is spent."""

    night: str
    base: str
    created: int  # seconds since 1970, also the date of every commit of the night
    targets: tuple[TargetPlan, ...]
    wall_clock: float | None
    usd: float | None


@dataclass(frozen=True)
class Night:
    """A night's folder."""

    repository: Repository
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def plan(self) -> Plan:
        """Raises IntegrityError for a plan that this program did not write."""
        try:
            data = json.loads(_plain_file(self.path / "plan.json"))
            if wrong := plans.problem(data, self.name):
                raise ValueError(wrong)
            return Plan(**{**data, "targets": tuple(map(_share, data["targets"]))})
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise IntegrityError(
                f"{self.path / 'plan.json'} cannot be read: {error}",
                why="it was changed after it was written, or another version of this program wrote it",
                next_step=f"move {self.path} away; what was recorded stays on the branch autoresearch/results",
            ) from None

    @property
    def done(self) -> bool:
        """Whether the night came to its end: everything recorded, and proposed if confirmed."""
        return (self.path / "done").exists()

    def finish(self) -> None:
        (self.path / "done").touch()

    @property
    def recorded(self) -> dict[str, str]:
        """path -> blob id of what was appended to the records branch, as far as this machine did it."""
        if not (self.path / RECORDED).is_file():
            return {}
        lines = (self.path / RECORDED).read_text(encoding="utf-8").splitlines()
        return {path: blob for blob, _, path in (line.partition(" ") for line in lines)}

    def write_plan(self, plan: Plan) -> None:
        write_atomically(self.path / "plan.json", json.dumps(asdict(plan), indent=2) + "\n")

    def target_plan(self, target: str) -> TargetPlan:
        for entry in self.plan.targets:
            if entry.name == target:
                return entry
        raise NotFound(f'the night {self.name} has no target "{target}"')

    def folder(self, target: str) -> Path:
        return self.path / target

    def scratch(self, target: str, verb: str) -> Path:
        """A fresh folder for one verb; what an interrupted one left in it is removed.

        It lies apart from the night, which is carried from job to job: it holds what the evaluator reads.
        """
        path = self._scratch / f"{target}-{verb}"
        remove_tree(path)
        self.repository.private.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(parents=True)
        return path

    def clear(self) -> None:
        """Removes what is left of scratch folders."""
        remove_tree(self._scratch)

    @property
    def _scratch(self) -> Path:
        return self.repository.private / "scratch" / self.name

    def files(self, target: str) -> Files:
        """What a target's folder holds: plain files of the night's own names; anything else is named, never read."""
        return read_folder(self.folder(target), self.wanted, _BESIDE, _MOST)

    @property
    def wanted(self) -> re.Pattern[str]:
        """What the files of a segment of this night are called."""
        return re.compile(rf"{re.escape(self.name)}\.[0-9]+-[a-z]+\.(?:jsonl|pack)")

    def segments(self, target: str) -> list[Segment]:
        contents = self.files(target).contents
        names = [name.removesuffix(".jsonl") for name in contents if name.endswith(".jsonl")]
        names.sort(key=segment_number)
        return [events.parse(name, contents[f"{name}.jsonl"], contents.get(f"{name}.pack", b"")) for name in names]

    def packs(self, target: str) -> dict[str, bytes]:
        """SHA-256 -> content of every content that lies in a pack."""
        found: dict[str, bytes] = {}
        contents = self.files(target).contents
        for name, pack in contents.items():
            stem, _, suffix = name.rpartition(".")
            if suffix == "pack" and f"{stem}.jsonl" in contents:
                segment = events.parse(stem, contents[f"{stem}.jsonl"], pack)
                found |= events.packed_contents(segment, pack)
        return found

    def begin(self, target: str, verb: str, segments: list[Segment], header: dict[str, Any]) -> events.SegmentWriter:
        """The next segment of a target, after these."""
        number = segment_number(segments[-1].name) + 1 if segments else 1
        previous = segments[-1].chain if segments else events.GENESIS
        name = f"{self.name}.{number}-{verb}"
        return events.SegmentWriter(self.folder(target), name, previous, {"verb": verb, **header})

    def mend(self, target: str) -> None:
        """Ends an interrupted last segment. Raises IntegrityError if more than its last line is damaged."""
        found = self.segments(target)
        if found and not found[-1].sealed:
            heal(self.folder(target), found[-1])

    def healed(self, target: str) -> list[Segment]:
        """The segments of a target, an interrupted last one ended. Raises IntegrityError on damage."""
        self.mend(target)
        found = self.segments(target)
        bad = events.verify_order(found)
        if bad:
            raise IntegrityError(
                f"the night's record does not verify: {bad}",
                why="it was changed, or damaged on the disk, after it was written",
                next_step="autoresearch night --new; the damaged night stays as it is",
            )
        return found


def _share(entry: dict[str, Any]) -> TargetPlan:
    return TargetPlan(**{**entry, "declined": tuple(entry.get("declined", ()))})


def _plain_file(path: Path) -> bytes:
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = read_bounded(handle, path.name, _MOST_PLAN)
    finally:
        os.close(handle)
    if found is None:
        raise ValueError("it is too large")
    return found


def segment_number(name: str) -> int:
    """The n of <night>.<n>-<verb>."""
    found = re.search(r"\.(\d+)-[a-z]+$", name)
    return int(found.group(1)) if found else 0


def nights(repository: Repository) -> list[Night]:
    """Every night on this machine, oldest first."""
    plans = [path for path in repository.state.glob("*/plan.json") if not path.parent.is_symlink()]
    return sorted((Night(repository, path.parent) for path in plans), key=_order)


def night_named(repository: Repository, name: str) -> Night:
    """The night of this name, or the last one for "". Raises NotFound."""
    known = nights(repository)
    if not name and known:
        return known[-1]
    for night in known:
        if night.name == name:
            return night
    what = f'there is no night "{name}"' if name else "there has been no night here yet"
    have = f"there are: {', '.join(night.name for night in known[-5:])}" if known else "autoresearch night runs one"
    raise NotFound(what, next_step=have)


def _order(night: Night) -> tuple[str, int]:
    return night_order(night.name)


@contextmanager
def mutex(repository: Repository) -> Iterator[int]:
    """Holds the repository's only place for a running night; children inherit it. Raises BusyError."""
    repository.state.mkdir(parents=True, exist_ok=True)
    inherited = _inherited(repository.state / "mutex")
    if inherited is not None:
        yield inherited
        return
    handle = os.open(repository.state / "mutex", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(handle)
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        os.set_inheritable(handle, True)
        yield handle
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    """Locks the mutex. What a killed night started dies a moment after it; that moment is waited for."""
    deadline = time.monotonic() + DYING
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 100, 0).decode(errors="replace").strip()
            if time.monotonic() > deadline or _alive(holder):
                raise BusyError(
                    f"a night is already running in this repository (process {holder or 'unknown'})",
                    next_step="wait for it, or stop it with Ctrl-C; autoresearch night then goes on where it was",
                ) from None
            time.sleep(0.05)
        else:
            return


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    return True


def _inherited(path: Path) -> int | None:
    """The mutex that the parent holds for us, if the descriptor really is it."""
    number = os.environ.get(MUTEX_VARIABLE, "")
    if not number.isdigit():
        return None
    try:
        held, there = os.fstat(int(number)), path.stat()
    except OSError:
        return None
    return int(number) if (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino) else None


def write_atomically(path: Path, text: str | bytes) -> None:
    """Writes a whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as file:  # never through a link that somebody put there
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
