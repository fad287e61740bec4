"""What the clients ask, drawn from a seed. Locked, never shown to a handler.

Four clients ask at the same time. Each has shops of its own, so that what it must be answered follows from what it
asked before, whatever the others do. A write is often followed by a read of what it changed, on another connection.
The last requests of each client are writes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import answers
import shops
from answers import Answer, Books

CLIENTS, CONNECTIONS = 4, 2  # connections of each client
EACH = 50  # requests of a client
LAST_WRITES = 3
WEIGHTS = {"lookup": 16, "history": 22, "order": 12, "receipt": 8, "search": 14, "report": 10, "place": 9,
           "advance": 5, "reprice": 4}  # fmt: skip
WORDS = ("oak", "LAMP", "te", "a", "Glass", "ash&brass", "100%", "", "wool c")


@dataclass(frozen=True)
class Asked:
    """One request: on which of the client's connections, its bytes, and what it must be answered with."""

    kind: str
    connection: int
    request: bytes
    line: str
    expected: Answer


class Client:
    """Draws the requests of one client and keeps the books on what it changes."""

    def __init__(self, seed: str, books: Mapping[int, Books], edges: list[dict[str, Any]]) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - replayable chance, no secret
        self._books = dict(books)
        self._edges = edges
        self._next: list[tuple[str, str, Any]] = []
        self._read: list[str] = []  # what was asked before

    def asks(self, count: int) -> Iterator[Asked]:
        kinds: dict[str, Callable[[int], tuple[str, str, Any]]] = {name: getattr(self, name) for name in WEIGHTS}
        for number in range(count):
            if number >= count - LAST_WRITES:
                name = "place"
            else:
                name = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            last, chance = number >= count - LAST_WRITES, self._chance.random()
            if self._edges and not last and chance < 0.3:
                yield self._ask("edge", *self.edge(self._chance.choice(self._edges)))
            elif self._next and not last:
                yield self._ask("after a write", *self._next.pop())
            elif self._read and not last and chance > 0.8:
                yield self._ask("again", "GET", self._chance.choice(self._read), None)
            else:
                yield self._ask(name, *kinds[name](self._chance.choice(list(self._books))))

    def _ask(self, kind: str, method: str, target: str, body: Any) -> Asked:
        expected = answers.answer(self._books, method, target, body)
        if method == "GET":
            self._read.append(target)
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {target} HTTP/1.1\r\nHost: shops\r\nContent-Length: {len(content)}\r\n\r\n"
        connection = self._chance.randrange(CONNECTIONS)
        return Asked(kind, connection, head.encode("ascii") + content, f"{method} {target}", expected)

    def edge(self, asked: dict[str, Any]) -> tuple[str, str, Any]:
        """A request that is written down; {shop} stands for one of the client's."""
        shop = self._chance.choice(list(self._books))
        target = asked["target"].replace("{shop}", str(shop))
        if "{customer}" in target or "customer" in (asked.get("body") or {}):
            customer = self._customer(shop)
            target = target.replace("{customer}", str(customer))
            asked = {**asked, "body": {**asked["body"], "customer": customer}} if asked.get("body") else asked
        return asked["method"], target, asked.get("body")

    def lookup(self, shop: int) -> tuple[str, str, Any]:
        customer = self._chance.choice(list(self._books[shop].customers.values()))
        email = self._chance.choice((customer.email, customer.email.upper(), customer.email.lower()))
        if self._chance.random() < 0.1:
            email = f"nobody.{email}"
        return "GET", f"/shops/{shop}/customers?{urlencode({'email': email})}", None

    def history(self, shop: int) -> tuple[str, str, Any]:
        limit = self._chance.choice(("", "?limit=1", "?limit=5", "?limit=50"))
        wrong = self._chance.random() < 0.05
        elsewhere = self._chance.randrange(1, shops.SHOPS * shops.CUSTOMERS + 1)  # mostly another shop's
        customer = elsewhere if wrong else self._customer(shop)
        return "GET", f"/shops/{shop}/customers/{customer}/orders{limit}", None

    def order(self, shop: int) -> tuple[str, str, Any]:
        return "GET", f"/shops/{shop}/orders/{self._number(shop)}", None

    def receipt(self, shop: int) -> tuple[str, str, Any]:
        return "GET", f"/shops/{shop}/orders/{self._number(shop)}/receipt", None

    def search(self, shop: int) -> tuple[str, str, Any]:
        asked = {"q": self._chance.choice(WORDS)}
        if self._chance.random() < 0.4:
            asked["colour"] = self._chance.choice(shops.COLOURS)
        if self._chance.random() < 0.5:
            asked["limit"] = str(self._chance.randrange(1, 30))
        return "GET", f"/shops/{shop}/products?{urlencode(asked)}", None

    def report(self, shop: int) -> tuple[str, str, Any]:
        first = shops.FIRST_DAY + timedelta(days=self._chance.randrange(shops.DAYS))
        last = first + timedelta(days=self._chance.choice((0, 6, 30, 60, 364)))
        return "GET", f"/shops/{shop}/report?from={first}&to={last}", None

    def place(self, shop: int) -> tuple[str, str, Any]:
        chance, books = self._chance, self._books[shop]
        day = shops.FIRST_DAY + timedelta(days=chance.randrange(shops.DAYS))
        lines = [
            {"sku": chance.choice(books.products).sku, "quantity": chance.randrange(1, 6)}
            for _ in range(chance.randrange(1, 5))
        ]
        if chance.random() < 0.15:  # the shop cannot sell the last one: nothing may be left of the order
            lines.append({"sku": chance.choice(("P-999", lines[0]["sku"])), "quantity": 0})
        customer = self._customer(shop)
        self._follow(shop, customer, len(books.orders) + 1, day)
        return "POST", f"/shops/{shop}/orders", {"customer": customer, "placed": day.isoformat(), "lines": lines}

    def advance(self, shop: int) -> tuple[str, str, Any]:
        number = self._number(shop)
        if (order := self._books[shop].order(number)) is not None:
            self._follow(shop, order.customer.id, number, date.fromisoformat(order.placed))
        status = self._chance.choice(("paid", "shipped", "delivered", "cancelled", "cancelled"))
        return "POST", f"/shops/{shop}/orders/{number}/status", {"status": status}

    def reprice(self, shop: int) -> tuple[str, str, Any]:
        product = self._chance.choice(self._books[shop].products)
        if self._chance.random() < 0.7:
            self._next.append(("GET", f"/shops/{shop}/products?q={quote(product.name.lower())}&limit=50", None))
        return "POST", f"/shops/{shop}/products/{product.sku}/price", {"price": self._chance.randrange(0, 50_000)}

    def _follow(self, shop: int, customer: int, number: int, day: date) -> None:
        """A read of what is written now, to be asked next."""
        reads = (
            f"/shops/{shop}/orders/{number}",
            f"/shops/{shop}/orders/{number}/receipt",
            f"/shops/{shop}/customers/{customer}/orders?limit=50",
            f"/shops/{shop}/report?from={day}&to={day + timedelta(days=6)}",
            f"/shops/{shop}/products?q=a&limit=50",
        )
        if self._chance.random() < 0.7:
            self._next.append(("GET", self._chance.choice(reads), None))

    def _customer(self, shop: int) -> int:
        return self._chance.choice(list(self._books[shop].customers))

    def _number(self, shop: int) -> int:
        """Of an order: mostly one that there is, often a late one."""
        most = len(self._books[shop].orders)
        return most + 2 if self._chance.random() < 0.04 else most - int(self._chance.random() ** 2 * (most - 1))


def drawn(seed: int, books: dict[int, Books], edges: list[dict[str, Any]]) -> list[list[Asked]]:
    """The requests of each client. books: as the data begins; left as they are after all of them."""
    found = []
    for client in range(CLIENTS):
        own = {shop: books[shop] for shop in sorted(books) if shop % CLIENTS == client}
        found.append(list(Client(f"client {client} of {seed}", own, edges).asks(EACH)))
    return found
