"""A bare git repository and what GitHub does to one: commits, merges in three ways, differences. All by plumbing."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

GITHUB = ("GitHub", "noreply@github.com")
Files = dict[str, str | bytes | None]
CONFIG = """
[http]
    receivepack = true
[receive]
    hideRefs = refs/pull
[uploadpack]
    allowAnySHA1InWant = true
[gc]
    auto = 0
"""


class Conflict(Exception):
    """The two sides changed the same lines."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True)
class Changed:
    """One file of a difference; `status` in GitHub's words."""

    path: str
    status: str
    additions: int
    deletions: int
    blob: str | None


def data(content: str | bytes) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return f"data {len(raw)}\n".encode() + raw + b"\n"


class Bare:
    """Plumbing on one bare repository; every method is one or a few git processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fixed: dict[tuple[str, ...], str] = {}

    @classmethod
    def create(cls, path: Path, default_branch: str) -> Bare:
        subprocess.run(["git", "init", "-q", "--bare", "-b", default_branch, str(path)], check=True)
        with (path / "config").open("a", encoding="utf-8") as config:
            config.write(CONFIG)
        return cls(path)

    def run(self, *words: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *words],
            input=stdin, capture_output=True, text=True, errors="replace", check=False,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        if done.returncode:
            raise ValueError(f"git {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.rstrip("\n")

    def lasting(self, *words: str) -> str:
        """As `run`, for commands whose words are hashes: their answer never changes and is kept."""
        if words not in self.fixed:
            self.fixed[words] = self.run(*words)
        return self.fixed[words]

    def answers(self, *words: str) -> bool:
        done = subprocess.run(["git", "-C", str(self.path), *words], capture_output=True, check=False)
        return done.returncode == 0

    def sha(self, name: str) -> str | None:
        ask = self.lasting if re.fullmatch("[0-9a-f]{40}", name) else self.run
        try:
            return ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except ValueError:
            return None

    def refs(self, prefix: str = "refs/") -> dict[str, tuple[str, str]]:
        """Name -> (object's hash, object's type) of every ref below `prefix`."""
        text = self.run("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)", prefix.rstrip("/") or "refs")
        return {name: (sha, kind) for name, sha, kind in (line.split() for line in text.splitlines())}

    def update(self, ref: str, sha: str | None) -> None:
        self.run("update-ref", *(["-d", ref] if sha is None else [ref, sha]))

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.answers("merge-base", "--is-ancestor", old, new)

    def tree(self, commit: str) -> str:
        return self.run("rev-parse", f"{commit}^{{tree}}")

    def file(self, ref: str, path: str) -> bytes | None:
        done = subprocess.run(
            ["git", "-C", str(self.path), "cat-file", "blob", f"{ref}:{path}"], capture_output=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    def commit_tree(
        self, tree: str, parents: list[str], message: str, author: Person, at: datetime, committer: Person | None = None
    ) -> str:
        by = committer or author
        env = {
            "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email, "GIT_AUTHOR_DATE": at.isoformat(),
            "GIT_COMMITTER_NAME": by.name, "GIT_COMMITTER_EMAIL": by.email, "GIT_COMMITTER_DATE": at.isoformat(),
        }  # fmt: skip
        words = [word for parent in parents for word in ("-p", parent)]
        return self.run("commit-tree", tree, *words, stdin=message, env=env)

    def write(self, ref: str, parent: str | None, files: Files, message: str, author: Person, at: datetime) -> str:
        """A commit on `ref` that writes these files, or deletes those whose content is None. One process."""
        who = f"{author.name} <{author.email}> {int(at.timestamp())} +0000"
        stream = f"commit {ref}\nauthor {who}\ncommitter {who}\n".encode() + data(message)
        stream += f"from {parent}\n".encode() if parent else b""
        for path, content in files.items():
            if content is None:
                stream += f"D {path}\n".encode()
            else:
                stream += f"M 100644 inline {path}\n".encode() + data(content)
        words = ["git", "-C", str(self.path), "fast-import", "--quiet", "--force"]
        subprocess.run(words, input=stream, check=True, capture_output=True)
        return self.run("rev-parse", ref)

    def merged_tree(self, ours: str, theirs: str) -> str:
        try:
            return self.run("merge-tree", "--write-tree", "--no-messages", ours, theirs).split("\n", maxsplit=1)[0]
        except ValueError as error:
            raise Conflict(str(error)) from error

    def merge(self, method: str, base: str, head: str, message: str, author: Person, at: datetime) -> str:
        """The commit that GitHub's button makes on top of `base`. Conflict where it cannot."""
        committer = Person(*GITHUB)
        if method == "merge":
            return self.commit_tree(self.merged_tree(base, head), [base, head], message, author, at, committer)
        if method == "squash":
            return self.commit_tree(self.merged_tree(base, head), [base], message, author, at, committer)
        for commit in self.run("rev-list", "--reverse", "--no-merges", f"{base}..{head}").split():
            base = self.picked(commit, base, at)
        return base

    def picked(self, commit: str, onto: str, at: datetime) -> str:
        """`commit` on top of `onto`: a merge whose base is the commit's parent, by way of a commit nobody sees."""
        parent = self.run("rev-parse", f"{commit}^")
        name, email, message = self.run("log", "-1", "--format=%an%x00%ae%x00%B", commit).split("\0")
        disguised = self.commit_tree(self.tree(onto), [parent], "base", Person(*GITHUB), at)
        tree = self.merged_tree(disguised, commit)
        return self.commit_tree(tree, [onto], message, Person(name, email), at, Person(*GITHUB))

    def merges(self, base: str, head: str) -> bool:
        """Would these two commits merge without a conflict?"""
        try:
            return bool(self.lasting("merge-tree", "--write-tree", base, head))
        except ValueError:
            return False

    def between(self, base: str, head: str) -> list[str]:
        """The commits of `head` that `base` does not have, oldest first."""
        return self.lasting("rev-list", "--reverse", f"{base}..{head}").split()

    def changes(self, base: str, head: str) -> list[Changed]:
        """What `head` changes since it left `base`."""
        words = ("--raw", "--numstat", "--no-abbrev", "--no-renames", "-z", f"{base}...{head}")
        parts = iter(self.lasting("diff", *words).split("\0"))
        letters, found = {}, []
        for part in parts:
            if part.startswith(":"):
                letters[next(parts)] = part.split()[3:5]
            elif part:
                plus, minus, path = part.split("\t", 2)
                blob, letter = letters[path]
                status = {"A": "added", "D": "removed"}.get(letter, "modified")
                lines = [0 if each == "-" else int(each) for each in (plus, minus)]
                found.append(Changed(path, status, lines[0], lines[1], None if letter == "D" else blob))
        return found
