"""`command`: any agent's command-line tool as a proposer. It works in a sandbox on a copy of the one file.

The tool is trusted with nothing: it sees its folder and the system's programs, reaches one provider through a passage
that adds the key and counts the money, and of all it does one file comes back. Without a `provider` it reaches nobody.
"""

from __future__ import annotations

import contextlib
import posixpath
import time
from collections.abc import Iterable, Sequence
from typing import Any, cast

from bot.models.messages import Model
from bot.models.passage import Gateway, NoMoney, Toll
from bot.proposers import Outcome, Over, Proposal, Request, Told, command_session, command_shown
from bot.proposers.command_shown import Tried
from harness.documents import canonical_id
from harness.errors import ConfigError, InvalidCandidate
from harness.target import Target, seconds

_TIMEOUT = "10m"
_FAILURES = 3  # in a row, after which the tool is not asked again
_WHY = 500


class Command:
    """A proposer that starts a tool for each proposal. program: what the target's people ask of it; declined: what
    they turned down before, in words."""

    worst_case_usd = 0.0  # not known before: the passage holds a tool to what is left, call by call
    steady = False

    def __init__(self, target: Target, program: bytes, model: Model | None, declined: Sequence[str] = ()) -> None:
        self._target, self._program, self._declined = target, program, declined
        self._argv = tuple(str(word) for word in target.options.get("command", ()))
        self._provider = str(target.options.get("provider", ""))
        self._seconds = seconds(str(target.options.get("timeout", _TIMEOUT)))
        self._file = posixpath.basename(target.file)
        self._gateway = model
        self._descriptions: dict[int, str] = {}
        self._tried: list[Tried] = []
        self._failures: list[str] = []
        self._over: Over | None = None
        self._check()
        self._nothing = f"{self._argv[0]} proposed nothing: "[:_WHY]

    def ask(self, request: Request) -> list[Proposal]:
        """One proposal: a tool takes minutes, and what it leaves may change what the next one is shown."""
        if len(self._failures) >= _FAILURES:
            raise Over("exhausted", f"{_FAILURES} times in a row: {self._failures[-1]}")
        if self._over:
            raise self._over
        proposal = self._proposal(request)
        self._descriptions[request.first] = proposal.description
        self._count(proposal.failed)
        return [proposal]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._tried += [Tried(self._descriptions.pop(found.experiment, ""), found) for found in outcomes]

    def recall(self, told: Iterable[Told]) -> None:
        for each in told:
            if each.outcome.experiment:
                self._tried.append(Tried(each.description, each.outcome))
                self._count(each.outcome.why if each.outcome.why.startswith(self._nothing) else "")

    def _count(self, failed: str) -> None:
        self._failures = [*self._failures, failed] if failed else []

    def _proposal(self, request: Request) -> Proposal:
        started = time.monotonic()
        left, toll = self._run(request)
        spent = self._spent(toll, time.monotonic() - started)
        cost = float(toll.cost_usd)
        why = left.why or self._unfit(left.content or b"", request)
        if why:
            why = self._nothing + why + (f" ({toll.refused})" if toll.refused else "")
            return Proposal(request.incumbent, _last_line(left.said) or why, cost, spent=spent, failed=why[:_WHY])
        assert left.content is not None  # noqa: S101  # or there were a why
        return Proposal(left.content, command_shown.description(left.said), cost, spent=spent)

    def _run(self, request: Request) -> tuple[command_session.Left, Toll]:
        """Raises Over where there is no money for a first call, or no broker any more."""
        task = self._task(request)
        if not self._provider:
            return command_session.run(task, None), Toll()
        try:
            with self._opened().passage(self._provider, request.usd_left) as passage:
                left = command_session.run(task, passage)
                toll = passage.close()
        except NoMoney as why:
            raise Over("money", str(why)) from None
        except ConnectionError as gone:
            raise Over("exhausted", str(gone)) from None
        if toll.refused:
            self._over = Over("money", toll.refused)
        return left, toll

    def _opened(self) -> Gateway:
        if not hasattr(self._gateway, "passage"):
            what = f"the proposer command has no way to its provider {self._provider}: nobody here holds a key"
            next_step = "start the night with the provider's key, or leave out `provider` for a tool that asks no model"
            raise ConfigError(self._target.place("proposer"), what, next_step=next_step)
        return cast(Gateway, self._gateway)

    def _task(self, request: Request) -> command_session.Task:
        words = command_shown.task(self._target, self._file)
        files = {
            self._file: request.incumbent,
            command_shown.TASK: words.encode(),
            command_shown.PROGRAM: self._program,
            command_shown.METRICS: command_shown.metrics(self._target, request).encode(),
            command_shown.HISTORY: command_shown.history(self._tried, self._target.private, self._declined).encode(),
        }
        return command_session.Task(self._argv, files, self._file, words, self._seconds)

    def _unfit(self, content: bytes, request: Request) -> str:
        """Why a content is no proposal; whether it is a good one, and within its space, others say."""
        if content == request.incumbent:
            return "the file is unchanged"
        with contextlib.suppress(InvalidCandidate):
            if canonical_id(content, self._target.file) in request.tried:
                return "the same was tried before"
        return ""

    def _spent(self, toll: Toll, taken: float) -> dict[str, Any]:
        """What went to and fro is not kept: of a session neither prompt nor reply has a hash."""
        if not self._provider:
            return {}
        return {
            "model": posixpath.basename(self._argv[0]), "calls": toll.calls, "input": toll.usage.input,
            "output": toll.usage.output, "cache_read": toll.usage.cache_read, "cache_write": toll.usage.cache_write,
            "seconds": taken, "prompt": "", "reply": "",
        }  # fmt: skip

    def _check(self) -> None:
        place = self._target.place("proposer")
        if not self._argv:
            what = "the proposer command needs a command to run"
            raise ConfigError(place, what, next_step="command: [claude, -p], or any other tool with its arguments")
        if self._file in command_shown.RESERVED:
            what = f"the file cannot be called {self._file}: the tool is shown another file under that name"
            raise ConfigError(place, what, next_step=f"rename it; these are taken: {', '.join(command_shown.RESERVED)}")


def _last_line(said: str) -> str:
    return command_shown.description(said) if said.strip() else ""
