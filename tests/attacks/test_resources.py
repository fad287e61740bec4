"""Candidates that use up what is limited: memory, processes, disk, descriptors, time, output.

Every bomb is small enough to do no harm where nothing stops it: 300 MB, 80 processes, some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.support import Attack, Lab, holds, lab

BOUNDS = "seconds=10, memory=150 << 20, processes=25, file_size=100 << 20, output=1 << 20, open_files=64, cpu_seconds=2"
_TOGETHER = """
ready, done = os.pipe()
for _ in range(COUNT):
    if os.fork() == 0:
        os.close(done)
        BODY
        os.read(ready, 1)
        os._exit(0)
time.sleep(1.5)
"""


def together(count: int, body: str) -> str:
    return _TOGETHER.replace("COUNT", str(count)).replace("BODY", body)


ATTACKS = {
    "many empty files": Attack(
        "for n in range(200_000):\n    os.close(os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY))\ntime.sleep(0.8)",
        ("watch",),
        stopped="stopped by memory",
    ),
    "fork bomb": Attack(together(80, "pass"), ("limits", "watch"), stopped="stopped by processes"),
    "thread bomb": Attack(
        "import threading\ngate = threading.Event()\n"
        "[threading.Thread(target=gate.wait, daemon=True).start() for _ in range(60)]\ntime.sleep(0.8)\ngate.set()",
        ("limits", "watch"),
        stopped="stopped by processes",
    ),
    "memory of one process": Attack(
        "full = bytearray(250 << 20)\ntime.sleep(0.8)", ("limits", "watch"), stopped="stopped by memory"
    ),
    "memory of many processes": Attack(
        together(4, "full = bytearray(60 << 20)"), ("watch",), stopped="stopped by memory"
    ),
    "memory that processes share": Attack(
        "import mmap\n" + together(4, "full = mmap.mmap(-1, 60 << 20); full.write(bytes(60 << 20))"),
        ("watch",),
        stopped="stopped by memory",
    ),
    "full scratch": Attack(
        "for n in range(3):\n    open(f'/tmp/{n}', 'wb').write(bytes(80 << 20))\ntime.sleep(0.8)",
        ("scratch size", "watch"),
        stopped="stopped by memory",
    ),
    "full shared memory": Attack(
        "for n in range(3):\n    open(f'/dev/shm/{n}', 'wb').write(bytes(80 << 20))\ntime.sleep(0.8)",
        ("scratch size", "watch"),
        stopped="stopped by memory",
    ),
    "both scratches half full": Attack(
        "for place in ('/tmp/x', '/dev/shm/x'):\n    open(place, 'wb').write(bytes(90 << 20))\ntime.sleep(0.8)",
        ("watch",),
        stopped="stopped by memory",
    ),
    "one large file": Attack(
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nopen('/tmp/x', 'wb').write(bytes(101 << 20))", ("limits",)
    ),
    "a sparse file": Attack(
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 1 << 40)",
        ("limits",),
    ),
    "every descriptor": Attack("held = [os.open('/dev/null', os.O_RDONLY) for _ in range(200)]", ("limits",)),
    "a raised limit": Attack(
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))", ("limits",), with_them=("watch",)
    ),
    "a core dump": Attack(
        "import resource\nassert resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, resource.getrlimit(resource.RLIMIT_CORE)[1]))",
        ("limits",),
    ),
    "flood on standard output": Attack("sys.stdout.write('x' * (3 << 20) + chr(10))", ("output",), stopped="by output"),
    "processor time of many": Attack(
        "for _ in range(8):\n    if os.fork() == 0:\n"
        "        while time.process_time() < 0.5: pass\n        os._exit(0)\n"
        "[os.wait() for _ in range(8)]\ntime.sleep(0.8)",
        ("watch",),
        with_them=("wall clock",),
        stopped="by cpu",
    ),
    "endless loop that ignores signals": Attack(
        "import resource\n[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "end = time.monotonic() + 12\nwhile time.monotonic() < end: time.sleep(0.1)",
        ("wall clock",),
        stopped="by timeout",
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab"), BOUNDS) as made:
        yield made


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, place: Lab) -> None:
    holds(place, ATTACKS[name])
