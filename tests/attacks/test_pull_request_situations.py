"""Comments, pull requests and hand-overs that want a command to be obeyed, or to do something else than was asked.

Every situation stands beside its control: the same but for one thing, which is obeyed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands import event as events_of_github
from bot.commands import request
from bot.commands.gate import Comment, Facts, Outcome, Pull, decide
from bot.commands.proposals import Branch
from bot.commands.words import parse
from harness.errors import AutoresearchError, NotFound
from harness.repository import Repository
from tests.commanding import STRANGER, World, answers, night_over, proposed, reactions, target_files
from tests.support import git

HEAD, OTHER = "1" * 40, "2" * 40
BRANCH = Branch("autoresearch/2026-03-02", "2026-03-02", HEAD, {"dial": (1, 2, 3)}, {"dial": 3})
FACTS = Facts(
    comment=Comment("created", "ada/shop", 7, True, 99, "/drop 2", "ada", False),
    pull=Pull(True, "github-actions[bot]", True, "ada/shop", BRANCH.name, HEAD),
    permission="write",
    proposed=BRANCH,
)

# The decision by itself ---------------------------------------------------------------------------------------------


def said(**changes: object) -> Facts:
    return replace(FACTS, comment=replace(FACTS.comment, **changes))  # type: ignore[arg-type]


def pulled(**changes: object) -> Facts:
    assert FACTS.pull
    return replace(FACTS, pull=replace(FACTS.pull, **changes))  # type: ignore[arg-type]


UNHEARD, NO_RIGHTS, REFUSED = Outcome.UNHEARD, Outcome.NO_RIGHTS, Outcome.REFUSED
SITUATIONS: dict[str, tuple[Facts, Outcome]] = {
    "an edited comment": (said(action="edited"), UNHEARD),
    "a deleted comment": (said(action="deleted"), UNHEARD),
    "an issue instead of a pull request": (said(on_pull=False), UNHEARD),
    "a bot's comment": (said(is_bot=True), UNHEARD),
    "a quoted command": (said(body="> /drop 2"), UNHEARD),
    "a command in a longer text": (said(body="/drop 2\nplease"), UNHEARD),
    "a command below a text": (said(body="please\n/drop 2"), UNHEARD),
    "a command in code": (said(body="`/drop 2`"), UNHEARD),
    "a fork's branch of the same name": (pulled(repository="mallory/shop"), UNHEARD),
    "a fork that is gone": (pulled(repository=""), UNHEARD),
    "a human's pull request on the bot's branch": (pulled(author="ada", author_is_bot=False), UNHEARD),
    "a human who is named like the bot": (pulled(author_is_bot=False), UNHEARD),
    "another bot's pull request": (pulled(author="dependabot[bot]"), UNHEARD),
    "a branch that no night proposed": (replace(FACTS, proposed=None), UNHEARD),
    "records of another branch": (replace(FACTS, proposed=replace(BRANCH, name="autoresearch/x")), UNHEARD),
    "a closed pull request": (pulled(open=False), UNHEARD),
    "a pull request that cannot be read": (replace(FACTS, pull=None), UNHEARD),
    "somebody who may read": (replace(FACTS, permission="read"), NO_RIGHTS),
    "somebody who may triage": (replace(FACTS, permission="triage"), NO_RIGHTS),
    "nobody": (replace(FACTS, permission="none"), NO_RIGHTS),
    "a role that we do not know": (replace(FACTS, permission="Admin"), NO_RIGHTS),
    "a branch that somebody pushed to": (pulled(head=OTHER), REFUSED),
    "a row that was never there": (said(body="/drop 4"), REFUSED),
    "a row that is gone": (replace(FACTS, proposed=replace(BRANCH, rows={"dial": (1, 3)})), REFUSED),
    "all rows": (said(body="/drop 1 2 3"), REFUSED),
}


def test_the_control_is_obeyed() -> None:
    found = decide(FACTS)
    assert (found.outcome, found.matrix) == (Outcome.ACCEPTED, {"dial": (2,)})
    assert decide(said(body="/recheck \r\n")).outcome is Outcome.ACCEPTED
    assert decide(replace(FACTS, permission="admin")).outcome is Outcome.ACCEPTED
    assert decide(pulled(repository="Ada/Shop")).outcome is Outcome.ACCEPTED, "names on GitHub know no case"


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_that_is_not_obeyed(name: str) -> None:
    facts, outcome = SITUATIONS[name]
    found = decide(facts)
    assert found.outcome is outcome
    assert found.request is None
    assert not found.matrix


def test_where_an_app_writes_a_humans_or_a_forks_pull_request_is_still_nobodys() -> None:
    def by_app(facts: Facts) -> Outcome:
        return decide(replace(facts, authors=None)).outcome

    assert by_app(pulled(author="shop-app[bot]")) is Outcome.ACCEPTED
    for name, (facts, outcome) in SITUATIONS.items():
        assert by_app(facts) is (Outcome.ACCEPTED if name == "another bot's pull request" else outcome), name


def test_a_command_that_was_answered_measures_nothing_more() -> None:
    found = decide(replace(FACTS, proposed=replace(BRANCH, answered={99: OTHER})))
    assert found.outcome is Outcome.REPEATED
    assert found.request
    assert found.request.head == OTHER
    assert not found.matrix


@pytest.mark.parametrize(
    "text",
    [
        "/drop", "/drop 0", "/drop -1", "/drop 02", "/drop 2,3", "/drop 2  3", "/drop two", "/drop 2;rm -rf /",
        "/DROP 2", " /drop 2", "/drop\t2", "/drop \u0662", "/drop 2\u200b", "\u200b/drop 2", "/drop 2\n/recheck",
        "/recheck 2", "/rechec", "/recheck@bot", "/hold on", "//hold", "/hold\u00a0", "/drop 99999", "/drop $(id)",
        "/drop " + "1 " * 200, "", "/",
    ],
)  # fmt: skip
def test_text_that_is_nearly_a_command_is_none(text: str) -> None:
    assert parse(text) is None


def test_text_that_is_a_command() -> None:
    assert [str(parse(text)) for text in ("/recheck", "/hold\n", "/drop 7 2 7 \r\n")] == [
        "/recheck",
        "/hold",
        "/drop 2 7",
    ]


# On the server ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return night_over(tmp_path_factory.mktemp("night"), target_files("dial"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, over: Repository) -> Iterator[World]:
    """For situations that must leave everything as it is."""
    with proposed(tmp_path_factory.mktemp("shared"), over) as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, over: Repository) -> Iterator[World]:
    with proposed(tmp_path, over) as found:
        yield found


def state(world: World) -> object:
    """Everything that a command could change."""
    pulls = world.hosted.pulls.values()
    return (
        world.hosted.bare.refs(), len(world.hosted.check_runs),
        [(p.number, p.title, p.body, list(p.labels), p.state, [c.body for c in p.comments]) for p in pulls],
    )  # fmt: skip


@contextmanager
def nothing_changes(world: World) -> Iterator[None]:
    before = state(world)
    yield
    assert state(world) == before


def human_pull(world: World, head: str, by: str, base: str | None = None) -> int:
    """A pull request of somebody else that wears everything of ours that can be copied."""
    ours = world.hosted.pulls[1]
    made = world.hosted.open(head, base, title=ours.title, body=ours.body, by=by)
    for label in ours.labels:
        world.hosted.label(made.number, label, by)
    return made.number


def copied_by_a_maintainer(world: World) -> int:
    world.hosted.move(
        "refs/heads/autoresearch/2020-01-01", world.hosted.bare.refs()[f"refs/heads/{ours(world)}"][0], "ada"
    )
    return human_pull(world, "autoresearch/2020-01-01", "ada")


def of_a_fork(world: World) -> int:
    world.github.account(STRANGER)
    known = world.github.repositories.get(f"{STRANGER}/shop")
    fork = known or world.github.fork(world.hosted.full_name, STRANGER)
    fork.commit(ours(world), {"x.txt": f"mine, {len(world.hosted.pulls)}"}, by=STRANGER)
    return human_pull(world, f"{STRANGER}:{ours(world)}", STRANGER)


def on_our_branch(world: World) -> int:
    if "refs/heads/other" not in world.hosted.bare.refs():
        world.hosted.commit("other", {"other.txt": "other"}, by="ada")
    return human_pull(world, ours(world), "ada", base="other")


def of_another_bot(world: World) -> int:
    world.github.account("other[bot]", "Bot")
    world.hosted.commit("autoresearch/2020-01-02", {"y.txt": "y"}, by="other[bot]")
    return human_pull(world, "autoresearch/2020-01-02", "other[bot]")


def an_issue(world: World) -> int:
    ours_ = world.hosted.pulls[1]
    return world.hosted.issue(ours_.title, ours_.body, "ada", list(ours_.labels)).number


def ours(world: World) -> str:
    return world.hosted.pulls[1].head


@pytest.mark.parametrize(
    "elsewhere",
    [copied_by_a_maintainer, of_a_fork, on_our_branch, of_another_bot, an_issue],
    ids=lambda made: made.__name__,
)
@pytest.mark.parametrize("body", ["/recheck", "/drop 2", "/hold"])
def test_what_only_looks_like_ours_is_not_answered(shared: World, elsewhere: Callable[[World], int], body: str) -> None:
    number = elsewhere(shared)
    comment = shared.comment(body, number=number)
    handed = shared.folder / f"handed-{comment.id}"
    event = shared.event(comment, number=number)
    with nothing_changes(shared):
        assert shared.gate(event, handed).outcome is Outcome.UNHEARD
        assert shared.post(event, handed) is None
    assert reactions(comment) == []
    assert not (handed / "command-1").exists()
    if number in shared.hosted.pulls:
        shared.hosted.close(number)
    control = shared.comment(body, number=1)
    assert shared.gate(shared.event(control, number=1)).outcome is Outcome.ACCEPTED


def test_a_stranger_is_told_by_a_reaction_alone_whatever_the_event_says_of_them(shared: World) -> None:
    shared.github.account(STRANGER)
    for body in ("/recheck", "/drop 2", "/hold"):
        comment = shared.comment(body, by=STRANGER, number=1)
        event = shared.event(comment, number=1)
        assert json.loads(event.read_text())["comment"]["author_association"] == "OWNER", "nothing is claimed"
        with nothing_changes(shared):
            assert shared.gate(event).outcome is Outcome.NO_RIGHTS
            assert shared.post(event, shared.folder) is None
        assert reactions(comment) == ["confused"]
    shared.hosted.collaborators[STRANGER] = "maintain"
    assert (
        shared.gate(shared.event(shared.comment("/hold", by=STRANGER, number=1), number=1)).outcome is Outcome.ACCEPTED
    )
    del shared.hosted.collaborators[STRANGER]


@pytest.mark.parametrize("action", ["edited", "deleted", "pinned"])
def test_only_a_new_comment_commands(shared: World, action: str) -> None:
    comment = shared.comment("/hold", number=1)
    with nothing_changes(shared):
        assert shared.gate(shared.event(comment, action=action, number=1)).outcome is Outcome.UNHEARD
        assert shared.post(shared.event(comment, action=action, number=1), shared.folder) is None
    assert reactions(comment) == []
    assert shared.gate(shared.event(comment, number=1)).outcome is Outcome.ACCEPTED


def test_a_comment_that_somebody_else_sent_for_a_maintainer_is_none(shared: World) -> None:
    comment = shared.comment("/hold", number=1)
    sender = {"login": STRANGER, "type": "User"}
    with nothing_changes(shared):
        assert shared.gate(shared.event(comment, number=1, sender=sender)).outcome is Outcome.UNHEARD
    assert shared.gate(shared.event(comment, number=1)).outcome is Outcome.ACCEPTED


def test_the_body_of_the_pull_request_names_no_row_and_no_night(world: World) -> None:
    world.pull.body = (
        (world.pull.body or "").replace("| [2]", "| [9]").replace(f"night={world.night}", "night=2020-01-01")
    )
    comment = world.comment("/drop 9")
    assert world.gate(world.event(comment)).outcome is Outcome.REFUSED
    _, found = world.whole("/drop 2", "dial")
    assert found
    assert found.confirmed
    assert f"night={world.night}" in (world.pull.body or "")
    assert "~~2~~" in (world.pull.body or "")


def test_an_answer_that_somebody_forged_silences_nothing(world: World) -> None:
    comment = world.comment("/drop 9")
    world.comment(f"<!-- autoresearch:answer {comment.id} -->\nDone.", by=STRANGER)
    world.gate(world.event(comment))
    (answer,) = answers(world, comment)
    assert "there is no row 9" in answer


# Between the jobs -----------------------------------------------------------------------------------------------------


def begun(world: World, body: str = "/drop 2") -> tuple[Path, Path]:
    """A command that was accepted and measured, and not posted yet: its event, and what was handed over."""
    comment = world.comment(body)
    handed, event = world.folder / f"handed-{comment.id}", world.event(comment)
    assert world.gate(event, handed).outcome is Outcome.ACCEPTED
    assert world.work(handed, "dial") == {"dial": "confirmed"}
    return event, handed


def test_a_push_during_a_command_is_left_and_said(world: World) -> None:
    event, handed = begun(world)
    theirs = world.hosted.commit(world.pull.head, {"mine.txt": "mine"}, by="ada")
    body = world.pull.body
    assert world.post(event, handed) is None
    comment = next(one for one in world.pull.comments if one.body == "/drop 2")
    assert reactions(comment) == ["confused", "eyes"]
    (answer,) = answers(world, comment)
    assert "bound to" in answer
    assert (world.pull.head_sha, world.pull.body) == (theirs, body)
    world.hosted.move(f"refs/heads/{world.pull.head}", git(world.hosted.bare.path, "rev-parse", f"{theirs}^"), "ada")
    assert world.post(event, handed), "the control: without the push it is obeyed"


def test_rights_that_were_taken_away_during_a_command(world: World) -> None:
    event, handed = begun(world)
    world.hosted.collaborators["ada"] = "read"
    with nothing_changes(world):
        assert world.post(event, handed) is None
    world.hosted.collaborators["ada"] = "admin"
    assert world.post(event, handed)


def test_a_pull_request_that_was_closed_during_a_command(world: World) -> None:
    event, handed = begun(world)
    world.hosted.close(world.pull.number)
    with nothing_changes(world):
        assert world.post(event, handed) is None
    world.hosted.reopen(world.pull.number)
    assert world.post(event, handed)


def test_a_request_that_the_measuring_machine_forged_is_not_read(world: World) -> None:
    event, handed = begun(world)
    forged = json.loads((handed / "command-1" / request.FILE).read_text())
    (handed / "command-2").mkdir()
    (handed / "command-2" / request.FILE).write_text(
        json.dumps({**forged, "command": "hold", "rows": {"dial": [1, 3]}, "numbers": [1, 3], "by": "admin"})
    )
    found = world.post(event, handed)
    assert found
    assert found.confirmed
    assert "hold" not in world.pull.labels
    assert "~~2~~" in (world.pull.body or "")
    assert "~~1~~" not in (world.pull.body or "")


def rewritten(edit: Callable[[list[dict[str, object]]], None]) -> Callable[[World, Path], None]:
    """A segment with other events, chained and sealed as if they were measured."""

    def damage(world: World, folder: Path) -> None:
        from harness.events import SegmentWriter
        from harness.events import parse as read_segment

        (path,) = folder.glob("*.jsonl")
        found = read_segment(path.stem, path.read_bytes())
        entries = json.loads(json.dumps(found.events))
        edit(entries)
        path.unlink()
        header = {
            key: value for key, value in entries[0].items() if key not in {"event", "format", "segment", "previous"}
        }
        writer = SegmentWriter(folder, path.stem, entries[0]["previous"], header)
        writer.append(entries[1:-1])
        writer.seal(entries[-1]["end"])

    return damage


def of_kind(entries: list[dict[str, object]], kind: str) -> dict[str, object]:
    return next(entry for entry in entries if entry["event"] == kind)


def other_rows(entries: list[dict[str, object]]) -> None:
    of_kind(entries, "command")["rows"] = [3]


def other_comment(entries: list[dict[str, object]]) -> None:
    of_kind(entries, "command")["comment"] = 5


def other_coin(entries: list[dict[str, object]]) -> None:
    of_kind(entries, "command")["coin"] = "0" * 32


def other_person(entries: list[dict[str, object]]) -> None:
    of_kind(entries, "command")["by"] = "root"


def other_numbers(entries: list[dict[str, object]]) -> None:
    rows = of_kind(entries, "confirm")["rows"]
    assert isinstance(rows, list)
    rows[1]["number"] = 2


def a_row_more(entries: list[dict[str, object]]) -> None:
    rows = of_kind(entries, "confirm")["rows"]
    assert isinstance(rows, list)
    rows.append({**rows[1], "number": 4})


def other_content(entries: list[dict[str, object]]) -> None:
    rows = of_kind(entries, "confirm")["rows"]
    assert isinstance(rows, list)
    rows[-1]["content"] = {"text": "a: 3\nb: 3\nc: 3\n"}


def as_it_was(_entries: list[dict[str, object]]) -> None:
    """The control: written anew, and the same."""


def a_link(_world: World, folder: Path) -> None:
    (path,) = folder.glob("*.jsonl")
    path.rename(folder / "kept")
    path.symlink_to("kept")


def a_folder_that_is_a_link(_world: World, folder: Path) -> None:
    shutil.move(folder, folder.parent / "elsewhere")
    folder.symlink_to("elsewhere", target_is_directory=True)


def over_what_is_recorded(_world: World, folder: Path) -> None:
    (path,) = folder.glob("*.jsonl")
    path.rename(folder / path.name.replace(".4-", ".1-"))


def torn(_world: World, folder: Path) -> None:
    (path,) = folder.glob("*.jsonl")
    os.truncate(path, path.stat().st_size - 20)


FORGED = {
    "other rows": rewritten(other_rows), "another comment": rewritten(other_comment),
    "seeds of its own": rewritten(other_coin), "another person": rewritten(other_person),
    "a number that is another's": rewritten(other_numbers), "a row that nobody proposed": rewritten(a_row_more),
    "another content": rewritten(other_content), "a link": a_link, "a folder elsewhere": a_folder_that_is_a_link,
    "a name that is taken": over_what_is_recorded, "a torn file": torn,
}  # fmt: skip


def test_what_the_measuring_machine_forged_moves_nothing(world: World) -> None:
    event, handed = begun(world)
    refs, left = world.hosted.bare.refs(), handed / "work-dial-1"
    shutil.copytree(left, handed / "kept")
    for name, forge in FORGED.items():
        shutil.rmtree(left)
        shutil.copytree(handed / "kept", left)
        forge(world, left / "dial")
        found = world.post(event, handed)
        assert found, name
        assert (found.ends, found.opened) == ({"dial": ""}, None), name
        assert world.hosted.bare.refs() == refs, name
    (handed / "kept").rename(handed / "work-dial-2")
    rewritten(as_it_was)(world, handed / "work-dial-2" / "dial")
    again = world.post(event, handed)
    assert again
    assert again.confirmed, "the control: what was really measured, written anew and unchanged, is refused too"
    assert world.hosted.bare.refs() != refs


# Files ---------------------------------------------------------------------------------------------------------------


def good_event() -> dict[str, object]:
    person = {"login": "ada", "type": "User"}
    return {
        "action": "created", "repository": {"full_name": "ada/shop"}, "sender": person,
        "comment": {"id": 5, "body": "/hold", "user": person}, "issue": {"number": 7, "pull_request": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"comment": {"id": "5", "body": "/hold", "user": {"login": "ada", "type": "User"}}},
        {"comment": {"id": 5, "body": "/hold", "user": {"login": "ada\n::set-output", "type": "User"}}},
        {"comment": {"id": 5, "body": "/hold", "user": {"login": "../../user", "type": "User"}}},
        {"issue": {"number": True, "pull_request": {}}}, {"issue": {"number": -1, "pull_request": {}}},
        {"repository": {"full_name": "ada/shop/../x"}}, {"comment": None}, {"sender": {}},
    ],
)  # fmt: skip
def test_an_event_with_odd_values_is_none(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({**good_event(), **change}))
    assert events_of_github.read(path) is None
    path.write_text(json.dumps(good_event()))
    assert events_of_github.read(path)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '"' + "x" * (9 * 1024 * 1024) + '"'])
def test_a_file_that_is_no_event_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(content)
    with pytest.raises(AutoresearchError):
        events_of_github.read(path)


def test_a_request_is_read_as_data(tmp_path: Path) -> None:
    good = request.Request(
        "drop", "2026-03-02", "autoresearch/2026-03-02", HEAD, {"dial": (2,)}, (2,), 7, 99, "ada", "0" * 32
    )
    request.write(good, tmp_path / "command-1")
    assert request.read(tmp_path) == good
    data = json.loads((tmp_path / "command-1" / request.FILE).read_text())
    odd: list[dict[str, object]] = [
        {"night": "../x"}, {"rows": {"../x": [2]}}, {"rows": {"dial": ["2"]}}, {"command": "merge"}, {"coin": "x"},
        {"more": 1}, {"head": "main"}, {"numbers": [0]}, {"comment": "99"},
    ]  # fmt: skip
    for number, change in enumerate(odd, start=2):
        folder = tmp_path / str(number) / "command-1"
        folder.mkdir(parents=True)
        (folder / request.FILE).write_text(json.dumps({**data, **change}))
        with pytest.raises(AutoresearchError):
            request.read(folder.parent)
    with pytest.raises(NotFound):
        request.read(tmp_path / "empty")
