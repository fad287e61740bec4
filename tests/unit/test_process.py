"""A child that hangs, floods, forks, dies or lies: the call ends in time, and nothing of its group is left."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.child import Child
from harness.descendants import Broken, members
from harness.process import Conversation, ConversationOver, Finished, printable, run_bounded

IDLE = "import time; time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-u", "-c", code]


def run(code: str, *, timeout: float = 20, **bounds: object) -> Finished:
    return run_bounded(python(code), cwd="/", env={}, timeout=timeout, **bounds)  # type: ignore[arg-type]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state not in "ZX"
    return False


def is_gone(pid: int) -> bool:
    """A process that was killed is a moment from its end."""
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_what_it_says_and_how_it_ends() -> None:
    code = "import sys; print(sys.stdin.read() * 2, end=''); print('w', end='', file=sys.stderr); sys.exit(3)"
    finished = run(code, stdin=b"ab")
    assert (finished.exit_code, finished.stdout, finished.stderr, finished.stopped) == (3, b"abab", b"w", "")
    assert 0 < finished.seconds < 20


def test_environment_and_folder_are_only_what_was_given(tmp_path: Path) -> None:
    finished = run_bounded(["env"], cwd=tmp_path, env={"A": "b", "PATH": os.defpath}, timeout=20)
    assert set(finished.stdout.split()) == {b"A=b", b"PATH=" + os.defpath.encode()}
    assert run_bounded(["pwd"], cwd=tmp_path, env={}, timeout=20).stdout.strip() == bytes(tmp_path)


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(FileNotFoundError):
        run_bounded([tmp_path / "none"], cwd="/", env={}, timeout=1, report=True)
    assert descriptors() == before


def test_no_descriptor_is_left_open_or_passed_on() -> None:
    before = descriptors()
    finished = run("import os; print(os.listdir('/proc/self/fd'))")
    assert finished.stdout == b"['0', '1', '2', '3']\n"
    assert descriptors() == before


def test_report_has_a_channel_of_its_own() -> None:
    code = "import os; os.write(int(os.environ['AUTORESEARCH_REPORT']), b'score'); print('talk')"
    finished = run(code, report=True)
    assert (finished.report, finished.stdout) == (b"score", b"talk\n")
    assert b"KeyError" in run(code).stderr


def test_much_on_every_pipe_at_once() -> None:
    code = """
import os, sys, threading
size = 3 << 20
report = int(os.environ["AUTORESEARCH_REPORT"])
def write(fd, data):
    while data:
        data = data[os.write(fd, data):]
threads = [threading.Thread(target=write, args=(fd, b"x" * size)) for fd in (1, 2, report)]
[t.start() for t in threads]
got = len(sys.stdin.buffer.read())
[t.join() for t in threads]
sys.exit(got == size)
"""
    size = 3 << 20
    finished = run(code, stdin=b"i" * size, report=True, output_limit=size, report_limit=size)
    assert (finished.exit_code, finished.stopped) == (1, "")
    assert (len(finished.stdout), len(finished.report), len(finished.stderr)) == (size, size, 64 << 10)


def test_stdin_that_is_not_read_is_no_error() -> None:
    assert run("print(1)", stdin=b"x" * (1 << 20)).stdout == b"1\n"


def test_a_hang_is_stopped() -> None:
    started = time.monotonic()
    finished = run("print('begun'); " + IDLE, timeout=0.4)
    assert (finished.stopped, finished.exit_code, finished.stdout) == ("timeout", -signal.SIGKILL, b"begun\n")
    assert time.monotonic() - started < 25


def test_ignored_signals_do_not_help() -> None:
    code = f"import signal; [signal.signal(s, signal.SIG_IGN) for s in (15, 2, 1)]; {IDLE}"
    assert run(code, timeout=0.3).exit_code == -signal.SIGKILL


@pytest.mark.parametrize(("stream", "stopped"), [("1", "output"), ("int(os.environ['AUTORESEARCH_REPORT'])", "report")])
def test_a_flood_is_stopped(stream: str, stopped: str) -> None:
    code = f"import os\nwhile True: os.write({stream}, b'x' * 4096)"
    finished = run(code, report=True, output_limit=100_000, report_limit=50_000)
    assert finished.stopped == stopped
    assert len(finished.stdout) == (100_000 if stopped == "output" else 0)
    assert len(finished.report) == (50_000 if stopped == "report" else 0)


def test_output_up_to_its_limit_is_allowed() -> None:
    assert run("print('x' * 99)", output_limit=100).stopped == ""
    over = run("print('x' * 100)", output_limit=100)
    assert (over.stopped, len(over.stdout)) == ("output", 100)


def test_a_flood_of_stderr_leaves_its_end() -> None:
    finished = run("import sys; sys.stderr.write('x' * 500_000 + 'end')", error_limit=1000)
    assert (finished.stopped, len(finished.stderr), finished.stderr[-4:]) == ("", 1000, b"xend")
    assert run("import sys; sys.stderr.write('x')", error_limit=0).stderr == b""


def test_death_by_a_signal() -> None:
    finished = run("import os; os.kill(os.getpid(), 11)")
    assert (finished.exit_code, finished.stopped) == (-signal.SIGSEGV, "")


def test_a_leftover_that_holds_the_pipes_is_killed() -> None:
    code = f"import os\npid = os.fork()\nif pid: print(pid)\nelse:\n {IDLE}"
    started = time.monotonic()
    finished = run(code)
    assert (finished.exit_code, finished.stopped) == (0, "")
    assert time.monotonic() - started < 25
    assert is_gone(int(finished.stdout))


def test_a_leftover_that_left_the_group_does_not_hold_us() -> None:
    code = f"""
import os
ready, done = os.pipe()
if pid := os.fork():
    os.read(ready, 1)
    print(pid)
else:
    os.setsid()
    os.write(done, b"x")
    {IDLE}
"""
    started = time.monotonic()
    finished = run(code)
    assert time.monotonic() - started < 25
    pid = int(finished.stdout)
    assert alive(pid)  # only a process namespace ends it too: tests/attacks holds the sandbox to that
    os.kill(pid, signal.SIGKILL)


def test_children_are_killed_on_timeout() -> None:
    code = f"import os, time\npid = os.fork()\nif pid: print(pid)\n{IDLE}"
    finished = run(code, timeout=0.5)
    assert finished.stopped == "timeout"
    assert is_gone(int(finished.stdout))


def test_descendants_in_other_sessions_are_killed_on_timeout() -> None:
    code = f"import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0: print(os.getpid())\n{IDLE}"
    finished = run(code, timeout=0.5)
    assert finished.stopped == "timeout"
    assert is_gone(int(finished.stdout))


ECHO = "import sys\nfor line in sys.stdin: print(line.strip() * 2)"


@contextlib.contextmanager
def conversation(code: str, **bounds: Any) -> Iterator[Conversation]:
    with Conversation(python(code), cwd="/", env={}, **bounds) as talk:
        yield talk


def over(talk: Conversation, line: bytes = b"q", timeout: float = 20, answer_limit: int = 1 << 20) -> ConversationOver:
    with pytest.raises(ConversationOver) as caught:
        talk.ask(line, timeout, answer_limit)
    return caught.value


def test_processor_time_of_a_tree() -> None:
    code = "import os, time\nif os.fork() == 0:\n while time.process_time() < 0.3: pass\nelse: os.wait()"
    assert 0.3 <= run(code).cpu_seconds < 20
    assert run("pass").cpu_seconds < 0.3


class Impatient:
    """Finds a bound broken at the third look."""

    interval = 0.01

    def __init__(self, verdict: Broken = "memory") -> None:
        self.looks: list[int] = []
        self._verdict = verdict

    def broken(self, leader: int) -> Broken:
        self.looks.append(leader)
        return self._verdict if len(self.looks) == 3 else ""


def test_a_watch_ends_what_breaks_its_bound() -> None:
    before, threads = descriptors(), threading.active_count()
    watch = Impatient()
    finished = run(IDLE, watch=watch)
    assert (finished.stopped, finished.exit_code, len(watch.looks)) == ("memory", -signal.SIGKILL, 3)
    assert len(set(watch.looks)) == 1
    finished = run("import time; time.sleep(.3)", watch=Impatient(""))
    assert (finished.stopped, finished.exit_code) == ("", 0)
    with conversation("input(); " + IDLE, watch=Impatient("cpu")) as talk:
        assert over(talk).kind == "cpu"
    assert descriptors() == before
    assert threading.active_count() == threads


def test_a_tree_of_processes() -> None:
    code = "import os\nif os.fork() == 0:\n os.fork()\n os.write(1, b'%d\\n' % os.getpid())\ninput()"
    with Child(python(code), "/", {}, ()) as child:
        output = child.listen(child.stdout, 1000, "output")
        child.pump(time.monotonic() + 20, lambda: output.data.count(b"\n") == 2)
        leader, *rest = members(child.pid)
        assert (leader, set(rest)) == (child.pid, set(map(int, output.data.split())))


def test_a_conversation() -> None:
    before = descriptors()
    with conversation(ECHO) as talk:
        assert [talk.ask(line, 20) for line in (b"a", b"b\n", b"")] == [b"aa", b"bb", b""]
        assert talk.ask(b"c" * 300_000, 20) == b"c" * 600_000
        with pytest.raises(ValueError, match="one line"):
            talk.ask(b"a\nb", 20)
    with pytest.raises(ValueError, match="closed"):
        talk.ask(b"a", 20)
    assert descriptors() == before


def test_stderr_never_blocks_a_conversation() -> None:
    code = "import sys\nfor line in sys.stdin: sys.stderr.write('\\x1b' * 400_000 + line); print(1)"
    with conversation(code, error_limit=10) as talk:
        assert talk.ask(b"q", 20) == b"1"
        assert talk.ask(b"q", 20) == b"1"
    assert talk.stderr_tail() == "\\x1b" * 8 + "q\n"


def test_no_answer_in_time() -> None:
    with conversation(f"input(); {IDLE}") as talk:
        error = over(talk, timeout=0.3)
        assert (error.kind, error.exit_code) == ("timeout", -signal.SIGKILL)
        assert over(talk) is error


def test_an_end_instead_of_an_answer() -> None:
    with conversation("import sys; input(); sys.exit('no\\x07luck')") as talk:
        error = over(talk)
        assert (error.kind, error.exit_code) == ("exit", 1)
        assert error.detail.endswith("no\\x07luck")


def test_an_end_while_a_leftover_holds_the_pipe() -> None:
    with conversation(f"import os\nif os.fork(): input()\nelse:\n {IDLE}") as talk:
        assert over(talk, timeout=20).kind == "exit"


def test_the_last_answer_of_a_child_counts() -> None:
    with conversation("input(); print(7)") as talk:
        assert talk.ask(b"q", 20) == b"7"
        assert over(talk).kind == "exit"


def test_an_endless_answer() -> None:
    with conversation("import os\ninput()\nwhile True: os.write(1, b'x' * 4096)") as talk:
        assert over(talk, answer_limit=100_000).kind == "output"


def test_two_answers_at_once() -> None:
    with conversation("input(); import os; os.write(1, b'1\\n2\\n'); input()") as talk:
        assert over(talk).kind == "output"


def test_a_second_answer_before_the_next_question(tmp_path: Path) -> None:
    late = tmp_path / "late"
    code = f"import time\ninput(); print(1); time.sleep(.2); print(2); open({str(late)!r}, 'w'); input()"
    with conversation(code) as talk:
        assert talk.ask(b"q", 20) == b"1"
        while not late.exists():
            time.sleep(0.01)
        assert over(talk).kind == "output"


def test_a_second_answer_after_the_last_question() -> None:
    talk = Conversation(python("import sys\ninput(); print(1); sys.stdin.read(); print(2)"), cwd="/", env={})
    assert talk.ask(b"q", 20) == b"1"
    with pytest.raises(ConversationOver) as caught:
        talk.close()
    assert caught.value.kind == "output"
    talk.close()


def test_an_answer_before_the_first_question() -> None:
    with conversation("print(1); " + IDLE) as talk:
        time.sleep(1.5)
        assert over(talk).kind == "output"


def test_an_error_in_the_conversation_is_not_hidden_by_its_end() -> None:
    with pytest.raises(KeyError), conversation("print(1); print(2)"):
        raise KeyError


def test_a_child_that_ignores_the_end_is_killed() -> None:
    started = time.monotonic()
    with conversation(f"import os\ninput(); print(os.getpid())\n{IDLE}") as talk:
        pid = int(talk.ask(b"q", 20))
    assert time.monotonic() - started < 25
    assert is_gone(pid)


def test_printable() -> None:
    assert printable("é ok\n\tx".encode()) == "é ok\n\tx"
    assert printable(b"\x1b[2J\x00\xff\r") == "\\x1b[2J\\x00\\xff\\r"
    assert printable("\u202e\u2028\x9b".encode()) == "\\u202e\\u2028\\x9b"
