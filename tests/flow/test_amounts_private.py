"""Amounts of private targets, searched: what a page hides stands nowhere else that is committed, posted or logged.

Every number of every place is held against every amount that the events hold. The same targets without `private` are
the control: there each place tells amounts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.night.folder import nights
from bot.promote.publish import lines
from tests.commanding import unpropose
from tests.forging import Desk, desk
from tests.promotions import copied, promote
from tests.support import autoresearch, git, make_repository

RECORDS = "autoresearch/results"
PREPARE = "from pathlib import Path\nPath('prepared').mkdir()\nPath('prepared/rows.csv').write_text('1\\n')\n"
COMMON = """
file: spec.yaml
space: {{/*: {{int: [0, 3]}}}}
evaluate: {{serve: [python, evaluate.py], setup: [python, prepare.py]}}
proposer: {{kind: perturb}}
publish: [tag]
data: {{private: {private}}}
"""
TARGETS = {
    "pay": "metrics: [{name: arpa, goal: maximize}, {name: revenue, goal: maximize, guard: {tolerance: 0}}]\n"
    "sample: rows\nbudget: {experiments: 30}\n",
    "share": "metrics: [{name: auc, goal: maximize}, {name: revenue, goal: minimize}]\nbudget: {experiments: 12}\n",
    "varies": "metrics: [{name: arpa, goal: maximize}, {name: revenue, goal: maximize, guard: {tolerance: 5%}}]\n"
    "noise: {calibration: 8, max_pairs: 30}\nbudget: {experiments: 4}\n",
}
EVALUATE = """
import random
from harness import evaluator
from harness.candidate import load

def score(request):
    found = []
    for item in request.items:
        text, data = item.path.read_text(), load(item.path)
        noise = random.Random(f"{request.seed}/{text}").gauss(0, 1) * NOISE
        steps = sum(data.values()) + (0.25 if request.split == "holdout" else 0.0)
        arpa = 41_387_251.5 + 1_733_507.25 * steps + 91_357.5 * noise
        rows = {"arpa": [[arpa + i * 10_331.75 for i in range(-20, 21)]]} if request.split == "holdout" else {}
        metrics = {"arpa": arpa, "revenue": 17_355_913.5 - 612_345.5 * data["d"] + 7_431.5 * noise}
        metrics["auc"] = 0.61 + 0.01 * sum(data.values())
        found.append(evaluator.Scores({name: metrics[name] for name in NAMES}, rows=rows if "arpa" in NAMES else {}))
    return found

evaluator.serve(score)
"""
LEAST, MOST = 1e5, 1e8
_NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def files(*, private: bool) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for name, rest in TARGETS.items():
        at = f"targets/experiments/{name}"
        names = ["auc", "revenue"] if name == "share" else ["arpa", "revenue"]
        found |= {
            f"{at}/target.yaml": f"name: {name}{COMMON.format(private=str(private).lower())}{rest}",
            f"{at}/evaluate.py": f"NOISE, NAMES = {int(name == 'varies')}, {names}\n{EVALUATE}",
            f"{at}/spec.yaml": "a: 0\nb: 0\nc: 0\nd: 0\n", f"{at}/prepare.py": PREPARE,
            f"{at}/.gitignore": "prepared/\n",
        }  # fmt: skip
    return found


def amounts(value: object) -> Iterator[float]:
    """Every amount of an event, gains and bounds among them."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from amounts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from amounts(inner)
    elif isinstance(value, float) and LEAST < abs(value) < MOST:
        yield abs(value)


def told(text: str, known: Iterable[float]) -> set[str]:
    """The numbers of a text that are one of the amounts, as finely as they are written."""
    found, there = set(), sorted(known)
    for match in _NUMBER.findall(text):
        number = abs(float(match.replace(",", "")))
        if LEAST < number < MOST and any(abs(number - amount) <= 1e-3 * amount for amount in there):
            found.add(match)
    return found


class Scene:
    """A night of three targets, and everything that anybody can read of it: place -> text."""

    def __init__(self, folder: Path, *, private: bool) -> None:
        self.repository = make_repository(folder, files(private=private))
        self.places: dict[str, str] = {}
        self.does("setup", "setup", "--write-lock")
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", "Add targets")
        self.does("log of the night", "night", "--seed", "1")
        self.night = nights(self.repository)[-1]
        self.branch = f"autoresearch/{self.night.name}"
        self.places["folder of the night"] = self.beside_events()
        self.on_github(folder / "github")
        self.commits()
        self.does("command", "command", "local", "/recheck")
        self.promoted(folder)
        self.events = self.recorded()

    def does(self, label: str, *arguments: str) -> None:
        done = autoresearch(self.repository, *arguments)
        assert done.returncode == 0, (label, done.stdout, done.stderr)
        self.places[label] = done.stdout + done.stderr

    def beside_events(self) -> str:
        """What jobs hand over to each other is of the same files: plan.json, and events with their contents."""
        there = [path for path in sorted(self.night.path.rglob("*")) if path.is_file()]
        shown = [path for path in there if path.suffix not in {".jsonl", ".pack", ".png"}]
        assert {"plan.json", "pull-request.md", "pull-request.html"} <= {path.name for path in shown}
        return "\n".join(path.read_text() for path in shown)

    def commits(self) -> None:
        self.places["commit messages"] = git(self.repository, "log", "--format=%B", f"main..{self.branch}")
        for path in git(self.repository, "ls-tree", "-r", "--name-only", self.branch, "results").split():
            if path.endswith((".tsv", ".md")):
                text = git(self.repository, "show", f"{self.branch}:{path}")
                self.places[path.rpartition("/")[2]] = self.places.get(path.rpartition("/")[2], "") + text

    def on_github(self, folder: Path) -> None:
        copy = copied(self.repository, folder)
        git(copy, "branch", "--quiet", "-D", self.branch)
        unpropose(copy, self.night.name)
        with desk(folder / "server", nights(copy)[-1]) as at:
            at.summary = folder / "summary.md"
            assert len(at.propose().reports) == len(TARGETS)
            self.posted(at)
            self.places["summary of the job"] = at.summary.read_text()

    def posted(self, at: Desk) -> None:
        (pull,), (issue,), (check,) = at.there.pulls.values(), at.there.issues.values(), at.there.check_runs
        self.places |= {"title": pull.title, "body": pull.body or "", "dashboard": issue.body or ""}
        self.places["check"] = json.dumps(check.output)

    def promoted(self, folder: Path) -> None:
        copy = copied(self.repository, folder / "merged")
        git(copy, "merge", "--quiet", "--no-ff", "-m", "Merge", self.branch)
        done = promote(copy)
        self.places["log of promote"] = "\n".join(lines(done))
        self.places["tags"] = git(copy, "for-each-ref", "--format=%(contents)", "refs/tags")
        assert len(done.tags) == len(TARGETS)
        report = autoresearch(copy, "report", self.night.name)
        self.places["report after the merge"] = report.stdout + report.stderr
        self.places["records' subjects"] = git(copy, "log", "--format=%B", RECORDS)

    def recorded(self) -> list[dict[str, Any]]:
        paths = git(self.repository, "ls-tree", "-r", "--name-only", RECORDS).split()
        shown = [git(self.repository, "show", f"{RECORDS}:{path}") for path in paths if path.endswith(".jsonl")]
        return [json.loads(line) for text in shown for line in text.splitlines()]

    def leaks(self) -> dict[str, set[str]]:
        known = set(amounts(self.events))
        assert len(known) > 100, "the events hold what was measured"
        return {place: found for place, text in self.places.items() if (found := told(text, known))}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Scene]:
    """By whether the targets are private."""
    return {private: Scene(tmp_path_factory.mktemp("scene"), private=private) for private in (True, False)}


def test_no_place_tells_an_amount_of_private_rows(scenes: Mapping[bool, Scene]) -> None:
    assert scenes[True].leaks() == {}


def test_each_place_tells_amounts_where_rows_are_not_private(scenes: Mapping[bool, Scene]) -> None:
    """The control; nothing of what is recorded in Git tells them but events."""
    assert set(scenes[False].places) - set(scenes[False].leaks()) == {"setup", "records' subjects"}


def test_shares_and_changes_in_percent_stand(scenes: Mapping[bool, Scene]) -> None:
    places = scenes[True].places
    assert "share auc 0.6100 -> 0.6" in places["title"]
    for place in ("title", "body", "README.md", "results.tsv", "commit messages", "tags", "check", "dashboard"):
        assert re.search(r"\+\d+\.\d+[ \u00a0]%", places[place]), place
    assert "not shown" in places["results.tsv"]


def test_events_hold_what_was_measured(scenes: Mapping[bool, Scene]) -> None:
    """As docs/scoring.md says: a reproduction and every check of a record needs them."""
    (baseline,) = (
        e for e in scenes[True].events if e["event"] == "baseline" and e["metrics"].get("arpa") == 41387251.5
    )
    assert baseline["metrics"]["revenue"] == 17355913.5
