"""What is proposed on a branch, as the records say: which night, which targets, which rows under which numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot import records
from bot.forge import Proposal
from bot.night.earlier import past
from bot.night.folder import segment_number
from bot.night.proposing import numbers
from harness import folds, standing
from harness.events import Segment
from harness.repository import Repository


@dataclass(frozen=True)
class Branch:
    """One pull request of a night. head: where the bot put the branch last; rows: target -> numbers of its rows that
    are proposed now; most: target -> the highest number that any of its rows ever had; answered: comment -> the head
    that its command was bound to."""

    name: str
    night: str
    head: str
    rows: Mapping[str, tuple[int, ...]]
    most: Mapping[str, int]
    answered: Mapping[int, str] = field(default_factory=dict)

    @property
    def before(self) -> dict[str, int]:
        """What is added to a target's row numbers to give the page's."""
        return numbers.before(self.most)

    def named(self, wanted: Iterable[int]) -> dict[str, tuple[int, ...]]:
        """Target -> its own numbers of rows of the page, there or gone. Raises KeyError for one that never was."""
        there = {
            self.before[target] + number: (target, number)
            for target, most in self.most.items()
            for number in range(1, most + 1)
        }
        found: dict[str, tuple[int, ...]] = {}
        for number in sorted(set(wanted)):
            target, own = there[number]
            found[target] = (*found.get(target, ()), own)
        return found


def branch_named(repository: Repository, name: str) -> Branch | None:
    """What the records branch says was proposed on a branch; None where nothing was."""
    found: list[Proposal] = []
    for target in sorted({path.split("/")[0] for path in records.tree(repository)}):
        found += [one for one in past.proposals(repository, target) if one.branch == name]
    if not found:
        return None
    night = max((one.night for one in found), key=records.night_order)
    mine = {one.target: segments_of(repository, night, one.target) for one in found if one.night == night}
    return of_segments(name, mine)


def segments_of(repository: Repository, night: str, target: str) -> list[Segment]:
    """A night's recorded segments of one target, in order."""
    mine = [one for one in records.segments(repository, target) if one.name.rpartition(".")[0] == night]
    return sorted(mine, key=lambda one: segment_number(one.name))


def of_segments(name: str, segments: Mapping[str, Sequence[Segment]]) -> Branch | None:
    """What these targets' segments of one night say of a branch.

    A target whose rows left the branch with a later command is no part of it, but its rows keep their numbers.
    """
    rows: dict[str, tuple[int, ...]] = {}
    most: dict[str, int] = {}
    heads: dict[str, _Head] = {}
    answered: dict[int, str] = {}
    for target, found in segments.items():
        proposed = standing.proposed(found)
        if proposed is None or proposed[0]["branch"] != name:
            continue
        heads[target] = _head(found)
        rows[target] = tuple(entry["number"] for entry in proposed[1].event["rows"])
        most[target] = numbers.most(found)
        asked = [standing.command_of(segment) for segment in found if segment.sealed]
        answered |= {event["comment"]: event["head"] for event in asked if event and event["comment"]}
    if not rows:
        return None
    last = max(heads.values(), key=lambda one: (one.at, one.times)).head
    night = next(segments[target][0].header["night"] for target in rows)
    there = {target: numbers for target, numbers in rows.items() if heads[target].head == last}
    return Branch(name, night, last, there, most, answered)


@dataclass(frozen=True)
class _Head:
    """The commit that a target's records name last; at: when, in seconds since 1970; times: how often it moved."""

    at: int
    times: int
    head: str


def _head(segments: Sequence[Segment]) -> _Head:
    noted = [(segment.header["at"], event) for segment in segments for event in folds.of_kind([segment], "proposed")]
    return _Head(noted[-1][0], len(noted), noted[-1][1]["head"])
