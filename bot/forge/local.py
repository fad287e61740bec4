"""Without GitHub a pull request is the branch and a page beside the night's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import commits
from bot.forge import Opened, Proposal, PullRequest, Standing
from bot.night.folder import write_atomically
from bot.pages.body import body, title
from bot.pages.dashboard import Board
from bot.pages.facts import Links
from bot.pages.web import page
from bot.pages.wording.text import count
from harness.errors import RepositoryError
from harness.repository import CommitSource, Repository
from harness.target import Target

PAGE = "pull-request"


@dataclass(frozen=True)
class LocalForge:
    """Writes pull-request.md, pull-request.html and the charts into the night's folder.

    The reviewer is whoever sits at this machine, so there is one branch for all owners, and nobody to be behind.
    """

    folder: Path

    def fetch(self, repository: Repository) -> None:
        """Everything is here."""

    def owners(self, source: CommitSource, targets: Sequence[Target]) -> Mapping[str, str]:  # noqa: ARG002
        return {target.name: "" for target in targets}

    def base(self, repository: Repository) -> str | None:  # noqa: ARG002
        return None

    def standing(self, repository: Repository, proposal: Proposal) -> Standing:
        """A deleted branch was declined; one that moved is somebody's work."""
        tip = repository.reference(f"refs/heads/{proposal.branch}")
        if tip is None:
            return Standing.DECLINED
        return Standing.WAITING if tip == proposal.head else Standing.TOUCHED

    def name(self, proposal: Proposal) -> str:
        return f"the branch {proposal.branch}"

    def open_branches(self) -> frozenset[str]:
        return frozenset()

    def publish_records(self, repository: Repository) -> None:
        """They are on their branch already."""

    def publish(self, repository: Repository, branch: str, head: str, replaces: str) -> None:
        reference = f"refs/heads/{branch}"
        there = repository.reference(reference)
        if there == head:
            return
        if there is not None and there != replaces:
            raise RepositoryError(
                f"the branch {branch} exists and is not what this night made",
                why="somebody committed to it or created it",
                next_step=f"git branch -m {branch} NAME keeps it; then run the command again",
            )
        commits.move(repository, reference, head, there)

    def publish_tag(self, repository: Repository, name: str) -> None:
        """It is here."""

    def links(self, request: PullRequest) -> Links:
        rows = sum(len(report.rows) for report in request.reports if report.confirmed)
        return Links(
            merge=f"`{merge_command(request.branch)}` puts {count(rows, 'commit')} and the results on your branch.",
            close=f"`git branch -D {request.branch}`; the same contents are not tried again while the lock stays.",
            charts={name: f"chart-{name}.png" for name in request.charts},
            commits=request.commits,
            includes=request.includes,
            facts=request.facts,
            dimensions={name: f"dimensions-{name}.png" for name in request.dimensions},
            training={name: f"training-{name}.png" for name in request.training},
        )

    def open(self, request: PullRequest) -> Opened:
        for name, png in request.charts.items():
            write_atomically(self.folder / f"chart-{name}.png", png)
        for name, png in request.dimensions.items():
            write_atomically(self.folder / f"dimensions-{name}.png", png)
        for name, png in request.training.items():
            write_atomically(self.folder / f"training-{name}.png", png)
        markdown = body(request.night, request.reports, self.links(request))
        write_atomically(self.folder / f"{PAGE}.md", markdown)
        html = self.folder / f"{PAGE}.html"
        write_atomically(html, page(title(request.night, request.reports), markdown))
        return Opened(str(html), merge_command(request.branch), request.branch)

    def supersede(self, repository: Repository, proposal: Proposal, by: Opened) -> None:
        """The older branch stays: deleting it would say that a human declined it."""

    def dashboard(self, board: Board) -> None:
        """On a laptop `autoresearch report` and `autoresearch check` say it."""


def merge_command(branch: str) -> str:
    return f"git merge --no-ff {branch}"
