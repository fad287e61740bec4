"""Without GitHub a pull request is the branch and a page beside the night's records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.forge import Opened, PullRequest
from bot.night.folder import write_atomically
from bot.pages.body import Links, body, title
from bot.pages.text import count
from bot.pages.web import page

PAGE = "pull-request"


@dataclass(frozen=True)
class LocalForge:
    """Writes pull-request.md, pull-request.html and the charts into the night's folder."""

    folder: Path

    def links(self, request: PullRequest) -> Links:
        rows = sum(len(report.rows) for report in request.reports if report.confirmed)
        return Links(
            merge=f"`{merge_command(request.branch)}` puts {count(rows, 'commit')} and the results on your branch.",
            close=f"`git branch -D {request.branch}`; the same contents are not tried again while the lock stays.",
            charts={name: f"chart-{name}.png" for name in request.charts},
            commits=request.commits,
            includes=request.includes,
        )

    def open(self, request: PullRequest) -> Opened:
        for name, png in request.charts.items():
            write_atomically(self.folder / f"chart-{name}.png", png)
        markdown = body(request.night, request.reports, self.links(request))
        write_atomically(self.folder / f"{PAGE}.md", markdown)
        html = self.folder / f"{PAGE}.html"
        write_atomically(html, page(title(request.night, request.reports), markdown))
        return Opened(str(html), merge_command(request.branch))


def merge_command(branch: str) -> str:
    return f"git merge --no-ff {branch}"
