"""api-latency in its sandbox: what an expert writes is accepted, and what a handler may try leads nowhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.latency.bench import BASE, Bench, refusal, scores
from tests.latency.wrong import EXPERT, VIEWED, Wrong, around, started


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("loop"), hidden=False)
    yield made
    made.close()


def test_an_expert_is_accepted_and_faster(bench: Bench) -> None:
    base, expert = scores(bench.one(BASE)), scores(bench.one(EXPERT))
    assert set(base.metrics) == set(expert.metrics) == {"p99_ms", "p50_ms", "memory_mb", "cpu_ms"}
    assert expert.metrics["cpu_ms"] < base.metrics["cpu_ms"] / 1.5
    assert expert.metrics["p50_ms"] <= expert.metrics["p99_ms"]
    assert expert.metrics["memory_mb"] < 1.3 * base.metrics["memory_mb"]
    assert {"after_a_write_ms", "again_ms", "report_ms", "start_ms"} <= set(base.parts)


def test_clocks_in_the_sandbox_measure_nothing(bench: Bench) -> None:
    stopped = "import time\nsleep, time.time, time.perf_counter, time.monotonic = time.sleep, *[lambda: 0.0] * 3"
    slow = Wrong((("import string\n", f"import string\n{stopped}\n"), around("sleep(0.02)\nreturn _()")), "")
    found = scores(bench.one(slow.content))
    assert found.metrics["p50_ms"] >= 20


PEEKS = """import os
try:
    open(f"/proc/{os.getppid()}/maps").close()
except PermissionError:
    pass
else:
    raise SystemExit("it sees the memory of the keeper")"""


def test_no_handler_looks_into_the_keeper(bench: Bench) -> None:
    peeking = Wrong((started(PEEKS),), "").content
    scores(bench.one(peeking))
    server = bench.folder / "server.py"
    text = server.read_text(encoding="utf-8")
    closed = "ctypes.CDLL(None).prctl(*_NOT_DUMPABLE, 0, 0, 0)"
    assert closed in text
    try:
        server.write_text(text.replace(closed, "pass"), encoding="utf-8")
        why = refusal(bench.one(peeking))
    finally:
        server.write_text(text, encoding="utf-8")
    assert "it sees the memory of the keeper" in why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((("import string\n", "import string\nimport no_such_module\n"),), "No module named 'no_such_module'"),
        ((started("import os\nos._exit(3)"),), "hung up|ended before"),
        ((around("import os\nos._exit(3)"),), "hung up"),
        ((around('raise ValueError("lost")'),), "status 500 instead of 200: .*ValueError: lost"),
        ((around("while True: pass"),), "did not answer in time"),
        ((around('return 200, "application/json", "[" * 5000'),), "not application/json|instead of"),
        ((around('return 200, "application/json", "x" * (2 << 20)'),), "an answer of more than 1,048,576 bytes"),
    ],
    ids=["import", "exit at the start", "exit", "error", "hang", "no JSON", "flood"],
)
def test_a_handler_that_fails_is_refused(bench: Bench, change: Any, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.module, "LIMITS", replace(bench.module.LIMITS, seconds=6))
    assert re.search(why, refusal(bench.one(Wrong(change, "").content)), re.DOTALL)


def test_a_service_whose_clients_leave_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are closed before the keeper is told to end; how soon it is told is up to the machine."""
    tell = bench.module.tell

    def late(keeper: Any, what: str, **more: Any) -> dict[str, Any]:
        time.sleep(0.3 if what == "end" else 0)
        found: dict[str, Any] = tell(keeper, what, **more)
        return found

    monkeypatch.setattr(bench.module, "tell", late)
    scores(bench.one(BASE))


def test_memory_counts(bench: Bench) -> None:
    kept = Wrong((started('state["kept"] = b"x" * (64 << 20)'),), "")
    least = scores(bench.one(EXPERT)).metrics["memory_mb"]
    assert scores(bench.one(kept.content)).metrics["memory_mb"] > least + 60


WILDCARDS = (
    ('"SELECT id, sku, name, price, details FROM products WHERE shop = ?", (shop,)',
     '"SELECT id, sku, name, price, details FROM products WHERE shop = ? AND name LIKE ?", (shop, f"%{wanted}%")'),
    ("if wanted not in name.lower():", "if not name:"),
)  # fmt: skip


def test_hidden_requests_are_asked_in_confirm_alone(tmp_path: Path, bench: Bench) -> None:
    """A search that takes % and _ for wildcards is right for all that is asked in the loop."""
    careless = Wrong(WILDCARDS, "").content
    scores(bench.one(careless, seed=3))
    other = Bench(tmp_path, hidden=True)
    try:
        assert "products?q=" in refusal(other.one(careless, seed=3))
        scores(other.one(EXPERT, seed=3))
        scores(other.one(BASE, seed=3))
    finally:
        other.close()
        bench.patch.chdir(bench.folder)


def test_requests_follow_from_the_seed_and_differ_between_seeds(bench: Bench) -> None:
    lines = [
        [[asked.request for asked in client] for client in bench.module.course(seed).traffic] for seed in (1, 1, 2)
    ]
    assert lines[0] == lines[1] != lines[2]
    own = [{asked.line.split("/")[2] for asked in client} for client in bench.module.course(1).traffic]
    assert not set.intersection(*own), "no client reads what another writes"
    assert VIEWED in EXPERT


RAW = """import sys, os
connection = sys._getframe(2).f_locals["connection"]
connection.sendall({said!r})
return _()"""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 \xb2\xb2\xb2 OK\r\nContent-Length: 2\r\n\r\n{}", "answered before it was asked"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "without Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (2 << 20), "more than 1,048,576 bytes"),
        (b"\r\n\r\n", "without Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "before it was asked"),
    ],
    ids=["no status", "a long length", "a large answer", "no head", "two answers"],
)
def test_no_answer_breaks_the_evaluator(bench: Bench, said: bytes, why: str) -> None:
    assert why in refusal(bench.one(Wrong((around(RAW.format(said=said)),), "").content))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 \xb2 OK\r\n\r\n{}",
        b"\xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\xff",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"9" * 10_000,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
    ],
    ids=["status", "head", "bytes", "depth", "digits", "nothing"],
)
def test_nonsense_is_refused(bench: Bench, said: bytes) -> None:
    asked = bench.module.course(1).traffic[0][0]
    driving = bench.module.driving
    with pytest.raises(driving.Bad, match=r"instead of|not application/json|lacks"):
        driving.require_right([driving.Heard(asked, said, 0.1)])
