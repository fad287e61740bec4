"""The check run on every pull request: what it says, of whose, and that it needs nothing of what is proposed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from github.PullRequest import PullRequest

from bot import config
from bot.forge.github import changes
from bot.forge.github.changes import Change
from bot.install.options import GPT_LOCK_FILE, LOCK_FILE
from bot.verdict import job, touched
from bot.verdict.touched import EDITED, LOCKED, NOTHING, UNREADABLE, Targets
from harness.repository import CommitSource, Repository
from tests.actions.runner import Actions
from tests.actions.shop import NAME
from tests.actions.shop import opened as opened_shop
from tests.commanding import PARAMETERS, STRANGER, World, forge_of, night_over, proposed, target_files
from tests.github.state import CheckRun, Pull
from tests.support import git, make_repository

AT = "targets/experiments/dial"
FILE = f"{AT}/params.yaml"
LISTED = """
name: knob
file: params.yaml
space: {/*: {int: [0, 3]}}
evaluate: {serve: [python, evaluate.py]}
locked: [evaluate.py, 'tables/*.csv']
signal: file-property
metrics: [{name: score, goal: maximize}]
"""

pytestmark = pytest.mark.usefixtures("no_chart")


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    """dial locks its whole folder; knob the files that it lists."""
    at = "targets/experiments/knob"
    files = {**target_files("dial"), **target_files("knob"), f"{at}/target.yaml": LISTED, f"{at}/tables/a.csv": "1\n"}
    repository = make_repository(tmp_path_factory.mktemp("targets"), files)
    source = CommitSource(repository, repository.commit())
    return Targets(source, config.load_targets(source))


CASES = {
    "nothing at all": ([], NOTHING),
    "a file beside": ([Change("README.md")], NOTHING),
    "a new target": ([Change("targets/experiments/new/target.yaml")], NOTHING),
    "a file that is not listed": ([Change("targets/experiments/knob/notes.md")], NOTHING),
    "code that judges, in a repository that only uses it": ([Change("harness/decide.py")], NOTHING),
    "the file": ([Change(FILE)], EDITED),
    "the file of another": ([Change("README.md"), Change("targets/experiments/knob/params.yaml")], EDITED),
    "the file, removed": ([Change(FILE, removed=True)], EDITED),
    "the file, renamed": ([Change("old.yaml", before=FILE)], EDITED),
    "the evaluator": ([Change(f"{AT}/evaluate.py")], LOCKED),
    "the evaluator, moved away": ([Change("evaluate.py", before=f"{AT}/evaluate.py")], LOCKED),
    "the target's own file": ([Change(f"{AT}/target.yaml")], LOCKED),
    "a file that falls under the lock": ([Change(f"{AT}/helper.py")], LOCKED),
    "one that falls under a pattern": ([Change("targets/experiments/knob/tables/b.csv")], LOCKED),
    "the file and the evaluator": ([Change(FILE), Change(f"{AT}/evaluate.py")], LOCKED),
    "what the bot is installed from": ([Change(LOCK_FILE)], LOCKED),
    "a whole target, removed": ([Change(f"{AT}/{n}", removed=True) for n in ("target.yaml", "evaluate.py")], LOCKED),
}


@pytest.mark.parametrize("case", CASES)
def test_what_it_says_of_changed_paths(targets: Targets, case: str) -> None:
    changes, title = CASES[case]
    said = targets.judge(changes)
    assert (said.title, said.conclusion) == (title, "success" if title == NOTHING else "neutral")


def test_what_training_takes_judges_the_targets_that_train(targets: Targets, tmp_path: Path) -> None:
    assert targets.judge([Change(GPT_LOCK_FILE)]).title == NOTHING
    training = {"targets/experiments/trainer/evaluate.py": b"from harness.scorers import gpt\n"}
    repository = make_repository(tmp_path, {**target_files("dial"), **target_files("trainer"), **training})
    source = CommitSource(repository, repository.commit())
    trained = Targets(source, config.load_targets(source))
    said = trained.judge([Change(GPT_LOCK_FILE)])
    assert said.title == LOCKED
    assert "trainer" in said.summary
    assert "dial" not in said.summary
    assert "starts anew" not in said.summary  # no lock covers what an extra brings: its records stay
    assert f"no lock tells its earlier records apart: read what moved in `{GPT_LOCK_FILE}`" in said.summary
    both = trained.judge([Change(GPT_LOCK_FILE), Change("targets/experiments/trainer/evaluate.py")])
    assert "starts anew after the merge" in both.summary
    assert GPT_LOCK_FILE in both.summary


def test_the_bots_own_code_judges_in_its_own_repository(targets: Targets) -> None:
    own = Targets(targets.source, targets.targets, own=True)
    assert own.judge([Change("harness/decide.py")]).title == LOCKED
    assert own.judge([Change("x.py", before="harness/decide.py")]).title == LOCKED
    assert own.judge([Change("bot/log.py")]).title == NOTHING


def test_hostile_names_stay_in_code(targets: Targets) -> None:
    said = targets.judge([Change(f"{AT}/`](http://x)\n# @ada <img>`.py")])
    assert said.title == LOCKED
    (line,) = said.summary.splitlines()
    assert line.endswith(f"changed are `` {AT}/`](http://x) # @ada <img>`.py ``")


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return night_over(tmp_path_factory.mktemp("over"), target_files("dial"))


@pytest.fixture
def world(tmp_path: Path, over: Repository) -> Iterator[World]:
    with proposed(tmp_path, over) as found:
        yield found


def judged(world: World, pull: Pull, **event: object) -> str:
    """What follows from a pull request's announcement, with the token that the workflow gives."""
    path = world.folder / "event.json"
    run = {
        "event": "pull_request", "head_sha": pull.head_sha, "head_branch": pull.head,
        "head_repository": {"full_name": pull.head_repository}, "pull_requests": [], **event,
    }  # fmt: skip
    path.write_text(json.dumps({"action": "requested", "workflow_run": run}), encoding="utf-8")
    found = job.announced(path)
    assert found
    rights = {"contents": "read", "pull_requests": "read", "checks": "write"}
    forge = forge_of(world.github, world.hosted, **rights)
    return job.judge(job.Job(world.job().repository, forge.client, forge.remote), found)


def check_of(world: World, pull: Pull) -> tuple[str, str]:
    (check,) = [one for one in world.hosted.check_runs if one.head_sha == pull.head_sha]
    assert check.name == "autoresearch/verdict"
    assert check.status == "completed"
    return str(check.conclusion), str(check.output["title"])


def opened(world: World, branch: str, files: dict[str, str | None], by: str = "ada") -> Pull:
    world.hosted.commit(branch, files, by=by)
    return world.hosted.open(branch, by=by)


def test_a_humans_pull_requests_each_get_theirs_and_a_rule_may_require_it(world: World) -> None:
    asked = {
        "required_status_checks": [{"context": "autoresearch/verdict"}],
        "strict_required_status_checks_policy": False,
    }
    rule = {"type": "required_status_checks", "parameters": asked}
    world.hosted.ruleset("checked", [rule], ["~DEFAULT_BRANCH"])
    pull = opened(world, "words", {"README.md": "words\n"})
    assert "is expected" in world.hosted.lacking(pull, "ada")
    judged(world, pull)
    assert check_of(world, pull) == ("success", NOTHING)
    assert not world.hosted.lacking(pull, "ada")

    edit = opened(world, "edit", {FILE: "a: 1\nb: 0\nc: 0\n"})
    judged(world, edit)
    assert check_of(world, edit) == ("neutral", EDITED)
    world.hosted.commit("edit", {f"{AT}/evaluate.py": "another\n"}, by="ada")
    judged(world, edit)
    assert check_of(world, edit) == ("neutral", LOCKED)
    calls = len(world.hosted.check_runs)
    judged(world, edit)
    assert len(world.hosted.check_runs) == calls, "the same again adds nothing"
    assert not world.hosted.lacking(edit, "ada")


def test_a_forks_pull_request_is_told_by_names_alone(world: World) -> None:
    world.github.account(STRANGER)
    fork = world.github.fork(world.hosted.full_name, STRANGER)
    ours = world.pull.head
    fork.commit(ours, {f"{AT}/evaluate.py": "raise SystemExit\n", "conftest.py": "raise SystemExit\n"}, by=STRANGER)
    pull = world.hosted.open(f"{STRANGER}:{ours}", by=STRANGER)
    judged(world, pull)
    assert check_of(world, pull) == ("neutral", LOCKED)
    clone = world.folder / f"clone-{world.jobs}"
    known = {path.name for path in clone.rglob("*")}
    assert "evaluate.py" in known
    assert "conftest.py" not in known
    assert git(clone, "for-each-ref", "--contains", pull.head_sha) == ""  # no branch here leads to it
    assert git(clone, "for-each-ref", "--contains", pull.base_sha) != ""


def test_what_confirm_said_is_never_overwritten(world: World) -> None:
    pull, before = world.pull, check_of(world, world.pull)
    assert "the bot's own" in judged(world, pull)
    assert check_of(world, pull) == before != ("success", NOTHING)
    # Nor by whoever opens another pull request at the same commit, from a branch that is not the bot's.
    world.hosted.move("refs/heads/mine", pull.head_sha, "ada")
    judged(world, world.hosted.open("mine", by="ada"))
    assert check_of(world, pull) == before
    # What a human pushes on top of it, nothing has measured.
    world.hosted.commit(pull.head, {FILE: "a: 1\nb: 1\nc: 1\n"}, by="ada")
    judged(world, pull)
    assert check_of(world, pull) == ("neutral", EDITED)


def test_what_moved_on_is_left_to_the_next_run(world: World) -> None:
    pull = opened(world, "words", {"README.md": "words\n"})
    said = judged(world, pull, head_sha="0" * 40)
    assert said.startswith("no open pull request into main stands at 000000000000")
    assert [one.head_sha for one in world.hosted.check_runs] == [world.hosted.pulls[1].head_sha]


def test_a_configuration_that_does_not_load_keeps_nobody_from_mending_it(world: World) -> None:
    world.hosted.commit("main", {".github/autoresearch.yml": "budget: {wall_clok: 1h}\n"}, by="ada")
    pull = opened(world, "mend", {".github/autoresearch.yml": "budget: {wall_clock: 1h}\n"})
    judged(world, pull)
    assert check_of(world, pull) == ("neutral", UNREADABLE)


def test_more_files_than_github_lists(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.forge.github.changes.MOST", 2)
    pull = opened(world, "many", {"one.txt": "1\n", "two.txt": "2\n"})
    judged(world, pull)
    assert check_of(world, pull) == ("neutral", touched.TOO_MANY)


RUN = {"event": "pull_request", "head_sha": "a" * 40, "head_branch": "b", "head_repository": {"full_name": "ada/shop"}}
WRONG: list[dict[str, object]] = [
    {"event": "push"}, {"head_sha": "main"}, {"head_branch": ""}, {"head_repository": None},
    {"head_repository": {"full_name": "../x/y"}},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_other_events_announce_nothing(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"workflow_run": RUN}), encoding="utf-8")
    assert job.announced(path)
    path.write_text(json.dumps({"workflow_run": {**RUN, **wrong}}), encoding="utf-8")
    assert job.announced(path) is None


def test_the_workflow_as_it_is_written_with_the_token_that_it_asks_for(tmp_path: Path) -> None:
    files = {path: text for path, text in target_files("dial").items() if path.startswith(AT)}
    with opened_shop(tmp_path, files) as shop:
        shop.github.account(STRANGER)
        fork = shop.github.fork(shop.there.full_name, STRANGER)
        fork.commit("mine", {f"{AT}/evaluate.py": "raise SystemExit\n"}, by=STRANGER)
        pull = shop.there.open(f"{STRANGER}:mine", by=STRANGER)

        def token(permissions: Mapping[str, str]) -> str:
            return shop.github.token(**{name.replace("-", "_"): level for name, level in permissions.items()})

        actions = Actions(tmp_path, shop.github.server_url, NAME, token({}), shop.github.api_url, tokens=token)
        event = {
            "event": "pull_request", "head_sha": pull.head_sha, "head_branch": pull.head,
            "head_repository": {"full_name": fork.full_name},
        }  # fmt: skip
        run = actions.run(shop.here.root, "verdict.yml", "workflow_run", payload={"workflow_run": event})
        assert (run.exit_code, run.jobs) == (0, {"verdict": "success"}), run.log
        (check,) = shop.there.check_runs
        assert (check.head_sha, check.conclusion, check.output["title"]) == (pull.head_sha, "neutral", LOCKED)


def test_a_job_that_a_pull_request_names_like_the_check_is_not_taken_for_it(world: World) -> None:
    """Every job is a check run of its own name, by the same app: anybody may propose one that is called like ours."""
    pull = opened(world, "edit", {FILE: "a: 1\nb: 0\nc: 0\n", ".github/workflows/x.yml": "jobs: {}\n"})
    world.hosted.check_runs.append(
        CheckRun(
            world.github.next_id(), "autoresearch/verdict", pull.head_sha, "completed", "success", None, None, {},
            external_id="0b2f5f1e-8f37-5ea9-9ab3-0f7d2a1c6e55",
        )
    )  # fmt: skip
    judged(world, pull)
    judged(world, pull)
    found = [(one.conclusion, one.output.get("title")) for one in world.hosted.check_runs[-2:]]
    assert found == [("success", None), ("neutral", EDITED)]


def test_files_of_a_commit_that_came_in_between_are_not_told_of_this_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = opened(world, "edit", {FILE: "a: 1\nb: 0\nc: 0\n"})
    before, whole = pull.head_sha, changes._changes

    def meanwhile(found: PullRequest) -> tuple[Change, ...] | None:
        world.hosted.commit("edit", {FILE: PARAMETERS, "README.md": "words\n"}, by="ada")
        return whole(found)

    monkeypatch.setattr(changes, "_changes", meanwhile)
    said = judged(world, pull, head_sha=before)
    assert said.startswith("no open pull request into main stands at")
    assert before not in {one.head_sha for one in world.hosted.check_runs}
