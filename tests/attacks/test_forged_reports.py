"""Forged reports: what a candidate prints, writes to descriptors or patches so that it is taken for its score."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import config
from harness import measure, reports, view
from harness.measure import Ask
from harness.process import run_bounded
from harness.reports import Measurement
from harness.repository import WorkingSource
from harness.target import Target
from tests.attacks.support import ROOT
from tests.support import make_repository

FOLDER = "targets/experiments/forge"
_TARGET = """
name: forge
file: solve.py
evaluate: {FORM: [python, evaluate.py], timeout: 30s}
metrics: [{name: correct, goal: maximize}]
confirm: {unit: hunk}
"""
_TOP = """
import json, os, sys, time
sys.path.append(REPOSITORY)
from tests.attacks.layers import switch_off
switch_off(OFF)
from harness import candidate, evaluator


def grade(said):
    return float(said.strip() == b"honest")


"""
_SANDBOXED = 'done = candidate.run(["python", "solve.py"], sees=["solve.py"])\n'
# What an evaluator that imports its candidate does: everything that it has is the candidate's.
_IN_PROCESS = """
import types
done = types.SimpleNamespace(stdout=b"", seconds=1.0)
exec(compile(open("solve.py").read(), "solve.py", "exec"), {"__name__": "solve"})
"""
_GRADED = """
EXPECTED = "EXPECTED IS 42"
started = time.perf_counter()
RUN
evaluator.report({"correct": SCORE})
"""
FORGED = 999.0
_LINE = json.dumps({"metrics": {"correct": FORGED}})
_BLOCK = f"---\ncorrect: {FORGED}\n"


@dataclass(frozen=True)
class Attack:
    """evaluator: its part behind the imports; RUN in it runs the candidate, in a sandbox or, without the layer
    `process`, within the evaluator. layers: of the sandbox or of `HARNESS`. alone: those of them that stop it alone."""

    candidate: str
    evaluator: str = _GRADED.replace("SCORE", "grade(done.stdout)")
    layers: tuple[str, ...] = ("process",)
    alone: tuple[str, ...] = ()
    succeeded: Callable[[Measurement], bool] = lambda found: found.metrics.get("correct") == FORGED


_WRITE_ALL = f"""
import os, sys
for descriptor in range(3, 1024):
    try:
        os.write(descriptor, b'{_LINE}\\n')
    except OSError:
        pass
sys.exit(1)
"""
_ONLY_IF_FINE = "RUN\nif done.ok: evaluator.report({'correct': grade(done.stdout)})\n"
_LATE = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(0.2)
    for descriptor in range(3, 1024):
        try:
            os.write(descriptor, b'{_LINE}\\n')
        except OSError:
            pass
    os._exit(0)
"""
_NUMBER = "RUN\nevaluator.report({'correct': float(done.stdout)})\n"
_PASSED_ON = """RUN
said = b'{"metrics": {"correct": ' + done.stdout.strip() + b'END' + bytes([10])
os.write(int(os.environ['AUTORESEARCH_REPORT']), said)
"""
_ECHO = "RUN\nsys.stdout.write(done.stdout.decode())\n"
_PIPES = ("inherited descriptors", "closed descriptors")

ATTACKS = {
    "patched metric": Attack("import sys\nsys.modules['__main__'].grade = lambda _said: 999.0"),
    "patched timer": Attack(
        "import time\ntime.perf_counter = lambda: 1e9",
        _GRADED.replace("SCORE", "999.0 if time.perf_counter() - started > 1e8 else 1.0"),
    ),
    "patched report": Attack(
        "from harness import evaluator\nreal = evaluator.report\n"
        "evaluator.report = lambda *_, **__: real({'correct': 999.0})"
    ),
    "patched built-in": Attack("import builtins\nbuiltins.float = lambda _value: 999", layers=("process",)),
    "report first, then end the evaluator": Attack(
        "import os\nfrom harness import evaluator\nevaluator.report({'correct': 999.0})\nos._exit(0)"
    ),
    "close the report's descriptor behind a report": Attack(
        f"import os\nat = int(os.environ.get('AUTORESEARCH_REPORT', '99'))\nos.write(at, b'{_LINE}\\n')\n"
        "os.dup2(os.open(os.devnull, os.O_WRONLY), at)"
    ),
    "answers from the caller's frame": Attack(
        "import sys\nframe = sys._getframe()\nwhile frame.f_back: frame = frame.f_back\n"
        "assert '42' in frame.f_globals['EXPECTED']\nframe.f_globals['grade'] = lambda _said: 999.0"
    ),
    "a module for later": Attack(
        "import sys, types\nfake = types.ModuleType('grading')\nfake.grade = lambda _said: 999.0\n"
        "sys.modules['grading'] = fake",
        "RUN\ntry:\n    from grading import grade\nexcept ImportError:\n    grade = lambda _said: 0.0\n"
        "evaluator.report({'correct': grade(b'')})\n",
    ),
    "a giant report": Attack(
        f"import os\nat = int(os.environ.get('AUTORESEARCH_REPORT', '99'))\n"
        f"said = b'{_LINE}'.ljust(17 << 20) + b'\\n'\n"
        "while said: said = said[os.write(at, said):]\nos._exit(0)",
        layers=("process", "report limit"),
        alone=("process", "report limit"),
    ),
    "a report on every descriptor": Attack(_WRITE_ALL, _ONLY_IF_FINE, _PIPES, _PIPES),
    "report from a grandchild": Attack(_LATE, "RUN\ntime.sleep(0.6)\n", ("processes", *_PIPES), ("processes", *_PIPES)),
    "closing block on standard output": Attack(f"print({_BLOCK!r})", _ECHO, ("code is never scored by its output",)),
    "JSON on standard output": Attack(
        f"print({_BLOCK!r})\nprint('{_LINE}')\nprint({_BLOCK!r})", _ECHO, ("code is never scored by its output",)
    ),
    "not a number": Attack(
        "print('nan')",
        _NUMBER,
        ("constants", "finite"),
        ("constants", "finite"),
        lambda found: found.metrics != {} and found.metrics["correct"] != found.metrics["correct"],
    ),
    "infinity": Attack(
        "print('inf')",
        _NUMBER,
        ("constants", "finite"),
        ("constants", "finite"),
        lambda found: found.metrics.get("correct") == float("inf"),
    ),
    "number without end": Attack(
        "print('9' * 400)",
        _PASSED_ON.replace("END", ".0}}"),
        ("finite",),
        (),
        lambda found: found.metrics.get("correct") == float("inf"),
    ),
    "number that closes the object": Attack(
        "print('0, \"correct\": 999')",
        _PASSED_ON.replace("END", "}}"),
        ("each name once",),
    ),
    "number that brings a line": Attack(
        f"print('0}}}}' + chr(10) + '{_LINE}')",
        _PASSED_ON.replace("END", ""),
        ("one report",),
    ),
}


def _last_report(finished: object, target: Target) -> object:
    lines = [line for line in finished.report.split(b"\n") if line.strip()]  # type: ignore[attr-defined]
    return reports.parse_json(lines[-1])


HARNESS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "code is never scored by its output": lambda patch: patch.setattr(Target, "is_data", True),
    "constants": lambda patch: patch.setattr(measure, "parse_json", json.loads),
    "finite": lambda patch: patch.setattr(reports, "_finite", lambda _value: True),
    "each name once": lambda patch: patch.setattr(measure, "parse_json", json.loads),
    "report limit": lambda patch: patch.setattr(
        measure, "run_bounded", functools.partial(run_bounded, report_limit=64 << 20)
    ),
    "one report": lambda patch: patch.setattr(measure, "_reported", _last_report),
}


def measured(folder: Path, attack: Attack, off: Sequence[str]) -> Measurement:
    top = _TOP.replace("REPOSITORY", repr(str(ROOT))).replace(
        "OFF", repr([n for n in off if n not in {"process", *HARNESS}])
    )
    evaluate = top + attack.evaluator.replace("RUN\n", _IN_PROCESS if "process" in off else _SANDBOXED)
    files = {
        "target.yaml": _TARGET.replace("FORM", "command"),
        "evaluate.py": evaluate,
        "solve.py": "print('honest')\n",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in off:
            HARNESS.get(name, lambda _patch: None)(patch)
        repository = make_repository(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
        source = WorkingSource(repository)
        target = config.load_targets(source)[0]
        checkout = view.build(source, target, folder / "checkout", hidden=True)
        measurer = measure.measurer(target, checkout, folder / "scratch", repository)
        try:
            return measurer.measure([attack.candidate.encode()], Ask())[0]
        finally:
            measurer.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    found = measured(tmp_path / "all", attack, ())
    assert not attack.succeeded(found), found
    for number, kept in enumerate(attack.alone):
        found = measured(tmp_path / str(number), attack, [layer for layer in attack.layers if layer != kept])
        assert not attack.succeeded(found), (kept, found)
    found = measured(tmp_path / "none", attack, attack.layers)
    assert attack.succeeded(found), f"the control fails: {found}"
