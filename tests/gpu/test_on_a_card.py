"""CUDA only: what no stand-in can show. Each is skipped by name where the machine has no card.

What it takes: NVIDIA's driver, bubblewrap, and for those of training torch with CUDA (`pip install -e '.[gpt]'`).
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import pytest

from bot.night import preflight
from harness import candidate, device
from harness.repository import WorkingSource
from harness.scorers.gpt import device as telemetry
from tests.gpu.test_preflight import GPU, target_of
from tests.support import make_repository
from tests.surviving import files

CARD, _WHY = device.look()
MULTIPLY = """
import sys, time, torch
print("begun", flush=True)
a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
until = time.monotonic() + 4
while time.monotonic() < until:
    for _ in range(20):
        b = a @ a
    torch.cuda.synchronize()
print(torch.cuda.max_memory_allocated(), flush=True)
"""
COMPILED = """
import torch
f = torch.compile(lambda x: torch.nn.functional.gelu(x @ x).sum())
x = torch.ones(256, 256, device="cuda", dtype=torch.bfloat16, requires_grad=True)
f(x).backward()
print(tuple(x.grad.shape))
"""


@pytest.fixture(autouse=True)
def _on_a_card(request: pytest.FixtureRequest) -> None:
    if CARD is None:
        pytest.skip(f"CUDA only, no card here: {request.node.name}")


@pytest.fixture
def _torch() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")


def test_cuda_begins_in_the_sandbox() -> None:
    done = candidate.run(["python", "-c", preflight._PROBE], limits=preflight._LIMITS, packages=True, gpu=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told.get("init"), told.get("count")) == (0, 1), (told, done.stderr)


def test_without_leave_cuda_does_not_begin() -> None:
    """The control: the card is a grant, and not what every candidate sees."""
    done = candidate.run(["python", "-c", preflight._PROBE], limits=preflight._LIMITS, packages=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told.get("init") != 0


def test_the_node_that_is_shown_is_the_first_cards() -> None:
    assert device.missing_nodes() == []
    assert [path.name for path in device.shown().nodes if path.name[6:].isdecimal()] == [device._node().name]


def test_preflight_finds_an_idle_card_fit(tmp_path: Path) -> None:
    source = WorkingSource(make_repository(tmp_path, files(target=GPU)))
    lines = preflight.look(target_of(source), source)
    assert [str(line) for line in lines if line.problem] == []
    assert {line.name for line in lines} == {"card", "memory", "clocks", "data", "cuda"}


def test_the_card_is_in_the_table_of_peaks() -> None:
    assert telemetry.peak(device.name()), f"{device.name()} has no mfu: harness/scorers/gpt/cards.yaml"


@pytest.mark.usefixtures("_torch")
def test_telemetry_sees_a_candidate_at_work() -> None:
    limits = preflight._LIMITS
    with telemetry.Watch(on=True) as watch:
        time.sleep(2)
        began = time.monotonic()
        done = candidate.run(["python", "-c", MULTIPLY], limits=limits, packages=True, gpu=True)
        ended = time.monotonic()
    assert done.ok, done.stderr
    found = watch.parts(began, ended)
    assert found["gpu_utilisation"] > 10
    assert found["gpu_memory_mb"] * 1e6 >= float(done.stdout.split()[-1])
    assert {"gpu_celsius", "gpu_watts", "gpu_mhz"} <= set(found)


@pytest.mark.usefixtures("_torch")
def test_what_is_compiled_runs_in_the_sandbox() -> None:
    done = candidate.run(["python", "-c", COMPILED], limits=preflight._LIMITS, packages=True, gpu=True)
    assert done.ok, done.stderr
    assert done.stdout.split(b"\n")[0] == b"(256, 256)"
