"""What all processes of a candidate use together, which no limit of one process bounds: looked at, and held to Limits.

Not by control groups: these need root or a delegation, exist in two versions, and are not to be had where most bots
run. A watch needs nothing, and what it adds up is a lower bound: nobody is stopped for pages that processes share.

What it cannot see: between two looks memory can grow by what the machine fills in that time; a process that throws
away its children's times, and whose children each live shorter than that, hides their processor time; buffers of
pipes and sockets count for nobody. The wall clock, and the limits of each process, hold for these too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.descendants import Broken, members
from harness.sandbox.limits import Limits

_SECONDS = 0.05
_OWN = 2  # processes that are the sandbox's: bubblewrap without and within
_SCRATCH = ("tmp", "dev/shm")
_KIB = 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """By a tree of processes: tasks (threads included), seconds of processor time."""

    tasks: int
    cpu_seconds: float


@dataclass(frozen=True)
class Taken:
    """By a whole sandbox so far: seconds of processor time, and bytes of memory now, files in the scratch included.

    running: whether a thread of it computes now, or would if a busy machine let it.
    """

    cpu_seconds: float
    memory: int
    running: bool


class Watch:
    """Looks at one sandbox again and again; see `harness.descendants.Guard`."""

    interval = _SECONDS

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def broken(self, leader: int) -> Broken:
        """Which limit the sandbox that this process leads has broken."""
        pids = members(leader)
        used = _used(pids)
        if used.tasks - _OWN > self._limits.processes:
            return "processes"
        if self._limits.cpu_seconds is not None and used.cpu_seconds >= self._limits.cpu_seconds:
            return "cpu"
        return "memory" if self._too_much_memory(pids) else ""

    def _too_much_memory(self, pids: list[int]) -> bool:
        scratch = _scratch(pids[1:2])
        rough = _resident(pids)
        if rough + scratch <= self._limits.memory:
            return False
        # Shared pages were counted once for each process: now exactly, which takes the kernel longer.
        private = sum(_kib(pid, "smaps_rollup", "Pss_Anon:", "SwapPss:") for pid in pids) * _KIB
        shared = sum(_kib(pid, "smaps_rollup", "Pss_Shmem:") for pid in pids) * _KIB
        return private + max(shared, scratch) > self._limits.memory


def watch(limits: Limits) -> Watch | None:
    """The layer of limits that hold for all processes together."""
    return Watch(limits)


def taken(leader: int) -> Taken:
    """Of the sandbox that this process leads, told by the kernel; a page that processes share counts for each."""
    pids = members(leader)
    ended = sum(sum(map(int, fields[13:15])) for fields in map(_stat, pids))  # children that were waited for, in ticks
    memory = _resident(pids) + _scratch(pids[1:2])
    return Taken(sum(map(clock, pids)) + ended / _TICKS, memory, any(map(wants_to_run, pids)))


class Meter:
    """Processor time of a sandbox's processes but those given, which never falls: whoever ended stays counted, as last
    seen. What lived between two readings only is not."""

    def __init__(self, leader: int, but: Iterable[int] = ()) -> None:
        self._leader, self._but = leader, frozenset(but)
        self._most: dict[tuple[int, bytes], float] = {}

    def processes(self) -> list[int]:
        """Those that it measures, as they are now, what has ended and waits to be noticed left out."""
        return [pid for pid in members(self._leader) if pid not in self._but and _stat(pid)[:1] not in ([], [b"Z"])]

    def seconds(self) -> float:
        for pid in members(self._leader):
            if pid not in self._but and (told := _stat(pid)):
                who = (pid, told[19])  # a number is given again, with another moment of birth
                self._most[who] = max(self._most.get(who, 0.0), clock(pid))
        return sum(self._most.values())

    def signal(self, number: signal.Signals) -> None:
        """To each of them."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(pid)
                try:
                    if pid in members(self._leader):  # still the one that was meant
                        signal.pidfd_send_signal(handle, number)
                finally:
                    os.close(handle)


def scratch_file(leader: int, name: str, most: int) -> bytes:
    """A file of the sandbox's scratch folder, read without asking anybody in there. Raises OSError where there is none
    that is plain, ValueError for one of more bytes."""
    pids = members(leader)
    if len(pids) < _OWN:
        raise ProcessLookupError("the sandbox has ended")
    handle = os.open(f"/proc/{pids[1]}/root/{_SCRATCH[0]}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_dev == os.stat(f"/{_SCRATCH[0]}").st_dev:  # noqa: PTH116
            raise FileNotFoundError(name)
        if found.st_size > most:
            raise ValueError(f"{found.st_size:,} bytes, {most:,} are the most")
        return file.read(most)


def clock(pid: int) -> float:
    """Seconds on the processor, of all threads that a process has or had; 0 when it is gone."""
    with contextlib.suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)  # the kernel's number for another process's clock
    return 0.0


def wants_to_run(pid: int) -> bool:
    """Whether a thread of the process computes, or would if a busy machine let it."""
    for told in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            if told.read_bytes().rpartition(b") ")[2].startswith((b"R", b"D")):
                return True
    return False


def _used(pids: list[int]) -> Used:
    ticks = tasks = 0
    for fields in map(_stat, pids):
        ticks += sum(map(int, fields[11:15]))  # its own and those of the children it has waited for
        tasks += sum(map(int, fields[17:18]))
    return Used(tasks, ticks / _TICKS)


def _stat(pid: int) -> list[bytes]:
    """What /proc says of a process behind its name; nothing when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return []


def _resident(pids: list[int]) -> int:
    return sum(_kib(pid, "status", "RssAnon:", "RssShmem:", "VmSwap:") for pid in pids) * _KIB


def _kib(pid: int, file: str, *names: str) -> int:
    """The sum of these lines of a file in /proc, in KiB."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(words[1]) for line in lines if line.startswith(names) and len(words := line.split()) > 1)


def _scratch(pids: list[int]) -> int:
    """Bytes in the two scratch folders, as the sandbox's first process sees them; 0 while it still sees the host's."""
    used = 0
    for pid in pids:
        for name in _SCRATCH:
            with contextlib.suppress(OSError):
                place = f"/proc/{pid}/root/{name}"
                if os.stat(place).st_dev != os.stat(f"/{name}").st_dev:  # noqa: PTH116  # twenty times a second
                    found = os.statvfs(place)
                    used += (found.f_blocks - found.f_bfree) * found.f_frsize
                    used += (found.f_files - found.f_ffree) * _KIB  # an empty file takes the kernel about as much
    return used
