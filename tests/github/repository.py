"""One repository on the test server: its state, and what people and tokens do to it.

Every verb is what a human does in the browser; the routes use the same verbs for calls over the API.
"""

from __future__ import annotations

from typing import Any

from tests.github.pulling import Pulling
from tests.github.refusal import Refused
from tests.github.state import Job, Run, Workflow

__all__ = ["Refused", "Repository"]


class Repository(Pulling):
    """The whole of it: what `talk`, `guarded` and `pulling` do, and workflows."""

    def known_workflows(self) -> list[Workflow]:
        """The workflows of the default branch; one that was seen once stays known."""
        ref = f"refs/heads/{self.default_branch}"
        paths = self.bare.run("ls-tree", "--name-only", ref, ".github/workflows/").split() if self.bare.sha(ref) else []
        for path in set(paths) - {each.path for each in self.workflows}:
            text = (self.bare.file(ref, path) or b"").decode()
            name = next((line[5:].strip() for line in text.splitlines() if line.startswith("name:")), path)
            self.workflows.append(Workflow(self.github.next_id(), name, path))
        return self.workflows

    def run(
        self, path: str, event: str = "schedule", by: str | None = None, branch: str | None = None,
        status: str = "queued", conclusion: str | None = None, minutes: float = 0.0,
        inputs: dict[str, Any] | None = None,
    ) -> Run:  # fmt: skip
        """A run of the workflow at `path`, now."""
        which = next(each for each in self.known_workflows() if each.path == path)
        branch = branch or self.default_branch
        sha, account = self.bare.sha(branch), self.github.account(by or self.owner_login)
        assert sha, f"{self.full_name} has no {branch}"
        number, now = self.github.next_id(), self.github.clock.now
        made = Run(number, which, event, status, conclusion, branch, sha, account, now, 1, inputs or {}, [], minutes)
        self.runs.append(made)
        return made

    def job(self, run: Run, name: str, status: str = "queued", labels: tuple[str, ...] = ("ubuntu-latest",)) -> Job:
        made = Job(self.github.next_id(), name, status, list(labels), "success" if status == "completed" else None)
        run.jobs.append(made)
        return made
