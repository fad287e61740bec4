"""Commands of a workflow, run in this process from the same state of the server as often as a test wants."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import cli
from bot.forge.github.client import Client
from bot.forge.patience import Patience
from bot.forge.remote import Remote
from tests.github.kept import Kept
from tests.github.repository import Repository
from tests.github.server import GitHub
from tests.support import ENVIRONMENT, git

RECORDS = "autoresearch/results"


@dataclass(frozen=True)
class Verb:
    """words: of the command line, in which {event}, {handed} and {out} stand for paths; rights: of the job's token;
    event: what the file of the event says; handed: the folder that earlier jobs left; own: other variables."""

    words: str
    rights: Mapping[str, str]
    event: Mapping[str, Any] = field(default_factory=dict)
    handed: Path | None = None
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """What a run of a verb leaves: everywhere on the server, and for the next job. waited: seconds, unslept."""

    state: Mapping[str, Any]
    calls: Sequence[str]
    waited: Sequence[float]
    said: str


class Ground:
    """A server in the state from which verbs start. Each run has a machine of its own: a fresh clone."""

    def __init__(self, folder: Path, github: GitHub, there: Repository) -> None:
        self.folder, self.github, self.there = folder, github, there
        self.kept, self._machines = Kept(github), itertools.count(1)

    def run(self, verb: Verb, *, tries: int = 50, timeout: int = 30, anew: bool = True) -> Ended:
        """anew: from the state that everything starts from; otherwise from that in which the last run left it.

        Raises what the verb raises.
        """
        if anew:
            faults = list(self.github.faults)
            self.kept.restore()
            self.github.faults += faults
        place = self.folder / f"machine-{next(self._machines)}"
        place.mkdir()
        git(place, "clone", "--quiet", str(self.there.bare.path), "clone")
        waited: list[float] = []
        with pytest.MonkeyPatch.context() as patch:
            _hurry(patch, tries, timeout, waited)
            (place / "event.json").write_text(json.dumps(verb.event), encoding="utf-8")
            words = verb.words.format(event=place / "event.json", handed=verb.handed, out=place / "out").split()
            done = CliRunner().invoke(
                cli, [*words, "-C", str(place / "clone")], env=self._environment(verb, place), catch_exceptions=False
            )
        assert done.exit_code == 0, done.output
        calls = [call.id if call.id.startswith("git") else call.name for call in self.github.calls]
        left = {"server": left_behind(self.there), "handed over": dict(_files(place))}
        return Ended(json.loads(json.dumps(left)), calls, waited, done.output)

    def _environment(self, verb: Verb, place: Path) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": self.there.full_name,
            "GITHUB_TOKEN": self.github.token(**verb.rights), "GITHUB_API_URL": self.github.api_url,
            "GITHUB_SERVER_URL": self.github.server_url, "GITHUB_OUTPUT": str(place / "outputs"),
            "GITHUB_STEP_SUMMARY": str(place / "summary"), **verb.own,
        }  # fmt: skip


def _hurry(patch: pytest.MonkeyPatch, tries: int, timeout: int, waited: list[float]) -> None:
    """Waits cost nothing, and silence is noticed soon. A chart takes long, and nothing here is about it."""
    patience = functools.partial(Patience, tries, 1e9, sleep=waited.append)
    patch.setattr("bot.forge.choice.Patience", patience)
    patch.setattr("bot.forge.patience.Patience", patience)
    patch.setattr("bot.forge.github.client.Client", functools.partial(Client, timeout=timeout))
    patch.setattr("bot.forge.remote.Remote", functools.partial(Remote, silence=timeout))
    patch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"png")


def _files(place: Path) -> Iterator[tuple[str, Any]]:
    """What the next job is handed, without the moment at which it was planned and written."""
    for path in sorted(path for path in [place / "outputs", *place.glob("out/**/*")] if path.is_file()):
        text = path.read_text(encoding="utf-8")
        if path.name == "plan.json":
            yield path.name, {**json.loads(text), "created": 0}
        else:
            yield str(path.relative_to(place)), len(text.splitlines()) if path.suffix == ".jsonl" else text


def left_behind(there: Repository) -> dict[str, Any]:
    """Everything that a verb may have written, without times and ids; of the records their names and how many commits
    they came in."""
    talked = {
        number: (one.title, one.body, one.state, sorted(one.labels), [event.event for event in one.events],
                 [(said.body, _reactions(said)) for said in one.comments])
        for number, one in there.numbered().items()
    }  # fmt: skip
    pulls = {
        number: (pull.head, pull.head_sha, sorted(pull.reviewers), sorted(pull.teams))
        for number, pull in there.pulls.items()
    }
    branches = {name: sha for name, (sha, _kind) in there.bare.refs().items() if not name.endswith(RECORDS)}
    records = []
    if there.bare.sha(f"refs/heads/{RECORDS}"):
        records = git(there.bare.path, "ls-tree", "-r", "--name-only", RECORDS).split()
        records.append(git(there.bare.path, "rev-list", "--count", RECORDS))
    return {
        "talked": talked, "pulls": pulls, "branches": branches, "records": records, "labels": sorted(there.labels),
        "checks": [(run.name, run.head_sha, run.conclusion, run.external_id, run.output) for run in there.check_runs],
        "runs": [(run.id, run.status, run.conclusion) for run in there.runs],
    }  # fmt: skip


def _reactions(said: Any) -> list[str]:
    return [reaction.content for reaction in said.reactions]
