"""Candidates that write where they may not, or read what they were not shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.support import SECRET, Attack, Lab, holds, honest, lab

_VIEWS = ("read-only views", "user", "landlock")

ATTACKS = {
    "write into a view": Attack(
        "os.chmod('data/inputs.txt', 0o644)\nopen('data/inputs.txt', 'a').write('\\n')", _VIEWS
    ),
    "new file beside the views": Attack("open('/candidate/new', 'w').close()", ("read-only root", "user", "landlock")),
    "hard link in a view": Attack(
        "os.link('data/open/question.txt', 'data/open/hard')\nos.remove('data/open/hard')", _VIEWS
    ),
    "symbolic link in a view": Attack(
        "os.symlink('/etc/passwd', 'data/open/soft')\nos.remove('data/open/soft')", _VIEWS
    ),
    "rename in a view": Attack(
        "os.rename('data/open/question.txt', 'data/open/q')\nos.rename('data/open/q', 'data/open/question.txt')", _VIEWS
    ),
    "replace a file of a view": Attack(
        "text = open('data/open/question.txt').read()\nos.remove('data/open/question.txt')\n"
        "open('data/open/question.txt', 'w').write(text)",
        _VIEWS,
    ),
    "folder .git in a view": Attack("os.mkdir('data/open/.git')\nos.rmdir('data/open/.git')", _VIEWS),
    "setuid program in a view": Attack(
        "os.chmod('data/open/tool.sh', 0o4755)\nassert os.stat('data/open/tool.sh').st_mode & stat.S_ISUID",
        ("read-only views", "user"),
    ),
    "times of a view's file": Attack("os.utime('data/inputs.txt', (0, 0))", ("read-only views", "user")),
    "read the host's users": Attack("assert open('/etc/passwd').read()", ("mounts",)),
    "read them by a link in the scratch": Attack(
        "os.symlink('/etc/passwd', '/tmp/link')\nassert open('/tmp/link').read()", ("mounts",)
    ),
    "read the answers": Attack(f"assert open('data/answers.txt').read() == '{SECRET}'", ("views",)),
    "read the evaluator": Attack("assert 'switch_off' in open('evaluate.py').read()", ("views",)),
    "read the answers through the evaluator's /proc": Attack(
        f"assert open(f'/proc/{{evaluator()}}/cwd/data/answers.txt').read() == '{SECRET}'",
        ("processes", "user", "capabilities", "landlock"),
        root=True,
    ),
    "read itself through the evaluator's root": Attack(
        "assert os.listdir(f'/proc/{evaluator()}/root/')", ("processes", "user", "capabilities", "landlock"), root=True
    ),
    "kernel setting core_pattern": Attack(
        "os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY))",
        ("read-only /proc", "user", "landlock"),
        root=True,
    ),
    "mount over the scratch": Attack(
        "os.mkdir('/tmp/m')\nmust(libc.mount(b'none', b'/tmp/m', b'tmpfs', 0, None))",
        ("seccomp", "capabilities", "user", "landlock"),
        root=True,
    ),
    "change the root folder": Attack("os.chroot('/tmp')", ("seccomp", "capabilities", "user"), root=True),
    "make a device": Attack(
        "os.mknod('/tmp/disk', stat.S_IFBLK | 0o600, os.makedev(7, 0))", ("capabilities", "user", "landlock"), root=True
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


def test_an_honest_candidate_is_scored(place: Lab) -> None:
    assert honest(place) == {"correct": 2, "reached": 0}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, place: Lab) -> None:
    holds(place, ATTACKS[name])
