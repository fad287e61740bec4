"""What the service has to answer: the same rules as the handler's, over plain Python objects. Locked, never shown.

It shares nothing with any handler: an answer of the service is right when it says what these books say.
"""

from __future__ import annotations

import html
import string
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from shops import Customer, Data, Line, Order, Product

NEXT = {"placed": ("paid", "cancelled"), "paid": ("shipped", "cancelled"), "shipped": ("delivered",)}
JSON, HTML = "application/json", "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """content: text where the kind is HTML, else what its JSON stands for."""

    status: int
    content: Any
    kind: str = JSON


@dataclass
class Books:
    """One shop, with what was changed since the data began."""

    customers: dict[int, Customer] = field(default_factory=dict)
    products: list[Product] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)  # of number 1, 2, ...
    status: dict[int, str] = field(default_factory=dict)  # by number, of those that changed
    price: dict[str, int] = field(default_factory=dict)  # by sku, likewise

    def copy(self) -> Books:
        return Books(self.customers, self.products, list(self.orders), dict(self.status), dict(self.price))

    def status_of(self, order: Order) -> str:
        return self.status.get(order.number, order.status)

    def price_of(self, product: Product) -> int:
        return self.price.get(product.sku, product.price)

    def order(self, number: int) -> Order | None:
        return self.orders[number - 1] if 0 < number <= len(self.orders) else None


def opened(data: Data) -> dict[int, Books]:
    """The books of each shop, by its number."""
    found: dict[int, Books] = defaultdict(Books)
    for customer in data.customers:
        found[customer.shop].customers[customer.id] = customer
    for product in data.products:
        found[product.shop].products.append(product)
    for order in data.orders:
        found[order.shop].orders.append(order)
    return dict(found)


def answer(books: dict[int, Books], method: str, target: str, body: Any) -> Answer:  # noqa: PLR0911 - a line per route
    """What this request is answered with; the books are changed as it says."""
    path, _, query = target.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    match (method, *unquote(path).strip("/").split("/")):
        case "GET", "shops", shop, "customers":
            return customers(books[int(shop)], asked)
        case "GET", "shops", shop, "customers", number, "orders":
            return history(books[int(shop)], int(number), int(asked.get("limit", 20)))
        case "GET", "shops", shop, "orders", number:
            return one_order(books[int(shop)], int(number))
        case "GET", "shops", shop, "orders", number, "receipt":
            return receipt(books[int(shop)], int(number))
        case "GET", "shops", shop, "products":
            return search(books[int(shop)], asked)
        case "GET", "shops", shop, "report":
            return report(books[int(shop)], asked["from"], asked["to"])
        case "POST", "shops", shop, "orders":
            return place(books[int(shop)], int(shop), body)
        case "POST", "shops", shop, "orders", number, "status":
            return advance(books[int(shop)], int(number), body["status"])
        case "POST", "shops", shop, "products", sku, "price":
            return reprice(books[int(shop)], sku, body["price"])
    return _error(404, "no such page")


def customers(books: Books, asked: dict[str, str]) -> Answer:
    wanted = _plain_lower(asked["email"])
    found = [c for c in books.customers.values() if _plain_lower(c.email) == wanted]
    shown = [{"id": c.id, "email": c.email, "name": c.name, "tags": list(c.tags)} for c in found]
    return Answer(200, {"customers": shown})


def history(books: Books, number: int, limit: int) -> Answer:
    customer = books.customers.get(number)
    if customer is None:
        return _error(404, "no such customer")
    theirs = [order for order in books.orders if order.customer.id == number]
    spent = sum(_total(order) for order in theirs if books.status_of(order) != "cancelled")
    latest = sorted(theirs, key=lambda order: (order.placed, order.number), reverse=True)[:limit]
    shown = [_shown(books, order) for order in latest]
    return Answer(200, {"customer": number, "name": customer.name, "spent": spent, "orders": shown})


def one_order(books: Books, number: int) -> Answer:
    order = books.order(number)
    if order is None:
        return _error(404, "no such order")
    return Answer(200, {"customer": order.customer.id, **_shown(books, order)})


def receipt(books: Books, number: int) -> Answer:
    order = books.order(number)
    if order is None:
        return _error(404, "no such order")
    page, row = map(string.Template, Path("receipt.html").read_text(encoding="utf-8").split("%%\n"))
    said = {"number": number, "placed": order.placed, "status": books.status_of(order)}
    rows = "".join(row.substitute(_row(line)) for line in order.lines)
    name = html.escape(order.customer.name)
    return Answer(200, page.substitute(said, name=name, rows=rows, total=_money(_total(order))), HTML)


def search(books: Books, asked: dict[str, str]) -> Answer:
    wanted, colour = asked.get("q", "").lower(), asked.get("colour", "")
    sold: dict[str, int] = defaultdict(int)
    for line in _sold(books, books.orders):
        sold[line.product.sku] += line.quantity
    fits = [p for p in books.products if wanted in p.name.lower() and (not colour or colour in p.colours)]
    fits.sort(key=lambda product: (-sold[product.sku], product.sku))
    shown = [
        {"sku": p.sku, "name": p.name, "price": books.price_of(p), "brand": p.brand, "colours": list(p.colours),
         "sold": sold[p.sku]}
        for p in fits[: int(asked.get("limit", 20))]
    ]  # fmt: skip
    return Answer(200, {"products": shown})


def report(books: Books, first: str, last: str) -> Answer:
    counted = [o for o in books.orders if first <= o.placed <= last and books.status_of(o) != "cancelled"]
    days: dict[str, list[int]] = defaultdict(list)
    for order in counted:
        days[order.placed].append(_total(order))
    top: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in _sold(books, counted):
        top[line.product.sku][0] += line.quantity
        top[line.product.sku][1] += line.quantity * line.price
    best = sorted(top.items(), key=lambda row: (-row[1][1], row[0]))[:5]
    return Answer(200, {
        "orders": len(counted),
        "customers": len({order.customer.id for order in counted}),
        "revenue": sum(map(_total, counted)),
        "days": [{"day": day, "orders": len(days[day]), "revenue": sum(days[day])} for day in sorted(days)],
        "top": [{"sku": sku, "quantity": quantity, "revenue": revenue} for sku, (quantity, revenue) in best],
    })  # fmt: skip


def place(books: Books, shop: int, body: Any) -> Answer:
    customer = books.customers.get(body["customer"])
    if customer is None:
        return _error(404, "no such customer")
    if not body["lines"]:
        return _error(422, "an order has lines")
    products, lines = {product.sku: product for product in books.products}, []
    for asked in body["lines"]:
        product = products.get(asked["sku"])
        if product is None or asked["quantity"] < 1:
            return _error(422, f"cannot sell {asked['quantity']} of {asked['sku']}")
        lines.append(Line(product, asked["quantity"], books.price_of(product)))
    order = Order(0, shop, len(books.orders) + 1, customer, body["placed"], "placed", tuple(lines))
    books.orders.append(order)
    return Answer(201, {"number": order.number, "total": _total(order)})


def advance(books: Books, number: int, status: str) -> Answer:
    order = books.order(number)
    if order is None:
        return _error(404, "no such order")
    now = books.status_of(order)
    if status not in NEXT.get(now, ()):
        return _error(409, f"a {now} order cannot become {status}")
    books.status[number] = status
    return Answer(200, {"number": number, "status": status})


def reprice(books: Books, sku: str, price: int) -> Answer:
    if sku not in {product.sku for product in books.products}:
        return _error(404, "no such product")
    if price < 1:
        return _error(422, "a price is at least one cent")
    books.price[sku] = price
    return Answer(200, {"sku": sku, "price": price})


def holdings(data: Data, books: dict[int, Books]) -> dict[str, list[list[Any]]]:
    """What the database has to hold in the end, as the server's keeper reads it."""
    orders = [(shop, book, order) for shop, book in sorted(books.items()) for order in book.orders]
    begun = [line for order in data.orders for line in order.lines]
    people = data.customers
    return {
        "orders": [[s, o.number, o.customer.id, o.placed, b.status_of(o)] for s, b, o in orders],
        "new lines": [
            [shop, order.number, line.product.id, line.quantity, line.price]
            for shop, _book, order in orders
            if not order.id
            for line in order.lines
        ],
        "old lines": [[len(begun), sum(line.quantity * line.price for line in begun)]],
        "prices": [[p.id, books[p.shop].price_of(p)] for p in data.products],
        "customers": [[len(people), sum(len(c.email) for c in people), sum(len(c.name) for c in people)]],
    }


def _shown(books: Books, order: Order) -> dict[str, Any]:
    lines = [
        {"sku": line.product.sku, "name": line.product.name, "quantity": line.quantity, "price": line.price}
        for line in order.lines
    ]
    said = {"number": order.number, "placed": order.placed, "status": books.status_of(order)}
    return {**said, "total": _total(order), "lines": lines}


def _row(line: Line) -> dict[str, Any]:
    return {
        "sku": html.escape(line.product.sku),
        "article": html.escape(line.product.name),
        "quantity": line.quantity,
        "each": _money(line.price),
        "together": _money(line.quantity * line.price),
    }


def _sold(books: Books, orders: Iterable[Order]) -> Iterable[Line]:
    return (line for order in orders if books.status_of(order) != "cancelled" for line in order.lines)


def _total(order: Order) -> int:
    return sum(line.quantity * line.price for line in order.lines)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _plain_lower(text: str) -> str:
    """Only A to Z, as the database does it."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def _error(status: int, why: str) -> Answer:
    return Answer(status, {"error": why})
