"""What the tests of promotions share: a repository after its first night, the steps in one process, invented merges."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.forge.local import LocalForge
from bot.promote import chain, folds, handed
from bot.promote.plan import Finding, plan
from bot.promote.publish import Published, publish
from bot.promote.remeasure import remeasure
from bot.records import PROMOTIONS
from harness.events import GENESIS, Segment, SegmentWriter, read
from harness.folds import rule_fields
from harness.repository import Repository
from harness.rule import Metric, Rule, Tolerance
from tests.support import autoresearch, git, make_repository, write

AT = "targets/experiments/dial"
FILE = f"{AT}/params.yaml"
TARGET = """
name: dial
file: params.yaml
space: {/x: {int: [0, 3]}, /y: {int: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 15}
publish: [tag]
"""
EVALUATE = """
from harness import candidate, evaluator

params = candidate.load("params.yaml")
evaluator.report({"score": params["x"] + 2 * params["y"]})
"""
RULE = Rule("primary", (Metric("auc", "maximize", min_effect=0.01), Metric("hhi", "minimize", guard=Tolerance(5))))
LOCK = "a" * 64


def content(x: int, y: int) -> str:
    """Lines apart, so that git merges a change of the one with a change of the other."""
    return f"x: {x}\n# one\n# two\n# three\n# four\ny: {y}\n"


def make(folder: Path, target: str = TARGET, evaluate: str = EVALUATE) -> Repository:
    files = {f"{AT}/target.yaml": target, FILE: content(1, 1), f"{AT}/evaluate.py": evaluate}
    return make_repository(folder, files)


def night(repository: Repository, *options: str) -> str:
    """Runs a night; the branch that it proposes."""
    before = set(branches(repository))
    done = autoresearch(repository, "night", "--quiet", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (new,) = set(branches(repository)) - before
    return new


def branches(repository: Repository) -> list[str]:
    return git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/autoresearch/2*").split()


def measured(folder: Path) -> Repository:
    """Merged on main and measured, and not published yet."""
    repository = make(folder)
    merge(repository, night(repository))
    due = found(repository).due
    assert due
    remeasure(repository, due)
    return repository


def copied(repository: Repository, into: Path) -> Repository:
    shutil.copytree(repository.root, into / "copy", symlinks=True)
    return Repository.find(into / "copy")


def merge(repository: Repository, branch: str, *options: str) -> None:
    git(repository, "merge", "--quiet", *(options or ("--no-ff", "-m", "Merge")), branch)


def edit(repository: Repository, text: str, message: str = "A human's edit") -> None:
    write(repository, {FILE: text})
    git(repository, "commit", "--quiet", "--all", "-m", message)


def found(repository: Repository, before: str = "", commit: str = "HEAD") -> Finding:
    (one,) = plan(repository, repository.commit(commit), before)
    return one


def promote(repository: Repository, before: str = "") -> Published:
    """The three steps; what is due is measured here."""
    commit = repository.commit()
    due = [finding.due for finding in plan(repository, commit, before) if finding.due]
    for one in due:
        remeasure(repository, one)
    return publish(
        repository,
        handed.here(repository, [one.target.name for one in due]),
        commit,
        before,
        LocalForge(repository.state),
    )


def end(repository: Repository) -> tuple[str, str]:
    """What the last promotion came to: its end, and the night that it names."""
    last = chain.read(repository, "dial").segments[-1]
    return str(last.events[-1]["end"]), str(folds.realised([last])[-1]["night"])


def tags(repository: Repository) -> list[str]:
    return git(repository, "tag", "--list").split()


def references(repository: Repository) -> str:
    return git(repository, "for-each-ref", "refs/heads/autoresearch/results", "refs/tags")


def forged(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A segment whose events were changed by somebody who then made the chain anew."""
    lines, before = [], ""
    for line in data.splitlines():
        event = json.loads(line)
        event.pop("chain")
        before = before or event["previous"]
        change(event)
        body = json.dumps(event, separators=(",", ":"))[:-1].encode()
        before = hashlib.sha256(before.encode() + body).hexdigest()
        lines.append(body + f',"chain":"{before}"}}\n'.encode())
    return b"".join(lines)


class Record:
    """A chain of promotions, written as the real ones are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.segments = folder, list[Segment]()

    def add(self, gain: float, predicted: float | None = 0.1, half: float = 0.0, **more: Any) -> Record:
        """A merge that gained so much."""
        number = len(self.segments) + 1
        figures = {"gain": gain, "low": gain - half, "high": gain + half, "base": {"auc": 0.7, "hhi": 3953.0}}
        event = {
            "event": "realised", "night": more.pop("night", f"2026-11-{number:02}"), "row": 1,
            "blob": more.pop("blob", f"{number:040x}"), "commit": "c" * 40, "comparable": True, "verdict": "promoted",
            "figures": figures, "content": {"text": content(1, 1)},
            **({"predicted": {"gain": predicted}} if predicted is not None else {}), **more,
        }  # fmt: skip
        return self.write([event], "promoted", str(more.get("lock", LOCK)))

    def write(self, events: list[dict[str, Any]], end: str, lock: str = LOCK) -> Record:
        name = f"promoted.{len(self.segments) + 1}-promote"
        previous = self.segments[-1].chain if self.segments else GENESIS
        header = {"verb": "promote", "target": "t", "night": PROMOTIONS, "lock": lock, **rule_fields(RULE)}
        writer = SegmentWriter(self.folder, name, previous, header)
        writer.append(events)
        writer.seal(end)
        self.segments.append(read(self.folder / f"{name}.jsonl"))
        return self
