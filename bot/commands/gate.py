"""Who may ask for what: one pure decision over what GitHub and the records say, never over what a text says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.commands.proposals import Branch
from bot.commands.request import Request, coin_of
from bot.commands.words import HOLD, Words, parse
from harness.standing import DROP

MAY = frozenset({"write", "maintain", "admin"})
ACTIONS_LOGIN = "github-actions[bot]"


class Outcome(StrEnum):
    """What becomes of a comment.

    accepted; repeated: it was answered before, and only what an interrupted job left undone follows; unheard: it is
    not addressed to the bot, and gets no answer at all; no-rights: its author may not command; refused: they may, and
    it cannot be done: why is said.
    """

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    UNHEARD = "unheard"
    NO_RIGHTS = "no-rights"
    REFUSED = "refused"


@dataclass(frozen=True)
class Comment:
    """A comment as the event that started the workflow tells of it. on_pull: whether it stands on a pull request."""

    action: str
    repository: str
    number: int
    on_pull: bool
    comment: int
    body: str
    by: str
    is_bot: bool

    @property
    def words(self) -> Words | None:
        """The command that it is, as far as it alone says."""
        if self.action != "created" or not self.on_pull or self.is_bot:
            return None
        return parse(self.body)


@dataclass(frozen=True)
class Pull:
    """A pull request as GitHub knows it. repository: that its head is in, "" where that is gone."""

    open: bool
    author: str
    author_is_bot: bool
    repository: str
    branch: str
    head: str


@dataclass(frozen=True)
class Facts:
    """Everything that a decision rests on. permission: of the comment's author, as the API says it; proposed: what the
    records say of the pull request's branch; authors: the logins that the bot opens pull requests under, None for any
    bot's: where an App opens them, no token but its own can tell its name."""

    comment: Comment
    pull: Pull | None = None
    permission: str = "none"
    proposed: Branch | None = None
    authors: frozenset[str] | None = frozenset({ACTIONS_LOGIN})


@dataclass(frozen=True)
class Decision:
    """request: of what is accepted or repeated; why: in words, for a log and, where it is refused, for its author."""

    outcome: Outcome
    why: str
    request: Request | None = None
    matrix: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def decide(facts: Facts, *, bound: bool = True) -> Decision:
    """What becomes of a comment. bound: whether the branch must still stand where it was recorded."""
    words, pull, branch = facts.comment.words, facts.pull, facts.proposed
    if words is None:
        return Decision(Outcome.UNHEARD, "it is no command, or none of a new comment of a human on a pull request")
    if pull is None or branch is None or (why := _not_ours(facts.comment, pull, branch, facts.authors)):
        return Decision(Outcome.UNHEARD, why if pull and branch else "no night is recorded that proposed its branch")
    if facts.permission not in MAY:
        return Decision(Outcome.NO_RIGHTS, f"{facts.comment.by} may not write to the repository")
    return _answer(facts.comment, words, pull, branch, bound=bound)


def _not_ours(said: Comment, pull: Pull, branch: Branch, authors: frozenset[str] | None) -> str:
    """Why the pull request is none of the bot's; nothing if it is."""
    if not pull.open:
        return "the pull request is not open"
    if not pull.author_is_bot or (authors is not None and pull.author not in authors):
        return f"{pull.author} opened the pull request, and not the bot"
    if pull.repository.lower() != said.repository.lower():
        return "its branch is in another repository"
    return "" if branch.name == pull.branch else "no night is recorded that proposed its branch"


def _answer(said: Comment, words: Words, pull: Pull, branch: Branch, *, bound: bool) -> Decision:
    """To somebody who may command."""
    if said.comment in branch.answered:
        return Decision(Outcome.REPEATED, f"{words} was answered before", _request(said, words, branch))
    if bound and words.command != HOLD and pull.head != branch.head:
        return Decision(Outcome.REFUSED, MOVED)
    if why := impossible(words, branch):
        return Decision(Outcome.REFUSED, why)
    request = _request(said, words, branch)
    return Decision(Outcome.ACCEPTED, f"{words} by {said.by}", request, {} if words.command == HOLD else request.rows)


def impossible(words: Words, branch: Branch) -> str:
    """Why the rows cannot go; nothing if they can."""
    try:
        gone = branch.named(words.rows)
    except KeyError as missing:
        return f"there is no row {missing.args[0]}"
    for target, rows in gone.items():
        there = branch.rows.get(target, ())
        if lost := sorted(set(rows) - set(there)):
            return f"row {branch.before[target] + lost[0]} is not there any more"
        if len(rows) == len(there):
            return f"no row of {target} would be left; {_WHOLE}"
    return ""


def _request(said: Comment, words: Words, branch: Branch) -> Request:
    """What is asked for; of a command that was answered before, as it was asked for then."""
    head = branch.answered.get(said.comment, branch.head)
    rows = branch.named(words.rows) if words.command == DROP else dict.fromkeys(branch.rows, ())
    return Request(
        command=words.command, night=branch.night, branch=branch.name, head=head, rows=rows, numbers=words.rows,
        pull=said.number, comment=said.comment, by=said.by, coin=coin_of(said.repository, said.comment, head),
    )  # fmt: skip


MOVED = (
    "the branch holds commits that the bot did not put there, so nothing that could be measured is what would be "
    "merged; next: move them to a branch of their own"
)
_WHOLE = "to take nothing of this pull request, close it"
