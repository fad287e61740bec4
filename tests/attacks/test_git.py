"""What a repository's own settings and a candidate's content do to the bot's commits: nothing but one blob at one path.

A whole night, confirmed and proposed, in a repository whose settings name programs. Each leaves a mark if it is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot import commits
from bot.forge.local import LocalForge
from bot.night import propose as proposing
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.propose import propose
from bot.night.run import run
from harness import folds, repository
from harness.admission import Admission, Admitted, Refused
from harness.repository import Repository, WorkingSource
from tests.attacks.loops import Scripted, contents, planned
from tests.support import git, write

FOLDER = "targets/experiments/words"
_TARGET = """
name: words
file: words.txt
evaluate: {command: [sh, evaluate.sh], timeout: 30s}
metrics: [{name: words, goal: maximize}]
"""
_EVALUATOR = 'echo ---\necho "words: $(wc -w < "$AUTORESEARCH_FILE")"\n'
_FILE = f"{FOLDER}/words.txt"
BETTER = "one two three\r\nfour\r\n"


@dataclass(frozen=True)
class Attack:
    """prepare: in the repository, given the path of the mark. succeeded: of the night and its mark. layer: the control
    takes it out. content: what is proposed."""

    prepare: Callable[[Repository, Path], object]
    succeeded: Callable[[Night, Path], bool]
    layer: Callable[[pytest.MonkeyPatch], object]
    content: str = BETTER


def _program(path: Path, mark: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    path.chmod(0o755)


def hook(name: str) -> Callable[[Repository, Path], None]:
    return lambda there, mark: _program(there.common / "hooks" / name, mark)


def setting(name: str, *more: str) -> Callable[[Repository, Path], None]:
    """A program that git starts when this setting names it."""

    def prepare(there: Repository, mark: Path) -> None:
        _program(there.common / "program", mark)
        git(there, "config", name, str(there.common / "program"))
        for one in more:
            git(there, "config", *one.split("="))

    return prepare


def attributes(text: str, *settings: str) -> Callable[[Repository, Path], None]:
    def prepare(there: Repository, mark: Path) -> None:
        _program(there.common / "program", mark)
        (there.common / "info").mkdir(exist_ok=True)
        (there.common / "info" / "attributes").write_text(text)
        for one in settings:
            name, value = one.split("=")
            git(there, "config", name, value.replace("PROGRAM", str(there.common / "program")))

    return prepare


def marked(_night: Night, mark: Path) -> bool:
    return mark.exists()


def changed_on_the_way(night: Night, _mark: Path) -> bool:
    blob = git(night.repository, "rev-parse", f"autoresearch/{night.name}:{FOLDER}/words.txt")
    return blob != night.repository.blob_id(BETTER.encode())


def message(night: Night) -> str:
    return git(night.repository, "log", "--format=%B", f"{night.plan.base}..autoresearch/{night.name}")


def without(words: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Git is started without this option."""
    real = repository.subprocess.run

    def started(command: list[str], **settings: Any) -> Any:
        if words in command:
            at = command.index(words)
            command = [*command[: at - 1], *command[at + 1 :]]
        return real(command, **settings)

    return lambda patch: patch.setattr(repository.subprocess, "run", started)


def filtered(patch: pytest.MonkeyPatch) -> None:
    """Blobs are written as `git add` would write them."""

    def write_blob(there: Repository, content: bytes) -> str:
        path = f"--path={FOLDER}/words.txt"
        return there.git("hash-object", "-w", "-t", "blob", path, "--stdin", stdin=content).decode().strip()

    patch.setattr(commits, "write_blob", write_blob)


def outspoken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proposing, "plain", lambda text, _most: text)
    patch.setattr(proposing, "inert", lambda text: text)
    patch.setattr(proposing, "words", lambda text, _most: text)


_FSMONITOR = "core.fsmonitor=false"
_HOOKS = "core.hooksPath=/dev/null"

ATTACKS = {
    "hook of a moved reference": Attack(hook("reference-transaction"), marked, without(_HOOKS)),
    "hook of a changed index": Attack(hook("post-index-change"), marked, without(_HOOKS)),
    "file system monitor": Attack(setting("core.fsmonitor"), marked, without(_FSMONITOR)),
    "clean filter": Attack(attributes("*.txt filter=evil\n", "filter.evil.clean=PROGRAM"), marked, filtered),
    "process filter": Attack(attributes("*.txt filter=evil\n", "filter.evil.process=PROGRAM"), marked, filtered),
    "line ends by attribute": Attack(attributes("*.txt text eol=lf\n"), changed_on_the_way, filtered),
    "line ends by setting": Attack(attributes("", "core.autocrlf=input"), changed_on_the_way, filtered),
    "identity that is filled in": Attack(
        attributes("*.txt ident\n"),
        lambda night, _mark: "$Id: 5" not in git(night.repository, "show", f"autoresearch/{night.name}:{_FILE}"),
        filtered,
        "one two $Id: 5 $ three four five\n",
    ),
    "a call for people in the message": Attack(
        lambda *_: None, lambda night, _mark: "@octocat" in message(night), outspoken, "one two @octocat three\n"
    ),
    "a closed issue in the message": Attack(
        lambda *_: None, lambda night, _mark: "#123" in message(night), outspoken, "one two closes #123 three\n"
    ),
    "an order to skip checks in the message": Attack(
        lambda *_: None, lambda night, _mark: "[skip ci]" in message(night), outspoken, "one two [skip ci] three\n"
    ),
    "a terminal's colours in the message": Attack(
        lambda *_: None, lambda night, _mark: "\x1b" in message(night), outspoken, "one two \x1b[31mred three\n"
    ),
    "a text that runs backwards in the message": Attack(
        lambda *_: None, lambda night, _mark: "\u202e" in message(night), outspoken, "one two \u202ethree four\n"
    ),
}


def night_of(folder: Path, attack: Attack, patch: pytest.MonkeyPatch | None) -> tuple[Night, Path]:
    mark = folder / "mark"
    words = "one \u202e\n" if "\u202e" in attack.content else "one\n"  # admission takes such a mark from the base only
    files = {"target.yaml": _TARGET, "evaluate.sh": _EVALUATOR, "words.txt": words}
    night, target = planned(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
    attack.prepare(night.repository, mark)
    if patch:
        attack.layer(patch)
    WorkingSource(night.repository).modes()  # what check looks at
    run(night, target, quiet=True, proposer=Scripted(contents(attack.content, words="more words")))
    assert confirm(night, target) == "confirmed"
    propose(night, [target], LocalForge(night.path))
    return night, mark


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    night, mark = night_of(tmp_path / "held", attack, None)
    assert not attack.succeeded(night, mark)
    changed = git(night.repository, "diff", "--name-only", night.plan.base, f"autoresearch/{night.name}").splitlines()
    assert {path for path in changed if not path.startswith("results/")} == {f"{FOLDER}/words.txt"}
    modes = git(night.repository, "ls-tree", "-r", f"autoresearch/{night.name}").splitlines()
    assert {line.split()[0] for line in modes} == {"100644"}
    with pytest.MonkeyPatch.context() as patch:
        night, mark = night_of(tmp_path / "control", attack, patch)
        assert attack.succeeded(night, mark), "the control fails"


@pytest.mark.parametrize("admitted", [False, True])
def test_a_change_that_no_diff_shows(admitted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One NUL byte makes a file binary to git, and its diff empty. Admission refuses it."""
    files = {"target.yaml": _TARGET, "evaluate.sh": _EVALUATOR, "words.txt": "one\n"}
    night, target = planned(tmp_path, {f"{FOLDER}/{name}": text for name, text in files.items()})
    if admitted:
        real = Admission.judge

        def judge(self: Admission, content: bytes) -> Admitted | Refused:
            return replace(real(self, content.replace(b"\0", b" ")), blob=self._blob_id(content))

        monkeypatch.setattr(Admission, "judge", judge)
    run(night, target, quiet=True, proposer=Scripted(contents("one two \0 three\n")))
    event = folds.of_kind(night.segments("words"), "experiment")[0]
    assert (event["status"] == "keep") == admitted
    assert admitted or "NUL" in event["why"]
    if admitted:
        confirm(night, target)
        propose(night, [target], LocalForge(night.path))
        shown = git(night.repository, "diff", "--numstat", night.plan.base, f"autoresearch/{night.name}")
        assert f"-\t-\t{FOLDER}/words.txt" in shown


def test_text_that_reads_otherwise_than_it_runs(tmp_path: Path) -> None:
    """Controls of bidirectional text are refused, unless the base file has them already."""
    hidden = "one \u202e two\n"
    for base, expected in (("one\n", "discard"), ("\u202e\n", "keep")):
        files = {"target.yaml": _TARGET, "evaluate.sh": _EVALUATOR, "words.txt": base}
        night, target = planned(tmp_path / expected, {f"{FOLDER}/{name}": text for name, text in files.items()})
        run(night, target, quiet=True, proposer=Scripted(contents(hidden)))
        event = folds.of_kind(night.segments("words"), "experiment")[0]
        assert (event["status"], "U+202E" in event["why"]) == (expected, expected == "discard")


def test_the_unchanged_working_tree(tmp_path: Path) -> None:
    """A night leaves what lies in the working tree alone."""
    night, _mark = night_of(tmp_path, ATTACKS["clean filter"], None)
    write(night.repository, {})
    assert (night.repository.root / FOLDER / "words.txt").read_text() == "one\n"
