"""The workflows as they are written, run on this machine: with a bot that only says how it was called.

What each job is told, what it can see, what it is handed, and what follows when a job fails or is run again.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import install
from harness.repository import Repository
from tests.actions.repositories import CODE, DATA, WHEEL, with_targets
from tests.actions.runner import Actions, Finished
from tests.support import git, write

SAYS = """
import json, os, pathlib, sys

def main():
    words = sys.argv[1:]
    handed = after("--handed", words)
    found = sorted(laid(str(p.relative_to(handed))) for p in handed.rglob("*") if p.is_file()) if handed else []
    verb = " ".join(words[:2]) if words[0] in {"command", "promote"} else words[0]
    environment = sorted(name for name, value in os.environ.items()
                         if os.environ["KNOWN"] in value and name != "KNOWN")
    said = {"verb": verb, "words": words, "handed": found, "tokens": environment, "folder": os.getcwd()}
    print("SAID " + json.dumps(said))
    if verb in {"plan", "promote plan", "command gate"}:
        with open(os.environ["GITHUB_OUTPUT"], "a") as file:
            file.write(os.environ["OUTPUTS"].replace(";", "\\n") + "\\n")
    if verb + " " + os.environ.get("TARGET", "") == os.environ.get("FAILS"):
        sys.exit("this target fails")
    into = after("--hand-over", words)
    if into:
        into.mkdir(parents=True)
        (into / "made").write_text(verb)

def laid(path):  # several artifacts lie in folders of their names, around what the job made; one alone without
    outer, inner = path.split("/")[:2]
    return path.partition("/")[2] if outer == inner else path

def after(flag, words):
    return pathlib.Path(words[words.index(flag) + 1]) if flag in words else None
"""
TWO = '[{"target":"code","runner":"ubuntu-latest"},{"target":"data","runner":["ubuntu-latest"]}]'
ONE = '[{"target":"data","runner":"ubuntu-latest"}]'
TOKEN = "a-token-of-the-test"
NUMBERS = itertools.count(100)  # of runs


@dataclass(frozen=True)
class Shop:
    """A repository with two targets and the workflows that `install` writes for them, and where it was pushed."""

    repository: Repository
    folder: Path

    def run(self, workflow: str, event: str = "workflow_dispatch", fails: str = "", **how: Any) -> Finished:
        outputs = how.pop("outputs", f"night=2026-11-21;matrix={ONE}")
        how.setdefault("number", next(NUMBERS))
        variables = {"OUTPUTS": outputs, "FAILS": fails, "KNOWN": TOKEN}
        secrets = how.pop("secrets", {})
        there = f"file://{self.folder}/remotes"
        actions = Actions(self.folder, there, "ada/shop", TOKEN, variables=variables, secrets=secrets)
        return actions.run(self.repository.root, workflow, event, **how)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return opened(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def night(shop: Shop) -> Finished:
    """A whole night of both targets."""
    outputs = f"night=2026-11-21;matrix={TWO}"
    return shop.run("nightly.yml", inputs={"targets": "code data", "experiments": "20"}, outputs=outputs)


def opened(tmp_path: Path) -> Shop:
    repository = with_targets(tmp_path, CODE, DATA, main=SAYS)
    install.write(install.plan(repository, {"bot": WHEEL}))
    return pushed(Shop(repository, tmp_path))


def pushed(shop: Shop) -> Shop:
    git(shop.repository, "add", "--all")
    git(shop.repository, "commit", "--quiet", "--message", "Install autoresearch")
    remote = shop.folder / "remotes" / "ada" / "shop.git"
    if not remote.exists():
        remote.parent.mkdir(parents=True)
        git(shop.folder, "clone", "--quiet", "--bare", str(shop.repository.root), str(remote))
        git(shop.repository, "remote", "add", "origin", f"file://{remote}")
    git(shop.repository, "push", "--quiet", "origin", "main")
    return shop


def said(run: Finished, job: str) -> list[dict[str, Any]]:
    """What the bot was told in a job, one entry for each time it was started."""
    return [json.loads(line) for line in re.findall(r"SAID (\{.*\})", run.said(job))]


def words(run: Finished, job: str) -> list[str]:
    """The last command line of a job, without where its folders lie."""
    return [re.sub(r"/.*/tmp/", "", word) for word in said(run, job)[-1]["words"]]


def test_a_night_of_two_targets(night: Finished) -> None:
    run = night
    jobs = ["plan", "run code", "run data", "confirm code", "confirm data", "propose"]
    assert run.exit_code == 0, run.log
    assert run.jobs == dict.fromkeys(jobs, "success")
    assert words(run, "plan") == [
        "plan", "--runner", "hosted", "--forge", "github", "--experiments", "20", "--hand-over", "out/plan-1",
        "--", "code", "data",
    ]  # fmt: skip
    assert said(run, "run data")[0]["words"] == ["setup", "data"]
    assert words(run, "run data") == ["run", "--target", "data", "--handed", "in", "--hand-over", "out/run-data-1"]
    assert words(run, "confirm code") == [
        "confirm", "--target", "code", "--handed", "in", "--hand-over", "out/confirm-code-1"
    ]  # fmt: skip
    assert words(run, "propose") == ["propose", "--forge", "github", "--handed", "in"]
    assert said(run, "run code")[-1]["handed"] == ["plan-1/made"]
    assert said(run, "confirm code")[-1]["handed"] == ["plan-1/made", "run-code-1/made"]
    names = ["confirm-code-1", "confirm-data-1", "plan-1", "run-code-1", "run-data-1"]
    assert said(run, "propose")[-1]["handed"] == [f"{name}/made" for name in names]
    folders = {entry["folder"] for job in jobs for entry in said(run, job)}
    assert len(folders) == len(jobs)  # a clone each


def test_the_token_reaches_plan_and_propose_alone(shop: Shop, night: Finished) -> None:
    seen = {job: [entry["tokens"] for entry in said(night, job)] for job in night.jobs}
    assert seen == {
        "plan": [["GITHUB_TOKEN"]],
        "run code": [[], []],
        "run data": [[], []],
        "confirm code": [[], []],
        "confirm data": [[], []],
        "propose": [["GITHUB_TOKEN"]],
    }
    clones = [path for path in (shop.folder / "home").rglob("config") if path.parent.name == ".git"]
    assert not [path for path in clones if "extraheader" in path.read_text(encoding="utf-8")]


def test_one_targets_failure_stops_no_other(shop: Shop) -> None:
    run = shop.run("nightly.yml", fails="run code", outputs=f"night=2026-11-21;matrix={TWO}")
    assert run.jobs["run code"] == "failure"
    assert {name for name, result in run.jobs.items() if result == "success"} == {
        "plan", "run data", "confirm code", "confirm data", "propose"
    }  # fmt: skip
    assert said(run, "confirm code")[-1]["handed"] == ["plan-1/made"]  # one artifact lies where two would
    assert "run-code-1/made" not in said(run, "propose")[-1]["handed"]


def test_nothing_to_do_starts_nothing(shop: Shop) -> None:
    assert set(shop.run("nightly.yml", outputs="night=;matrix=[]").jobs) == {"plan"}
    assert set(shop.run("nightly.yml", outputs="night=2026-11-21;matrix=[]").jobs) == {"plan", "propose"}


def test_a_plan_that_fails_proposes_nothing(shop: Shop) -> None:
    assert shop.run("nightly.yml", fails="plan ").jobs == {"plan": "failure"}


def test_the_schedule_asks_whether_the_night_is_done(shop: Shop) -> None:
    run = shop.run("nightly.yml", "schedule", outputs="night=;matrix=[]")
    assert words(run, "plan") == [
        "plan", "--runner", "hosted", "--forge", "github", "--once", "--hand-over", "out/plan-1", "--"
    ]  # fmt: skip


def test_a_second_attempt_adds_to_the_first(shop: Shop) -> None:
    number = next(NUMBERS)
    assert shop.run("nightly.yml", fails="confirm data", number=number).jobs["confirm data"] == "failure"
    run = shop.run("nightly.yml", attempt=2, number=number)
    assert run.exit_code == 0, run.log  # no name is taken twice
    found = said(run, "propose")[-1]["handed"]
    assert {"plan-1/made", "plan-2/made", "run-data-1/made", "run-data-2/made", "confirm-data-2/made"} <= set(found)


def test_what_a_dispatcher_types_is_no_code_and_no_option(shop: Shop) -> None:
    nothing = "night=;matrix=[]"
    hostile = '--help $(touch /tmp/x) `id`; "$HOME" * ${{ github.token }}'
    run = shop.run("nightly.yml", inputs={"targets": hostile, "experiments": "20; touch hacked"}, outputs=nothing)
    found = said(run, "plan")[-1]["words"]
    assert found[found.index("--experiments") + 1] == "20; touch hacked"
    assert found[found.index("--") + 1 :] == hostile.split()


SHADOWS = ("venv.py", "pip.py", "pip/__init__.py", "sitecustomize.py", "autoresearch_stand_in.py", "json.py", "bot.py")


def test_the_checkouts_own_modules_are_never_imported(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    mark = tmp_path / "imported"
    shadow = f"import os; os.mkdir({str(mark)!r})\n"
    for name in SHADOWS:
        write(shop.repository, {name: shadow})
    pushed(shop)
    run = shop.run("nightly.yml")
    assert run.exit_code == 0, run.log
    assert not mark.exists()
    subprocess.run([sys.executable, "-m", "venv", "--help"], cwd=shop.repository.root, capture_output=True, check=False)
    assert mark.exists()  # without -I it would have been


def test_an_app_writes_and_no_other_step_sees_its_key(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    install.write(install.plan(shop.repository, {"app": "yes"}))
    run = pushed(shop).run("nightly.yml")
    assert run.jobs["propose"] == "failure"  # without a key there is no token, rather than the workflow's own
    run = shop.run("nightly.yml", secrets={"AUTORESEARCH_APP_KEY": f"app-{TOKEN}"})
    assert run.exit_code == 0, run.log
    tokens = {job: said(run, job)[-1]["tokens"] for job in run.jobs}
    assert tokens == {"plan": ["GITHUB_TOKEN"], "run data": [], "confirm data": [], "propose": ["GITHUB_TOKEN"]}


def test_a_package_of_another_content_is_not_installed(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    path = shop.repository.root / WHEEL
    path.write_bytes(path.read_bytes() + b"\0")
    run = pushed(shop).run("nightly.yml")
    assert run.jobs == {"plan": "failure"}
    assert "DO NOT MATCH THE HASHES" in run.log
    assert not said(run, "plan")


def test_a_comment_is_looked_at_measured_and_answered(shop: Shop) -> None:
    event = {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "x"}, "user": {"type": "Bot"}},
        "comment": {"body": "/drop 3 $(id)", "author_association": "OWNER", "user": {"type": "User"}},
        "repository": {"default_branch": "main"},
    }
    outputs = f"command=drop;matrix={ONE}"
    run = shop.run("commands.yml", "issue_comment", payload=event, outputs=outputs)
    assert run.exit_code == 0, run.log
    assert run.jobs == dict.fromkeys(["gate", "work data", "post"], "success")
    assert words(run, "gate")[:3] == ["command", "gate", "--handed-event"]
    assert words(run, "work data") == [
        "command", "work", "--target", "data", "--handed", "in", "--hand-over", "out/work-data-1"
    ]  # fmt: skip
    assert said(run, "post")[-1]["handed"] == ["command-1/made", "work-data-1/made"]
    tokens = {job: said(run, job)[-1]["tokens"] for job in run.jobs}
    assert tokens == {"gate": ["GITHUB_TOKEN"], "work data": [], "post": ["GITHUB_TOKEN"]}
    refused = shop.run("commands.yml", "issue_comment", payload=event, outputs="refused=yes")
    assert (refused.exit_code, set(refused.jobs)) == (0, {"gate"})
    held = shop.run("commands.yml", "issue_comment", payload=event, outputs="command=hold;matrix=[]")
    assert set(held.jobs) == {"gate", "post"}  # nothing to measure


@pytest.mark.parametrize(
    ("issue", "body"), [({"number": 7}, "/recheck"), ({"number": 7, "pull_request": {"url": "x"}}, "please /recheck")]
)
def test_other_comments_start_nothing(shop: Shop, issue: dict[str, Any], body: str) -> None:
    event = {
        "action": "created",
        "issue": {**issue, "user": {"type": "Bot"}},
        "comment": {"body": body, "user": {"type": "User"}},
    }
    assert shop.run("commands.yml", "issue_comment", payload=event).jobs == {}


def test_a_push_is_measured_and_published(shop: Shop) -> None:
    before = git(shop.repository, "rev-parse", "HEAD~1")
    event = {"ref": "refs/heads/main", "before": before, "after": git(shop.repository, "rev-parse", "HEAD")}
    run = shop.run("promote.yml", "push", payload=event)
    assert run.exit_code == 0, run.log
    assert run.jobs == dict.fromkeys(["plan", "remeasure data", "publish"], "success")
    at = ["--at", event["after"], "--before", before]
    assert words(run, "plan") == ["promote", "plan", *at]
    assert words(run, "remeasure data") == ["promote", "remeasure", "data", *at, "--hand-over", "out/promote-data-1"]
    assert said(run, "publish")[-1]["handed"] == ["promote-data-1/made"]
    tokens = {job: said(run, job)[-1]["tokens"] for job in run.jobs}
    assert tokens == {"plan": [], "remeasure data": [], "publish": ["GITHUB_TOKEN"]}
    assert set(shop.run("promote.yml", "push", payload=event, outputs="matrix=[]").jobs) == {"plan"}


def test_a_pull_request_is_announced_and_told_what_it_touches(shop: Shop) -> None:
    pull = {"action": "opened", "number": 7, "pull_request": {"number": 7, "base": {"ref": "main"}}}
    announced = shop.run("pull-request.yml", "pull_request", payload=pull)
    assert (announced.exit_code, announced.jobs) == (0, {})
    run = {"event": "pull_request", "head_sha": "a" * 40, "head_branch": "$(id)"}
    told = shop.run("verdict.yml", "workflow_run", payload={"action": "requested", "workflow_run": run})
    assert (told.exit_code, told.jobs) == (0, {"verdict": "success"}), told.log
    assert words(told, "verdict")[:2] == ["verdict", "--handed-event"]
    assert said(told, "verdict")[-1]["tokens"] == ["GITHUB_TOKEN"]
    of_a_push = shop.run("verdict.yml", "workflow_run", payload={"workflow_run": {**run, "event": "push"}})
    assert of_a_push.jobs == {}
