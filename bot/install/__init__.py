"""`autoresearch install`: writes the workflows of a repository's targets, and what the bot needs on a runner.

Everything it writes says so in its first line, with a hash of what follows: so a later run brings it up to date, keeps
what a human changed, and never touches a file that somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot import config
from bot.install import files, needs, render
from bot.install.files import State
from bot.install.lock import Lock
from bot.install.needs import Needs
from bot.install.options import GPT_LOCK_FILE, LOCK_FILE, Options, remembered
from harness.errors import AutoresearchError
from harness.repository import Repository, WorkingSource

FOLDER = ".github/workflows"
WORKFLOWS = ("nightly.yml", "nightly-gpu.yml", "commands.yml", "promote.yml", "pull-request.yml", "verdict.yml")


class Kept(AutoresearchError):
    """Files that a human wrote or changed stand where ours would."""

    exit_code = 3


@dataclass(frozen=True)
class Change:
    """One file. before, after: its text, None where there is none; state: whose the present one is.

    beside: the file that this one is right beside alone, and is kept with.
    """

    path: str
    before: str | None
    after: str | None
    state: State
    beside: Change | None = None

    @property
    def kept(self) -> bool:
        return self._theirs or self._goes_with_theirs

    @property
    def why(self) -> str:
        """Why it is kept."""
        return f"right beside {self.beside.path} alone" if self.beside and not self._theirs else self.state.why

    @property
    def _theirs(self) -> bool:
        return self.state in {State.EDITED, State.FOREIGN}

    @property
    def _goes_with_theirs(self) -> bool:
        return self.after is not None and self.beside is not None and self.beside.kept


@dataclass(frozen=True)
class Installation:
    """What is to be in a repository. notes: what its owner should know of it."""

    repository: Repository
    changes: tuple[Change, ...]
    first: str
    notes: tuple[str, ...]

    @property
    def drifted(self) -> list[Change]:
        return [change for change in self.changes if change.before != change.after]


def plan(repository: Repository, wishes: Mapping[str, str | Sequence[str]], *, check: bool = False) -> Installation:
    """What `install` would write. check: nothing is resolved anew. Raises ConfigError(s), NotFound, LockError."""
    source = WorkingSource(repository)
    targets, settings = config.load_targets(source), config.load(source)
    options = Options.of(repository, settings, {**remembered(repository.root), **wishes})
    needed = needs.of(source, targets, settings, options.extra)
    wanted = render.workflows(needed, options, settings)
    found = [_change(repository, f"{FOLDER}/{name}", wanted.get(name)) for name in WORKFLOWS]
    found += _locks(repository, options, needed, check=check)
    hosted = bool(needed.hosted)
    workflow, first = WORKFLOWS[0 if hosted else 1], (needed.hosted or needed.self_hosted)[0].name
    command = f"gh workflow run {workflow} -f experiments=20 -f targets={first}"
    kept = tuple(change for change in found if change.before is not None or change.after is not None)
    return Installation(repository, kept, command, needed.notes)


def write(made: Installation, *, force: bool = False) -> list[str]:
    """Brings the files up to date; what was done, a line each.

    Raises Kept, after everything else is written, for files that a human wrote or changed and that differ.
    """
    done, kept = [], []
    for change in made.drifted:
        if change.kept and not force:
            kept.append(change)
            continue
        done.append(_put(made.repository.root, change))
    if kept:
        names = ", ".join(change.path for change in kept)
        raise Kept(
            f"kept as {'it is' if len(kept) == 1 else 'they are'}: {names}",
            why=" and ".join(sorted({change.why for change in kept})),
            next_step="autoresearch install --check shows the difference; autoresearch install --force overwrites",
        )
    return done


def _put(root: Path, change: Change) -> str:
    path = root / change.path
    if change.after is None:
        path.unlink()
        return f"removed {change.path}: no target needs it"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(change.after.encode())
    return f"wrote {change.path}"


def _locks(repository: Repository, options: Options, needed: Needs, *, check: bool) -> list[Change]:
    """Both or neither are resolved anew, and written: the second holds what the first lacks."""
    locks = [Lock.of(repository, options, needed), *([Lock.of_gpt(repository, options, needed)] if needed.gpt else [])]
    present = {lock.file: files.read(repository.root / lock.file) for lock in locks}
    texts: dict[str, str] = {}
    common = present[LOCK_FILE] or ""
    if check or (not options.upgrade and all(lock.holds(present[lock.file], common) for lock in locks)):
        texts = {lock.file: lock.with_packages_of(present[lock.file], common) for lock in locks}
    else:
        for lock in locks:
            texts[lock.file] = lock.resolved(beside=texts.get(LOCK_FILE, ""))
    first, second = (_change(repository, file, texts.get(file)) for file in (LOCK_FILE, GPT_LOCK_FILE))
    return [first, replace(second, beside=first)]


def _change(repository: Repository, path: str, body: str | None) -> Change:
    before = files.read(repository.root / path)
    state = files.state(before)
    if body is None and state is State.FOREIGN:
        return Change(path, None, None, State.ABSENT)  # somebody's own file of this name, which we do not need
    return Change(path, before, files.stamped(body) if body else None, state)
