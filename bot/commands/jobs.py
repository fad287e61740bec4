"""The jobs of a workflow that listens to comments: what each reads, decides and writes on GitHub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bot import actions, config
from bot.commands import answer, event, proposals, request
from bot.commands.answer import Answer
from bot.commands.gate import Comment, Decision, Facts, Outcome, decide
from bot.commands.request import Request
from bot.commands.words import HOLD
from bot.forge import Forge
from bot.forge.github.comments import Comments, authors
from bot.forge.labels import RECHECK
from bot.night.earlier import archive
from bot.night.night import targets_of
from bot.pages.wording.text import code
from harness.repository import CommitSource, Repository
from harness.standing import DROP


@dataclass(frozen=True)
class Job:
    """Where a job does its work. forge: for branches and pages; comments: for everything that a command needs more."""

    repository: Repository
    forge: Forge
    comments: Comments

    def decide(self, said: Comment, *, bound: bool) -> Decision:
        """As `gate.decide`, asking GitHub only where the comment alone could be a command."""
        if said.words is None:
            return decide(Facts(said))
        self.forge.fetch(self.repository)
        pull = self.comments.pull(said.number)
        proposed = proposals.branch_named(self.repository, pull.branch)
        ours = decide(Facts(said, pull, "admin", proposed, authors()), bound=bound)
        if ours.outcome is Outcome.UNHEARD:
            return ours
        return decide(Facts(said, pull, self.comments.permission(said.by), proposed, authors()), bound=bound)


def gate(job: Job, path: Path, into: Path) -> Decision:
    """Decides, answers by a reaction, and hands over what is to be measured."""
    said = event.read(path)
    if said is None:
        return Decision(Outcome.UNHEARD, "it is no comment")
    found = job.decide(said, bound=True)
    if found.outcome in {Outcome.NO_RIGHTS, Outcome.REFUSED}:
        job.comments.react(said.number, said.comment, "confused")
    if found.outcome is Outcome.REFUSED:
        job.comments.say(said.number, said.comment, f"Not done: {code(found.why, 500)}.")
    if found.request is not None:
        job.comments.react(said.number, said.comment, "eyes")
        request.write(found.request, into)
        actions.output({"command": found.request.command, "matrix": json.dumps(_matrix(job.repository, found))})
    return found


def _matrix(repository: Repository, found: Decision) -> list[dict[str, object]]:
    """One entry a target that is measured: its name, and the labels of the machine that its jobs ask for."""
    names = sorted(found.matrix)
    if not names or found.request is None:
        return []
    with archive.opened(repository, found.request.night) as night:
        targets = config.load_targets(CommitSource(repository, night.plan.base), names)
    return [
        {"target": one.name, "runner": one.runner[0] if len(one.runner) == 1 else list(one.runner)} for one in targets
    ]


def post(job: Job, path: Path, handed: Path) -> Answer | None:
    """Decides once more from the event, and never from what an earlier job left; then writes what followed."""
    said = event.read(path)
    found = job.decide(said, bound=False) if said else None
    if said is None or found is None or found.request is None:
        return None
    asked = found.request
    if asked.command == HOLD:
        job.comments.hold(said.number)
        job.comments.react(said.number, said.comment, "rocket")
        return None
    try:
        answered = _answered(job, said, asked, handed)
    except answer.Moved as moved:
        job.comments.react(said.number, said.comment, "confused")
        job.comments.say(said.number, said.comment, f"Not done: {code(str(moved.what), 300)}. {moved.why}.")
        return None
    _tell(job, said, asked, answered)
    return answered


def _answered(job: Job, said: Comment, asked: Request, handed: Path) -> Answer:
    with archive.opened(job.repository, asked.night) as night:
        branch = proposals.branch_named(job.repository, asked.branch)
        if branch is None:
            raise answer.Moved(f"{asked.branch} is not recorded any more")
        return answer.answer(
            night, targets_of(night), branch, asked, handed, job.forge, lambda: job.comments.pull(said.number).head
        )


def _tell(job: Job, said: Comment, asked: Request, answered: Answer) -> None:
    """Labels, a reaction, and one comment where something did not come out as its author hoped."""
    failed = any(end == "not-confirmed" for end in answered.ends.values())
    if asked.command != DROP and (failed or answered.confirmed):
        job.comments.label(said.number, RECHECK, there=failed)
    job.comments.react(said.number, said.comment, "rocket" if answered.confirmed else "confused")
    if not answered.confirmed:
        job.comments.say(said.number, said.comment, told(asked, answered))


def told(asked: Request, answered: Answer) -> str:
    """The answer to a command that did not end as hoped, in Markdown."""
    lines = [f"{code(str(asked.words))}:", ""]
    for target, end in sorted(answered.ends.items()):
        why = answered.why.get(target, "") or "nothing was handed over; the log of the job says more"
        lines.append(f"- {target}: {end or 'not measured'}: {code(why, 500)}")
    if asked.command == DROP:
        lines += ["", "The pull request is as it was."]
    return "\n".join(lines)
