"""Runs in the sandbox right before the candidate: applies what a process can only do to itself, and becomes it.

The kernel takes landlock and seccomp from the process they bind, after bubblewrap's mounts. So this is one start of an
interpreter, 10 of a launch's milliseconds: it imports only what is compiled in: os and ctypes would take 6 more.

It is handed over as code, since no candidate sees the harness: argv is [its plan, as `sandbox.launch` makes it, then
the candidate's command]. Whatever it cannot apply ends it before the candidate starts, with "sandbox: ".
"""

from __future__ import annotations

import _ctypes
import errno
import marshal
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes longer than all the rest
    from typing import Any, NoReturn

_POLL_ERROR = 8
_SET_SECCOMP, _FILTER, _DROP_BOUND = 22, 2, 24  # prctl
_JOIN_SESSION_KEYRING = 1
_CAPABILITY_VERSION, _MOST_CAPABILITIES = 0x20080522, 64
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_BENEATH, _VERSION = 1, 1
_RIGHTS_OF_ABI = (13, 14, 15, 15, 16)  # landlock's rights to files: how many each version knows; later ones as the last
_RIGHTS_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_TCP, _ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3
_BROKEN_PIPE, _FILE_TOO_LARGE, _DEFAULT = 13, 25, 0  # the signals that every Python ignores
_KIND, _FOLDER = 0o170000, 0o040000  # of a file's mode
_MISSING = (errno.ENOSYS, errno.EOPNOTSUPP)


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


class _SystemCall(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_LIBRARY = _ctypes.dlopen(None, posix.RTLD_NOW)  # type: ignore[arg-type]  # None: the program itself


def call(name: str, *arguments: object) -> int:
    """A function of the C library that says -1 when it fails: then OSError."""
    kind = _SystemCall if name == "syscall" else _Function  # read as the wider, a failure of the narrower is no -1
    function = kind(_ctypes.dlsym(_LIBRARY, name))
    found: int = function(*(_Long(a) if isinstance(a, int) else a for a in arguments))
    if found < 0:
        raise OSError(_ctypes.get_errno(), posix.strerror(_ctypes.get_errno()))
    return found


def memory(content: bytes) -> Any:
    return (_Byte * len(content)).from_buffer_copy(content)


def packed(*fields: tuple[int, int]) -> bytes:
    """A C structure of (value, size in bytes), in this machine's order."""
    return b"".join(value.to_bytes(size, sys.byteorder) for value, size in fields)


def end_if_abandoned() -> None:
    """Ends the launch if nobody reads what the candidate would say.

    Bubblewrap dies with its parent only from its own first milliseconds on. A parent that was killed before held the
    other end of this pipe; one that lives now will take the sandbox with it.
    """
    output = memory(packed((1, 4), (0, 2), (0, 2)))
    if call("poll", output, 1, 0) and int.from_bytes(bytes(output)[6:8], sys.byteorder) & _POLL_ERROR:
        posix._exit(1)


def become(uid: int) -> None:
    """Changes to a user and a group of this number, and gives up every capability for good."""
    for capability in range(_MOST_CAPABILITIES):
        try:
            call("prctl", _DROP_BOUND, capability, 0, 0, 0)
        except OSError as error:
            if error.errno == errno.EINVAL:  # past the last that this kernel has
                break
            raise
    posix.setgroups([])
    posix.setresgid(uid, uid, uid)
    posix.setresuid(uid, uid, uid)
    call("capset", packed((_CAPABILITY_VERSION, 4), (0, 4)), bytes(24))


def restrict(rules: tuple[tuple[str, int], ...], tcp: bool) -> None:
    """Landlock, as far as this kernel knows it. tcp: connections are left to the network namespace."""
    try:
        version = call("syscall", _CREATE_RULESET, 0, 0, _VERSION)
    except OSError as error:
        if error.errno in _MISSING:
            return
        raise
    rights = (1 << _RIGHTS_OF_ABI[min(version, len(_RIGHTS_OF_ABI)) - 1]) - 1
    wanted = packed((rights, 8), (0 if tcp else _TCP, 8), (_ABSTRACT_SOCKETS_AND_SIGNALS, 8))
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call("syscall", _CREATE_RULESET, wanted, size, 0)
    for path, access in rules:
        allow(ruleset, path, access & rights)
    call("syscall", _RESTRICT_SELF, ruleset, 0)
    posix.close(ruleset)


def allow(ruleset: int, path: str, access: int) -> None:
    try:
        place = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
    except FileNotFoundError:
        return
    if posix.stat(path).st_mode & _KIND != _FOLDER:
        access &= _RIGHTS_OF_FILES
    call("syscall", _ADD_RULE, ruleset, _BENEATH, packed((access, 8), (place, 4)), 0)
    posix.close(place)


def filter_calls(program: bytes) -> None:
    code = memory(program)
    address = _ctypes.addressof(code)
    call("prctl", _SET_SECCOMP, _FILTER, packed((len(program) // 8, 2), (0, 6), (address, 8)), 0, 0)


def apply(plan: dict[str, Any]) -> None:
    if plan["closed"]:
        posix.closerange(plan["closed"], 1 << 20)
    if plan["keyctl"]:
        try:
            call("syscall", plan["keyctl"], _JOIN_SESSION_KEYRING, 0)
        except OSError as error:  # no keyrings in this kernel, or none for us: then none are inherited either
            if error.errno not in (*_MISSING, errno.EPERM, errno.EDQUOT):
                raise
    if plan["uid"]:
        become(plan["uid"])
    if plan["landlock"]:
        restrict(plan["landlock"], plan["tcp"])
    if plan["seccomp"]:
        filter_calls(plan["seccomp"])
    for number, value in plan["limits"]:
        call("setrlimit", number, packed((value, 8), (value, 8)))


def replace(argv: list[str]) -> NoReturn:
    """Becomes the candidate's command, looked for on PATH; else ends with 127, as a shell for one that is not there."""
    folders = posix.environ.get(b"PATH", b"").decode().split(":")
    why = posix.strerror(errno.ENOENT)
    for path in [argv[0]] if "/" in argv[0] else [f"{folder}/{argv[0]}" for folder in folders]:
        try:
            posix.execv(path, argv)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            why = error.strerror or why
    posix.write(2, f"{argv[0]}: {why}\n".encode())
    posix._exit(127)


def main(plan: dict[str, Any], argv: list[str]) -> NoReturn:
    end_if_abandoned()
    try:
        apply(plan)
    except OSError as error:
        posix.write(2, f"sandbox: {error.strerror}: {error}\n".encode())
        posix._exit(1)
    for ignored in (_BROKEN_PIPE, _FILE_TOO_LARGE):
        call("signal", ignored, _DEFAULT)
    replace(argv)


if __name__ == "__main__":
    main(marshal.loads(bytes.fromhex(sys.argv[2])), sys.argv[3:])  # noqa: S302  # the harness's own
