"""`autoresearch doctor`: what a night on GitHub needs, whether it is there, and what cures its absence.

Reads only: files, git, and GitHub's settings by GET. Each check is a function over a `Ground`, and yields findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.doctor import actions, branches, here, installed, machines, settings, tags
from bot.doctor.finding import STATES, Finding, missing, unknown
from bot.doctor.ground import Ground
from bot.forge.github.inspection import NoRight, NotInPlan, Unanswered
from harness.errors import AutoresearchError

Check = Callable[[Ground], Iterator[Finding]]

ASK = "GH_TOKEN=$(gh auth token) autoresearch doctor"

HERE: tuple[tuple[str, Check], ...] = (
    ("remote", here.check_remote),
    ("targets", here.check_targets),
    ("workflows", installed.check_workflows),
    ("version", installed.check_version),
    ("sandbox", here.check_sandbox),
    ("owners", here.check_owners),
)
THERE: tuple[tuple[str, Check], ...] = (  # the most important first: as a reader with five minutes should cure them
    ("repository", settings.check_repository),
    ("actions", actions.check_enabled),
    ("pull requests", actions.check_token),
    ("default branch", branches.check_default),
    ("pushes", branches.check_pushes),
    ("tags", tags.check_tags),
    ("required check", branches.check_required),
    ("schedule", actions.check_workflow_state),
    ("records branch", branches.check_records),
    ("environment", settings.check_environment),
    ("secrets", settings.check_secrets),
    ("runners", machines.check_runners),
    ("reviewers", settings.check_reviewers),
    ("merging", settings.check_merging),
    ("issues", settings.check_issues),
    ("labels", settings.check_labels),
    ("minutes", machines.check_minutes),
    ("clock", machines.check_clock),
)


@dataclass(frozen=True)
class Diagnosis:
    """findings: what hinders most first. slug: owner/name, or empty."""

    slug: str
    server: str
    findings: tuple[Finding, ...]
    first_night: str

    @property
    def ready(self) -> bool:
        """Nothing is missing. What is unknown may still be."""
        return not any(finding.state == "missing" for finding in self.findings)

    @property
    def next_step(self) -> str:
        """One command: the first cure, or what begins a first small night."""
        for finding in self.findings:
            if finding.state == "missing" and finding.commands:
                return finding.commands[0]
        if not self.ready:
            return "autoresearch doctor"
        if any(finding.check == "github" for finding in self.findings):
            return ASK
        return self.first_night

    def as_json(self) -> dict[str, Any]:
        return {
            "repository": self.slug,
            "ready": self.ready,
            "checks": [finding.as_json() for finding in self.findings],
            "next": self.next_step,
        }


def examine(ground: Ground, why_not_asked: str = "") -> Diagnosis:
    """Every check that can be made. why_not_asked: why ground.github is None."""
    found = [finding for name, check in HERE for finding in _tried(name, check, ground)]
    found += _there(ground, why_not_asked)
    found.sort(key=lambda finding: STATES.index(finding.state))  # stable: by importance among equals
    missing_any = any(finding.state == "missing" for finding in found)
    return Diagnosis(ground.slug, ground.server, tuple(found), "" if missing_any else installed.first_night(ground))


def _there(ground: Ground, why_not_asked: str) -> list[Finding]:
    if ground.github is None:
        commands = (ASK,) if ground.slug else ()
        return [unknown("github", f"{why_not_asked}; not looked at: {_names()}", commands=commands)]
    try:
        ground.github.repository()
    except NoRight as lack:
        said = f"{ground.slug} is not there, or the token may not see it; not looked at: {_names()}"
        return [unknown("github", said, permission=lack.permission)]
    except (NotInPlan, Unanswered) as lost:
        return [unknown("github", f"{lost.what}; not looked at: {_names()}", where=lost.next_step)]
    return [finding for name, check in THERE for finding in _tried(name, check, ground)]


def _tried(name: str, check: Check, ground: Ground) -> Iterator[Finding]:
    try:
        yield from check(ground)
    except NoRight as lack:
        yield unknown(name, "the token may not look", permission=lack.permission)
    except NotInPlan as lack:
        yield unknown(name, lack.what)
    except Unanswered as lost:
        yield unknown(name, lost.what, where=lost.next_step)
    except AutoresearchError as error:
        yield missing(name, str(error).splitlines()[0], where=error.next_step)


def _names() -> str:
    return ", ".join(name for name, _ in THERE)
