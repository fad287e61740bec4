"""Whole nights of shipped targets whose proposer asks a scripted provider, and searches of all that they leave.

The real commands, broker and clients run; only the provider is ours. Everything that a night leaves is divided into
places, so that what is looked for can be said to be here and not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot import records
from bot.night.folder import Night, nights
from harness import folds
from harness.events import Event
from harness.repository import Repository
from tests.fences import outside
from tests.leaks import found_in, in_folder, in_git
from tests.scripted import Answer, Scripted
from tests.support import ENVIRONMENT, autoresearch, git, make_repository

KEY_VARIABLE = "SCRIPTED_KEY"
CONFIG = """models:
  providers: {{scripted: {{kind: openai, base_url: "{address}", key: {variable}}}}}
  prices: {{small: {{input: 1, output: 5}}}}
"""
ASKS = "proposer: {{kind: openai, provider: scripted, model: small, max_tokens: 1000{more}}}"


def asking(declared: str, experiments: int, more: str = "") -> str:
    """A shipped target.yaml whose proposer is the scripted model. more: further options."""
    kept = [line for line in declared.splitlines() if not line.startswith(("proposer:", "budget:"))]
    assert len(kept) == len(declared.splitlines()) - 2
    asks = ASKS.format(more=f", {more}" if more else "")
    return "\n".join([*kept, asks, f"budget: {{experiments: {experiments}, usd: 20}}", ""])


class Stage:
    """A repository with one shipped target, and the nights that are played on it. key: what the broker alone holds."""

    def __init__(self, folder: Path, target: str, files: Mapping[str, str | bytes], answers: Answer, key: str) -> None:
        self.target, self.key, self._folder = target, key, folder
        self.provider = Scripted(answers)
        with_config = {".github/autoresearch.yml": CONFIG.format(address=self.provider.address, variable=KEY_VARIABLE)}
        self.repository = make_repository(folder, {**files, **with_config})
        self.said: dict[str, str] = {}

    def night(self, *arguments: str, timeout: float = 400) -> Night:
        """One whole night by the command, with the key in its environment."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        words = [sys.executable, "-m", "bot.cli", "night", "--seed", "4", *arguments]
        environment = {**inherited, **ENVIRONMENT, KEY_VARIABLE: self.key}
        done = subprocess.run(
            words, cwd=self.repository.root, env=environment, capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        found = nights(Repository.find(self.repository.root))[-1]
        self.said[f"night {found.name}"] = done.stdout + done.stderr
        return found

    def looked_at(self, night: Night) -> Path:
        """By the commands that read a night; the folder of its pages."""
        pages = self._folder / f"pages-{night.name}"
        for arguments in (("report", night.name, "--out", str(pages)), ("report", night.name), ("log", night.name)):
            done = autoresearch(self.repository, *arguments)
            assert done.returncode == 0, done.stderr
            self.said[" ".join(arguments[:2])] = self.said.get(" ".join(arguments[:2]), "") + done.stdout + done.stderr
        return pages

    def experiments(self, night: Night) -> dict[int, Event]:
        return {event["id"]: event for event in folds.of_kind(night.segments(self.target), "experiment")}

    def confirmed(self, night: Night) -> Event:
        return folds.of_kind(night.segments(self.target), "confirm")[-1]

    @property
    def prompts(self) -> list[str]:
        """As the provider received them."""
        return self.provider.bodies

    def places(self, needles: Mapping[bytes, str], *, but_base: bool = False) -> dict[str, set[str]]:
        """Where the needles are: prompts, logs, and every file and git object of the repository. but_base: what the
        user committed before the first night is left out, and the working tree, which is the same. Objects are named by
        their paths, as long as a branch leads to them."""
        root = self.repository.root
        found = {f"prompt {n}": found_in(body.encode(), needles) for n, body in enumerate(self.prompts)}
        found |= {f"log of {label}": found_in(text.encode(), needles) for label, text in self.said.items()}
        base = set(git(root, "rev-list", "--objects", "main").split()) if but_base else set()
        listed = git(root, "rev-list", "--objects", "--all").splitlines()
        paths = dict(line.split(" ", 1) for line in listed if " " in line)
        for name, there in in_git(self.repository, needles).items():
            kind, digest = name.split()
            if digest not in base:
                found[f"object {kind} {paths.get(digest, digest)}"] = there
        folder = self.repository.state if but_base else root
        found |= {f"file {name}": there for name, there in in_folder(folder, needles).items()}
        found |= {f"page {name}": there for name, there in self._pages(needles)}
        return {place: there for place, there in found.items() if there}

    def pages_folders(self, name: str) -> list[Path]:
        """A file of this name in every folder of pages."""
        return [folder / name for folder in sorted(self._folder.glob("pages-*"))]

    def _pages(self, needles: Mapping[bytes, str]) -> Iterator[tuple[str, set[str]]]:
        for folder in sorted(self._folder.glob("pages-*")):
            yield from in_folder(folder, needles).items()

    def recorded(self, needles: Mapping[bytes, str]) -> set[str]:
        """Names of segments and packs on the records branch that hold a needle."""
        tree = records.tree(self.repository)
        contents = self.repository.blobs(tree.values())
        return {path for path, blob in tree.items() if found_in(contents[blob], needles)}


def read(bodies: Sequence[str]) -> list[list[tuple[str, str]]]:
    """Of each request the role and the text of its messages."""
    return [[(one["role"], _text(one)) for one in json.loads(body)["messages"]] for body in bodies]


def instructions(body: str) -> str:
    """What a request tells its model to do, to a reader who keeps to the rule of the fences; the model's own earlier
    answers are no instruction."""
    ((messages),) = read([body])
    return "\n".join(outside(text) for role, text in messages if role in {"system", "user"})


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
