"""Candidates that look into, disturb or outlive other processes, or leave something for the next experiment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.attacks.leftovers import alive, end
from tests.attacks.support import Attack, Lab, holds, lab

_READ = ("processes", "user", "capabilities")
_TRACED = (*_READ, "landlock")

ATTACKS = {
    "environment of the evaluator": Attack(
        "assert b'AUTORESEARCH_ROOT' in open(f'/proc/{evaluator()}/environ', 'rb').read()",
        _READ,
        with_them=("landlock",),
        root=True,
    ),
    "arguments of the evaluator": Attack("evaluator()", ("processes",)),
    "memory of the evaluator": Attack("open(f'/proc/{evaluator()}/mem', 'rb').close()", _TRACED, root=True),
    "maps of the evaluator": Attack(
        "assert open(f'/proc/{evaluator()}/maps').read()", _READ, with_them=("landlock",), root=True
    ),
    "descriptors of the evaluator": Attack(
        "assert os.listdir(f'/proc/{evaluator()}/fd')",
        ("processes", "user"),
        with_them=("capabilities", "landlock"),
        root=True,
    ),
    "trace the evaluator": Attack(
        "pid = evaluator()\nmust(libc.ptrace(0x4206, pid, None, None))\nmust(libc.ptrace(0x4207, pid, None, None))\n"
        "os.waitpid(pid, 0x40000000)\nmust(libc.ptrace(17, pid, None, None))",
        ("seccomp", *_TRACED),
        root=True,
    ),
    "stop the evaluator": Attack(
        "pid = evaluator()\nos.kill(pid, signal.SIGSTOP)\nos.kill(pid, signal.SIGCONT)",
        ("processes", "user", "landlock: scope"),
        root=True,
    ),
    "slow the evaluator down": Attack("os.setpriority(os.PRIO_PROCESS, evaluator(), 1)", _READ, root=True),
    "hurry at the cost of others": Attack("os.nice(-5)", ("capabilities", "user"), root=True),
    "the bot's environment": Attack("assert 'AUTORESEARCH_ROOT' in os.environ", ("environment",)),
    "the evaluator's home and path": Attack(
        "assert b'AUTORESEARCH_ROOT' in open('/proc/1/environ', 'rb').read()",
        ("environment",),
        with_them=("user", "capabilities", "landlock"),
    ),
    "a user namespace": Attack("must(libc.unshare(0x10000000))", ("seccomp",)),
    "io_uring": Attack(
        "found = libc.syscall(425, 4, ctypes.create_string_buffer(120))\n"
        "if found < 0 and ctypes.get_errno() != 1: must(found)",
        ("seccomp",),
    ),
    "the host's name": Attack(
        "name = os.uname().nodename.encode()\nmust(libc.sethostname(name, len(name)))",
        ("seccomp", "capabilities", "user"),
        root=True,
    ),
    "a file for the next experiment": Attack(
        "assert open('/tmp/left').read() == 'x'",
        ("fresh scratch",),
        ("watch",),
        before="open('/tmp/left', 'w').write('x')",
    ),
    "a program for the next experiment": Attack(
        "import subprocess\nassert subprocess.run(['/tmp/run']).returncode == 7",
        ("fresh scratch",),
        with_them=("watch",),
        before="open('/tmp/run', 'w').write('#!/bin/sh\\nexit 7\\n')\nos.chmod('/tmp/run', 0o755)",
    ),
    "System V memory for the next experiment": Attack(
        "found = must(libc.shmget(KEY, 0, 0))\nmust(libc.shmctl(found, 0, None))",
        ("ipc", "seccomp"),
        with_them=("user", "landlock"),
        before="must(libc.shmget(KEY, 4096, 0o1666))",
    ),
    "System V messages for the next experiment": Attack(
        "found = must(libc.msgget(KEY, 0))\nmust(libc.msgctl(found, 0, None))",
        ("ipc", "seccomp"),
        with_them=("user", "landlock"),
        before="must(libc.msgget(KEY, 0o1666))",
    ),
}

_DETACHED = """
import subprocess
ready, done = os.pipe()
if os.fork() == 0:
    STEP
    if os.fork() == 0:
        [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        null = os.open("/dev/null", os.O_RDWR)
        [os.dup2(null, descriptor) for descriptor in (0, 1, 2)]
        os.closerange(3, 1024)
        os.execv(sys.executable, ["WORD", "-c", "WORK"])
    os._exit(0)
os.close(done)
os.read(ready, 1)
"""
_SLEEP, _BURN = "import time; time.sleep(60)", "while True: pass"
SURVIVORS = {  # how it leaves its group, and what it goes on doing
    "a daemon of a new session": ("os.setsid()", _SLEEP),
    "a daemon of a new group": ("os.setpgid(0, 0)", _SLEEP),
    "a daemon that outlives its parent and ignores signals": ("os.setsid(); os.chdir('/'); os.umask(0)", _SLEEP),
    "load for the other half of a pair": ("os.setsid()", _BURN),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab"), KEY=secrets.randbelow(1 << 30) + 1) as made:
        yield made


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, place: Lab) -> None:
    holds(place, ATTACKS[name])


@pytest.mark.parametrize("name", SURVIVORS)
def test_survivor(name: str, place: Lab) -> None:
    """Nothing of a candidate lives when it has been measured; the process namespace sees to it."""
    step, work = SURVIVORS[name]
    for off in ((), ("processes",)):
        word = f"autoresearch-{secrets.token_hex(8)}"
        code = _DETACHED.replace("STEP", step).replace("WORK", work).replace("WORD", word)
        try:
            assert place.reached(Attack(code, ()), off), "the daemon never started"
            assert alive(word) == bool(off)
        finally:
            end(word)
