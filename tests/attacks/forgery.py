"""What an intruder in a night's folder can do: rewrite any event, and make chain, seals and packs fit again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.forge.local import LocalForge
from bot.night.confirm import confirm
from bot.night.folder import Night, nights
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import Proposed, propose
from bot.night.run import run
from harness import events, rows
from harness.errors import IntegrityError
from harness.repository import Repository
from tests.support import git, make_repository

FOLDER = "targets/experiments/t"
FILE = f"{FOLDER}/spec.yaml"
TARGET = """
name: t
file: spec.yaml
space: {/a: {int: [0, 50]}, /b: {int: [0, 50]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: acc, goal: maximize}]
proposer: {kind: perturb}
sample: rows
"""
SPEC = "a: 1  # one\nb: 1\nfixed: 7\n"
EVALUATOR = """
from harness import evaluator
from harness.candidate import load

def score(request):
    found = []
    for item in request.items:
        data = load(item.path)
        value = float(data["a"] + data["b"])
        rows = [value + i * 0.01 - 0.1 for i in range(21)]
        found.append(evaluator.Scores({"acc": value}, rows={"acc": [rows]}))
    return found

evaluator.serve(score)
"""
Event = dict[str, Any]


def ran(
    folder: Path, *, target: str = TARGET, spec: str = SPEC, evaluator: str = EVALUATOR, experiments: int = 40
) -> Night:
    """A real small night after `run`."""
    files = {f"{FOLDER}/target.yaml": target, f"{FOLDER}/evaluate.py": evaluator, FILE: spec}
    repository = make_repository(folder, files)
    night, _ = plan(repository, Wishes(experiments=experiments, seed=3))
    assert run(night, targets_of(night)[0], quiet=True) == "experiments"
    return night


def confirmed(night: Night) -> Night:
    assert confirm(night, targets_of(night)[0]) == "confirmed"
    return night


def copied(night: Night, into: Path) -> Night:
    """The same night in a repository of its own."""
    shutil.copytree(night.repository.root, into / "repository", symlinks=True)
    return nights(Repository.find(into / "repository"))[-1]


def proposed(night: Night) -> Proposed:
    return propose(night, targets_of(night), LocalForge(night.path))


def page(night: Night) -> str:
    """The pull request's page; nothing where there is none."""
    path = night.path / "pull-request.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def messages(night: Night) -> str:
    """The commit messages of the night's branch; nothing where there is none."""
    branch = f"autoresearch/{night.name}"
    there = night.repository.reference(f"refs/heads/{branch}")
    return git(night.repository, "log", "--format=%B", f"{night.plan.base}..{branch}") if there else ""


def proposed_file(night: Night) -> str:
    """The target's file as the night's branch has it."""
    return git(night.repository, "show", f"autoresearch/{night.name}:{FILE}")


def recorded(night: Night) -> list[str]:
    """Paths on the records branch."""
    there = night.repository.reference("refs/heads/autoresearch/results")
    return git(night.repository, "ls-tree", "-r", "--name-only", there).split() if there else []


class Forged:
    """A target's segments as lists of events, headers and seals included; `write` makes them fit again."""

    def __init__(self, night: Night) -> None:
        self.night, self.folder = night, night.path / "t"
        self.segments = {segment.name: [dict(event) for event in segment.events] for segment in night.segments("t")}
        self.packs: dict[str, bytes] = {}
        self.spell: Callable[[str], str] = lambda body: body
        self.count_anew = True

    def name(self, verb: str) -> str:
        return next(name for name in self.segments if name.endswith(f"-{verb}"))

    def of(self, verb: str) -> list[Event]:
        return self.segments[self.name(verb)]

    @property
    def experiments(self) -> list[Event]:
        return [event for found in self.segments.values() for event in found if event["event"] == "experiment"]

    @property
    def confirm(self) -> Event:
        return next(event for event in self.of("confirm") if event["event"] == "confirm")

    def discard(self) -> Event:
        """The last measured discard."""
        return [event for event in self.experiments if event["reason"] in {"worse", "tie"}][-1]

    def headers(self, **fields: Any) -> None:
        for found in self.segments.values():
            found[0].update(fields)

    def renamed(self, shift: int) -> None:
        """Every segment's number moved."""
        moved = {}
        for name, found in self.segments.items():
            start, _, rest = name.rpartition(".")
            number, _, verb = rest.partition("-")
            moved[f"{start}.{int(number) + shift}-{verb}"] = found
        self.segments = moved

    def add(self, verb: str, *body: Event, end: str) -> list[Event]:
        """One more segment at the end."""
        number = max(int(name.rpartition(".")[2].partition("-")[0]) for name in self.segments) + 1
        header = {**self.of("run")[0], "verb": verb}
        self.segments[f"{self.night.name}.{number}-{verb}"] = [
            header,
            *body,
            {"event": "seal", "events": 0, "end": end},
        ]
        return self.segments[f"{self.night.name}.{number}-{verb}"]

    def keep(self, content: bytes, acc: float) -> None:
        """Turns the last experiment into a keep of any content, and confirms it."""
        self.of("run").remove(self.experiments[-1])
        last = {**self.experiments[-1]}
        kept = [event for event in self.experiments if event["status"] == "keep"][-1]
        text, blob = content.decode(), self.night.repository.blob_id(content)
        last |= {
            "id": last["id"] + 1, "blob": blob, "parent": kept["blob"], "content": {"text": text}, "status": "keep",
            "reason": "better", "metrics": {"acc": acc}, "gain": acc - kept["metrics"]["acc"],
            "canon": self.canon(content), "complexity": 3,
        }  # fmt: skip
        place = max(i for i, event in enumerate(self.of("run")) if event["event"] == "experiment")
        self.of("run").insert(place + 1, last)
        if any(name.endswith("-confirm") for name in self.segments):
            self.row(content, acc, [last["id"]])
            self.confirm.update(incumbent=blob, claimed={"acc": acc}, claimed_gain=acc - 2.0)

    def row(self, content: bytes, acc: float, experiments: list[int]) -> None:
        """Makes confirm say that one row of this content was confirmed."""
        base, event = SPEC.encode(), self.confirm
        blob = self.night.repository.blob_id(content)
        change = "; ".join(rows.difference(base, content, FILE, "leaf").changes())
        event["rows"] = [{
            "number": 1, "change": change[:500], "experiments": experiments, "blob": blob,
            "content": {"text": content.decode()}, "adds": acc - 2.0, "metrics": {"acc": acc},
            "lines": list(rows.line_counts(base, content)),
        }]  # fmt: skip
        event |= {"head": blob, "search": {"base": {"acc": 2.0}, "head": {"acc": acc}}}
        self.looked(blob)

    def looked(self, head: str) -> None:
        """Makes the look at held-out rows one at this content."""
        for found in self.of("confirm"):
            if found["event"] == "look":
                found["head"] = head

    @staticmethod
    def canon(content: bytes) -> str:
        from harness.documents import canonical_id
        from harness.errors import InvalidCandidate

        try:
            return canonical_id(content, FILE)
        except InvalidCandidate:
            return hashlib.sha256(content).hexdigest()[:32]

    def pack(self, verb: str, content: bytes) -> Event:
        """A place for a content in a segment's pack."""
        name = self.name(verb)
        at = len(self.packs.get(name, b""))
        self.packs[name] = self.packs.get(name, b"") + content
        return {"pack": {"at": at, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}}

    def write(self) -> None:
        for path in self.folder.glob("*.jsonl"):
            path.unlink()
        previous = events.GENESIS
        for name, found in self.segments.items():
            found[0] |= {"segment": name, "previous": previous}
            if self.count_anew and found[-1]["event"] == "seal":
                found[-1]["events"] = len(found) - 1
            previous = self._write(name, found, previous)
        for name, content in self.packs.items():
            (self.folder / f"{name}.pack").write_bytes(content)

    def _write(self, name: str, found: list[Event], chain: str) -> str:
        lines = []
        for event in found:
            body = self.spell(json.dumps(event, separators=(",", ":"))[:-1])
            chain = hashlib.sha256(chain.encode() + body.encode()).hexdigest()
            lines.append(f'{body},"chain":"{chain}"}}\n')
        (self.folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        return chain


def off(*_arguments: Any) -> tuple[()]:
    """Stands in for a check: nothing is wrong, and there are no rows."""
    return ()


def refused_and_accepted(night: Night, says: str, layers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged night is refused with these words, and accepted where the layers are switched off."""
    with pytest.raises(IntegrityError) as refused:
        handover.read(night, targets_of(night)[0])
    assert says in refused.value.what
    for layer in layers:
        monkeypatch.setattr(layer, off)
    assert handover.read(night, targets_of(night)[0]).received.segments
