"""`promote plan`: which targets main now holds in a content that was confirmed, and which in one that nobody confirmed.

Content decides, not history: a squashed merge, a merge of several nights, a missed push come to the same. What changed
is told by the last content that was looked at, and for a target without one by the commit before the push.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot import config
from bot.pages.wording import figures
from bot.promote import chain, vouched
from bot.promote.chain import Chain
from bot.promote.vouched import Vouched
from bot.records import PROMOTIONS
from harness import complexity, lock
from harness.documents import load_bytes
from harness.errors import IntegrityError, InvalidCandidate
from harness.folds import rule_fields
from harness.handover.promotions import PROMOTED, ExpectedPromotion
from harness.lock import Lock
from harness.repository import CommitSource, Repository
from harness.target import Target

CONFIRMED, UNCONFIRMED, BROKEN = "confirmed", "unconfirmed", "broken"


@dataclass(frozen=True)
class Due:
    """A content of main that has to be measured. before: what it is measured against: the base of the night that
    confirmed it; for a content of nobody's what was promoted last, or stood there before. comparable: whether what
    computes the score is what that night was measured with."""

    target: Target
    commit: str
    content: bytes
    blob: str
    before: bytes
    before_blob: str
    vouched: Vouched | None
    comparable: bool
    name: str
    previous: str

    @property
    def confirmed(self) -> bool:
        return self.vouched is not None

    @property
    def stands(self) -> bool:
        """Whether its night's word is enough. Under another lock it has to be confirmed again first."""
        return self.confirmed and self.comparable

    @property
    def how(self) -> str:
        """How it is measured, as a night would. A part of a night's result was not held against held-out rows alone,
        so its gain is that on the search rows."""
        if self.target.noise:
            return "pairs"
        return (
            "held-out"
            if self.target.sample and (not (self.vouched and self.stands) or self.vouched.whole)
            else "search"
        )

    @property
    def tag(self) -> str:
        """What it will be called; nothing where the target publishes no tag."""
        number = self.name.partition(".")[2].partition("-")[0]
        return f"autoresearch/{self.target.name}/{number}" if "tag" in self.target.publish else ""


@dataclass(frozen=True)
class Finding:
    """One target after a push. state: confirmed or unconfirmed, which are due; promoted, refused (measured, and not
    promoted), unchanged, new, unknown, damaged (the record does not hold), broken (its target.yaml does not load),
    which are not."""

    target: str
    state: str
    why: str
    due: Due | None = None


def plan(repository: Repository, commit: str, before: str = "", names: tuple[str, ...] = ()) -> list[Finding]:
    """A finding for each target of a commit. before: the commit that the branch stood on; "" is its first parent, one
    that is not here (a force push, a first push) is no help. Raises ConfigError(s) where no target loads, or none of
    these names."""
    source = CommitSource(repository, commit)
    earlier = _earlier(repository, commit, before)
    if names:
        return [_finding(source, target, earlier) for target in config.load_targets(source, names)]
    found = config.load_sound(source)
    findings = [_finding(source, target, earlier) for target in found.targets]
    return [*findings, *(Finding(name, BROKEN, why) for name, why in found.broken.items())]


def expected(repository: Repository, due: Due) -> ExpectedPromotion:
    """What the repository says of the promotion: the one that measures writes it, the one that publishes compares."""
    locked = locked_at(repository, due.target, due.commit)
    found = due.vouched
    realised = {
        "kind": CONFIRMED if found else UNCONFIRMED, "commit": due.commit, "before": due.before_blob, "blob": due.blob,
        "night": found.night if found else "", "row": found.row if found else 0,
        "comparable": due.comparable,
        "predicted": found.predicted.as_event() if found else None,
        "complexity": [_complexity(due.target, content) for content in (due.before, due.content)],
    }  # fmt: skip
    return ExpectedPromotion(
        name=due.name,
        previous=due.previous,
        header=header(due.target, due.commit, locked),
        realised=realised,
        how=due.how,
        tag=due.tag,
        rule=due.target.rule,
        blob_id=repository.blob_id,
    )


def header(target: Target, commit: str, locked: Lock) -> dict[str, Any]:
    """What a segment of a promotion says first, apart from the machine and the time."""
    fields = {
        "target": target.name, "night": PROMOTIONS, "base": commit, "file": target.file, "lock": locked.id,
        "harness": locked.harness, **rule_fields(target.rule), **({"private": True} if target.private else {}),
    }  # fmt: skip
    found: dict[str, Any] = json.loads(json.dumps(fields))
    return found


def locked_at(repository: Repository, target: Target, commit: str) -> Lock:
    """What computes the score at a commit."""
    return lock.compute(CommitSource(repository, commit).read(target.locked))


def _complexity(target: Target, content: bytes) -> int:
    """Non-zero leaves of data, lines of code."""
    try:
        return (
            complexity.filled_leaves(load_bytes(content, target.file)) if target.is_data else complexity.lines(content)
        )
    except InvalidCandidate:
        return 0


def _earlier(repository: Repository, commit: str, before: str) -> str | None:
    return repository.reference(f"{before or f'{commit}^1'}^{{commit}}") if set(before) != {"0"} else None


def _finding(source: CommitSource, target: Target, earlier: str | None) -> Finding:
    repository = source.repository
    blob = repository.tree(source.commit)[target.file][1]
    try:
        known = chain.read(repository, target.name)
    except IntegrityError as error:
        return Finding(target.name, "damaged", error.what)
    last = known.last
    if last and last["blob"] == blob:
        done = last["verdict"] == PROMOTED
        return Finding(target.name, "promoted" if done else "refused", figures.words(target, str(last["why"])))
    found = vouched.find(repository, target.name, blob)
    if found:
        due = _due(source, target, blob, known, found.base, found)
        return Finding(target.name, CONFIRMED, f"confirmed by the night {found.night}", due)
    return _unconfirmed(source, target, blob, known, earlier)


def _unconfirmed(source: CommitSource, target: Target, blob: str, known: Chain, earlier: str | None) -> Finding:
    """A content that no night vouches for: due if it is a change."""
    against = known.promoted or known.last
    if against:
        due = _due(source, target, blob, known, known.content(against), None)
        return Finding(target.name, UNCONFIRMED, f"no night confirmed {blob[:12]}", due)
    if earlier is None:
        return Finding(target.name, "unknown", "the commit before the push is not here, and nothing was promoted yet")
    there = source.repository.tree(earlier).get(target.file)
    if there is None:
        return Finding(target.name, "new", f"{target.file} is new")
    if there[1] == blob:
        return Finding(target.name, "unchanged", f"{target.file} is what it was")
    before = source.repository.blobs([there[1]])[there[1]]
    due = _due(source, target, blob, known, before, None)
    return Finding(target.name, UNCONFIRMED, f"no night confirmed {blob[:12]}", due)


def _due(
    source: CommitSource, target: Target, blob: str, known: Chain, before: bytes, found: Vouched | None
) -> Due:  # fmt: skip
    content = source.read([target.file])[target.file]
    repository = source.repository
    comparable = bool(found and found.lock == locked_at(repository, target, source.commit).id)
    return Due(
        target, source.commit, content, blob, before, repository.blob_id(before), found, comparable, known.next_name,
        known.previous,
    )  # fmt: skip


def lines(findings: list[Finding]) -> Iterator[str]:
    """One line a target, for a terminal, a log or a summary."""
    for finding in findings:
        yield f"{finding.target}: {finding.state}: {finding.why}"
