"""Every verb of the workflows that speaks to GitHub: each of its calls fails, and it dies after each of its writes.

A verb is run once without trouble, which says what its calls are and what it leaves. Then from the same state again:

- each call in turn fails once, with a fault that rotates from call to call;
- each kind of call fails with each fault, all kinds in one run: a read once, a write first without its effect and then
  with the effect and without the answer. The whole product, each call with each fault in a
  run of its own, would take hours and try the same lines;
- the answer of each write is lost, and the machine with it; the same verb on a fresh machine goes on.

The end is the same each time, and nothing is there twice. git over HTTP knows no rate limit, other than 429. The first
proposal of a night has tests of its own beside this file; `promote plan` makes no call.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from bot.forge.patience import ForgeError
from bot.night.handed.handing import hand_over
from bot.promote import handed
from tests import commanding, forging, promotions
from tests.github.server import GitHub
from tests.github.state import CheckRun
from tests.recorded import record
from tests.support import git, make_repository, write
from tests.verbs import Ended, Ground, Verb

NAME = "ada/shop"
KINDS: tuple[Any, ...] = ("rate-limit", 429, 500, 502, "timeout", "reset")
BY_API_ALONE = "rate-limit"
NIGHTLY, OWN = ".github/workflows/nightly.yml", ".github/workflows/nightly-gpu.yml"
AT = "targets/experiments"
TARGET = """
name: NAME
file: params.yaml
space: {/x: {int: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 6, wall_clock: 5m}
"""
EVALUATE = "from harness import candidate, evaluator\nevaluator.report({'score': candidate.load('params.yaml')['x']})\n"
CONFIG = "pull_request: {max_open: 1}\nbudget: {actions_minutes: 100000}\n"
BOT = "github-actions[bot]"
PLAN = {"contents": "read", "pull_requests": "read", "actions": "read"}
GATE = {"contents": "read", "pull_requests": "write"}
POST = dict.fromkeys(("contents", "pull_requests", "checks", "issues"), "write")
VERDICT = {"contents": "read", "pull_requests": "read", "checks": "write"}


class Stage(NamedTuple):
    """Where verbs start, and the verbs."""

    ground: Ground
    verbs: Mapping[str, Verb]


# Before a night ----------------------------------------------------------------------------------------------------


@contextmanager
def evening(place: Path) -> Iterator[Stage]:
    """A pull request that the night takes over, one that a human closed, and a night that waits for a machine."""
    files: dict[str, str | bytes] = {".github/autoresearch.yml": CONFIG}
    files |= {path: f"name: {path[-10:]}\non: schedule\n" for path in (NIGHTLY, OWN)}
    for name, more in {"dial": "", "knob": "", "gpu": "runner: [self-hosted, gpu]\n"}.items():
        files[f"{AT}/{name}/target.yaml"] = TARGET.replace("NAME", name) + more
        files |= {f"{AT}/{name}/evaluate.py": EVALUATE, f"{AT}/{name}/params.yaml": "x: 0\n"}
    here = make_repository(place, files)
    for night, target, x in (("2026-02-10", "dial", 3), ("2026-02-11", "knob", 2), ("2026-02-12-gpu", "gpu", 3)):
        _proposed(here, night, target, x)
    with GitHub.start(place) as github:
        there = github.repository(NAME)
        git(here, "push", "--quiet", str(there.bare.path), "refs/heads/*:refs/heads/*")
        there.notice(BOT)
        for branch in ("2026-02-10", "2026-02-11", "2026-02-12-gpu"):
            there.open(f"autoresearch/{branch}", by=BOT)
        there.close(2, by="ada")
        earlier = there.run(NIGHTLY, status="completed")
        there.job(earlier, "run dial", "completed")
        waits = there.run(OWN, status="queued")
        there.job(waits, "run gpu", "queued", ("self-hosted", "gpu"))
        words = "plan --forge github --seed 5 --once --hand-over {out} --runner "
        yield Stage(
            Ground(place, github, there),
            {
                "plan": Verb(f"{words} hosted", PLAN, own=_of(NIGHTLY)),
                "plan, machines of one's own": Verb(f"{words} self-hosted", {**PLAN, "actions": "write"}, own=_of(OWN)),
            },
        )


def _proposed(here: Any, night: str, target: str, x: int) -> None:
    branch = f"autoresearch/{night}"
    git(here, "checkout", "--quiet", "-b", branch)
    write(here, {f"{AT}/{target}/params.yaml": f"x: {x}\n"})
    git(here, "commit", "--quiet", "--all", "--message", "A row")
    git(here, "checkout", "--quiet", "main")
    row = git(here, "rev-parse", f"{branch}:{AT}/{target}/params.yaml")
    event = {"event": "proposed", "branch": branch, "head": git(here, "rev-parse", branch), "rows": [row]}
    record(here, target, night, {"run": "exhausted", "confirm": "confirmed", "propose": "confirmed"}, proposed=[event])


def _of(workflow: str) -> dict[str, str]:
    return {"GITHUB_RUN_ID": "4242", "GITHUB_WORKFLOW_REF": f"{NAME}/{workflow}@refs/heads/main"}


# After a night -----------------------------------------------------------------------------------------------------


@contextmanager
def second_morning(place: Path) -> Iterator[Stage]:
    """A night whose pull request nobody looked at, and a second one that holds its rows."""
    here = forging.made(place / "night", {"t": ""}, {NIGHTLY: "name: nightly\non: schedule\n"})
    with forging.desk(place, forging.measured(here)) as at:
        at.propose()
        at.next_night()
        given = place / "handed"
        hand_over(at.night, given / "plan-1", [], plan=True)
        hand_over(at.night, given / "confirm-t-1", ["t"])
        mine = at.there.run(NIGHTLY, status="in_progress")
        at.there.job(mine, "run t", "completed")
        own = {**_of(NIGHTLY), "GITHUB_RUN_ID": str(mine.id)}
        verb = Verb("propose --forge github --handed {handed}", {**forging.ALL, "actions": "read"}, {}, given, own)
        yield Stage(Ground(place, at.github, at.there), {"propose": verb})


# A proposed night: comments, checks --------------------------------------------------------------------------------


@contextmanager
def discussion(place: Path) -> Iterator[Stage]:
    """The bot's pull request, comments on it, and what jobs without a token measured for them."""
    over = commanding.night_over(place / "over", commanding.target_files("dial"))
    with commanding.proposed(place, over) as world:
        given = {name: _asked(world, body) for name, body in {"drop": "/drop 2", "recheck": "/recheck"}.items()}
        hold, beyond, unmeasured = (_asked(world, body, measure=False) for body in ("/hold", "/drop 99", "/drop 1"))
        stranger = _asked(world, "/drop 1", commanding.STRANGER, measure=False)
        gate = "command gate --handed-event {event} --hand-over {out}"
        post = "command post --handed-event {event} --handed {handed}"
        verbs = {
            "gate": Verb(gate, GATE, given["drop"][0]),
            "gate, of what cannot be": Verb(gate, GATE, beyond[0]),
            "gate, of a stranger": Verb(gate, GATE, stranger[0]),
            "post, a row less": Verb(post, POST, *given["drop"]),
            "post, measured again": Verb(post, POST, *given["recheck"]),
            "post, nothing measured": Verb(post, POST, *unmeasured),
            "post, on hold": Verb(post, POST, *hold),
        }
        verbs |= _announced(world)
        yield Stage(Ground(place, world.github, world.hosted), verbs)


def _asked(
    world: commanding.World, body: str, by: str = commanding.MAINTAINER, *, measure: bool = True
) -> tuple[dict[str, Any], Path]:
    """The event of a comment, and what its jobs leave."""
    said = world.comment(body, by)
    event, given = world.event(said), world.folder / f"handed-{said.id}"
    if measure:
        world.gate(event, given)
        world.work(given, "dial")
        said.reactions.clear()
    given.mkdir(exist_ok=True)
    return json.loads(event.read_text(encoding="utf-8")), given


def _announced(world: commanding.World) -> dict[str, Verb]:
    """Pull requests that the job `verdict` is told of: the bot's, a human's, and one with a verdict of earlier."""
    there = world.hosted
    pulls = [world.pull]
    for branch in ("words", "edit"):
        there.commit(branch, {f"{AT}/dial/{branch}.txt": "words\n"}, by="ada")
        pulls.append(there.open(branch, by="ada"))
    now, told = world.github.clock.now, {"title": "touches no target", "summary": "Nothing."}
    there.check_runs.append(
        CheckRun(world.github.next_id(), "autoresearch/verdict", pulls[2].head_sha, "completed", "success", now, now,
                 told, "pull request 3: earlier")
    )  # fmt: skip
    runs = [
        {"event": "pull_request", "head_sha": pull.head_sha, "head_branch": pull.head,
         "head_repository": {"full_name": pull.head_repository}, "pull_requests": []}
        for pull in pulls
    ]  # fmt: skip
    names = ("verdict, the bot's own", "verdict", "verdict, once more")
    return {
        name: Verb("verdict --handed-event {event}", VERDICT, {"action": "requested", "workflow_run": run})
        for name, run in zip(names, runs, strict=True)
    }


# A merge -----------------------------------------------------------------------------------------------------------


@contextmanager
def merged(place: Path) -> Iterator[Stage]:
    """A night that a human merged, measured again, and not published yet."""
    here = promotions.measured(place)
    given = place / "handed"
    handed.hand_over(here, "dial", given / "promote-dial-1")
    with GitHub.start(place) as github:
        there = github.repository(NAME)
        git(here, "push", "--quiet", str(there.bare.path), "main", "autoresearch/results")
        there.notice("ada")
        verb = Verb("promote publish --forge github --handed {handed}", {"contents": "write"}, {}, given)
        yield Stage(Ground(place, github, there), {"publish": verb})


# What holds --------------------------------------------------------------------------------------------------------

VERBS: Mapping[str, Callable[[Path], Any]] = {
    **dict.fromkeys(("plan", "plan, machines of one's own"), evening),
    "propose": second_morning,
    **dict.fromkeys(
        (
            "gate", "gate, of what cannot be", "gate, of a stranger",
            "post, a row less", "post, measured again", "post, nothing measured", "post, on hold",
            "verdict", "verdict, the bot's own", "verdict, once more",
        ),
        discussion,
    ),
    "publish": merged,
}  # fmt: skip
MAKES = {  # a call that the verb is here for
    "plan": "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs",
    "plan, machines of one's own": "POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel",
    "propose": "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
    "gate": "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
    "gate, of what cannot be": "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "gate, of a stranger": "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
    "post, a row less": "git push transfer",
    "post, measured again": "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
    "post, nothing measured": "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "post, on hold": "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
    "verdict": "POST /repos/{owner}/{repo}/check-runs",
    "verdict, the bot's own": "git fetch transfer",
    "verdict, once more": "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
    "publish": "git push transfer",
}

READ_ONLY = {"plan", "verdict, the bot's own"}
FILES: Mapping[str, Sequence[str]] = {  # tests/forge/test_every_call_NAME.py -> its verbs; all together take minutes
    "planned": ("plan", "plan, machines of one's own", "publish"),
    "proposed": ("propose",),
    "gated": ("gate", "gate, of what cannot be", "gate, of a stranger"),
    "posted": ("post, a row less", "post, measured again", "post, nothing measured", "post, on hold"),
    "checked": ("verdict", "verdict, the bot's own", "verdict, once more"),
}


class Known:
    """Stages, set up when first asked for, and what each verb comes to without trouble."""

    def __init__(self, stack: ExitStack, place: Path) -> None:
        self._stack, self._place = stack, place
        self._stages: dict[Any, Stage] = {}
        self._ends: dict[str, Ended] = {}

    def __getitem__(self, name: str) -> tuple[Ground, Verb, Ended]:
        make = VERBS[name]
        if make not in self._stages:
            (self._place / make.__name__).mkdir()
            self._stages[make] = self._stack.enter_context(make(self._place / make.__name__))
        ground, verbs = self._stages[make]
        ground.github.faults.clear()
        if name not in self._ends:
            self._ends[name] = ground.run(verbs[name])
        return ground, verbs[name], self._ends[name]


@contextmanager
def stages(place: Path) -> Iterator[Known]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.night.gates.evening", lambda *_: date(2026, 3, 1))  # also where a test runs over noon
        yield Known(stack, place)


def writes(call: str) -> bool:
    return call == "git push transfer" or not call.startswith(("GET", "git"))


def possible(call: str, kind: Any) -> bool:
    return kind != BY_API_ALONE or not call.startswith("git")


class EveryCall:
    """What holds for each of these verbs; the test class of a file takes some of them."""

    verbs: ClassVar[Sequence[str]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        metafunc.parametrize("name", self.verbs)

    def test_each_call_fails_in_turn(self, known: Known, name: str) -> None:
        ground, verb, clean = known[name]
        assert MAKES[name] in clean.calls
        kinds = itertools.cycle(KINDS)
        for number, call in enumerate(clean.calls):
            kind = next(one for one in kinds if possible(call, one))
            ground.github.faults.clear()
            fault = ground.github.fail("*", kind, skip=number, after=writes(call) and number % 2 == 0)
            ended = ground.run(verb, timeout=1 if kind == "timeout" else 30)
            (struck,) = fault.struck
            assert call.startswith(struck), f"call {number} was another one"
            assert ended.state == clean.state, f"{kind} at {call}"
            assert len(ended.calls) > len(clean.calls), f"{kind} at {call}: it was not called again"

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_of_call_fails_with_each_fault(self, known: Known, name: str, kind: Any) -> None:
        ground, verb, clean = known[name]
        kinds = [call for call in dict.fromkeys(clean.calls) if possible(call, kind)]
        faults = [
            ground.github.fail(call, kind, after=after) for call in kinds for after in (False, True)[: 1 + writes(call)]
        ]
        ended = ground.run(verb, timeout=1 if kind == "timeout" else 30)
        assert all(fault.struck for fault in faults), "a call was not made, so its failure was not tried"
        assert ended.state == clean.state

    def test_a_kill_at_every_write(self, known: Known, name: str) -> None:
        ground, verb, clean = known[name]
        steps = [number for number, call in enumerate(clean.calls) if writes(call)]
        assert bool(steps) == (name not in READ_ONLY)
        for step in steps:
            ground.github.fail("*", "reset", times=1000, skip=step, after=True)
            with pytest.raises(ForgeError):
                ground.run(verb, tries=1)
            ground.github.faults.clear()
            ended = ground.run(verb, anew=False)
            assert ended.state["server"] == clean.state["server"], f"killed after {clean.calls[step]}"
