"""What an expert makes of the handler of api-latency: the same answers, from a few queries each.

One connection, indexes for what is asked, joins and sums in the database, templates read once, JSON without blanks.
Nothing is remembered between requests but what never changes: the text of templates and patterns.
"""

import html
import json
import re
import sqlite3
import string
from collections import defaultdict
from pathlib import Path

PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY", "cache_size = -4000")
INDEXES = (
    "CREATE INDEX orders_by_customer ON orders (shop, customer)",
    "CREATE INDEX orders_by_day ON orders (shop, placed, status, customer)",
    'CREATE INDEX lines_in_full ON lines ("order", id, product, quantity, price)',
)
TRANSITIONS = {"placed": ("paid", "cancelled"), "paid": ("shipped", "cancelled"), "shipped": ("delivered",)}
LINES = 'SELECT sku, name, quantity, lines.price FROM lines JOIN products ON products.id = product WHERE "order" = ?'
IN_ORDER = " ORDER BY lines.id"

state = {}


def start(path):
    connection = state["connection"] = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for index in INDEXES:
        connection.execute(index)
    connection.execute("ANALYZE")
    text = Path("receipt.html").read_text(encoding="utf-8")
    state["page"], state["row"] = map(string.Template, text.split("%%\n"))


def handle(method, path, query, body):
    for wanted, pattern, view in ROUTES:
        if method == wanted and (found := pattern.fullmatch(path)):
            shop, *more = found.groups()
            return view(state["connection"], int(shop), *more, query if method == "GET" else json.loads(body))
    return failed(404, "no such page")


def answer(status, content):
    return status, "application/json", json.dumps(content, separators=(",", ":"))


def failed(status, why):
    return answer(status, {"error": why})


def customers(db, shop, query):
    found = db.execute(
        "SELECT id, email, name, tags FROM customers WHERE shop = ? AND email = ? COLLATE NOCASE ORDER BY id",
        (shop, query.get("email", "")),
    )
    shown = [{"id": i, "email": email, "name": name, "tags": json.loads(tags)} for i, email, name, tags in found]
    return answer(200, {"customers": shown})


def history(db, shop, number, query):
    customer = db.execute("SELECT id, name FROM customers WHERE id = ? AND shop = ?", (int(number), shop)).fetchone()
    if customer is None:
        return failed(404, "no such customer")
    (spent,) = db.execute(
        'SELECT coalesce(sum(quantity * price), 0) FROM orders JOIN lines ON "order" = orders.id'
        " WHERE shop = ? AND customer = ? AND status != 'cancelled'",
        (shop, customer[0]),
    ).fetchone()
    latest = db.execute(
        "SELECT id, number, placed, status FROM orders WHERE shop = ? AND customer = ?"
        " ORDER BY placed DESC, number DESC LIMIT ?",
        (shop, customer[0], int(query.get("limit", 20))),
    ).fetchall()
    orders = [shown(db, *order) for order in latest]
    return answer(200, {"customer": customer[0], "name": customer[1], "spent": spent, "orders": orders})


def shown(db, order, number, placed, status):
    lines = db.execute(LINES + IN_ORDER, (order,)).fetchall()
    return {
        "number": number,
        "placed": placed,
        "status": status,
        "total": sum(quantity * price for _sku, _name, quantity, price in lines),
        "lines": [{"sku": sku, "name": name, "quantity": n, "price": price} for sku, name, n, price in lines],
    }


def one_order(db, shop, number, _query):
    found = db.execute(
        "SELECT customer, id, number, placed, status FROM orders WHERE shop = ? AND number = ?", (shop, int(number))
    ).fetchone()
    if found is None:
        return failed(404, "no such order")
    return answer(200, {"customer": found[0], **shown(db, *found[1:])})


def receipt(db, shop, number, _query):
    found = db.execute(
        "SELECT orders.id, number, placed, status, name FROM orders JOIN customers ON customers.id = customer"
        " WHERE orders.shop = ? AND number = ?",
        (shop, int(number)),
    ).fetchone()
    if found is None:
        return failed(404, "no such order")
    order, number, placed, status, name = found
    rows, total = [], 0
    for sku, article, quantity, price in db.execute(LINES + IN_ORDER, (order,)):
        total += quantity * price
        rows.append(
            state["row"].substitute(
                sku=html.escape(sku),
                article=html.escape(article),
                quantity=quantity,
                each=money(price),
                together=money(quantity * price),
            )
        )
    said = {"number": number, "placed": placed, "status": status, "name": html.escape(name)}
    return 200, "text/html; charset=utf-8", state["page"].substitute(said, rows="".join(rows), total=money(total))


def money(cents):
    return f"{cents // 100}.{cents % 100:02}"


def search(db, shop, query):
    wanted, colour = query.get("q", "").lower(), query.get("colour", "")
    sold = dict(
        db.execute(
            'SELECT product, sum(quantity) FROM orders JOIN lines ON "order" = orders.id'
            " WHERE shop = ? AND status != 'cancelled' GROUP BY product",
            (shop,),
        )
    )
    found = []
    for number, sku, name, price, details in db.execute(
        "SELECT id, sku, name, price, details FROM products WHERE shop = ?", (shop,)
    ):
        if wanted not in name.lower():  # the database knows no letter case but that of A to Z
            continue
        known = json.loads(details)
        if not colour or colour in known["colours"]:
            row = {"sku": sku, "name": name, "price": price, "brand": known["brand"], "colours": known["colours"]}
            found.append({**row, "sold": sold.get(number, 0)})
    found.sort(key=lambda product: (-product["sold"], product["sku"]))
    return answer(200, {"products": found[: int(query.get("limit", 20))]})


def report(db, shop, query):
    rows = db.execute(
        'SELECT orders.id, placed, customer, product, quantity, price FROM orders JOIN lines ON "order" = orders.id'
        " WHERE shop = ? AND placed BETWEEN ? AND ? AND status != 'cancelled'",
        (shop, query.get("from", ""), query.get("to", "")),
    ).fetchall()
    days, orders, top = defaultdict(int), {}, defaultdict(lambda: [0, 0])
    for order, placed, customer, product, quantity, price in rows:
        orders[order] = (placed, customer)
        days[placed] += quantity * price
        top[product][0] += quantity
        top[product][1] += quantity * price
    counts = defaultdict(int)
    for placed, _customer in orders.values():
        counts[placed] += 1
    names = dict(db.execute("SELECT id, sku FROM products WHERE shop = ?", (shop,)))
    best = sorted(((names[product], *sums) for product, sums in top.items()), key=lambda row: (-row[2], row[0]))[:5]
    return answer(
        200,
        {
            "orders": len(orders),
            "customers": len({customer for _placed, customer in orders.values()}),
            "revenue": sum(days.values()),
            "days": [{"day": day, "orders": counts[day], "revenue": days[day]} for day in sorted(days)],
            "top": [{"sku": sku, "quantity": quantity, "revenue": revenue} for sku, quantity, revenue in best],
        },
    )


def place(db, shop, body):
    known = db.execute("SELECT 1 FROM customers WHERE id = ? AND shop = ?", (body["customer"], shop)).fetchone()
    if known is None:
        return failed(404, "no such customer")
    if not body["lines"]:
        return failed(422, "an order has lines")
    lines = []
    for line in body["lines"]:
        product = db.execute(
            "SELECT id, price FROM products WHERE shop = ? AND sku = ?", (shop, line["sku"])
        ).fetchone()
        if product is None or line["quantity"] < 1:
            return failed(422, f"cannot sell {line['quantity']} of {line['sku']}")
        lines.append((product[0], line["quantity"], product[1]))
    db.execute("BEGIN IMMEDIATE")
    (number,) = db.execute("SELECT coalesce(max(number), 0) + 1 FROM orders WHERE shop = ?", (shop,)).fetchone()
    written = db.execute(
        "INSERT INTO orders (shop, number, customer, placed, status) VALUES (?, ?, ?, ?, 'placed')",
        (shop, number, body["customer"], body["placed"]),
    )
    db.executemany(
        'INSERT INTO lines ("order", product, quantity, price) VALUES (?, ?, ?, ?)',
        [(written.lastrowid, *line) for line in lines],
    )
    db.execute("COMMIT")
    return answer(201, {"number": number, "total": sum(quantity * price for _product, quantity, price in lines)})


def advance(db, shop, number, body):
    found = db.execute("SELECT id, status FROM orders WHERE shop = ? AND number = ?", (shop, int(number))).fetchone()
    if found is None:
        return failed(404, "no such order")
    if body["status"] not in TRANSITIONS.get(found[1], ()):
        return failed(409, f"a {found[1]} order cannot become {body['status']}")
    db.execute("UPDATE orders SET status = ? WHERE id = ?", (body["status"], found[0]))
    return answer(200, {"number": int(number), "status": body["status"]})


def reprice(db, shop, sku, body):
    found = db.execute("SELECT id FROM products WHERE shop = ? AND sku = ?", (shop, sku)).fetchone()
    if found is None:
        return failed(404, "no such product")
    if body["price"] < 1:
        return failed(422, "a price is at least one cent")
    db.execute("UPDATE products SET price = ? WHERE id = ?", (body["price"], found[0]))
    return answer(200, {"sku": sku, "price": body["price"]})


ROUTES = [
    (method, re.compile(pattern), view)
    for method, pattern, view in (
        ("GET", r"/shops/(\d+)/customers", customers),
        ("GET", r"/shops/(\d+)/customers/(\d+)/orders", history),
        ("GET", r"/shops/(\d+)/orders/(\d+)", one_order),
        ("GET", r"/shops/(\d+)/orders/(\d+)/receipt", receipt),
        ("GET", r"/shops/(\d+)/products", search),
        ("GET", r"/shops/(\d+)/report", report),
        ("POST", r"/shops/(\d+)/orders", place),
        ("POST", r"/shops/(\d+)/orders/(\d+)/status", advance),
        ("POST", r"/shops/(\d+)/products/([\w-]+)/price", reprice),
    )
]
