"""`autoresearch new`: a target that runs as it is, written from templates, or from a table of accounts."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from bot import config
from harness.errors import ConfigError, Place
from harness.repository import Repository, WorkingSource
from harness.schemas import schema
from harness.target import glob_pattern

FOLDER = "targets/experiments"
SCHEMAS = ".github/autoresearch"


def new(repository: Repository, name: str) -> list[str]:
    """Writes targets/experiments/<name>/ and, where they are absent, the files that all targets share.

    Returns the paths written, from the repository's root. Raises ConfigError before anything is written, for a name
    that is none, a folder that exists or that no night would look at, and files that git would ignore.
    """
    refuse(repository, name)
    templates = resources.files(__name__) / "templates" / "target"
    return write(repository, name, {path: _filled(file, name) for path, file in _files(templates)})


def refuse(repository: Repository, name: str) -> None:
    """Raises ConfigError where no target of this name can be written."""
    folder = f"{FOLDER}/{name}"
    _refuse_name(name)
    if os.path.lexists(repository.root / folder):
        raise ConfigError(Place(folder), "exists already", next_step="take another name; nothing is ever overwritten")
    _refuse_unseen(repository, folder)


def placed(repository: Repository, name: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A target's files by path from the repository's root, with those that all targets share and that are absent."""
    found = {f"{FOLDER}/{name}/{path}": content for path, content in files.items()}
    config_file = resources.files(__name__) / "templates" / "github" / "autoresearch.yml"
    shared = {config.CONFIG_FILE: config_file.read_bytes(), **_schemas()}
    return found | {path: content for path, content in shared.items() if not os.path.lexists(repository.root / path)}


def write(repository: Repository, name: str, files: Mapping[str, bytes], unseen: Collection[str] = ()) -> list[str]:
    """Writes a target's files, by path from its folder, as `new` does. unseen: those that git is meant to ignore."""
    whole = placed(repository, name, files)
    _write(repository, f"{FOLDER}/{name}", whole, {f"{FOLDER}/{name}/{path}" for path in unseen})
    return list(whole)


def _refuse_name(name: str) -> None:
    rule = schema("target")["properties"]["name"]
    if re.fullmatch(rule["pattern"], name):
        return
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    cure = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:63].strip("-")
    raise ConfigError(
        Place("name"), f'"{name}" is no name for a target: expected up to 63 {rule["x-says"]}',
        next_step=f"autoresearch new {cure if re.fullmatch(rule['pattern'], cure) else 'my-target'}",
    )  # fmt: skip


def _refuse_unseen(repository: Repository, folder: str) -> None:
    globs = config.load(WorkingSource(repository)).targets
    if not any(glob_pattern(glob.lstrip("/")).fullmatch(folder) for glob in globs):
        raise ConfigError(
            Place(config.CONFIG_FILE, key="targets"), f"{', '.join(globs)} does not name {folder}",
            next_step=f'add "{FOLDER}/*" to targets',
        )  # fmt: skip


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Every template below a folder, with its path."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            if entry.name != "__pycache__":  # an installer compiles evaluate.py
                yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _filled(template: Traversable, name: str) -> bytes:
    return template.read_bytes().replace(b"{{name}}", name.encode())


def _schemas() -> dict[str, bytes]:
    """Copies for editors, which complete and check keys by them: a path into an installed package would not travel."""
    published = resources.files("harness.schemas")
    names = ("autoresearch.schema.json", "target.schema.json")
    return {f"{SCHEMAS}/{name}": (published / name).read_bytes() for name in names}


def _write(repository: Repository, folder: str, files: Mapping[str, bytes], unseen: Collection[str]) -> None:
    """All or nothing of the target's folder, and nothing at all where git would not see it."""
    (repository.root / folder).mkdir(parents=True)
    try:
        for path, content in files.items():
            if path.startswith(f"{folder}/"):
                _create(repository.root / path, content)
        _refuse_ignored(repository, folder, unseen)
    except BaseException:
        shutil.rmtree(repository.root / folder)
        raise
    for path, content in files.items():
        if not path.startswith(f"{folder}/"):
            _create(repository.root / path, content)


def _create(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)


def _refuse_ignored(repository: Repository, folder: str, unseen: Collection[str]) -> None:
    listing = repository.git("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", folder)
    ignored = [path for path in map(os.fsdecode, listing.split(b"\0")) if path and path not in unseen]
    if ignored:
        raise ConfigError(
            Place(".gitignore"), f"git would ignore {', '.join(ignored[:3])}",
            why="a night works on commits, so it would not see them", next_step=f"add the line !/{folder}/**",
        )  # fmt: skip
