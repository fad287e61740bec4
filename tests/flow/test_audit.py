"""`autoresearch audit`, and what `check` and a night say of metrics that vary: real processes, real git."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.night.folder import nights
from harness import folds
from harness.repository import Repository
from tests.support import autoresearch, make_repository

EVALUATE = """
import random
from harness import candidate, evaluator

rng = random.Random({seed})

def score(request):
    return [evaluator.Scores({{"score": candidate.load(item.path)["x"] * {effect} + rng.gauss(0, {noise})}})
            for item in request.items]

evaluator.serve(score)
"""
TARGET = """
name: dial
file: params.yaml
space: {{/x: {{int: [0, 9]}}}}
evaluate: {{serve: [python, evaluate.py]}}
signal: file-property
metrics: [{{name: score, goal: maximize, min_effect: {min_effect}}}]
noise: {{{noise}}}
budget: {{experiments: 30}}
"""


def dial(
    folder: Path, *, noise: str = "", min_effect: float = 0, effect: float = 0.0, scatter: float = 1.0
) -> Repository:
    at = "targets/experiments/dial"
    return make_repository(
        folder,
        {
            f"{at}/target.yaml": TARGET.format(noise=noise, min_effect=min_effect),
            f"{at}/params.yaml": "x: 4\n",
            f"{at}/evaluate.py": EVALUATE.format(seed=5, effect=effect, noise=scatter),
        },
    )


def test_an_audit_keeps_nothing_and_writes_every_pair(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r")
    pairs = tmp_path / "pairs.tsv"
    found = autoresearch(repository.root, "audit", "dial", "--null", "12", "--json", "--pairs", str(pairs))
    said = json.loads(found.stdout)
    assert (said["candidates"], said["kept"]) == (12, 0)
    rows = [line.split("\t") for line in pairs.read_text().splitlines()[1:]]
    assert len(rows) == said["pairs"]
    assert {row[3] for row in rows} == {"ic", "ci"}
    assert sorted({int(row[0]) for row in rows}) == list(range(13))
    assert nights(repository) == []


def test_an_audit_counts_a_gate_that_keeps(tmp_path: Path) -> None:
    """The control: an evaluator that favours whoever has the longer file makes false keeps, and they are counted."""
    repository = dial(tmp_path / "r")
    place = repository.root / "targets/experiments/dial/evaluate.py"
    place.write_text(place.read_text().replace("+ rng", "+ len(item.path.read_bytes()) + rng"))
    repository.git("commit", "-qam", "Favour length")
    found = autoresearch(repository.root, "audit", "dial", "--null", "6", "--json")
    assert json.loads(found.stdout)["kept"] == 6


def test_an_audit_of_a_score_that_does_not_vary(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r", scatter=0.0)
    place = repository.root / "targets/experiments/dial/target.yaml"
    place.write_text(place.read_text().replace("noise: {}\n", ""))
    repository.git("commit", "-qam", "No noise")
    found = autoresearch(repository.root, "audit", "dial", "--null", "5")
    assert "kept 0 of 5 unchanged candidates; its score does not vary" in found.stdout


def test_check_says_the_noise_and_what_a_night_can_detect(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r", scatter=2.0)
    said = json.loads(autoresearch(repository.root, "check", "dial", "--json").stdout)[0]
    assert said["ready"]
    assert said["deterministic"] is False
    assert 1.2 < said["noise"]["spread"] < 5  # the truth is 2 * sqrt(2)
    assert 0.5 < said["noise"]["detectable"] < 4


def test_check_says_what_confirm_takes_where_metrics_vary(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r", scatter=2.0)
    checked = autoresearch(repository.root, "check", "dial")
    assert checked.returncode == 0, checked.stdout
    assert re.search(r"confirm: at most \d+ s of [\d,.]+ s, up to \d+ groups measured one by one", checked.stdout)
    assert "then confirm:" not in checked.stdout, "that is reckoned without pairs"


@pytest.mark.parametrize(
    ("noise", "min_effect", "cure"),
    [("max_pairs: 8", 0, "allow more pairs"), ("", 0.05, "leave min_effect out")],
    ids=["too few pairs for any keep", "noise hides min_effect"],
)
def test_a_night_that_cannot_detect_its_own_min_effect_ends_before_it_spends(
    tmp_path: Path, noise: str, min_effect: float, cure: str
) -> None:
    repository = dial(tmp_path / "r", noise=noise, min_effect=min_effect)
    autoresearch(repository.root, "night", "--quiet")
    segments = nights(repository)[-1].segments("dial")
    assert folds.run_end(segments) == "underpowered"
    assert cure in next(s for s in segments if s.header["verb"] == "run").events[-1]["why"]
    assert folds.of_kind(segments, "experiment") == []
    checked = autoresearch(repository.root, "check", "dial")
    assert checked.returncode == 4
    assert cure in " ".join(checked.stdout.split())


def test_a_night_keeps_what_moves_and_records_every_pair(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r", effect=1.5)
    autoresearch(repository.root, "night", "--quiet", "--seed", "3")
    segments = nights(repository)[-1].segments("dial")
    state = folds.loop_state(segments)
    assert state.content == b"x: 9\n"
    for event in folds.of_kind(segments, "experiment"):
        pairs = [pair for pair in folds.of_kind(segments, "pair") if pair["id"] == event["id"] and not pair["void"]]
        assert len(pairs) == event.get("pairs", 0)


def test_a_confirmed_result_is_measured_again_in_fresh_pairs(tmp_path: Path) -> None:
    repository = dial(tmp_path / "r", effect=1.5)
    autoresearch(repository.root, "night", "--quiet", "--seed", "3")
    name = f"{nights(repository)[-1].name}/dial"
    again = [autoresearch(repository.root, "reproduce", f"{name}#head", "--json") for _ in range(3)]
    assert 0 in {one.returncode for one in again}  # two intervals of 95 % miss each other once in a while
    said = json.loads(again[0].stdout)
    assert said["same"] == (again[0].returncode == 0)
    assert said["measured"]["pairs"] == said["recorded"]["pairs"]
    assert "stopped duel's interval" in autoresearch(repository.root, "reproduce", f"{name}/1").stdout
    assert autoresearch(repository.root, "reproduce", f"{name}#9").returncode == 9


def test_a_result_that_does_not_come_again_is_said_so(tmp_path: Path) -> None:
    """The control: the machine has changed since (here: the evaluator reads a switch outside its lock)."""
    repository = dial(tmp_path / "r", effect=1.5)
    switch = tmp_path / "switch"
    place = repository.root / "targets/experiments/dial/evaluate.py"
    place.write_text(
        place.read_text().replace("* 1.5", f"* (0 if __import__('pathlib').Path({str(switch)!r}).exists() else 1.5)")
    )
    repository.git("commit", "-qam", "Read a switch")
    autoresearch(repository.root, "night", "--quiet", "--seed", "3")
    switch.touch()
    again = autoresearch(repository.root, "reproduce", f"{nights(repository)[-1].name}/dial#head")
    assert again.returncode == 5
    assert "NOT the same" in again.stdout
