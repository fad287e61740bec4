"""Pull requests: made, listed, edited, merged, reviewed."""

from __future__ import annotations

from typing import Any

from tests.github import gitshapes, shapes
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused, invalid
from tests.github.state import Pull

READ, WRITE = "pull_requests:read", "pull_requests:write"
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", None: "PENDING"}


def guard_workflow_token(call: Call) -> None:
    """A repository may forbid its workflows to open and to approve pull requests."""
    token = call.token
    by_workflow = token is not None and token.account.login == "github-actions[bot]"
    if by_workflow and not call.repo.actions["can_approve_pull_request_reviews"]:
        raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")


@plays("pulls/create", WRITE)
def create(call: Call) -> Answered:
    guard_workflow_token(call)
    body = call.body
    if "title" not in body:
        raise invalid("PullRequest", "title")
    made = call.repo.open(
        body["head"], body["base"], body["title"], body.get("body"), call.login, body.get("draft", False)
    )
    made.maintainer_can_modify = body.get("maintainer_can_modify", False)
    return 201, shapes.pull(call.repo, made, settled=False)


@plays("pulls/list", READ, "metadata:read")
def listed(call: Call) -> Answered:
    state, head, base = (call.query.get(name) for name in ("state", "head", "base"))
    kept = [each for each in call.repo.pulls.values() if state == "all" or each.state == (state or "open")]
    if head and ":" in head:  # without an owner GitHub passes over this parameter
        kept = [each for each in kept if f"{each.head_repository.split('/')[0]}:{each.head}" == head]
    if base:
        kept = [each for each in kept if each.base == base]
    return 200, [shapes.pull_simple(call.repo, each) for each in ordered(call, kept)]


def ordered(call: Call, items: list[Any]) -> list[Any]:
    key = {"updated": "updated_at"}.get(call.query.get("sort", ""), "created_at")
    default = "asc" if call.query.get("sort", "created") not in {"created"} else "desc"
    backwards = call.query.get("direction", default) == "desc"
    return sorted(items, key=lambda each: (getattr(each, key), each.number), reverse=backwards)


@plays("pulls/get", READ, "metadata:read")
def get(call: Call) -> Answered:
    return 200, shapes.pull(call.repo, call.pull())


@plays("pulls/update", WRITE)
def update(call: Call) -> Answered:
    pull, body = call.pull(), call.body
    if "base" in body:
        new = call.repo.bare.sha(body["base"])
        if new is None:
            raise invalid("PullRequest", "base")
        pull.base, pull.base_sha = body["base"], new
    rewrite(call, pull)
    if body.get("state") == "closed":
        call.repo.close(pull.number, call.login)
    if body.get("state") == "open":
        call.repo.reopen(pull.number, call.login)
    return 200, shapes.pull(call.repo, pull, settled=False)


def rewrite(call: Call, pull: Pull) -> None:
    for name in ("title", "body", "maintainer_can_modify"):
        if name in call.body:
            setattr(pull, name, call.body[name])
    call.repo.say(call.body.get("body"))
    pull.updated_at = call.github.clock.now


@plays("pulls/check-if-merged", READ, "metadata:read")
def merged(call: Call) -> Answered:
    if not call.pull().merged:
        raise Refused(404, "Not Found")
    return 204, None


@plays("pulls/merge", "contents:write")
def merge(call: Call) -> Answered:
    pull, body = call.pull(), call.body
    if body.get("sha") not in {None, pull.head_sha}:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    sha = call.repo.merge(pull.number, body.get("merge_method", "merge"), call.login)
    return 200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@plays("pulls/list-commits", READ, "metadata:read")
def commits_of(call: Call) -> Answered:
    pull, bare = call.pull(), call.repo.bare
    return 200, [gitshapes.commit(call.repo, sha) for sha in bare.between(pull.base_sha, pull.head_sha)]


@plays("pulls/list-files", READ, "metadata:read")
def files_of(call: Call) -> Answered:
    pull = call.pull()
    changes = call.repo.bare.changes(pull.base_sha, pull.head_sha)
    return 200, [gitshapes.changed(call.repo, pull.head_sha, each) for each in changes]


@plays("pulls/list-requested-reviewers", READ, "metadata:read")
def requested(call: Call) -> Answered:
    simple = shapes.pull_simple(call.repo, call.pull())
    return 200, {"users": simple["requested_reviewers"], "teams": simple["requested_teams"]}


@plays("pulls/request-reviewers", WRITE)
def request(call: Call) -> Answered:
    pull = call.pull()
    people, teams = call.body.get("reviewers", []), call.body.get("team_reviewers", [])
    if pull.user.login in people:
        raise Refused(422, "Review cannot be requested from pull request author.")
    if any(each not in call.repo.collaborators for each in people):
        raise Refused(422, "Reviews may only be requested from collaborators.")
    if any(each not in call.repo.teams for each in teams):
        raise Refused(422, "Could not resolve to a node with the given team.")
    pull.reviewers += [each for each in people if each not in pull.reviewers]
    pull.teams += [each for each in teams if each not in pull.teams]
    return 201, shapes.pull_simple(call.repo, pull)


@plays("pulls/remove-requested-reviewers", WRITE)
def unrequest(call: Call) -> Answered:
    pull = call.pull()
    pull.reviewers = [each for each in pull.reviewers if each not in call.body.get("reviewers", [])]
    pull.teams = [each for each in pull.teams if each not in call.body.get("team_reviewers", [])]
    return 200, shapes.pull_simple(call.repo, pull)


@plays("pulls/list-reviews", READ, "metadata:read")
def reviews(call: Call) -> Answered:
    return 200, [shapes.review(call.repo, call.pull(), each) for each in call.pull().reviews]


@plays("pulls/create-review", WRITE)
def review(call: Call) -> Answered:
    body = call.body
    if body.get("event") == "APPROVE":
        guard_workflow_token(call)
    made = call.repo.review(
        call.pull().number, STATES[body.get("event")], call.login, body.get("body", ""), body.get("commit_id")
    )
    return 200, shapes.review(call.repo, call.pull(), made)


@plays("pulls/dismiss-review", WRITE)
def dismiss(call: Call) -> Answered:
    found = next((each for each in call.pull().reviews if each.id == int(call.values["review_id"])), None)
    if found is None:
        raise Refused(404, "Not Found")
    found.state = "DISMISSED"
    return 200, shapes.review(call.repo, call.pull(), found)


@plays("repos/list-pull-requests-associated-with-commit", READ, "metadata:read")
def of_commit(call: Call) -> Answered:
    sha, bare = call.values["commit_sha"], call.repo.bare
    pulls = call.repo.pulls.values()
    with_it = [each for each in pulls if sha in [each.merge_commit, *bare.between(each.base_sha, each.head_sha)]]
    return 200, [shapes.pull_simple(call.repo, each) for each in with_it]
