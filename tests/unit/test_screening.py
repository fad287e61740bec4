"""When a bound decides, and which answers and requests say so. What becomes of a night: tests/flow/test_screened.py."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot import config
from harness import evaluator, measure, view
from harness.decide import Discard, Measured, Pair, State, decide, step
from harness.measure import Ask, Measurer
from harness.reports import BadReport, check_screened
from harness.repository import CommitSource
from harness.rule import Metric, Rule, Tolerance
from harness.schemas import schema
from harness.screening import bar_of, falls_short, holds, in_words
from tests.support import make_repository

FOLDER = "targets/experiments/s"
NEAR = Metric("near", "maximize")
OTHER = Metric("other", "minimize", guard=Tolerance(0.1))


def target(rule: Rule, form: str = "serve", noise: object = None) -> Any:
    return SimpleNamespace(rule=rule, noise=noise, evaluate=SimpleNamespace(form=form))


# --- the arithmetic ---

metrics = st.builds(
    Metric, st.just("near"), st.sampled_from(["maximize", "minimize"]), st.sampled_from([0.0, 0.01]),
    compare=st.sampled_from(["difference", "ratio"]),
)  # fmt: skip
values = st.floats(1e-9, 1e9) | st.sampled_from([1.0, 1.0 + 2**-52, 1.0 - 2**-53, 5e8, 5e8 + 2**-23])


@given(metric=metrics, rule=st.sampled_from(["primary", "every"]), found=st.lists(values, min_size=4, max_size=4))
def test_what_falls_short_is_discarded_whatever_it_scores_and_whatever_was_kept_since(
    metric: Metric, rule: str, found: list[float]
) -> None:
    """Simpler than the incumbent, and better by every other metric: it is discarded all the same."""
    value, bound, bar, kept = sorted(found, reverse=metric.goal == "minimize")
    assume(falls_short(metric, bound, bar))
    assert holds(metric, bound, value)
    for incumbent in (bar, kept):
        before, after = {"near": incumbent, "other": 1.0}, {"near": value, "other": 0.0}
        pair = Pair(Measured(before, 9), Measured(after, 1))
        assert isinstance(decide(step(State(before), pair), Rule(rule, (metric, OTHER))), Discard)


@given(metric=metrics, bar=values)
def test_a_tie_does_not_fall_short(metric: Metric, bar: float) -> None:
    assert not falls_short(metric, bar, bar)
    assert holds(metric, bar, bar)


def test_values_whose_logarithms_are_one_float_tie_by_ratio() -> None:
    assert falls_short(NEAR, 5e8, 5e8 + 2**-23)
    assert not falls_short(replace(NEAR, compare="ratio"), 5e8, 5e8 + 2**-23)


@pytest.mark.parametrize("bound", [0.0, -1.0])
def test_a_ratio_has_no_bound_that_is_not_above_0(bound: float) -> None:
    assert falls_short(NEAR, bound, 1.0)
    assert not falls_short(replace(NEAR, compare="ratio"), bound, 1.0)


def test_the_words_follow_the_goal() -> None:
    assert in_words(NEAR, 0.71) == "at most 0.71"
    assert in_words(replace(NEAR, goal="minimize"), 0.71) == "at least 0.71"


def test_there_is_a_bar_only_where_falling_short_decides() -> None:
    scored = {"near": 0.5, "other": 1.0}
    for rule in ("primary", "every"):
        assert bar_of(target(Rule(rule, (NEAR, OTHER))), scored) == 0.5
    assert bar_of(target(Rule("primary", (NEAR, OTHER)), form="command"), scored) is None
    assert bar_of(target(Rule("primary", (NEAR, OTHER)), noise=object()), scored) is None
    assert bar_of(target(Rule("pareto", (NEAR, OTHER))), scored) is None
    assert bar_of(target(Rule("weighted", (NEAR, OTHER), {"near": 1.0})), scored) is None


# --- the answers ---

WRONG: dict[str, tuple[object, str]] = {
    "another metric": ({"metric": "other", "bound": 0.5}, "not the primary one, near"),
    "a tie": ({"metric": "near", "bound": 1.0}, "does not rule out"),
    "better": ({"metric": "near", "bound": 1.5}, "does not rule out"),
    "null": ({"metric": "near", "bound": None}, "no finite number"),
    "a truth value": ({"metric": "near", "bound": False}, "no finite number"),
    "a text": ({"metric": "near", "bound": "0.5"}, "no finite number"),
    "too large": ({"metric": "near", "bound": -1e300}, "no finite number"),
    "too many digits": ({"metric": "near", "bound": -(10**400)}, "no finite number"),
    "no bound": ({"metric": "near"}, "an object of metric and bound"),
    "no metric": ({"bound": 0.5}, "an object of metric and bound"),
    "more": ({"metric": "near", "bound": 0.5, "more": 1}, "an object of metric and bound"),
    "a number": (0.5, "an object of metric and bound"),
}


@pytest.mark.parametrize("name", WRONG)
def test_any_other_answer_is_malformed(name: str) -> None:
    said, why = WRONG[name]
    with pytest.raises(BadReport, match=why) as bad:
        check_screened(said, NEAR, 1.0)
    assert bad.value.kind == "malformed"


def test_a_bound_that_decides_is_taken_only_where_a_bar_was_sent() -> None:
    said = evaluator.Screened("near", 0).as_message()
    found = check_screened(said["screened"], NEAR, 1.0)
    assert (found.bound, found.crash, found.metrics) == (0.0, "", {})
    assert isinstance(found.bound, float)
    with pytest.raises(BadReport, match="had no bar"):
        check_screened(said["screened"], NEAR, None)


def test_the_schema_of_answers_knows_it() -> None:
    lines = Draft202012Validator(schema("serve-response"))
    said = evaluator.Screened("near", 0.5).as_message()
    assert lines.is_valid({"id": 1, "results": [said, {"metrics": {"near": 1}}, {"crash": "x"}]})
    assert not lines.is_valid({"id": 1, "results": [{**said, "metrics": {"near": 1}}]})
    for name in ("null", "a truth value", "a text", "too large", "no bound", "no metric", "more", "a number"):
        assert not lines.is_valid({"id": 1, "results": [{"screened": WRONG[name][0]}]}), name


# --- the lines that travel ---

SERVE = """
import json, sys

for line in sys.stdin:
    with open(LOG, "a") as log:
        log.write(line)
    request = json.loads(line)
    said = [json.loads(open(item["path"]).read()) for item in request["items"]]
    print(json.dumps({"id": request["id"], "results": said}), flush=True)
"""
COMMAND = """
import os

with open(os.environ["AUTORESEARCH_FILE"], "rb") as file:
    os.write(int(os.environ["AUTORESEARCH_REPORT"]), file.read())
"""
WHOLE = {"metrics": {"near": 2.0}}
SCREENED = {"screened": {"metric": "near", "bound": 0.5}}


@contextmanager
def measuring(folder: Path, form: str, script: str) -> Iterator[Measurer]:
    """An evaluator that answers what the candidate's content says."""
    yaml = f"name: s\nfile: spec.txt\nevaluate: {{{form}: [python, e.py]}}\nmetrics: [{{name: near, goal: maximize}}]\n"
    yaml += "proposer: {kind: tune}\n"
    files = {"target.yaml": yaml, "spec.txt": "-O1\n", "e.py": script, "catalogue.yaml": '- options: ["-O1", "-O2"]\n'}
    repository = make_repository(folder, {f"{FOLDER}/{name}": content for name, content in files.items()})
    source = CommitSource(repository, repository.commit())
    found = config.load_targets(source)[0]
    checkout = view.build(source, found, folder / "checkout", hidden=False)
    measurer = measure.measurer(found, checkout, folder / "scratch", repository)
    try:
        yield measurer
    finally:
        measurer.close()


def contents(*said: object) -> Sequence[bytes]:
    return [f"{json.dumps(one)}\n".encode() for one in said]


def test_a_bar_travels_and_a_wrong_answer_is_the_crash_of_one(tmp_path: Path) -> None:
    script = SERVE.replace("LOG", repr(str(tmp_path / "log")))
    wrong = [{"screened": said} for said, _ in WRONG.values()]
    with measuring(tmp_path, "serve", script) as measurer:
        whole, fine, both, *others = measurer.measure(contents(WHOLE, SCREENED, WHOLE | SCREENED, *wrong), Ask(bar=1.0))
        unasked = measurer.measure(contents(WHOLE, SCREENED), Ask())
    assert (whole.metrics, whole.bound) == ({"near": 2.0}, None)
    assert (fine.crash, dict(fine.metrics), fine.bound) == ("", {}, 0.5)
    assert [(found.crash, found.bound) for found in (both, *others)] == [("malformed", None)] * (1 + len(wrong))
    assert [found.crash for found in unasked] == ["", "malformed"]
    with_bar, without = map(json.loads, (tmp_path / "log").read_text(encoding="utf-8").splitlines())
    lines = Draft202012Validator(schema("serve-request"))
    assert lines.is_valid(with_bar)
    assert lines.is_valid(without)
    assert (with_bar["bar"], "bar" in without) == (1.0, False)


def test_the_process_form_cannot_screen(tmp_path: Path) -> None:
    with measuring(tmp_path, "command", COMMAND) as measurer:
        whole, screened = measurer.measure(contents(WHOLE, SCREENED), Ask(bar=1.0))
    assert whole.metrics == {"near": 2.0}
    assert (screened.crash, screened.bound) == ("malformed", None)
