"""Which of the host's files a candidate sees, and where: the views that the evaluator declares."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SandboxError

WORK = Path("/candidate")
ROOT_VARIABLE = "AUTORESEARCH_ROOT"  # set for an evaluator: its checkout, and more folders, with os.pathsep between
_GIT = ".git"


@dataclass(frozen=True)
class View:
    """One file or folder of the host, free of links, and the path in the sandbox where it is seen."""

    source: Path
    place: Path


def declared(sees: Sequence[str | os.PathLike[str]], folder: Path) -> tuple[View, ...]:
    """The views for paths that the evaluator in `folder` names.

    What lies in the folder keeps its place under /candidate, anything else is /candidate/<its name>. A folder is
    seen with all that is in it; links in it that lead out of it lead nowhere in the sandbox.

    Raises SandboxError for a path with nothing there, with something that is neither file nor folder, or
    that leads out by a symbolic link; for what lies outside the evaluator's checkout or in a .git folder, or holds one
    (a night's own folder lies in one); for the evaluator's folder itself; and for two views at one place.
    """
    views: list[View] = []
    for view in sorted((_view(Path(path), folder) for path in sees), key=lambda view: view.place):
        if above := next((other for other in views if view.place.is_relative_to(other.place)), None):
            _refuse_another(above, view)
        else:
            views.append(view)
    return tuple(views)


def refuse_unreadable(views: Sequence[View]) -> None:
    """Raises SandboxError for a view that nobody but its owner can read: the candidate is another user."""
    for view in views:
        wanted = 0o5 if view.source.is_dir() else 0o4
        if view.source.stat().st_mode & wanted != wanted:
            raise SandboxError(
                f"the candidate cannot read {view.source}",
                why="candidates run as a user of their own, and other users may not read it",
                next_step=f"chmod -R o+rX {view.source}, and umask 022 for what is still to be made",
            )


def roots(folder: Path) -> tuple[Path, ...]:
    """The folders that views stay in: the evaluator's checkout, as the harness named it; else its repository."""
    if named := os.environ.get(ROOT_VARIABLE):
        return tuple(Path(root).resolve() for root in named.split(os.pathsep))
    here = folder.resolve()
    return (next((place for place in (here, *here.parents) if (place / _GIT).exists()), here),)


def _view(path: Path, folder: Path) -> View:
    given = Path(os.path.normpath(folder / path))
    inside = given.is_relative_to(folder)
    root = folder if inside else given.parent
    try:
        source = given.resolve(strict=True)
        home = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SandboxError(
            f"the candidate cannot be shown {path}: {getattr(error, 'strerror', None) or error}",
            why=f"looked for {given}",
            next_step="create it before the candidate runs, or take it out of sees=[...]",
        ) from None
    _refuse_unfit(path, source, home, folder.resolve())
    _refuse_outside(path, source, roots(folder))
    return View(source, WORK / (given.relative_to(folder) if inside else given.name))


def _refuse_unfit(path: Path, source: Path, home: Path, folder: Path) -> None:
    if folder.is_relative_to(source):
        raise SandboxError(
            f"the candidate cannot be shown {path}: it holds the evaluator",
            why="a candidate that sees the whole folder sees the evaluator and its answers",
            next_step="name the files and folders that the candidate needs in sees=[...]",
        )
    if not source.is_relative_to(home):
        raise SandboxError(
            f"the candidate cannot be shown {path}: a symbolic link leads out to {source}",
            why=f"views stay within {home}",
            next_step="name the file itself in sees=[...]",
        )
    if not (source.is_file() or source.is_dir()):
        raise SandboxError(
            f"the candidate cannot be shown {path}: it is neither a file nor a folder",
            why="through a socket, pipe or device a candidate reaches out of its sandbox",
            next_step="take it out of sees=[...]",
        )


def _refuse_outside(path: Path, source: Path, allowed: Sequence[Path]) -> None:
    root = next((root for root in allowed if source.is_relative_to(root)), None)
    if root is None:
        raise SandboxError(
            f"the candidate cannot be shown {path}: it lies outside the evaluator's checkout",
            why=f"views stay within {' and '.join(map(str, allowed))}",
            next_step="put what candidates need into the target's folder",
        )
    if _GIT in source.relative_to(root).parts or _holds_git(source):
        raise SandboxError(
            f"the candidate cannot be shown {path}: git's own folder is in it",
            why="the repository's history holds every answer, and its settings can hold passwords",
            next_step="name the files and folders beside .git that the candidate needs in sees=[...]",
        )


@functools.cache
def _holds_git(source: Path) -> bool:
    """Looked up once in a process: the evaluator makes its views, no candidate can."""
    return any(_GIT in folders or _GIT in files for _folder, folders, files in os.walk(source))


def _refuse_another(above: View, view: View) -> None:
    if above.source / view.place.relative_to(above.place) == view.source:
        return  # the same file, already seen in its folder
    raise SandboxError(
        f"two views at one place: {view.source} and {above.source} would both be {view.place}",
        why="what lies outside the evaluator's folder is shown as /candidate/<its name>",
        next_step="rename one of them, or show a folder that holds both",
    )
