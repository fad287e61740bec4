"""One pull request, found by its branch and made or refreshed: each step looks first what is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from bot.forge import Standing, labels
from bot.forge.github.client import Client
from bot.forge.github.failures import limited, message, refused
from bot.forge.github.standing import from_within, of_pull
from bot.forge.patience import ForgeError
from bot.pages import budget, markers

if TYPE_CHECKING:
    from github.PullRequest import PullRequest
    from github.Repository import Repository

PULLS = "pull-requests: write"
Render = Callable[[int], str]  # the bot's part of a body, in at most so many characters


def find(repository: Repository, branch: str) -> PullRequest | None:
    """The newest pull request of a branch of this very repository: a fork's branch of that name is somebody else's,
    and so is what a stranger opened of ours."""
    owner = repository.full_name.partition("/")[0]
    found = repository.get_pulls(state="all", sort="created", direction="desc", head=f"{owner}:{branch}")
    mine = (pull for pull in found if pull.head.ref == branch and _ours(pull, repository))
    return max(mine, key=lambda pull: pull.number, default=None)


def ours(repository: Repository) -> list[PullRequest]:
    """Open pull requests of the bot's branches."""
    found = repository.get_pulls(state="open")
    return [pull for pull in found if pull.head.ref.startswith("autoresearch/") and _ours(pull, repository)]


def _ours(pull: PullRequest, repository: Repository) -> bool:
    there = pull.head.repo
    here = there is not None and there.full_name.lower() == repository.full_name.lower()
    return here and from_within(repository, pull.user)


def is_ours(pull: PullRequest) -> bool:
    """Whether the bot wrote its body: what a human opened on the bot's branch stays theirs."""
    return pull.user.type == "Bot" or markers.outside(pull.body or "") != ("", pull.body or "")


def may_renew(pull: PullRequest, head: str, *, asked: bool) -> bool:
    """Whether its text is still the bot's to write. Commits that a human pushed make it theirs, whoever asks."""
    untouched = of_pull(pull, head) is Standing.WAITING
    return is_ours(pull) and (untouched or (asked and pull.state == "open" and pull.head.sha == head))


def ensure(
    client: Client, branch: str, head: str, title: str, render: Render, *, base: str, draft: bool,
    asked: bool = False,
) -> tuple[PullRequest, bool, list[str]]:  # fmt: skip
    """The pull request of a pushed branch, new, refreshed, or as a human left it; whether it is still ours; notes.
    asked: see PullRequest."""
    notes: list[str] = []

    def step(repository: Repository) -> tuple[PullRequest, str]:
        pull = find(repository, branch)
        if pull is None:
            return _create(repository, branch, title, render, base or repository.default_branch, draft, notes), ""
        why = _hands_off(pull, head, asked=asked)
        if not why:
            refresh(pull, title, render)
        return pull, why

    pull, why = client.do("opening the pull request", PULLS, step)
    return pull, not why, [*notes, *([why] if why else [])]


def _hands_off(pull: PullRequest, head: str, *, asked: bool) -> str:
    """Why a pull request that is there already is none of the bot's business any more; nothing if it is."""
    if pull.state != "open":
        return "it is closed already; what a human closed is not opened again"
    if not is_ours(pull):
        return "a human opened it, so its text is left alone; the night's page is in the summary of this run"
    if of_pull(pull, head) is not Standing.WAITING and not (asked and pull.head.sha == head):
        return "a human has looked at it or works on it, so it is left as it is"
    return ""


def _create(
    repository: Repository, branch: str, title: str, render: Render, base: str, draft: bool, notes: list[str]
) -> PullRequest:
    from github import GithubException

    body = render(budget.LIMIT)
    try:
        return repository.create_pull(base=base, head=branch, title=title, body=body, draft=draft)
    except GithubException as error:
        if draft and refused(error, 422, "draft"):
            note = "drafts are not available in this repository, so it was opened ready for review"
            if note not in notes:
                notes.append(note)
            return repository.create_pull(base=base, head=branch, title=title, body=body, draft=False)
        exists = refused(error, 422, "already exists")
        if exists and (there := find(repository, branch)) is not None:
            return there
        if exists:
            raise ForgeError(
                f"somebody who may not write has opened a pull request of {branch}, and there can be only one",
                next_step="close theirs, then re-run the failed job",
            ) from None
        if error.status == 422:
            raise ForgeError(
                f"GitHub refuses a pull request from {branch} into {base}",
                why=message(error),
                next_step="pull_request: {base: BRANCH} in .github/autoresearch.yml names the branch to merge into",
            ) from None
        raise


def refresh(pull: PullRequest, title: str, render: Render) -> None:
    """Title and the bot's part of the body, where they differ. A human's title and words stay."""
    old = (pull.body or "").replace("\r\n", "\n")
    body = markers.refreshed(old, render, budget.LIMIT)
    wanted = title if pull.title.startswith("autoresearch ") else pull.title
    if (body, wanted) != (old, pull.title):
        pull.edit(title=wanted, body=body)


def set_labels(client: Client, number: int, wanted: Sequence[str]) -> None:
    """Makes the labels that the repository lacks, and sets them; those that humans set stay."""

    def step(repository: Repository) -> None:
        make_labels(repository, wanted)
        issue = repository.get_issue(number)
        there = [label.name for label in issue.labels]
        after = labels.renewed(there, wanted)
        if after != sorted(there):
            issue.set_labels(*after)

    client.do("labelling the pull request", PULLS, step)


def make_labels(repository: Repository, wanted: Collection[str]) -> None:
    from github import GithubException

    known = {label.name.lower() for label in repository.get_labels()}
    for name in wanted:
        if name.lower() not in known:
            colour, description = labels.look(name)
            try:
                repository.create_label(name, colour, description)
            except GithubException as error:
                if not refused(error, 422, "already_exists"):
                    raise


def ask(client: Client, number: int, owners: Sequence[str]) -> list[str]:
    """Asks owners (@user, @organisation/team) to review, once. What cannot be asked is a note, not a failure."""
    from github import GithubException

    notes = []
    for owner in owners:

        def step(repository: Repository, owner: str = owner) -> str:
            pull = repository.get_pull(number)
            name = owner.removeprefix("@")
            team, user = name.rpartition("/")[2] if "/" in name else "", name if "/" not in name else ""
            try:
                if not _asked(pull, user, team):
                    pull.create_review_request(reviewers=[user] if user else [], team_reviewers=[team] if team else [])
            except GithubException as error:
                if error.status not in {403, 404, 422} or limited(error):
                    raise
                return f"{owner} could not be asked to review: {message(error)}"
            return ""

        notes.append(client.do("asking for a review", PULLS, step))
    return [note for note in notes if note]


def _asked(pull: PullRequest, user: str, team: str) -> bool:
    asked = {one.login.lower() for one in pull.requested_reviewers} | {one.slug for one in pull.requested_teams}
    reviewed = {review.user.login.lower() for review in pull.get_reviews() if review.user}
    return (user or team).lower() in asked | (reviewed if user else set())
