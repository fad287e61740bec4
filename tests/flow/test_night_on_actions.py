"""`nightly.yml` and `nightly-gpu.yml` as they are shipped, run by a real runner against a real git server and GitHub's
API as the tests play it.

Every job has a token of its own, which may do what the workflow says and no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot import install
from harness.repository import Repository
from tests.actions import wheel
from tests.actions.repositories import WHEEL
from tests.actions.runner import Actions, Finished
from tests.github.repository import Repository as OnGitHub
from tests.github.server import GitHub
from tests.pages import check_golden
from tests.support import git, make_repository

EVALUATE = "from harness import candidate, evaluator\nevaluator.report({'score': candidate.load('params.yaml')['x']})\n"
TARGET = """
name: NAME
file: params.yaml
space: {/x: {choice: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 6}
publish: [tag]
"""
NAMES = ("dial", "knob")
OWN = "nightly-gpu.yml"


@dataclass(frozen=True)
class Shop:
    """A private repository on GitHub, and its owner's clone."""

    github: GitHub
    repository: Repository
    actions: Actions

    def tick(self, number: int, workflow: str = "nightly.yml", *, own_machine: bool = True) -> Finished:
        """The schedule's, as a run of its own."""
        actions = replace(self.actions, own_machine=own_machine)
        return actions.run(self.repository.root, workflow, "schedule", number=number)

    def push(self, before: str, number: int) -> Finished:
        """What follows when main has moved on."""
        git(self.repository, "pull", "--quiet", "--ff-only", str(self.github.repository("ada/shop").bare.path), "main")
        event = {"ref": "refs/heads/main", "before": before, "after": git(self.repository, "rev-parse", "HEAD")}
        return self.actions.run(self.repository.root, "promote.yml", "push", payload=event, number=number)


@contextmanager
def opened(folder: Path, targets: Mapping[str, str]) -> Iterator[Shop]:
    """targets: name -> what its target.yaml says besides."""
    files: dict[str, str | bytes] = {}
    for name, more in targets.items():
        at = f"targets/experiments/{name}"
        files |= {f"{at}/target.yaml": TARGET.replace("NAME", name) + more, f"{at}/evaluate.py": EVALUATE}
        files[f"{at}/params.yaml"] = "x: 0\n"
    repository = make_repository(folder, files)
    wheel.write(repository.root / ".github")
    install.write(install.plan(repository, {"bot": WHEEL}))
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Install autoresearch")
    with GitHub.start(folder) as github:
        there = github.repository("ada/shop", private=True)
        there.actions["can_approve_pull_request_reviews"] = True
        git(repository, "push", "--quiet", str(there.bare.path), "main")
        yield Shop(github, repository, _actions(folder, github))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, dict.fromkeys(NAMES, "")) as found:
        yield found


def _actions(folder: Path, github: GitHub) -> Actions:
    """Every job has a token with the permissions that the workflow gives it."""

    def token(permissions: Mapping[str, str]) -> str:
        return github.token(**{name.replace("-", "_"): level for name, level in permissions.items()})

    return Actions(folder, github.server_url, "ada/shop", token({"contents": "read"}), github.api_url, tokens=token)


def test_a_night_its_pull_request_its_merge_and_the_promotion(shop: Shop) -> None:
    there = shop.github.repository("ada/shop")
    main = there.bare.refs()["refs/heads/main"]
    run = shop.tick(1)
    assert run.exit_code == 0, run.log
    jobs = ["plan", "run dial", "run knob", "confirm dial", "confirm knob", "propose"]
    assert run.jobs == dict.fromkeys(jobs, "success")
    (pull,) = there.pulls.values()
    assert pull.body is not None
    check_golden("night-on-actions", steady(f"{pull.title}\n\n{pull.body}", shop.github.server_url))
    assert pull.labels == ["autoresearch", "evidence:strong", "target:dial", "target:knob"]
    (check,) = there.check_runs
    assert (check.name, check.head_sha, check.conclusion) == ("autoresearch/verdict", pull.head_sha, "success")
    (dashboard,) = there.issues.values()
    assert dashboard.labels == ["autoresearch:dashboard"]
    night = pull.head.partition("/")[2]
    listed = there.bare.run("ls-tree", "-r", "--name-only", "autoresearch/results").split()
    verbs = ("1-run", "2-confirm", "3-propose")
    assert sorted(listed) == [f"{name}/{night}.{verb}.jsonl" for name in NAMES for verb in verbs]
    assert there.bare.refs()["refs/heads/main"] == main  # a human merges

    before = there.bare.refs()
    again = shop.tick(2)
    assert again.jobs == {"plan": "success"}
    assert "already-done" in again.log
    assert (len(there.pulls), there.bare.refs()) == (1, before)

    there.merge(pull.number, "merge", by="ada")
    promoted = shop.push(main, 3)
    assert promoted.exit_code == 0, promoted.log
    assert promoted.jobs == dict.fromkeys(["plan", "remeasure dial", "remeasure knob", "publish"], "success")
    tags = [name for name in there.bare.refs() if name.startswith("refs/tags/")]
    assert len(tags) == len(NAMES)
    listed = there.bare.run("ls-tree", "-r", "--name-only", "autoresearch/results").split()
    assert len([path for path in listed if path.endswith("-promote.jsonl")]) == len(NAMES)


def test_a_night_whose_machine_never_comes_and_the_next_one(tmp_path: Path) -> None:
    """The first tick finds no machine for its loop. The second plan cancels what waits; the machine is there again."""
    with opened(tmp_path, {"gpu": "runner: [self-hosted, gpu]\n"}) as shop:
        there = shop.github.repository("ada/shop")
        absent = shop.tick(1, OWN, own_machine=False)
        assert absent.exit_code == 0, absent.log
        assert absent.jobs == {"plan": "success", "propose": "success"}
        assert ends(there) == {"1-run": "runner-absent"}
        assert not there.pulls
        (dashboard,) = there.issues.values()
        assert "runner-absent" in (dashboard.body or "")

        waits = there.run(f".github/workflows/{OWN}", status="in_progress")
        there.job(waits, "run gpu", "queued", ("self-hosted", "gpu"))
        own = there.run(f".github/workflows/{OWN}", status="in_progress")
        done = shop.actions.run(shop.repository.root, OWN, number=own.id)
        assert done.exit_code == 0, done.log
        assert done.jobs == dict.fromkeys(["plan", "run gpu", "confirm gpu", "propose"], "success")
        assert (waits.conclusion, own.conclusion) == ("cancelled", None)
        (pull,) = there.pulls.values()
        assert pull.labels == ["autoresearch", "evidence:strong", "target:gpu"]
        night = pull.head.partition("/")[2]
        assert ends(there, night) == {"1-run": "exhausted", "2-confirm": "confirmed", "3-propose": "confirmed"}


def ends(there: OnGitHub, night: str = "") -> dict[str, str]:
    """Segments of the records -> how each came to its end; night: of this one only."""
    found = {}
    for path in there.bare.run("ls-tree", "-r", "--name-only", "autoresearch/results").split():
        name, _, segment = path.rpartition("/")[2].removesuffix(".jsonl").partition(".")
        if path.endswith(".jsonl") and night in {"", name}:
            last = (there.bare.file("autoresearch/results", path) or b"").splitlines()[-1]
            found[segment] = str(json.loads(last)["end"])
    return found


def steady(text: str, server: str) -> str:
    """A page without what differs from one night to the next: addresses, hashes, dates, seconds."""
    text = re.sub(r"[0-9a-f]{40}|(?<=`)[0-9a-f]{12,16}(?=`)", "<hash>", text.replace(server, "https://github.com"))
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "<night>", text)
    return re.sub(r"[0-9]+ (?:s|min)(?=, \$)", "<time>", text)
