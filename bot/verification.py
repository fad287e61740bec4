"""`log --verify`: nights' folders, the records branch and the commits' trailers, each held against the others."""

from __future__ import annotations

from collections.abc import Iterator

from bot import records
from bot.night.earlier import archive
from bot.night.folder import Night, nights, segment_number
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.promote import chain
from bot.promote import folds as promotions
from bot.promote.publish import message
from harness import standing
from harness.errors import ConfigError, IntegrityError, NotFound
from harness.events import BadLine, Segment, verify_order
from harness.repository import Repository
from harness.target import Target

RESULTS = "autoresearch/results"
_TRAILERS = "%H%x00%(trailers:key=Target,valueonly,separator=%x2C)%x00%(trailers:key=Seal,valueonly,separator=%x2C)"


def verify_lines(repository: Repository, name: str) -> Iterator[str]:
    """Verifies one night, or everything. Raises IntegrityError at the first fault."""
    if name:
        with archive.opened(repository, name) as night:
            yield from _night(night, records.tree(repository))
        return
    there = records.tree(repository)
    here = [night.name for night in nights(repository)]
    for night in nights(repository):
        yield from _night(night, there)
    yield from _branch(repository, there)
    for recorded in records.nights(repository):
        if recorded not in here:
            yield from _elsewhere(repository, recorded, there)


def _elsewhere(repository: Repository, name: str, there: records.Tree) -> Iterator[str]:
    """A night of another machine."""
    try:
        with archive.opened(repository, name) as night:
            yield from _night(night, there)
    except NotFound as error:
        yield f"{RESULTS}: {name}: decisions are not made again: {error.what}"


def _night(night: Night, there: records.Tree) -> Iterator[str]:
    for target in night.plan.targets:
        where = f"{night.name}/{target.name}"
        yield _verified(where, night.segments(target.name))
        yield from (f"{where}: {name} is left out: {why}" for name, why in night.files(target.name).left_out.items())
        _compared(night, target.name, there)
    try:
        targets = targets_of(night)
    except (ConfigError, NotFound) as error:
        yield f"{night.name}: decisions are not made again: {error.what}"
        return
    for one in targets:
        segments = handover.read(night, one).received.segments
        _sealed(night, one, segments)


def _compared(night: Night, target: str, there: records.Tree) -> None:
    """The folder against the branch. What is done is on the branch, and so is what was recorded before."""
    here = _closed_files(night, target)
    mine = {path: blob for path, blob in there.items() if path.startswith(f"{target}/{night.name}.")}
    for path in sorted(here.keys() | mine.keys() | {p for p in night.recorded if p.startswith(f"{target}/")}):
        if path not in here:
            raise IntegrityError(f"{path} is recorded, and missing in {night.path / target}", why=_WHY)
        if path not in mine and (night.done or path in night.recorded):
            raise IntegrityError(f"{RESULTS}: {path} is missing, and {night.path / target} holds it", why=_WHY)
        if mine.get(path, here[path]) != here[path]:
            raise IntegrityError(f"{RESULTS}: {path} differs from the one in {night.path / target}", why=_WHY)


def _closed_files(night: Night, target: str) -> dict[str, str]:
    """path -> blob id of what a target's folder holds, an open last segment left out."""
    segments = night.segments(target)
    still_open = segments[-1].name if segments and not segments[-1].sealed else None
    return {
        f"{target}/{name}": night.repository.blob_id(data)
        for name, data in night.files(target).contents.items()
        if name.rpartition(".")[0] != still_open
    }


def _sealed(night: Night, target: Target, segments: tuple[Segment, ...]) -> None:
    """The trailers of the night's commits name the seal that confirm's segment has."""
    found = standing.proposed(segments)
    if not found:
        return
    proposed, seal = found[0], found[1].segment.chain
    tip = night.repository.reference(f"refs/heads/{proposed['branch']}")
    head = tip or night.repository.reference(f"{proposed['head']}^{{commit}}")
    if head is None:  # declined and cleaned away: nothing is left that could quote a seal
        return
    listed = night.repository.git("log", f"--format={_TRAILERS}", f"{night.plan.base}..{head}").decode()
    for line in listed.splitlines():
        commit, of, quoted = line.split("\0")
        if of.strip() == target.name and quoted.strip() != seal:
            raise IntegrityError(
                f"commit {commit[:12]} ({target.name}) quotes the seal {quoted.strip()[:12]}; confirm's is {seal[:12]}",
                why="the record or the branch was replaced as a whole after the night",
            )


def _branch(repository: Repository, there: records.Tree) -> Iterator[str]:
    for target in sorted({path.split("/")[0] for path in there}):
        by_night: dict[str, list[Segment]] = {}
        for segment in records.segments(repository, target):
            by_night.setdefault(segment.name.rpartition(".")[0], []).append(segment)
        for night, segments in sorted(by_night.items()):
            ordered = sorted(segments, key=lambda s: segment_number(s.name))
            yield _verified(f"{RESULTS}: {night}/{target}", ordered, ended=True)
        yield from _tags(repository, target)


def _tags(repository: Repository, target: str) -> Iterator[str]:
    """The tags that are here say what the record of their promotion says."""
    for segment, promoted in promotions.promoted(chain.read(repository, target).segments):
        name = promoted["tag"]
        if not name or repository.reference(f"refs/tags/{name}") is None:
            continue
        said = repository.git("for-each-ref", "--format=%(*objectname)%00%(contents)", f"refs/tags/{name}").decode()
        due = f"{promoted['commit']}\0{message(segment, promoted, promotions.realised([segment])[-1])}"
        if said.rstrip("\n") != due.rstrip("\n"):
            raise IntegrityError(
                f"the tag {name} says something else than {RESULTS}: {target}/{segment.name}",
                why="it was moved, made by hand, or the record was replaced as a whole",
            )
        yield f"{name}: the tag quotes the seal {segment.chain[:12]}"


def _verified(where: str, segments: list[Segment], *, ended: bool = False) -> str:
    """ended: whether every segment must be sealed, as on the records branch."""
    bad = verify_order(segments)
    if not bad and ended and segments and not segments[-1].sealed:
        bad = BadLine(segments[-1].name, len(segments[-1].events) + 1, "the seal is missing")
    if bad:
        raise IntegrityError(f"{where}: {bad}", why="it was changed, or damaged on the disk, after it was written")
    repeated = _repeated(segments)
    if repeated:
        raise IntegrityError(f"{where}: {repeated}")
    count = sum(len(segment.events) for segment in segments)
    open_end = "" if not segments or segments[-1].sealed else "; the last segment is still open"
    return f"{where}: {count:,} events in {len(segments)} segments verify{open_end}"


def _repeated(segments: list[Segment]) -> BadLine | None:
    """Experiments are numbered 1, 2, 3 without a gap across segments."""
    expected = 1
    for segment in segments:
        for line, event in enumerate(segment.events, start=1):
            if event["event"] == "experiment":
                if event.get("id") != expected:
                    return BadLine(segment.name, line, f"experiment {event.get('id')} where {expected} was due")
                expected += 1
    return None


_WHY = "nothing recorded is ever rewritten or removed, so one of the two was changed by hand"
