"""Which of the host's files a candidate sees, and where: the views that the evaluator declares."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SandboxError

WORK = Path("/candidate")


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
    that leads out by a symbolic link; for the evaluator's folder itself; and for two views at one place.
    """
    views: list[View] = []
    for view in sorted((_view(Path(path), folder) for path in sees), key=lambda view: view.place):
        if above := next((other for other in views if view.place.is_relative_to(other.place)), None):
            _refuse_another(above, view)
        else:
            views.append(view)
    return tuple(views)


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


def _refuse_another(above: View, view: View) -> None:
    if above.source / view.place.relative_to(above.place) == view.source:
        return  # the same file, already seen in its folder
    raise SandboxError(
        f"two views at one place: {view.source} and {above.source} would both be {view.place}",
        why="what lies outside the evaluator's folder is shown as /candidate/<its name>",
        next_step="rename one of them, or show a folder that holds both",
    )
