"""Small repositories with targets of every kind that a workflow differs for."""

from __future__ import annotations

from pathlib import Path

from harness.repository import Repository
from tests.actions import wheel
from tests.support import make_repository

WHEEL = f".github/{wheel.NAME}"
_EVALUATE = "import json\nprint('---')\nprint('score: 0.5')\n"
_TRAIN = "from harness.scorers import gpt\n"
_DATA = """\
name: {name}
file: params.yaml
evaluate: {{command: [python, evaluate.py]}}
metrics: [{{name: score, goal: maximize}}]
space: {{/rate: {{float: [0, 1]}}}}
"""
_CODE = """\
name: {name}
file: program.py
evaluate: {{command: [python, evaluate.py]}}
metrics: [{{name: score, goal: maximize}}]
"""
_JUDGED = """\
name: {name}
file: params.yaml
evaluate:
  command: [python, evaluate.py]
  needs: [model]
  model: {{provider: anthropic, model: claude-haiku-5-5}}
sample: rows
metrics: [{{name: score, goal: maximize}}]
space: {{/rate: {{float: [0, 1]}}}}
budget: {{usd: 2}}
"""
DATA, CODE, OWN, SEARCH, LONG, MODEL, JUDGED = "data", "code", "own", "search", "long", "model", "judged"
TRAINING, OWN_TRAINING, TUNED, ARMS, CHOSEN = "training", "own-training", "tuned", "arms", "chosen"
_KINDS = {
    DATA: _DATA,
    CODE: _CODE,
    OWN: _DATA + "runner: [self-hosted, gpu]\n",
    SEARCH: _DATA + "proposer: {{kind: search}}\nbudget: {{wall_clock: 30m}}\n",
    MODEL: _DATA + "proposer: {{kind: claude}}\nbudget: {{usd: 2}}\n",
    JUDGED: _JUDGED,
    TRAINING: _DATA,
    OWN_TRAINING: _DATA.replace("py]}}", "py], needs: [gpu]}}") + "runner: [self-hosted, linux, gpu]\n",
    TUNED: _CODE + "proposer: {{kind: tune}}\n",
    ARMS: _CODE + "proposer: {{kind: portfolio, arms: [{{kind: tune}}, {{kind: claude}}]}}\nbudget: {{usd: 2}}\n",
    CHOSEN: _DATA + "proposer: {{kind: tune, catalogue: catalogue.yaml}}\n",
    LONG: _DATA + "budget: {{wall_clock: 8h}}\nconfirm: {{budget: 40m}}\n",
}


def with_targets(tmp_path: Path, *kinds: str, config: str = "", main: str = wheel.THE_REAL_BOT) -> Repository:
    """A repository with a target of each kind, named after it, and a wheel that stands for the bot."""
    files: dict[str, str | bytes] = {"README.md": "A shop.\n"}
    for kind in kinds:
        folder = f"targets/experiments/{kind}"
        files[f"{folder}/target.yaml"] = _KINDS[kind].format(name=kind)
        files[f"{folder}/evaluate.py"] = _TRAIN + _EVALUATE if kind in {TRAINING, OWN_TRAINING} else _EVALUATE
        files[f"{folder}/{'program.py' if kind in {CODE, TUNED, ARMS} else 'params.yaml'}"] = "rate: 0.5\n"
        if kind == CHOSEN:
            files[f"{folder}/catalogue.yaml"] = "rate:\n  - 'rate: 0.4'\n"
    if config:
        files[".github/autoresearch.yml"] = config
    repository = make_repository(tmp_path, files)
    wheel.write(repository.root / ".github", main)
    return repository
