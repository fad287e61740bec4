"""GitHub as a forge: every method looks what is there before it writes, so that any of them may be called again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import PullRequests
from bot.forge import Opened, Proposal, PullRequest, Standing, labels, owners
from bot.forge.github import checks, closing, dashboard, pulls
from bot.forge.github.client import Client
from bot.forge.github.standing import of_pull
from bot.forge.remote import Remote
from bot.pages.body import body, title
from bot.pages.dashboard import Board
from bot.pages.facts import Facts, Links, Pull
from bot.pages.target import evidence
from bot.pages.verdict import Verdict, verdict
from bot.pages.wording.text import code, count
from harness.repository import CommitSource, Repository
from harness.target import Target

if TYPE_CHECKING:
    from github.Repository import Repository as GitHubRepository

_CONCLUSIONS: Mapping[str, checks.Conclusion] = {
    "merge": "success", "recheck": "neutral", "nothing": "neutral", "do-not-merge": "failure",
}  # fmt: skip


@dataclass(frozen=True)
class GitHubForge:
    """settings: `pull_request` in autoresearch.yml; commands: whether the repository answers to comments; summary: the
    file that a job's summary is written to, if there is one."""

    client: Client
    remote: Remote
    settings: PullRequests = field(default_factory=PullRequests)
    commands: bool = False
    summary: Path | None = None
    _known: dict[tuple[str, str], Standing] = field(default_factory=dict)  # many targets ask of the same branch

    def fetch(self, repository: Repository) -> None:
        self._known.clear()
        self.remote.fetch(repository)

    def owners(self, source: CommitSource, targets: Sequence[Target]) -> Mapping[str, str]:
        return owners.owners(source, targets)

    def base(self, repository: Repository) -> str | None:
        return self.remote.fetch_branch(repository, self._base())

    def standing(self, repository: Repository, proposal: Proposal) -> Standing:  # noqa: ARG002  # GitHub knows it
        key = (proposal.branch, proposal.head)
        if key not in self._known:
            self._known[key] = self.client.do(
                f"asking what became of {proposal.branch}",
                "pull-requests: read",
                lambda there: of_pull(pulls.find(there, proposal.branch), proposal.head),
            )
        return self._known[key]

    def name(self, proposal: Proposal) -> str:
        def step(there: GitHubRepository) -> str:
            pull = pulls.find(there, proposal.branch)
            return f"pull request #{pull.number} ({proposal.branch})" if pull else proposal.branch

        return self.client.do(f"asking for the number of {proposal.branch}", "pull-requests: read", step)

    def open_branches(self) -> frozenset[str]:
        found = self.client.do("listing open pull requests", "pull-requests: read", pulls.ours)
        return frozenset(pull.head.ref for pull in found)

    def publish_records(self, repository: Repository) -> None:
        self.remote.publish_records(repository)

    def publish(self, repository: Repository, branch: str, head: str, replaces: str) -> None:
        self.remote.publish(repository, branch, head, replaces)

    def publish_tag(self, repository: Repository, name: str) -> None:
        self.remote.publish_tag(repository, name)

    def links(self, request: PullRequest) -> Links:
        place = self.client.place
        address = f"{place.server_url}/{place.repository}"
        confirmed = [report for report in request.reports if report.confirmed]
        rows = sum(len(report.rows) for report in confirmed)
        charts = [report.name for report in confirmed if report.name in request.charts]
        metrics = [report.name for report in confirmed if report.name in request.dimensions]
        trained = [report.name for report in confirmed if report.name in request.training]
        return Links(
            merge=f"puts {count(rows, 'commit')} and the results on {code(self._base())}.",
            close="these rows are not proposed again while the lock stays; the label `retry` undoes it.",
            charts={name: f"{address}/blob/{request.head}/results/{name}/chart.png?raw=true" for name in charts},
            commits=request.commits,
            includes=request.includes,
            addresses={row: f"{address}/commit/{commit}" for row, commit in request.commits.items()},
            facts=self._facts(request),
            dimensions={n: f"{address}/blob/{request.head}/results/{n}/dimensions.png?raw=true" for n in metrics},
            training={n: f"{address}/blob/{request.head}/results/{n}/training.png?raw=true" for n in trained},
        )

    def open(self, request: PullRequest) -> Opened:
        links = self.links(request)
        heading = title(request.night, request.reports)

        def render(most: int) -> str:
            return body(request.night, request.reports, links, most)

        self._summarise(heading, render(10 * 60_000))
        said = verdict(request.reports, links.facts)
        unchecked = self._check(request, said)
        pull, ours, notes = pulls.ensure(
            self.client, request.branch, request.head, heading, render, base=self._base(), draft=self.settings.draft,
            asked=request.asked,
        )  # fmt: skip
        if ours:
            wanted = labels.for_reports(request.reports, self.settings.labels, strong=said.strong)
            pulls.set_labels(self.client, pull.number, wanted)
            notes += pulls.ask(self.client, pull.number, request.owners)
        notes += [unchecked] if unchecked else []
        return Opened(pull.html_url, "merge it there, if it reads well", request.branch, tuple(notes))

    def supersede(self, repository: Repository, proposal: Proposal, by: Opened) -> None:  # noqa: ARG002
        closing.supersede(self.client, proposal, by.where)

    def dashboard(self, board: Board) -> None:
        self._summarise("Where every target stands", dashboard.show(self.client, board, self._base()))

    def _base(self) -> str:
        return self.settings.base or self.client.do(
            "asking for the default branch", "contents: read", lambda there: there.default_branch
        )

    def _facts(self, request: PullRequest) -> Facts:
        def step(there: GitHubRepository) -> Facts:
            older = pulls.find(there, request.supersedes[-1]) if request.supersedes else None
            return replace(
                request.facts,
                squash_only=there.allow_squash_merge is True and there.allow_merge_commit is False,
                supersedes=Pull(older.number, older.html_url) if older else None,
                commands=self.commands,
            )

        return self.client.do("asking what the page should say", "pull-requests: read", step)

    def _check(self, request: PullRequest, said: Verdict) -> str:
        lines = [
            f"{report.name}: {evidence.headline(report)}{evidence.again(report)}"
            for report in request.reports
            if report.confirmed
        ]
        summary = "\n\n".join([" ".join([said.says, *(f"{why}." for why in said.because)]), *lines])
        seals = ", ".join(f"{report.name} {report.seal[:16]}" for report in request.reports if report.confirmed)
        conclusion = _CONCLUSIONS[said.advice]
        return checks.set_verdict(
            self.client, request.head, conclusion, said.says, summary, f"{request.night}: {seals}"
        )

    def _summarise(self, heading: str, text: str) -> None:
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8") as file:
                file.write(f"# {heading}\n\n{text}\n")


def summary_file() -> Path | None:
    """Where a workflow's job writes its summary."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "")
    return Path(name) if name else None
