"""What a candidate may use: each of its processes, held by the kernel (here), and all together (`sandbox.usage`).

The wall clock is not among the kernel's: when it runs out the sandbox's first process is killed, and with it the whole
process namespace. Nor is the output, which its reader counts.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass, fields

_KERNEL_MOST = (1 << 63) - 1


@dataclass(frozen=True)
class Limits:
    """Bounds on one candidate.

    seconds:       wall clock, of a run or of one answer of a session
    cpu_seconds:   processor time, together; None: as the wall clock allows
    memory:        bytes, together, files in the scratch included; also the most that one scratch folder holds
    address_space: bytes that one process may reserve; None: as `memory`. For those that reserve what they never use
    processes:     how many at once, threads included
    file_size:     bytes of a file that is written
    output:        bytes of standard output, or of one answer
    open_files:    descriptors of each process
    """

    seconds: float = 60
    cpu_seconds: int | None = None
    memory: int = 2 << 30
    processes: int = 64
    file_size: int = 64 << 20
    output: int = 1 << 20
    open_files: int = 256
    address_space: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name} is {value}: a limit is more than 0")


def settings(limits: Limits) -> tuple[tuple[int, int], ...]:
    """The limits of each process: the kernel's number of a limit, and its value."""
    wanted = {
        resource.RLIMIT_AS: limits.address_space or limits.memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes,
    }
    if limits.cpu_seconds is not None:
        wanted[resource.RLIMIT_CPU] = limits.cpu_seconds + 1  # the whole tree is stopped before, and can say why
    return tuple((number, min(value, _ceiling(number))) for number, value in wanted.items())


def _ceiling(number: int) -> int:
    """Where the host's own limit is tighter it stays: nobody in the sandbox may raise it."""
    hard = resource.getrlimit(number)[1]
    return _KERNEL_MOST if hard == resource.RLIM_INFINITY else hard
