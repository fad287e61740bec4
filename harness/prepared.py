"""What a target's setup made: files below prepared/, named with their hashes in data.lock, kept beside the nights.

data.lock is committed and locked, so the lock covers every prepared file through it. The files themselves lie in
<git common dir>/autoresearch/prepared/<SHA-256 of data.lock>/ (of a private target in autoresearch-private/) and are
hashed again whenever they are used.

A line may say `any` for what differs between machines by its nature, such as text that Python itself brings. Of such a
file the first run's hash is noted beside the files, and held against from then on; another version of Python, other
words of the setup and another content of what it sees have files of their own. The lock then covers how the file is
made, not what is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness import lock
from harness.complaints import Faults, show
from harness.errors import ConfigError, IntegrityError, Place
from harness.repository import Repository, Source
from harness.target import TARGET_FILE, Target

FOLDER = "prepared"
LOCK_FILE = "data.lock"
MADE_FILE = "made.lock"  # beside the kept files: what was made on this machine

_HEADER = "# sha256  size  path; `autoresearch setup` holds what it makes against this file\n"
_LINE = re.compile(r"(?:any|(?P<digest>[0-9a-f]{64})  (?P<size>0|[1-9][0-9]{0,14}))  (?P<path>\S.*)")


class Kept(Source, Protocol):
    """A source whose repository keeps what setups made."""

    @property
    def repository(self) -> Repository: ...


@dataclass(frozen=True)
class Entry:
    """One prepared file: SHA-256 in hex, size in bytes."""

    digest: str
    size: int

    def __str__(self) -> str:
        return f"{self.size:,} bytes, sha256 {self.digest[:12]}" if self != ANY else "any content"


ANY = Entry("", 0)  # whatever the setup makes on this machine

Manifest = Mapping[str, Entry]  # path from the target's folder, below prepared/ -> what must lie there


def lock_path(target: Target) -> str:
    """Where a target's data.lock stands, from the repository's root."""
    return posixpath.join(target.folder, LOCK_FILE)


def read(source: Source, target: Target) -> tuple[Manifest, str]:
    """What data.lock names, and the name of its cache. Raises ConfigError(s)."""
    where = lock_path(target)
    if where not in source.modes():
        what = f"is not in {source.label}: it says what the setup of {target.name} must make"
        step = f"autoresearch setup {target.name} writes it; then commit it"
        raise ConfigError(Place(where), what, next_step=step)
    content = source.read([where])[where]
    manifest = parse(content, where)
    return manifest, cache_name(content, manifest, source, target)


def cache_name(content: bytes, manifest: Manifest, source: Source, target: Target) -> str:
    """Of this data.lock; where it says `any`, of how its files are made too."""
    found = hashlib.sha256(content)
    if ANY in manifest.values():
        made_by = [lock.environment()["python"], *target.evaluate.setup]
        own = posixpath.join(target.folder, TARGET_FILE)  # of which the setup's words count, not the budget
        for path, text in sorted(seen_by_setup(source, target).items()):
            made_by += [path, hashlib.sha256(text).hexdigest()] if path != own else []
        found.update("\0".join(made_by).encode())
    return found.hexdigest()


def seen_by_setup(source: Source, target: Target) -> Mapping[str, bytes]:
    """What a setup may read: the locked files, without the holdout and without what it will be held against."""
    unseen = {*target.hidden, lock_path(target)}
    return source.read([path for path in target.locked if path not in unseen])


def made_in(kept: Path, manifest: Manifest) -> Manifest:
    """The manifest with what was made here in place of `any`, which stays where nothing was. kept: the cache."""
    if ANY not in manifest.values():
        return manifest
    with contextlib.suppress(OSError, ConfigError):
        noted = parse((kept / MADE_FILE).read_bytes(), MADE_FILE)
        return {path: noted.get(path, entry) if entry == ANY else entry for path, entry in manifest.items()}
    return manifest


def parse(content: bytes, file: str) -> Manifest:
    """Raises ConfigErrors that name the lines at fault."""
    found: dict[str, Entry] = {}
    with Faults() as faults:
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            problem = _path_problem(match["path"], found) if match else "is not: sha256, size, path, two blanks between"
            if match and not problem:
                found[match["path"]] = Entry(match["digest"], int(match["size"])) if match["digest"] else ANY
            else:
                faults.found.append(ConfigError(Place(file, number, 1), f"{show(line)} {problem}"))
        if not found and not faults.found:
            faults.found.append(ConfigError(Place(file, 1, 1), "names no file"))
    return found


def _path_problem(path: str, known: Manifest) -> str:
    if posixpath.normpath(path) != path or not path.startswith(f"{FOLDER}/"):
        return f"names a path that is not below {FOLDER}/"
    if path in known or any(other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in known):
        return "names a path that stands above already"
    return "" if path.isprintable() else "names a path with control characters"


def spell(manifest: Manifest) -> bytes:
    """The content of a data.lock."""
    lines = (
        f"{'any' if entry == ANY else f'{entry.digest}  {entry.size}'}  {path}\n"
        for path, entry in sorted(manifest.items())
    )
    return (_HEADER + "".join(lines)).encode()


def found_below(folder: Path) -> Manifest:
    """What lies in folder/prepared. Raises IntegrityError for anything but plain files and folders."""
    found = {}
    for path in sorted((folder / FOLDER).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()) or not name.isprintable():
            raise IntegrityError(f"{show(name)} is neither a plain file nor a folder of a plain name")
        if path.is_file():
            found[name] = _entry(path)
    return found


def differences(manifest: Manifest, made: Manifest) -> list[str]:
    """How what is there differs from data.lock, one sentence a file."""
    found = [f"{path} is missing" for path in manifest if path not in made]
    found += [f"{path} is not in {LOCK_FILE}" for path in made if path not in manifest]
    return found + [
        f"{path} has {made[path]}; {LOCK_FILE} says {entry}"
        for path, entry in manifest.items()
        if entry != ANY and made.get(path, entry) != entry
    ]


def cache(repository: Repository, target: Target, name: str) -> Path:
    """Where the files of a target's data.lock with this SHA-256 are kept."""
    return (repository.private if target.private else repository.state) / FOLDER / name


def place(source: Kept, target: Target, into: Path, *, hidden: bool) -> dict[str, str]:
    """Copies a target's prepared files, read-only, into a view of the repository below `into`.

    hidden: whether those that the target hides are among them. Path from the repository's root -> SHA-256 of each; none
    for a target without setup. Raises ConfigError(s), and IntegrityError where a file is not there or not what
    data.lock names.
    """
    if not target.evaluate.setup:
        return {}
    manifest, name = read(source, target)
    _refuse_unmade(source, target, manifest)
    kept, placed = cache(source.repository, target, name), {}
    for path, entry in made_in(kept, manifest).items():
        where = posixpath.join(target.folder, path)
        if where in target.hidden and not hidden:
            continue
        _copy(kept / path, into / where, entry, f"{target.name}: {path}", _step(source, target))
        placed[where] = entry.digest
    return placed


def unprepared(source: Kept, target: Target) -> list[str]:
    """Files that data.lock names and that are not on this machine; none without setup. Raises ConfigError(s)."""
    if not target.evaluate.setup:
        return []
    manifest, name = read(source, target)
    kept = cache(source.repository, target, name)
    return [path for path in manifest if not (kept / path).is_file()]


def digests(source: Source, target: Target) -> dict[str, str]:
    """Path from the repository's root -> SHA-256 of each file that data.lock names with one; none without setup."""
    manifest = read(source, target)[0] if target.evaluate.setup else {}
    return {posixpath.join(target.folder, path): entry.digest for path, entry in manifest.items() if entry != ANY}


def _refuse_unmade(source: Kept, target: Target, manifest: Manifest) -> None:
    """A hidden file that neither git nor the setup has: what was meant to be hidden may lie open under another name.

    Or one that may be anything: looks at a holdout are counted by its content.
    """
    made = {posixpath.join(target.folder, path): entry for path, entry in manifest.items()}
    for path in target.hidden:
        if made.get(path) == ANY:
            what = f"says any for {path}, which data.hidden of {target.name} names: what is held out has one content"
            step = f"remove that line, then autoresearch setup {target.name} --write-lock"
            raise ConfigError(Place(lock_path(target)), what, next_step=step)
        if path not in made and path not in source.modes():
            what = f"does not name {path}, which data.hidden of {target.name} does"
            raise ConfigError(Place(lock_path(target)), what, next_step="name what the setup makes, or mend the setup")


def _copy(kept: Path, there: Path, entry: Entry, label: str, step: str) -> None:
    if entry == ANY or kept.is_symlink() or not kept.is_file():
        raise IntegrityError(f"{label} is not prepared on this machine", next_step=step)
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, there)
    there.chmod(0o444)
    if (copied := _entry(there)) != entry:
        what = f"{label} is not what {LOCK_FILE} names: {copied}; {LOCK_FILE} says {entry}"
        raise IntegrityError(what, why=f"something changed {kept}", next_step=step)


def _step(source: Kept, target: Target) -> str:
    """The command that prepares a target as this source declares it."""
    commit = getattr(source, "commit", "")
    return f"autoresearch setup {target.name}" + (f" --at {commit[:12]}" if commit else "")


def _entry(path: Path) -> Entry:
    with path.open("rb") as file:
        return Entry(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)
