"""The chain of a target's promotions on the records branch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot import records
from bot.night.folder import segment_number
from bot.promote import folds
from bot.records import PROMOTIONS
from harness import events
from harness.contents import content_of
from harness.errors import IntegrityError
from harness.events import GENESIS, Event, Segment
from harness.handover.promotions import VERB
from harness.repository import Repository

_CURE = "look at what it measures and change target.yaml, or autoresearch promote resume"


@dataclass(frozen=True)
class Chain:
    """segments: in order, verified; packs: SHA-256 -> content."""

    target: str
    segments: Sequence[Segment]
    packs: Mapping[str, bytes]

    @property
    def next_name(self) -> str:
        return f"{PROMOTIONS}.{len(self.segments) + 1}-{VERB}"

    @property
    def previous(self) -> str:
        """The seal that the next segment follows."""
        return self.segments[-1].chain if self.segments else GENESIS

    @property
    def last(self) -> Event | None:
        """The last measurement of a content that main had; one that the machine failed does not count."""
        return next((event for event in reversed(folds.realised(self.segments)) if event["verdict"] != "infra"), None)

    @property
    def promoted(self) -> Event | None:
        """The measurement of what was promoted last."""
        return next((e for e in reversed(folds.realised(self.segments)) if e["verdict"] == "promoted"), None)

    def content(self, realised: Event) -> bytes:
        return content_of(realised, None, self.packs)


def recorded(repository: Repository, target: str, verb: str) -> records.Tree:
    """What a verb recorded of a target, packs too: path -> blob. The branch is listed once for all targets."""
    return _recorded(repository, records.tip(repository), verb).get(target, {})


@functools.lru_cache(maxsize=4)
def _recorded(repository: Repository, _tip: str | None, verb: str) -> Mapping[str, records.Tree]:
    found: dict[str, dict[str, str]] = {}
    for path, blob in records.tree(repository).items():
        if path.rpartition(".")[0].endswith(f"-{verb}"):
            found.setdefault(path.partition("/")[0], {})[path] = blob
    return found


def paused(repository: Repository, locks: Mapping[str, str]) -> dict[str, str]:
    """Why no night may start on a target, of these (target -> lock) that may not; one whose record is damaged too."""
    known = _recorded(repository, records.tip(repository), VERB)
    found: dict[str, str] = {}
    for target, lock in locks.items():
        try:
            why = folds.paused(_read(repository, target, known[target]).segments, lock) if target in known else ""
        except IntegrityError as error:
            found[target] = f"{error.what}; next: {error.next_step}"
        else:
            found |= {target: f"{why}; next: {_CURE} {target}"} if why else {}
    return found


def read(repository: Repository, target: str) -> Chain:
    """Raises IntegrityError for a chain that does not hold."""
    return _read(repository, target, recorded(repository, target, VERB))


def _read(repository: Repository, target: str, mine: records.Tree) -> Chain:
    contents = repository.blobs(mine.values())
    segments, packs = [], dict[str, bytes]()
    for path in sorted((p for p in mine if p.endswith(".jsonl")), key=lambda p: segment_number(p[: -len(".jsonl")])):
        stem = path.removesuffix(".jsonl")
        pack = contents[mine[f"{stem}.pack"]] if f"{stem}.pack" in mine else b""
        segments.append(events.parse(stem.partition("/")[2], contents[mine[path]], pack))
        packs |= events.packed_contents(segments[-1], pack)
    bad = events.verify_order(segments)
    if bad:
        raise IntegrityError(
            f"autoresearch/results: {target}/{bad}",
            why="it was changed after it was written",
            next_step="autoresearch log --verify",
        )
    return Chain(target, tuple(segments), packs)
