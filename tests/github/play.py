"""How a route is written: a function of one `Call`, under the id that GitHub's description gives the operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.github.refusal import Refused
from tests.github.repository import Repository
from tests.github.state import Issue, Pull, Token

if TYPE_CHECKING:
    from tests.github.server import GitHub

Answered = tuple[int, Any]


@dataclass
class Call:
    """What a route is given: `values` of the path, `query`, the parsed `body`, and who asks. It may add `headers`."""

    github: GitHub
    id: str
    values: dict[str, str]
    query: dict[str, str]
    body: Any
    token: Token | None
    at: Repository | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Repository:
        assert self.at, f"{self.id} concerns no repository"
        return self.at

    @property
    def login(self) -> str:
        return self.token.account.login if self.token else "ghost"

    def issue(self) -> Issue:
        """The issue or pull request that the path names."""
        return found(self.repo.numbered(), int(self.values["issue_number"]))

    def pull(self) -> Pull:
        return found(self.repo.pulls, int(self.values["pull_number"]))


@dataclass(frozen=True)
class Play:
    """`needs`: any one of these permissions is enough, such as "pull_requests:write"; none: any token may."""

    handler: Callable[[Call], Answered]
    needs: list[str]


PLAYS: dict[str, Play] = {}


def plays(operation: str, *needs: str) -> Callable[[Callable[[Call], Answered]], Callable[[Call], Answered]]:
    """Marks the function that plays an operation; it returns a status and the answer's value (None: no body)."""

    def register(handler: Callable[[Call], Answered]) -> Callable[[Call], Answered]:
        if operation in PLAYS:
            raise ValueError(f"{operation} is played twice, by {PLAYS[operation].handler.__module__} too")
        PLAYS[operation] = Play(handler, list(needs))
        return handler

    return register


def found(known: dict[Any, Any], key: Any) -> Any:
    if key not in known:
        raise Refused(404, "Not Found")
    return known[key]
