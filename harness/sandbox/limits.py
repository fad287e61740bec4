"""What a candidate may use. Each limit is the kernel's, set in the sandbox right before the candidate starts.

The wall clock is not among the kernel's: when it runs out the sandbox's first process is killed, and with
it the whole process namespace.

Left for the layer of cgroups and an own uid: the kernel does not hold root to the number of processes
(where the bot runs as root, as in most containers), and it counts memory per process, so that together
the processes of one candidate may use `processes` times `memory`, and its scratch `memory` twice more.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields

_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"  # what of the host's is the sandbox's too

# Where util-linux is missing. 127 is what a shell, and prlimit, say for a command that is not there.
_LAUNCHER = """
import os, resource, sys
for setting in sys.argv[1].split():
    name, value = setting.split("=")
    resource.setrlimit(getattr(resource, "RLIMIT_" + name.upper()), (int(value), int(value)))
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    print(f"{sys.argv[2]}: {error.strerror}", file=sys.stderr)
    sys.exit(127)
"""


@dataclass(frozen=True)
class Limits:
    """Bounds on one candidate.

    seconds:      wall clock, of a run or of one answer of a session
    cpu_seconds:  processor time of each process; None: as the wall clock allows
    memory:       bytes of address space of each process, and of each of the two scratch folders
    processes:    how many at once; not held for root
    file_size:    bytes of a file that is written
    output:       bytes of standard output, or of one answer
    open_files:   descriptors of each process
    """

    seconds: float = 60
    cpu_seconds: int | None = None
    memory: int = 2 << 30
    processes: int = 64
    file_size: int = 64 << 20
    output: int = 1 << 20
    open_files: int = 256

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name} is {value}: a limit is more than 0")


def prlimit() -> str | None:
    """The program that sets limits and then becomes the command, if the system has it."""
    return shutil.which("prlimit", path=_PATH)


def limited(argv: Sequence[str], limits: Limits, *, setter: str | None, python: str) -> list[str]:
    """The command that runs argv under the limits: through `setter` (prlimit), else `python` (a path)."""
    settings = _settings(limits)
    if setter is None:
        pairs = " ".join(f"{name}={value}" for name, value in settings.items())
        return [python, "-I", "-S", "-c", _LAUNCHER, pairs, *argv]
    return [setter, *(f"--{name}={value}:{value}" for name, value in settings.items()), "--", *argv]


def _settings(limits: Limits) -> dict[str, int]:
    wanted = {
        "as": limits.memory,
        "core": 0,
        "fsize": limits.file_size,
        "nofile": limits.open_files,
        "nproc": limits.processes,
    }
    if limits.cpu_seconds is not None:
        wanted["cpu"] = limits.cpu_seconds
    return {name: min(value, _ceiling(name)) for name, value in wanted.items()}


def _ceiling(name: str) -> int:
    """Where the host's own limit is tighter it stays: nobody in the sandbox may raise it."""
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
    return (1 << 63) - 1 if hard == resource.RLIM_INFINITY else hard
