"""What is looked at before a night on a card spends anything: each line says no for its own fault and for no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.night import night as nightly
from bot.night import preflight
from bot.night.folder import nights
from bot.pages.wording.text import plain
from harness import candidate, device, targetfile
from harness.candidate import Result
from harness.errors import EvaluatorError, SandboxError
from harness.repository import Repository, WorkingSource
from harness.target import Target
from tests.gpu.smi import H200, Smi, on_path
from tests.support import autoresearch, git, make_repository
from tests.surviving import CLOSE, FOLDER, TARGET, events, files, loop, planned

GPU = TARGET.replace("evaluate: {", "evaluate: {needs: [gpu], ")
WELL = {
    "init": 0, "count": 1, "torch": "2.13.0", "built": "12.8", "available": True, "name": "NVIDIA H200",
    "sum": 262144.0,
}  # fmt: skip


def answers(told: Mapping[str, object] | str, stderr: str = "") -> Callable[..., Result]:
    text = told if isinstance(told, str) else json.dumps(told)
    return lambda *_words, **_asked: Result(0, f"a warning\n{text}\n".encode(), stderr, 1.0, "")


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in WELL.items() if name not in names}


@pytest.fixture
def fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Smi:
    """A machine whose card is fit, as far as a machine without one can be made to look so."""
    device.name.cache_clear()
    monkeypatch.setattr(device, "missing_nodes", list)
    monkeypatch.setattr(candidate, "run", answers(WELL))
    return on_path(tmp_path / "driver", monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> WorkingSource:
    return WorkingSource(make_repository(tmp_path, files(target=GPU)))


def target_of(source: WorkingSource) -> Target:
    return targetfile.load(source, FOLDER)


def looked(source: WorkingSource) -> dict[str, preflight.Line]:
    return {line.name: line for line in preflight.look(target_of(source), source)}


def test_a_fit_card_is_described_line_by_line(fit: Smi, source: WorkingSource) -> None:
    lines = looked(source)
    assert [str(line) for line in lines.values()] == [
        "card: NVIDIA H200; driver 570.86.15",
        "memory: 143,139 of 143,771 MB free",
        "clocks: up to 1980 MHz, 31 degrees",
        "data: in the repository",
        "cuda: torch 2.13.0 for CUDA 12.8 computes on NVIDIA H200 in the sandbox",
    ]
    assert not any(line.problem for line in lines.values())


@dataclass(frozen=True)
class Fault:
    """line: the one that says no; said: in these words. cells: of the card; told: what the sandbox answers."""

    line: str
    said: str
    cells: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, object] | str | None = None
    apps: tuple[str, ...] = ()


FAULTS = {
    "another process": Fault(
        "memory",
        "process 4242 (python3, 40210 MB)",
        {"memory__free": "102929"},
        apps=("4242, /usr/bin/python3, 40210",),
    ),
    "another one that has no name": Fault("memory", "does not name", {"memory__free": "102929"}),
    "hot": Fault("clocks", "it is hot", {"temperature__gpu": "85"}),
    "held back": Fault("clocks", "since it is hot", {"clocks_event_reasons__active": "0x0000000000000040"}),
    "power": Fault("clocks", "power supply", {"clocks_event_reasons__active": "0x0000000000000088"}),
    "no driver in the sandbox": Fault("cuda", "cuInit gave 304", told={"init": 304, "count": 0}),
    "no library": Fault("cuda", "libcuda.so.1", told={"driver_error": "OSError: libcuda.so.1: cannot open"}),
    "a torch for processors": Fault("cuda", "built without CUDA", told={**WELL, "built": None, "available": False}),
    "a torch that sees none": Fault("cuda", "sees no card", told={**without("name", "sum"), "available": False}),
    "a torch that fails": Fault("cuda", "no kernel image", told={**without("sum"), "torch_error": "no kernel image"}),
    "a product that is wrong": Fault("cuda", "262144 is right", told={**WELL, "sum": 0.0}),
    "no answer": Fault("cuda", "did not come to its end", told="not JSON"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_said_by_its_own_line(
    fit: Smi, source: WorkingSource, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    fit.apps = list(fault.apps)
    fit.says(**fault.cells)
    if fault.told is not None:
        monkeypatch.setattr(candidate, "run", answers(fault.told))
    lines = looked(source)
    assert [line.name for line in lines.values() if line.problem] == [fault.line]
    assert fault.said in lines[fault.line].said


@pytest.mark.parametrize("free", ["142800", "136700"])
def test_what_a_driver_itself_takes_is_no_fault(fit: Smi, source: WorkingSource, free: str) -> None:
    fit.says(memory__free=free)
    assert not looked(source)["memory"].problem


def test_a_card_without_torch_is_fit(fit: Smi, source: WorkingSource, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"init": 0, "count": 1, "torch_error": "ModuleNotFoundError: No module named 'torch'"}
    monkeypatch.setattr(candidate, "run", answers(told))
    assert not looked(source)["cuda"].problem


def test_a_sandbox_that_does_not_hold_is_a_line(
    fit: Smi, source: WorkingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_words: object, **_asked: object) -> Result:
        raise SandboxError("bubblewrap is not installed")

    monkeypatch.setattr(candidate, "run", refused)
    assert looked(source)["cuda"].problem


def test_a_split_card_says_so(fit: Smi, source: WorkingSource) -> None:
    fit.says(mig__mode__current="Enabled")
    assert "in parts (MIG)" in looked(source)["card"].said


def test_the_probe_is_a_program(source: WorkingSource) -> None:
    """Here it finds no card, and says so in the words that preflight reads."""
    done = candidate.run(["python", "-c", preflight._PROBE], limits=preflight._LIMITS, packages=True, gpu=True)
    told = json.loads(done.stdout.splitlines()[-1])
    line = preflight._torch(_card(), told) if told.get("init") == 0 else None
    assert line is not None or "driver_error" in told or told["init"] != 0
    assert {"torch", "torch_error"} & set(told)


def _card() -> device.Card:
    return device.Card(0, H200["name"], "", "", None, None, None, None, None)


# --- a night ---


def ends(repository: Repository) -> list[dict[str, str]]:
    (night,) = nights(repository)
    return [segment.events[-1] for segment in night.segments("t")]


def test_a_night_without_a_card_ends_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    if device.look()[0]:
        pytest.skip("this machine has a card: tests/gpu/test_on_a_card.py")
    repository = make_repository(tmp_path, files(target=GPU, evaluator="raise SystemExit('it was started')\n"))
    done = autoresearch(repository, "night", "-n", "5", "--quiet")
    assert done.returncode == 0, done.stderr
    (night,) = nights(repository)
    (segment,) = night.segments("t")
    assert [event["event"] for event in segment.events] == ["header", "seal"], "something was spent"
    assert segment.events[-1]["end"] == "preflight"
    assert segment.events[-1]["why"].startswith("card: none: nvidia-smi")
    assert segment.header["machine"]["device"] == "none"
    assert "did not begin, ended by: preflight: card: none" in plain(done.stdout, 100_000)
    assert "preflight" in git(repository, "show", f"autoresearch/results:t/{segment.name}.jsonl")
    checked = autoresearch(repository, "check", "t")
    assert "t: NOT READY" in checked.stdout
    assert "card: none: nvidia-smi" in checked.stdout
    assert "it was started" not in checked.stdout


def test_a_target_that_needs_none_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_words: str) -> None:
        raise AssertionError("nvidia-smi was asked")

    repository = make_repository(tmp_path, files())
    night = planned(repository, 5)
    target = nightly.targets_of(night)[0]
    monkeypatch.setattr(device, "smi", nobody)
    said: list[str] = []
    assert not preflight.ended(night, target, said.append)
    preflight.require(night, target, said.append)
    assert (said, preflight.look(target, WorkingSource(repository))) == ([], ())
    assert preflight.elsewhere(target, night.segments("t")) == ""


def test_the_evaluator_is_told_of_the_card_it_needs_and_of_no_other(tmp_path: Path) -> None:
    told = CLOSE.replace("def score", "import os\nCARD = os.environ.get('AUTORESEARCH_DEVICE', 'cpu')\n\ndef score")
    told = told.replace("evaluator.Scores({", "evaluator.Scores({'on_a_card': float(CARD == 'cuda'), ")
    for name, target, expected in (("plain", TARGET, 0.0), ("gpu", GPU, 1.0)):
        repository = make_repository(tmp_path / name, files(told, target))
        night = planned(repository, 1)
        loop(night)
        assert events(night, "baseline")[0]["metrics"]["on_a_card"] == expected


def test_confirm_measures_nothing_on_a_card_that_is_not_fit(fit: Smi, tmp_path: Path) -> None:
    night = planned(make_repository(tmp_path, files(target=GPU)), 5)
    target = nightly.targets_of(night)[0]
    preflight.require(night, target, lambda _line: None)
    fit.says(temperature__gpu="90")
    with pytest.raises(EvaluatorError, match="cannot go on now"):
        preflight.require(night, target, lambda _line: None)
