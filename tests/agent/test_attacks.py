"""Tools that are hostile, in the real sandbox with a real way out. Each attack succeeds where the sandbox is not.

An attack is a script that raises where it is refused. `held` runs it as a tool, and then the same script without a
sandbox, against the same baits: a script that fails there too would prove nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.models.proxy import Proxy
from bot.proposers import command_session
from bot.proposers.command_session import Left, Task
from harness.sandbox import identity
from tests.agent.provider import Provider, serving
from tests.agent.world import BASE, FILE, KEY, LIMITS, MODEL, of, opened, request, tool

_SHELL = f"""
import os, socket, sys, json, time, signal, subprocess, urllib.request
HINT = json.load(open("hint.json"))

try:
BODY
except Exception as error:
    said = "REFUSED " + type(error).__name__ + ": " + str(error)
else:
    said = "REACHED"
open({FILE!r}, "w").write(said)
"""


@dataclass
class Yard:
    """What there is to be got at: a provider, a way to it, another server, secrets in a file and a process."""

    provider: Provider
    proxy: Proxy
    folder: Path
    canary: str
    hint: dict[str, Any]

    def script(self, body: str) -> str:
        return _SHELL.replace("BODY", textwrap.indent(textwrap.dedent(body).strip(), "    "))

    def inside(self, body: str) -> str:
        left = tool(self.script(body), self.proxy, **self.files())
        assert left.content is not None, left
        return left.content.decode()

    def outside(self, body: str) -> str:
        """The control: the same script with the same files and the same environment, and no sandbox."""
        work = self.folder / secrets.token_hex(4)
        work.mkdir()
        for name, content in {FILE: BASE, **self.files()}.items():
            (work / name).write_bytes(content)
        subprocess.run(
            [sys.executable, "-c", self.script(body)], cwd=work, timeout=60, check=True,
            env={**os.environ, "CANARY": self.canary},
        )  # fmt: skip
        return (work / FILE).read_text()

    def files(self) -> dict[str, bytes]:
        import json

        return {"hint.json": json.dumps(self.hint).encode()}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("yard")
    canary = "canary-" + secrets.token_hex(8)
    (folder / "repository" / ".git" / "hooks").mkdir(parents=True)
    (folder / "repository" / "holdout.txt").write_text(canary)
    sleeper = subprocess.Popen(["sleep", "600"], env={"CANARY": canary})
    with serving() as provider, opened(provider) as proxy, serving() as other:
        hint = {
            "folder": str(folder), "canary": canary, "sleeper": sleeper.pid, "bot": os.getpid(),
            "other": int(other.url.rpartition(":")[2]), "provider": int(provider.url.rpartition(":")[2]),
            "door": str(proxy.door), "key": KEY,
        }  # fmt: skip
        try:
            yield Yard(provider, proxy, folder, canary, hint)
        finally:
            sleeper.kill()
            sleeper.wait()


ATTACKS = {
    "a file of the repository": 'assert HINT["canary"] in open(HINT["folder"] + "/repository/holdout.txt").read()',
    "a git hook": 'open(HINT["folder"] + "/repository/.git/hooks/post-commit", "w").write("#!/bin/sh")',
    "a link to a file": """
        os.symlink(HINT["folder"] + "/repository/holdout.txt", "link")
        assert HINT["canary"] in open("link").read()
    """,
    "a write beside the target": 'open(HINT["folder"] + "/planted", "w").write("x")',
    "another server by address": 'socket.create_connection(("127.0.0.1", HINT["other"]), 5)',
    "another server by IPv6 mapping": """
        with socket.socket(socket.AF_INET6) as way:
            way.connect(("::ffff:127.0.0.1", HINT["other"]))
    """,
    "another server by name": """
        found = socket.getaddrinfo("localhost", HINT["other"], socket.AF_INET, socket.SOCK_STREAM)
        socket.create_connection(found[0][4], 5)
    """,
    "the provider past the proxy": 'socket.create_connection(("127.0.0.1", HINT["provider"]), 5)',
    "another host by the machine's address": """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect(("192.0.2.1", 53))
    """,
    "the door by its path on the machine": """
        with socket.socket(socket.AF_UNIX) as way:
            way.connect(HINT["door"])
    """,
    "the environment of another process": """
        assert HINT["canary"].encode() in open(f"/proc/{HINT['sleeper']}/environ", "rb").read()
    """,
    "another process": 'os.kill(HINT["sleeper"], 0)',
    "the bot's memory map": 'assert b"python" in open(f"/proc/{HINT[\'bot\']}/maps", "rb").read()',
    "the bot's own environment": """
        found = b"".join(open(f"/proc/{name}/environ", "rb").read() for name in ("self", os.getppid()))
        assert HINT["canary"].encode() in found + repr(os.environ).encode()
    """,
    "an abstract socket": """
        with socket.socket(socket.AF_UNIX) as way:
            way.connect("\\0" + HINT["canary"])
    """,
}


@pytest.fixture(scope="module")
def abstract(yard: Yard) -> Iterator[None]:
    """A listener of the machine's own network namespace."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + yard.canary)
        server.listen(8)
        yield


@pytest.mark.usefixtures("abstract")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails_in_the_sandbox_and_not_without(yard: Yard, name: str) -> None:
    assert yard.inside(ATTACKS[name]).startswith("REFUSED")
    assert yard.outside(ATTACKS[name]) == "REACHED"


def test_the_way_out_works_while_all_that_is_refused(yard: Yard) -> None:
    body = f"""
        said = {{"model": {MODEL!r}, "max_tokens": 9, "messages": []}}
        base = os.environ["ANTHROPIC_BASE_URL"]
        urllib.request.urlopen(urllib.request.Request(base + "/v1/messages", json.dumps(said).encode()), timeout=9)
    """
    before = len(yard.provider.seen)
    assert yard.inside(body) == "REACHED"
    assert len(yard.provider.seen) == before + 1


def test_names_are_not_looked_up(yard: Yard) -> None:
    """No server of names is known or reachable, so none learns what a name holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(1)
        ask = 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"%s", ("127.0.0.1", PORT))'
        spelled = ask.replace("PORT", str(server.getsockname()[1]))
        yard.inside(spelled % "secret")
        with pytest.raises(TimeoutError):
            server.recv(100)
        assert yard.outside(spelled % "secret") == "REACHED"
        assert server.recv(100) == b"secret"
    assert yard.inside('socket.getaddrinfo("example.com", 443)').startswith("REFUSED")
    assert "REACHED" in yard.inside('assert not os.path.exists("/etc/resolv.conf")')


_LOOK = f"""
import os, sys, subprocess, time
found = []
def note(name, content):
    found.append(name + ": " + content.decode(errors="replace"))
for top in ("/proc", "/tmp", "/candidate", "/dev/shm", "/etc", "/door", "/run", "/var", "/home", "/root", "/"):
    for folder, folders, files in os.walk(top):
        if folder.startswith((PREFIXES, "/usr")):
            folders[:] = []
            continue
        for name in files:
            path = os.path.join(folder, name)
            try:
                with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", 0) as file:
                    note(path, file.read(20_000) or b"")
            except OSError as error:
                note(path, str(error).encode())
note("environment", repr(os.environ).encode())
import urllib.request, json
base = os.environ.get("ANTHROPIC_BASE_URL")
for path in ("/v1/messages", "/v1/models", "/", "/v1/messages?key=1"):
    said = json.dumps(dict(model="tiny-1", max_tokens=9, messages=[])).encode()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(base + path, said), timeout=9)
        note(path, str(answer.headers).encode() + answer.read())
    except Exception as error:
        note(path, (str(error) + str(getattr(error, "headers", ""))).encode() + getattr(error, "read", bytes)())
text = "\\n".join(found)
open({FILE!r}, "w").write(text[:3_000_000])
print(len(found))
"""


def test_the_key_is_nowhere_that_a_tool_can_look(yard: Yard) -> None:
    """Everything that the tool can read, and every answer, is handed over and searched; a bait is found that way."""
    bait = b"bait-" + secrets.token_hex(8).encode()
    prefixes = ", ".join(repr(str(Path(prefix).resolve())) for prefix in (sys.prefix, sys.base_prefix))
    left = tool(_LOOK.replace("PREFIXES", prefixes), yard.proxy, **{"bait.txt": bait})
    assert left.content is not None, left
    assert bait in left.content
    assert b"/proc/1/environ" in left.content
    assert b"/v1/messages: " in left.content
    assert b"Hello." in left.content
    everything = left.content + left.said.encode() + left.why.encode()
    assert KEY.encode() not in everything
    assert yard.canary.encode() not in everything
    assert KEY in str(yard.provider.seen[-1].headers)
    assert all(KEY.encode() not in seen.body for seen in yard.provider.seen)


def test_of_ten_thousand_things_that_a_tool_leaves_one_file_comes_back(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as own:  # in the common folder lies what other tests are at
        Path(own).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", own)
        left = tool(
            f"""
import os
os.makedirs(".git/hooks")
open(".git/hooks/post-checkout", "w").write("#!/bin/sh\\nexit 1")
open(".git/config", "w").write("[core]\\nfsmonitor = evil")
os.chmod(".git/hooks/post-checkout", 0o4777)
open("evaluate.py", "w").write("cheat")
open("program.md", "w").write("cheat")
os.symlink("/etc/passwd", "link")
open({FILE!r}, "w").write("mine")
os.chmod({FILE!r}, 0o4777)
""",
            yard.proxy,
        )
        assert left == Left(b"mine", "", left.said)
        assert not list(Path(own).glob(f"**/{FILE}"))


BOUNDS = {
    "ten gigabytes": (
        "with open('big', 'wb') as file:\n    for _ in range(10_000):\n        file.write(bytes(1 << 20))",
        replace(LIMITS, memory=128 << 20, file_size=64 << 20),
        ("exit code", "memory"),
    ),
    "ten gigabytes in many files": (
        "for n in range(10_000):\n    open(f'f{n}', 'wb').write(bytes(1 << 20))",
        replace(LIMITS, memory=128 << 20),
        ("exit code", "memory"),
    ),
    "ten gigabytes of memory": (
        "held = [bytearray(b'x' * (1 << 24)) for _ in range(640)]",
        replace(LIMITS, memory=128 << 20),
        ("exit code", "memory"),
    ),
    "forks": (
        """
import os, time
while True:
    try:
        os.fork() or time.sleep(30)
    except OSError:
        pass
""",
        replace(LIMITS, seconds=5),
        ("processes", "timeout"),
    ),
    "ignored signals": (
        """
import signal, time
for n in range(1, 32):
    if n not in (9, 19):
        signal.signal(n, signal.SIG_IGN)
while True:
    time.sleep(1)
""",
        replace(LIMITS, seconds=3),
        ("timeout",),
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_tool_that_takes_too_much_is_stopped_with_all_it_started(name: str) -> None:
    script, limits, reasons = BOUNDS[name]
    mark = f"mark{secrets.token_hex(8)}"
    left = tool(f"mark = {mark!r}\n{script}", limits=limits)
    assert left.content is None
    assert any(reason in left.why for reason in reasons), left
    assert _all_gone(mark)


def test_a_daemon_ends_with_its_tool_and_does_not_hold_it_up() -> None:
    mark = f"mark{secrets.token_hex(8)}"
    script = f"""
import os, subprocess, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.run(["sh", "-c", "trap '' HUP TERM; : {mark}; while :; do sleep 1; done"])
    os._exit(0)
time.sleep(0.5)
open({FILE!r}, "w").write("mine")
"""
    seen: list[list[int]] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            seen.append(_named(mark))

    watcher = threading.Thread(target=look)
    watcher.start()
    left = tool(script)
    over.set()
    watcher.join()
    assert left.content == b"mine", left
    assert any(seen), "the daemon was never there: this test proves nothing"
    assert _all_gone(mark)


def test_megabytes_of_output_leave_their_end() -> None:
    script = f"""
import sys
for n in range(60):
    sys.stdout.write("x" * (1 << 20))
print("\\nhypothesis: \\x1b[2Jit is the \\x00 end")
open({FILE!r}, "w").write("mine")
"""
    left = tool(script)
    assert left.content == b"mine", left
    assert len(left.said) < 100_000
    proposal = of(script).ask(request())[0]
    assert proposal.description == "\\x1b[2Jit is the \\x00 end"


@pytest.mark.parametrize(
    "line",
    [
        b"{}\\n", b"[]", b"nonsense", b"[" + b"[" * 50_000, b'{"exit": 0, "why": "", "said": "", "content": "%%"}',
        b'{"exit": "0", "why": "", "said": "", "content": null}', b'{"exit": 0, "why": 1, "said": "", "content": null}',
    ],
)  # fmt: skip
def test_a_forged_report_is_read_as_data(line: bytes) -> None:
    assert command_session._read(line) is None or command_session._read(line).content is None  # type: ignore[union-attr]


def test_a_report_that_floods_its_reader_is_cut_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the tool is the user that reports for it, it can write to the same pipe."""
    flood = tmp_path / "flood.py"
    flood.write_text("import sys\nfor n in range(100):\n    sys.stdout.write('x' * (1 << 20))\n")
    monkeypatch.setattr("bot.proposers.command_inside.__file__", str(flood))
    assert tool("pass") == Left(None, "stopped by its limit: output", "")


def test_a_tool_with_a_user_of_its_own_cannot_reach_where_its_report_is_written() -> None:
    script = """
import os
for name in os.listdir(f"/proc/{os.getppid()}/fd"):
    try:
        with open(f"/proc/{os.getppid()}/fd/{name}", "wb") as file:
            file.write(b"x" * 1000)
    except OSError:
        pass
"""
    assert tool(script).content in {None, BASE}


@pytest.mark.skipif(bool(identity.refused()), reason=f"no user of its own: {identity.refused()}")
def test_a_tool_is_a_user_of_its_own() -> None:
    left = tool(f"import os; open({FILE!r}, 'w').write(str(os.getuid()))")
    assert left.content
    assert int(left.content) not in {0, os.getuid()}


def test_the_proxy_takes_nothing_but_its_paths_from_a_tool(yard: Yard) -> None:
    body = f"""
        at = os.environ["ANTHROPIC_BASE_URL"].rpartition(":")[2]
        good = json.dumps({{"model": {MODEL!r}, "max_tokens": 9, "messages": []}})
        def send(text):
            with socket.create_connection(("127.0.0.1", int(at)), 9) as way:
                way.sendall(text.encode())
                return way.makefile("rb").readline().split()[1].decode()
        head = "Host: evil.example\\r\\nX-Api-Key: mine\\r\\nContent-Length: " + str(len(good)) + "\\r\\n\\r\\n" + good
        codes = [send(line + " HTTP/1.1\\r\\n" + head) for line in (
            "POST /v1/messages", "GET /v1/messages", "POST /v1/files", "CONNECT evil.example:443",
            "POST http://evil.example/v1/messages", "PUT /v1/messages",
        )]
        raise SystemError(" ".join(codes))
    """
    before = len(yard.provider.seen)
    assert yard.inside(body) == "REFUSED SystemError: 200 405 404 404 404 405"
    assert len(yard.provider.seen) == before + 1
    headers = yard.provider.seen[-1].headers
    assert headers["x-api-key"] == KEY
    assert "evil" not in headers["host"]


def _all_gone(mark: str) -> bool:
    """The kernel ends a namespace's processes one after the other; none is left for long."""
    deadline = time.monotonic() + 120
    while _named(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _named(mark)


def _named(mark: str) -> list[int]:
    """Processes of this machine whose command line holds the mark; this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_tool_that_fails_says_why_and_leaves_no_content() -> None:
    task = Task(["sh", "-c", "echo broken >&2; exit 4"], {FILE: BASE}, FILE, "", 10)
    left = command_session.run(task, None, LIMITS)
    assert (left.content, left.why, left.said.strip()) == (None, "it ended with exit code 4", "broken")
