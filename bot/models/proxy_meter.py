"""The broker's side of passages: prices and the ledger behind a proxy, and the proxies themselves."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bot.models.ledger import Ledger, PastCap, Reservation
from bot.models.messages import Answer, Usage
from bot.models.passage import Call, NoMoney, Passage, Toll
from bot.models.prices import Price
from bot.models.proxy import USUAL, Proxy, Upstream
from bot.models.settings import Settings


class LedgerMeter:
    """Reserves and settles in the night's ledger, within a bound of the passage's own in US dollars."""

    def __init__(self, settings: Settings, provider: str, ledger: Ledger, usd: Decimal) -> None:
        self.spent = Decimal(0)
        self._settings, self._provider, self._ledger, self._usd = settings, provider, ledger, usd
        self._open: dict[int, tuple[Reservation, Price]] = {}
        self._tickets = itertools.count()
        self._lock = threading.Lock()

    def reserve(self, call: Call) -> int:
        price = self._settings.price(self._provider, call.model)
        if price is None:
            raise NoMoney(f"nothing says what {call.model[:100]!r} costs; state it under models: prices:")
        worst = price.worst(call.size, call.max_tokens)
        with self._lock:
            left = self._usd - self.spent - sum(reservation.usd for reservation, _ in self._open.values())
            if worst > left:
                raise NoMoney(f"it could cost ${worst:.6f}, and ${max(left, Decimal(0)):.6f} are left for this target")
            try:
                reservation = self._ledger.reserve(worst, "", call.model)
            except PastCap as cap:
                raise NoMoney(str(cap)) from None
            ticket = next(self._tickets)
            self._open[ticket] = reservation, price
            return ticket

    def settle(self, ticket: int, usage: Usage | None) -> None:
        """Where the ledger cannot be written the reservation stands, there and here."""
        with self._lock:
            reservation, price = self._open.pop(ticket)
            usd = reservation.usd if usage is None else price.cost(usage)
            answer = Answer("outage" if usage is None else "answer")
            try:
                self._ledger.settle(reservation, usd, answer, again=False)
            except OSError:
                usd = reservation.usd
            self.spent += usd


class Metered:
    """A proxy with its meter, as one passage."""

    def __init__(self, proxy: Proxy, meter: LedgerMeter) -> None:
        self.door, self.kind = proxy.door, proxy.kind
        self._proxy, self._meter = proxy, meter

    def close(self) -> Toll:
        toll = self._proxy.close()
        return replace(toll, cost_usd=self._meter.spent)


class Passages:
    """Opens passages in the process that holds the keys. keys: provider -> key."""

    def __init__(self, settings: Settings, keys: Mapping[str, str], ledger: Ledger) -> None:
        self._settings, self._keys, self._ledger = settings, keys, ledger

    @contextmanager
    def passage(self, provider: str, usd: Decimal) -> Iterator[Passage]:
        """As `Gateway.passage`. Raises LookupError for a provider that is not here, or whose key is not."""
        one = self._settings.providers.get(provider)
        if one is None or (one.key and provider not in self._keys):
            raise LookupError(f"no provider is called {provider!r} here, or its key is missing")
        if usd <= 0 and not one.local:
            raise NoMoney("no money is left for this target")
        upstream = Upstream(one.kind, one.base_url or USUAL[one.kind], self._keys.get(provider, ""), one.timeout)
        meter = LedgerMeter(self._settings, provider, self._ledger, usd)
        with tempfile.TemporaryDirectory(prefix="door-") as folder, contextlib.ExitStack() as stack:
            proxy = stack.enter_context(Proxy(Path(folder), upstream, meter))
            yield Metered(proxy, meter)
