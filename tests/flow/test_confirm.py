"""Confirm over real nights: what it removes, what it measures on, what it remembers, and what it never lets out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bot import records
from bot.night.earlier import looks
from bot.night.folder import Night, nights
from harness import folds
from harness.contents import content_of
from harness.events import Event, SegmentWriter
from harness.holdout import LOOKS
from harness.repository import Repository
from harness.schedule import block_of
from tests.support import autoresearch, git
from tests.switches import FOLDER, HELD_OUT, NOISY, ROWS, TARGET, held_out, killed_once, ran, repository

SUPERSEDED = """
from harness import evaluator
from harness.candidate import load

run = evaluator.settings()
evaluator.report({"speed": float(max(i * on for i, on in enumerate(load(run.file).values(), 1)))})
"""
# In the loop every change looks like a large gain; on seeds of confirm it has the effect that was planted.
PLANTED = """
import os
import random
import time
from harness import evaluator
from harness.candidate import load
from harness.schedule import block_of

def speed(text, a, b, c, seed):
    block = block_of(seed)
    if block in ("ablate", "confirm"):
        time.sleep(PAUSE)
    effect = (EFFECT) if block in ("ablate", "confirm") else 4.0 * (a + b + c)
    return effect + random.Random(f"{seed}/{text}").gauss(0, 1)

def score(request):
    specs = [(item.path.read_text(), load(item.path)) for item in request.items]
    return [evaluator.Scores({"speed": speed(text, s["a"], s["b"], s.get("c", 0), request.seed)}) for text, s in specs]

evaluator.serve(score)
"""


def planted(tmp_path: Path, effect: str, pause: float = 0.0, spec: str = "a: 0\nb: 0\n") -> Repository:
    evaluator = PLANTED.replace("EFFECT", effect).replace("PAUSE", str(pause))
    return repository(tmp_path, NOISY, evaluator, spec)


def events(night: Night, kind: str) -> list[Event]:
    return folds.of_kind(night.segments("t"), kind)


def final(night: Night) -> dict[str, int]:
    """The settings that confirm's rows add up to."""
    content = folds.restore(night.segments("t"), 0, night.packs("t"))[1]
    for row in events(night, "confirm")[-1]["rows"]:
        content = content_of(row, content, night.packs("t"))
    found: dict[str, int] = yaml.safe_load(content)
    return found


def test_changes_that_a_later_one_made_superfluous_are_removed(tmp_path: Path) -> None:
    spec = "".join(f"{name}: 0\n" for name in "abcdefgh")
    target = TARGET.replace("serve:", "command:") + "budget: {experiments: 6}\n"
    night = ran(repository(tmp_path, target, SUPERSEDED, spec), seed=1)
    state = folds.loop_state(night.segments("t"), night.packs("t"))
    kept = yaml.safe_load(state.content)
    best = max(name for name, value in kept.items() if value)
    assert sum(kept.values()) > 1, "the loop kept nothing superfluous: the test proves nothing"
    event = events(night, "confirm")[-1]
    assert event["verdict"] == "confirmed"
    assert final(night) == {name: int(name == best) for name in kept}
    assert event["incumbent"] == state.blob != event["head"]
    assert len(event["ablation"]["removed"]) == sum(kept.values()) - 1
    assert "unproven in the stack" in event["ablation"]["removed"][0]["why"]
    assert event["search"]["head"] == state.metrics, "what was removed had an effect"
    assert [row["adds"] for row in event["rows"]] == [event["search"]["head"]["speed"]]
    assert events(night, "ablate")[0]["removed"] is not None


@pytest.mark.parametrize(
    ("effect", "left"),
    [
        ("2.5 * b", {"a": 0, "b": 1}),
        ("3.0 if b else 1.5 * a", {"a": 0, "b": 1}),
        ("2.5 * (a and b)", {"a": 1, "b": 1}),
        ("2.0 * a + 1.5 * b", {"a": 1, "b": 1}),
    ],
    ids=["a lucky null", "a superseded pair", "a synergy pair", "two honest changes"],
)
def test_a_noisy_night_leaves_what_pays(tmp_path: Path, effect: str, left: dict[str, int]) -> None:
    night = ran(planted(tmp_path, effect))
    state = folds.loop_state(night.segments("t"), night.packs("t"))
    assert yaml.safe_load(state.content) == {"a": 1, "b": 1}, "the loop did not keep both: the test proves nothing"
    event = events(night, "confirm")[-1]
    assert (event["verdict"], final(night)) == ("confirmed", left)
    assert event["confirmed"]["low"] <= event["confirmed"]["gain"] <= event["confirmed"]["high"]
    assert event["confirmed"]["lower"] > 0
    assert len(event["pairs"]) == event["confirmed"]["pairs"] >= 20
    assert {pair["order"] for pair in event["pairs"]} == {"bh", "hb"}
    assert all(row["adds"] > 0 and row["low"] > 0 for row in event["rows"])


def test_of_a_redundant_pair_one_stays(tmp_path: Path) -> None:
    night = ran(planted(tmp_path, "2.5 * (a or b)"))
    assert events(night, "confirm")[-1]["verdict"] == "confirmed"
    assert sum(final(night).values()) == 1


def test_a_noisy_gain_that_was_luck_is_not_confirmed_and_its_interval_is_kept(tmp_path: Path) -> None:
    found = planted(tmp_path, "0.0")
    night = ran(found)
    event = events(night, "confirm")[-1]
    assert (event["verdict"], folds.confirm_end(night.segments("t"))) == ("not-confirmed", "not-confirmed")
    assert event["confirmed"]["low"] <= 0 <= event["confirmed"]["high"]
    assert "rows" not in event
    assert git(found, "for-each-ref", "refs/heads/autoresearch/2*") == ""
    again = autoresearch(found, "confirm", "--quiet")
    assert again.returncode == 0, again.stderr
    assert len(events(night, "confirm")) == 1, "a failed test was run a second time"


def test_a_final_file_that_crashes_is_not_confirmed(tmp_path: Path) -> None:
    night = ran(planted(tmp_path, "1 / 0 if block == 'confirm' and a + b else 2.0 * (a + b)"))
    event = events(night, "confirm")[-1]
    assert event["verdict"] == "not-confirmed"
    assert "the final file crashes" in event["why"]


def test_a_base_that_crashes_in_confirm_is_tried_once_more_under_its_seed(tmp_path: Path) -> None:
    night = ran(planted(tmp_path, "1 / 0 if block == 'confirm' and not a + b else 2.0 * (a + b)"))
    event = events(night, "confirm")[-1]
    assert event["verdict"] == "infra"
    tries = [(note["n"], note["attempt"], note["seed"]) for note in events(night, "note") if note["block"] == "confirm"]
    assert [(number, attempt) for number, attempt, _ in tries] == [(1, 1), (1, 2)]
    assert tries[0][2] == tries[1][2]


def test_a_confirm_budget_that_is_too_small_is_said(tmp_path: Path) -> None:
    evaluator = PLANTED.replace("EFFECT", "2.0 * (a + b)").replace("PAUSE", "0.3")
    target = f"{NOISY}confirm: {{budget: 6s}}\n"
    night = ran(repository(tmp_path, target, evaluator, "a: 0\nb: 0\n"))
    event = events(night, "confirm")[-1]
    assert event["verdict"] == "underpowered"
    assert "20" in event["why"]
    assert event["seconds"] < 8


def test_a_confirm_that_is_killed_goes_on_and_measures_nothing_twice(tmp_path: Path) -> None:
    found = planted(tmp_path, "c + (3.0 if b else 1.5 * a)", pause=0.01, spec="a: 0\nb: 0\nc: 0\n")
    assert autoresearch(found, "plan", "--seed", "1").returncode == 0
    assert autoresearch(found, "run", "--quiet").returncode == 0
    night = nights(found)[-1]
    kept = folds.loop_state(night.segments("t"), night.packs("t")).content
    assert yaml.safe_load(kept) == {"a": 1, "b": 1, "c": 1}, "the loop did not keep all: the test proves nothing"
    killed_once(found, lambda: bool(events(night, "ablate")))
    rounds = len(events(night, "ablate"))
    assert not events(night, "confirm"), "it came to its end before the kill: the test proves nothing"
    killed_once(found, lambda: any(note["block"] == "confirm" for note in events(night, "note")))
    assert not events(night, "confirm"), "it came to its end before the kill: the test proves nothing"
    assert autoresearch(found, "confirm", "--quiet").returncode == 0
    numbers = [event["round"] for event in events(night, "ablate")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= max(rounds, 2)
    places = [(n["block"], n["round"], n["n"], n["attempt"], tuple(n["blobs"])) for n in events(night, "note")]
    assert len(places) == len(set(places)), "something was measured twice"
    event = events(night, "confirm")[-1]
    assert (event["verdict"], final(night)) == ("confirmed", {"a": 0, "b": 1, "c": 1})
    assert len(event["pairs"]) == len({pair["seed"] for pair in event["pairs"]})
    assert {n["of"] for n in events(night, "note") if n["block"] == "confirm"} == {len(event["pairs"])}
    assert autoresearch(found, "log", "--verify").returncode == 0


def test_seeds_of_confirm_stand_in_no_earlier_event(tmp_path: Path) -> None:
    night = ran(planted(tmp_path, "2.0 * (a + b)"))
    loop, confirm = (
        [segment for segment in night.segments("t") if segment.header["verb"] == verb] for verb in ("run", "confirm")
    )
    before = {block_of(event["seed"]) for event in folds.of_kind(loop, "pair")}
    assert before == {"calibration", "loop"}
    after = {block_of(event["seed"]) for event in folds.of_kind(confirm, "note")}
    assert after == {"ablate", "confirm"}
    used = {pair["seed"] for pair in events(night, "confirm")[-1]["pairs"]}
    assert {block_of(seed) for seed in used} == {"confirm"}
    assert not used & {seed for event in events(night, "ablate") for seed in event["seeds"]}


def test_held_out_figures_reach_no_earlier_event_and_no_proposer(tmp_path: Path) -> None:
    found = held_out(tmp_path)
    first = ran(found)
    event = events(first, "confirm")[-1]
    figures = [repr(event["holdout"][side]["speed"]) for side in ("base", "head")]
    assert event["verdict"] == "confirmed"
    asked = (tmp_path / "log").read_text().split()
    assert set(asked[: asked.index("holdout")]) == {"search"}
    assert asked.count("holdout") == 4
    second = ran(found, seed=2)
    confirm_lines = "".join(path.read_text() for path in first.folder("t").glob("*-confirm.jsonl"))
    assert all(figure in confirm_lines for figure in figures), "figures are written otherwise: the test proves nothing"
    for night in (first, second):
        told = [*night.folder("t").glob("*-run.jsonl"), night.folder("t") / "tried.txt", night.path / "plan.json"]
        text = "".join(path.read_text() for path in told)
        assert not any(figure in text for figure in figures)
    assert set(asked) == {"search", "holdout"}


def test_a_run_has_no_holdout_in_its_view(tmp_path: Path) -> None:
    """Even an evaluator that would hand the held-out shift to the loop cannot."""
    leak = HELD_OUT.replace('if request.split == "holdout" else 0.0', "if True else 0.0").replace("GAP", "0.01")
    found = repository(tmp_path, ROWS, leak.replace("LOG", str(tmp_path / "log")), "a: 0\nb: 0\n", holdout="[0.1]\n")
    done = autoresearch(found, "night", "--quiet", "--seed", "1")
    assert done.returncode == 4, done.stdout
    assert "holdout.json" in done.stderr


def test_every_look_is_counted_and_the_twenty_first_is_refused(tmp_path: Path) -> None:
    found = held_out(tmp_path)
    first = ran(found)
    event = events(first, "confirm")[-1]
    assert (event["holdout"]["look"], event["holdout"]["looks"]) == (1, LOOKS)
    (look,) = events(first, "look")
    assert look["holdout"] == event["holdout"]["id"]
    lines = [entry["event"] for entry in first.segments("t")[1].events]
    assert lines.index("look") < lines.index("confirm")
    record_looks(found, look["holdout"], LOOKS - 2)
    assert looks.count(found, look["holdout"]) == LOOKS - 1
    last = ran(found, seed=2)
    assert last.plan.targets[0].looks == LOOKS - 1
    assert events(last, "confirm")[-1]["verdict"] == "confirmed"
    assert events(last, "confirm")[-1]["holdout"]["look"] == LOOKS
    spent = ran(found, seed=3)
    refused = events(spent, "confirm")[-1]
    assert refused["verdict"] == "not-confirmed"
    assert "this holdout is spent: it has been looked at 20 times" in refused["why"]
    assert "new held-out rows" in refused["why"]
    assert "holdout" not in refused
    assert not events(spent, "look")


def record_looks(found: Repository, holdout: str, count: int) -> None:
    """Other nights' looks, as they stand on the records branch."""
    folder = found.state / "forged"
    for number in range(count):
        name = f"2020-01-{number + 1:02d}"
        header = {"verb": "confirm", "night": name, "target": "t", "lock": "0" * 64}
        writer = SegmentWriter(folder, f"{name}.1-confirm", "0" * 64, header)
        writer.append([{"event": "look", "holdout": holdout, "split": "holdout", "head": "0" * 40}])
        writer.seal("not-confirmed")
    files = {f"t/{path.name}": path.read_bytes() for path in folder.glob("*.jsonl")}
    records.append(found, files, "Record nights of before\n", 1_600_000_000)


def test_a_look_that_a_kill_interrupted_is_not_a_second_one(tmp_path: Path) -> None:
    found = held_out(tmp_path)
    evaluator = found.root / FOLDER / "evaluate.py"
    slow = evaluator.read_text().replace("    found = []", "    time.sleep(0.2 if shift else 0)\n    found = []")
    evaluator.write_text(slow)
    git(found, "commit", "--all", "--quiet", "--message", "Slow down")
    assert autoresearch(found, "plan", "--seed", "1").returncode == 0
    assert autoresearch(found, "run", "--quiet").returncode == 0
    night = nights(found)[-1]
    killed_once(found, lambda: bool(events(night, "look")))
    assert not events(night, "confirm"), "it came to its end before the kill: the test proves nothing"
    assert autoresearch(found, "confirm", "--quiet").returncode == 0
    assert len(events(night, "look")) == 1
    assert events(night, "confirm")[-1]["holdout"]["look"] == 1
    assert looks.count(found, events(night, "look")[0]["holdout"]) == 1


def test_a_holdout_too_small_for_the_claim_is_underpowered(tmp_path: Path) -> None:
    """Rows so far apart that forty of them could not show what is claimed."""
    night = ran(held_out(tmp_path, gap="0.4"))
    event = events(night, "confirm")[-1]
    assert event["verdict"] == "underpowered"
    assert event["holdout"]["detectable"] > event["claimed_gain"]
    assert "41 rows detect gains from" in event["why"]


def test_plan_says_what_confirm_can_pay_for(tmp_path: Path) -> None:
    found = planted(tmp_path, "2.0 * (a + b)")
    first = json.loads(autoresearch(found, "plan", "--json").stdout)
    assert first["targets"][0]["reserve"] == ""
    ran(found)
    second = json.loads(autoresearch(found, "plan", "--json").stdout)
    assert "up to 12 groups measured one by one" in second["targets"][0]["reserve"]


def test_a_night_too_short_for_confirm_is_refused(tmp_path: Path) -> None:
    found = planted(tmp_path, "2.0 * (a + b)")
    config = found.root / ".github" / "autoresearch.yml"
    config.parent.mkdir()
    config.write_text("targets: [targets/experiments/*]\nbudget: {wall_clock: 10m}\n")
    git(found, "add", "--all")
    git(found, "commit", "--quiet", "--message", "Configure")
    done = autoresearch(found, "plan")
    assert done.returncode == 3, done.stdout
    assert "confirm may take 1200 s, and the night's own wall_clock of 600 s" in done.stderr
    config.write_text("targets: [targets/experiments/*]\nbudget: {wall_clock: 30m}\n")
    git(found, "commit", "--all", "--quiet", "--message", "Longer")
    assert json.loads(autoresearch(found, "plan", "--json").stdout)["targets"][0]["wall_clock"] == 600
