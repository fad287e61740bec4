"""Becomes a Python that can start threads, and no process: what it computes is then on one clock, whatever it does.

Runs in a sandbox, handed over as code. argv: the filter in hexadecimal, as `harness.sandbox.seccomp.alone` makes it
(nothing where the machine has no such filters), then what this Python is to run.
"""

from __future__ import annotations

import ctypes
import os
import sys

_SET_SECCOMP, _FILTER = 22, 2  # prctl


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("codes", ctypes.c_void_p))


def refuse(program: bytes) -> None:
    codes = ctypes.create_string_buffer(program, len(program))
    told = _Program(len(program) // 8, ctypes.addressof(codes))
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_SECCOMP, _FILTER, ctypes.byref(told), 0, 0):
        raise SystemExit(f"no filter: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    if sys.argv[1]:
        refuse(bytes.fromhex(sys.argv[1]))
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])  # noqa: S606  # the evaluator's words
