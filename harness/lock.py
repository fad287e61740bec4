"""What computes the score, as one hash. Scores under different locks are never compared.

Hashed in full at the start, at the end and by confirm from the base commit; between experiments every file is
watched by inode, size and times, and hashed again on any difference.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import harness
from harness.errors import IntegrityError


@dataclass(frozen=True)
class Lock:
    """id: SHA-256 over everything below it; files: path from the repository's root -> SHA-256 of its content."""

    id: str
    files: Mapping[str, str]
    harness: str
    environment: Mapping[str, str]

    def differences(self, other: Lock) -> list[str]:
        """What differs, in words, for a reader who has to find out why."""
        found = [f"{path} was removed" for path in self.files if path not in other.files]
        found += [f"{path} was added" for path in other.files if path not in self.files]
        found += [f"{path} changed" for path, was in self.files.items() if other.files.get(path, was) != was]
        if self.harness != other.harness:
            found.append("the harness changed")
        for name in sorted({*self.environment, *other.environment}):
            if self.environment.get(name) != other.environment.get(name):
                found.append(f"{name} {self.environment.get(name)} became {other.environment.get(name)}")
        return found


def compute(contents: Mapping[str, bytes]) -> Lock:
    """The lock over these files (path -> content), this harness and this environment."""
    files = {path: hashlib.sha256(contents[path]).hexdigest() for path in sorted(contents)}
    parts: dict[str, Any] = {"files": files, "harness": harness_hash(), "environment": environment()}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return Lock(hashlib.sha256(text.encode()).hexdigest(), **parts)


@functools.cache
def harness_hash() -> str:
    """SHA-256 over the harness's own source: scorers included."""
    root = Path(harness.__file__).parent
    hasher = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".json", ".yaml"}):
        content = path.read_bytes()
        hasher.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return hasher.hexdigest()


@functools.cache
def environment() -> Mapping[str, str]:
    """Versions of Python and of every distribution that the bot's own environment needs."""
    found = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    waiting = ["autoresearch-bot"]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        for requirement in distribution.requires or []:
            if "extra ==" not in requirement:
                waiting.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    return dict(sorted(found.items()))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class Watch:
    """Locked files in a checkout, looked at after every experiment."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        """files: path below root -> SHA-256. Raises IntegrityError if one differs already."""
        self._paths = {path: root / path for path in files}
        self._files = files
        self._seen: dict[str, tuple[int, int, int, int]] = {}
        for path in files:
            self._hash(path)

    def check(self) -> None:
        """Raises IntegrityError if a locked file is no longer what it was."""
        for path, real in self._paths.items():
            if _identity(real) != self._seen[path]:
                self._hash(path)

    def check_in_full(self) -> None:
        """The same by content, whatever times and inodes say."""
        for path in self._paths:
            self._hash(path)

    def _hash(self, path: str) -> None:
        before = _identity(self._paths[path])
        if before is None or self._paths[path].is_symlink():
            raise IntegrityError(f"the locked file {path} is gone", why=_WHY)
        if hashlib.sha256(self._paths[path].read_bytes()).hexdigest() != self._files[path]:
            raise IntegrityError(f"the locked file {path} changed during the night", why=_WHY)
        self._seen[path] = before


_WHY = "something wrote into the night's scratch checkout; scores from before and after do not compare"


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    """What a change of content changes too; the last of them no program can set back."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
