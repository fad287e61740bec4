"""The one connection to GitHub's API: who we are, how failures are told, how long we wait for those that pass."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bot.forge.github.failures import explained, limited
from bot.forge.patience import ForgeError, Patience
from harness.errors import AutoresearchError

if TYPE_CHECKING:
    from github import Github
    from github.Repository import Repository

T = TypeVar("T")

TIMEOUT = 30  # seconds that one answer may take


@dataclass(frozen=True)
class Place:
    """Which repository, where. token: never shown."""

    repository: str
    token: str = field(repr=False)
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"

    @property
    def git_url(self) -> str:
        return f"{self.server_url}/{self.repository}.git"


def from_environment(environment: MutableMapping[str, str]) -> Place:
    """What a workflow says of itself. The token is taken out, so that nothing started later inherits it.

    Raises ForgeError.
    """
    token, repository = environment.pop("GITHUB_TOKEN", ""), environment.get("GITHUB_REPOSITORY", "")
    if not token or repository.count("/") != 1:
        missing = "GITHUB_TOKEN" if not token else "GITHUB_REPOSITORY (owner/name)"
        raise ForgeError(
            f"--forge github needs {missing} in its environment",
            next_step="in a workflow: env: {GITHUB_TOKEN: ${{ github.token }}}; elsewhere leave --forge away",
        )
    return Place(
        repository,
        token,
        environment.get("GITHUB_API_URL") or Place.api_url,
        environment.get("GITHUB_SERVER_URL") or Place.server_url,
    )


class Client:
    """PyGithub, made once, with one policy for what fails."""

    def __init__(self, place: Place, patience: Patience, timeout: int = TIMEOUT) -> None:
        self.place, self.patience = place, patience
        self._github = _connected(place, timeout)
        self._repository: Repository | None = None

    def do(self, doing: str, needs: str, step: Callable[[Repository], T]) -> T:
        """A step against the repository. It is begun anew after a passing failure, so it must first look what is there.

        needs: the permission of the job that it takes. Raises ForgeError.
        """

        def told() -> T:
            from github import GithubException
            from requests import RequestException

            try:
                if self._repository is None:
                    self._repository = self._github.get_repo(self.place.repository)
                return step(self._repository)
            except (GithubException, RequestException) as error:
                raise explained(error, doing, needs, time.time()) from None

        return self.patience(told, doing)

    def login(self) -> str:
        """Who a token of a person's own belongs to; "" for a workflow's or an App's, which GitHub does not tell."""
        from github import GithubException

        try:
            return self._github.get_user().login
        except GithubException as error:
            if error.status != 403 or limited(error):
                raise
            return ""


def _connected(place: Place, timeout: int) -> Github:
    try:
        from github import Auth, Github
    except ImportError:
        raise AutoresearchError(
            "PyGithub is not installed", next_step="pip install 'autoresearch-bot[github]'"
        ) from None
    return Github(
        auth=Auth.Token(place.token),
        base_url=place.api_url,
        timeout=timeout,
        retry=None,  # a lost answer to a write may not be sent again unseen: `Client.do` looks first
        per_page=100,
        seconds_between_requests=None,
        seconds_between_writes=None,  # a night writes some ten times, far below what GitHub asks to space out
        user_agent="autoresearch-bot",
    )
