"""The evaluator's view: a scratch checkout that holds what is locked and the one file, nothing else."""

from __future__ import annotations

import functools
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from harness import lock, prepared
from harness.lock import Lock, Watch
from harness.prepared import Kept
from harness.target import Target


@dataclass
class View:
    """root mirrors the repository's root; cwd is the target's folder in it; file is the editable file's place."""

    root: Path
    cwd: Path
    file: Path
    lock: Lock
    base: bytes
    watch: Watch
    _files: frozenset[str] = field(repr=False)
    _folders: frozenset[str] = field(repr=False)

    def put(self, content: bytes) -> None:
        """Makes a candidate the content of the editable file."""
        if self.file.is_symlink() or not self.file.is_file():
            remove(self.file)
        overwrite(self.file, content)

    def sweep(self) -> list[str]:
        """Removes whatever an experiment left behind in the checkout; the paths it removed."""
        if self._as_built():  # as most experiments leave it, and told several times faster than by walking
            return []
        removed = []
        for folder, folders, files in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            for name in [*folders, *files]:
                path = os.path.normpath(os.path.join(here, name))  # noqa: PTH118  # a path per experiment: pathlib is 10x slower
                if path not in self._files and path not in self._folders:
                    remove(self.root / path)
                    removed.append(path)
            folders[:] = [name for name in folders if (self.root / here / name).is_dir()]
        return removed

    def _as_built(self) -> bool:
        """Whether every folder holds the names that belong there, and no other."""
        try:
            return all(set(os.listdir(folder)) == names for folder, names in self._names.items())  # noqa: PTH208  # as above
        except OSError:
            return False

    @functools.cached_property
    def _names(self) -> dict[str, set[str]]:
        """Folder -> the names that belong there."""
        names: dict[str, set[str]] = {os.path.join(self.root, folder): set() for folder in ["", *self._folders]}  # noqa: PTH118
        for path in [*self._files, *self._folders]:
            folder, _, name = path.rpartition("/")
            names[os.path.join(self.root, folder)].add(name)  # noqa: PTH118
        return names


def build(source: Kept, target: Target, into: Path, *, hidden: bool) -> View:
    """Writes the view below `into`, which must not exist. hidden: whether the holdout is in it.

    The lock covers every locked file, hidden ones too, and through data.lock what the setup made, which is in the view
    as well.
    """
    contents = source.read([*target.locked, target.file])
    base = contents.pop(target.file)
    modes = source.modes()
    whole = lock.compute(contents)
    shown = {path: digest for path, digest in whole.files.items() if hidden or path not in target.hidden}
    for path in shown:
        write(into / path, contents[path], 0o555 if modes[path] == "100755" else 0o444)
    write(into / target.file, base, 0o644)
    placed = prepared.place(source, target, into, hidden=hidden)
    (into / target.folder).mkdir(parents=True, exist_ok=True)
    watched = {**shown, **placed}
    files = frozenset([*watched, target.file])
    return View(
        root=into,
        cwd=into / target.folder,
        file=into / target.file,
        lock=whole,
        base=base,
        watch=Watch(into, watched),
        _files=files,
        _folders=_parents([*files, f"{target.folder}/x"]),
    )


def overwrite(path: Path | str, content: bytes) -> None:
    """Makes `content` a file's whole content. Not by truncating first: that makes ext4 flush, a millisecond a time."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        left = content
        while left:
            left = left[os.write(handle, left) :]
        os.ftruncate(handle, len(content))
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Removes a file, link or folder, whatever is there; nothing is followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write(path: Path, content: bytes, mode: int) -> None:
    """A new file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _parents(paths: list[str]) -> frozenset[str]:
    found: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)  # noqa: PTH120  # plain text, compared with what os.walk says
        while folder and folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
    return frozenset(found)
