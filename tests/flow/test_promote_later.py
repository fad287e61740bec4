"""What promotions do to later nights: looks at held-out rows that count, and a pause where merges keep no claim."""

from __future__ import annotations

import json
from pathlib import Path

from bot import config, records
from bot.night.earlier import looks
from bot.night.folder import nights
from bot.promote import chain, folds
from harness import folds as folds_of_nights
from harness import lock
from harness.holdout import LOOKS
from harness.repository import CommitSource, Repository
from tests.promotions import AT, FILE, Record, content, edit, end, make, merge, night, promote
from tests.support import autoresearch, git, write

SAMPLED = """
name: dial
file: params.yaml
space: {/x: {int: [0, 3]}, /y: {int: [0, 3]}}
evaluate: {serve: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
sample: rows
budget: {experiments: 15}
"""
ROWS = """
from harness import candidate, evaluator

def score(request):
    found = []
    for item in request.items:
        params = candidate.load(item.path)
        value = float(params["x"] + 2 * params["y"])
        value *= FACTOR if request.split == "holdout" else 1.0
        rows = [value + i * 0.01 - 0.1 for i in range(21)]
        found.append(evaluator.Scores({"score": value}, rows={"score": [rows]}))
    return found

evaluator.serve(score)
"""


def taken(repository: Repository) -> int:
    """Looks at the held-out rows, as the next night will count them."""
    (target,) = config.load_targets(CommitSource(repository, repository.commit()))
    whole = lock.compute(CommitSource(repository, repository.commit()).read(target.locked))
    return looks.count(repository, looks.identity(whole.files, target))


def test_what_a_night_looked_at_is_no_second_look(tmp_path: Path) -> None:
    repository = make(tmp_path, SAMPLED, ROWS.replace("FACTOR", "1.0"))
    merge(repository, night(repository))
    assert taken(repository) == 1
    promote(repository)
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    (figures,) = (event["figures"] for event in folds.realised(chain.read(repository, "dial").segments))
    assert figures["how"] == "held-out"
    assert merged.gain == merged.predicted == 6.0
    assert taken(repository) == 1


def test_a_humans_edit_is_held_against_the_holdout_and_counts(tmp_path: Path) -> None:
    repository = make(tmp_path, SAMPLED, ROWS.replace("FACTOR", "1.0"))
    edit(repository, content(2, 2))
    promote(repository)
    assert end(repository) == ("promoted", "")
    assert taken(repository) == 1


def test_a_gain_on_the_search_rows_alone_promotes_nothing(tmp_path: Path) -> None:
    repository = make(tmp_path, SAMPLED, ROWS.replace("FACTOR", "0.0"))
    edit(repository, content(2, 2))
    promote(repository)
    assert end(repository) == ("not-confirmed", "")


def test_a_spent_holdout_confirms_nobodys_edit(tmp_path: Path) -> None:
    repository = make(tmp_path, SAMPLED, ROWS.replace("FACTOR", "1.0"))
    (target,) = config.load_targets(CommitSource(repository, repository.commit()))
    whole = lock.compute(CommitSource(repository, repository.commit()).read(target.locked))
    data = looks.identity(whole.files, target)
    record = Record(tmp_path / "record")
    look = {"event": "look", "holdout": data, "split": "holdout"}
    record.write([{**look, "head": f"{number:040x}"} for number in range(LOOKS)], "promoted")
    _append(repository, record, "other")
    edit(repository, content(2, 2))
    promote(repository)
    assert end(repository) == ("not-confirmed", "")
    assert "this holdout is spent" in folds.realised(chain.read(repository, "dial").segments)[-1]["why"]


def test_merges_that_keep_no_claim_pause_the_target_until_a_human_resumes_it(tmp_path: Path) -> None:
    repository = make(tmp_path)
    (target,) = config.load_targets(CommitSource(repository, repository.commit()))
    digest = lock.compute(CommitSource(repository, repository.commit()).read(target.locked)).id
    record = Record(tmp_path / "record")
    for _ in range(3):
        record.add(0.01, lock=digest)
    assert autoresearch(repository, "promote", "resume", "dial").returncode == 9, "it is not paused yet"
    _append(repository, record, "dial")
    assert autoresearch(repository, "log", "--verify").returncode == 0
    shown = autoresearch(repository, "check", "dial")
    assert shown.returncode == 4
    assert "paused: its last 3 merges gained 10 % of what was claimed together" in " ".join(shown.stdout.split())
    rehearsed = autoresearch(repository, "night", "--dry-run").stdout
    assert "  dial: does not begin: paused: its last 3 merges gained" in rehearsed
    assert "experiments; seed" not in rehearsed
    told = json.loads(autoresearch(repository, "night", "--dry-run", "--json").stdout)
    assert told["does_not_begin"]["dial"]["end"] == "paused"
    stopped = autoresearch(repository, "night", "--quiet", "dial")
    assert stopped.returncode == 0, stopped.stderr
    assert "ended by: paused" in stopped.stdout
    assert folds_of_nights.run_end(nights(repository)[-1].segments("dial")) == "paused"
    resumed = autoresearch(repository, "promote", "resume", "dial")
    assert resumed.returncode == 0, resumed.stderr
    assert "dial: resumed; it was paused because its last 3 merges" in resumed.stdout
    assert autoresearch(repository, "check", "dial").returncode == 0
    assert autoresearch(repository, "log", "--verify").returncode == 0
    edit(repository, content(2, 2))
    promote(repository)
    assert end(repository) == ("promoted", ""), "the chain goes on behind the resume"


def test_a_changed_target_is_not_paused(tmp_path: Path) -> None:
    repository = make(tmp_path)
    (target,) = config.load_targets(CommitSource(repository, repository.commit()))
    digest = lock.compute(CommitSource(repository, repository.commit()).read(target.locked)).id
    record = Record(tmp_path / "record")
    for _ in range(3):
        record.add(0.01, lock=digest)
    _append(repository, record, "dial")
    assert autoresearch(repository, "check", "dial").returncode == 4
    at = repository.root / AT / "evaluate.py"
    write(repository, {f"{AT}/evaluate.py": at.read_text().replace("2 *", "3 *")})
    assert autoresearch(repository, "check", "dial").returncode == 0
    assert git(repository, "status", "--porcelain", FILE) == ""


def test_a_damaged_chain_stops_its_target_and_no_other(tmp_path: Path) -> None:
    repository = make(tmp_path)
    record = Record(tmp_path / "record")
    record.add(0.1).add(0.1)
    second = record.folder / "promoted.2-promote.jsonl"
    second.write_bytes(second.read_bytes().replace(b'"row":1', b'"row":2'))
    _append(repository, record, "dial")
    locks = {"dial": "a" * 64, "other": "a" * 64}
    (why,) = chain.paused(repository, locks).values()
    assert "promoted.2-promote, line 2: the chain breaks here" in why
    edit(repository, content(2, 2))
    done = promote(repository)
    assert [finding.state for finding in done.findings] == ["damaged"]
    assert list(done.refused) == ["dial"]
    assert autoresearch(repository, "promote").returncode == 5


def _append(repository: Repository, record: Record, target: str) -> None:
    files = {f"{target}/{path.name}": path.read_bytes() for path in record.folder.iterdir()}
    records.append(repository, files, "Invented merges\n", 1_700_000_000)
