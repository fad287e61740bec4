"""One run of an agent's tool: what it is shown, the sandbox it runs in, and the one file that comes back.

The tool works on a copy in the sandbox's memory. Nothing of it is ever mounted from this machine for writing, and the
file comes back as text on a pipe: no link, mode, second file or git hook has a way to get out.
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.models.passage import Kind, Passage
from bot.proposers import command_inside
from harness.admission import MOST_BYTES
from harness.process import MIB, printable, run_bounded
from harness.sandbox import bwrap, usage
from harness.sandbox.limits import Limits
from harness.sandbox.selftest import self_test

_SHOWN = "shown"
_PROGRAM = "run.py"
_WORDS = 16 << 10  # characters of the tool's last output
_LOOK = "import shutil, sys; sys.exit(shutil.which(sys.argv[1]) is None)"
_LOOKING = 20.0  # seconds, on a loaded machine
_KEY = "held-by-the-proxy"  # a word for tools that will not start without a key
_BASE = "http://127.0.0.1:" + command_inside.PORT
_ENVIRONMENTS: Mapping[Kind, Mapping[str, str]] = {
    "anthropic": {"ANTHROPIC_BASE_URL": _BASE, "ANTHROPIC_API_KEY": _KEY},
    "openai": {"OPENAI_BASE_URL": f"{_BASE}/v1", "OPENAI_API_BASE": f"{_BASE}/v1", "OPENAI_API_KEY": _KEY},
}
_QUIET = {  # no attempt at what cannot be reached
    "CI": "1", "NO_COLOR": "1", "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """argv runs in a folder that holds `files` (name -> bytes), with `words` on standard input; `file` comes back."""

    argv: Sequence[str]
    files: Mapping[str, bytes]
    file: str
    words: str
    seconds: float


@dataclass(frozen=True)
class Left:
    """What a tool left. content: None where it failed, and then why; said: its last output, escaped."""

    content: bytes | None
    why: str
    said: str


def limits(seconds: float) -> Limits:
    """For programs such as Node, which reserve address space by the terabyte and start many threads."""
    return Limits(
        seconds=seconds, memory=4 << 30, address_space=64 << 40, processes=256, file_size=256 << 20,
        output=3 * MIB + 2 * MOST_BYTES, open_files=4096,
    )  # fmt: skip


def run(task: Task, passage: Passage | None, bounds: Limits | None = None) -> Left:
    """Runs the tool to its end or to a limit, with all that it started. Raises SandboxError."""
    self_test()
    bounds = bounds or limits(task.seconds)
    with tempfile.TemporaryDirectory(prefix="autoresearch-") as name:
        folder = Path(name).resolve()
        _lay_out(folder, task.files)
        argv = bwrap.command(
            ["python", "-I", "-S", f"/candidate/{_PROGRAM}"],
            sees=[_SHOWN, _PROGRAM],
            limits=bounds,
            packages=True,
            folder=folder,
            door=passage.door if passage else None,
        )
        done = run_bounded(
            argv, cwd="/", env={}, timeout=bounds.seconds, stdin=_plan(task, passage), output_limit=bounds.output,
            watch=usage.watch(bounds),
        )  # fmt: skip
    if done.stopped:
        return Left(None, f"stopped by its limit: {done.stopped}", "")
    return _read(done.stdout) or Left(None, "it ended without a report", printable(done.stderr))


def findable(program: str) -> bool:
    """Whether a tool of this name could be started in the sandbox. Raises SandboxError."""
    self_test()
    with tempfile.TemporaryDirectory(prefix="autoresearch-") as name:
        bounds, folder = limits(_LOOKING), Path(name).resolve()
        words = ["python", "-I", "-S", "-c", _LOOK, program]
        argv = bwrap.command(words, sees=[], limits=bounds, packages=True, folder=folder)
        done = run_bounded(argv, cwd="/", env={}, timeout=bounds.seconds, output_limit=bounds.output)
    return done.exit_code == 0


def _lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    shown = folder / _SHOWN
    shown.mkdir()
    for name, content in files.items():
        (shown / name).write_bytes(content)
        (shown / name).chmod(0o644)
    shown.chmod(0o755)
    program = folder / _PROGRAM
    program.write_bytes(Path(command_inside.__file__).read_bytes())
    program.chmod(0o644)


def _plan(task: Task, passage: Passage | None) -> bytes:
    plan = {
        "argv": list(task.argv),
        "file": task.file,
        "environment": {**_QUIET, **(_ENVIRONMENTS[passage.kind] if passage else {})},
        "task": task.words,
        "most": MOST_BYTES,
        "words": _WORDS,
        "door": bwrap.DOOR if passage else "",
    }
    return json.dumps(plan).encode()


def _read(line: bytes) -> Left | None:
    """The report, which anybody in the sandbox may have written; None if it is none."""
    try:
        found: Any = json.loads(line)
        code, why, text, said = (found[name] for name in ("exit", "why", "content", "said"))
        content = None if text is None else base64.b64decode(text, validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return None
    if not (type(code) is int and isinstance(why, str) and isinstance(said, str)):
        return None
    said = printable(said[-_WORDS:].encode("utf-8", "backslashreplace"))
    if code:
        return Left(None, f"it ended with exit code {code}" if not why else _plain(why), said)
    if content is None or len(content) > MOST_BYTES:
        return Left(None, _plain(why) or "it left no file", said)
    return Left(content, "", said)


def _plain(why: str) -> str:
    return printable(why[:300].encode("utf-8", "backslashreplace")).replace("\n", " ")
