"""Issues, comments, reactions, events and labels. To GitHub a pull request is an issue too."""

from __future__ import annotations

from typing import Any

from tests.github import shapes
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused, invalid
from tests.github.routes.pulls import ordered
from tests.github.state import Comment, Reaction
from tests.github.text import COLOUR

READ = ("issues:read", "pull_requests:read", "metadata:read")
WRITE = ("issues:write", "pull_requests:write")


@plays("issues/create", "issues:write")
def create(call: Call) -> Answered:
    if not call.repo.settings["has_issues"]:
        raise Refused(410, "Issues has been disabled in this repository.")
    body = call.body
    made = call.repo.issue(str(body["title"]), body.get("body"), call.login, names(body.get("labels", [])))
    made.assignees = list(body.get("assignees", []))
    return 201, shapes.issue(call.repo, made)


def names(labels: list[Any]) -> list[str]:
    return [each if isinstance(each, str) else each["name"] for each in labels]


@plays("issues/list-for-repo", *READ)
def listed(call: Call) -> Answered:
    state, wanted = call.query.get("state", "open"), call.query.get("labels", "")
    kept = [each for each in call.repo.numbered().values() if state in {"all", each.state}]
    if wanted:
        needed = {name.lower() for name in wanted.split(",")}
        kept = [each for each in kept if needed <= {name.lower() for name in each.labels}]
    if "creator" in call.query:
        kept = [each for each in kept if each.user.login == call.query["creator"]]
    return 200, [shapes.issue(call.repo, each) for each in ordered(call, kept)]


@plays("issues/get", *READ)
def get(call: Call) -> Answered:
    return 200, shapes.issue(call.repo, call.issue())


@plays("issues/update", *WRITE)
def update(call: Call) -> Answered:
    issue, body = call.issue(), call.body
    for name in ("title", "body", "assignees"):
        if name in body:
            setattr(issue, name, body[name])
    call.repo.say(body.get("body"))
    if "labels" in body:
        replace_labels(call, names(body["labels"]))
    if body.get("state") == "closed":
        call.repo.close(issue.number, call.login)
    if body.get("state") == "open":
        call.repo.reopen(issue.number, call.login)
    issue.updated_at = call.github.clock.now
    return 200, shapes.issue(call.repo, issue)


@plays("issues/list-events", *READ)
def events(call: Call) -> Answered:
    return 200, [shapes.event(call.repo, each) for each in call.issue().events]


# Comments and reactions ---------------------------------------------------------------------------------------------


@plays("issues/list-comments", *READ)
def comments(call: Call) -> Answered:
    issue = call.issue()
    return 200, [shapes.comment(call.repo, issue.number, each) for each in issue.comments]


@plays("issues/create-comment", *WRITE)
def comment(call: Call) -> Answered:
    number = call.issue().number
    return 201, shapes.comment(call.repo, number, call.repo.comment(number, call.body["body"], call.login))


def one_comment(call: Call) -> tuple[int, Comment]:
    for issue in call.repo.numbered().values():
        for each in issue.comments:
            if each.id == int(call.values["comment_id"]):
                return issue.number, each
    raise Refused(404, "Not Found")


@plays("issues/get-comment", *READ)
def get_comment(call: Call) -> Answered:
    return 200, shapes.comment(call.repo, *one_comment(call))


@plays("issues/update-comment", *WRITE)
def update_comment(call: Call) -> Answered:
    number, found = one_comment(call)
    found.body, found.updated_at = call.body["body"], call.github.clock.now
    call.repo.say(found.body)
    return 200, shapes.comment(call.repo, number, found)


@plays("issues/delete-comment", *WRITE)
def delete_comment(call: Call) -> Answered:
    number, found = one_comment(call)
    call.repo.numbered()[number].comments.remove(found)
    return 204, None


def react(call: Call, to: list[Reaction]) -> Answered:
    same = [each for each in to if (each.content, each.user.login) == (call.body["content"], call.login)]
    if same:
        return 200, shapes.reaction(call.repo, same[0])
    account = call.github.account(call.login)
    to.append(Reaction(call.github.next_id(), call.body["content"], account, call.github.clock.now))
    return 201, shapes.reaction(call.repo, to[-1])


@plays("reactions/create-for-issue-comment", *WRITE)
def react_to_comment(call: Call) -> Answered:
    return react(call, one_comment(call)[1].reactions)


@plays("reactions/list-for-issue-comment", *READ)
def reactions_of_comment(call: Call) -> Answered:
    return 200, [shapes.reaction(call.repo, each) for each in one_comment(call)[1].reactions]


@plays("reactions/create-for-issue", *WRITE)
def react_to_issue(call: Call) -> Answered:
    return react(call, call.issue().reactions)


@plays("reactions/list-for-issue", *READ)
def reactions_of_issue(call: Call) -> Answered:
    return 200, [shapes.reaction(call.repo, each) for each in call.issue().reactions]


# Labels of an issue -------------------------------------------------------------------------------------------------


def labels_of(call: Call) -> Answered:
    return 200, shapes.labels(call.repo, call.issue())


@plays("issues/list-labels-on-issue", *READ)
def list_labels(call: Call) -> Answered:
    return labels_of(call)


def given(call: Call) -> list[str]:
    """A list, bare or as `labels`."""
    return names(call.body if isinstance(call.body, list) else call.body.get("labels", []))


@plays("issues/add-labels", *WRITE)
def add_labels(call: Call) -> Answered:
    for name in given(call):
        call.repo.label(call.issue().number, name, call.login)
    return labels_of(call)


def replace_labels(call: Call, wanted: list[str]) -> None:
    issue = call.issue()
    keep = {name.lower() for name in wanted}
    for name in [each for each in issue.labels if each.lower() not in keep]:
        call.repo.unlabel(issue.number, name, call.login)
    for name in wanted:
        call.repo.label(issue.number, name, call.login)


@plays("issues/set-labels", *WRITE)
def set_labels(call: Call) -> Answered:
    replace_labels(call, given(call))
    return labels_of(call)


@plays("issues/remove-label", *WRITE)
def remove_label(call: Call) -> Answered:
    call.repo.unlabel(call.issue().number, call.values["name"], call.login)
    return labels_of(call)


@plays("issues/remove-all-labels", *WRITE)
def remove_labels(call: Call) -> Answered:
    replace_labels(call, [])
    return 204, None


# Labels of the repository -------------------------------------------------------------------------------------------


@plays("issues/list-labels-for-repo", *READ)
def labels(call: Call) -> Answered:
    return 200, [shapes.label(call.repo, each) for each in call.repo.labels.values()]


@plays("issues/get-label", *READ)
def get_label(call: Call) -> Answered:
    found = call.repo.find_label(call.values["name"])
    if found is None:
        raise Refused(404, "Not Found")
    return 200, shapes.label(call.repo, found)


@plays("issues/create-label", *WRITE)
def create_label(call: Call) -> Answered:
    body = call.body
    if not COLOUR.fullmatch(body.get("color", "ededed")):
        raise invalid("Label", "color")
    made = call.repo.new_label(body["name"], body.get("color", "ededed"), body.get("description"))
    return 201, shapes.label(call.repo, made)


@plays("issues/update-label", *WRITE)
def update_label(call: Call) -> Answered:
    found = call.repo.find_label(call.values["name"])
    if found is None:
        raise Refused(404, "Not Found")
    found.color = call.body.get("color", found.color)
    found.description = call.body.get("description", found.description)
    return 200, shapes.label(call.repo, found)


@plays("issues/delete-label", *WRITE)
def delete_label(call: Call) -> Answered:
    call.repo.delete_label(call.values["name"])
    return 204, None
