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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from harness.documents import load
from harness.process import Conversation, ConversationOver, Stopped, printable, run_bounded
from harness.sandbox import bwrap
from harness.sandbox.limits import Limits
from harness.sandbox.selftest import not_started, self_test

__all__ = ["ConversationOver", "Limits", "Result", "Session", "load", "run", "serve"]

Words = Sequence[str | os.PathLike[str]]
_DEFAULT = Limits()


@dataclass(frozen=True)
class Result:
    """How a candidate's run ended, and what it said.

    exit_code: as a shell's, 128 + n after signal n; negative when the limits stopped it.
    stdout:    all of it, at most `output` bytes of the limits.
    stderr:    its last 64 KiB, control characters escaped.
    stopped:   "timeout" or "output" when that limit ended it, else "".
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
    argv: Words, *, sees: Words = (), stdin: bytes = b"", limits: Limits = _DEFAULT, packages: bool = False
) -> Result:
    """Runs a candidate's command once, in /work of a new sandbox.

    "python" as argv[0] is the interpreter of the harness; its virtual environment's packages can be imported only
    with `packages`. sees: files and folders, seen from the current folder; the candidate finds each at the same
    relative path, what lies elsewhere by its name. Raises SandboxError when the sandbox does not hold, cannot be
    started, or cannot show a view.
    """
    self_test()
    command = bwrap.command(argv, sees=sees, limits=limits, packages=packages)
    finished = run_bounded(
        command, cwd="/", env={}, timeout=limits.seconds, stdin=stdin, output_limit=limits.output
    )
    stderr = printable(finished.stderr)
    _require_started(finished.exit_code, stderr, bwrap.command(["true"], sees=sees, limits=limits, packages=packages))
    return Result(finished.exit_code, finished.stdout, stderr, finished.seconds, finished.stopped)
