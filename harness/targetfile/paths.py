"""Every path of a target.yaml, resolved from the repository's root and held against what is really there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from harness import configfile
from harness.configfile import ConfigFile
from harness.decide import Metric
from harness.repository import REGULAR_MODES
from harness.target import TARGET_FILE, Evaluate, glob_pattern, seconds


class Paths:
    """Resolves one target's paths. modes: every file of the source; label: what the source is called in errors."""

    def __init__(
        self, modes: Mapping[str, str], folder: str, config: ConfigFile, data: Mapping[str, Any], label: str
    ) -> None:
        self.modes, self.folder, self.config, self.data, self.label = modes, folder, config, data, label

    def path(self, pointer: str, written: str) -> str:
        path = posixpath.normpath(
            written.lstrip("/") if written.startswith("/") else posixpath.join(self.folder, written)
        )
        if path.startswith("../") or path == "..":
            raise self.config.error(pointer, f'"{written}" lies outside the repository')
        return path

    def existing(self, pointer: str, written: str) -> str:
        path = self.path(pointer, written)
        mode = self.modes.get(path)
        if mode is None:
            hint = configfile.nearest(path, self.modes) or f"; nothing of that name is in {self.label}"
            raise self.config.error(pointer, f'"{path}" does not exist{hint}', next_step="git add and commit it first")
        if mode not in REGULAR_MODES:
            raise self.config.error(pointer, f'"{path}" is a link or a submodule; it must be a plain file')
        return path

    def hidden(self) -> tuple[str, ...]:
        written = self.data.get("data", {}).get("hidden", [])
        found = {path for index, pattern in enumerate(written) for path in self.match(f"/data/hidden/{index}", pattern)}
        if found and self.data.get("sample") != "rows":
            raise self.config.error(
                "/data/hidden", "hidden data is read by confirm alone", next_step="add: sample: rows"
            )
        return tuple(sorted(found))

    def locked(
        self, file: str, program: str | None, hidden: tuple[str, ...], metrics: tuple[Metric, ...]
    ) -> tuple[str, ...]:
        if "locked" in self.data:
            found = {p for i, written in enumerate(self.data["locked"]) for p in self.match(f"/locked/{i}", written)}
            if file in found:
                raise self.config.error("/locked", f'"{file}" is the editable file; it cannot be locked too')
        else:
            prefix = f"{self.folder}/" if self.folder else ""
            found = {path for path in self.modes if path.startswith(prefix)} - {file}
        found |= {posixpath.join(self.folder, TARGET_FILE), *hidden}
        found |= {self.existing(f"/metrics/{i}/labels", m.labels) for i, m in enumerate(metrics) if m.labels}
        found -= {program} if program else set()
        for path in sorted(found):
            if self.modes[path] not in REGULAR_MODES:
                raise self.config.error(
                    "/locked", f'"{path}" is a link or a submodule; what is locked must be plain files'
                )
        return tuple(sorted(found))

    def match(self, pointer: str, written: str) -> set[str]:
        pattern = self.path(pointer, written)
        matcher = glob_pattern(pattern)
        found = {path for path in self.modes if matcher.fullmatch(path)}
        if not found:
            hint = configfile.nearest(pattern, self.modes)
            raise self.config.error(pointer, f'"{written}" matches no file in {self.label}{hint}')
        return found

    def evaluate(self, locked: tuple[str, ...], file: str) -> Evaluate:
        entry = self.data["evaluate"]
        forms = [form for form in ("command", "serve") if form in entry]
        if len(forms) != 1:
            raise self.config.error("/evaluate", "exactly one of command and serve is needed")
        form = "process" if forms[0] == "command" else "serve"
        for index, word in enumerate(entry[forms[0]]):
            pointer = f"/evaluate/{forms[0]}/{index}"
            path = posixpath.normpath(posixpath.join(self.folder, word))
            if path == file:
                raise self.config.error(pointer, f'"{word}" is the editable file; an evaluator must be locked')
            if path in self.modes and path not in locked:
                raise self.config.error(
                    pointer, f'"{word}" computes the score and is not locked', next_step="add it to locked"
                )
            looks_like_file = (index > 0 and re.search(r"\.(py|sh|js|rb|pl)$", word)) or word.startswith("./")
            if looks_like_file and not word.startswith("-") and path not in self.modes:
                hint = configfile.nearest(path, locked)
                raise self.config.error(pointer, f'"{word}" does not exist in {self.label}{hint}')
        return Evaluate(form, tuple(entry[forms[0]]), seconds(entry.get("timeout", "60s")))
