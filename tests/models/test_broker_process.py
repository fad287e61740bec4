"""The broker as a process: what others see of it, how it starts, how it ends, what a kill costs."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.models import broker as broker_process
from bot.models import hardening, wire
from bot.models.client import Client
from bot.models.ledger import Caps
from bot.models.nursery import broker
from bot.models.settings import ProviderSettings, Settings
from harness.errors import AutoresearchError
from tests.models.providing import (
    CANARY,
    GOOD,
    QUICK,
    ROOT,
    STREAM,
    Replay,
    ended,
    events,
    question,
    settings,
    started,
    tool,
)

COST = Decimal("0.00375")
ANSWER = STREAM + events(started(input_tokens=1000), *tool(json.dumps(GOOD)), *ended("tool_use", output_tokens=50))
NAMES = ("plain", "never")
KEYS = {"claude": CANARY}  # of a provider without a key the client is not even loaded


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    found = Replay({"plain": [[ANSWER]], "never": [[30.0]]})
    yield found
    found.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that any user may enter: pytest's own are closed to all others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def known(server: Replay, **changes: Any) -> Settings:
    found = settings(server.address, f"{server.address}/v1", NAMES, **changes)
    return replace(found, providers={**found.providers, "claude": replace(found.providers["claude"], timeout=60.0)})


def pid_of(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def fields(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_can_do_without_what_it_has_no_need_of(server: Replay, open_folder: Path) -> None:
    with broker(
        known(server), KEYS, night="n", state=open_folder / "s", blobs=open_folder / "b", retries=QUICK
    ) as path:
        pid = pid_of(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == os.getuid()
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        core = next(line for line in limits.splitlines() if line.startswith("Max core"))
        assert core.split()[4:6] == ["0", "0"]
        # what is not dumpable belongs to root in /proc, whoever runs it
        assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
        if os.getuid() == 0:
            assert Path(f"/proc/{pid}/environ").read_bytes() == b""
            reached = all(hardening.open_to_all(path) for path in broker_process.loaded())
            uid = str(hardening.OTHER_UID if reached else os.getuid())
            assert fields(pid)["Uid"].split() == [uid] * 4
            assert Path(f"/proc/{os.getpid()}").stat().st_uid == 0, "the control: this one is itself"
        answer = Client(path).ask(question("plain"))
        assert (answer.outcome, answer.cost_usd) == ("answer", COST), "and works all the same"


def test_it_refuses_strangers(server: Replay, open_folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be a stranger")
    ask = (
        "import os, socket, sys\n"
        "os.setuid(int(sys.argv[2]))\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect(sys.argv[1])\n"
        "s.sendall(b'{\"spent\": true}\\n')\n"
        "sys.stdout.write(s.makefile().readline())\n"
    )
    with broker(
        known(server), KEYS, night="n", state=open_folder / "s", blobs=open_folder / "b", retries=QUICK
    ) as path:
        path.chmod(0o666)  # so that who asks is what decides

        def asked(uid: int) -> str:
            words = [sys.executable, "-c", ask, str(path), str(uid)]
            return subprocess.run(words, capture_output=True, text=True, check=False).stdout

        assert "night" in asked(0)
        assert asked(12345) == ""


def test_a_line_is_limited_and_nonsense_is_answered(server: Replay, tmp_path: Path) -> None:
    with broker(known(server), KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        for line in (
            b"{nonsense\n",
            b"[]\n",
            b'{"ask": {"provider": 1}}\n',
            b'{"other": 1}\n',
            b"x" * wire.LONGEST + b"y\n",
        ):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                connection.sendall(line)
                reply = connection.makefile("rb").readline()
            assert b"not understood" in reply, line[:40]
        assert Client(path).ask(question("plain")).outcome == "answer"


def test_last_words_are_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "answers").write_text("in the way", encoding="utf-8")
    began = time.monotonic()
    with (
        pytest.raises(AutoresearchError, match="did not start") as caught,
        broker(settings("http://x", "http://x", NAMES), KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b"),
    ):
        pass
    assert "FileExistsError" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert time.monotonic() - began < 100


def test_without_a_key_only_what_needs_none_is_asked(server: Replay, tmp_path: Path) -> None:
    found = known(server)
    local = ProviderSettings("anthropic", server.address, local=True)
    found = Settings({**found.providers, "local": local}, {}, Caps(night=Decimal(0)))
    with broker(found, {}, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        answer = Client(path).ask(question("plain", "local"))
        assert (answer.outcome, answer.cost_usd) == ("answer", Decimal(0))
        answer = Client(path).ask(question("plain"))
        assert (answer.outcome, answer.attempts) == ("rejected", 0)
        assert "there are: local" in answer.why


def test_a_model_without_a_price_is_not_asked(server: Replay, tmp_path: Path) -> None:
    found = replace(known(server), prices={})
    before = len(server.asked)
    with broker(found, KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        answer = Client(path).ask(question("plain"))
    assert (answer.outcome, answer.attempts) == ("rejected", 0)
    assert "costs" in answer.why
    assert len(server.asked) == before


def test_past_a_cap_nothing_is_sent(server: Replay, tmp_path: Path) -> None:
    with broker(known(server), KEYS, night="n", state=tmp_path / "x", blobs=tmp_path / "b", retries=QUICK) as path:
        worst = Client(path).worst_case_usd(question("plain"))
    capped = known(server, caps=Caps(night=worst))
    before = len(server.asked)
    with broker(capped, KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        first, second = (Client(path).ask(question("plain")) for _ in range(2))
    assert (first.outcome, second.outcome, second.attempts) == ("answer", "money", 0)
    assert "night" in second.why
    assert len(server.asked) - before == 1


def test_a_kill_counts_what_was_in_flight_and_gives_out_what_was_paid(server: Replay, tmp_path: Path) -> None:
    places: dict[str, Any] = {"night": "n", "state": tmp_path / "s", "blobs": tmp_path / "b", "retries": QUICK}
    with suppress(KeyboardInterrupt), broker(known(server), KEYS, **places) as path:
        client = Client(path)
        first = client.ask(question("plain"))
        assert first.outcome == "answer"
        worst = client.worst_case_usd(question("never"))
        flying = subprocess.Popen(
            [sys.executable, "-c", ASK_NEVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 120
        while client.spent()["open"] == 0 and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(pid_of(path), signal.SIGKILL)
        assert flying.communicate()[0].startswith("outage the broker is gone")
        assert client.ask(question("plain")).outcome == "outage"
        raise KeyboardInterrupt
    with broker(known(server), KEYS, **places) as path:
        client = Client(path)
        assert client.spent() == {"night": COST + worst, "month": COST + worst, "open": worst}
        before = len(server.asked)
        again = client.ask(question("plain"))
        assert again == first, "the same answer, hash by hash"
        assert len(server.asked) == before, "not paid for again"
        assert client.spent()["night"] == COST + worst
        client.ask(question("plain"))
        assert len(server.asked) == before + 1, "asked a second time in one life it is a question of its own"
    assert not list((tmp_path / "s" / "answers").iterdir()), "after a good end nothing waits"


ASK_NEVER = """
import sys
from pathlib import Path
from bot.models.client import Client
from tests.models.providing import question
answer = Client(Path(sys.argv[1])).ask(question("never"))
print(answer.outcome, answer.why)
"""


def test_nothing_of_a_private_target_is_kept(server: Replay, tmp_path: Path) -> None:
    with broker(known(server), KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        answer = Client(path, keep=False).ask(question("plain", text="secret customers"))
        assert (answer.outcome, answer.prompt, answer.reply) == ("answer", "", "")
        assert not list((tmp_path / "b").iterdir())
    left = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert left, "the ledger"
    assert not any(b"secret customers" in content or b"smaller is faster" in content for content in left)
    with broker(known(server), KEYS, night="n", state=tmp_path / "s", blobs=tmp_path / "b", retries=QUICK) as path:
        answer = Client(path).ask(question("plain", text="secret customers"))
    assert b"secret customers" in (tmp_path / "b" / answer.prompt).read_bytes(), "the control: this search finds"


NIGHT = textwrap.dedent("""
    import ctypes, os, subprocess, sys
    from pathlib import Path
    from bot.models.nursery import broker, taken
    from tests.models.providing import question, settings

    found = settings(sys.argv[1], sys.argv[1] + "/v1", ["plain"]).only(["claude"])
    keys = taken(found) if sys.argv[3] == "take" else {"claude": os.environ["CLAUDE_KEY"]}
    folder = Path(sys.argv[2])
    with broker(found, keys, night="n", state=folder / "s", blobs=folder / "b") as path:
        print(subprocess.run([sys.executable, "-c", sys.argv[4], str(path)], capture_output=True, text=True).stdout)
        print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
        sys.stdout.flush()
        sys.stdin.readline()
""")
RUN = textwrap.dedent("""
    import sys
    from pathlib import Path
    from bot.models.client import Client
    from tests.models.providing import question

    assert Client(Path(sys.argv[1])).ask(question("plain")).outcome == "answer"
    for process in Path("/proc").iterdir():
        for name in ("environ", "cmdline"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            if b"sk-canary-" b"4f1d0c7e55aa" in content and process.name != "self":
                print("found", name, content[:40])
    print("searched")
""")


@pytest.mark.parametrize("taken", ["take", "leave"])
def test_the_key_is_in_no_environment_or_command(server: Replay, tmp_path: Path, taken: str) -> None:
    """`leave` is the positive control: a night that does not take its key away is seen by this search."""
    with subprocess.Popen(
        [sys.executable, "-c", NIGHT, server.address, str(tmp_path), taken, RUN], cwd=ROOT, text=True,
        env={**os.environ, "CLAUDE_KEY": CANARY}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as night:  # fmt: skip
        said = night.communicate("\n")[0]
    assert "searched" in said
    assert ("found environ" in said) == (taken == "leave"), said
    assert "dumpable 0" in said, "nobody else of its user looks into the night that handed the key over"


def test_the_broker_ends_with_a_killed_night(server: Replay, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NIGHT, server.address, str(tmp_path), "take", "import sys; print(sys.argv[1])"],
        cwd=ROOT, text=True, env={**os.environ, "CLAUDE_KEY": CANARY}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as night:  # fmt: skip
        assert night.stdout is not None
        pid = pid_of(Path(night.stdout.readline().strip()))
        assert Path(f"/proc/{pid}").exists()
        night.kill()
    until = time.monotonic() + 120
    while Path(f"/proc/{pid}").exists() and fields(pid)["State"][0] != "Z" and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists() or fields(pid)["State"][0] == "Z"


@pytest.mark.parametrize("key", ["sk-canary\nx: y", "sk-canary-é", "sk-canary\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(server: Replay, tmp_path: Path, key: str) -> None:
    with (
        pytest.raises(AutoresearchError, match="the key of claude") as refused,
        broker(known(server), {"claude": key}, night="n", state=tmp_path / "s", blobs=tmp_path / "b"),
    ):
        pass
    assert "canary" not in str(refused.value)


def test_this_process_may_still_dump_core() -> None:
    """The control: the limits of the broker are its own."""
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0
