"""What a failure of GitHub's API means: wait and try again, or an error that names its cure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.forge.patience import ForgeError, Passing
from bot.pages.wording.text import plain

if TYPE_CHECKING:
    from github import GithubException

_LIMITS = ("rate limit", "abuse detection")
_UNSAID = 60.0  # seconds to wait at least where a limit does not say how long: GitHub bans who asks sooner
SETTINGS = "Settings > Actions > General > Workflow permissions"


def explained(error: Exception, doing: str, needs: str, now: float) -> Exception:
    """A Passing where waiting helps, else a ForgeError. now: seconds since 1970."""
    from github import GithubException

    if not isinstance(error, GithubException):
        return Passing(_network(error))
    status, said = error.status, message(error)
    headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
    if limited(error):
        wait = _wait(headers, now)
        return Passing(f"{status}, {said}", _UNSAID if wait is None else wait)
    if status >= 500 or status in {0, 408}:
        return Passing(f"{status}, {said}")
    return ForgeError(f"{doing}: GitHub answered {status}", why=said, next_step=_cure(status, said, needs))


def limited(error: GithubException) -> bool:
    """Whether GitHub only asks to be asked later. It says so in a 403 too, which is no missing right then."""
    said = message(error).lower()
    return error.status == 429 or (error.status == 403 and any(word in said for word in _LIMITS))


def message(error: GithubException) -> str:
    """What GitHub said, in one line, with the details of a refused form."""
    data = error.data if isinstance(error.data, Mapping) else {}
    details = data.get("errors") or []
    told = [str(data.get("message") or error.message or "nothing said")]
    told += [str(entry.get("message") or entry) if isinstance(entry, Mapping) else str(entry) for entry in details]
    return plain("; ".join(told), 300)


def _network(error: Exception) -> str:
    return {"ReadTimeout": "no answer in time", "ConnectTimeout": "no answer in time"}.get(
        type(error).__name__, f"the connection failed ({type(error).__name__})"
    )


def _wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the answer's own word; None where it says nothing."""
    try:
        if "retry-after" in headers:
            return max(0.0, float(headers["retry-after"]))
        if headers.get("x-ratelimit-remaining") == "0":
            return max(0.0, float(headers["x-ratelimit-reset"]) - now) + 1
    except (KeyError, ValueError):
        return None
    return None


def _cure(status: int, said: str, needs: str) -> str:
    lower = said.lower()
    if status == 401:
        return "the token is not valid any more: re-run the job; with a token of your own, renew it"
    if status == 403 and "not permitted to create" in lower:
        return f"{SETTINGS}: tick 'Allow GitHub Actions to create and approve pull requests', then re-run the job"
    if status == 403:
        return f"the job needs `permissions: {{{needs}}}` (autoresearch install writes it so); {SETTINGS} may forbid it"
    if status == 404:
        return f"check GITHUB_REPOSITORY, and that the job has `permissions: {{{needs}}}`"
    if status == 410:
        return "Settings > General > Features: turn Issues on"
    return "autoresearch doctor checks what a night needs"


def refused(error: GithubException, status: int, words: str) -> bool:
    """Whether GitHub refused with this status, saying this."""
    return error.status == status and words in json.dumps(error.data, default=str).lower()
