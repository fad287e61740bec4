"""What a pull request means for the targets of the branch that it would be merged into, by its paths alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.forge.github.changes import Change
from bot.install.needs import needs_gpt
from bot.install.options import GPT_LOCK_FILE, LOCK_FILE
from bot.pages.wording.text import code, names
from harness import targetfile
from harness.configfile import ConfigFile
from harness.errors import AutoresearchError
from harness.repository import REGULAR_MODES, Source
from harness.target import Target

NOTHING = "touches no target"
EDITED = "not measured by a night: promote measures it after the merge"
LOCKED = "changes what computes the score: scores before and after cannot be compared"
UNREADABLE = "what it touches cannot be told: the targets do not load"
TOO_MANY = "what it touches cannot be told: it changes too many files"
# What an extra brings is in no lock: such a target goes on as if nothing had changed.
_UNTOLD = "may measure otherwise after the merge, and no lock tells its earlier records apart: read what moved in"
_REGULAR = min(REGULAR_MODES)
_MOST = 50  # targets that are listed
_OWN = "harness/"  # where the bot's own repository keeps what judges


@dataclass(frozen=True)
class Said:
    """What the check run says; summary in Markdown."""

    conclusion: Literal["success", "neutral"]
    title: str
    summary: str


@dataclass(frozen=True)
class _After:
    """The files of a branch as they would be called after the merge. Contents are those from before."""

    before: Source
    changes: Sequence[Change]
    label: str = "the pull request"

    def modes(self) -> Mapping[str, str]:
        found = dict(self.before.modes())
        for change in self.changes:
            for path in change.gone:
                found.pop(path, None)
        return found | {change.path: found.get(change.path, _REGULAR) for change in self.changes if not change.removed}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted, there = list(paths), self.before.modes()
        return dict.fromkeys(wanted, b"") | self.before.read([path for path in wanted if path in there])


@dataclass(frozen=True)
class Targets:
    """source: the branch that is merged into; its targets, and the keys that they share. own: whether this is the bot's
    own repository, whose code judges."""

    source: Source
    targets: Sequence[Target]
    defaults: ConfigFile | None = None
    own: bool = False

    def judge(self, changes: Sequence[Change]) -> Said:
        """Changed scoring outweighs a changed file: of such a merge nobody can say what it gained."""
        paths = {path for change in changes for path in (change.path, *change.gone)}
        locked = {target.name: sorted(paths & self._locked(target, changes, paths)) for target in self.targets}
        edited = {target.name: [target.file] for target in self.targets if target.file in paths}
        if any(locked.values()):
            beside = {name: paths for name, paths in locked.items() if paths == [GPT_LOCK_FILE]}
            anew = {name: paths for name, paths in locked.items() if name not in beside}
            lines = [*_lines(anew, "starts anew after the merge: changed are"), *_lines(beside, _UNTOLD)]
            return Said("neutral", LOCKED, _listed(lines))
        if edited:
            return Said("neutral", EDITED, _listed(_lines(edited, "changed is")))
        return Said("success", NOTHING, "No target's file changes, nor anything that computes a score.")

    def _locked(self, target: Target, changes: Sequence[Change], paths: Collection[str]) -> set[str]:
        """Everything that the target's lock covers, before the merge or after it, and what its jobs install."""
        found = {*target.locked, LOCK_FILE, *([GPT_LOCK_FILE] if needs_gpt(self.source, target) else [])}
        if self.own:
            found |= {path for path in paths if path.startswith(_OWN) and path.endswith((".py", ".json"))}
        try:
            return found | set(targetfile.load(_After(self.source, changes), target.folder, self.defaults).locked)
        except AutoresearchError:
            return found  # what it lacks then was locked before, or is the file itself


def _lines(found: Mapping[str, Sequence[str]], says: str) -> list[str]:
    return [f"- {code(name)} {says} {names([code(path) for path in paths])}" for name, paths in found.items() if paths]


def _listed(lines: Sequence[str]) -> str:
    more = len(lines) - _MOST
    return "\n".join([*lines[:_MOST], *([f"- and {more:,} more targets"] if more > 0 else [])])
