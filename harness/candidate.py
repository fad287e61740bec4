"""What an evaluator imports to run or read a candidate. A candidate is hostile: what comes back is data to check.

    from harness import candidate
    result = candidate.run(["python", "solution.py"], sees=["solution.py", "data/questions.json"], stdin=b"...")

    with candidate.serve(["python", "solution.py"], sees=["solution.py"]) as session:
        answer = session.ask("3 4")

    spec = candidate.load("spec.yaml")

Each run and each session has a sandbox of its own, which sees nothing of this process or of the evaluator's folder
but the declared views; see `harness.sandbox`. Without a sandbox that holds no candidate code runs: SandboxError.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from harness.child import Stopped
from harness.descendants import members
from harness.documents import load
from harness.process import Conversation, ConversationOver, printable, run_bounded
from harness.sandbox import TESTED_VARIABLE, bwrap, usage
from harness.sandbox.limits import Limits
from harness.sandbox.usage import Taken

__all__ = ["ConversationOver", "Limits", "Result", "Session", "Taken", "load", "run", "serve"]

Words = Sequence[str | os.PathLike[str]]
_DEFAULT = Limits()
_RETRY_SECONDS = 20.0
_SANDBOXS_WORDS = (b"bwrap: ", b"sandbox: ")


@dataclass(frozen=True)
class Result:
    """How a candidate's run ended, and what it said.

    exit_code: as a shell's, 128 + n after signal n; negative when the limits stopped it.
    stdout:    all of it, at most `output` bytes of the limits.
    stderr:    its last 64 KiB, control characters escaped.
    stopped:   "timeout", "output", "memory", "cpu" or "processes" when that limit of the whole candidate ended it,
               else "". Where one of its processes came to a limit of its own, the exit code tells of that.
    """

    exit_code: int
    stdout: bytes
    stderr: str
    seconds: float
    stopped: Stopped

    @property
    def ok(self) -> bool:
        """Ended by itself, with exit code 0."""
        return self.exit_code == 0 and not self.stopped


def run(
    argv: Words,
    *,
    sees: Words = (),
    stdin: bytes = b"",
    limits: Limits = _DEFAULT,
    packages: bool = False,
    hides: Sequence[Path] = (),
    gpu: bool = False,
) -> Result:
    """Runs a candidate's command once, in /candidate of a new sandbox.

    "python" as argv[0] is the interpreter of the harness; its virtual environment's packages can be imported only
    with `packages`. sees: files and folders, seen from the current folder; the candidate finds each at the same
    relative path, what lies elsewhere by its name. hides: folders of the machine (below /usr, or of the
    interpreter) that it finds empty. gpu: whether it is given the card (`harness.device`). Raises SandboxError when the
    sandbox does not hold, cannot be started, or cannot show a view.
    """
    _require_sandbox()
    sandbox = partial(bwrap.command, sees=sees, limits=limits, packages=packages, hides=hides, gpu=gpu)
    finished = run_bounded(
        sandbox(argv),
        cwd="/",
        env={},
        timeout=limits.seconds,
        stdin=stdin,
        output_limit=limits.output,
        watch=usage.watch(limits),
    )
    _require_started(finished.exit_code, finished.stderr, sandbox)
    return Result(finished.exit_code, finished.stdout, printable(finished.stderr), finished.seconds, finished.stopped)


def serve(
    argv: Words,
    *,
    sees: Words = (),
    limits: Limits = _DEFAULT,
    packages: bool = False,
    listening: socket.socket | None = None,
    hides: Sequence[Path] = (),
    gpu: bool = False,
) -> Session:
    """Starts a candidate that answers questions; `argv`, `sees`, `packages`, `hides`, `gpu` and errors as
    for `run`.

    The limits' seconds and output hold for each answer, the others for the whole session. The session ends with the
    thread that started it.

    listening: a Unix socket that the evaluator has bound in a folder of its own and listens on. The candidate finds it
    as descriptor 3: it takes the evaluator's connections there, and can make no socket and no connection itself.
    """
    _require_sandbox()
    sandbox = partial(bwrap.command, sees=sees, limits=limits, packages=packages, hides=hides, gpu=gpu)
    return Session(sandbox, argv, limits, listening)


class Session:
    """A candidate in its sandbox, which answers one line for each line. Close it, or use it in a `with`."""

    def __init__(
        self, sandbox: Callable[..., list[str]], argv: Words, limits: Limits, listening: socket.socket | None = None
    ) -> None:
        self._sandbox = sandbox
        self._limits = limits
        kept = _listener(listening)
        command = sandbox(argv, kept=kept) if kept else sandbox(argv)
        inherited = (kept,) if kept else ()
        self._conversation = Conversation(command, cwd="/", env={}, watch=usage.watch(limits), inherited=inherited)

    def ask(self, line: bytes | str, timeout: float | None = None) -> bytes:
        """The candidate's answer, without its newline. timeout in seconds, the limits' unless given.

        Raises ConversationOver when the candidate ended, took too long, said too much, or answered twice: also at
        the next question, or at `close`, when the second answer came late. An answer that came before its question
        was asked can go unnoticed until then; ask what cannot be guessed where that matters.
        """
        question = line.encode() if isinstance(line, str) else line
        seconds = self._limits.seconds if timeout is None else timeout
        try:
            return self._conversation.ask(question, seconds, self._limits.output)
        except ConversationOver as over:
            _require_started(over.exit_code, self._conversation.stderr_tail().encode(), self._sandbox)
            raise

    def stderr_tail(self) -> str:
        """The last 64 KiB that the candidate wrote to standard error, control characters escaped."""
        return self._conversation.stderr_tail()

    def taken(self) -> Taken:
        """What the candidate's processes have taken so far, as the kernel tells this process; none of them is asked."""
        return usage.taken(self._conversation.pid)

    def meter(self, *, but_who_is_there: bool = False) -> usage.Meter:
        """A clock of the candidate's processes. but_who_is_there: of those to come alone."""
        leader = self._conversation.pid
        return usage.Meter(leader, members(leader) if but_who_is_there else ())

    def scratch_file(self, name: str, most: int) -> bytes:
        """A file that the candidate left in the scratch folder, as it is now; nobody in the sandbox is asked. Raises
        OSError where there is none that is plain, ValueError for one of more than `most` bytes."""
        return usage.scratch_file(self._conversation.pid, name, most)

    def kill(self) -> None:
        """Ends the candidate where it stands: `close` would let it take its leave."""
        self._conversation.kill()

    def close(self) -> None:
        """Ends the candidate. Raises ConversationOver when it had said more than it was asked."""
        self._conversation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._conversation.__exit__(kind, *error)


def _listener(listening: socket.socket | None) -> int:
    """Its descriptor; 0 for none. Any other socket would be a way out: who holds it sends, or connects, by it."""
    if listening is None:
        return 0
    is_listening = listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listening.family != socket.AF_UNIX or not is_listening:
        raise ValueError("a candidate is given a Unix socket that listens, and no other")
    return listening.fileno()


def _require_sandbox() -> None:
    if TESTED_VARIABLE in os.environ:
        return
    from harness.sandbox.selftest import self_test  # what only reads a candidate's data starts without it

    self_test()


def _require_started(exit_code: int, stderr: bytes, sandbox: Callable[[Words], list[str]]) -> None:
    """Raises SandboxError when the candidate is not to blame: bubblewrap, or the launcher in it, failed.

    A candidate can end as they do and say what they say. So its word is not taken: the same sandbox is
    started once more, for a command that is not the candidate's.
    """
    if exit_code != 1 or not stderr.startswith(_SANDBOXS_WORDS):
        return
    from harness.sandbox.selftest import not_started

    second = run_bounded(sandbox(["true"]), cwd="/", env={}, timeout=_RETRY_SECONDS)
    if second.exit_code == 1 and second.stderr.startswith(_SANDBOXS_WORDS):
        raise not_started(second.stderr)
