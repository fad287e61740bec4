"""Reads how a repository is set up, and nothing else: every request is a GET. PyGithub carries them."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from typing import Any

from harness.errors import AutoresearchError

_SECONDS = 15
_UPGRADE = "Upgrade to GitHub"  # what GitHub answers where the plan of a private repository lacks a feature


class Unanswered(AutoresearchError):
    """Nothing can be said: GitHub did not answer, or refused the token as such."""


class NoRight(AutoresearchError):
    """The token may not read this. permission: the one that would show it."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"the token may not look; {permission} shows it")
        self.permission = permission


class NotInPlan(AutoresearchError):
    """The plan that pays for a private repository does not have this."""


class Inspection:
    """slug: owner/name. Each path is read once; after a request without an answer none is made any more."""

    def __init__(self, token: str, slug: str, api_url: str) -> None:
        self.slug = slug
        self.ahead: float | None = None  # seconds that this machine's clock is ahead of GitHub's
        self._requester = _requester(token, api_url)
        self._known: dict[str, Any] = {}
        self._down: Unanswered | None = None

    def repository(self) -> Any:
        """Raises NoRight where the repository is absent too: GitHub tells both in one word."""
        return self.read("", "Metadata: read (and access to the repository)")

    def read(self, path: str, permission: str, *, absent: Any = None) -> Any:
        """What stands at a path below the repository's. `absent` for what is not there; without one, that is NoRight.

        Raises Unanswered, NoRight, NotInPlan.
        """
        return self.ask(f"/repos/{self.slug}{path}", permission, absent=absent)

    def ask(self, path: str, permission: str, *, absent: Any = None) -> Any:
        """`read` for a path from the API's root."""
        if path not in self._known:
            if self._down:
                raise self._down
            self._known[path] = self._fetch(path, permission)
        found = self._known[path]
        if isinstance(found, AutoresearchError):
            raise found
        if found is not _ABSENT:
            return found
        if absent is None:
            raise NoRight(permission)
        return absent

    def _fetch(self, path: str, permission: str) -> Any:
        from github import BadCredentialsException, GithubException, RateLimitExceededException
        from requests.exceptions import RequestException

        asked = datetime.now(UTC)
        try:
            headers, found = self._requester.requestJsonAndCheck("GET", path)
        except BadCredentialsException:
            return self._lost("GitHub refuses the token (401)", "gh auth login, then GH_TOKEN=$(gh auth token)")
        except RateLimitExceededException:
            return self._lost("GitHub's rate limit for this token is spent", "run it again in an hour")
        except GithubException as error:
            return self._refused(error.status, str(error.data), permission)
        except RequestException as error:
            return self._lost(
                f"GitHub's API does not answer: {type(error).__name__}", "see https://www.githubstatus.com"
            )
        self._compare(asked, headers)
        return found

    def _refused(self, status: int, said: str, permission: str) -> Any:
        if status == 404:
            return _ABSENT
        if status == 403 and _UPGRADE in said:
            return NotInPlan("not in the plan of this private repository")
        if status in {401, 403}:
            return NoRight(permission)
        return self._lost(f"GitHub's API answers with status {status}", "see https://www.githubstatus.com")

    def _lost(self, what: str, step: str) -> Unanswered:
        self._down = Unanswered(what, next_step=step)
        return self._down

    def _compare(self, asked: datetime, headers: Any) -> None:
        said = headers.get("date") or headers.get("Date")
        try:
            self.ahead = (asked - email.utils.parsedate_to_datetime(said)).total_seconds()
        except (TypeError, ValueError):
            return


_ABSENT = object()


def _requester(token: str, api_url: str) -> Any:
    """Raises Unanswered where the library is not installed."""
    try:
        from github import Auth, Github
    except ImportError:
        step = "pip install 'autoresearch-bot[github]'"
        raise Unanswered("the library that speaks with GitHub is not installed", next_step=step) from None
    client = Github(
        auth=Auth.Token(token), base_url=api_url, timeout=_SECONDS, retry=None, seconds_between_requests=None
    )
    return client.requester
