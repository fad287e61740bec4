"""The evaluator of api-latency as it stands, in this process, so that single checks can be taken out of it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness import evaluator
from harness.sandbox.views import ROOT_VARIABLE

TARGET = Path(__file__).parents[2] / "targets" / "experiments" / "api-latency"
BASE = (TARGET / "handler.py").read_text(encoding="utf-8")
SIBLINGS = ("answers", "driving", "shops", "traffic")
CHECKS = {
    "answers": ("driving", "require_right"),
    "held": ("", "require_held"),
    "start": ("", "_require_start"),
    "idle": ("", "_require_idle"),
}


class Bench:
    """The evaluator as it stands, in a copy of the target's folder. hidden: with what is there in confirm alone."""

    def __init__(self, folder: Path, *, hidden: bool) -> None:
        self.folder = folder / "target"
        leave = shutil.ignore_patterns("__pycache__", "*.md", *(() if hidden else ("data",)))
        shutil.copytree(TARGET, self.folder, ignore=leave)
        self.home = folder / "home"
        self.home.mkdir()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("TMPDIR", str(self.home))
        self.patch.setenv(ROOT_VARIABLE, os.pathsep.join(map(str, (self.folder, self.home))))
        self.patch.chdir(self.folder)
        self.patch.syspath_prepend(str(self.folder))
        self.module = self._loaded()

    def _loaded(self) -> ModuleType:
        for name in SIBLINGS:
            sys.modules.pop(name, None)
        spec = importlib.util.spec_from_file_location("evaluate_api_latency", self.folder / "evaluate.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def one(self, content: str, seed: int = 1, without: str = "") -> evaluator.Scores | evaluator.Crash:
        """without: the check that is taken out, as in CHECKS."""
        path = self.home / "candidate.py"
        path.write_text(content, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            if without:
                place, name = CHECKS[without]
                patch.setattr(getattr(self.module, place) if place else self.module, name, lambda *_arguments: None)
            request = evaluator.Request(1, "search", seed, 1.0, (evaluator.Item("b", path),))
            (found,) = self.module.score(request)
        assert not isinstance(found, evaluator.Screened)
        return found

    def close(self) -> None:
        self.patch.undo()
        for name in SIBLINGS:
            sys.modules.pop(name, None)


def scores(found: evaluator.Scores | evaluator.Crash) -> evaluator.Scores:
    assert isinstance(found, evaluator.Scores), found.why
    return found


def refusal(found: evaluator.Scores | evaluator.Crash) -> str:
    assert isinstance(found, evaluator.Crash), "it was scored"
    return found.why
