"""The test server: GitHub's REST API under /api/v3, git under /owner/name.git, on one port of this machine.

    with GitHub.start(tmp_path) as github:
        repo = github.repository("ada/shop")
        token = github.token(contents="write", pull_requests="write")

Leaving the block fails where a message was not valid by GitHub's description.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.github import githttp
from tests.github.faults import KINDS, Fault
from tests.github.gitdata import Bare
from tests.github.handler import Handler
from tests.github.held import ROLES
from tests.github.repository import Repository
from tests.github.state import Account, Clock, Token

READ_ROLE = {"read": "read", "write": "write", "admin": "admin"}
ROLE_FOR = {"administration": "admin", "secrets": "write", "environments": "write", "actions_variables": "write"}


@dataclass
class Totals:
    """What all servers of this process have seen."""

    valid: int = 0
    invalid: int = 0
    kinds: set[str] = field(default_factory=set)

    def line(self) -> str:
        counts = f"{self.valid:,} requests, responses and events valid, {self.invalid} invalid"
        return f"GitHub API: {counts}, {len(self.kinds)} kinds"


TOTALS = Totals()


@dataclass(frozen=True)
class Called:
    """One call that was answered, or (status 0) was not. `name`: "POST /repos/{owner}/{repo}/pulls" or "git push"."""

    name: str
    id: str
    path: str
    status: int
    login: str
    body: Any = None


class InvalidMessages(AssertionError):
    """Messages that GitHub's description does not allow, one a line."""


class Listener(ThreadingHTTPServer):
    """A thread per connection; a client that hangs up in the middle is no fault of anybody's."""

    daemon_threads, block_on_close = True, False
    request_queue_size = 64
    github: GitHub

    def handle_error(self, *_: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.github.wrong(f"the test server failed\n{traceback.format_exc()}")


class GitHub:
    """Everything that a test sees of GitHub; `start` makes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.clock = Clock()
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.calls: list[Called] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.closing = threading.Event()
        self.http = Listener(("127.0.0.1", 0), Handler)
        self.http.github = self
        self._id = 1000
        self.account("github-actions[bot]", "Bot")

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[GitHub]:
        made = cls(folder / "github")
        thread = threading.Thread(target=made.http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        except BaseException as error:
            for each in made.violations:
                error.add_note(f"GitHub: {each}")
            raise
        finally:
            made.closing.set()
            made.http.shutdown()
            made.http.server_close()
        if made.violations:
            raise InvalidMessages("\n".join(made.violations))

    @property
    def server_url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def api_url(self) -> str:
        return f"{self.server_url}/api/v3"

    def next_id(self) -> int:
        with self.lock:
            self._id += 1
            return self._id

    def account(self, login: str, kind: str = "User") -> Account:
        if login not in self.accounts:
            self.accounts[login] = Account(login, self.next_id(), kind)
        return self.accounts[login]

    def repository(self, full_name: str, default_branch: str = "main", private: bool = False) -> Repository:
        """The repository of this name, made empty where it does not exist."""
        if full_name not in self.repositories:
            bare = Bare.create(self.folder / f"{full_name}.git", default_branch)
            githttp.install_hook(bare.path)
            self.repositories[full_name] = Repository(self, full_name, bare, default_branch, private)
        return self.repositories[full_name]

    def fork(self, full_name: str, by: str) -> Repository:
        """A copy under another owner, as anybody may make of a public repository; the same one when asked again."""
        parent = self.repositories[full_name]
        if f"{by}/{parent.name}" in self.repositories:
            return self.repositories[f"{by}/{parent.name}"]
        made = self.repository(f"{by}/{parent.name}", parent.default_branch)
        made.bare.run("fetch", "-q", str(parent.bare.path), "refs/heads/*:refs/heads/*")
        made.parent = full_name
        made.notice(by)
        return made

    def head_repository(self, base: Repository, login: str) -> Repository | None:
        """Where the branch of a pull request is: here, or in the fork of `login`."""
        if login in {"", base.owner_login}:
            return base
        forks = (each for each in self.repositories.values() if each.parent == base.full_name)
        return next((each for each in forks if each.owner_login == login), None)

    def token(self, by: str | None = None, app: str = "github-actions[bot]", **permissions: str) -> str:
        """A workflow's token with these permissions, or that of an app; with `by`, that person's own, which may what
        they may."""
        account = self.account(by) if by else self.account(app, "Bot")
        value = f"{'ghp' if by else 'ghs'}_{self.next_id():036d}"
        granted = None if by and not permissions else {"metadata": "read", **permissions}
        self.tokens[value] = Token(value, account, granted, "user" if by else "installation")
        return value

    def sees(self, token: Token | None, repo: Repository) -> bool:
        if not repo.private:
            return True
        return token is not None and (token.kind == "installation" or repo.may(token.account.login, "read"))

    def may(self, token: Token, repo: Repository, name: str, level: str) -> bool:
        """May this token read or write this family of things? A workflow's token writes nothing in forks."""
        if token.kind == "installation" and repo.parent and level != "read":
            return False
        if token.permissions is not None and not token.allows(name, level):
            return not repo.private and level == "read" and name in {"contents", "metadata"}
        role = ROLE_FOR.get(name, READ_ROLE[level])
        return token.kind == "installation" or ROLES.index(repo.role(token.account.login)) >= ROLES.index(role)

    def fail(
        self, match: str, kind: str | int, times: int = 1, skip: int = 0, after: bool = False, seconds: int = 0
    ) -> Fault:
        """Lets calls fail; see `faults.Fault`. The answer's `struck` lists the calls that did."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no fault; there are {KINDS}")
        self.faults.append(Fault(match, kind, times, skip, after, seconds))
        return self.faults[-1]

    def fault_for(self, names: list[str]) -> Fault | None:
        with self.lock:
            return next((fault for fault in self.faults if fault.strikes(names)), None)

    def called(self, names: list[str], path: str, status: int, login: str, body: Any = None) -> None:
        """Notes a call by its names; status 0: it was never answered."""
        with self.lock:
            self.calls.append(Called(names[0], names[1] if len(names) > 1 else "", path, status, login, body))

    def wrong(self, what: str) -> None:
        self.violations.append(what)
        TOTALS.invalid += 1

    def right(self, kind: str) -> None:
        TOTALS.valid += 1
        TOTALS.kinds.add(kind)

    def expected_violations(self) -> list[str]:
        """The messages found invalid so far, taken back: for the tests that send such messages on purpose."""
        with self.lock:
            taken, self.violations = self.violations, []
            TOTALS.invalid -= len(taken)
            return taken
