"""Starts the broker and ends it.

settings = settings.only(providers)  # those that the night's targets ask
keys = taken(settings)  # before anything else is started
with broker(settings, keys, night=.., state=.., blobs=..) as path:
    model = Client(path, keep=...)  # False where the target's data is private
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.models import hardening
from bot.models.retries import Retries
from bot.models.settings import Settings
from bot.models.start import Start
from harness.errors import AutoresearchError

_LONGEST_START = 120.0  # seconds; loading the clients takes a few on a busy machine
_LONGEST_PATH = 100  # bytes of a Unix socket's path that every system takes
_ROOT = Path(__file__).resolve().parents[2]


def taken(settings: Settings) -> dict[str, str]:
    """Provider -> key, taken out of this process's environment; without those that are not there."""
    variables = settings.variables()
    found = hardening.take(set(variables.values()))
    return {provider: found[name] for provider, name in variables.items() if name in found}


@contextmanager
def broker(
    settings: Settings, keys: Mapping[str, str], *, night: str, state: Path, blobs: Path, folder: Path | None = None,
    retries: Retries = Retries(),  # noqa: B008  frozen
) -> Iterator[Path]:  # fmt: skip
    """The path of the socket of a broker that listens, in `folder` or one of its own. keys: provider -> key.

    What was answered is forgotten at a good end; after an exception or a kill the next broker of this night gives it
    out again. Raises AutoresearchError with the broker's last words where it does not come up.
    """
    _check_clients(settings)
    _check_keys(keys)
    if keys:
        hardening.unreadable()
    own = folder is None
    home = Path(tempfile.mkdtemp(prefix="broker-")) if folder is None else folder
    path = home / "broker.sock"
    try:
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise AutoresearchError(f"{path} is too long for a socket", next_step="name a folder with a shorter path")
        state.mkdir(parents=True, exist_ok=True)
        blobs.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        home.chmod(0o711) if own else None
        start = Start(settings, keys, night, state.resolve(), blobs.resolve(), path, os.getuid(), retries)
        with tempfile.TemporaryFile() as words:
            process = _started(start, words.fileno())
            try:
                _await(process, words.fileno())
                yield path
            except BaseException:
                _end(process, b"")
                raise
            _end(process, b"done")
    finally:
        path.unlink(missing_ok=True)
        if own:
            shutil.rmtree(home, ignore_errors=True)


def _check_clients(settings: Settings) -> None:
    for kind in sorted({one.kind for one in settings.providers.values()}):
        if importlib.util.find_spec(kind) is None:
            step = "pip install 'autoresearch-bot[models]'"
            raise AutoresearchError(f"asking models needs the package {kind}, which is not installed", next_step=step)


def _check_keys(keys: Mapping[str, str]) -> None:
    """A key that no header can carry would fail at every question."""
    for provider, key in sorted(keys.items()):
        if not (key.isascii() and key.isprintable()):
            step = "export it anew: letters, digits and signs of ASCII in one line"
            raise AutoresearchError(f"the key of {provider} holds what no key holds", next_step=step)


def _started(start: Start, words: int) -> subprocess.Popen[bytes]:
    """The process, with an empty environment and none of this one's files; it was told everything."""
    told, telling = os.pipe()
    with os.fdopen(telling, "wb", buffering=0) as pipe:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bot.models.broker", str(told)], env={}, cwd=_ROOT, pass_fds=(told,),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(told)
        with contextlib.suppress(BrokenPipeError):  # it died: its last words say why
            pipe.write(json.dumps(start.data()).encode())
    return process


def _await(process: subprocess.Popen[bytes], words: int) -> None:
    """Returns once it listens."""
    assert process.stdout is not None  # noqa: S101  as it was started
    until = time.monotonic() + _LONGEST_START
    while (left := until - time.monotonic()) > 0:
        readable, _, _ = select.select([process.stdout], [], [], left)
        if readable:
            if process.stdout.readline().startswith(b"ready"):
                return
            process.wait()
            break
    said = os.pread(words, 4000, 0).decode(errors="replace").strip()
    why = f"its last words: {said}" if said else f"it said nothing, and ended with {process.poll()}"
    raise AutoresearchError("the broker of the models did not start", why=why)


def _end(process: subprocess.Popen[bytes], word: bytes) -> None:
    assert process.stdin is not None  # noqa: S101  as it was started
    assert process.stdout is not None  # noqa: S101  as it was started
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(word)
        process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
