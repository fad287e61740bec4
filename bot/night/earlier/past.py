"""What earlier nights leave to a new one: what was tried, what a human declined, what still waits for one."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence

from bot import records
from bot.forge import Forge, Proposal, Standing
from bot.night.earlier import history, struck
from bot.night.folder import segment_number
from bot.pages.wording.text import plain
from harness import folds
from harness.handover.plans import DECLINED_LINE, MOST_DECLINED
from harness.repository import Repository
from harness.target import Target

ROW = DECLINED_LINE - 100  # characters of a change
CLOSED, DROPPED = "closed the same content", "dropped a row of the same content"


def tried(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> set[str]:
    """Canonical ids of what is not worth another try under this lock. base: the commit that the new night works on."""
    unwanted = refusals(repository, target, lock, base, forge)
    return history.read(repository, {target: lock}, {target: unwanted}).pasts[target].tried


def refusals(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> dict[str, int]:
    """Nights whose result a human closed or dropped rows of -> the first experiment whose kept content that refuses."""
    found = {one.night: one.first for one in struck.of(repository, target, lock)}
    return found | dict.fromkeys(declined(repository, target, lock, base, forge), 0)


def declined(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> set[str]:
    """Nights whose proposal a human closed without a merge: what they kept was looked at, and is not proposed again."""
    return {one.night for one in _closed(repository, target, lock, base, forge)}


def refused(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> dict[str, tuple[str, str]]:
    """Contents, by blob id, of proposals that a human closed without a merge, or that held a row which one dropped ->
    the night of each, and what the human did."""
    dropped = {blob: (one.night, DROPPED) for one in struck.of(repository, target, lock) for blob in one.blobs}
    closed = _closed(repository, target, lock, base, forge)
    return dropped | {blob: (one.night, CLOSED) for one in closed for blob in one.rows}


def in_words(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> tuple[str, ...]:
    """What humans turned down under this lock, a row a line, the latest last: for who proposes."""
    closed = _closed(repository, target, lock, base, forge)[-MOST_DECLINED:]  # each has a row at least
    rows = [
        (one.night, change, "a human closed it")
        for one in closed
        for change in struck.rows_of(repository, target, one.night)
    ]
    rows += [
        (one.night, change, "a human took it out")
        for one in struck.of(repository, target, lock)
        for change in one.changes
    ]
    rows.sort(key=lambda row: records.night_order(row[0]))
    lines = dict.fromkeys(f"{plain(change, ROW)} ({did}, of the night {night})" for night, change, did in rows)
    return tuple(lines)[-MOST_DECLINED:]


def _closed(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> list[Proposal]:
    found = [proposal for proposal in proposals(repository, target) if proposal.lock == lock]
    return [one for one in found if _fate(repository, one, found, base, forge) is Standing.DECLINED]


def waiting(repository: Repository, target: Target, lock: str, base: str, forge: Forge) -> Proposal | None:
    """The newest proposal under this lock, if nobody has looked at it and the file is still as it was before it."""
    found = [proposal for proposal in proposals(repository, target.name) if proposal.lock == lock]
    if not found:
        return None
    last = found[-1]
    here = repository.reference(f"{last.rows[-1]}^{{blob}}")
    before, now = (repository.reference(f"{commit}:{target.file}") for commit in (last.base, base))
    if here is None or before is None or before != now:
        return None
    return last if standing(repository, last, base, forge) is Standing.WAITING else None


def touched(repository: Repository, target: str, lock: str, base: str, forge: Forge) -> Proposal | None:
    """The newest proposal under this lock, if a human has taken it up and not decided on it yet."""
    found = [proposal for proposal in proposals(repository, target) if proposal.lock == lock]
    if not found:
        return None
    return found[-1] if standing(repository, found[-1], base, forge) is Standing.TOUCHED else None


def taken_over(
    repository: Repository, targets: Sequence[Target], locks: Mapping[str, str], base: str, forge: Forge
) -> set[str]:
    """Branches that a night of these targets gives new ones for: every target of them starts from what waits there."""
    starts: dict[str, set[str]] = {}
    for target in targets:
        if one := waiting(repository, target, locks[target.name], base, forge):
            starts.setdefault(one.branch, set()).add(target.name)
    return {branch for branch, names in starts.items() if targets_on(repository, branch, "") <= names}


def standing(repository: Repository, proposal: Proposal, base: str, forge: Forge) -> Standing:
    """What has become of a proposal. Content decides whether it was merged: a squash leaves no other trace."""
    if merged(repository, proposal.head, base) or _there(repository, proposal, base):
        return Standing.MERGED
    return forge.standing(repository, proposal)


def proposal(repository: Repository, target: str, night: str) -> Proposal | None:
    """What a night proposed of a target, if it did."""
    return next((one for one in reversed(proposals(repository, target)) if one.night == night), None)


def proposals(repository: Repository, target: str) -> list[Proposal]:
    """Everything that was ever proposed of a target, oldest first."""
    return [one for one in _proposals(repository, records.tip(repository)) if one.target == target]


def targets_on(repository: Repository, branch: str, but: str) -> set[str]:
    """The targets whose newest proposal before the night `but` is on this branch."""
    newest: dict[str, Proposal] = {}
    for one in _proposals(repository, records.tip(repository)):
        if one.night != but:
            newest[one.target] = one
    return {name for name, one in newest.items() if one.branch == branch}


@functools.lru_cache(maxsize=8)
def _proposals(repository: Repository, tip: str | None) -> tuple[Proposal, ...]:  # noqa: ARG001  # the tip is the key
    found = []
    for segment in sorted(records.proposals(repository), key=lambda one: segment_number(one.name)):
        header = segment.header
        for event in folds.of_kind([segment], "proposed"):
            found.append(
                Proposal(
                    target=header["target"], night=header["night"], branch=event["branch"], head=event["head"],
                    rows=tuple(event["rows"]), lock=header["lock"], base=header["base"], file=header["file"],
                    includes=event.get("includes", ""),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: records.night_order(one.night)))


def _fate(repository: Repository, one: Proposal, found: Sequence[Proposal], base: str, forge: Forge) -> Standing:
    """A proposal that was renewed in place, or taken over by a newer one, shares the newer one's fate."""
    later = found[found.index(one) + 1 :]
    for newer in later:
        if newer.branch == one.branch:
            return _fate(repository, newer, found, base, forge)
    state = standing(repository, one, base, forge)
    if state is Standing.SUPERSEDED:
        heir = next((newer for newer in later if newer.includes == one.branch), None)
        return _fate(repository, heir, found, base, forge) if heir else state
    return state


def merged(repository: Repository, tip: str, base: str) -> bool:
    """Whether everything of a branch is in the base, reverted later or not: a human has seen it."""
    return tip in _commits(repository, base, "")


def _there(repository: Repository, one: Proposal, base: str) -> bool:
    """Whether the base came to hold a row's content since the night."""
    held = [commit for commit, blob in _changes(repository, base, one.file) if blob in one.rows]
    since = one.base if held and repository.reference(f"{one.base}^{{commit}}") else ""
    return not _commits(repository, base, since).isdisjoint(held) if held else False


# Of many targets and nights, each question to git is asked once.


@functools.lru_cache(maxsize=512)
def _commits(repository: Repository, base: str, since: str) -> frozenset[str]:
    """The commits of the base, less those of an older one."""
    return frozenset(repository.git("rev-list", base, *([f"^{since}"] if since else [])).decode().split())


@functools.lru_cache(maxsize=512)
def _changes(repository: Repository, base: str, file: str) -> tuple[tuple[str, str], ...]:
    """(commit, blob) of every change of a file in the history of the base."""
    listed = repository.git("log", "-m", "--format=%H", "--raw", "--no-abbrev", "--no-renames", base, "--", file)
    found, commit = [], ""
    for line in os.fsdecode(listed).splitlines():
        if line.startswith(":"):
            found.append((commit, line.split()[3]))
        elif line:
            commit = line
    return tuple(found)
