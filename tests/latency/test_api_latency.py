"""api-latency in its sandbox: what an expert writes is accepted and faster, what is wrong is refused for its reason.

Each wrong handler has its control: without the one check that is meant for it nothing refuses it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness import evaluator
from harness.sandbox.views import ROOT_VARIABLE
from tests.latency.wrong import EXPERT, VIEWED, WRONG, Wrong, around, started

TARGET = Path(__file__).parents[2] / "targets" / "experiments" / "api-latency"
BASE = (TARGET / "handler.py").read_text(encoding="utf-8")
SIBLINGS = ("answers", "driving", "shops", "traffic")
CHECKS = {
    "answers": ("driving", "require_right"),
    "held": ("", "require_held"),
    "start": ("", "_require_start"),
    "idle": ("", "_require_idle"),
}


class Bench:
    """The evaluator as it stands, in a copy of the target's folder. hidden: with what is there in confirm alone."""

    def __init__(self, folder: Path, *, hidden: bool) -> None:
        self.folder = folder / "target"
        leave = shutil.ignore_patterns("__pycache__", "*.md", *(() if hidden else ("data",)))
        shutil.copytree(TARGET, self.folder, ignore=leave)
        self.home = folder / "home"
        self.home.mkdir()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("TMPDIR", str(self.home))
        self.patch.setenv(ROOT_VARIABLE, os.pathsep.join(map(str, (self.folder, self.home))))
        self.patch.chdir(self.folder)
        self.patch.syspath_prepend(str(self.folder))
        self.module = self._loaded()

    def _loaded(self) -> ModuleType:
        for name in SIBLINGS:
            sys.modules.pop(name, None)
        spec = importlib.util.spec_from_file_location("evaluate_api_latency", self.folder / "evaluate.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def one(self, content: str, seed: int = 1, without: str = "") -> evaluator.Scores | evaluator.Crash:
        """without: the check that is taken out, as in CHECKS."""
        path = self.home / "candidate.py"
        path.write_text(content, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            if without:
                place, name = CHECKS[without]
                patch.setattr(getattr(self.module, place) if place else self.module, name, lambda *_arguments: None)
            request = evaluator.Request(1, "search", seed, 1.0, (evaluator.Item("b", path),))
            (found,) = self.module.score(request)
        assert not isinstance(found, evaluator.Screened)
        return found

    def close(self) -> None:
        self.patch.undo()
        for name in SIBLINGS:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("loop"), hidden=False)
    yield made
    made.close()


def scores(found: evaluator.Scores | evaluator.Crash) -> evaluator.Scores:
    assert isinstance(found, evaluator.Scores), found.why
    return found


def refusal(found: evaluator.Scores | evaluator.Crash) -> str:
    assert isinstance(found, evaluator.Crash), "it was scored"
    return found.why


def test_an_expert_is_accepted_and_faster(bench: Bench) -> None:
    base, expert = scores(bench.one(BASE)), scores(bench.one(EXPERT))
    assert set(base.metrics) == set(expert.metrics) == {"p99_ms", "p50_ms", "memory_mb", "cpu_ms"}
    assert expert.metrics["cpu_ms"] < base.metrics["cpu_ms"] / 1.5
    assert expert.metrics["p50_ms"] <= expert.metrics["p99_ms"]
    assert expert.metrics["memory_mb"] < 1.3 * base.metrics["memory_mb"]
    assert {"after_a_write_ms", "again_ms", "report_ms", "start_ms"} <= set(base.parts)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_handler_is_refused(bench: Bench, name: str) -> None:
    wrong = WRONG[name]
    why = next(why for seed in range(1, 6) if (why := getattr(bench.one(wrong.content, seed), "why", "")))
    assert re.search(wrong.why, why), why


@pytest.mark.parametrize("name", [name for name, wrong in WRONG.items() if wrong.check])
def test_without_its_check_a_wrong_handler_is_scored(bench: Bench, name: str) -> None:
    wrong = WRONG[name]
    found = bench.one(wrong.content, without=wrong.check)
    if wrong.check == "answers" and isinstance(found, evaluator.Crash):  # what is wrong was also written
        assert "does not hold what was answered" in found.why
    else:
        scores(found)


def test_hard_coded_answers_are_refused_for_other_requests(bench: Bench) -> None:
    """A table of what was asked and answered under other seeds; what is not in it is worked out."""
    module, table = bench.module, {}
    for seed in range(100, 130):
        for client in module.course(seed).traffic:
            for asked in client:
                if asked.line.startswith("GET ") and asked.expected.status == 200:
                    table.setdefault(asked.line, [asked.expected.kind, asked.expected.content])
    assert len(table) > 1500
    code = """from urllib.parse import urlencode
target = f"GET {path}" + (f"?{urlencode(query)}" if query else "")
if target in KNOWN:
    kind, content = KNOWN[target]
    return 200, kind, content if isinstance(content, str) else json.dumps(content)
return _()"""
    cheat = Wrong((around(code), ("state = {}\n", f"state = {{}}\nKNOWN = json.loads({json.dumps(table)!r})\n")), "")
    refusal(bench.one(cheat.content, seed=7))
    assert isinstance(bench.one(cheat.content, 7, without="answers"), evaluator.Scores)


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
        ((around("import os\nos._exit(3)"),), "hung up"),
        ((around('raise ValueError("lost")'),), "status 500 instead of 200: .*ValueError: lost"),
        ((around("while True: pass"),), "did not answer in time"),
        ((around('return 200, "application/json", "[" * 5000'),), "not application/json|instead of"),
        ((around('return 200, "application/json", "x" * (2 << 20)'),), "an answer of more than 1,048,576 bytes"),
    ],
    ids=["import", "exit", "error", "hang", "no JSON", "flood"],
)
def test_a_handler_that_fails_is_refused(bench: Bench, change: Any, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(bench.module, "LIMITS", replace(bench.module.LIMITS, seconds=6))
    assert re.search(why, refusal(bench.one(Wrong(change, "").content)), re.DOTALL)


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
