"""`autoresearch check`: what it finds out about a target, when it is not ready, and what it never shows."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from bot.check import CheckReport, check
from bot.check.text import as_text
from bot.check.trust import ORDER
from harness.errors import ConfigError, NotFound, SandboxError
from harness.repository import Repository
from harness.schemas import schema
from tests.support import autoresearch, git, make_repository, write

FOLDER = "targets/experiments/dial"
TARGET = """
name: dial
file: dial.yaml
space: {/dial: {int: [0, 9]}}
evaluate: {command: [python, evaluate.py]}
locked: [evaluate.py]
metrics: [{name: score, goal: maximize, signal: file-property}]
budget: {experiments: 40}
"""
EVALUATE = """
from harness import evaluator
from harness.candidate import load
run = evaluator.settings()
dial = load(run.file)["dial"]
"""
REPORT = 'evaluator.report({"score": dial, "extra": 2.5})\n'
SERVE = """
import os
from harness import evaluator
from harness.candidate import load
def score(request):
    return [evaluator.Scores({"score": load(item.path)["dial"] + SHIFT}) for item in request.items]
evaluator.serve(score)
"""
SECRET = 0.271828


def make(tmp_path: Path, evaluate: str = EVALUATE + REPORT, target: str = TARGET, **more: str) -> Repository:
    files = {"target.yaml": target, "dial.yaml": "dial: 3\n", "evaluate.py": evaluate, **more}
    return make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})


def only(repository: Repository) -> CheckReport:
    (report,) = check(repository, [])
    return report


def test_a_good_target_is_ready(tmp_path: Path) -> None:
    repository = make(tmp_path)
    report = only(repository)
    found = report.as_json()
    assert json.loads(json.dumps(found)) == found
    assert (report.ready, found["deterministic"], found["problems"], found["warnings"]) == (True, True, [], [])
    assert found["metrics"] == {"score": 3, "extra": 2.5}
    assert found["space"] == {"values": 1, "free": 1, "combinations": 10}
    assert found["estimated_seconds"] == pytest.approx(40 * found["seconds"][1])
    text = as_text(report)
    assert text.startswith("dial: ready\n")
    for words in ("primary", "not declared: reported", "40 experiments x", "2 of 5", "everything is committed"):
        assert words in text, words
    assert f"{found['lock']['id'][:12]} over 2 files" in text
    assert git(repository, "status", "--porcelain", "--ignored") == ""


def test_the_lock_is_the_nights(tmp_path: Path) -> None:
    repository = make(tmp_path)
    planned = json.loads(autoresearch(repository, "night", "--dry-run", "--json").stdout)
    assert planned["targets"][0]["lock"] == only(repository).lock.id


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    litter = "import os\nos.makedirs('left/behind')\nos.chmod('left', 0o500)\n"
    assert only(make(tmp_path, EVALUATE + litter + REPORT)).ready
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        (EVALUATE + "raise SystemExit('no data today')", "fails on the unchanged file (exit): exit 1: no data today"),
        (EVALUATE + "evaluator.report({'other': 1})", "the metric score was not reported"),
        (EVALUATE + "import time\nevaluator.report({'score': time.time()})", "the same file got two scores: score"),
        (EVALUATE + "import os\nos.chmod('evaluate.py', 0o644)\nopen('evaluate.py', 'a').write('#')\n" + REPORT,
         "the locked file targets/experiments/dial/evaluate.py changed"),
    ],
)  # fmt: skip
def test_what_a_night_would_fail_on(tmp_path: Path, evaluate: str, said: str) -> None:
    report = only(make(tmp_path, evaluate))
    assert not report.ready
    assert said in "\n".join(report.problems)
    assert as_text(report).startswith("dial: NOT READY")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    report = only(make(tmp_path, target=TARGET.replace("[python, evaluate.py]", "[no-such-program-here]")))
    assert "cannot be started" in report.problems[0]


@pytest.mark.parametrize(
    ("shift", "ready"),
    [("0", True), ("request.id", False), ("os.getpid()", False)],
    ids=["steady", "by-request", "by-process"],
)
def test_the_serve_form_is_measured_in_a_batch_and_in_two_processes(tmp_path: Path, shift: str, ready: bool) -> None:
    target = TARGET.replace("command:", "serve:")
    report = only(make(tmp_path, SERVE.replace("SHIFT", shift), target))
    assert report.ready is ready
    assert report.baseline.each < report.baseline.seconds[0]  # the start of the process is not counted
    assert "in a batch of 16 copies" in as_text(report)


HOLDOUT = (
    EVALUATE
    + """
import sys
rows = [1.0, 1.0, 1.0, 1.0]
if run.split == "holdout":
    print(SECRET, file=sys.stderr)
    rows = [SECRET] * 200
score = sum(rows) / len(rows)
""".replace("SECRET", str(SECRET))
)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("evaluator.report({'score': score}, rows={'score': [rows]})", ""),
        ("evaluator.report({'score': score})", "reports no rows for score"),
        ("evaluator.report({'score': score + 1}, rows={'score': [rows]})", "do not average to its value"),
        (
            "assert run.split == 'search', score\nevaluator.report({'score': score})",
            "fails on the holdout split (exit)",
        ),
    ],
)
def test_the_holdout_is_tried_and_never_shown(tmp_path: Path, ending: str, said: str) -> None:
    report = only(make(tmp_path, HOLDOUT + ending, f"{TARGET}\nsample: rows\n"))
    assert report.ready is (said == "")
    assert said in "\n".join(report.problems)
    everything = as_text(report) + json.dumps(report.as_json())
    assert str(SECRET)[:6] not in everything
    if not said:
        assert "200 rows carry the interval of score" in everything
    assert "data.hidden names nothing" in everything


def test_hidden_files_are_absent_from_the_baseline(tmp_path: Path) -> None:
    target = f"{TARGET}\nsample: rows\ndata: {{hidden: [held.csv]}}\n"
    look = "import os\nassert os.path.exists('held.csv') == (run.split == 'holdout')\n"
    ending = "evaluator.report({'score': score}, rows={'score': [rows]})"
    report = only(make(tmp_path, HOLDOUT + look + ending, target, **{"held.csv": "x\n"}))
    assert report.ready, report.problems
    assert "held.csv  (hidden until confirm)" in as_text(report)


def test_the_command_that_commits(tmp_path: Path) -> None:
    repository = make(tmp_path)
    write(repository, {f"{FOLDER}/dial.yaml": "dial: 4\n", f"{FOLDER}/notes.md": "", ".github/autoresearch.yml": ""})
    report = only(repository)
    assert report.baseline.metrics["score"] == 4  # the working tree, not the commit
    command = report.as_json()["commit"]
    assert command == f'git add .github/autoresearch.yml {FOLDER} && git commit -m "Change dial"'
    assert command in as_text(report)
    git(repository, "add", FOLDER, ".github/autoresearch.yml")
    git(repository, "commit", "--quiet", "--message", "Change dial")
    assert only(repository).uncommitted == ()


def test_an_undeclared_signal_is_a_warning(tmp_path: Path) -> None:
    report = only(make(tmp_path, target=TARGET.replace(", signal: file-property", "")))
    assert report.ready
    assert "signal is not declared for score" in as_text(report)


def test_every_signal_has_its_place() -> None:
    assert list(ORDER) == schema("target")["properties"]["signal"]["enum"]


@pytest.mark.parametrize(
    ("labelled", "problem"), [(20, ""), (3, "3 samples are labelled; at least 20 are needed")]
)  # fmt: skip
def test_a_judge_needs_labels(tmp_path: Path, labelled: int, problem: str) -> None:
    judge = "metrics:\n  - {name: extra, goal: maximize, signal: llm-judge, labels: labels.jsonl}"
    target = TARGET.replace("metrics: [{name: score", f"{judge}\n  - {{name: score").replace("property}]", "property}")
    target = target.replace("budget:", "keep: {rule: weighted, weights: {score: 8, extra: 2}}\nbudget:")
    line = {"text": "t", "judge": "pass", "human": "pass"}
    labels = "".join(json.dumps({"id": n, **line}) + "\n" for n in range(labelled))
    report = only(make(tmp_path, target=target, **{"labels.jsonl": labels}))
    assert report.ready is (problem == "")
    assert problem in "\n".join(report.problems)
    assert f"{labelled} of {labelled} labelled samples agree (100%)" in " ".join(as_text(report).split())


def test_a_missing_sandbox_is_told_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise SandboxError("bubblewrap is not installed", next_step="apt-get install bubblewrap")

    monkeypatch.setattr("harness.sandbox.selftest.self_test", fails)
    repository = make(tmp_path, target=f"{TARGET}\nisolation: required\n")
    report = only(repository)
    assert not report.ready
    assert "apt-get install bubblewrap" in as_text(report)
    assert "not measured" in as_text(report)
    assert report.as_json()["deterministic"] is None


TOOL = "proposer: {kind: command, command: [NAME, -c, pass]}\n"


@pytest.mark.parametrize(
    ("proposer", "there"),
    [
        (TOOL.replace("NAME", "python"), True),
        (TOOL.replace("NAME", "no-such-tool"), False),
        (TOOL.replace("NAME", "./evaluate.py"), False),
        ("proposer: {kind: portfolio, arms: [{kind: perturb}, {kind: command, command: [no-such-tool]}]}\n", False),
    ],
)
def test_a_proposers_tool_is_looked_for_in_its_sandbox(tmp_path: Path, proposer: str, there: bool) -> None:
    report = only(make(tmp_path, target=f"{TARGET}{proposer}"))
    said = " ".join(as_text(report).split())
    assert report.ready is there
    assert ("the proposer's tool works in it: " in said) is True
    assert ("is not in its sandbox: install it below /usr" in said) is not there


def test_a_proposers_tool_needs_a_sandbox_though_its_target_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise SandboxError("bubblewrap is not installed", next_step="apt-get install bubblewrap")

    for module in ("harness.sandbox.selftest", "bot.proposers.command_session"):
        monkeypatch.setattr(f"{module}.self_test", fails)
    repository = make(tmp_path, target=TARGET + TOOL.replace("NAME", "python"))
    report = only(repository)
    assert not report.ready
    assert report.problems == [f"sandbox: {report.sandbox}"]
    assert "apt-get install bubblewrap" in as_text(report)
    assert report.baseline.metrics, "what needs no sandbox is measured all the same"


def test_many_locked_files_are_folded(tmp_path: Path) -> None:
    target = TARGET.replace("[evaluate.py]\n", '[evaluate.py, "data/**"]\n')
    more = {f"data/{number:02}.csv": "" for number in range(20)}
    assert "and 10 more" in as_text(only(make(tmp_path, target=target, **more)))


def test_errors_of_configuration_are_raised(tmp_path: Path) -> None:
    repository = make(tmp_path, target=TARGET.replace("goal: maximize", "goal: up"))
    with pytest.raises(ConfigError, match="valid: maximize, minimize"):
        check(repository, [])
    write(repository, {f"{FOLDER}/target.yaml": TARGET})
    with pytest.raises(NotFound, match='did you mean "dial"'):
        check(repository, ["dail"])


def test_a_space_beyond_every_float_is_counted(tmp_path: Path) -> None:
    weights = "w:\n" + "".join(f"  f{n}: 1\n" for n in range(300))
    whole, broken = "/dial: {int: [0, 9]}, '/w/*': {int: [-5, 25]}", ", /x: {float: [0, 1]}"
    for space, more, says in ((whole, "", "2.6e+448 combinations"), (whole + broken, "x: 0.5\n", "infinitely many")):
        target = TARGET.replace("/dial: {int: [0, 9]}", space)
        report = only(make(tmp_path / says[:3], target=target, **{"dial.yaml": f"dial: 3\n{weights}{more}"}))
        assert says in as_text(report)
        assert report.as_json()["space"]["combinations"] is None
