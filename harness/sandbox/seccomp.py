"""The system calls that no candidate makes: a seccomp filter, compiled here for the kernel's own small machine.

Compiled by hand and not by libseccomp: the filter is a list of comparisons, and must be bytes that the launcher in the
sandbox can apply, where that library need not exist.

What is refused takes part in no computation: it makes namespaces, mounts, sockets, keys and kernel modules, looks into
other processes, or holds memory that no limit counts. A call that is newer than the list is answered like a kernel
that lacks it. Numbers: Linux's tables for x86_64 (asm/unistd_64.h) and for aarch64 (asm-generic/unistd.h).
"""

from __future__ import annotations

import platform
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_Code = tuple[int, int, int, int]  # operation, jump if true, jump if false, operand

_EPERM, _ENOSYS = 1, 38
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # where they lie in what the filter is shown
_NEWEST = 450  # the last call of Linux 6.1, alike on both architectures
_X32 = 0x40000000  # x86_64's second table, by which all calls could be made past the first

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_PUSH_INPUT, _LINUX_CONSOLE = 0x5412, 0x541C  # TIOCSTI, TIOCLINUX: both type into the terminal of somebody else
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_PLAIN, _ASK = 0, 0xFFFFFFFF  # personality: the usual one, and the question which it is
_THREAD = 0x00010000  # CLONE_THREAD
_FORKS = {"x86_64": (57, 58), "aarch64": ()}  # fork, vfork; the other knows clone alone

_SPECIAL = {"clone": (56, 220), "ioctl": (16, 29), "personality": (135, 92), "socket": (41, 198)}
_REFUSED: dict[str, tuple[int, int | None]] = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "create_module": (174, None),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "fanotify_init": (300, 262),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
}
_ABSENT: dict[str, tuple[int, int | None]] = {  # answered so that libraries take their older way
    "clone3": (435, 435),  # its flags lie in memory, where no filter can read them
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
}
_MEMFD_CREATE = (319, 279)


@dataclass(frozen=True)
class _Machine:
    architecture: int
    column: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}


def unsupported() -> str:
    """Why this layer cannot be had here; nothing if it can."""
    if _machine() is None:
        return f"no table of system calls for {platform.machine()}"
    if not Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        return "this kernel has no seccomp filters"
    return ""


def program(*, sockets: bool, internet: bool = False) -> bytes:
    """The filter as the kernel takes it; nothing where there is no such layer.

    sockets: what a browser needs as well: Unix and netlink sockets, and files in memory. internet: also those families,
    for an agent.
    """
    machine = _machine()
    if machine is None or unsupported():
        return b""
    return b"".join(struct.pack("=HBBI", *code) for code in _codes(machine, _families(sockets, internet)))


def alone() -> bytes:
    """A second filter, for who may start threads but no process; nothing where there is no such layer.

    clone3 is refused by the first.
    """
    machine = _machine()
    if machine is None or unsupported():
        return b""
    begin = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.architecture), _end(_KILL), (_LOAD, 0, 0, _NUMBER)]
    forks = [code for call in _FORKS[platform.machine()] for code in ((_EQUAL, 0, 1, call), _end(_ERROR | _EPERM))]
    unless_a_thread = [_argument(0), (_ANY_BIT, 1, 0, _THREAD), _end(_ERROR | _EPERM)]
    clone = (_EQUAL, 0, len(unless_a_thread), _SPECIAL["clone"][machine.column])
    codes = [*begin, *forks, clone, *unless_a_thread, _end(_ALLOW)]
    return b"".join(struct.pack("=HBBI", *code) for code in codes)


def keyctl() -> int:
    """The number of that call, which a launch needs before it is refused; 0 on an unknown machine."""
    machine = _machine()
    return (_REFUSED["keyctl"][machine.column] or 0) if machine else 0


def _machine() -> _Machine | None:
    native = sys.byteorder == "little" and sys.maxsize > 1 << 32
    return _MACHINES.get(platform.machine()) if native else None


def _families(sockets: bool, internet: bool) -> list[int]:
    return [_AF_UNIX, _AF_NETLINK] * sockets + [_AF_INET, _AF_INET6] * internet


def _codes(machine: _Machine, families: list[int]) -> Iterator[_Code]:
    yield from [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.architecture), _end(_KILL), (_LOAD, 0, 0, _NUMBER)]
    if machine.column == 0:
        yield from [(_AT_LEAST, 0, 1, _X32), _end(_KILL)]
    yield from [(_GREATER, 0, 1, _NEWEST), _end(_ERROR | _ENOSYS)]
    absent = _ABSENT if families else {**_ABSENT, "memfd_create": _MEMFD_CREATE}
    for table, error in ((_REFUSED, _EPERM), (absent, _ENOSYS)):
        for numbers in table.values():
            if (call := numbers[machine.column]) is not None:
                yield from [(_EQUAL, 0, 1, call), _end(_ERROR | error)]
    for name, body in _conditions(families).items():
        yield from [(_EQUAL, 0, len(body), _SPECIAL[name][machine.column]), *body]
    yield _end(_ALLOW)


def _conditions(families: list[int]) -> dict[str, list[_Code]]:
    return {
        "clone": [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _end(_ERROR | _EPERM), _end(_ALLOW)],
        "ioctl": _unless_one_of(1, [_PUSH_INPUT, _LINUX_CONSOLE], _ERROR | _EPERM, otherwise=_ALLOW),
        "personality": _unless_one_of(0, [_PLAIN, _ASK], _ALLOW, otherwise=_ERROR | _EPERM),
        "socket": _unless_one_of(0, families, _ALLOW, otherwise=_ERROR | _EPERM),
    }


def _unless_one_of(position: int, values: Sequence[int], then: int, *, otherwise: int) -> list[_Code]:
    tests = [code for value in values for code in ((_EQUAL, 0, 1, value), _end(then))]
    return [_argument(position), *tests, _end(otherwise)]


def _argument(position: int) -> _Code:
    """Loads the lower half of an argument: all that the kernel itself takes of those that are asked for here."""
    return (_LOAD, 0, 0, 16 + 8 * position)


def _end(verdict: int) -> _Code:
    return (_RETURN, 0, 0, verdict)
