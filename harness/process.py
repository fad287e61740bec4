"""Starts a process with bounds on its time and on what it says. Nothing of its process group outlives the call.

`run_bounded` is one process from start to end, `Conversation` a long-lived one that answers line by line. What is
stopped is killed with all its descendants. Of one that ends by itself, a descendant that left its group (setsid) lives
on; where that matters the command is a sandbox with a process namespace of its own, which ends with its first process.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from harness.child import Child, Command, Drain, Inlet, Stopped
from harness.descendants import Broken, Watch

KIB = 1 << 10
MIB = 1 << 20
_GRACE = 2.0  # seconds between closing a child's standard input and killing it
_IN_WORDS: dict[Broken, str] = {"memory": "memory", "cpu": "processor time", "processes": "processes"}
_LAST_BREATH = 0.5  # seconds between a child's closed standard output and its own exit code


@dataclass(frozen=True)
class Finished:
    """How a process ended: `stopped` says which bound it broke, if any.

    exit_code: negative when killed by that signal. stdout, report: all of it, or the first bytes up to
    the limit that was broken. stderr: its last bytes. seconds: wall clock, launch included. cpu_seconds: processor
    time of the leader and of what it waited for; a sandbox's leader does not wait for what is in it.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    report: bytes
    seconds: float
    stopped: Stopped
    cpu_seconds: float


Over = Literal["exit", "timeout", "output", "memory", "cpu", "processes"]


class ConversationOver(Exception):
    """The child of a conversation can be asked no more.

    kind: "exit" (it ended, or closed its standard output), "timeout", "output" (an answer over its
    limit, or a line nobody asked for), or what the watch killed it for. exit_code as subprocess gives it; a
    child that was stopped shows -9.
    """

    def __init__(self, kind: Over, exit_code: int, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.exit_code = exit_code
        self.detail = detail


def run_bounded(
    argv: Command,
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str],
    timeout: float,
    stdin: bytes = b"",
    report: bool = False,
    output_limit: int = MIB,
    error_limit: int = 64 * KIB,
    report_limit: int = 16 * MIB,
    watch: Watch | None = None,
    inherited: tuple[int, ...] = (),
    started: Callable[[], None] = lambda: None,
) -> Finished:
    """Runs one command to its end, or to the first bound it breaks, and then kills its process group.

    timeout in seconds of wall clock, limits in bytes. With `report` the child finds in
    AUTORESEARCH_REPORT the number of a descriptor to write to. The call ends when the leader does: what
    leftovers still hold open is not waited for. watch: for a sandbox, what its whole tree may use. inherited: more
    descriptors that the child gets, under the same numbers; started: called when it has them. Raises OSError when the
    command cannot be started.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        told = Inlet(-1, report_limit, "report")
        if report:
            told.descriptor, sink = _pipe(stack)
            with os.fdopen(sink, "wb"):
                channel = {"AUTORESEARCH_REPORT": str(sink)}
                child = stack.enter_context(Child(argv, cwd, {**env, **channel}, (sink, *inherited), watch))
            child.listen_to(told)
        else:
            child = stack.enter_context(Child(argv, cwd, env, inherited, watch))
        started()
        output = child.listen(child.stdout, output_limit, "output")
        errors = child.listen(child.stderr, error_limit, "")
        child.feed(stdin, last=True)
        stopped = child.pump(began + timeout)
        exit_code = child.end()
        return Finished(
            exit_code,
            bytes(output.data),
            bytes(errors.data),
            bytes(told.data),
            time.monotonic() - began,
            child.verdict or stopped,
            child.cpu_seconds,
        )


class Conversation:
    """A long-lived child that answers one line on standard output per line on standard input.

    For one thread at a time. Standard error is read all along, so that the child never waits for a reader.

    A line that nobody asked for ends the conversation with kind "output": at once when it comes with an
    answer, else at the next `ask`, at the latest in `close`. A line that slips in between that look and
    the question is taken for the answer, and noticed when the true one comes. Who must know that an
    answer belongs to its question puts something into the question that cannot be guessed, and looks for
    it.
    """

    def __init__(
        self,
        argv: Command,
        cwd: str | os.PathLike[str],
        env: Mapping[str, str],
        error_limit: int = 64 * KIB,
        watch: Watch | None = None,
        inherited: tuple[int, ...] = (),
    ) -> None:
        """Starts the child, or raises OSError. error_limit in bytes: how much `stderr_tail` keeps.

        inherited: descriptors that the child gets, under the same numbers.
        """
        self._child = Child(argv, cwd, env, inherited, watch)
        self._output = self._child.listen(self._child.stdout, 0, "output")
        self._errors = Drain(Inlet(self._child.stderr, error_limit, ""))
        self._over: ConversationOver | None = None
        self._closed = False

    def ask(
        self,
        line: bytes,
        timeout: float,
        answer_limit: int = 64 * MIB,
        meanwhile: Callable[[], None] | None = None,
    ) -> bytes:
        """One question, one answer, both without their newline. timeout in seconds, answer_limit in bytes.

        meanwhile: done once the question is on its way; what time it takes is not counted.

        Raises ConversationOver, the same at each later call; ValueError for a question of several lines.
        """
        if self._over is not None or self._closed:
            raise self._over or ValueError("this conversation was closed")
        question = line.removesuffix(b"\n")
        if b"\n" in question:
            raise ValueError("a question is one line")
        self._output.limit = answer_limit + 1
        if self._said_more():
            raise self._end("output", "it said a line that nobody asked for")
        self._child.feed(question + b"\n", last=False)
        if meanwhile:
            meanwhile()
        stopped = self._child.pump(time.monotonic() + timeout, lambda: self._output.has_line() or self._output.ended)
        if stopped == "timeout":
            raise self._end("timeout", f"no answer within {timeout:g} s")
        if stopped:
            raise self._end("output", f"an answer of more than {answer_limit} bytes")
        return self._answer()

    @property
    def pid(self) -> int:
        return self._child.pid

    def stderr_tail(self) -> str:
        """The last of what the child wrote to standard error, control characters escaped."""
        return printable(self._errors.tail())

    def kill(self) -> None:
        """Ends the child at once; it is still to be closed."""
        self._child.kill()

    def close(self) -> None:
        """Closes the child's standard input, waits 2 s for its end, then kills its process group.

        Raises ConversationOver("output") when it said more than was asked, unless it was over before.
        """
        if self._closed:
            return
        self._closed = True
        if self._over is not None:
            return
        self._output.limit = MIB
        self._child.feed(b"", last=True)
        self._child.pump(time.monotonic() + _GRACE, lambda: bool(self._output.data))
        if self._said_more():
            raise self._end("output", "it said more than it was asked")
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(ConversationOver):  # the error that is on its way says more
            self.close()

    def _said_more(self) -> bool:
        self._child.drain()
        return bool(self._output.data)

    def _answer(self) -> bytes:
        if not self._output.has_line():
            self._child.pump(time.monotonic() + _LAST_BREATH)
            raise self._end("exit", "it ended without an answer")
        answer = bytes(self._output.data[: self._output.newline])
        extra = len(self._output.data) - len(answer) - 1
        self._output.clear()
        if extra:
            raise self._end("output", "it answered one question more than once")
        if self._child.unsent:
            raise self._end("output", "it answered before it had read the question")
        return answer

    def _end(self, kind: Over, why: str) -> ConversationOver:
        exit_code = self._finish()
        if broken := self._child.verdict:
            kind, why = broken, f"it used more than its limit: {_IN_WORDS[broken]}"
        last = printable(self._errors.tail()).strip().rpartition("\n")[2][-300:]
        self._over = ConversationOver(kind, exit_code, why + (f"; its last words: {last}" if last else ""))
        return self._over

    def _finish(self) -> int:
        self._child.kill()
        self._errors.stop()  # before its pipe is closed
        return self._child.end()


def printable(said: bytes) -> str:
    """What a process said, fit for a terminal or a page: anything but text, newlines and tabs is escaped."""
    text = said.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose reading end never blocks and closes with the stack; the other end is the caller's."""
    source, sink = os.pipe()
    os.set_blocking(source, False)
    stack.callback(os.close, source)
    return source, sink
