"""Bad configuration and bad data: each kind gets its exact message, and the night that meets it writes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import cli, config
from harness.errors import ConfigError, NotFound
from harness.repository import Repository, WorkingSource
from tests.support import ENVIRONMENT, git

TONE = "tone/target.yaml"
SONG = "song/target.yaml"
CONFIG = ".github/autoresearch.yml"
CONFIGURED = 'targets: ["*"]\n'
TARGET = """\
name: tone
file: spec.yaml
space:
  /weights/*: {int: [0, 10]}
evaluate:
  command: [python, evaluate.py]
  timeout: 60s
signal: file-property
metrics:
  - {name: score, goal: maximize}
  - {name: cost, goal: minimize, guard: {tolerance: 5%}}
"""
LAST = "guard: {tolerance: 5%}}\n"  # how it ends
SPEC = """\
weights:
  warm: 5
  cold: 2
label: plain
"""
JSON = '{"weights": {"warm": 5,\n             "cold": 200}}\n'


@dataclass(frozen=True)
class Link:
    """A symbolic link instead of a file."""

    to: str


Content = str | bytes | Link | None  # None: the file is not there


class Files(dict[str, Content]):
    """What a case changes, by path."""

    def edit(self, old: str, new: str) -> Files:
        """With the first `old` in tone/target.yaml replaced."""
        before = self.get(TONE, TARGET)
        assert isinstance(before, str)
        assert old in before
        return Files({**self, TONE: before.replace(old, new, 1)})

    def add(self, line: str) -> Files:
        """With one more line at the end of tone/target.yaml."""
        return self.edit(LAST, f"{LAST}{line}\n")


def edit(old: str, new: str) -> Files:
    return Files().edit(old, new)


def add(line: str) -> Files:
    return Files().add(line)


def second(*pairs: str) -> Files:
    """A second target, song; its target.yaml is tone's with these replaced: old, new, old, new."""
    text = TARGET.replace("name: tone", "name: song")
    for old, new in zip(("name: song" if old == "name: tone" else old for old in pairs[::2]), pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return Files({SONG: text, "song/spec.yaml": SPEC, "song/evaluate.py": "print(1)\n"})


BASE: Mapping[str, Content] = {
    CONFIG: CONFIGURED,
    TONE: TARGET,
    "tone/spec.yaml": SPEC,
    "tone/evaluate.py": "print('---')\nprint('score: 1')\n",
    "tone/program.md": "Warmer.\n",
    "tone/app.py": "print('hello')\n",
    "tone/labels.jsonl": "",
    "tone/data/search.csv": "a\n1\n",
    "tone/data/holdout.csv": "a\n2\n",
    "lib/helper.py": "x = 1\n",
}


@dataclass(frozen=True)
class Case:
    """message: every line of str(error), as `WorkingSource` words it."""

    id: str
    files: Mapping[str, Content]
    message: tuple[str, ...]


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository without a commit; tests copy it, which is faster than git init."""
    root = tmp_path_factory.mktemp("empty") / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    return root


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def build(root: Path, files: Mapping[str, Content]) -> Repository:
    for name, content in {**BASE, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.to)
        elif content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    return Repository(root, root / ".git")


def listing(root: Path) -> dict[str, str | bytes]:
    """Every path below a repository, .git included, with its content."""
    found: dict[str, str | bytes] = {}
    for folder, _folders, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = str(path.readlink()) if path.is_symlink() else path.read_bytes()
    return found


def night(monkeypatch: pytest.MonkeyPatch, root: Path, *names: str) -> int:
    """The exit code of the real command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["autoresearch", "night", "--quiet", "-C", str(root), *names])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


CASES: list[Case] = [
    # The text itself
    Case("empty file", {TONE: ""}, ("tone/target.yaml:1:1: expected a mapping (key: value), found nothing",)),
    Case(
        "a list instead of a mapping",
        {TONE: "- name: tone\n"},
        ("tone/target.yaml:1:1: expected a mapping (key: value), found a list",),
    ),
    Case(
        "duplicate key",
        edit("signal: file-property", "signal: file-property\nname: again"),
        (
            "tone/target.yaml:9:1: the key name stands twice",
            "  next: remove one of the two",
        ),
    ),
    Case(
        "duplicate key in a metric",
        edit("goal: maximize}", "goal: maximize, goal: minimize}"),
        (
            "tone/target.yaml:10:35: the key goal stands twice",
            "  next: remove one of the two",
        ),
    ),
    Case(
        "tab as indentation",
        edit("  timeout: 60s", "\ttimeout: 60s"),
        (
            "tone/target.yaml:7:1: not valid YAML: found character that cannot start any token",
            "  next: YAML aligns with spaces, never tabs",
        ),
    ),
    Case(
        "tab before a first key",
        edit("evaluate:\n  command", "evaluate:\n\tcommand"),
        (
            "tone/target.yaml:6:1: not valid YAML: found character that cannot start any token",
            "  next: YAML aligns with spaces, never tabs",
        ),
    ),
    Case(
        "unclosed bracket",
        edit("[python, evaluate.py]", "[python, evaluate.py"),
        (
            "tone/target.yaml:7:10: not valid YAML: did not find expected ',' or ']'",
            "  next: close the bracket that was opened before this place, or add the comma",
        ),
    ),
    Case(
        "unclosed quote",
        edit("name: tone", 'name: "tone'),
        (
            "tone/target.yaml:12:1: not valid YAML: found unexpected end of stream",
            "  next: close the quote that was opened before this place",
        ),
    ),
    Case(
        "colon in unquoted text",
        edit("name: tone", "name: tone: warm"),
        (
            "tone/target.yaml:1:11: not valid YAML: mapping values are not allowed in this context",
            '  next: align keys of one mapping; quote text that holds ": "',
        ),
    ),
    Case(
        "crooked indentation",
        edit("  timeout: 60s", "   timeout: 60s"),
        (
            "tone/target.yaml:7:4: not valid YAML: did not find expected key",
            "  next: YAML aligns with spaces, never tabs; quote text with : or #",
        ),
    ),
    Case(
        "at sign without quotes",
        edit("signal: file-property", "owner: @growth"),
        (
            "tone/target.yaml:8:8: not valid YAML: found character that cannot start any token",
            "  next: quote text that starts with @, % or a backtick",
        ),
    ),
    Case(
        "anchor",
        edit("[python, evaluate.py]", "&argv [python, evaluate.py]"),
        (
            "tone/target.yaml:6:12: anchors (&name) are not allowed",
            "  next: write the value out in each place",
        ),
    ),
    Case(
        "alias",
        edit("60s", "*limit"),
        (
            "tone/target.yaml:7:12: aliases (*name) are not allowed",
            "  next: write the value out in each place",
        ),
    ),
    Case(
        "alias bomb",
        {TONE: "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
        (
            "tone/target.yaml:1:4: anchors (&name) are not allowed",
            "  next: write the value out in each place",
        ),
    ),
    Case(
        "tag",
        edit("name: tone", "name: !!str tone"),
        (
            "tone/target.yaml:1:7: tags are not allowed: tag:yaml.org,2002:str",
            "  next: remove the tag; quotes alone make text",
        ),
    ),
    Case(
        "python tag",
        edit("name: tone", "name: !!python/object/apply:os.getcwd []"),
        (
            "tone/target.yaml:1:7: tags are not allowed: tag:yaml.org,2002:python/object/apply:os.getcwd",
            "  next: remove the tag; quotes alone make text",
        ),
    ),
    Case(
        "two documents",
        {TONE: TARGET + "---\nname: other\n"},
        (
            "tone/target.yaml:12:1: holds more than one YAML document",
            "  next: remove the line --- and what follows it",
        ),
    ),
    Case(
        "not UTF-8",
        {TONE: TARGET.encode().replace(b"tone", b"t\xf6ne", 1)},
        (
            "tone/target.yaml:1:8: not UTF-8 at byte 7",
            "  next: save the file as UTF-8",
        ),
    ),
    Case(
        "UTF-16",
        {TONE: TARGET.encode("utf-16")},
        (
            "tone/target.yaml:1:1: not UTF-8 at byte 0",
            "  next: save the file as UTF-8",
        ),
    ),
    Case(
        "byte order mark",
        {TONE: b"\xef\xbb\xbf" + TARGET.encode()},
        ("tone/target.yaml:1:1: starts with a byte order mark; save it as plain UTF-8",),
    ),
    Case(
        "control character",
        edit("60s", "60s\x07"),
        (
            (
                "tone/target.yaml:7:15: not valid YAML: unacceptable character #x0007: control characters are not "
                "allowed"
            ),
            "  next: remove the character",
        ),
    ),
    Case(
        "null character",
        edit("60s", "60s\0"),
        (
            (
                "tone/target.yaml:7:15: not valid YAML: unacceptable character #x0000: control characters are not "
                "allowed"
            ),
            "  next: remove the character",
        ),
    ),
    Case("too deep", edit("60s", "[" * 80 + "]" * 80), ("tone/target.yaml:7:74: nested deeper than 64 levels",)),
    Case(
        "too large", {TONE: TARGET + "# " + "x" * (4 * 1024 * 1024)}, ("tone/target.yaml: larger than 4,194,304 bytes",)
    ),
    Case(
        "mapping as a key",
        edit("name: tone", "? {a: b}\n: tone"),
        ("tone/target.yaml:1:3: a key must be a plain word, not a list or mapping",),
    ),
    Case(
        "number too large to read",
        edit("goal: maximize}", "goal: maximize, min_effect: 1e999}"),
        ("tone/target.yaml:10:47: not a number that can be used: 1e999",),
    ),
    Case(
        "infinity",
        edit("goal: maximize}", "goal: maximize, min_effect: .inf}"),
        ("tone/target.yaml:10:47: not a number that can be used: .inf",),
    ),
    # Keys
    Case(
        "unknown key", edit("signal:", "signl:"), ('tone/target.yaml:8:1: signl: unknown key; did you mean "signal"?',)
    ),
    Case(
        "unknown key nowhere near",
        edit("signal: file-property", "colour: red"),
        (
            (
                "tone/target.yaml:8:1: colour: unknown key; valid: name, file, program, policy, space, evaluate, "
                "locked, "
                "environment, data, signal, metrics, keep, noise, sample, confirm, proposer, budget, isolation, "
                "runner, owner, publish"
            ),
        ),
    ),
    Case(
        "unknown nested key",
        edit("timeout:", "timout:"),
        ('tone/target.yaml:7:3: evaluate.timout: unknown key; did you mean "timeout"?',),
    ),
    Case(
        "unknown key in a metric",
        edit("goal: maximize}", "goal: maximize, gaurd: {}}"),
        ('tone/target.yaml:10:35: metrics[0].gaurd: unknown key; did you mean "guard"?',),
    ),
    Case(
        "unknown key in a guard",
        edit("{tolerance: 5%}", "{tolerence: 5%}"),
        ('tone/target.yaml:11:42: metrics[1].guard.tolerence: unknown key; did you mean "tolerance"?',),
    ),
    Case(
        "unknown key in a space entry",
        edit("{int: [0, 10]}", "{integer: [0, 10]}"),
        ('tone/target.yaml:4:16: space."/weights/*".integer: unknown key; did you mean "int"?',),
    ),
    Case(
        "key that lives elsewhere",
        edit("signal: file-property", "timeout: 60s"),
        (
            (
                "tone/target.yaml:8:1: timeout: unknown key; it belongs in evaluate or in proposer or in each entry of "
                "proposer.arms"
            ),
        ),
    ),
    Case(
        "key that lives at the top",
        edit("  timeout: 60s", "  locked: [evaluate.py]"),
        ("tone/target.yaml:7:3: evaluate.locked: unknown key; it belongs in each entry of space or at the top",),
    ),
    Case(
        "key with control characters",
        edit("signal: file-property", '"\\e[31mred": 1'),
        (
            (
                'tone/target.yaml:8:1: "\\u001b[31mred": unknown key; valid: name, file, program, policy, space, '
                "evaluate, "
                "locked, environment, data, signal, metrics, keep, noise, sample, confirm, proposer, budget, "
                "isolation, runner, owner, publish"
            ),
        ),
    ),
    Case(
        "number as a key",
        edit("signal: file-property", "7: seven"),
        (
            (
                "tone/target.yaml:8:1: [7]: unknown key; valid: name, file, program, policy, space, evaluate, locked, "
                "environment, data, signal, metrics, keep, noise, sample, confirm, proposer, budget, isolation, "
                "runner, owner, publish"
            ),
        ),
    ),
    Case(
        "missing keys",
        {TONE: "name: tone\nfile: spec.yaml\n"},
        (
            'tone/target.yaml:1:1: the key "evaluate" is missing (How a candidate is measured)',
            'tone/target.yaml:1:1: the key "metrics" is missing (What is measured)',
        ),
    ),
    Case(
        "missing key of a metric",
        edit(", goal: maximize", ""),
        ('tone/target.yaml:10:5: metrics[0]: the key "goal" is missing (Which way is better)',),
    ),
    Case(
        "missing key of proposer",
        edit("signal: file-property", "proposer: {}"),
        ('tone/target.yaml:8:11: proposer: the key "kind" is missing (perturb: random changes within `space`)',),
    ),
    Case(
        "not-yet key",
        edit("signal: file-property", "environment: requirements.txt"),
        (
            "tone/target.yaml:8:1: environment: not available yet",
            "  next: remove the key; a later version takes it",
        ),
    ),
    Case(
        "alpha in words",
        edit("signal: file-property", "noise: {alpha: often}"),
        ('tone/target.yaml:8:16: noise.alpha: expected a number, found "often"',),
    ),
    Case(
        "alpha that promises nothing",
        edit("signal: file-property", "noise: {alpha: 0.5}"),
        ("tone/target.yaml:8:16: noise.alpha: expected at most 0.2, found 0.5",),
    ),
    Case(
        "a screen that costs all",
        edit("signal: file-property", "noise: {screen: {share: 1}}"),
        ("tone/target.yaml:8:25: noise.screen.share: expected at most 0.9, found 1",),
    ),
    Case(
        "a screen that costs nothing",
        edit("signal: file-property", "noise: {screen: {share: 0}}"),
        ("tone/target.yaml:8:25: noise.screen.share: expected more than 0, found 0",),
    ),
    Case(
        "a screen that asks for more than the incumbent",
        edit("signal: file-property", "noise: {screen: {behind: -0.1}}"),
        ("tone/target.yaml:8:26: noise.screen.behind: expected at least 0, found -0.1",),
    ),
    Case(
        "a screen of something else",
        edit("signal: file-property", "noise: {screen: {part: 0.1}}"),
        ("tone/target.yaml:8:18: noise.screen.part: unknown key; valid: share, behind",),
    ),
    Case(
        "a screen under a rule that it says nothing of",
        edit("signal: file-property", "noise: {screen: {}}").add("keep: {rule: weighted, weights: {score: 1}}"),
        (
            "tone/target.yaml:8:17: noise.screen: it sees the primary metric alone; the rule weighted decides by more",
            "  next: rule: primary or every, or no screen",
        ),
    ),
    Case(
        "a noise model that is not there",
        edit("signal: file-property", "noise: {model: gaussian}"),
        (
            'tone/target.yaml:8:16: noise.model: "gaussian" is not available yet',
            "  next: available: symmetric",
        ),
    ),
    Case(
        "noise over a sample of rows",
        edit("signal: file-property", "noise: {}\nsample: rows"),
        (
            "tone/target.yaml:8:8: noise: a noisy score over a finite sample of rows is not available yet",
            "  next: sample: rows for a deterministic score, noise for any other",
        ),
    ),
    Case(
        "a catalogue without tune",
        edit("signal: file-property", "proposer: {kind: perturb, catalogue: choices.yaml}"),
        ("tone/target.yaml:8:27: proposer.catalogue: belongs to the proposer tune, not perturb",),
    ),
    Case(
        "a model without one who asks it",
        edit("signal: file-property", "proposer: {kind: perturb, model: a-model}"),
        ("tone/target.yaml:8:27: proposer.model: belongs to the proposer claude or openai or ollama, not perturb",),
    ),
    Case(
        "a portfolio without arms",
        edit("signal: file-property", "proposer: {kind: portfolio}"),
        ('tone/target.yaml:8:11: proposer: the proposer portfolio needs the key "arms"',),
    ),
    Case(
        "an arm with an option of another kind",
        edit("signal: file-property", "proposer: {kind: portfolio, arms: [{kind: perturb}, {kind: search, model: x}]}"),
        (
            (
                "tone/target.yaml:8:68: proposer.arms[1].model: belongs to the proposer claude or openai or ollama, "
                "not search"
            ),
        ),
    ),
    Case(
        "a catalogue that is not there",
        edit("signal: file-property", "proposer: {kind: tune}"),
        (
            'tone/target.yaml:8:11: proposer.catalogue: "catalogue.yaml" is not in the working tree',
            "  next: a night sees what git tracks: git add it (-f if .gitignore leaves it out), then commit",
        ),
    ),
    Case(
        "a floor in words",
        edit("goal: maximize}", "goal: maximize, floor: low}"),
        ('tone/target.yaml:10:42: metrics[0].floor: expected a number, found "low"',),
    ),
    Case(
        "a comparison that does not exist",
        edit("goal: maximize}", "goal: maximize, compare: ratios}"),
        (
            (
                'tone/target.yaml:10:44: metrics[0].compare: found "ratios"; valid: difference, ratio; did you mean '
                '"ratio"?'
            ),
        ),
    ),
    Case(
        "not-yet value",
        edit("signal: file-property", "noise: {model: gaussian}"),
        ('tone/target.yaml:8:16: noise.model: "gaussian" is not available yet', "  next: available: symmetric"),
    ),
    Case(
        "private rows without a setup",
        edit("signal: file-property", "data: {private: true}"),
        (
            "tone/target.yaml:8:8: data.private: rows that are not in the repository must be made by evaluate.setup",
            "  next: evaluate: {setup: [python, prepare.py]}, which reads AUTORESEARCH_PRIVATE_DATA",
        ),
    ),
    Case(
        "several at once, by line",
        edit("name: tone", "name: Tone").edit("60s", "soon").edit("minimize", "min"),
        (
            (
                "tone/target.yaml:1:7: name: expected lower-case letters, digits and dashes, and neither scratch nor "
                'done, found "Tone"'
            ),
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "soon"'
            ),
            (
                'tone/target.yaml:11:24: metrics[1].goal: found "min"; valid: maximize, minimize; did you mean '
                '"minimize"?'
            ),
        ),
    ),
    # Values
    Case(
        "number for text",
        edit("name: tone", "name: 7"),
        (
            (
                "tone/target.yaml:1:7: name: expected lower-case letters, digits and dashes, and neither scratch nor "
                "done, found 7"
            ),
        ),
    ),
    Case(
        "nothing for text",
        edit("file: spec.yaml", "file:"),
        ("tone/target.yaml:2:6: file: expected text, found nothing",),
    ),
    Case(
        "empty text",
        edit("file: spec.yaml", 'file: ""'),
        ("tone/target.yaml:2:7: file: expected text, found an empty one",),
    ),
    Case(
        "text for a list",
        edit("[python, evaluate.py]", "python evaluate.py"),
        (
            (
                "tone/target.yaml:6:12: evaluate.command: expected a list such as [python, evaluate.py], found "
                '"python evaluate.py"'
            ),
        ),
    ),
    Case(
        "number in a list of text",
        edit("[python, evaluate.py]", "[python, evaluate.py, 3]"),
        ('tone/target.yaml:6:34: evaluate.command[2]: expected text, found 3; in quotes it is text: "3"',),
    ),
    Case(
        "list for a mapping",
        edit("evaluate:\n  command: [python, evaluate.py]\n  timeout: 60s", "evaluate: [python, evaluate.py]"),
        ("tone/target.yaml:5:11: evaluate: expected a mapping (key: value), found a list",),
    ),
    Case(
        "text for a number",
        edit("goal: maximize}", "goal: maximize, min_effect: small}"),
        ('tone/target.yaml:10:47: metrics[0].min_effect: expected a number, found "small"',),
    ),
    Case(
        "true for a number",
        edit("goal: maximize}", "goal: maximize, min_effect: true}"),
        ("tone/target.yaml:10:47: metrics[0].min_effect: expected a number, found true",),
    ),
    Case(
        "negative number",
        edit("goal: maximize}", "goal: maximize, min_effect: -0.1}"),
        ("tone/target.yaml:10:47: metrics[0].min_effect: expected at least 0, found -0.1",),
    ),
    Case(
        "fraction for a whole number",
        edit("signal: file-property", "budget: {experiments: 2.5}"),
        ("tone/target.yaml:8:23: budget.experiments: expected a whole number, found 2.5",),
    ),
    Case(
        "whole number with a point",
        edit("signal: file-property", "budget: {experiments: 2000.0}"),
        ("tone/target.yaml:8:23: budget.experiments: expected a whole number, found 2000.0; did you mean 2000?",),
    ),
    Case(
        "number beyond every float",
        edit("goal: maximize}", "goal: maximize, min_effect: " + "9" * 350 + "}"),
        (f"tone/target.yaml:10:47: not a number that can be used: {'9' * 40}",),
    ),
    Case(
        "number above the most",
        edit("signal: file-property", "confirm: {groups: 51}"),
        ("tone/target.yaml:8:19: confirm.groups: expected at most 50, found 51",),
    ),
    Case(
        "a longer budget that is none",
        edit("signal: file-property", "noise: {}\nconfirm: {longer: {times: 1}}"),
        ("tone/target.yaml:9:27: confirm.longer.times: expected more than 1, found 1",),
    ),
    Case(
        "an unknown key of a longer budget",
        edit("signal: file-property", "noise: {}\nconfirm: {longer: {time: 2}}"),
        ('tone/target.yaml:9:20: confirm.longer.time: unknown key; did you mean "times"?',),
    ),
    Case(
        "a longer budget without noise",
        edit("signal: file-property", "confirm: {longer: {}}"),
        (
            (
                "tone/target.yaml:8:19: confirm.longer: a gain at a longer budget is measured in pairs, which only a "
                "target with noise has"
            ),
            "  next: declare noise: {}, or leave confirm.longer out",
        ),
    ),
    Case(
        "bad enum",
        edit("file-property", "file-propery"),
        (
            (
                'tone/target.yaml:8:9: signal: found "file-propery"; valid: analytics-event, file-property, rubric, '
                'ab-test, llm-judge; did you mean "file-property"?'
            ),
        ),
    ),
    Case(
        "bad enum, abbreviated",
        edit("goal: maximize}", "goal: max}"),
        (
            (
                'tone/target.yaml:10:25: metrics[0].goal: found "max"; valid: maximize, minimize; did you mean '
                '"maximize"?'
            ),
        ),
    ),
    Case(
        "bad enum, upper case",
        edit("goal: maximize}", "goal: MAXIMIZE}"),
        (
            (
                'tone/target.yaml:10:25: metrics[0].goal: found "MAXIMIZE"; valid: maximize, minimize; did you mean '
                '"maximize"?'
            ),
        ),
    ),
    Case(
        "bad enum, nothing near",
        edit("goal: maximize}", "goal: higher}"),
        ('tone/target.yaml:10:25: metrics[0].goal: found "higher"; valid: maximize, minimize',),
    ),
    Case(
        "bad enum, a list",
        edit("goal: maximize}", "goal: [maximize]}"),
        ("tone/target.yaml:10:25: metrics[0].goal: found a list; valid: maximize, minimize",),
    ),
    Case(
        "bad duration",
        edit("60s", "60 seconds"),
        (
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "60 seconds"'
            ),
        ),
    ),
    Case(
        "duration without unit",
        edit("60s", "60"),
        (
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                "found 60"
            ),
        ),
    ),
    Case(
        "duration of nothing",
        edit("60s", "0s"),
        (
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "0s"'
            ),
        ),
    ),
    Case(
        "duration with a line end",
        edit("60s", '"60s\\n"'),
        (
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "60s\\n"'
            ),
        ),
    ),
    Case(
        "duration of ages",
        edit("60s", "99999999h"),
        (
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "99999999h"'
            ),
        ),
    ),
    Case(
        "bad percentage",
        edit("5%", "5 percent"),
        (
            (
                "tone/target.yaml:11:53: metrics[1].guard.tolerance: expected a number, or a percentage such as 5%, "
                'found "5 percent"'
            ),
        ),
    ),
    Case(
        "negative percentage",
        edit("5%", "-5%"),
        (
            (
                "tone/target.yaml:11:53: metrics[1].guard.tolerance: expected a number, or a percentage such as 5%, "
                'found "-5%"'
            ),
        ),
    ),
    Case(
        "negative tolerance",
        edit("5%", "-0.05"),
        ("tone/target.yaml:11:53: metrics[1].guard.tolerance: expected at least 0, found -0.05",),
    ),
    Case(
        "percentage with a line end",
        edit("5%", '"5%\\n"'),
        (
            (
                "tone/target.yaml:11:53: metrics[1].guard.tolerance: expected a number, or a percentage such as 5%, "
                'found "5%\\n"'
            ),
        ),
    ),
    Case(
        "bad target name",
        edit("name: tone", "name: My Tone"),
        (
            (
                "tone/target.yaml:1:7: name: expected lower-case letters, digits and dashes, and neither scratch nor "
                'done, found "My Tone"'
            ),
        ),
    ),
    Case(
        "target name with a line end",
        edit("name: tone", 'name: "tone\\n"'),
        (
            (
                "tone/target.yaml:1:7: name: expected lower-case letters, digits and dashes, and neither scratch nor "
                'done, found "tone\\n"'
            ),
        ),
    ),
    Case(
        "reserved target name",
        edit("name: tone", "name: scratch"),
        (
            (
                "tone/target.yaml:1:7: name: expected lower-case letters, digits and dashes, and neither scratch nor "
                'done, found "scratch"'
            ),
        ),
    ),
    Case(
        "bad metric name",
        edit("name: score", "name: 2nd"),
        (
            (
                "tone/target.yaml:10:12: metrics[0].name: expected a letter, then letters, digits and _ . @ -, and "
                'no other column of results.tsv, found "2nd"'
            ),
        ),
    ),
    Case(
        "metric named like a column",
        edit("name: score", "name: status"),
        (
            (
                "tone/target.yaml:10:12: metrics[0].name: expected a letter, then letters, digits and _ . @ -, and "
                'no other column of results.tsv, found "status"'
            ),
        ),
    ),
    Case(
        "bad owner",
        edit("signal: file-property", "owner: growth"),
        ('tone/target.yaml:8:8: owner: expected a GitHub user or team such as @team-growth, found "growth"',),
    ),
    Case(
        "empty list",
        edit("signal: file-property", "locked: []"),
        ("tone/target.yaml:8:9: locked: expected at least one entry, found none",),
    ),
    Case(
        "no metrics",
        edit("\n  - {name: score, goal: maximize}\n  - {name: cost, goal: minimize, guard: {tolerance: 5%}}", " []"),
        ("tone/target.yaml:9:10: metrics: expected at least one entry, found none",),
    ),
    Case(
        "hostile value",
        edit("file-property", '"\\e[2J\\u202e" '),
        (
            (
                'tone/target.yaml:8:9: signal: found "\\u001b[2J\\u202e"; valid: analytics-event, file-property, '
                "rubric, ab-test, llm-judge"
            ),
        ),
    ),
    Case(
        "long value",
        edit("file-property", "x" * 5000),
        (
            (
                "tone/target.yaml:8:9: signal: found "
                '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...; valid: '
                "analytics-event, file-property, rubric, ab-test, llm-judge"
            ),
        ),
    ),
    # Paths
    Case(
        "file does not exist",
        edit("file: spec.yaml", "file: spek.yaml"),
        ('tone/target.yaml:2:7: file: "spek.yaml" is not in the working tree; did you mean "spec.yaml"?',),
    ),
    Case(
        "file does not exist, nothing near",
        edit("file: spec.yaml", "file: zzz"),
        (
            'tone/target.yaml:2:7: file: "zzz" is not in the working tree',
            "  next: a night sees what git tracks: git add it (-f if .gitignore leaves it out), then commit",
        ),
    ),
    Case(
        "file lies elsewhere",
        edit("file: spec.yaml", "file: helper.py"),
        ('tone/target.yaml:2:7: file: "helper.py" is not in the working tree; did you mean "/lib/helper.py"?',),
    ),
    Case(
        "file is a folder",
        edit("file: spec.yaml", "file: data"),
        ('tone/target.yaml:2:7: file: "data" is a folder; it must be a file',),
    ),
    Case(
        "file outside the repository",
        edit("file: spec.yaml", "file: ../../etc/passwd"),
        ('tone/target.yaml:2:7: file: "../../etc/passwd" lies outside the repository',),
    ),
    Case(
        "file is a link",
        {"tone/spec.yaml": Link("other.yaml"), "tone/other.yaml": SPEC},
        ('tone/target.yaml:2:7: file: "spec.yaml" is a link or a submodule; it must be a plain file',),
    ),
    Case(
        "target.yaml is a link",
        {TONE: Link("../elsewhere.yaml"), "elsewhere.yaml": TARGET},
        ("tone/target.yaml: is a link or a submodule; it must be a plain file",),
    ),
    Case(
        "target.yaml is a dangling link",
        {TONE: Link("/nowhere/target.yaml")},
        ("tone/target.yaml: is a link or a submodule; it must be a plain file",),
    ),
    Case(
        "file is target.yaml",
        edit("file: spec.yaml", "file: target.yaml"),
        ('tone/target.yaml:2:7: file: "tone/target.yaml" configures the night; a night may not change it',),
    ),
    Case(
        "file is autoresearch.yml",
        edit("file: spec.yaml", "file: /.github/autoresearch.yml"),
        (('tone/target.yaml:2:7: file: ".github/autoresearch.yml" configures the night; a night may not change it'),),
    ),
    Case(
        "program does not exist",
        edit("signal: file-property", "program: programme.md"),
        (('tone/target.yaml:8:10: program: "programme.md" is not in the working tree; did you mean "program.md"?'),),
    ),
    Case(
        "program is the file",
        edit("signal: file-property", "program: spec.yaml"),
        (
            (
                'tone/target.yaml:8:10: program: "tone/spec.yaml" is the editable file; instructions are a file of '
                "their own"
            ),
        ),
    ),
    Case(
        "file locked",
        edit("signal: file-property", "locked: [evaluate.py, spec.yaml]"),
        (
            'tone/target.yaml:8:23: locked[1]: "spec.yaml" locks "tone/spec.yaml", the editable file',
            "  next: name what computes the score only",
        ),
    ),
    Case(
        "everything locked",
        edit("signal: file-property", 'locked: ["**"]'),
        (
            'tone/target.yaml:8:10: locked[0]: "**" locks "tone/spec.yaml", the editable file',
            "  next: name what computes the score only",
        ),
    ),
    Case(
        "locked matches nothing",
        edit("signal: file-property", 'locked: [evaluate.py, "dta/**", "x/**"]'),
        (
            ('tone/target.yaml:8:23: locked[1]: "dta/**" matches no file in the working tree; did you mean "data/**"?'),
            'tone/target.yaml:8:33: locked[2]: "x/**" matches no file in the working tree',
        ),
    ),
    Case(
        "locked outside the repository",
        edit("signal: file-property", "locked: [evaluate.py, ../../x]"),
        ('tone/target.yaml:8:23: locked[1]: "../../x" lies outside the repository',),
    ),
    Case(
        "a link in the folder",
        {"tone/latest.csv": Link("data/search.csv")},
        (
            (
                'tone/target.yaml:1:1: locked: "tone/latest.csv" is a link or a submodule; what is locked must be '
                "plain files"
            ),
            "  next: remove it, or list the files to lock under locked",
        ),
    ),
    Case(
        "evaluator not locked",
        edit("signal: file-property", 'locked: ["data/**"]'),
        (
            'tone/target.yaml:6:21: evaluate.command[1]: "evaluate.py" computes the score and is not locked',
            "  next: add it to locked",
        ),
    ),
    Case(
        "evaluator missing",
        edit("python, evaluate.py", "python, evalute.py"),
        (
            (
                'tone/target.yaml:6:21: evaluate.command[1]: "evalute.py" is not in the working tree; did you mean '
                '"evaluate.py"?'
            ),
        ),
    ),
    Case(
        "evaluator missing, called directly",
        edit("[python, evaluate.py]", "[./evaluate.sh]"),
        (
            (
                'tone/target.yaml:6:13: evaluate.command[0]: "./evaluate.sh" is not in the working tree; did you '
                'mean "evaluate.py"?'
            ),
        ),
    ),
    Case(
        "evaluator is the file",
        edit("python, evaluate.py", "python, spec.yaml"),
        (
            (
                'tone/target.yaml:6:21: evaluate.command[1]: "spec.yaml" is the editable file; an evaluator must be '
                "locked"
            ),
        ),
    ),
    Case(
        "evaluator is hidden",
        edit("signal: file-property", "sample: rows\ndata: {hidden: [evaluate.py]}"),
        (('tone/target.yaml:6:21: evaluate.command[1]: "evaluate.py" is hidden until confirm, and the loop needs it'),),
    ),
    Case(
        "command and serve",
        edit("  timeout: 60s", "  serve: [python, evaluate.py]"),
        ("tone/target.yaml:5:1: evaluate: exactly one of command and serve is needed, found command and serve",),
    ),
    Case(
        "neither command nor serve",
        edit("  command: [python, evaluate.py]\n", ""),
        ("tone/target.yaml:5:1: evaluate: exactly one of command and serve is needed, found neither",),
    ),
    Case(
        "hidden without sample",
        edit("signal: file-property", "data: {hidden: [data/holdout.csv]}"),
        (
            "tone/target.yaml:8:8: data.hidden: hidden data is read by confirm alone",
            "  next: add: sample: rows, or noise: {}",
        ),
    ),
    Case(
        "hidden matches nothing",
        edit("signal: file-property", "sample: rows\ndata: {hidden: [data/holdot.csv]}"),
        (
            (
                'tone/target.yaml:9:17: data.hidden[0]: "data/holdot.csv" matches no file in the working tree; did '
                'you mean "data/holdout.csv"?'
            ),
        ),
    ),
    Case(
        "the file hidden",
        edit("signal: file-property", "sample: rows\ndata: {hidden: [spec.yaml]}"),
        ('tone/target.yaml:9:8: data.hidden: "tone/spec.yaml" is the editable file; the loop needs it',),
    ),
    # Scoring
    Case(
        "duplicate metric",
        edit("name: cost", "name: score"),
        ('tone/target.yaml:11:12: metrics[1].name: "score" stands twice',),
    ),
    Case(
        "judge as primary",
        edit("file-property", "llm-judge")
        .edit("goal: maximize}", "goal: maximize, labels: labels.jsonl}")
        .edit("goal: minimize,", "goal: minimize, signal: rubric,"),
        (
            (
                "tone/target.yaml:8:9: signal: score is the primary metric, and a language model's judgement may not "
                "decide alone"
            ),
            "  next: put a metric of another signal first",
        ),
    ),
    Case(
        "judge without labels",
        edit("goal: minimize,", "goal: minimize, signal: llm-judge,"),
        (
            'tone/target.yaml:11:5: metrics[1]: a metric of signal llm-judge needs the key "labels"',
            "  next: autoresearch label tone cost makes the file",
        ),
    ),
    Case(
        "labels do not exist",
        edit("goal: minimize,", "goal: minimize, signal: llm-judge, labels: lables.jsonl,"),
        (
            (
                'tone/target.yaml:11:61: metrics[1].labels: "lables.jsonl" is not in the working tree; did you mean '
                '"labels.jsonl"?'
            ),
        ),
    ),
    Case(
        "labels are the file",
        edit("goal: minimize,", "goal: minimize, signal: llm-judge, labels: spec.yaml,"),
        ('tone/target.yaml:11:61: metrics[1].labels: "spec.yaml" is the editable file; labels must be locked',),
    ),
    Case(
        "labels without a judge",
        edit("goal: maximize}", "goal: maximize, labels: labels.jsonl}"),
        (
            "tone/target.yaml:10:35: metrics[0].labels: belongs to signal llm-judge, not to file-property",
            "  next: add signal: llm-judge",
        ),
    ),
    Case(
        "judge too heavy",
        edit("goal: minimize,", "goal: minimize, signal: llm-judge, labels: labels.jsonl,").add(
            "keep: {rule: weighted, weights: {score: 2, cost: 1}}"
        ),
        (
            ("tone/target.yaml:12:33: keep.weights: metrics of signal llm-judge make 33.3% of the score; at most 30%"),
            "  next: lower the weight of cost",
        ),
    ),
    Case(
        "weight of an unknown metric",
        add("keep: {rule: weighted, weights: {score: 2, csot: 1}}"),
        ('tone/target.yaml:12:44: keep.weights.csot: no such metric; did you mean "cost"?',),
    ),
    Case(
        "weight of nothing near",
        add("keep: {rule: weighted, weights: {score: 2, a/b: 1}}"),
        ('tone/target.yaml:12:44: keep.weights."a/b": no such metric; declared: score, cost',),
    ),
    Case(
        "scale of an unknown metric",
        add("keep: {rule: weighted, weights: {score: 2}, scales: {scores: 1}}"),
        ('tone/target.yaml:12:54: keep.scales.scores: no such metric; did you mean "score"?',),
    ),
    Case(
        "weight of zero",
        add("keep: {rule: weighted, weights: {score: 0}}"),
        ("tone/target.yaml:12:41: keep.weights.score: expected more than 0, found 0",),
    ),
    Case(
        "weights under another rule",
        add("keep: {rule: pareto, weights: {score: 1}, min_effect: 1}"),
        (
            "tone/target.yaml:12:22: keep.weights: belongs to the rule weighted, not pareto",
            "tone/target.yaml:12:43: keep.min_effect: belongs to the rule weighted, not pareto",
        ),
    ),
    Case(
        "weighted without weights",
        add("keep: {rule: weighted}"),
        ('tone/target.yaml:12:14: keep.rule: the rule weighted needs the key "weights" (metric: weight)',),
    ),
    Case(
        "empty weights",
        add("keep: {rule: weighted, weights: {}}"),
        ("tone/target.yaml:12:33: keep.weights: expected at least one entry, found none",),
    ),
    Case(
        "tolerance under another rule",
        edit("guard: {tolerance: 5%}", "tolerance: 5%"),
        (
            "tone/target.yaml:11:34: metrics[1].tolerance: belongs to the rule every, not primary",
            "  next: guard: {tolerance: 5%} holds under every rule",
        ),
    ),
    # Space and the editable file
    Case(
        "pointer without slash",
        edit("/weights/*:", "weights/*:"),
        (('tone/target.yaml:4:3: space."weights/*": expected a JSON pointer such as /weights/*, found "weights/*"'),),
    ),
    Case(
        "pointer matches nothing",
        edit("/weights/*:", "/weights/wram:"),
        (
            (
                'tone/target.yaml:4:3: space."/weights/wram": tone/spec.yaml has no such leaf; did you mean '
                '"/weights/warm"?'
            ),
        ),
    ),
    Case(
        "wild pointer matches nothing",
        edit("/weights/*:", "/wieghts/*:"),
        (('tone/target.yaml:4:3: space."/wieghts/*": tone/spec.yaml has no such leaf; did you mean "/weights/*"?'),),
    ),
    Case(
        "pointer nowhere near",
        edit("/weights/*:", "/zzz:"),
        (
            (
                'tone/target.yaml:4:3: space."/zzz": tone/spec.yaml has no such leaf; its leaves: /weights/warm, '
                "/weights/cold, /label"
            ),
        ),
    ),
    Case(
        "pointer to a mapping",
        edit("/weights/*:", "/weights:"),
        (
            (
                'tone/target.yaml:4:3: space."/weights": tone/spec.yaml has no such leaf; it holds several: did you '
                'mean "/weights/*"?'
            ),
        ),
    ),
    Case(
        "empty space",
        edit("space:\n  /weights/*: {int: [0, 10]}", "space: {}"),
        ("tone/target.yaml:3:8: space: expected at least one entry, found none",),
    ),
    Case(
        "low above high",
        edit("[0, 10]", "[10, 0]"),
        (
            'tone/target.yaml:4:21: space."/weights/*".int: the lowest, 10, is above the highest, 0',
            "  next: int: [0, 10]",
        ),
    ),
    Case(
        "one bound",
        edit("[0, 10]", "[10]"),
        ('tone/target.yaml:4:21: space."/weights/*".int: expected at least 2 entries, found 1',),
    ),
    Case(
        "fractions for int",
        edit("[0, 10]", "[0, 1.5]"),
        ('tone/target.yaml:4:25: space."/weights/*".int[1]: expected a whole number, found 1.5',),
    ),
    Case(
        "points for int",
        edit("[0, 10]", "[0.0, 10.0]"),
        (
            ('tone/target.yaml:4:22: space."/weights/*".int[0]: expected a whole number, found 0.0; did you mean 0?'),
            ('tone/target.yaml:4:27: space."/weights/*".int[1]: expected a whole number, found 10.0; did you mean 10?'),
        ),
    ),
    Case(
        "two kinds",
        edit("{int: [0, 10]}", "{int: [0, 10], choice: [1, 2]}"),
        (
            (
                'tone/target.yaml:4:15: space."/weights/*": exactly one of int, float, choice, locked is needed, '
                "found int and choice"
            ),
        ),
    ),
    Case(
        "no kind",
        edit("{int: [0, 10]}", "{}"),
        (
            (
                'tone/target.yaml:4:15: space."/weights/*": exactly one of int, float, choice, locked is needed, '
                "found none"
            ),
        ),
    ),
    Case(
        "locked: false",
        edit("{int: [0, 10]}", "{locked: false}"),
        ('tone/target.yaml:4:24: space."/weights/*".locked: found false; valid: true',),
    ),
    Case(
        "log from 0",
        edit("{int: [0, 10]}", "{int: [0, 10], scale: log}"),
        ('tone/target.yaml:4:22: space."/weights/*".int[0]: scale: log needs bounds above 0, found 0',),
    ),
    Case(
        "sign leaves nothing",
        edit("{int: [0, 10]}", "{int: [1, 10], sign: -}"),
        ('tone/target.yaml:4:36: space."/weights/*".sign: sign - leaves nothing of [1, 10]',),
    ),
    Case(
        "sign of a choice",
        edit("{int: [0, 10]}", "{choice: [5, 2], sign: +}"),
        ('tone/target.yaml:4:32: space."/weights/*".sign: belongs to int and float, not choice',),
    ),
    Case(
        "the same choice twice",
        edit("{int: [0, 10]}", "{choice: [5, 2, 5]}"),
        ('tone/target.yaml:4:24: space."/weights/*".choice: the same value stands twice',),
    ),
    Case(
        "everything in the space locked",
        edit("{int: [0, 10]}", "{locked: true}"),
        ("tone/target.yaml:4:3: space: leaves nothing to change: every value is locked or has one choice",),
    ),
    Case(
        "every value has one choice",
        edit("  /weights/*: {int: [0, 10]}", "  /weights/warm: {int: [5, 5]}"),
        ("tone/target.yaml:4:3: space: leaves nothing to change: every value is locked or has one choice",),
    ),
    Case(
        "values outside the bounds",
        {"tone/spec.yaml": SPEC.replace("5", "50").replace("2", "-2")},
        (
            "tone/spec.yaml:2:9: weights.warm: 50 must be within [0, 10] (space of tone)",
            "tone/spec.yaml:3:9: weights.cold: -2 must be within [0, 10] (space of tone)",
        ),
    ),
    Case(
        "value outside large bounds",
        edit("[0, 10]", "[2, 1234567]") | {"tone/spec.yaml": SPEC.replace("5", "1234568")},
        ("tone/spec.yaml:2:9: weights.warm: 1234568 must be within [2, 1234567] (space of tone)",),
    ),
    Case(
        "value of another type",
        {"tone/spec.yaml": SPEC.replace("5", "5.5").replace("2", "two")},
        (
            "tone/spec.yaml:2:9: weights.warm: 5.5 must be a whole number (space of tone)",
            'tone/spec.yaml:3:9: weights.cold: "two" must be a whole number (space of tone)',
        ),
    ),
    Case(
        "value not among the choices",
        edit("{int: [0, 10]}", "{choice: [5, true]}"),
        ("tone/spec.yaml:3:9: weights.cold: 2 must be one of 5, true (space of tone)",),
    ),
    Case(
        "JSON value outside the bounds",
        edit("spec.yaml", "spec.json") | {"tone/spec.json": JSON},
        ("tone/spec.json:2:22: weights.cold: 200 must be within [0, 10] (space of tone)",),
    ),
    Case(
        "data file does not parse",
        {"tone/spec.yaml": SPEC + "tail: [1, 2\n"},
        (
            "tone/spec.yaml:6:1: not valid YAML: did not find expected ',' or ']'",
            "  next: close the bracket that was opened before this place, or add the comma",
        ),
    ),
    Case(
        "JSON data file does not parse",
        edit("spec.yaml", "spec.json") | {"tone/spec.json": '{"weights": {"warm": 5,}}'},
        ("tone/spec.json:1:24: a key in double quotes is expected",),
    ),
    Case(
        "data file with duplicate key",
        {"tone/spec.yaml": SPEC + "label: again\n"},
        (
            "tone/spec.yaml:5:1: the key label stands twice",
            "  next: remove one of the two",
        ),
    ),
    Case(
        "data file not UTF-8",
        {"tone/spec.yaml": SPEC.encode() + b"x: \xff\n"},
        (
            "tone/spec.yaml:5:4: not UTF-8 at byte 45",
            "  next: save the file as UTF-8",
        ),
    ),
    Case(
        "empty data file",
        {"tone/spec.yaml": ""},
        ('tone/target.yaml:4:3: space."/weights/*": tone/spec.yaml has no such leaf; its leaves: none',),
    ),
    Case(
        "space over code",
        edit("spec.yaml", "app.py"),
        (
            (
                "tone/target.yaml:3:1: space: tone/app.py is neither YAML nor JSON, and a space names values in such "
                "files"
            ),
        ),
    ),
    Case(
        "space over text",
        edit("spec.yaml", "program.md"),
        (
            (
                "tone/target.yaml:3:1: space: tone/program.md is neither YAML nor JSON, and a space names values in "
                "such files"
            ),
        ),
    ),
    Case(
        "perturb without space",
        edit("space:\n  /weights/*: {int: [0, 10]}\n", ""),
        (
            'tone/target.yaml:1:1: the key "space" is missing: the proposer perturb changes nothing else',
            "  next: add: space: {/weights/warm: {int: [0, 10]}}",
        ),
    ),
    Case(
        "perturb over code",
        edit("space:\n  /weights/*: {int: [0, 10]}\n", "").edit("spec.yaml", "app.py").add("proposer: {kind: perturb}"),
        (
            (
                "tone/target.yaml:2:7: file: tone/app.py is neither YAML nor JSON, and the proposer perturb changes "
                "values in such files"
            ),
        ),
    ),
    Case(
        "isolation none for code",
        edit("spec.yaml", "app.py").add("isolation: none"),
        (
            (
                "tone/target.yaml:3:1: space: tone/app.py is neither YAML nor JSON, and a space names values in such "
                "files"
            ),
            ("tone/target.yaml:12:12: isolation: tone/app.py is code: its candidates run in a sandbox or not at all"),
            "  next: isolation: required",
        ),
    ),
    Case(
        "unit leaf for code",
        edit("spec.yaml", "app.py").add("confirm: {unit: leaf}"),
        (
            (
                "tone/target.yaml:3:1: space: tone/app.py is neither YAML nor JSON, and a space names values in such "
                "files"
            ),
            "tone/target.yaml:12:17: confirm.unit: leaves are found in YAML and JSON, and tone/app.py is neither",
            "  next: unit: hunk, for tone",
        ),
    ),
    Case(
        "unit operation for code",
        edit("spec.yaml", "app.py").add("confirm: {unit: operation}"),
        (
            (
                "tone/target.yaml:3:1: space: tone/app.py is neither YAML nor JSON, and a space names values in such "
                "files"
            ),
            (
                "tone/target.yaml:12:17: confirm.unit: operations are told apart in YAML and JSON, and tone/app.py is "
                "neither"
            ),
            "  next: unit: hunk, for tone",
        ),
    ),
    # More than one target
    Case(
        "two targets with one name",
        second("name: tone", "name: tone"),
        ('tone/target.yaml:1:7: name: "tone" is also the name in song/target.yaml',),
    ),
    Case(
        "two targets share a file",
        second("file: spec.yaml", "file: /tone/spec.yaml").add("locked: [evaluate.py]"),
        (
            'tone/target.yaml:2:7: file: "tone/spec.yaml" is also the file of song (song/target.yaml)',
            "  next: one file, one target",
        ),
    ),
    Case(
        "one locks the other's file",
        second("signal: file-property", "locked: [evaluate.py, /tone]"),
        (
            'tone/target.yaml:2:7: file: "tone/spec.yaml" is locked by song',
            "  why:  what one night changes would compute another's score",
            "  next: let song/target.yaml lock only what computes its score",
        ),
    ),
    Case(
        "two bad targets",
        edit("60s", "soon") | second("60s", "later"),
        (
            (
                "song/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "later"'
            ),
            (
                "tone/target.yaml:7:12: evaluate.timeout: expected a duration above 0 such as 500ms, 60s, 20m or 1h, "
                'found "soon"'
            ),
        ),
    ),
    Case(
        "no targets",
        {TONE: None},
        (
            "no target.yaml matches * in the working tree",
            "  next: autoresearch new NAME makes a first target; commit it before the first night",
        ),
    ),
    Case(
        "no targets where the globs look",
        {CONFIG: "targets: [experiments/*]\n"},
        (
            "no target.yaml matches experiments/* in the working tree",
            "  next: there is one in tone: name that folder under targets in .github/autoresearch.yml",
        ),
    ),
    # .github/autoresearch.yml
    Case(
        "config: unknown key",
        {CONFIG: 'target: ["*"]\n'},
        ('.github/autoresearch.yml:1:1: target: unknown key; did you mean "targets"?',),
    ),
    Case(
        "config: unknown default",
        {CONFIG: CONFIGURED + "defaults: {budgt: {experiments: 5}}\n"},
        ('.github/autoresearch.yml:2:12: defaults.budgt: unknown key; did you mean "budget"?',),
    ),
    Case(
        "config: key that lives elsewhere",
        {CONFIG: CONFIGURED + "experiments: 5\n"},
        (".github/autoresearch.yml:2:1: experiments: unknown key; it belongs in defaults.budget",),
    ),
    Case(
        "config: wrong type",
        {CONFIG: "targets: tone\n"},
        (('.github/autoresearch.yml:1:10: targets: expected a list such as ["targets/experiments/*"], found "tone"'),),
    ),
    Case(
        "config: empty list",
        {CONFIG: "targets: []\n"},
        (".github/autoresearch.yml:1:10: targets: expected at least one entry, found none",),
    ),
    Case(
        "config: a list",
        {CONFIG: "- tone\n"},
        (".github/autoresearch.yml:1:1: expected a mapping (key: value) or nothing, found a list",),
    ),
    Case(
        "config: bad duration",
        {CONFIG: CONFIGURED + "budget: {wall_clock: 8 hours}\n"},
        (
            (
                ".github/autoresearch.yml:2:22: budget.wall_clock: expected a duration above 0 such as 500ms, 60s, "
                '20m or 1h, found "8 hours"'
            ),
        ),
    ),
    Case(
        "config: no minutes",
        {CONFIG: CONFIGURED + "budget: {actions_minutes: 0}\n"},
        (".github/autoresearch.yml:2:27: budget.actions_minutes: expected at least 1, found 0",),
    ),
    Case(
        "config: unknown time zone",
        {CONFIG: CONFIGURED + "schedule: {timezone: Europe/Berlni}\n"},
        (
            (
                '.github/autoresearch.yml:2:22: schedule.timezone: no time zone is called "Europe/Berlni"; '
                'did you mean "Europe/Berlin"?'
            ),
            "  next: UTC, or a name such as Europe/Berlin",
        ),
    ),
    Case(
        "config: cron of four fields",
        {CONFIG: CONFIGURED + "schedule: {cron: 17 2 * *}\n"},
        (
            (
                '.github/autoresearch.yml:2:18: schedule.cron: expected five fields of cron such as "17 2 * * *", '
                'found "17 2 * *"'
            ),
        ),
    ),
    Case(
        "config: cron of an hour that no day has",
        {CONFIG: CONFIGURED + "schedule: {cron: '17 */25,24 * * 1-5'}\n"},
        (
            ".github/autoresearch.yml:2:18: schedule.cron: the hour 24 is not in 0 to 23",
            '  next: "17 2 * * *" is every night at 2:17',
        ),
    ),
    Case(
        "config: a label of the bot's own",
        {CONFIG: CONFIGURED + "pull_request: {labels: [growth, hold]}\n"},
        (
            (
                ".github/autoresearch.yml:2:33: pull_request.labels[1]: expected a label of at most 50 letters and "
                'digits, none of the bot\'s own, such as growth, found "hold"'
            ),
        ),
    ),
    Case(
        "config: unreviewed",
        {CONFIG: CONFIGURED + "pull_request: {unreviewed: refesh}\n"},
        (
            (
                '.github/autoresearch.yml:2:28: pull_request.unreviewed: found "refesh"; valid: supersede, refresh; '
                'did you mean "refresh"?'
            ),
        ),
    ),
    Case(
        "config: base is no branch",
        {CONFIG: CONFIGURED + "pull_request: {base: ../main}\n"},
        (
            (
                ".github/autoresearch.yml:2:22: pull_request.base: expected the name of a branch such as main, "
                'found "../main"'
            ),
        ),
    ),
    Case(
        "runner with an expression",
        edit("file: spec.yaml", "file: spec.yaml\nrunner: ${{ github.actor }}"),
        (
            (
                "tone/target.yaml:3:9: runner: expected a runner's label such as ubuntu-latest, or a list such as "
                '[self-hosted, gpu], found "${{ github.actor }}"'
            ),
        ),
    ),
    Case(
        "config: prices outside models",
        {CONFIG: CONFIGURED + "prices: {}\n"},
        (".github/autoresearch.yml:2:1: prices: unknown key; it belongs in models",),
    ),
    Case(
        "config: a key instead of its variable's name",
        {CONFIG: CONFIGURED + "models: {providers: {mine: {kind: openai, key: sk-secret}}}\n"},
        (
            (
                ".github/autoresearch.yml:2:48: models.providers.mine.key: expected the name of an environment "
                "variable such as ANTHROPIC_API_KEY; what stands there is not shown: if it is a key, revoke it"
            ),
        ),
    ),
    Case(
        "a provider that speaks nothing known",
        {CONFIG: CONFIGURED + "models: {providers: {mine: {kind: antropic}}}\n"},
        (
            (
                '.github/autoresearch.yml:2:35: models.providers.mine.kind: found "antropic"; valid: anthropic, '
                'openai; did you mean "anthropic"?'
            ),
        ),
    ),
    Case(
        "config: glob that matches nothing",
        {CONFIG: "targets: [tone, tune]\n"},
        (
            (
                '.github/autoresearch.yml:1:17: targets[1]: "tune" matches no folder with a target.yaml in the '
                'working tree; did you mean "tone"?'
            ),
        ),
    ),
    Case(
        "config: a link",
        {CONFIG: Link("../tone/target.yaml")},
        (".github/autoresearch.yml: is a link or a submodule; it must be a plain file",),
    ),
    Case(
        "config: bad default for a target",
        {CONFIG: CONFIGURED + "defaults:\n  confirm: {unit: leaf}\n"} | edit("spec.yaml", "app.py"),
        (
            (
                ".github/autoresearch.yml:3:19: defaults.confirm.unit: leaves are found in YAML and JSON, and "
                "tone/app.py is neither"
            ),
            "  next: unit: hunk, for tone",
            (
                "tone/target.yaml:3:1: space: tone/app.py is neither YAML nor JSON, and a space names values in such "
                "files"
            ),
        ),
    ),
    Case(
        "config: bad default value",
        {CONFIG: CONFIGURED + "defaults:\n  budget: {experiments: many}\n"},
        ('.github/autoresearch.yml:3:25: defaults.budget.experiments: expected a whole number, found "many"',),
    ),
]


def parameter(case: Case) -> Any:
    return pytest.param(case, id=case.id.replace(" ", "-"))


@pytest.mark.parametrize("case", [parameter(case) for case in CASES])
def test_bad_configuration_gets_its_message_and_writes_nothing(
    case: Case,
    empty_repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "repository"
    shutil.copytree(empty_repository, root)
    repository = build(root, case.files)
    with pytest.raises((ConfigError, NotFound)) as caught:
        config.load_targets(WorkingSource(repository))
    assert str(caught.value).split("\n") == list(case.message)

    before = listing(root)
    assert night(monkeypatch, root) == caught.value.exit_code
    assert caught.value.exit_code in {3, 9}
    assert listing(root) == before
    commit = f"commit {repository.commit()[:12]}"
    said = str(caught.value).replace("the working tree", commit)
    assert capsys.readouterr().err in {f"error: {said}\n", f"error: {caught.value}\n"}


@pytest.fixture
def repository(empty_repository: Path, tmp_path: Path) -> Repository:
    """A valid one."""
    root = tmp_path / "repository"
    shutil.copytree(empty_repository, root)
    return build(root, {})


def test_what_every_case_starts_from_is_valid(repository: Repository) -> None:
    assert [target.name for target in config.load_targets(WorkingSource(repository))] == ["tone"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tune", 'no target is called "tune"; did you mean "tone"?'),
        ("TONE", 'no target is called "TONE"; did you mean "tone"?'),
        ("xyz", 'no target is called "xyz"; there are: tone'),
        ("\x1b[2J", 'no target is called "\\u001b[2J"; there are: tone'),
    ],
    ids=["near", "upper case", "nothing near", "hostile"],
)
def test_unknown_target_on_the_command_line(
    name: str,
    message: str,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = listing(repository.root)
    assert night(monkeypatch, repository.root, name) == 9
    assert capsys.readouterr().err == f"error: {message}\n"
    assert listing(repository.root) == before


def test_a_name_given_twice_is_one_target(repository: Repository) -> None:
    assert [target.name for target in config.load_targets(WorkingSource(repository), ["tone", "tone"])] == ["tone"]


def test_no_git_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "notes.txt").write_text("mine")
    assert night(monkeypatch, tmp_path) == 8
    assert capsys.readouterr().err == (
        f"error: {tmp_path} is not in a git repository\n"
        "  next: cd into one, or: git init && git add -A && git commit -m 'first commit'\n"
    )
    assert listing(tmp_path) == {"notes.txt": b"mine"}


def test_no_commit_yet(
    empty_repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = tmp_path / "repository"
    shutil.copytree(empty_repository, root)
    before = listing(root)
    assert night(monkeypatch, root) == 8
    assert capsys.readouterr().err == (
        "error: there is no commit HEAD\n  next: git add -A && git commit -m 'first commit'\n"
    )
    assert listing(root) == before


def test_what_a_target_says_itself_goes_before_the_defaults(empty_repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    shutil.copytree(empty_repository, root)
    defaults = "defaults: {budget: {experiments: 7, usd: 2}, owner: '@a', confirm: {groups: 3}}\n"
    repository = build(root, {CONFIG: CONFIGURED + defaults, **add("budget: {experiments: 9}")})
    found = config.load_targets(WorkingSource(repository))[0]
    assert (found.budget.experiments, found.budget.usd, found.owner, found.confirm.groups) == (9, 2.0, "@a", 3)


def test_more_faults_than_anybody_reads_are_counted(empty_repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    shutil.copytree(empty_repository, root)
    spec = "weights:\n" + "".join(f"  w{number}: 99\n" for number in range(60))
    bad = "".join(f"bad{number}: 1\n" for number in range(60))
    for content in ({"tone/spec.yaml": spec}, {TONE: TARGET + bad}):
        repository = build(root, dict(content))
        with pytest.raises(ConfigError) as caught:
            config.load_targets(WorkingSource(repository))
        lines = str(caught.value).split("\n")
        assert len(lines) == 51
    assert lines[-1] == "tone/target.yaml:62:1: bad50: this and 9 more are wrong too"
