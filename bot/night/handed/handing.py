"""What the jobs of a workflow hand over to each other: folders of plain files, which the next job takes over as data.

A job writes what it made to a folder that the workflow carries: `plan-1/plan.json`, `run-<target>-1/<target>/...`,
`confirm-<target>-2/<target>/...`; the number is the attempt. The next job finds one such folder per artifact. It
believes names and contents as little as `harness.handover` does: of each target the newest attempt that holds is taken,
confirm's before run's, and what is not taken is named. Nothing of it is ever run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import config
from bot.night.folder import Night, segment_number, write_atomically
from bot.night.handed import handover
from bot.night.handed.artifacts import PLAN, Artifact, Handed, entries, listed, read_plan
from harness import events
from harness.errors import IntegrityError, NotFound
from harness.events import Segment
from harness.handover import receive
from harness.handover.expected import MOST_PACK_BYTES, MOST_SEGMENT_BYTES
from harness.handover.files import Files, read_bounded, read_folder
from harness.handover.shapes import GATED, shown
from harness.repository import CommitSource, Repository
from harness.target import Target

TRIED = "tried.txt"
NOTHING = "its job handed over nothing"
GIVERS: Mapping[str, tuple[str, ...]] = {"run": ("run",), "confirm": ("confirm", "run"), "propose": ("confirm", "run")}
"""Whose folders a verb takes a target from, the better one first."""
WRITES: Mapping[str, frozenset[str]] = {
    "plan": frozenset({"run"}),  # the loops that ended before they began
    "run": frozenset({"run"}),
    "confirm": frozenset({"run", "confirm"}),
}
MOST_TRIED_BYTES = 128 * 1024 * 1024
_TRIED_LINES = re.compile(rb"(?:[0-9a-f]{16,64}\n)*")
_MOST = {".jsonl": MOST_SEGMENT_BYTES, ".pack": MOST_PACK_BYTES}
_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Taken:
    """refused: what was handed over and is not used -> why; silent: target -> why nothing of it was taken."""

    night: Night
    refused: Mapping[str, str]
    silent: Mapping[str, str]


def hand_over(night: Night, into: Path, targets: Sequence[str], *, plan: bool = False) -> None:
    """Writes what the next job needs of these targets. plan: the plan, too, and what was tried before."""
    into.mkdir(parents=True, exist_ok=True)
    if plan:
        write_atomically(into / PLAN, (night.path / PLAN).read_bytes())
    for target in targets:
        tried = night.folder(target) / TRIED
        if plan and tried.is_file():
            write_atomically(into / target / TRIED, tried.read_bytes())
        for name, content in night.files(target).contents.items():
            write_atomically(into / target / name, content)


def take_over(repository: Repository, handed: Path, verb: str, only: str = "") -> Taken:
    """Lays the night out as the plan and the targets that were handed over say. only: one target, "" is all.

    What this repository had of the night is set aside: the workflow carries the truth. But where no job
    that ran a target handed anything over, a loop of the same plan that a reboot cut off here is taken, and believed
    as little. Raises NotFound where no plan holds, IntegrityError where it is not of this repository.
    """
    found = listed(handed)
    night = _planned(repository, found, handed)
    names = [share.name for share in night.plan.targets]
    if only:
        night.target_plan(only)
    found.refuse_foreign(names)
    silent: dict[str, str] = {}
    for target in config.load_targets(CommitSource(repository, night.plan.base), [only] if only else names):
        why = _take_target(night, target, found, verb)
        silent |= {target.name: why} if why else {}
    return Taken(night, found.refused, silent)


def _planned(repository: Repository, found: Handed, handed: Path) -> Night:
    """The night of the newest plan that holds, in a folder of its own."""
    for artifact in found.of("plan"):
        try:
            content, plan = read_plan(artifact.path)
            _check_base(repository, plan["base"])
        except ValueError as problem:
            found.refused[artifact.name] = f"{PLAN}: {problem}"
            continue
        night = Night(repository, repository.state / plan["night"])
        found.aside = _set_aside(night, content)
        write_atomically(night.path / PLAN, content)
        _take_tried(night, artifact, found)
        return night
    told = "".join(f"; {name}: {why}" for name, why in found.refused.items())[:500]
    raise NotFound(
        f"no plan was handed over in {handed}{told}",
        next_step="the job that plans comes first: autoresearch plan --hand-over FOLDER",
    )


def _check_base(repository: Repository, base: str) -> None:
    """A plan works on a commit of what is checked out here. Raises ValueError, NotFound."""
    if repository.reference(f"{base}^{{commit}}") is None:
        raise NotFound(
            f"the plan's base commit {base[:12]} is not here",
            why="the checkout is shallow, or of another repository",
            next_step="fetch-depth: 0 at actions/checkout; elsewhere: git fetch --unshallow",
        )
    if repository.git("rev-list", "--count", base, "^HEAD").strip() != b"0":
        raise ValueError(f"its base commit {base[:12]} is no part of what is checked out")


def _set_aside(night: Night, plan: bytes) -> Path | None:
    """Moves what lies here of the same night out of the way: another job of this machine may have left it. Where it
    lies now, if it is of this very plan."""
    if not night.path.exists():
        return None
    folder = night.repository.state / "replaced"
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (folder / f"{night.name}.{number}").exists():
        number += 1
    aside = night.path.rename(folder / f"{night.name}.{number}")
    try:
        return aside if read_plan(aside)[0] == plan else None
    except (OSError, ValueError):
        return None


def _take_tried(night: Night, artifact: Artifact, found: Handed) -> None:
    names = {share.name for share in night.plan.targets}
    for name in sorted(set(entries(artifact.path)) - {PLAN}):
        folder = artifact.path / name
        if name not in names or folder.is_symlink() or not folder.is_dir():
            found.refused[f"{artifact.name}/{shown(name)}"] = "not the name of a target of the plan, or no folder"
            continue
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            content = read_bounded(handle, TRIED, MOST_TRIED_BYTES)
        except FileNotFoundError:
            continue
        except OSError:
            content = None
        finally:
            os.close(handle)
        if content is None or not _TRIED_LINES.fullmatch(content):
            found.refused[f"{artifact.name}/{name}/{TRIED}"] = "not what a plan writes, or too large"
        else:
            write_atomically(night.folder(name) / TRIED, content)


def _take_target(night: Night, target: Target, found: Handed, verb: str) -> str:
    """Takes the best that was handed over of a target; why there was nothing, or nothing in words."""
    refused = []
    for artifact, files in _candidates(night, target, found, verb):
        try:
            held = receive(files.contents, handover.expected(night, target), WRITES[artifact.verb])
            _check_end(held.segments, files.contents)
            if artifact.verb == "plan":
                _check_unbegun(held.segments)
        except IntegrityError as error:
            refused.append(f"{artifact.name}: {error.what}")
            found.refused[artifact.name] = error.what
            continue
        for name, content in files.contents.items():
            write_atomically(night.folder(target.name) / name, content)
        return ""
    return "; ".join(refused) or NOTHING


def _check_end(segments: Sequence[Segment], contents: Mapping[str, bytes]) -> None:
    """An open end may be torn in its last line, as a kill tears it, and nowhere before. Raises IntegrityError."""
    if not segments:
        raise IntegrityError("not one whole event")
    read = {f"{segment.name}.jsonl": segment for segment in segments}
    for name, content in contents.items():
        whole = read[name].size if name in read else 0
        if name.endswith(".jsonl") and b"\n" in content[whole:]:
            raise IntegrityError(str(read[name].bad) if name in read else f"{name}: its first line is damaged")


def _check_unbegun(segments: Sequence[Segment]) -> None:
    """The job that plans may end a loop, and can have run none. Raises IntegrityError."""
    if [event["event"] for event in segments[0].events[1:]] != ["seal"] or segments[0].events[-1]["end"] not in GATED:
        raise IntegrityError("the job that plans hands over a loop that began")


def _candidates(night: Night, target: Target, found: Handed, verb: str) -> Iterator[tuple[Artifact, Files]]:
    """Artifacts that hold segments of a target, the best first; what else lies in them is named."""
    wanted = night.wanted
    if verb == "run" and (cut := _cut_off(night, target, found)):
        yield cut
    for giver in GIVERS[verb]:
        for artifact in found.of(giver, target.name):
            extra = set(entries(artifact.path)) - {target.name}
            found.refused |= {f"{artifact.name}/{shown(name)}": "not what this job hands over" for name in extra}
            if files := _read(artifact, target.name, wanted, _NOTHING, found):
                yield artifact, files
    for artifact in found.of("plan"):
        if files := _read(artifact, target.name, wanted, re.compile(re.escape(TRIED)), found):
            yield artifact, files


def _cut_off(night: Night, target: Target, found: Handed) -> tuple[Artifact, Files] | None:
    """This machine's own loop of the target, if it came to no end and nobody handed over another one."""
    if not found.aside or found.names("run", target.name) or target.name not in entries(found.aside):
        return None
    mine = Artifact(found.aside, "run", target.name, 0)
    files = _read(mine, target.name, night.wanted, re.compile(re.escape(TRIED)), found)
    names = sorted((name for name in files.contents if name.endswith(".jsonl")), key=_number) if files else []
    if not files or not names or events.parse(names[-1].removesuffix(".jsonl"), files.contents[names[-1]]).sealed:
        return None
    return mine, files


def _number(name: str) -> int:
    return segment_number(name.removesuffix(".jsonl"))


def _read(
    artifact: Artifact, target: str, wanted: re.Pattern[str], ignored: re.Pattern[str], found: Handed
) -> Files | None:
    try:
        files = read_folder(artifact.path / target, wanted, ignored, _MOST)
    except IntegrityError as error:
        found.refused[artifact.name] = error.what
        return None
    found.refused |= {f"{artifact.name}/{target}/{shown(name)}": why for name, why in files.left_out.items()}
    return files if files.contents else None
