"""A whole night whose proposer is a tool: what it asked, what it cost, what was kept, and where its key is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.models.messages import Usage
from harness.repository import Repository
from tests.agent.provider import serving
from tests.agent.world import KEY, MODEL, price
from tests.support import ENVIRONMENT, git, make_repository

FOLDER = "targets/experiments/sums"
EVALUATOR = """
from harness import evaluator
from harness.candidate import load

def score(request):
    found = [load(item.path) for item in request.items]
    return [evaluator.Scores({"closeness": -float(abs(each["a"] - 9))}) for each in found]

evaluator.serve(score)
"""
TOOL = f"""
import json, os, re, urllib.request
said = {{"model": {MODEL!r}, "max_tokens": 50, "messages": [{{"role": "user", "content": open("task.md").read()}}]}}
head = {{"x-api-key": os.environ["ANTHROPIC_API_KEY"]}}
base = os.environ["ANTHROPIC_BASE_URL"]
urllib.request.urlopen(urllib.request.Request(base + "/v1/messages", json.dumps(said).encode(), head), timeout=30)
tried = open("history.md").read().count('"experiment"')
os.makedirs(".git/hooks")
open("evaluate.py", "w").write("cheat")
if tried == 1:
    raise SystemExit(7)
open("spec.yaml", "w").write(f"a: {{3 + 2 * tried}}\\n")
print("hypothesis: nine is nearer, says @everyone")
"""


def made(tmp_path: Path, url: str) -> Repository:
    target = {
        "name": "sums", "file": "spec.yaml", "space": {"/a": {"int": [0, 20]}},
        "evaluate": {"serve": ["python", "evaluate.py"]}, "metrics": [{"name": "closeness", "goal": "maximize"}],
        "proposer": {"kind": "command", "command": ["python", "-c", TOOL], "provider": "stand-in", "timeout": "60s"},
        "budget": {"experiments": 3, "usd": 1},
    }  # fmt: skip
    models = {
        "providers": {"stand-in": {"kind": "anthropic", "base_url": url, "key": "STAND_IN_KEY"}},
        "prices": {MODEL: {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}},
    }
    files = {
        f"{FOLDER}/target.yaml": yaml.safe_dump(target),
        f"{FOLDER}/evaluate.py": EVALUATOR,
        f"{FOLDER}/spec.yaml": "a: 1\n",
        ".github/autoresearch.yml": yaml.safe_dump({"models": models}),
    }
    return make_repository(tmp_path, files)


def experiments(repository: Repository) -> list[dict[str, Any]]:
    """What the records branch holds of each, in order."""
    names = git(repository, "ls-tree", "-r", "--name-only", "autoresearch/results").splitlines()
    run = next(name for name in names if name.endswith("-run.jsonl"))
    lines = git(repository, "show", f"autoresearch/results:{run}").splitlines()
    return [each for each in map(json.loads, lines) if each.get("event") == "experiment"]


def holding(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_a_night_with_a_tool_keeps_what_helps_and_records_what_it_cost(tmp_path: Path) -> None:
    with serving() as provider:
        repository = made(tmp_path, provider.url)
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "night"], cwd=repository.root, text=True, capture_output=True,
            timeout=600, check=False, env={**os.environ, **ENVIRONMENT, "STAND_IN_KEY": KEY},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert [seen.headers["x-api-key"] for seen in provider.seen] == [KEY] * 3
    first, second, third = experiments(repository)
    assert [each["status"] for each in (first, second, third)] == ["keep", "discard", "keep"]
    assert "exit code 7" in second["why"]
    cost = float(price(Usage(11, 7, 5, 3)))
    assert [each["cost_usd"] for each in (first, second, third)] == [pytest.approx(cost)] * 3
    assert [each["model"]["calls"] for each in (first, second, third)] == [1, 1, 1]
    assert (third["model"]["input"], third["model"]["output"]) == (11, 7)
    changed = git(repository, "diff", "--name-only", "main", f"autoresearch/{night(repository)}")
    assert [name for name in changed.splitlines() if not name.startswith("results/")] == [f"{FOLDER}/spec.yaml"]
    assert git(repository, "show", f"autoresearch/{night(repository)}:{FOLDER}/spec.yaml") == "a: 7"
    assert holding(tmp_path, "nearer"), "a description would be found: the search below proves something"
    assert holding(tmp_path, KEY) == []
    assert KEY not in done.stdout + done.stderr


def night(repository: Repository) -> str:
    branches = git(repository, "branch", "--format=%(refname:short)", "--list", "autoresearch/2*").splitlines()
    return branches[0].removeprefix("autoresearch/")
