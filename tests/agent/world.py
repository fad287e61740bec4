"""What the tests of agents share: a purse, a gateway with a proxy, tools as scripts, a target."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.models.messages import Usage
from bot.models.passage import Call, Kind, NoMoney, Toll
from bot.models.proxy import Proxy, Upstream
from bot.proposers import Request, command_session
from bot.proposers.command import Command
from bot.proposers.command_session import Left, Task
from harness.sandbox.limits import Limits
from harness.target import Target
from tests.agent.provider import Provider
from tests.proposing import target

KEY = "sk-canary-5f0c1d7e9a"
MODEL = "tiny-1"
FILE = "solve.py"
BASE = b"print('slow')\n"
LIMITS = Limits(
    seconds=20, memory=600 << 20, address_space=64 << 40, processes=60, file_size=256 << 20, output=16 << 20,
    open_files=256,
)  # fmt: skip
PRICES = (Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75"))  # a million of input, output, cache read, write


def price(usage: Usage) -> Decimal:
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return sum((count * each for count, each in zip(counts, PRICES, strict=True)), Decimal(0)) / 1_000_000


@dataclass
class Purse:
    """A meter with one cap."""

    cap: Decimal = Decimal(10)
    spent: Decimal = Decimal(0)
    calls: list[Call] = field(default_factory=list)
    settled: list[Usage | None] = field(default_factory=list)
    _open: dict[int, Decimal] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def reserve(self, call: Call) -> int:
        worst = price(Usage(0, call.max_tokens, 0, call.size))
        with self._lock:
            if self.spent + sum(self._open.values()) + worst > self.cap:
                raise NoMoney("the night's cap is reached")
            self.calls.append(call)
            self._open[len(self.calls)] = worst
            return len(self.calls)

    def settle(self, ticket: int, usage: Usage | None) -> None:
        with self._lock:
            worst = self._open.pop(ticket)
            self.spent += worst if usage is None else price(usage)
            self.settled.append(usage)


@dataclass
class Metered:
    """A proxy as the broker would lend it: its toll has the purse's figure."""

    proxy: Proxy
    purse: Purse

    @property
    def door(self) -> Path:
        return self.proxy.door

    @property
    def kind(self) -> Kind:
        return self.proxy.kind

    def close(self) -> Toll:
        return replace(self.proxy.close(), cost_usd=self.purse.spent)


@dataclass
class Gate:
    """Opens passages to a stand-in. purses: one for each passage that was opened."""

    provider: Provider
    kind: Kind = "anthropic"
    purses: list[Purse] = field(default_factory=list)
    full: str = ""

    @contextmanager
    def passage(self, provider: str, usd: float) -> Iterator[Metered]:
        assert provider == "provider"
        if self.full or usd <= 0:
            raise NoMoney(self.full or "the night's cap is reached")
        self.purses.append(Purse(Decimal(str(usd))))
        with opened(self.provider, self.kind, self.purses[-1]) as proxy:
            yield Metered(proxy, self.purses[-1])


@contextmanager
def opened(provider: Provider, kind: Kind = "anthropic", purse: Purse | None = None) -> Iterator[Proxy]:
    url = provider.url if kind == "anthropic" else f"{provider.url}/v1"
    with (
        TemporaryDirectory(prefix="door-") as folder,
        Proxy(Path(folder), Upstream(kind, url, KEY, timeout=20), purse or Purse()) as proxy,
    ):
        yield proxy


def tool(script: str, passage: Any = None, *, python: bool = True, limits: Limits = LIMITS, **files: bytes) -> Left:
    """Runs a script as an agent's tool, in its real sandbox."""
    argv = ["python", "-c", script] if python else ["sh", "-c", script]
    shown = {FILE: BASE, "program.md": b"Make it fast.\n", **files}
    return command_session.run(Task(argv, shown, FILE, "do it", limits.seconds), passage, limits)


def of(script: str, gate: Any = None, *, python: bool = True, **options: object) -> Command:
    argv = ["python", "-c", script] if python else ["sh", "-c", script]
    return Command(code_target(command=argv, **options), b"Make it fast.\n", gate)


def code_target(**options: object) -> Target:
    return replace(target({}, file=f"targets/x/{FILE}", proposer="command"), options=options)


def request(first: int = 1, *, usd: float = 10.0, incumbent: bytes = BASE, **more: Any) -> Request:
    return Request(incumbent, {"m": 1.5}, first, 4, frozenset(), usd_left=usd, **more)
