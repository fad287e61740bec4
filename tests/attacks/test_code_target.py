"""A whole code target under attack: what its candidate reaches through the real evaluator, view and sandbox.

Every attack has its control: the same candidate under the same evaluator with the sandbox taken out, where it works.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from bot import config, proposers
from bot.night.confirm import confirm
from bot.night.folder import mutex
from bot.night.night import _verb, targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request, Told
from harness import folds, measure, view
from harness.errors import ConfigError, SandboxError
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import Repository, WorkingSource
from harness.sandbox.views import ROOT_VARIABLE
from tests.support import autoresearch, make_repository

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
    "change the evaluator": (
        "import os\nos.chmod('evaluate.py', 0o644)\nopen('evaluate.py', 'a').write('#')\nprint('STOLEN')"
    ),
}
GUARDED = "try:\n{attack}\nexcept BaseException as error:\n    print('refused', error)\n"
FORGE = """
import os
for descriptor in range(3, 1024):
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


SPEAKS = "import sys\nsys.stderr.write('\\x1b]0;owned\\x07' + 'x' * 3000 + '\\x1b[2J\\u202elast')\nsys.exit(3)\n"
PASSED_ON = 'done = candidate.run(["python", "solve.py"], sees=["solve.py"]); sys.exit(done.stderr)'
RAW = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, 'solve.py'], check=False).returncode)"


@pytest.mark.parametrize("runner", [f"import sys; {PASSED_ON}", RAW])
def test_what_a_candidate_says_reaches_an_event_escaped_and_short(runner: str, tmp_path: Path) -> None:
    found = measured(tmp_path, SPEAKS, runner)
    assert found.crash == "exit"
    assert found.why.endswith("last")
    assert len(found.why) < 700
    assert all(c.isprintable() or c in "\n\t" for c in found.why), "no control character, none that turns text around"


def test_the_control_of_the_escape_says_it_raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "printable", lambda said: said.decode(errors="replace"))
    assert "\x1b[2J\u202elast" in measured(tmp_path, SPEAKS, RAW).why


OUTSIDE = """
try:
    done = candidate.run(["cat", "/candidate/PLACE"], sees=["../../../PLACE"])
except SandboxError as error:
    evaluator.report({"correct": 0, "stolen": 0})
    raise SystemExit
"""


@pytest.mark.parametrize("named", [True, False])
def test_a_view_out_of_the_checkout_is_refused(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluator that shows, by mistake, what lies beside its checkout."""
    if not named:  # the control: a root that holds that too
        monkeypatch.setattr(measure, "ROOT_VARIABLE", "IGNORED")
        monkeypatch.setattr(measure, "environment", with_root(tmp_path, measure.environment))
    (tmp_path / "secret").write_text("STOLEN")
    lines = OUTSIDE.replace("PLACE", "secret").replace('sees=["../../../', 'sees=["../../../../').strip().splitlines()
    runner = "from harness.errors import SandboxError\n" + "\n".join(f"    {line}" for line in lines)
    assert measured(tmp_path, HONEST, runner).metrics["stolen"] == (0.0 if named else 1.0)


def with_root(root: Path, real: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    return lambda *given, **named: real(*given, **named) | {ROOT_VARIABLE: str(root)}


SPY = {
    f"{FOLDER}/target.yaml": (
        "name: sum\nfile: spec.yaml\nspace: {/a: {float: [0, 1]}}\nevaluate: {command: [python, evaluate.py]}\n"
        "metrics: [{name: stolen, goal: minimize}]\nproposer: {kind: perturb}\n"
    ),
    f"{FOLDER}/evaluate.py": (
        "import os\nfrom pathlib import Path\nfrom harness import evaluator\n"
        "theirs = repr(os.environ).encode()\n"
        "try: theirs += Path(f'/proc/{os.getppid()}/environ').read_bytes()\n"
        "except PermissionError: pass\n"
        "evaluator.report({'stolen': float(b'a-canary' in theirs)})\n"
    ),
    f"{FOLDER}/spec.yaml": "a: 0.5\n",
}


@pytest.mark.parametrize("form", ["by the night", "by hand"])
def test_a_verb_carries_no_secret(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "a-canary")
    repository = make_repository(tmp_path, SPY)
    night, _plan = plan(repository, Wishes(experiments=2))
    if form == "by the night":
        with mutex(repository) as held:
            assert _verb("run", night, "sum", held, quiet=True) == 0
    else:
        assert autoresearch(repository, "run", "--night", night.name, "--target", "sum", "--quiet").returncode == 0
    base = folds.of_kind(night.segments("sum"), "baseline")[0]
    # Who is not root is kept from it by the user namespace that took the network away, too.
    assert base["metrics"]["stolen"] == (1.0 if form == "by hand" and os.geteuid() == 0 else 0.0)


class Once:
    """Proposes the honest solution, better by a line, then nothing."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self) -> None:
        self._asked = False

    def ask(self, _request: Request) -> list[Proposal]:
        asked, self._asked = self._asked, True
        return [] if asked else [Proposal(HONEST.encode(), "read every line")]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""


def code_repository(tmp_path: Path) -> Repository:
    files = {
        f"{FOLDER}/target.yaml": TARGET.replace("data: {hidden: [data/holdout.txt]}\nsample: rows\n", ""),
        f"{FOLDER}/evaluate.py": EVALUATOR.replace("RUNNER", SANDBOXED),
        f"{FOLDER}/solve.py": "print(5)\n",
        f"{FOLDER}/data/inputs.txt": "2 3\n1 4\n",
    }
    return make_repository(tmp_path, files)


def test_a_night_on_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(proposers._KINDS, "", lambda _setting: Once())
    night, _plan = plan(code_repository(tmp_path), Wishes())
    target = targets_of(night)[0]
    assert run(night, target, quiet=True) == "exhausted"
    assert confirm(night, target) == "confirmed"
    rows = folds.of_kind(night.segments("sum"), "confirm")[0]["rows"]
    assert [row["adds"] for row in rows] == [1.0]


def test_without_a_sandbox_no_candidate_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SandboxError("bubblewrap is missing")

    monkeypatch.setitem(proposers._KINDS, "", lambda _setting: Once())
    monkeypatch.setattr("harness.sandbox.selftest.self_test", missing)
    night, _plan = plan(code_repository(tmp_path), Wishes())
    with pytest.raises(SandboxError):
        run(night, targets_of(night)[0], quiet=True)
    assert night.segments("sum") == []


def test_a_night_on_code_says_that_no_proposer_is_there_yet(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"target\.yaml: proposer: no proposer for targets/experiments/sum/solve\.py"):
        plan(code_repository(tmp_path), Wishes())
