"""Branches on the other side: fetched and pushed by git over HTTP.

The token reaches git in the environment of one process: never in its arguments, an address, a file or a message.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bot import commits, records
from bot.forge.patience import ForgeError, Passing, Patience
from harness.errors import RepositoryError
from harness.repository import Repository

THEIRS = "refs/remotes/origin/autoresearch/"
_RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value"
    r"|reference already exists",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"returned error: (?:408|429|5\d\d)|HTTP (?:408|429|5\d\d)|timed? ?out|too slow|connection (?:reset|refused|was)"
    r"|could not resolve|empty reply|early EOF|hung up|recv failure|failed to connect|unexpected disconnect|RPC failed",
    re.IGNORECASE,
)
_PROTECTED = re.compile(r"GH006|GH013|protected branch|repository rule|pre-receive hook declined|hook declined", re.I)
_DENIED = re.compile(r"returned error: 40[13]|Permission to .* denied|Authentication failed|not granted", re.I)


@dataclass(frozen=True)
class Remote:
    """url: of the repository; token: who we are there."""

    url: str
    token: str = field(repr=False)
    patience: Patience
    silence: int = 60  # seconds without a byte after which a transfer has failed

    def fetch(self, repository: Repository) -> None:
        """Brings the bot's branches here; what was recorded on both sides is joined."""
        self._patiently(lambda: self._fetch(repository), "fetching the bot's branches", "contents: read")

    def fetch_branch(self, repository: Repository, branch: str) -> str | None:
        """A branch's commit there, brought here; None where the branch does not exist."""
        place = f"refs/remotes/origin/{branch}"

        def step() -> None:
            quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
            repository.git("fetch", *quietly, self.url, f"+refs/heads/{branch}:{place}", env=self._environment())

        if self.tip(repository, branch) is None:
            return None
        self._patiently(step, f"fetching {branch}", "contents: read")
        return repository.reference(place)

    def tip(self, repository: Repository, branch: str) -> str | None:
        """The commit that a branch has there, or None."""

        def step() -> str | None:
            return self._reference(repository, f"refs/heads/{branch}")

        return self._patiently(step, f"asking for the branch {branch}", "contents: read")

    def publish_records(self, repository: Repository) -> None:
        """Only ever adds: where somebody was faster, ours is put on top of theirs."""
        known = [repository.reference(f"{THEIRS}results")]

        def step() -> None:
            mine = records.join(repository, known[0])
            if mine is None or mine == known[0]:
                return
            try:
                self._push(repository, f"{records.BRANCH}:{records.BRANCH}")
            except RepositoryError:
                self._fetch(repository)  # whether it was a race or a lost answer, what is there now decides
                known[0] = repository.reference(f"{THEIRS}results")
                raise

        self._patiently(step, "pushing the branch autoresearch/results", "contents: write")

    def publish(self, repository: Repository, branch: str, head: str, replaces: str) -> None:
        """Points a branch at a commit, if it does not exist yet or holds what we put there (replaces)."""

        def step() -> None:
            there = self.tip(repository, branch)
            if there == head:
                return
            if there is not None and there != replaces:
                if self._built_upon(repository, head, there):
                    return
                raise ForgeError(
                    f"the branch {branch} exists on {self.url} and is not what this night made",
                    why="somebody committed to it or created it",
                    next_step="rename that branch or delete it, then re-run the failed job",
                )
            lease = f"--force-with-lease=refs/heads/{branch}:{there or ''}"
            self._push(repository, f"{head}:refs/heads/{branch}", lease)

        self._patiently(step, f"pushing the branch {branch}", "contents: write")

    def publish_tag(self, repository: Repository, name: str) -> None:
        """Puts a tag there, once; one that is there already must be the same."""
        reference = f"refs/tags/{name}"

        def step() -> None:
            there = self._reference(repository, reference)
            if there is None:
                self._push(repository, f"{reference}:{reference}")
            elif there != repository.reference(reference):
                raise ForgeError(
                    f"the tag {name} exists on {self.url} and is not what the record says",
                    why="somebody made it by hand, or moved it",
                    next_step="delete that tag there, then re-run the failed job",
                )

        self._patiently(step, f"pushing the tag {name}", "contents: write")

    def _built_upon(self, repository: Repository, head: str, there: str) -> bool:
        """Whether a human pushed on top of what we had put there: that is theirs now."""
        self._fetch(repository)
        if repository.reference(f"{there}^{{commit}}") is None:
            return False
        return repository.git("rev-list", "--count", head, f"^{there}").strip() == b"0"

    def _reference(self, repository: Repository, name: str) -> str | None:
        """What a reference points at there."""
        arguments = ("ls-remote", "--refs", self.url, name)
        return repository.git(*arguments, env=self._environment()).decode().partition("\t")[0] or None

    def _fetch(self, repository: Repository) -> None:
        spec = f"+refs/heads/autoresearch/*:{THEIRS}*"
        arguments = ("--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-recurse-submodules")
        repository.git("fetch", *arguments, self.url, spec, env=self._environment())
        if repository.reference(records.BRANCH):
            records.join(repository, repository.reference(f"{THEIRS}results"))

    def _push(self, repository: Repository, what: str, *options: str) -> None:
        commits.push(repository, self.url, what, options, self._environment())

    def _patiently(self, step: Callable[[], str | None], doing: str, needs: str) -> str | None:
        def told() -> str | None:
            try:
                return step()
            except RepositoryError as error:
                raise _kind(error, doing, needs) from None

        return self.patience(told, doing)

    def _environment(self) -> dict[str, str]:
        """Settings of this one process of git. The empty values take out what a user's own settings would add."""
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        settings = [
            ("credential.helper", ""),
            ("core.askPass", ""),
            (f"http.{self.url}.extraheader", ""),
            (f"http.{self.url}.extraheader", f"Authorization: Basic {basic}"),
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", str(self.silence)),
        ]
        found = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_ALLOW_PROTOCOL": "http:https"}
        for number, (key, value) in enumerate(settings):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found


def _kind(error: RepositoryError, doing: str, needs: str) -> Exception:
    said = error.why
    if _PROTECTED.search(said):
        return ForgeError(
            f"{doing}: a rule of the repository refuses it",
            why=said,
            next_step="Settings > Rules > Rulesets (or Branches): let the workflow's token create and update "
            "autoresearch/**, and nothing else",
        )
    if _DENIED.search(said):
        return ForgeError(
            f"{doing}: the token may not do that",
            why=said,
            next_step=f"the job needs `permissions: {{{needs}}}`; autoresearch install writes it so",
        )
    if _RACE.search(said):
        return Passing("somebody else pushed at the same moment", wait=1.0)
    return Passing(said.splitlines()[-1] if said else "no answer") if _PASSING.search(said) else error
