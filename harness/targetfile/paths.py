"""Every path of a target.yaml, resolved from the repository's root and held against what is really there."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from harness.complaints import Faults, nearest, show
from harness.configfile import ConfigFile
from harness.errors import ConfigError
from harness.prepared import FOLDER, LOCK_FILE
from harness.repository import REGULAR_MODES
from harness.rule import Metric
from harness.target import TARGET_FILE, Evaluate, glob_pattern, seconds

_TABLES = {".csv", ".tsv", ".parquet", ".feather", ".arrow", ".jsonl", ".ndjson", ".xlsx", ".duckdb", ".sqlite", ".db"}


class Paths:
    """Resolves one target's paths. modes: every file of the source; label: what the source is called in errors."""

    def __init__(self, modes: Mapping[str, str], folder: str, config: ConfigFile, label: str) -> None:
        self.modes, self.folder, self.config, self.data, self.label = modes, folder, config, config.data, label
        self.own = posixpath.join(folder, TARGET_FILE)
        self.data_lock = posixpath.join(folder, LOCK_FILE)

    def file(self) -> str:
        path = self.existing("/file", self.data["file"])
        if path in {self.own, ".github/autoresearch.yml"}:
            raise self.config.error("/file", f"{show(path)} configures the night; a night may not change it")
        return path

    def program(self) -> str | None:
        if "program" not in self.data:
            return None
        path = self.existing("/program", self.data["program"])
        if path == self.path("/file", self.data["file"]):
            raise self.config.error(
                "/program", f"{show(path)} is the editable file; instructions are a file of their own"
            )
        return path

    def path(self, pointer: str, written: str) -> str:
        path = posixpath.normpath(
            written.lstrip("/") if written.startswith("/") else posixpath.join(self.folder, written)
        )
        if path.startswith("../") or path == "..":
            raise self.config.error(pointer, f"{show(written)} lies outside the repository")
        return path

    def existing(self, pointer: str, written: str) -> str:
        path = self.path(pointer, written)
        mode = self.modes.get(path)
        if mode is None:
            if any(known.startswith(f"{path}/") for known in self.modes) or path == ".":
                raise self.config.error(pointer, f"{show(written)} is a folder; it must be a file")
            hint = self._hint(written, self.modes)
            step = "a night sees what git tracks: git add it (-f if .gitignore leaves it out), then commit"
            what = f"{show(written)} is not in {self.label}{hint}"
            raise self.config.error(pointer, what, next_step="" if hint else step)
        if mode not in REGULAR_MODES:
            raise self.config.error(pointer, f"{show(written)} is a link or a submodule; it must be a plain file")
        return path

    def beside(self, name: str) -> bool:
        """Whether a file of this name lies beside target.yaml."""
        return posixpath.join(self.folder, name) in self.modes

    def hidden(self) -> tuple[str, ...]:
        written = self.data.get("data", {}).get("hidden", [])
        if self.data.get("data", {}).get("private") and "setup" not in self.data["evaluate"]:
            what = "rows that are not in the repository must be made by evaluate.setup"
            step = "evaluate: {setup: [python, prepare.py]}, which reads AUTORESEARCH_PRIVATE_DATA"
            raise self.config.error("/data/private", what, next_step=step, at_key=True)
        made = self._made(written)
        found = {*made, *self._matched("/data/hidden", written, but=made)}
        self._refuse_committed("/data/hidden", found - made)
        if found and self.data.get("sample") != "rows" and "noise" not in self.data:
            what = "hidden data is read by confirm alone"
            raise self.config.error("/data/hidden", what, next_step="add: sample: rows, or noise: {}", at_key=True)
        return tuple(sorted(found))

    def _made(self, written: Sequence[str]) -> set[str]:
        """Hidden files that the setup makes, named one by one: what stands in data.lock is not known yet."""
        if "setup" not in self.data["evaluate"]:
            return set()
        return {path for path in map(functools.partial(self.path, "/data/hidden"), written) if self._prepared(path)}

    def locked(
        self, file: str, proposing: set[str | None], hidden: tuple[str, ...], metrics: tuple[Metric, ...]
    ) -> tuple[str, ...]:
        """Everything that computes the score. Raises ConfigError(s) for what may not be locked, or not be hidden."""
        with Faults() as faults:
            faults.found += self._not_hidden(hidden, file, proposing)
            labels = set()
            for index, metric in enumerate(metrics):
                if metric.labels:
                    with faults.part():
                        labels.add(self._labels(f"/metrics/{index}/labels", metric.labels, file))
            with faults.part():
                declared = self._declared(file)
        found = (declared | {self.own, *hidden} | labels) - proposing
        if "setup" in self.data["evaluate"]:
            found = {path for path in found if not self._prepared(path)} | ({self.data_lock} & set(self.modes))
        self._refuse_links(found)
        tables = {path for path in found if path and posixpath.splitext(path)[1].lower() in _TABLES}
        self._refuse_committed("/locked", tables)
        return tuple(sorted(path for path in found if path))

    def _refuse_committed(self, pointer: str, paths: Collection[str]) -> None:
        """Rows of a private target that stand in the repository."""
        if paths and self.data.get("data", {}).get("private"):
            what = f"{show(min(paths))} is in {self.label}, and data.private is for rows that are not"
            step = f"git rm it, and let evaluate.setup make it below {FOLDER}/; its history keeps it"
            raise self.config.error(pointer, what, next_step=step, at_key=True)

    def _declared(self, file: str) -> set[str]:
        if "locked" not in self.data:
            prefix = f"{self.folder}/" if self.folder else ""
            return {path for path in self.modes if path.startswith(prefix)} - {file}
        with Faults() as faults:
            for index, written in enumerate(self.data["locked"]):
                with faults.part():
                    if file in self.match(f"/locked/{index}", written):
                        what = f"{show(written)} locks {show(file)}, the editable file"
                        raise self.config.error(f"/locked/{index}", what, next_step="name what computes the score only")
        return self._matched("/locked", self.data["locked"])

    def _labels(self, pointer: str, written: str, file: str) -> str:
        path = self.existing(pointer, written)
        if path == file:
            raise self.config.error(pointer, f"{show(written)} is the editable file; labels must be locked")
        return path

    def _not_hidden(self, hidden: Sequence[str], file: str, proposing: set[str | None]) -> Iterator[ConfigError]:
        roles = {self.own: "the target's own file", file: "the editable file"}
        for path, role in (roles | {path: "what the proposer reads" for path in proposing if path}).items():
            if path in hidden:
                yield self.config.error("/data/hidden", f"{show(path)} is {role}; the loop needs it", at_key=True)

    def _refuse_links(self, paths: Iterable[str | None]) -> None:
        for path in sorted(path for path in paths if path):
            if self.modes[path] not in REGULAR_MODES:
                what = f"{show(path)} is a link or a submodule; what is locked must be plain files"
                raise self.config.error("/locked", what, next_step="remove it, or list the files to lock under locked")

    def _matched(self, pointer: str, patterns: Sequence[str], but: Collection[str] = ()) -> set[str]:
        """Every file that one of these patterns names. but: paths that need not be there."""
        found: set[str] = set()
        with Faults() as faults:
            for index, written in enumerate(patterns):
                if self.path(f"{pointer}/{index}", written) in but:
                    continue
                with faults.part():
                    found |= self.match(f"{pointer}/{index}", written)
        return found

    def match(self, pointer: str, written: str) -> set[str]:
        matcher = glob_pattern(self.path(pointer, written))
        found = {path for path in self.modes if matcher.fullmatch(path)}
        if not found:
            what = f"{show(written)} matches no file in {self.label}{self._hint(written, self.modes)}"
            raise self.config.error(pointer, what)
        return found

    def evaluate(self, locked: tuple[str, ...], hidden: tuple[str, ...], file: str) -> Evaluate:
        entry = self.data["evaluate"]
        forms = [form for form in ("command", "serve") if form in entry]
        if len(forms) != 1:
            what = f"exactly one of command and serve is needed, found {' and '.join(forms) or 'neither'}"
            raise self.config.error("/evaluate", what, at_key=True)
        setup = entry.get("setup", [])
        with Faults() as faults:
            for key, words in ((forms[0], entry[forms[0]]), ("setup", setup)):
                for index, word in enumerate(words):
                    with faults.part():
                        self._check_word(f"/evaluate/{key}/{index}", word, index, locked, hidden, file)
            faults.found += self._misprepared(setup, file)
        form = "process" if forms[0] == "command" else "serve"
        return Evaluate(form, tuple(entry[forms[0]]), seconds(entry.get("timeout", "60s")), tuple(setup))

    def _misprepared(self, setup: Sequence[str], file: str) -> Iterator[ConfigError]:
        """What lies where the setup writes and cannot be made by it."""
        if setup and self._prepared(file):
            what = f"makes what is below {FOLDER}/, and {show(file)} lies there"
            step = "keep the editable file elsewhere, committed"
            yield self.config.error("/evaluate/setup", what, next_step=step, at_key=True)

    def _prepared(self, path: str) -> bool:
        return path.startswith(posixpath.join(self.folder, FOLDER, ""))

    def _check_word(
        self, pointer: str, word: str, index: int, locked: tuple[str, ...], hidden: tuple[str, ...], file: str
    ) -> None:
        """A word of the evaluator's command that names a file names a locked one that the loop can see."""
        path = posixpath.normpath(posixpath.join(self.folder, word))
        if path == file:
            raise self.config.error(pointer, f"{show(word)} is the editable file; an evaluator must be locked")
        if path in hidden:
            raise self.config.error(pointer, f"{show(word)} is hidden until confirm, and the loop needs it")
        if path in self.modes and path not in locked:
            step = "add it to locked"
            raise self.config.error(pointer, f"{show(word)} computes the score and is not locked", next_step=step)
        script = index > 0 and re.search(r"\.(py|sh|js|rb|pl)$", word) and not word.startswith("-")
        relative = word.startswith(("./", "../")) or (index == 0 and "/" in word.lstrip("/") and word[0] != "/")
        if (script or relative) and path not in self.modes:
            hint = self._hint(word, locked)
            raise self.config.error(pointer, f"{show(word)} is not in {self.label}{hint}")

    def _hint(self, written: str, paths: Iterable[str]) -> str:
        """The nearest path that is there, as this target.yaml would write it."""
        spelled = [self._spelled(path) for path in paths if path != self.own]
        if "*" in written:
            spelled += dict.fromkeys(f"{posixpath.dirname(known)}/**" for known in spelled if "/" in known.lstrip("/"))
        namesakes = [known for known in spelled if posixpath.basename(known) == posixpath.basename(written)]
        if len(namesakes) == 1:
            return f"; did you mean {show(namesakes[0])}?"
        return nearest(written.removeprefix("./"), namesakes or spelled)

    def _spelled(self, path: str) -> str:
        if not self.folder:
            return path
        return path.removeprefix(f"{self.folder}/") if path.startswith(f"{self.folder}/") else f"/{path}"
