"""A whole code target under attack: what its candidate reaches through the real evaluator, view and sandbox.

Every attack has its control: the same candidate under the same evaluator with the sandbox taken out, where it works.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot import config, proposers
from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request
from harness import folds, measure, view
from harness.errors import ConfigError, SandboxError
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import Repository, WorkingSource
from tests.support import make_repository

FOLDER = "targets/experiments/sum"
TARGET = """
name: sum
file: solve.py
evaluate: {command: [python, evaluate.py], timeout: 30s}
data: {hidden: [data/holdout.txt]}
sample: rows
metrics: [{name: correct, goal: maximize}, {name: stolen, goal: minimize}]
confirm: {unit: hunk}
"""
EVALUATOR = """
from pathlib import Path
from harness import candidate, evaluator

SECRET_ANSWER = "the evaluator's own"
if __name__ == "__main__":
    run = evaluator.settings()
    RUNNER
    output = done.stdout
    correct = sum(line == b"5" for line in output.splitlines())
    evaluator.report({"correct": correct, "stolen": float(b"STOLEN" in output)})
"""
SANDBOXED = 'done = candidate.run(["python", "solve.py"], sees=["solve.py", "data/inputs.txt"])'
NAKED = (
    "import subprocess, sys; "
    'done = subprocess.run([sys.executable, "solve.py"], stdout=subprocess.PIPE, close_fds=False, check=False)'
)
HONEST = 'for line in open("data/inputs.txt"):\n    print(sum(map(int, line.split())))\n'

ATTACKS = {
    "import the evaluator": "from evaluate import SECRET_ANSWER\nprint('STOLEN')",
    "read the evaluator": "assert 'SECRET_ANSWER' in open('evaluate.py').read()\nprint('STOLEN')",
    "read the holdout": "assert open('data/holdout.txt').read()\nprint('STOLEN')",
    "use the network": "import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)\nprint('STOLEN')",
    "leave a file for the next": "open('LEFT', 'w').write('x')\nassert open('LEFT').read()\nprint('STOLEN')",
    "change the evaluator": "open('evaluate.py', 'a').write('#')\nprint('STOLEN')",
}
GUARDED = "try:\n{attack}\nexcept BaseException as error:\n    print('refused', error)\n"
FORGE = """
import os
for descriptor in range(3, 64):
    try:
        os.write(descriptor, b'{"metrics": {"correct": 999, "stolen": 0}}\\n')
    except OSError:
        pass
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_accept, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def measured(tmp_path: Path, candidate: str, runner: str) -> Measurement:
    """One candidate through the real machinery, on the split where everything lies in the evaluator's view."""
    files = {
        f"{FOLDER}/target.yaml": TARGET,
        f"{FOLDER}/evaluate.py": EVALUATOR.replace("RUNNER", runner),
        f"{FOLDER}/solve.py": HONEST,
        f"{FOLDER}/data/inputs.txt": "2 3\n1 4\n",
        f"{FOLDER}/data/holdout.txt": "5 5\n",
    }
    repository = make_repository(tmp_path, files)
    source = WorkingSource(repository)
    target = config.load_targets(source)[0]
    checkout = view.build(source, target, tmp_path / "checkout", hidden=True)
    measurer = measure.measurer(target, checkout, tmp_path / "scratch", repository)
    try:
        return measurer.measure([candidate.encode()], Ask(split="holdout"))[0]
    finally:
        measurer.close()


def attack(name: str, port: int) -> str:
    code = ATTACKS[name].replace("PORT", str(port))
    return GUARDED.format(attack="\n".join(f"    {line}" for line in code.splitlines()))


def test_an_honest_candidate_is_scored(tmp_path: Path) -> None:
    assert measured(tmp_path, HONEST, SANDBOXED).metrics == {"correct": 2, "stolen": 0.0}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_fails_in_the_sandbox(name: str, tmp_path: Path, port: int) -> None:
    found = measured(tmp_path, attack(name, port), SANDBOXED)
    assert found.metrics.get("stolen") == 0.0, found


@pytest.mark.parametrize("name", ATTACKS)
def test_the_control_works_without_it(name: str, tmp_path: Path, port: int) -> None:
    found = measured(tmp_path, attack(name, port), NAKED)
    assert found.metrics.get("stolen") == 1.0, found


def test_a_forged_report_never_arrives(tmp_path: Path) -> None:
    assert measured(tmp_path, FORGE + HONEST, SANDBOXED).metrics == {"correct": 2, "stolen": 0.0}


def test_the_control_of_the_forged_report_arrives(tmp_path: Path) -> None:
    found = measured(tmp_path, FORGE + HONEST, NAKED)
    assert found.crash == "twice", "where the descriptor is inherited the forgery is heard"


class Once:
    """Proposes the honest solution, better by a line, then nothing."""

    worst_case_usd = 0.0

    def __init__(self) -> None:
        self._asked = False

    def ask(self, _request: Request) -> list[Proposal]:
        asked, self._asked = self._asked, True
        return [] if asked else [Proposal(HONEST.encode(), "read every line")]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""


def code_repository(tmp_path: Path) -> Repository:
    files = {
        f"{FOLDER}/target.yaml": TARGET.replace("data: {hidden: [data/holdout.txt]}\nsample: rows\n", ""),
        f"{FOLDER}/evaluate.py": EVALUATOR.replace("RUNNER", SANDBOXED),
        f"{FOLDER}/solve.py": "print(5)\n",
        f"{FOLDER}/data/inputs.txt": "2 3\n1 4\n",
    }
    return make_repository(tmp_path, files)


def test_a_night_on_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(proposers._KINDS, "", lambda _target, _seed: Once())
    night, _plan = plan(code_repository(tmp_path), Wishes())
    target = targets_of(night)[0]
    assert run(night, target, quiet=True) == "exhausted"
    assert confirm(night, target) == "confirmed"
    rows = folds.of_kind(night.segments("sum"), "confirm")[0]["rows"]
    assert [row["adds"] for row in rows] == [1.0]


def test_without_a_sandbox_no_candidate_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SandboxError("bubblewrap is missing")

    monkeypatch.setitem(proposers._KINDS, "", lambda _target, _seed: Once())
    monkeypatch.setattr("harness.sandbox.selftest.self_test", missing)
    night, _plan = plan(code_repository(tmp_path), Wishes())
    with pytest.raises(SandboxError):
        run(night, targets_of(night)[0], quiet=True)
    assert night.segments("sum") == []


def test_a_night_on_code_says_that_no_proposer_is_there_yet(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"target\.yaml: proposer: no proposer for targets/experiments/sum/solve\.py"):
        plan(code_repository(tmp_path), Wishes())
