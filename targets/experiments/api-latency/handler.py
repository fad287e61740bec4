"""The orders service of a few shops: the one file that an experiment changes.

    start(path)                           once, before the first request: where the database lies
    handle(method, path, query, body)     one request: its status, its content type, its content

What each request must be answered with is in program.md.
"""

import html
import json
import re
import sqlite3
import string
from pathlib import Path

SAME_CONNECTION = False
PRAGMAS = [
    "PRAGMA foreign_keys = OFF",
    # more pragmas
]
INDEXES = [
    # more indexes
]
BY_EMAIL = "SELECT * FROM customers WHERE shop = ? AND lower(email) = lower(?)"

TRANSITIONS = {"placed": ["paid", "cancelled"], "paid": ["shipped", "cancelled"], "shipped": ["delivered"]}

state = {}


def start(path):
    state["path"] = path
    connection = connect()
    for index in INDEXES:
        connection.execute(index)
    connection.commit()
    if SAME_CONNECTION:
        state["connection"] = connection


def connect():
    if "connection" in state:
        return state["connection"]
    connection = sqlite3.connect(state["path"])
    connection.row_factory = sqlite3.Row
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


def handle(method, path, query, body):
    connection = connect()
    try:
        for wanted, pattern, view in ROUTES:
            found = re.compile(pattern).match(path)
            if found and method == wanted:
                shop = Shop(connection, int(found.group(1)))
                return view(shop, *found.groups()[1:], {"query": query, "body": json.loads(body) if body else None})
        return failed(404, "no such page")
    finally:
        connection.rollback()
        if not SAME_CONNECTION:
            connection.close()


def answer(status, content):
    return status, "application/json", json.dumps(content, indent=2)


def failed(status, why):
    return answer(status, {"error": why})


class Shop:
    """What the database holds of one shop."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number

    def all(self, sql, *values):
        return [dict(row) for row in self.connection.execute(sql, values)]

    def one(self, sql, *values):
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def customer(self, number):
        return self.one("SELECT * FROM customers WHERE shop = ? AND id = ?", self.number, number)

    def product(self, number):
        found = self.one("SELECT * FROM products WHERE id = ?", number)
        found["details"] = json.loads(found["details"])
        return found

    def products(self):
        found = self.all("SELECT id FROM products WHERE shop = ?", self.number)
        return [self.product(row["id"]) for row in found]

    def order(self, number):
        return self.one("SELECT * FROM orders WHERE shop = ? AND number = ?", self.number, number)

    def orders(self):
        return self.all("SELECT * FROM orders WHERE shop = ?", self.number)

    def lines(self, order):
        found = self.all('SELECT * FROM lines WHERE "order" = ? ORDER BY id', order["id"])
        for line in found:
            line["product"] = self.product(line["product"])
        return found


def customers(shop, asked):
    query = asked["query"]
    found = sorted(shop.all(BY_EMAIL, shop.number, query.get("email", "")), key=lambda row: row["id"])
    shown = [
        {"id": row["id"], "email": row["email"], "name": row["name"], "tags": json.loads(row["tags"])} for row in found
    ]
    return answer(200, {"customers": shown})


def history(shop, number, asked):
    customer = shop.customer(int(number))
    if customer is None:
        return failed(404, "no such customer")
    theirs = [order for order in shop.orders() if order["customer"] == customer["id"]]
    spent = 0
    for order in theirs:
        order["lines"] = shop.lines(order)
        order["total"] = sum(line["quantity"] * line["price"] for line in order["lines"])
        if order["status"] != "cancelled":
            spent += order["total"]
    theirs.sort(key=lambda order: (order["placed"], order["number"]), reverse=True)
    shown = [shown_order(order) for order in theirs[: int(asked["query"].get("limit", 20))]]
    return answer(200, {"customer": customer["id"], "name": customer["name"], "spent": spent, "orders": shown})


def shown_order(order):
    return {
        "number": order["number"],
        "placed": order["placed"],
        "status": order["status"],
        "total": order["total"],
        "lines": [
            {
                "sku": line["product"]["sku"],
                "name": line["product"]["name"],
                "quantity": line["quantity"],
                "price": line["price"],
            }
            for line in order["lines"]
        ],
    }


def one_order(shop, number, _asked):
    order = shop.order(int(number))
    if order is None:
        return failed(404, "no such order")
    order["lines"] = shop.lines(order)
    order["total"] = sum(line["quantity"] * line["price"] for line in order["lines"])
    return answer(200, {"customer": order["customer"], **shown_order(order)})


def receipt(shop, number, _asked):
    order = shop.order(int(number))
    if order is None:
        return failed(404, "no such order")
    page, row = map(string.Template, Path("receipt.html").read_text(encoding="utf-8").split("%%\n"))
    rows, total = "", 0
    for line in shop.lines(order):
        together = line["quantity"] * line["price"]
        total += together
        rows += row.substitute(
            sku=html.escape(line["product"]["sku"]),
            article=html.escape(line["product"]["name"]),
            quantity=line["quantity"],
            each=money(line["price"]),
            together=money(together),
        )
    name = html.escape(shop.customer(order["customer"])["name"])
    filled = page.substitute(
        number=order["number"], placed=order["placed"], status=order["status"], name=name, rows=rows, total=money(total)
    )
    return 200, "text/html; charset=utf-8", filled


def money(cents):
    return f"{cents // 100}.{cents % 100:02}"


def search(shop, asked):
    query = asked["query"]
    wanted, colour = query.get("q", "").lower(), query.get("colour", "")
    found = []
    for product in shop.products():
        if wanted in product["name"].lower() and (not colour or colour in product["details"]["colours"]):
            sold = shop.all(
                'SELECT quantity FROM lines JOIN orders ON orders.id = lines."order" WHERE shop = ? AND product = ?'
                " AND status != 'cancelled'",
                shop.number,
                product["id"],
            )
            found.append(
                {
                    "sku": product["sku"],
                    "name": product["name"],
                    "price": product["price"],
                    "brand": product["details"]["brand"],
                    "colours": product["details"]["colours"],
                    "sold": sum(row["quantity"] for row in sold),
                }
            )
    found.sort(key=lambda product: (-product["sold"], product["sku"]))
    return answer(200, {"products": found[: int(query.get("limit", 20))]})


def report(shop, asked):
    query = asked["query"]
    first, last = query.get("from", ""), query.get("to", "")
    counted = [order for order in shop.orders() if first <= order["placed"] <= last and order["status"] != "cancelled"]
    for order in counted:
        order["lines"] = shop.lines(order)
        order["revenue"] = sum(line["quantity"] * line["price"] for line in order["lines"])
    days = []
    for day in sorted({order["placed"] for order in counted}):
        on_it = [order for order in counted if order["placed"] == day]
        days.append({"day": day, "orders": len(on_it), "revenue": sum(order["revenue"] for order in on_it)})
    top = []
    for product in shop.products():
        sold = [line for order in counted for line in order["lines"] if line["product"]["id"] == product["id"]]
        if sold:
            top.append(
                {
                    "sku": product["sku"],
                    "quantity": sum(line["quantity"] for line in sold),
                    "revenue": sum(line["quantity"] * line["price"] for line in sold),
                }
            )
    top.sort(key=lambda row: (-row["revenue"], row["sku"]))
    return answer(
        200,
        {
            "orders": len(counted),
            "customers": len({order["customer"] for order in counted}),
            "revenue": sum(order["revenue"] for order in counted),
            "days": days,
            "top": top[:5],
        },
    )


def place(shop, asked):
    body = asked["body"]
    customer = shop.customer(body["customer"])
    if customer is None:
        return failed(404, "no such customer")
    if not body["lines"]:
        return failed(422, "an order has lines")
    number = max([order["number"] for order in shop.orders()], default=0) + 1
    written = shop.connection.execute(
        "INSERT INTO orders (shop, number, customer, placed, status) VALUES (?, ?, ?, ?, 'placed')",
        (shop.number, number, customer["id"], body["placed"]),
    )
    total = 0
    for line in body["lines"]:
        product = shop.one("SELECT * FROM products WHERE shop = ? AND sku = ?", shop.number, line["sku"])
        if product is None or line["quantity"] < 1:
            return failed(422, f"cannot sell {line['quantity']} of {line['sku']}")
        shop.connection.execute(
            'INSERT INTO lines ("order", product, quantity, price) VALUES (?, ?, ?, ?)',
            (written.lastrowid, product["id"], line["quantity"], product["price"]),
        )
        total += line["quantity"] * product["price"]
    shop.connection.commit()
    return answer(201, {"number": number, "total": total})


def advance(shop, number, asked):
    body = asked["body"]
    order = shop.order(int(number))
    if order is None:
        return failed(404, "no such order")
    if body["status"] not in TRANSITIONS.get(order["status"], []):
        return failed(409, f"a {order['status']} order cannot become {body['status']}")
    shop.connection.execute("UPDATE orders SET status = ? WHERE id = ?", (body["status"], order["id"]))
    shop.connection.commit()
    return answer(200, {"number": order["number"], "status": body["status"]})


def reprice(shop, sku, asked):
    body = asked["body"]
    product = shop.one("SELECT * FROM products WHERE shop = ? AND sku = ?", shop.number, sku)
    if product is None:
        return failed(404, "no such product")
    if body["price"] < 1:
        return failed(422, "a price is at least one cent")
    shop.connection.execute("UPDATE products SET price = ? WHERE id = ?", (body["price"], product["id"]))
    shop.connection.commit()
    return answer(200, {"sku": sku, "price": body["price"]})


ROUTES = [
    ("GET", r"^/shops/(\d+)/customers$", customers),
    ("GET", r"^/shops/(\d+)/customers/(\d+)/orders$", history),
    ("GET", r"^/shops/(\d+)/orders/(\d+)$", one_order),
    ("GET", r"^/shops/(\d+)/orders/(\d+)/receipt$", receipt),
    ("GET", r"^/shops/(\d+)/products$", search),
    ("GET", r"^/shops/(\d+)/report$", report),
    ("POST", r"^/shops/(\d+)/orders$", place),
    ("POST", r"^/shops/(\d+)/orders/(\d+)/status$", advance),
    ("POST", r"^/shops/(\d+)/products/([\w-]+)/price$", reprice),
]
