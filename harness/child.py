"""What process.py is made of: a child and its pipes, served together so that none makes us wait alone."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Literal, Self, cast

from harness.descendants import Broken, Guard, Watch, kill_tree

Stopped = Literal["timeout", "output", "report"] | Broken
Command = Sequence[str | os.PathLike[str]]

_CHUNK = 64 * 1024  # bytes: the size of a pipe on Linux
_DRAIN_READS = 64  # of a chunk each: more than a pipe holds, and an end to one that is still being filled
_POLL = 0.02  # seconds; only where the system cannot tell us of a death


@dataclass
class Inlet:
    """What one pipe brought: its first `limit` bytes, `broken` if it had more; or (overflow "") its last."""

    descriptor: int
    limit: int
    overflow: Stopped
    data: bytearray = field(default_factory=bytearray)
    newline: int = -1  # where in data the first one stands
    ended: bool = False
    broken: bool = False

    def take(self) -> bool:
        """Reads once, without waiting. False when nothing was there."""
        try:
            chunk = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self.ended = True
            return False
        if self.newline < 0 and (at := chunk.find(b"\n")) >= 0:
            self.newline = len(self.data) + at
        self.data += chunk
        self._cut()
        return True

    def _cut(self) -> None:
        excess = len(self.data) - self.limit
        if excess <= 0:
            return
        if self.overflow:
            self.broken = True
            del self.data[self.limit :]
        else:
            del self.data[:excess]

    def drain(self) -> None:
        """Reads what is there, and no more than a pipe can hold."""
        for _ in range(_DRAIN_READS):
            if self.ended or self.broken or not self.take():
                return

    def has_line(self) -> bool:
        return self.newline >= 0

    def clear(self) -> None:
        self.data.clear()
        self.newline = -1


class Child:
    """A process that leads a group of its own, and the loop that moves bytes to and from it."""

    def __init__(
        self,
        argv: Command,
        cwd: str | os.PathLike[str],
        env: Mapping[str, str],
        inherited: tuple[int, ...],
        watch: Watch | None = None,
    ) -> None:
        """Starts it, or raises OSError. watch: only for a leader whose end is the end of all its descendants."""
        self._selector = selectors.DefaultSelector()
        try:
            self._process = _launch(argv, cwd, env, inherited)
        except BaseException:
            self._selector.close()
            raise
        self._pipes = [
            cast(IO[bytes], pipe) for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        ]
        self._stdin, self.stdout, self.stderr = (pipe.fileno() for pipe in self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._inlets: list[Inlet] = []
        self.unsent = memoryview(b"")
        self._last = False
        self._ended = False
        self._death = _death_descriptor(self._process.pid)
        if self._death >= 0:
            self._selector.register(self._death, selectors.EVENT_READ, lambda: None)
        self._guard = Guard(self._process.pid, self._death, watch) if watch and self._death >= 0 else None
        self.cpu_seconds = 0.0  # known at its end: its own, and of the descendants that were waited for

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def verdict(self) -> Broken:
        """Which bound of the watch it was killed for."""
        return self._guard.verdict if self._guard else ""

    def listen(self, descriptor: int, limit: int, overflow: Stopped) -> Inlet:
        inlet = Inlet(descriptor, limit, overflow)
        self.listen_to(inlet)
        return inlet

    def listen_to(self, inlet: Inlet) -> None:
        self._inlets.append(inlet)
        self._selector.register(inlet.descriptor, selectors.EVENT_READ, lambda: self._read(inlet, inlet.take))

    def _read(self, inlet: Inlet, how: Callable[[], object]) -> None:
        if inlet.descriptor not in self._selector.get_map():
            return
        how()
        if inlet.ended:
            self._selector.unregister(inlet.descriptor)

    def feed(self, data: bytes, *, last: bool) -> None:
        """Writes what fits at once, the rest while pumping. A child that does not read it is no error."""
        self.unsent = memoryview(data)
        self._last = last
        self._write()

    def _write(self) -> None:
        try:
            self.unsent = self.unsent[os.write(self._stdin, self.unsent[:_CHUNK]) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.unsent = memoryview(b"")
        watched = self._stdin in self._selector.get_map()
        if self.unsent and not watched:
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
        if not self.unsent and watched:
            self._selector.unregister(self._stdin)
        if not self.unsent and self._last:
            self._pipes[0].close()

    def pump(self, deadline: float, enough: Callable[[], bool] = lambda: False) -> Stopped:
        """Moves bytes until there is enough, the leader is dead ("" for both), or a bound is broken."""
        while not enough():
            if self._dead():
                self.kill()
                self.drain()
                return self._broken()
            pause = deadline - time.monotonic()
            if pause <= 0:
                return "timeout"
            for key, _ in self._selector.select(min(pause, 3600 if self._death >= 0 else _POLL)):
                key.data()
            if broken := self._broken():
                return broken
        return ""

    def drain(self) -> None:
        for inlet in self._inlets:
            self._read(inlet, inlet.drain)

    def _broken(self) -> Stopped:
        return next((inlet.overflow for inlet in self._inlets if inlet.broken), "")

    def _dead(self) -> bool:
        if sys.platform != "linux":
            return self._process.poll() is not None
        # Not reaped yet: the group's number stays taken until its last members are killed.
        state = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return state is not None

    def kill(self) -> None:
        """Kills the group and, if the leader lives, its descendants in other groups: a sandbox that is starting
        has a session of its own, but does not yet die with its parent."""
        if self._ended:
            return
        if not self._dead():
            kill_tree(self._process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> int:
        """Kills what is left, reaps the leader, closes every descriptor. The leader's exit code."""
        self.kill()
        self._ended = True
        if self._guard:
            self._guard.stop()  # before its descriptor is closed
        exit_code = self._reap()
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()
        if self._death >= 0:
            os.close(self._death)
            self._death = -1
        return exit_code

    def _reap(self) -> int:
        if self._process.returncode is None:
            _pid, status, usage = os.wait4(self._process.pid, 0)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
            self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Drain:
    """Reads one pipe in a thread of its own until it ends or is told to stop."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._lock = threading.Lock()  # between a reader of the tail and the thread that grows it
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._inlet.descriptor, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            woken = False
            while not (woken or self._inlet.ended):
                woken = any(key.fd == self._wake for key, _ in selector.select())
                with self._lock:
                    self._inlet.drain()

    def tail(self) -> bytes:
        with self._lock:
            return bytes(self._inlet.data)

    def stop(self) -> None:
        """Takes what is there and ends the thread. To be called once, before the pipe is closed."""
        os.close(self._waker)
        self._thread.join()
        os.close(self._wake)


def _launch(
    argv: Command, cwd: str | os.PathLike[str], env: Mapping[str, str], inherited: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    # No preexec_fn, no change of user: only so does subprocess take vfork, whose cost does not grow with us.
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        pass_fds=inherited,
    )


def _death_descriptor(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 where the system has none."""
    if sys.platform != "linux":
        return -1
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1
