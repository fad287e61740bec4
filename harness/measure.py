"""Starts a target's evaluator and takes its scores as data. A crash is never a number.

Both forms give the same answer for the same content. In the serve form a batch whose evaluator dies or hangs is asked
again one candidate at a time, so that only the one at fault is a crash.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from harness.device import DEVICE_VARIABLE
from harness.discretion import Discreet
from harness.errors import EvaluatorError
from harness.process import Conversation, ConversationOver, Finished, printable, run_bounded
from harness.reports import CUT, BadReport, Measurement, check_scores, check_screened, closing_block, parse_json
from harness.repository import Repository
from harness.rule import Metric
from harness.sandbox import TESTED_VARIABLE
from harness.sandbox.views import ROOT_VARIABLE
from harness.target import Target
from harness.view import View, overwrite, remove
from harness.window import Answered, Answering, Opened, open_for, opened

_CUT = Measurement(crash=CUT, why="the night was over before it was measured")
_TAIL_BYTES = 2400  # 600 characters of at most 4 bytes


@dataclass(frozen=True)
class Ask:
    """Which measurement is wanted: split search or holdout, the seed, the share of the full cost (2: twice the cost).

    until: when, by time.monotonic(), it is cut short because the night is over. bar: what the primary metric must not
    fall short of, where falling short decides (`harness.screening`); only the serve form can be told. meanwhile: done
    once, while the serve form measures.
    """

    split: str = "search"
    seed: int = 0
    fidelity: float = 1.0
    until: float = math.inf
    bar: float | None = None
    meanwhile: Callable[[], None] | None = None

    def over(self) -> bool:
        return time.monotonic() >= self.until

    def timeout(self, own: float) -> float:
        """Seconds that an evaluator may take whose own timeout is this; more where more than the full cost is asked."""
        return min(own * max(self.fidelity, 1.0), max(self.until - time.monotonic(), 0.0))


class Measurer(Protocol):
    """Measures contents of the editable file, in order."""

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]: ...

    def close(self) -> None: ...


def measurer(
    target: Target, view: View, scratch: Path, repository: Repository, answering: Answering | None = None
) -> Measurer:
    """The measurer of the form that the target declares. scratch: an empty folder of its own; answering: who answers
    an evaluator that needs a model, and no other.

    Before anything is started it raises SandboxError where candidates need a sandbox that does not hold, EvaluatorError
    where a model is needed and nobody answers.
    """
    asks = _answering(target, answering)
    if target.isolated:
        from harness.sandbox.selftest import self_test

        self_test()
    scratch.mkdir(parents=True, exist_ok=True)
    serve = target.evaluate.form == "serve"
    found: Measurer = (
        ServeMeasurer(target, view, scratch, repository, asks)
        if serve
        else ProcessMeasurer(target, view, scratch, asks)
    )
    found = Answered(found, asks) if asks else found
    return Discreet(found, {metric.name for metric in target.rule.metrics}) if target.private else found


def _answering(target: Target, answering: Answering | None) -> Answering | None:
    """Who answers this target's evaluator; None where it asks nobody. Raises EvaluatorError."""
    if not target.evaluate.model:
        return None
    if answering is None:
        raise EvaluatorError(
            f"{target.name}: its evaluator asks {target.evaluate.model.model}, and no model can be asked here",
            why="no broker is running: this command starts none, or it was given no key",
            next_step=f"autoresearch check {target.name} says what is missing",
        )
    return answering


class ProcessMeasurer:
    """One process per measurement."""

    def __init__(self, target: Target, view: View, scratch: Path, answering: Answering | None = None) -> None:
        self._target, self._view, self._scratch, self._answering = target, view, scratch, answering
        self._names = [metric.name for metric in target.rule.metrics]

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        return [self._one(content, ask) for content in contents]

    def _one(self, content: bytes, ask: Ask) -> Measurement:
        if ask.over():
            return _CUT
        self._view.put(content)
        home = self._scratch / "home"
        remove(home)
        home.mkdir()
        asked = {
            "AUTORESEARCH_FILE": str(self._view.file),
            "AUTORESEARCH_SPLIT": ask.split,
            "AUTORESEARCH_SEED": str(ask.seed),
            "AUTORESEARCH_FIDELITY": str(ask.fidelity),
        }
        argv, seconds = command(self._target.evaluate.argv), ask.timeout(self._target.evaluate.timeout)
        own = _environment(home, (self._view.root, home), self._target) | asked
        with _starting(argv), opened(self._answering) as window:
            finished = run_bounded(
                argv, cwd=self._view.cwd, env={**own, **window.environment}, timeout=seconds, report=True,
                inherited=window.inherited, started=window.started,
            )  # fmt: skip
        self._view.sweep()
        if finished.stopped == "timeout" and ask.over():
            return replace(_CUT, seconds=finished.seconds)
        return _from_process(finished, self._names, self._target, seconds)

    def close(self) -> None:
        self._view.put(self._view.base)


class ServeMeasurer:
    """One process for many batches."""

    def __init__(
        self, target: Target, view: View, scratch: Path, repository: Repository, answering: Answering | None = None
    ) -> None:
        self._target, self._view, self._scratch, self._repository = target, view, scratch, repository
        self._answering, self._window = answering, Opened()
        self._names = [metric.name for metric in target.rule.metrics]
        self._suffix = Path(target.file).suffix
        self._items = f"{scratch / 'items'}{os.sep}"  # a path per experiment: pathlib would cost more than the file
        self._conversation: Conversation | None = None
        self._asked = 0

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        if ask.over():
            return [_CUT] * len(contents)
        started, used = time.monotonic(), self._conversation is not None
        try:
            found = self._batch(contents, ask)
        except (ConversationOver, BadReport) as failed:
            self._stop()
            late = isinstance(failed, ConversationOver) and failed.kind == "timeout"
            # Blamed only for what it does in a fresh process; what is over by now is measured no more.
            if len(contents) > 1 or (used and not late) or (late and ask.over()):
                alone = replace(ask, meanwhile=None)
                return [self.measure([content], alone)[0] for content in contents]
            found = [_from_failure(failed)]
        share = (time.monotonic() - started) / len(contents)
        return [replace(measurement, seconds=share) for measurement in found]

    def _batch(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        """Raises ConversationOver and, for an answer that is none, BadReport."""
        conversation = self._conversation or self._start()
        self._asked += 1
        line, timeout = self._line(contents, ask), ask.timeout(self._target.evaluate.timeout)
        answer = conversation.ask(line, timeout, meanwhile=ask.meanwhile)
        self._view.sweep()
        results = _from_answer(answer, self._asked, len(contents))
        return [_from_result(result, self._names, self._target.rule.primary, ask.bar) for result in results]

    def _start(self) -> Conversation:
        home = self._scratch / "home"
        remove(home)
        home.mkdir()
        items = self._scratch / "items"
        items.mkdir(exist_ok=True)
        argv = command(self._target.evaluate.argv)
        with _starting(argv):
            own = _environment(home, (self._view.root, home, items), self._target)
            self._window = window = open_for(self._answering)
            env = {**own, **window.environment}
            self._conversation = Conversation(argv, cwd=self._view.cwd, env=env, inherited=window.inherited)
            window.started()
        return self._conversation

    def _line(self, contents: Sequence[bytes], ask: Ask) -> bytes:
        items = []
        for index, content in enumerate(contents):
            path = f"{self._items}{index}{self._suffix}"
            overwrite(path, content)
            items.append({"blob": self._repository.blob_id(content), "path": path})
        message = {"id": self._asked, "split": ask.split, "seed": ask.seed, "fidelity": ask.fidelity, "items": items}
        if ask.bar is not None:
            message["bar"] = ask.bar
        return json.dumps(message).encode()

    def _stop(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation:
            with contextlib.suppress(ConversationOver):  # what it says after its last answer changes no score
                conversation.close()
        self._window.close()
        self._window = Opened()

    def close(self) -> None:
        self._stop()


@contextlib.contextmanager
def _starting(argv: Sequence[str]) -> Iterator[None]:
    """Says what it means that the evaluator's program cannot be started."""
    try:
        yield
    except OSError as error:
        raise EvaluatorError(
            f"the evaluator cannot be started: {argv[0]}: {error.strerror}",
            why="the program is not installed, is not executable, or lacks a line such as #!/bin/sh",
            next_step="autoresearch check shows it; evaluate: {command: [sh, evaluate.sh]} needs no executable bit",
        ) from None


def command(argv: Sequence[str]) -> list[str]:
    """`python` means the interpreter that runs the harness, whatever is first on PATH."""
    return [sys.executable, *argv[1:]] if argv[0] in {"python", "python3"} else list(argv)


def _environment(home: Path, roots: Sequence[Path], target: Target) -> dict[str, str]:
    card = {DEVICE_VARIABLE: "cuda"} if target.evaluate.gpu else {}
    return environment(home, roots, isolated=target.isolated) | card


def environment(home: Path, roots: Sequence[Path] = (), *, isolated: bool) -> dict[str, str]:
    """All that an evaluator inherits: no secret of its parent's environment is in it.

    roots: the folders of which it may show parts to a candidate: its checkout, and what was made for it alone.
    """
    # The self-test has just been passed; an evaluator that is started per experiment need not repeat it.
    tested = {TESTED_VARIABLE: "1"} if isolated else {}
    return tested | {
        ROOT_VARIABLE: os.pathsep.join(map(str, roots)),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }


def _from_process(finished: Finished, names: Sequence[str], target: Target, timeout: float) -> Measurement:
    seconds, tail = finished.seconds, _tail(finished.stderr or finished.stdout)
    if finished.stopped == "timeout":
        return Measurement(crash="timeout", why=f"killed after {timeout:g} s{tail}", seconds=seconds)
    if finished.stopped:
        return Measurement(crash="flood", why=f"too much on its {finished.stopped}", seconds=seconds)
    if finished.exit_code:
        kind = "exit" if finished.exit_code > 0 else "signal"
        return Measurement(crash=kind, why=f"{kind} {abs(finished.exit_code)}{tail}", seconds=seconds)
    try:
        found = check_scores(_reported(finished, target), names)
    except BadReport as bad:
        return Measurement(crash=bad.kind, why=f"{_plain(bad.why)}{tail}", seconds=seconds)
    return replace(found, seconds=seconds)


def _reported(finished: Finished, target: Target) -> Any:
    lines = [line for line in finished.report.split(b"\n") if line.strip()]
    if len(lines) > 1:
        raise BadReport("twice", "more than one report")
    if lines:
        return parse_json(lines[0])
    if target.is_data:
        return {"metrics": closing_block(finished.stdout.decode(errors="replace"))}
    raise BadReport("missing", "nothing was reported")


def _from_answer(answer: bytes, asked: int, count: int) -> list[Any]:
    message = parse_json(answer)
    results = message.get("results") if isinstance(message, dict) else None
    if not isinstance(results, list) or message.get("id") != asked or len(results) != count:
        raise BadReport("malformed", "the answer is not {id, results} with one result per item")
    return results


def _from_result(result: Any, names: Sequence[str], primary: Metric, bar: float | None) -> Measurement:
    if isinstance(result, dict) and set(result) == {"crash"}:
        return Measurement(crash="refused", why=_plain(str(result["crash"])))
    try:
        if isinstance(result, dict) and set(result) == {"screened"}:
            return check_screened(result["screened"], primary, bar)
        return check_scores(result, names)
    except BadReport as bad:
        return Measurement(crash=bad.kind, why=_plain(bad.why))


def _from_failure(over: ConversationOver | BadReport) -> Measurement:
    if isinstance(over, BadReport):
        return Measurement(crash=over.kind, why=_plain(over.why))
    if over.kind == "timeout":
        return Measurement(crash="timeout", why=over.detail)
    if over.kind == "output":
        flood = over.detail.startswith("an answer of more than")
        return Measurement(crash="flood" if flood else "twice", why=over.detail)
    kind = "signal" if (over.exit_code or 0) < 0 else "exit"
    return Measurement(crash=kind, why=f"{kind} {abs(over.exit_code or 0)}{_tail(over.detail.encode())}")


def _tail(output: bytes) -> str:
    """The last words of a process, fit for an event: escaped, and no more than 600 characters."""
    text = printable(output[-_TAIL_BYTES:]).strip()
    return f": {text[-600:]}" if text else ""


def _plain(text: str) -> str:
    """What an evaluator said in so many words, and through it perhaps a candidate."""
    return printable(text.encode("utf-8", "backslashreplace"))[:2000]
