"""Refs, tags, commits and blobs: git's own objects over the API."""

from __future__ import annotations

from tests.github import gitshapes, hook
from tests.github.gitdata import Bare, Person
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused, invalid
from tests.github.rules import rules_for

READ, WRITE = "contents:read", "contents:write"


def runner(bare: Bare) -> hook.Run:
    def run(*words: str) -> tuple[int, str]:
        try:
            return 0, bare.run(*words)
        except ValueError as error:
            return 1, str(error)

    return run


def guard(call: Call, ref: str, new: str | None) -> None:
    """The rules of pushes hold for the API too."""
    assert call.token
    old = call.repo.bare.refs(ref).get(ref, (hook.NOBODY, ""))[0]
    rules = rules_for(call.repo, call.token, [ref])
    why = hook.refusal(rules, ref, old, new or hook.NOBODY, runner(call.repo.bare))
    if why:
        raise Refused(422, why.splitlines()[-1].removeprefix("- "))


def one(call: Call, ref: str) -> Answered:
    known = call.repo.bare.refs(ref)
    if ref not in known:
        raise Refused(404, "Not Found")
    return 200, gitshapes.ref(call.repo, ref, *known[ref])


@plays("git/get-ref", READ)
def get(call: Call) -> Answered:
    return one(call, f"refs/{call.values['ref']}")


@plays("git/list-matching-refs", READ)
def matching(call: Call) -> Answered:
    start = f"refs/{call.values['ref']}"
    known = call.repo.bare.refs()
    return 200, [gitshapes.ref(call.repo, name, *known[name]) for name in known if name.startswith(start)]


@plays("git/create-ref", WRITE)
def create(call: Call) -> Answered:
    ref, sha = call.body["ref"], call.body["sha"]
    if not ref.startswith("refs/") or ref.count("/") < 2:
        raise Refused(422, "Reference name must start with 'refs/' and have at least two slashes.")
    if ref in call.repo.bare.refs():
        raise Refused(422, "Reference already exists")
    if not call.repo.bare.answers("cat-file", "-e", sha):
        raise Refused(422, "Object does not exist")
    guard(call, ref, sha)
    call.repo.move(ref, sha, call.login)
    return 201, one(call, ref)[1]


@plays("git/update-ref", WRITE)
def update(call: Call) -> Answered:
    ref, sha, bare = f"refs/{call.values['ref']}", call.body["sha"], call.repo.bare
    if ref not in bare.refs():
        raise Refused(422, "Reference does not exist")
    if not bare.answers("cat-file", "-e", sha):
        raise Refused(422, "Object does not exist")
    if not call.body.get("force", False) and not bare.is_ancestor(bare.refs()[ref][0], sha):
        raise Refused(422, "Update is not a fast forward")
    guard(call, ref, sha)
    call.repo.move(ref, sha, call.login)
    return one(call, ref)


@plays("git/delete-ref", WRITE)
def delete(call: Call) -> Answered:
    ref = f"refs/{call.values['ref']}"
    if ref not in call.repo.bare.refs():
        raise Refused(422, "Reference does not exist")
    guard(call, ref, None)
    call.repo.move(ref, None, call.login)
    return 204, None


@plays("git/get-commit", READ)
def commit(call: Call) -> Answered:
    sha = call.repo.bare.sha(call.values["commit_sha"])
    if sha is None:
        raise Refused(404, "Not Found")
    return 200, gitshapes.git_commit(call.repo, sha)


@plays("git/create-tag", WRITE)
def tag(call: Call) -> Answered:
    body, bare = call.body, call.repo.bare
    if not bare.answers("cat-file", "-e", body["object"]):
        raise invalid("Tag", "object")
    who = body.get("tagger", {"name": call.login, "email": call.github.account(call.login).email})
    tagger = Person(who["name"], who["email"])
    seconds = int(call.github.clock.now.timestamp())
    text = (
        f"object {body['object']}\ntype {body['type']}\ntag {body['tag']}\n"
        f"tagger {tagger.name} <{tagger.email}> {seconds} +0000\n\n{body['message']}\n"
    )
    return 201, gitshapes.tag(call.repo, bare.run("mktag", stdin=text))


@plays("git/get-tag", READ)
def get_tag(call: Call) -> Answered:
    if not call.repo.bare.answers("cat-file", "tag", call.values["tag_sha"]):
        raise Refused(404, "Not Found")
    return 200, gitshapes.tag(call.repo, call.values["tag_sha"])
