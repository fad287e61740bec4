"""A provider that both proposes by a script and sorts messages, and nights of the target whose prompt it is given.

It sorts better the more its instructions say, and never quite the same twice.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.night.folder import Night, nights
from harness import folds
from harness.events import Event
from harness.repository import Repository
from tests.scripted import USAGE, Answer, Scripted
from tests.support import ENVIRONMENT, git, make_repository

JUDGED = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
JUDGED_USD = (100 * 1 + 10 * 5) / 1e6  # at 1 and 5 dollars per million tokens
PROPOSED_USD = (USAGE["prompt_tokens"] * 1 + USAGE["completion_tokens"] * 5) / 1e6


def luck(text: str) -> int:
    """0 to 99, the same everywhere."""
    return zlib.crc32(text.encode()) % 100


class Judge(Scripted):
    """right: message -> its intent. asked: (system, message) of every question of an evaluator, in order. fault: the
    status that a question with these instructions gets; dear: by how much its answer is dearer."""

    def __init__(
        self, answer: Answer, right: Mapping[str, str], fault: Callable[[str], int] = lambda _: 200,
        dear: Callable[[str], int] = lambda _: 1,
    ) -> None:  # fmt: skip
        super().__init__(answer)
        self.right, self.fault, self.dear = right, fault, dear
        self.asked: list[tuple[str, str]] = []
        self._times = Counter[tuple[str, str]]()
        self._turn = threading.Lock()

    @property
    def proposals(self) -> int:
        return len(self.bodies) - len(self.asked)

    def _status(self, body: str) -> int:
        return self.fault(_said(body)[0]) if _of_an_evaluator(body) else 200

    def _reply(self, body: str, key: str) -> list[dict[str, Any]]:
        if not _of_an_evaluator(body):
            return super()._reply(body, key)
        system, message = _said(body)
        with self._turn:
            self.bodies.append(body)
            self.keys.append(key)
            self.asked.append((system, message))
            self._times[system, message] += 1
            times = self._times[system, message]
        call = {"name": "reply", "arguments": json.dumps(self._answered(system, message, times))}
        said = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": call}]}
        return [
            {"choices": [{"index": 0, "delta": {"role": "assistant", **said}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {"choices": [], "usage": {name: tokens * self.dear(system) for name, tokens in JUDGED.items()}},
        ]

    def _answered(self, system: str, message: str, times: int) -> dict[str, str]:
        """Whoever is told of an intent gets most of its messages right; a few are answered otherwise every time."""
        intent = self.right[message]
        known = luck(message) < (78 if f"{intent}:" in system else 35)
        unsure = luck(message) >= 82 and times % 2 == 0
        wrong = "product" if intent != "product" else "billing"
        return {"intent": intent if known or unsure else wrong}


def _said(body: str) -> tuple[str, str]:
    messages = json.loads(body)["messages"]
    return "".join(one["content"] for one in messages if one["role"] == "system"), messages[-1]["content"]


def _of_an_evaluator(body: str) -> bool:
    return '"name":"reply"' in body.replace(" ", "")


ROOT = Path(__file__).resolve().parents[1]
FOLDER = "targets/experiments/prompt-engineering"
NAME = "prompt-engineering"
KEY = "sk-canary-5f0b7c1d93aa4e62b7"
CONFIG = """
models:
  providers: {{scripted: {{kind: openai, base_url: "{address}", key: SCRIPTED_KEY, timeout: 20s}}}}
  prices: {{small: {{input: 1, output: 5}}}}
"""
ASKS = "{kind: openai, provider: scripted, model: small, max_tokens: 1000, history_tokens: 2000}"
SPY = """
import os as _os
_names = sorted(name for name in _os.environ if name.startswith("AUTORESEARCH"))
_above = open(f"/proc/{{_os.getppid()}}/environ", "rb").read().split(b"\\0")
_names += ["BROKER-ABOVE" for one in _above if one.startswith(b"AUTORESEARCH_BROKER=") and one.endswith(b".sock")]
open({log!r}, "a").write(" ".join(_names) + "\\n")
"""


def rows(split: str) -> list[dict[str, str]]:
    """Five or seven messages of each intent: enough for these tests."""
    lines = (ROOT / FOLDER / "data" / f"{split}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[: {"search": 30, "holdout": 42}[split]]]


RIGHT = {case["message"]: case["intent"] for split in ("search", "holdout") for case in rows(split)}
SEARCH, HOLDOUT = len(rows("search")), len(rows("holdout"))


def whole(text: str, why: str = "say what the shop means") -> dict[str, Any]:
    return {"hypothesis": why, "expected_effect": "accuracy rises", "edits": [{"content": text}]}


def told(*intents: str) -> str:
    return "Sort the messages.\n" + "".join(f"{intent}: as the shop means it\n" for intent in intents)


EVERYTHING = told("account", "billing", "cancel", "delivery", "product", "returns")


def answers(number: int, _before: int) -> dict[str, Any] | str:
    return {
        1: whole(told("billing", "delivery")),
        2: whole("Sort the messages as you like.\n"),
        3: whole(EVERYTHING),
    }.get(number, whole(f"Sort them, attempt {number}.\n"))


def _declared(path: Path, proposer: str, experiments: int, usd: float) -> str:
    """The target.yaml that ships, with another provider, proposer and budget, and a confirmation of one part."""
    said = path.read_text().replace("provider: anthropic, model: claude-haiku-5-5", "provider: scripted, model: small")
    assert "scripted" in said
    for key, value in (
        ("proposer", proposer), ("budget", f"{{experiments: {experiments}, usd: {usd}}}"), ("confirm", "{groups: 1}"),
    ):  # fmt: skip
        said, found = re.subn(rf"(?m)^{key}: .*$", f"{key}: {value}", said)
        assert found == 1, key
    return said


class World:
    """A repository with a target that ships, asking the scripted provider for both proposals and judgements."""

    def __init__(
        self, folder: Path, provider: Judge, experiments: int = 4, usd: float = 5.0, proposer: str = ASKS,
        name: str = NAME,
    ) -> None:  # fmt: skip
        self.log = folder / "evaluators.log"
        self.repository = make_repository(folder, {})
        self.name, self.folder = name, f"targets/experiments/{name}"
        place = self.repository.root / self.folder
        shutil.copytree(ROOT / self.folder, place)
        if name == NAME:
            for split in ("search", "holdout"):
                lines = "".join(f"{json.dumps(case)}\n" for case in rows(split))
                (place / "data" / f"{split}.jsonl").write_text(lines)
        (place / "target.yaml").write_text(_declared(place / "target.yaml", proposer, experiments, usd))
        evaluate = (place / "evaluate.py").read_text()
        (place / "evaluate.py").write_text(f"{evaluate}\n".replace("def main()", f"{self.spy}\ndef main()", 1))
        settings = self.repository.root / ".github" / "autoresearch.yml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(CONFIG.format(address=provider.address))
        self.commit()

    @property
    def spy(self) -> str:
        return SPY.format(log=str(self.log))

    def with_lines(self, *lines: str) -> World:
        """A catalogue for the proposer that needs no model; by default what the shop means by each intent."""
        lines = lines or tuple(EVERYTHING.splitlines()[1:])
        catalogue = "".join(f'- options: ["", "{line}"]\n' for line in lines)
        (self.repository.root / self.folder / "catalogue.yaml").write_text(catalogue)
        self.commit()
        return self

    def paid(self) -> list[Event]:
        found = [*self.events("baseline"), *self.events("experiment"), *self.events("confirm")]
        return [event for event in found if "evaluation" in event]

    def commit(self) -> None:
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", "Add a target")

    def begin(self, *words: str, key: str = KEY) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = {**inherited, **ENVIRONMENT, **({"SCRIPTED_KEY": key} if key else {})}
        return subprocess.Popen(
            [sys.executable, "-m", "bot.cli", *words], cwd=self.repository.root, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str, key: str = KEY) -> tuple[int, str]:
        process = self.begin(*words, key=key)
        out, err = process.communicate(timeout=600)
        return process.returncode, out + err

    def night(self) -> str:
        code, said = self.run("night", "--quiet", "--seed", "1")
        assert code == 0, said
        return said

    @property
    def last(self) -> Night:
        return nights(Repository.find(self.repository.root))[-1]

    def events(self, kind: str) -> list[Event]:
        return folds.of_kind(self.last.segments(self.name), kind)

    def left_behind(self) -> bytes:
        """Every object of the repository, and all that lies in its state."""
        command = ["git", "cat-file", "--batch-all-objects", "--batch"]
        objects = subprocess.run(command, cwd=self.repository.root, capture_output=True, check=True).stdout
        state = self.last.path.parent
        return objects + b"\n".join(path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file())
