"""Reading a git repository: commits and working trees as maps from path to content. Writes nothing."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from harness.errors import RepositoryError

REGULAR_MODES = frozenset({"100644", "100755"})


class Source(Protocol):
    """Where a target's files come from: a commit, or the working tree."""

    @property
    def label(self) -> str:
        """What it is called in messages."""
        ...

    def modes(self) -> Mapping[str, str]:
        """Every file's path (from the repository's root, with /) and its git mode."""
        ...

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files."""
        ...


@dataclass(frozen=True)
class Repository:
    """root: the working tree; common: git's own folder, shared by all worktrees."""

    root: Path
    common: Path

    @classmethod
    def find(cls, start: Path) -> Repository:
        if not shutil.which("git"):
            raise RepositoryError("git is not installed", next_step="install git, then run the command again")
        answer = _git(start, "rev-parse", "--show-toplevel", "--git-common-dir", check=False)
        if answer.returncode != 0:
            said = answer.stderr.decode(errors="replace").strip()
            if "dubious ownership" in said:
                step = f"git config --global --add safe.directory {start.resolve()}"
                raise RepositoryError("git refuses a repository that somebody else owns", why=said, next_step=step)
            step = "cd into one, or: git init && git add -A && git commit -m 'first commit'"
            raise RepositoryError(f"{start.resolve()} is not in a git repository", next_step=step)
        root, common = answer.stdout.decode().splitlines()
        return cls(Path(root), (start / common).resolve())

    @property
    def state(self) -> Path:
        """Where nights live."""
        return self.common / "autoresearch"

    @property
    def private(self) -> Path:
        """Where copies of rows lie, which nothing may carry along as it carries `state`: only its owner may read it."""
        return self.common / "autoresearch-private"

    def git(self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """The output of a git command. Raises RepositoryError."""
        answer = _git(self.root, *arguments, stdin=stdin, env=env, check=False)
        if answer.returncode != 0:
            said = answer.stderr.decode(errors="replace").strip()[:500]
            raise RepositoryError(f"git {arguments[0]} failed", why=said or f"exit code {answer.returncode}")
        return answer.stdout

    def commit(self, revision: str = "HEAD") -> str:
        """The full id of a commit."""
        answer = _git(self.root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)
        if answer.returncode != 0:
            step = "git add -A && git commit -m 'first commit'" if revision == "HEAD" else "git log --oneline"
            raise RepositoryError(f"there is no commit {revision}", next_step=step)
        return answer.stdout.decode().strip()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """While nobody moves a reference: each is asked for once, and one process reads all blobs."""
        reader = _Reader(self.root)
        self._rest.append(reader)
        try:
            yield
        finally:
            self._rest.remove(reader)
            reader.close()

    @functools.cached_property
    def _rest(self) -> list[_Reader]:
        return []

    def reference(self, name: str) -> str | None:
        """What a reference points at, or None."""
        if self._rest:
            return self._rest[-1].reference(name, self._reference)
        return self._reference(name)

    def _reference(self, name: str) -> str | None:
        answer = _git(self.root, "rev-parse", "--verify", "--quiet", name, check=False)
        return answer.stdout.decode().strip() if answer.returncode == 0 else None

    def tree(self, commit: str, prefix: str = "") -> dict[str, tuple[str, str]]:
        """path -> (mode, blob id) of every file of a commit below a folder."""
        where = ["--", f"{prefix}/"] if prefix else []
        listing = self.git("ls-tree", "-r", "-z", "--full-tree", commit, *where)
        found = {}
        for entry in listing.split(b"\0")[:-1]:
            head, path = entry.split(b"\t", 1)
            mode, _kind, blob = head.decode().split()
            found[os.fsdecode(path)] = (mode, blob)
        return found

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs, read in one process."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        if self._rest:
            return {blob: self._rest[-1].blob(blob) for blob in wanted}
        output = self.git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in wanted).encode())
        found, at = {}, 0
        for blob in wanted:
            end = output.index(b"\n", at)
            fields = output[at:end].split()
            if len(fields) != 3:
                raise RepositoryError(f"object {blob} is missing from the repository")
            size = int(fields[2])
            found[blob] = output[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def stream(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Blobs with their contents, in the order asked for, one at a time: for more than memory holds."""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{blob}\n" for blob in ids).encode())
            asked.seek(0)
            with subprocess.Popen(
                ["git", "cat-file", "--batch", "--buffer"], cwd=self.root, stdin=asked, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=_environment({}), bufsize=1 << 20,
            ) as process:  # fmt: skip
                for blob in ids:
                    yield blob, _next_blob(cast(IO[bytes], process.stdout), blob)

    def blob_id(self, content: bytes) -> str:
        """The id that git gives to this content here."""
        return self._blob_id(content)

    @functools.cached_property
    def _blob_id(self) -> Callable[[bytes], str]:
        """Remembers the last, which the loop asks for when it admits and again when it measures."""
        return functools.lru_cache(maxsize=128)(
            lambda content: str(self._hash(b"blob %d\0" % len(content) + content).hexdigest())
        )

    @functools.cached_property
    def _hash(self) -> Callable[[bytes], Any]:
        """The hash of this repository's objects."""
        name = _git(self.root, "rev-parse", "--show-object-format", check=False).stdout.decode().strip() or "sha1"
        return functools.partial(getattr(hashlib, name), usedforsecurity=False)


class _Reader:
    """A git process that is asked for one blob after the other, and what references were found to be."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=_environment({}),
        )  # fmt: skip
        self._asked, self._said = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._references: dict[str, str | None] = {}

    def blob(self, blob: str) -> bytes:
        self._asked.write(f"{blob}\n".encode())
        self._asked.flush()
        return _next_blob(self._said, blob)

    def reference(self, name: str, ask: Callable[[str], str | None]) -> str | None:
        if name not in self._references:
            self._references[name] = ask(name)
        return self._references[name]

    def close(self) -> None:
        self._process.communicate()


def _next_blob(out: IO[bytes], blob: str) -> bytes:
    """What `cat-file --batch` answers. Raises RepositoryError where the blob is missing."""
    fields = out.readline().split()
    if len(fields) != 3:
        raise RepositoryError(f"object {blob} is missing from the repository")
    content = out.read(int(fields[2]))
    out.read(1)
    return content


@dataclass(frozen=True)
class CommitSource:
    """The files of one commit."""

    repository: Repository
    commit: str

    @property
    def label(self) -> str:
        return f"commit {self.commit[:12]}"

    def modes(self) -> Mapping[str, str]:
        return {path: mode for path, (mode, _blob) in self._tree.items()}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = {path: self._tree[path][1] for path in paths}
        contents = self.repository.blobs(wanted.values())
        return {path: contents[blob] for path, blob in wanted.items()}

    @property
    def _tree(self) -> dict[str, tuple[str, str]]:
        return _commit_tree(self.repository, self.commit)


@dataclass(frozen=True)
class WorkingSource:
    """The files of the working tree, committed or not, less what git ignores."""

    repository: Repository
    label: str = "the working tree"

    def modes(self) -> Mapping[str, str]:
        listing = self.repository.git(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", ":/"
        )
        found = {}
        for path in sorted({os.fsdecode(entry) for entry in listing.split(b"\0")[:-1]}):
            mode = _mode(self.repository.root / path)
            if mode:
                found[path] = mode
        return found

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: (self.repository.root / path).read_bytes() for path in paths}


@functools.lru_cache(maxsize=8)
def _commit_tree(repository: Repository, commit: str) -> dict[str, tuple[str, str]]:
    return repository.tree(commit)


def _mode(path: Path) -> str | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    if stat.S_ISLNK(status.st_mode):
        return "120000"
    if not stat.S_ISREG(status.st_mode):
        return None
    return "100755" if status.st_mode & 0o100 else "100644"


def _git(
    where: Path,
    *arguments: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[bytes]:
    # A repository's own configuration must not start programs: no hooks, no file system monitor.
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *arguments]
    return subprocess.run(
        command, cwd=where, input=stdin if stdin is not None else b"", capture_output=True, check=check,
        env=_environment(env or {}),
    )  # fmt: skip


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**inherited, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **more}
