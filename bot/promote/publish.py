"""`promote publish`: holds what was measured against the repository, records it, and tags what was promoted.

It may hold a secret, so it runs nothing: bytes in, events and tags out. Killed anywhere and run again it comes to the
same: a segment that is recorded stays, a tag is made from it and is the same tag however often it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot import commits, records
from bot.pages.wording import figures
from bot.pages.wording.figures import Known
from bot.pages.wording.gains import headline
from bot.pages.wording.text import plain
from bot.promote import chain, folds, vouched
from bot.promote.handed import Handed
from bot.promote.plan import BROKEN, Due, Finding, expected, plan
from harness.errors import AutoresearchError, RepositoryError
from harness.events import Event, Segment
from harness.handover.promotions import receive_promotion
from harness.repository import Repository


class Shelf(Protocol):
    """Of a forge what promoting needs: where others read records and tags."""

    def fetch(self, repository: Repository) -> None: ...

    def base(self, repository: Repository) -> str | None: ...

    def publish_records(self, repository: Repository) -> None: ...

    def publish_tag(self, repository: Repository, name: str) -> None: ...


@dataclass
class Published:
    """outcomes: target -> what its segment came to (end, why); tags: made or there already; refused: target or file ->
    why it was not taken; findings: what was due before."""

    findings: Sequence[Finding]
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def publish(
    repository: Repository, handed: Handed, commit: str, before: str, shelf: Shelf, branch: str = ""
) -> Published:
    """Publishes what was measured of a commit. branch: what the commit must be part of; "" is the branch that merges
    go onto there, where there is one.

    Raises RepositoryError where it is not (any more): what a force push took away is not promoted.
    """
    shelf.fetch(repository)
    _check_on(repository, commit, branch or shelf.base(repository) or commit)
    done = Published(plan(repository, commit, before), refused=dict(handed.refused))
    files: dict[str, bytes] = {}
    for finding in done.findings:
        for label, found in handed.found.get(finding.target, []):
            try:
                segment = _accepted(repository, finding, found)
            except AutoresearchError as error:
                done.refused[label] = error.what
                continue
            files |= {f"{finding.target}/{name}": content for name, content in found.items()} if segment else {}
            if segment:
                seal, known = segment.events[-1], folds.known(segment)
                done.outcomes[finding.target] = str(seal["end"]), figures.words(known, str(seal.get("why", "")))
            break
    unknown = handed.found.keys() - {finding.target for finding in done.findings}
    done.refused |= dict.fromkeys(sorted(unknown), "no target of this commit")
    records.append(repository, files, f"Record what {commit[:12]} promotes\n", _date(repository, commit))
    shelf.publish_records(repository)
    for finding in done.findings:
        if finding.state == BROKEN:
            continue
        if finding.state == "damaged":
            done.refused[finding.target] = finding.why
            continue
        done.tags += _tagged(repository, finding.target, shelf)
    return done


def message(segment: Segment, promoted: Event, realised: Event) -> str:
    """What a tag says: what was confirmed, what was found again, and the seals that vouch for both."""
    target, found = segment.header["target"], realised.get("figures")
    known = folds.known(segment, found["base"] if found else {})
    lines = [f"{target}: promoted {promoted['blob'][:12]}", ""]
    if promoted["night"]:
        lines.append(f"Night: {promoted['night']}, row {promoted['row']}")
        gain, ends = _span(known, realised["predicted"])
        under = "" if realised["comparable"] else ", under another lock"
        lines.append(f"Confirmed: {gain} ({ends}){under}")
    if found:
        gain, ends = _span(known, found)
        lines.append(f"Realised: {found['metric']} {gain} ({ends}, {found['how']})")
    lines += [f"Lock: {segment.header['lock']}", f"Seal: {segment.chain}"]
    return "\n".join(lines) + "\n"


def _span(known: Known, found: Mapping[str, Any]) -> tuple[str, str]:
    """A gain, and the ends of its interval."""
    gain, low, high = (figures.amount(known, headline(known.rule), found[key]) for key in ("gain", "low", "high"))
    return gain, f"{low} to {high}"


def _accepted(repository: Repository, finding: Finding, files: Mapping[str, bytes]) -> Segment | None:
    """The segment that is to be recorded; None if it is recorded already. Raises IntegrityError, RepositoryError."""
    there = records.tree(repository)
    mine = {f"{finding.target}/{name}": content for name, content in files.items()}
    if all(there.get(path) == repository.blob_id(content) for path, content in mine.items()):
        return None
    if finding.due is None:
        raise RepositoryError(f"{finding.target}: nothing is due: {finding.state}: {finding.why}")
    segment = receive_promotion(files, expected(repository, finding.due))
    _check_vouched(repository, finding.due)
    return segment


def _check_vouched(repository: Repository, due: Due) -> None:
    if due.vouched:
        vouched.check_whole(repository, due.target.name, due.vouched, due.blob)


def _check_on(repository: Repository, commit: str, branch: str) -> None:
    if repository.git("rev-list", "--count", commit, f"^{branch}").strip() != b"0":
        raise RepositoryError(
            f"{commit[:12]} is no longer part of {branch[:40]}, so nothing of it is promoted",
            why="the branch was pushed over after this commit",
            next_step="the push that replaced it has a promotion of its own",
        )


def _tagged(repository: Repository, target: str, shelf: Shelf) -> list[str]:
    """Makes the tag of the last promotion, unless it is there."""
    found = folds.promoted(chain.read(repository, target).segments)[-1:]
    for segment, promoted in found:
        if promoted["tag"]:
            make_tag(repository, segment, promoted)
            shelf.publish_tag(repository, promoted["tag"])
    return [promoted["tag"] for _segment, promoted in found if promoted["tag"]]


def make_tag(repository: Repository, segment: Segment, promoted: Event) -> None:
    """Raises RepositoryError where a tag of this name says something else."""
    name, reference = promoted["tag"], f"refs/tags/{promoted['tag']}"
    made = tag_object(repository, segment, promoted)
    there = repository.reference(reference)
    if there is None:
        commits.move(repository, reference, made, None)
    elif there != made:
        raise RepositoryError(
            f"the tag {name} exists and is not what the record says",
            why="somebody made it by hand, or moved it",
            next_step=f"git tag -d {name}, here and where it was pushed; then run the command again",
        )


def tag_object(repository: Repository, segment: Segment, promoted: Event) -> str:
    """The tag that a recorded promotion makes: always the same."""
    realised = folds.realised([segment])[-1]
    text = message(segment, promoted, realised)
    return commits.annotated_tag(repository, promoted["tag"], promoted["commit"], text, int(segment.header["at"]))


def _date(repository: Repository, commit: str) -> int:
    return int(repository.git("show", "--no-patch", "--format=%ct", commit).strip())


def as_json(done: Published) -> dict[str, Any]:
    return {
        "targets": [{"target": f.target, "state": f.state, "why": f.why} for f in done.findings],
        "outcomes": {target: {"end": end, "why": why} for target, (end, why) in done.outcomes.items()},
        "tags": done.tags, "refused": done.refused,
    }  # fmt: skip


def lines(done: Published) -> Iterator[str]:
    """One line for each target that something was found of, each tag and each refusal."""
    for finding in done.findings:
        if finding.target in done.outcomes:
            end, why = done.outcomes[finding.target]
            yield f"{finding.target}: {end}: {plain(why, 300)}"
        else:
            yield f"{finding.target}: {finding.state}: {plain(finding.why, 300)}"
    yield from (f"tag: {tag}" for tag in done.tags)
    yield from (f"refused: {plain(label)}: {plain(why, 300)}" for label, why in done.refused.items())
