"""Who may ask for what: one pure decision over what GitHub and the records say, never over what a text says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.commands.proposals import Branch
from bot.commands.request import Request, coin_of
from bot.commands.words import HOLD, Words, parse
from harness.standing import DROP, RECHECK

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
    records say of the pull request's branch; own: the logins that the bot opens pull requests under."""

    comment: Comment
    pull: Pull | None = None
    permission: str = "none"
    proposed: Branch | None = None
    own: frozenset[str] = frozenset({ACTIONS_LOGIN})


@dataclass(frozen=True)
class Decision:
    """request: of what is accepted or repeated; why: in words, for a log and, where it is refused, for its author."""

    outcome: Outcome
    why: str
    request: Request | None = None
    matrix: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def decide(facts: Facts, *, bound: bool = True) -> Decision:
    """What becomes of a comment. bound: whether the branch must still stand where it was recorded."""
    words = facts.comment.words
    if words is None:
        return Decision(Outcome.UNHEARD, "it is no command, or none of a new comment of a human on a pull request")
    if why := _not_ours(facts):
        return Decision(Outcome.UNHEARD, why)
    if facts.permission not in MAY:
        return Decision(Outcome.NO_RIGHTS, f"{facts.comment.by} may not write to the repository")
    return _possible(facts, words, bound=bound)


def _not_ours(facts: Facts) -> str:
    """Why the pull request is none of the bot's; nothing if it is."""
    pull, proposed = facts.pull, facts.proposed
    if pull is None or not pull.open:
        return "the pull request is not open"
    if not pull.author_is_bot or pull.author not in facts.own:
        return f"{pull.author} opened the pull request, and not the bot"
    if pull.repository.lower() != facts.comment.repository.lower():
        return "its branch is in another repository"
    if proposed is None or proposed.name != pull.branch:
        return "no night is recorded that proposed anything on its branch"
    return ""


def _possible(facts: Facts, words: Words, *, bound: bool) -> Decision:
    pull, branch, said = facts.pull, facts.proposed, facts.comment
    assert pull and branch  # `_not_ours` has looked
    rows: Mapping[str, tuple[int, ...]] = dict.fromkeys(branch.rows, ())
    repeated = said.comment in branch.answered
    if bound and not repeated and words.command != HOLD and pull.head != branch.head:
        return Decision(Outcome.REFUSED, MOVED)
    if words.command == DROP and not repeated:
        try:
            rows = branch.named(words.rows)
        except KeyError as missing:
            return Decision(Outcome.REFUSED, f"there is no row {missing.args[0]} any more, or there never was")
        if sum(map(len, rows.values())) == sum(map(len, branch.rows.values())):
            return Decision(Outcome.REFUSED, "no row would be left; closing the pull request says that")
        if emptied := sorted(target for target, gone in rows.items() if gone == branch.rows[target]):
            return Decision(Outcome.REFUSED, f"no row of {', '.join(emptied)} would be left; {_WHOLE}")
    request = Request(
        command=words.command, night=branch.night, branch=branch.name, head=branch.head, rows=rows,
        numbers=words.rows, pull=said.number, comment=said.comment, by=said.by,
        coin=coin_of(said.repository, said.comment, branch.head),
    )  # fmt: skip
    if repeated:
        return Decision(Outcome.REPEATED, f"{words} was answered before", request)
    measured = rows if words.command in {DROP, RECHECK} else {}
    return Decision(Outcome.ACCEPTED, f"{words} by {said.by}", request, measured)


MOVED = (
    "the branch holds commits that the bot did not put there, so nothing that could be measured is what would be "
    "merged; next: move them to a branch of their own"
)
_WHOLE = "a target leaves a pull request only where nothing of it is confirmed any more"
