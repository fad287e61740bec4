"""docs/targets.md against the schema and the code: no key goes without a word, and no example is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.check import check
from harness import configfile, targetfile
from harness.reports import check_scores
from harness.repository import WorkingSource
from harness.schemas import schema
from harness.target import seconds
from tests.support import make_repository

DOC = Path(__file__).parents[2] / "docs" / "targets.md"
TEXT = DOC.read_text(encoding="utf-8")
FOLDER = "targets/experiments/my-target"
PARAMS = "weights: {a: 5, recency: 5}\nrate: 0.5\nmethod: mean\nversion: 1\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def keys(rule: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key that target.yaml may hold, dotted; entries of a list and values of a free mapping by their own keys."""
    for key, inner in rule.get("properties", {}).items():
        yield f"{prefix}{key}"
        yield from keys(inner, f"{prefix}{key}.")
        yield from keys(inner.get("items", {}), f"{prefix}{key}.")
        free = inner.get("additionalProperties")
        inside = "" if key == "space" else f"{prefix}{key}.NAME."
        yield from keys(free, inside) if isinstance(free, dict) else ()


def whole(block: str) -> str:
    """A fragment with the rest of a target around it."""
    parts = dict(re.findall(r"^(\w+):(.*(?:\n(?: .*)?)*)", blocks("yaml")[0], re.MULTILINE))
    parts |= dict(re.findall(r"^(\w+):(.*(?:\n(?: .*)?)*)", block, re.MULTILINE))
    return "\n".join(f"{key}:{value}" for key, value in parts.items())


@pytest.mark.parametrize("key", sorted(set(keys(schema("target")))))
def test_every_key_has_its_words(key: str) -> None:
    parent, _, last = key.rpartition(".")
    row = rf"^\| `{re.escape(key)}` \|.*\|.*\w.*\|$"
    inside_guard = parent == "metrics.guard" and "guard: {tolerance:" in TEXT
    group = any(other.startswith(f"{key}.") for other in keys(schema("target")))
    refused = re.search(rf"refused by this version:[^|]*?`{re.escape(key)}\b", TEXT, re.DOTALL)
    under = parent and refused_whole(parent)
    in_arm = parent == "proposer.arms" and re.search(rf"^\| `proposer\.{last}` \|.*\w", TEXT, re.MULTILINE)
    in_space = not parent and re.search(rf"^  /.*\b{re.escape(last)}: ", TEXT, re.MULTILINE)
    assert re.search(row, TEXT, re.MULTILINE) or inside_guard or group or refused or under or in_arm or in_space


def refused_whole(key: str) -> bool:
    return bool(schema("target")["properties"].get(key, {}).get("x-not-yet"))


def test_every_key_of_the_repository_has_its_words() -> None:
    section = TEXT.split("## The whole repository")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `([\w.]+)` \|.*\|.*\w.*\|$", section, re.MULTILINE))
    known = [key for key in keys(schema("autoresearch")) if not key.startswith("defaults.")]
    assert told == {key for key in known if not any(other.startswith(f"{key}.") for other in known)}


def test_defaults_of_the_repository_are_as_told() -> None:
    section = TEXT.split("## The whole repository")[1].split("\n## ")[0]
    told = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", section, re.MULTILINE))
    found, requests = config.Config(), config.PullRequests()
    assert told == {
        "targets": found.targets[0], "schedule.cron": found.schedule.cron, "schedule.timezone": found.schedule.timezone,
        "sleep_after": str(found.sleep_after), "pull_request.max_open": str(requests.max_open),
        "pull_request.unreviewed": requests.unreviewed, "pull_request.draft": str(requests.draft).lower(),
    }  # fmt: skip


def test_every_value_has_its_words() -> None:
    rules = schema("target")["properties"]
    for value in [*rules["signal"]["enum"], *rules["keep"]["properties"]["rule"]["enum"], *rules["isolation"]["enum"]]:
        assert f"`{value}`" in TEXT, value


@pytest.mark.parametrize("block", blocks("yaml"))
def test_yaml_blocks_are_valid_targets(tmp_path: Path, block: str) -> None:
    configfile.read(whole(block).encode(), "target.yaml", "target")
    files = {"target.yaml": whole(block), "params.yaml": PARAMS, "evaluate.py": "", "data/holdout.csv": ""}
    repository = make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})
    loaded = targetfile.load(WorkingSource(repository), FOLDER)
    assert loaded.name == "my-target"


def test_defaults_are_as_told(tmp_path: Path) -> None:
    files = {"target.yaml": blocks("yaml")[0], "params.yaml": PARAMS, "evaluate.py": "", "data/x.csv": ""}
    repository = make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})
    found = targetfile.load(WorkingSource(repository), FOLDER)
    told = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
    assert seconds(told["evaluate.timeout"]) == found.evaluate.timeout
    assert seconds(told["confirm.budget"]) == found.confirm.budget
    assert int(told["confirm.groups"]) == found.confirm.groups
    assert int(told["budget.experiments"]) == found.budget.experiments
    assert (float(told["budget.usd"]), told["proposer.kind"]) == (found.budget.usd, found.proposer)
    assert (told["keep.rule"], float(told["metrics.min_effect"])) == (found.rule.name, found.rule.primary.min_effect)


SCORING = [block for language in ("python", "sh") for block in blocks(language) if "hits" not in block]


@pytest.mark.parametrize("block", [b for b in SCORING if "candidate.run" not in b])
def test_evaluator_examples_run(tmp_path: Path, block: str) -> None:
    declared = blocks("yaml")[0]
    if block.startswith("#!"):
        declared = declared.replace("[python, evaluate.py]", "[sh, evaluate.py]").replace("accuracy", "lines")
    if "serve(" in block:
        declared = declared.replace("command:", "serve:")
    files = {"target.yaml": declared, "params.yaml": PARAMS, "evaluate.py": block}
    repository = make_repository(tmp_path, {f"{FOLDER}/{name}": content for name, content in files.items()})
    (report,) = check(repository, [])
    assert report.ready, report.problems


def test_the_rows_example_is_a_report(capfd: pytest.CaptureFixture[str]) -> None:
    (block,) = (block for block in blocks("python") if "hits" in block)
    exec(block, {})  # noqa: S102  # the example, as a reader would run it
    found = check_scores(json.loads(capfd.readouterr().out), ["accuracy"])
    assert found.rows == {"accuracy": [[1.0, 0.0, 1.0, 1.0]]}


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for anchor in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert anchor in headings
