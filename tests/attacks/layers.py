"""Takes single layers out of the sandbox, in the process of an evaluator that was told to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from harness import candidate
from harness.process import Conversation
from harness.sandbox import bwrap, identity, landlock, launch, limits, seccomp, usage
from harness.sandbox.views import WORK, View

_EACH = ("user-try", "ipc", "pid", "net", "uts", "cgroup-try")
_SHARED = "shared-scratch"  # in the evaluator's home: where a scratch would be that is not fresh


def switch_off(names: Iterable[str]) -> None:
    for name in names:
        LAYERS[name]()


def rewrite(function: str, change: Callable[[list[str]], list[str]]) -> None:
    """Passes what a part of the command line says through `change`."""
    real = getattr(bwrap, function)

    def changed(*arguments: Any) -> Iterator[str]:
        words = list(real(*arguments))
        if "--unshare-all" in words:
            at = words.index("--unshare-all")
            words[at : at + 1] = [f"--unshare-{name}" for name in _EACH]
        yield from change(words)

    setattr(bwrap, function, changed)


def drop(function: str, *gone: str) -> None:
    """Takes words that stand one after the other out of the command line, wherever they stand so."""
    replace(function, gone, ())


def replace(function: str, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    def change(words: list[str]) -> list[str]:
        for at in reversed(range(len(words))):
            if tuple(words[at : at + len(old)]) == old:
                words[at : at + len(old)] = new
        return words

    rewrite(function, change)


def _processes() -> None:
    drop("namespaces", "--unshare-pid")
    replace("_filesystem", ("--proc", "/proc", "--remount-ro", "/proc"), ("--bind", "/proc", "/proc"))


def _user() -> None:
    """The candidate is the bot's own user. A bot that is not root keeps the user namespace, or there is no sandbox."""
    identity.own_uid = lambda: None
    if os.geteuid() == 0:
        drop("namespaces", "--unshare-user-try")


def _views() -> None:
    """Whatever lies beside something that is shown is shown as well."""
    real = bwrap.declared

    def everything(sees: Any, folder: Path) -> tuple[View, ...]:
        found = {view.place: view for view in real(sees, folder)}
        beside = {(view.source.parent, view.place.parent) for view in found.values()} | {(folder, WORK)}
        for source, place in beside:
            for path in source.iterdir():
                inner = place / path.name
                if not any(inner in known.parents for known in found):
                    found.setdefault(inner, View(path, inner))
        return tuple(found.values())

    bwrap.declared = everything


def _writable_views() -> None:
    def change(words: list[str]) -> list[str]:
        for at, word in enumerate(words):
            if word == "--ro-bind" and words[at + 2].startswith(f"{WORK}/"):
                words[at] = "--bind"
        return words

    rewrite("_filesystem", change)


def _stale_scratch() -> None:
    shared = Path(os.environ["HOME"], _SHARED)
    shared.mkdir(exist_ok=True)
    shared.chmod(0o1777)

    def memory(place: str, _size: int) -> tuple[str, ...]:
        return ("--bind", str(shared), place)

    bwrap._memory = memory


def _environment() -> None:
    drop("namespaces", "--clearenv")
    _running(env=lambda _env: dict(os.environ))


def _running(**changes: Callable[[Any], Any]) -> None:
    real = candidate.run_bounded

    def run_bounded(argv: Any, **settings: Any) -> Any:
        return real(argv, **{**settings, **{name: change(settings.get(name)) for name, change in changes.items()}})

    candidate.run_bounded = run_bounded


def _scratch_size() -> None:
    bwrap._memory = lambda place, _size: ("--perms", "1777", "--tmpfs", place)


def _descriptors() -> None:
    """Every descriptor of the evaluator is handed on, by it and by the launcher."""
    from harness import child

    real = child.subprocess.Popen

    def popen(*arguments: Any, **settings: Any) -> Any:
        for held in Path("/proc/self/fd").iterdir():
            if int(held.name) > 2 and held.exists():
                os.set_inheritable(int(held.name), True)
        return real(*arguments, **{**settings, "pass_fds": (), "close_fds": False})

    child.subprocess = type(sys)("subprocess")
    child.subprocess.__dict__.update(vars(sys.modules["subprocess"]) | {"Popen": popen})


def one_answer() -> None:
    """A conversation takes the first line that is there as the answer, and keeps the others for the next questions."""

    def answer(self: Conversation) -> bytes:
        said, at = bytes(self._output.data), self._output.newline
        self._output.clear()
        self._output.data += said[at + 1 :]
        self._output.newline = said[at + 1 :].find(b"\n")
        return said[:at]

    Conversation._answer = answer
    Conversation._said_more = lambda _self: False


def _set(module: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(module, name, value)


LAYERS: dict[str, Callable[[], None]] = {
    "network": lambda: drop("namespaces", "--unshare-net"),
    "processes": _processes,
    "ipc": lambda: drop("namespaces", "--unshare-ipc"),
    "host name": lambda: drop("namespaces", "--unshare-uts"),
    "lifeline": lambda: drop("namespaces", "--die-with-parent"),
    "capabilities": lambda: replace("namespaces", ("--cap-drop", "ALL"), ("--cap-add", "ALL")),
    "user": _user,
    "mounts": lambda: replace(
        "_system", ("--ro-bind", "/usr", "/usr"), ("--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc")
    ),
    "views": _views,
    "read-only views": _writable_views,
    "read-only root": lambda: drop("_filesystem", "--remount-ro", "/"),
    "read-only /proc": lambda: drop("_filesystem", "--remount-ro", "/proc"),
    "fresh scratch": _stale_scratch,
    "scratch size": _scratch_size,
    "environment": _environment,
    "inherited descriptors": _descriptors,
    "closed descriptors": _set(launch, "first_closed", lambda *, sockets: 0),  # noqa: ARG005
    "seccomp": _set(seccomp, "program", lambda **_asked: b""),
    "landlock": _set(landlock, "rules", lambda *_shown, **_asked: ()),
    "landlock: TCP": _set(landlock, "rules", lambda *_shown, **_asked: ()),  # that part of it, where a kernel has it
    "landlock: scope": _set(landlock, "rules", lambda *_shown, **_asked: ()),
    "limits": _set(limits, "settings", lambda _bounds: ()),
    "watch": _set(usage, "watch", lambda _bounds: None),
    "output": lambda: _running(output_limit=lambda most: 64 * most),
    "one answer": one_answer,
    "wall clock": lambda: _running(timeout=lambda seconds: 20 * seconds),
}
