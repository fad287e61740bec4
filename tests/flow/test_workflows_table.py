"""Who may do what: job by job, what a workflow's token may do, where it is seen, and what the job runs.

The table is written by hand. A workflow that says anything else, for any kind of target, fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from bot import install
from bot.install.options import GPT_LOCK_FILE
from bot.install.render import _pins
from tests.actions.repositories import CODE, DATA, JUDGED, MODEL, OWN, SEARCH, TRAINING, WHEEL, with_targets

ROOT = Path(__file__).parents[2]
READ = {"contents": "read"}
WRITE = {"contents": "write", "pull-requests": "write", "issues": "write", "checks": "write"}
VERDICT = {"contents": "read", "pull-requests": "read", "checks": "write"}
PLAN = {"contents": "read", "pull-requests": "read", "issues": "read", "actions": "read"}


class Job(NamedTuple):
    """permissions of its token; sees: the steps that are given it or a secret; runs: verbs of the bot, in order."""

    permissions: dict[str, str]
    sees: str
    runs: tuple[str, ...]
    environment: str = ""


NIGHT = {
    "plan": Job(PLAN, "Plan", ("plan",)),
    "run": Job(READ, "", ("setup", "run")),
    "confirm": Job(READ, "", ("setup", "confirm")),
    "propose": Job({**WRITE, "actions": "read"}, "Propose", ("propose",)),
}
TABLE = {
    "nightly.yml": NIGHT,
    "nightly-gpu.yml": {**NIGHT, "plan": NIGHT["plan"]._replace(permissions={**PLAN, "actions": "write"})},
    "commands.yml": {
        "gate": Job({"contents": "read", "pull-requests": "write"}, "Look at the command", ("command gate",)),
        "work": Job(READ, "", ("setup", "command work")),
        "post": Job(WRITE, "Post", ("command post",)),
    },
    "promote.yml": {
        "plan": Job(READ, "", ("promote plan",)),
        "remeasure": Job(READ, "", ("setup", "promote remeasure")),
        "publish": Job({"contents": "write"}, "Publish", ("promote publish",), "autoresearch"),
    },
    "pull-request.yml": {"announce": Job({}, "", ())},
    "verdict.yml": {"verdict": Job(VERDICT, "Say what it touches", ("verdict",))},
}
EMPTY = ("pull-request.yml", "announce")  # never started, and of whoever opens the pull request
BY_APP = {  # who writes is a GitHub App: its key is where candidates never are, and the workflow's own token reads
    ("nightly.yml", "propose"): Job(READ, "Take a token of the App, Propose", ("propose",), "autoresearch"),
    ("commands.yml", "post"): Job(READ, "Take a token of the App, Post", ("command post",), "autoresearch"),
    ("promote.yml", "publish"): Job(READ, "Take a token of the App, Publish", ("promote publish",), "autoresearch"),
}
BY_MODEL = {("nightly.yml", "run"): NIGHT["run"]._replace(sees="Run")}  # the step that starts a broker has its key
BY_JUDGE = {**BY_MODEL, ("nightly.yml", "confirm"): NIGHT["confirm"]._replace(sees="Confirm")}  # and one that asks anew
_KEY = "${{ contains(fromJSON('%s'), matrix.target) && secrets.ANTHROPIC_API_KEY || '' }}"
ASKED = {  # set of targets -> those that the step of a run, and of a confirmation, has the key for
    "model": {"Run": ["model"]},
    "judged": {"Run": ["judged", "model"], "Confirm": ["judged"]},
    "ours": {step: ["prompt-engineering", "system-prompt"] for step in ("Run", "Confirm")},
}
CANDIDATES = {"run", "confirm", "command work", "promote remeasure", "setup"}  # what they or an evaluator may start
TRAINED = {"training": ["training"], "ours": ["gpt-training"]}  # set of targets -> those that need the extra gpt
SETS = {
    "data": (DATA,),
    "code": (CODE, SEARCH),
    "own": (OWN,),
    "mixed": (DATA, CODE, OWN),
    "app": (DATA,),
    "ours": (),
    "model": (DATA, MODEL),
    "judged": (DATA, MODEL, JUDGED),
    "training": (DATA, OWN, TRAINING),
}

_TOKEN = re.compile(  # as a property, as an index, or with all that its context holds: names know no case
    r"github\s*(\.\s*token\b|\[)|tojson\s*\(\s*(github|steps)\s*\)|secrets|steps\s*(\.\s*app\b|\[)", re.IGNORECASE
)
_VERB = re.compile(r'/bot/bin/autoresearch" ((?:command |promote )?[a-z]+)')


class Found(dict[str, dict[str, Any]]):
    """keys_of: step -> what its environment says of the key of a model. trained: targets that need the extra gpt."""

    keys_of: Mapping[str, str]
    trained: list[str]


@pytest.fixture(scope="module", params=SETS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """File name -> workflow, for one set of targets; the last is what this repository has itself."""
    root = ROOT
    if SETS[request.param]:
        repository = with_targets(tmp_path_factory.mktemp("targets"), *SETS[request.param])
        install.write(install.plan(repository, {"bot": WHEEL, "app": "yes" if request.param == "app" else "no"}))
        root = repository.root
    paths = [path for path in sorted((root / install.FOLDER).glob("*.yml")) if path.name in install.WORKFLOWS]
    workflows = Found({path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths})
    asked = ASKED.get(request.param, {})
    workflows.keys_of = {step: _KEY % json.dumps(names) for step, names in asked.items()}
    workflows.trained = TRAINED.get(request.param, [])
    return workflows


def jobs(found: Found) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every job that is ever started."""
    for name, workflow in found.items():
        for key, job in workflow["jobs"].items():
            if (name, key) != EMPTY:
                yield name, key, job


def as_row(job: dict[str, Any]) -> Job:
    seen = [step["name"] for step in job["steps"] if holds_token([step.get("env"), step.get("with")])]
    runs = tuple(verb for step in job["steps"] for verb in _VERB.findall(step.get("run", "")))
    return Job(job["permissions"], ", ".join(seen), runs, job.get("environment", ""))


def by_model(found: Found) -> bool:
    return bool(found.keys_of)


def holds_token(value: Any) -> bool:
    return _TOKEN.search(str(value)) is not None


def test_every_job_is_as_the_table_says(found: Found) -> None:
    assert set(found) >= {"commands.yml", "promote.yml", "pull-request.yml", "verdict.yml"}
    assert {"nightly.yml", "nightly-gpu.yml"} & set(found)
    asking = BY_JUDGE if "Confirm" in found.keys_of else BY_MODEL
    others = asking if by_model(found) else BY_APP if "secrets" in str(found) else {}
    for name, workflow in found.items():
        rows = {key: others.get((name, key), row) for key, row in TABLE[name].items()}
        assert {key: as_row(job) for key, job in workflow["jobs"].items()} == rows, name


def test_an_app_is_asked_for_what_the_workflows_own_token_would_have(found: Found) -> None:
    asked = 0
    for name, key, job in jobs(found):
        for step in job["steps"]:
            if step["name"] == "Take a token of the App":
                given = {
                    k.removeprefix("permission-"): v for k, v in step["with"].items() if k.startswith("permission-")
                }
                assert given == TABLE[name][key].permissions, (name, key)
                asked += 1
    assert asked == (len(BY_APP) if "secrets" in str(found) and not by_model(found) else 0)


def test_the_key_of_a_model_is_seen_by_the_runs_that_need_it(found: Found) -> None:
    """By one step of one job, for the targets that ask it; the broker takes it out of the step's own environment."""
    seen = [
        (name, key, step["name"], step["env"])
        for name, key, job in jobs(found)
        for step in job["steps"]
        if "ANTHROPIC" in str(step)
    ]
    due = [
        ("nightly.yml", step.lower(), step, {"TARGET": "${{ matrix.target }}", "ANTHROPIC_API_KEY": key})
        for step, key in found.keys_of.items()
    ]
    assert seen == due


def test_what_runs_candidates_can_write_nothing_and_sees_no_token(found: Found) -> None:
    checked = 0
    for name, key, job in jobs(found):
        row = as_row(job)
        if CANDIDATES & set(row.runs):
            assert row.permissions == READ, (name, key)
            given = set(found.keys_of.values())
            steps = [step for step in job["steps"] if step.get("env", {}).get("ANTHROPIC_API_KEY") not in given]
            assert not holds_token({**job, "permissions": {}, "steps": steps}), (name, key)
            steps_due = [step for step in found.keys_of if (name, key) == ("nightly.yml", step.lower())]
            assert len(job["steps"]) - len(steps) == len(steps_due)
            assert "environment" not in job
            checked += 1
    assert checked >= 4


def test_nothing_is_allowed_that_a_job_does_not_name(found: Found) -> None:
    for name, workflow in found.items():
        assert workflow["permissions"] == {}, name
        assert not holds_token(workflow.get("env", {}))
        assert not any(holds_token(job.get("env", {})) for job in workflow["jobs"].values())
        assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads the key `on` as true
        assert ("workflow_run" in workflow[True]) == (name == "verdict.yml")


def test_a_pull_request_starts_nothing_but_its_own_announcement(found: Found) -> None:
    announcing = found["pull-request.yml"]
    (job,) = announcing["jobs"].values()
    assert job["if"] == "${{ github.event_name == 'never' }}"
    assert job["steps"] == [{"name": "Nothing", "run": "true"}]
    assert [name for name, workflow in found.items() if "pull_request" in workflow[True]] == ["pull-request.yml"]


def test_a_pull_request_that_gets_another_base_is_announced_again(found: Found) -> None:
    assert set(found["pull-request.yml"][True]["pull_request"]["types"]) == {
        "opened", "synchronize", "reopened", "edited",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "opened_by", "by", "starts"),
    [
        ("/recheck", "Bot", "User", True), ("/drop 2 5", "Bot", "User", True), ("/hold", "Bot", "User", True),
        ("/recheck", "User", "User", False), ("/recheck", "Bot", "Bot", False), ("/x", "Bot", "User", False),
        ("/lgtm", "Bot", "User", False), ("thanks", "Bot", "User", False),
    ],
)  # fmt: skip
def test_what_is_no_command_takes_no_machine(found: Found, body: str, opened_by: str, by: str, starts: bool) -> None:
    """The condition as GitHub reads it, in Python's words."""
    words = found["commands.yml"]["jobs"]["gate"]["if"].strip().removeprefix("${{").removesuffix("}}").strip()
    said = {
        "github.event.issue.pull_request": "True", "github.event.issue.user.type": repr(opened_by),
        "github.event.comment.user.type": repr(by), "github.event.comment.body": repr(body), "&&": "and", "||": "or",
    }  # fmt: skip
    for name, value in said.items():
        words = words.replace(name, value)
    assert "github." not in words
    assert eval(words, {"startsWith": str.startswith}) is starts  # noqa: S307  # our own template


def test_the_verdict_knows_a_pull_request_by_its_commit_alone(found: Found) -> None:
    """It may write, so nothing of what was announced may reach a step: no checkout, no artifact, no text."""
    workflow = found["verdict.yml"]
    assert workflow[True] == {
        "workflow_run": {"workflows": [found["pull-request.yml"]["name"]], "types": ["requested"]}
    }  # fmt: skip
    (job,) = workflow["jobs"].values()
    assert "environment" not in job
    assert "secrets" not in str(workflow)
    steps = str(job["steps"])
    assert not re.search(r"github\.event|head_ref|refs/pull|artifact@|\bgh\b|'ref'", steps)
    assert steps.count("${{") == 1  # the token's


def test_actions_are_the_pinned_ones(found: Found) -> None:
    pinned = {pin.partition(" ")[0] for pin in _pins().values()}
    for name, key, job in jobs(found):
        used = {step["uses"] for step in job["steps"] if "uses" in step}
        assert used <= pinned, (name, key)
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


def test_the_checkout_leaves_no_token_behind_and_comes_first(found: Found) -> None:
    for name, key, job in jobs(found):
        first = job["steps"][0]
        assert first["uses"].startswith("actions/checkout@"), (name, key)
        assert first["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_packages_are_installed_by_hash_before_any_step_sees_a_token(found: Found) -> None:
    for name, key, job in jobs(found):
        installs = [i for i, step in enumerate(job["steps"]) if " pip " in step.get("run", "")]
        tokens = [i for i, step in enumerate(job["steps"]) if holds_token(step)]
        assert installs, (name, key)
        assert not tokens or max(installs) < min(tokens), (name, key)
        for command in re.findall(r"(?m)^python .*?[^\\]$", "\n".join(job["steps"][i]["run"] for i in installs), re.S):
            words = command.split()
            assert words[1] == "-I", command  # the checkout's own modules are not looked at
            by_hash = {"--require-hashes", "--only-binary", "--no-deps"} <= set(words)
            assert words[2:4] == ["-m", "venv"] or by_hash or "--no-index" in words, command


def test_what_training_takes_is_installed_where_such_a_target_is_measured(found: Found) -> None:
    """By no job that may write, and for no other target."""
    installing = {
        (name, key): step.get("if")
        for name, key, job in jobs(found)
        for step in job["steps"]
        if GPT_LOCK_FILE in step.get("run", "")
    }
    measuring = [
        (name, key)
        for name, key, job in jobs(found)
        if CANDIDATES & set(as_row(job).runs) and name != "nightly-gpu.yml"  # no such target is on that machine here
    ]
    condition = f"${{{{ contains(fromJSON('{json.dumps(found.trained)}'), matrix.target) }}}}"
    assert installing == (dict.fromkeys(measuring, condition) if found.trained else {})


def test_no_cache_and_no_artifact_of_another_run(found: Found) -> None:
    for name, key, job in jobs(found):
        for step in job["steps"]:
            assert "cache" not in str(step), (name, key)
            assert not {"run-id", "github-token", "repository"} & set(step.get("with", {}))


def test_artifacts_lie_outside_the_checkout_and_are_named_by_attempt(found: Found) -> None:
    for name, key, job in jobs(found):
        for step in job["steps"]:
            if "artifact@" not in step.get("uses", ""):
                continue
            assert step["with"]["path"].startswith("${{ runner.temp }}/"), (name, key)
            if "name" in step["with"]:
                assert step["with"]["name"].endswith("-${{ github.run_attempt }}")
            else:
                assert "merge-multiple" not in step["with"]  # a folder's name is its artifact's, not what lies in it


def test_no_expression_reaches_a_shell(found: Found) -> None:
    for name, key, job in jobs(found):
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), (name, key)


def test_every_job_ends(found: Found) -> None:
    for name, key, job in jobs(found):
        most = 7000 if name == "nightly-gpu.yml" or "nightly.yml" not in found else 350
        assert 0 < job["timeout-minutes"] <= most, (name, key)
        steps = [step["timeout-minutes"] for step in job["steps"] if "timeout-minutes" in step]
        assert all(minutes < job["timeout-minutes"] for minutes in steps)


def test_whose_failure_stops_whom(found: Found) -> None:
    for name, key, job in jobs(found):
        if "strategy" in job:
            assert job["strategy"]["fail-fast"] is False, (name, key)
            assert job["strategy"]["max-parallel"] >= 1
        for step in job["steps"]:
            assert "continue-on-error" not in step
        if key in {"propose", "post", "publish"}:
            # Also when a target failed; where a machine may never come, also when the run is given up.
            due = "always()" if (name, key) == ("nightly-gpu.yml", "propose") else "!cancelled()"
            assert due in job["if"], (name, key)
            assert "result == 'success'" in job["if"]  # not when there is no plan


def test_the_table_is_not_compared_with_itself(found: Found) -> None:
    name, key, job = next(each for each in jobs(found) if each[1] in {"run", "work"})
    step = {"name": "x", "env": {"A": "${{ secrets.KEY }}"}}
    assert as_row({**job, "steps": [*job["steps"], step]}) != TABLE[name][key]
    assert as_row({**job, "permissions": {"contents": "write"}}) != TABLE[name][key]
    forms = ["github.token", "github['token']", "GitHub . Token", "toJSON(github)", "github[format('tok{0}', 'en')]"]
    forms += ["secrets.KEY", "secrets['KEY']", "steps['app'].outputs.token", "steps.app.outputs.token", "toJSON(steps)"]
    for form in forms:
        assert holds_token({"A": f"${{{{ {form} }}}}"}), form
    assert not holds_token({"A": "${{ github.token_type }}", "B": "${{ github.event.number }} on github"})
