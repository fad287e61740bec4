"""What a candidate leaves in the checkout or the home for the next experiment, where nothing isolates it.

Two layers stop each: the sandbox, in which a candidate finds nothing to write to; and what the harness does between
two experiments. Each alone has to hold: once a careless evaluator runs the candidate as itself, once the harness tidies
nothing up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.night.folder import Night
from bot.night.run import run
from harness import folds, lock, measure, view
from harness.errors import IntegrityError
from harness.measure import Ask
from harness.repository import CommitSource
from harness.target import Target
from harness.view import View
from tests.attacks.loops import Scripted, contents, planned

FOLDER = "targets/experiments/left"
_TARGET = """
name: left
file: solve.py
evaluate: {command: COMMAND, timeout: 30s}
metrics: [{name: correct, goal: maximize}]
confirm: {unit: hunk}
"""
_SANDBOXED = 'from harness import candidate\ncandidate.run(["python", "solve.py"], sees=["solve.py"])\n'
_NAKED = "import subprocess, sys\nsubprocess.run([sys.executable, 'solve.py'])\n"
_REPORT = (
    "import os\nos.write(int(os.environ['AUTORESEARCH_REPORT']), b'{\"metrics\": {\"correct\": %f}}\\n' % correct)\n"
)
_PLAIN = "correct = 1.0\nTRUST\n"
BASE, NEXT = "print('base')\n", "print('next')\n"
_PATCH = "import builtins\nbuiltins.FORGED = 999.0\n"
_TRUSTING = "import builtins\ncorrect = getattr(builtins, 'FORGED', 1.0)"
_GLOB = "import pathlib\ncorrect = 1.0 + 998.0 * (len(list(pathlib.Path('data').glob('*.txt'))) > 1)"


def plant(path: str, text: str) -> str:
    return (
        f"import os\npath = os.path.expanduser({path!r})\nos.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n"
        f"open(path, 'w').write({text!r})\n"
    )


@dataclass(frozen=True)
class Attack:
    """trusts: what the evaluator does that the attack builds upon. base_python: it is run by the Python that the
    virtual environment stands on, which reads a user's own packages. layer: of `HARNESS`."""

    candidate: str
    trusts: str = _TRUSTING
    layer: str = "sweep"
    base_python: bool = False


_CACHED = "try:\n    correct = float(open('PLACE').read())\nexcept OSError:\n    pass"
_POISON = """
import importlib.util, marshal, os, py_compile
os.makedirs('__pycache__', exist_ok=True)
seen = os.stat('helper.py')
code = compile('VALUE = 999.0', 'helper.py', 'exec')
head = importlib.util.MAGIC_NUMBER + bytes(4) + int(seen.st_mtime).to_bytes(4, 'little')
head += seen.st_size.to_bytes(4, 'little')
open(importlib.util.cache_from_source('helper.py'), 'wb').write(head + marshal.dumps(code))
"""
_SITE = f"~/.local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
_KEEP_TIMES = """
import os
before = os.stat('locked.txt')
os.chmod('locked.txt', 0o644)
with open('locked.txt', 'r+') as file: file.write('9')
os.utime('locked.txt', ns=(before.st_atime_ns, before.st_mtime_ns))
"""
_LOCKED = "correct = 999.0 if open('locked.txt').read(1) == '9' else 1.0"

ATTACKS = {
    "json.py beside the evaluator": Attack(plant("json.py", _PATCH), f"import json\n{_TRUSTING}"),
    "poisoned __pycache__": Attack(_POISON, "import helper\ncorrect = helper.VALUE"),
    "conftest.py beside the evaluator": Attack(
        plant("conftest.py", _PATCH), f"try: import conftest\nexcept ImportError: pass\n{_TRUSTING}"
    ),
    "sitecustomize.py on the path": Attack(
        plant("lib/sitecustomize.py", _PATCH),
        "import sys\nsys.path.insert(0, 'lib')\nsys.modules.pop('sitecustomize', None)\n"
        f"try: import sitecustomize\nexcept ImportError: pass\n{_TRUSTING}",
    ),
    "usercustomize.py in the home": Attack(
        plant(f"{_SITE}/usercustomize.py", _PATCH), layer="fresh home", base_python=True
    ),
    "a .pth file in the home": Attack(
        plant(f"{_SITE}/x.pth", "import builtins; builtins.FORGED = 999.0\n"), layer="fresh home", base_python=True
    ),
    "a cached score in the checkout": Attack(plant("cache.txt", "999"), _CACHED.replace("PLACE", "cache.txt")),
    "a cached score in the home": Attack(
        plant("~/.cache/score", "999"),
        "import os\n" + _CACHED.replace("'PLACE'", "os.path.expanduser('~/.cache/score')"),
        "fresh home",
    ),
    "a folder .git in the checkout": Attack(plant(".git/score", "999"), _CACHED.replace("PLACE", ".git/score")),
    "a .gitattributes in the checkout": Attack(
        plant(".gitattributes", "999"), _CACHED.replace("PLACE", ".gitattributes")
    ),
    "one file more in a folder": Attack(plant("data/inputs2.txt", "x"), _GLOB),
    "a name that looks like another": Attack(plant("data/\u0456nputs.txt", "x"), _GLOB),
    "a name of the other normal form": Attack(
        plant("caf\u0065\u0301.txt", "999"), _CACHED.replace("PLACE", "caf\u0065\u0301.txt")
    ),
    "a name that differs in case": Attack(plant("data/Inputs.txt", "x"), _GLOB),
    "a name with a line break": Attack(plant("data/inputs.txt\n.txt", "x"), _GLOB),
    "a link to a folder of files": Attack(
        "import os\nos.symlink('/etc', 'more')", "import os\ncorrect = 999.0 if os.path.exists('more') else 1.0"
    ),
    "a locked file with its old times": Attack(_KEEP_TIMES, _LOCKED, "watch"),
    "a locked file that is replaced": Attack(
        "import os\nos.remove('locked.txt')\nopen('locked.txt', 'w').write('9')", _LOCKED, "watch"
    ),
    "a locked file that is a link": Attack(
        "import os\nopen('/tmp/autoresearch-nine', 'w').write('9')\nos.remove('locked.txt')\n"
        "os.symlink('/tmp/autoresearch-nine', 'locked.txt')",
        _LOCKED,
        "watch",
    ),
}


def _same_home(patch: pytest.MonkeyPatch) -> None:
    real = measure.environment

    def environment(home: Path, roots: Sequence[Path] = (), *, isolated: bool) -> dict[str, str]:
        (home.parent / "stale").mkdir(exist_ok=True)
        return real(home.parent / "stale", roots, isolated=isolated)

    patch.setattr(measure, "environment", environment)


def _blind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lock.Watch, "check", lambda _self: None)
    patch.setattr(lock.Watch, "check_in_full", lambda _self: None)


HARNESS: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "sweep": lambda patch: patch.setattr(View, "sweep", lambda _self: []),
    "fresh home": _same_home,
    "watch": _blind,
}


def forged(folder: Path, attack: Attack, off: Sequence[str]) -> bool:
    """Whether the candidate after the attack gets a score that is not its own."""
    python = str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))
    trusting = _PLAIN.replace("TRUST", attack.trusts)
    runner = _NAKED if "sandbox" in off else _SANDBOXED
    if attack.base_python and "sandbox" not in off:
        runner = f"import sys\nsys.path += {sys.path!r}\n{runner}"
    files = {
        "target.yaml": _TARGET.replace("COMMAND", f'["{python if attack.base_python else "python"}", evaluate.py]'),
        "evaluate.py": trusting + runner + _REPORT,
        "solve.py": BASE,
        "helper.py": "VALUE = 1.0\n",
        "locked.txt": "1\n",
        "data/inputs.txt": "x",
    }
    night, target = planned(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
    with pytest.MonkeyPatch.context() as patch:
        for name in off:
            HARNESS.get(name, lambda _patch: None)(patch)
        if attack.layer == "watch":  # it is the loop that looks at the lock
            return _kept(night, target, attack)
        source = CommitSource(night.repository, night.plan.base)
        checkout = view.build(source, target, folder / "checkout", hidden=False)
        measurer = measure.measurer(target, checkout, folder / "scratch", night.repository)
        found = measurer.measure([attack.candidate.encode(), NEXT.encode()], Ask())
        measurer.close()
    assert not found[1].crash, found[1]
    return found[1].metrics["correct"] == 999


def _kept(night: Night, target: Target, attack: Attack) -> bool:
    try:
        run(night, target, quiet=True, proposer=Scripted(contents(attack.candidate, NEXT)))
    except IntegrityError:
        assert folds.run_end(night.segments(target.name)) == "integrity"
    events = folds.of_kind(night.segments(target.name), "experiment")
    assert events, "the attack was never measured"
    return events[-1]["status"] == "keep"


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    assert not forged(tmp_path / "sandbox", attack, (attack.layer,)), "the sandbox alone does not stop it"
    assert not forged(tmp_path / "harness", attack, ("sandbox",)), f"{attack.layer} alone does not stop it"
    assert forged(tmp_path / "none", attack, ("sandbox", attack.layer)), "the control fails"


@pytest.mark.parametrize("careless", [False, True])
def test_a_link_in_the_place_of_the_file(careless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next candidate is not written through it: it is removed, and were it not, it would not be followed."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    files = {"target.yaml": _TARGET.replace("COMMAND", "[python, evaluate.py]"), "solve.py": BASE}
    files["evaluate.py"] = f"correct = 1.0\n{_NAKED}{_REPORT}"
    night, target = planned(tmp_path, {f"{FOLDER}/{name}": text for name, text in files.items()})
    if careless:
        monkeypatch.setattr(View, "put", lambda self, content: self.file.write_bytes(content))
    attack = f"import os\nos.remove('solve.py')\nos.symlink({os.fspath(victim)!r}, 'solve.py')"
    run(night, target, quiet=True, proposer=Scripted(contents(attack, NEXT)))
    assert (victim.read_text() != "precious") == careless
    if not careless:
        folder = tmp_path / "second"
        folder.mkdir()
        (folder / "file").symlink_to(victim)
        with pytest.raises(OSError, match="symbolic links"):
            view.overwrite(folder / "file", b"x")
