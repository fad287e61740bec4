"""Secrets that lie everywhere around a night, and candidates that look for them and tell what they find.

Each place has a secret of its own. The candidates search what they can read and say what they found on standard error,
on standard output and as their reason to fail. The control takes the sandbox's views, processes and user apart: then
the same candidates find the same secrets, and the night's record says so.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import records
from bot.forge.local import LocalForge
from bot.log import log_lines
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.propose import propose
from bot.night.run import run
from bot.proposers import Proposal
from bot.report import report
from harness import measure
from harness.target import Target
from tests.attacks.loops import Scripted, planned
from tests.attacks.support import IS_ROOT, ROOT
from tests.support import git

FOLDER = "targets/experiments/greed"
_TARGET = """
name: greed
file: solve.py
evaluate: {command: [python, evaluate.py], timeout: 60s}
data: {hidden: [data/holdout.txt]}
sample: rows
metrics: [{name: correct, goal: maximize}]
confirm: {unit: hunk}
"""
_ROWS = 30
_EVALUATOR = f"""
import sys
sys.path.append({str(ROOT)!r})
from tests.attacks.layers import switch_off
switch_off(OFF)
from harness import candidate, evaluator

done = candidate.run(["python", "solve.py"], sees=["solve.py", "data/inputs.txt"])
if not done.ok:
    sys.exit(done.stderr + done.stdout.decode(errors="replace"))
said = [line for line in done.stdout.splitlines() if line.isdigit()]
hits = [float(line == b"5") for line in said[:{_ROWS}]] + [0.0] * ({_ROWS} - len(said))
evaluator.report({{"correct": sum(hits) / {_ROWS}}}, rows={{"correct": [hits]}})
"""
_GREED = """
import glob, os, re, sys
places = PLACES
found = set()


def look(path):
    try:
        with open(path, "rb") as file:
            found.update(re.findall(rb"canary-[a-z]+-[0-9a-f]{16}", file.read(1 << 20)))
    except OSError:
        pass


for folder in ("/candidate", "/tmp", "/dev/shm", "/home", "/root", "/var/tmp", "/run"):
    for above, _folders, names in os.walk(folder):
        for name in names:
            look(os.path.join(above, name))
for process in filter(str.isdigit, os.listdir("/proc")):
    words = b""
    try:
        words = open(f"/proc/{process}/cmdline", "rb").read()
    except OSError:
        pass
    look(f"/proc/{process}/cmdline")
    look(f"/proc/{process}/environ")
    if b"evaluate.py" in words:
        for path in places:
            look(f"/proc/{process}/root{path}")
        for path in glob.glob(f"/proc/{process}/cwd/data/*"):
            look(path)
for path in places:
    look(path)
found.update(value.encode() for value in os.environ.values() if value.startswith("canary-"))
said = " ".join(sorted(word.decode() for word in found))
print(said, file=sys.stderr)
print(said)
"""
_KINDS = ("environment", "home", "settings", "gitfolder", "answers", "holdout", "proposer", "argument")
_ANSWER = f"for _ in range({_ROWS}):\n    print(5)\n"
_OPEN = ("views", "processes", "user", "capabilities", "landlock", "environment", "seccomp")


@dataclass(frozen=True)
class Place:
    night: Night
    target: Target
    canaries: dict[str, str]
    greedy: str


def prepared(folder: Path, patch: pytest.MonkeyPatch, off: Collection[str]) -> Place:
    """A night with a secret in every place, and the candidate that knows where they are."""
    canaries = {kind: f"canary-{kind}-{secrets.token_hex(8)}" for kind in _KINDS}
    files = {
        "target.yaml": _TARGET,
        "evaluate.py": _EVALUATOR.replace("OFF", repr(list(off))),
        "solve.py": "print(4)\n",
        "data/inputs.txt": "2 3\n" * _ROWS,
        "data/answers.txt": canaries["answers"],
        "data/holdout.txt": canaries["holdout"],
    }
    night, target = planned(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
    git(night.repository, "config", "remote.origin.url", f"https://ada:{canaries['settings']}@git.example/x.git")
    hidden = {
        folder / "home" / ".netrc": canaries["home"],
        night.repository.common / "credentials": canaries["gitfolder"],
        folder / "proposer" / "key": canaries["proposer"],
    }
    for path, secret in hidden.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(secret)
    patch.setenv("API_KEY", canaries["environment"])
    patch.setenv("HOME", str(folder / "home"))
    places = [str(path.resolve()) for path in (*hidden, night.repository.common / "config")]
    return Place(night, target, canaries, _GREED.replace("PLACES", repr(places)))


def said(place: Place, folder: Path) -> str:
    """Everything that the night leaves for somebody to read, but the commit that it began from."""
    night, name = place.night, place.target.name
    report(night.repository, night.name, folder, as_json=False)
    texts = [path.read_bytes() for path in (*night.path.rglob("*"), *folder.rglob("*")) if path.is_file()]
    texts += night.repository.blobs(records.tree(night.repository).values()).values()
    texts += ["\n".join(log_lines(night.repository, night.name, None, as_json=True)).encode()]
    texts += [git(night.repository, "log", "-p", "--format=%B", f"{night.plan.base}..{branch}").encode()
              for branch in git(night.repository, "branch", "--format=%(refname:short)").splitlines()
              if branch.startswith("autoresearch/2")]  # fmt: skip
    assert any(name.encode() in text for text in texts)
    return b"\n".join(texts).decode(errors="replace")


def proposals(place: Place) -> list[Proposal]:
    """One that tells what it found as it fails, and one that is better and tells it all the same."""
    return [
        Proposal(f"{place.greedy}sys.exit(1)\n".encode(), "fail and tell"),
        Proposal(f"{place.greedy}{_ANSWER}".encode(), "be better and tell"),
    ]


def test_no_secret_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    place = prepared(tmp_path, monkeypatch, ())
    run(place.night, place.target, quiet=False, proposer=Scripted(proposals(place)))
    assert confirm(place.night, place.target) == "confirmed"  # the second is better, and was run beside the holdout
    propose(place.night, [place.target], LocalForge(place.night.path))
    everything = said(place, tmp_path / "out") + "".join(capfd.readouterr())
    assert not [kind for kind, secret in place.canaries.items() if secret in everything]
    assert not re.search(r"canary-[a-z]+-[0-9a-f]{16}", everything)


def test_the_control_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = prepared(tmp_path, monkeypatch, _OPEN)
    real = measure.environment

    def whole(home: Path, roots: tuple[Path, ...] = (), *, isolated: bool) -> dict[str, str]:
        return {**real(home, roots, isolated=isolated), "API_KEY": place.canaries["environment"]}

    monkeypatch.setattr(measure, "environment", whole)
    monkeypatch.setattr(measure, "command", lambda argv: [*_command(argv), place.canaries["argument"]])
    run(place.night, place.target, quiet=True, proposer=Scripted(proposals(place)[:1]))
    everything = said(place, tmp_path / "out")
    found = {kind for kind, secret in place.canaries.items() if secret in everything}
    outside = {"environment", "answers", "argument"}
    assert found >= outside, found
    if IS_ROOT:
        assert found == set(_KINDS) - {"holdout"}  # which is absent until confirm, whatever else is open


_command = measure.command
