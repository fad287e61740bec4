"""What must never become a headline number, however a night is interrupted, repeated or merged."""

from __future__ import annotations

from pathlib import Path

from bot.night.folder import nights
from harness import folds
from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

FOLDER = "targets/experiments/t"
TARGET = """
name: t
file: spec.yaml
space: {/a: {int: [0, 50]}, /b: {int: [0, 50]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: acc, goal: maximize}]
proposer: {kind: perturb}
budget: {experiments: 200}
"""
EVALUATOR = """
import os
from harness import evaluator
from harness.candidate import load

batches = 0

def score(request):
    global batches
    batches += 1
    EXTRA
    found = []
    for item in request.items:
        data = load(item.path)
        value = float(data["a"] + data["b"])
        noise = NOISE
        rows = [value + noise + i * 0.01 - 0.1 for i in range(21)]
        found.append(evaluator.Scores({"acc": value + noise}, rows={"acc": [rows]}))
    return found

evaluator.serve(score)
"""


def repository(tmp_path: Path, *, target: str = TARGET, extra: str = "pass", noise: str = "0.0") -> Repository:
    files = {
        f"{FOLDER}/target.yaml": target,
        f"{FOLDER}/evaluate.py": EVALUATOR.replace("EXTRA", extra).replace("NOISE", noise),
        f"{FOLDER}/spec.yaml": "a: 1\nb: 1\n",
    }
    return make_repository(tmp_path, files)


def branches(found: Repository) -> list[str]:
    return git(found, "for-each-ref", "--format=%(refname:short)", "refs/heads/autoresearch/2*").split()


def test_a_loop_that_ended_for_integrity_is_not_confirmed_after_a_restart(tmp_path: Path) -> None:
    tamper = "if batches == 5: os.chmod('target.yaml', 0o644); open('target.yaml', 'a').write('#')"
    found = repository(tmp_path, extra=tamper)
    assert autoresearch(found, "plan").returncode == 0
    assert autoresearch(found, "run", "--quiet").returncode == 5
    state = folds.loop_state(nights(found)[0].segments("t"))
    assert state.kept > 0, "nothing was kept before: the test proves nothing"
    assert autoresearch(found, "confirm", "--quiet").returncode == 0
    assert folds.confirm_end(nights(found)[0].segments("t")) == "integrity"
    assert autoresearch(found, "night", "--quiet").returncode == 5
    assert branches(found) == []


def test_a_holdout_that_scores_differently_each_time_confirms_nothing(tmp_path: Path) -> None:
    noise = "os.urandom(1)[0] / 100 if request.split == 'holdout' else 0.0"
    found = repository(tmp_path, target=f"{TARGET}sample: rows\n", noise=noise)
    done = autoresearch(found, "night", "--quiet")
    assert "two scores on the holdout split" in done.stdout
    assert branches(found) == []


def test_the_control_of_the_holdout_test_is_confirmed(tmp_path: Path) -> None:
    found = repository(tmp_path, target=f"{TARGET}sample: rows\n")
    assert "t: confirmed" in autoresearch(found, "night", "--quiet").stdout


def test_a_merge_that_was_reverted_is_not_proposed_again(tmp_path: Path) -> None:
    found = repository(tmp_path)
    assert autoresearch(found, "night", "--quiet", "-n", "40").returncode == 0
    git(found, "merge", "--no-ff", "--quiet", branches(found)[0])
    git(found, "revert", "--no-edit", "-m", "1", "HEAD")
    assert autoresearch(found, "night", "--quiet", "-n", "40").returncode == 0
    second = folds.of_kind(nights(found)[-1].segments("t"), "experiment")
    assert not any("not reviewed yet" in event["description"] for event in second)


def test_an_abandoned_night_is_recorded_before_a_new_one(tmp_path: Path) -> None:
    found = repository(tmp_path)
    autoresearch(found, "plan", "-n", "20")
    autoresearch(found, "run", "--quiet")
    assert autoresearch(found, "night", "--new", "--quiet", "-n", "20").returncode == 0
    first, second = nights(found)
    listed = git(found, "ls-tree", "-r", "--name-only", "autoresearch/results")
    assert f"t/{first.name}.1-run.jsonl" in listed
    experiments = [folds.of_kind(night.segments("t"), "experiment") for night in (first, second)]
    lost = {e["canon"] for e in experiments[0] if e["status"] == "discard"}  # what it kept, nobody confirmed: open
    assert lost
    assert not lost & {e["canon"] for e in experiments[1]}


def test_rows_left_when_the_confirm_budget_is_spent_become_one(tmp_path: Path) -> None:
    slow = "import time; time.sleep(0.25)"
    found = repository(tmp_path, target=f"{TARGET}confirm: {{budget: 1200ms}}\n", extra=slow)
    assert "t: confirmed" in autoresearch(found, "night", "--quiet", "-n", "160").stdout
    rows = folds.of_kind(nights(found)[0].segments("t"), "confirm")[0]["rows"]
    assert rows[-1]["blob"] == folds.of_kind(nights(found)[0].segments("t"), "confirm")[0]["head"]
