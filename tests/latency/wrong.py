"""Handlers of api-latency that are fast and wrong, as a hurried or a cunning author would write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EXPERT = (Path(__file__).parent / "expert.py").read_text(encoding="utf-8")
VIEWED = 'return view(state["connection"], int(shop), *more, query if method == "GET" else json.loads(body))'


@dataclass(frozen=True)
class Wrong:
    """changes: of the expert's handler. why: what the refusal says. check: without which nothing refuses it."""

    changes: tuple[tuple[str, str], ...]
    why: str
    check: str = "answers"

    @property
    def content(self) -> str:
        text = EXPERT
        for old, new in self.changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text


def around(code: str) -> tuple[str, str]:
    """In the place where a request is passed on; `_` stands for passing it on."""
    lines = code.replace("_()", VIEWED.removeprefix("return ")).splitlines()
    return VIEWED, "\n            ".join(lines)


def started(code: str) -> tuple[str, str]:
    """At the end of the start."""
    last = 'state["page"], state["row"] = map(string.Template, text.split("%%\\n"))\n'
    return last, last + "".join(f"    {line}\n" for line in code.splitlines())


CACHED = """key = (path, str(query))
if method != "GET":
    {forget}return _()
if key not in state:
    state[key] = _()
return state[key]"""
LATER = """for late in state.pop("late", []):
    state["connection"].execute(*late)
return _()"""
AHEAD = """from datetime import date, timedelta
import time
while time.process_time() < 2.5:
    for days in range(240):
        day = date(2025, 1, 1) + timedelta(days=days)
        for shop in range(1, 9):
            query = {"from": f"{day}", "to": f"{day + timedelta(days=6)}"}
            state[shop, str(query)] = report(state["connection"], shop, query)"""
BACKGROUND = """import threading
def refresh():
    own = sqlite3.connect(path)
    while True:
        for shop in range(1, 9):
            state[shop] = search(own, shop, {})
threading.Thread(target=refresh, daemon=True).start()"""
EARLY = """import sys
said = _()
if path.endswith("/products"):
    connection = sys._getframe(2).f_locals["connection"]
    head = f"HTTP/1.1 200 OK\\r\\nContent-Type: {said[1]}\\r\\nContent-Length: {len(said[2].encode())}\\r\\n\\r\\n"
    connection.sendall((head + said[2]).encode())
return said"""
KNOWS_THE_LOAD = """state["asked"] = state.get("asked", 0) + 1
if method != "GET" or "products" not in path:
    return _()
if state["asked"] > 40 and shop in state:
    return state[shop]
state[shop] = _()
return state[shop]"""

FORGETS = 'if "price" not in path: [state.pop(key) for key in [*state] if key[0] == "/"]\n    '
CHECKED = """    lines = []
    for line in body["lines"]:
"""
UNCHECKED = """    lines = []
    if body["lines"][-1]["quantity"] < 1:
        db.execute(
            "INSERT INTO orders (shop, number, customer, placed, status)"
            " SELECT shop, max(number) + 1, 1, placed, 'placed' FROM orders WHERE shop = ?", (shop,)
        )
    for line in body["lines"]:
"""
WRITTEN = """    db.executemany(
        'INSERT INTO lines ("order", product, quantity, price) VALUES (?, ?, ?, ?)',
        [(written.lastrowid, *line) for line in lines],
    )
"""
WRITTEN_LATER = """    sql = 'INSERT INTO lines ("order", product, quantity, price) VALUES (?, ?, ?, ?)'
    state["late"] = [(sql, (written.lastrowid, *line)) for line in lines]
"""

WRONG = {
    "stale cache": Wrong((around(CACHED.format(forget="")),), r"instead of|lacks|rows"),
    "cache that forgets prices": Wrong(
        (around(CACHED.format(forget=FORGETS)),),
        r"/price is \d+ instead of",
    ),
    "dropped field": Wrong(((', "tags": json.loads(tags)}', "}"),), "lacks 'tags'"),
    "reordered rows": Wrong(
        ((" ORDER BY placed DESC, number DESC LIMIT", " ORDER BY number DESC LIMIT"),),
        "another order|is ",
    ),
    "rounded money": Wrong((('f"{cents // 100}.{cents % 100:02}"', 'f"{cents / 100:g}"'),), "/receipt: .* instead of"),
    "another shop's product": Wrong(
        (('"SELECT id, price FROM products WHERE shop = ? AND sku = ?", (shop, line["sku"])',
          '"SELECT id, price FROM products WHERE sku = ?", (line["sku"],)'),),
        "/total is",
    ),
    "another shop's customer": Wrong(
        (('"SELECT id, name FROM customers WHERE id = ? AND shop = ?", (int(number), shop)',
          '"SELECT id, name FROM customers WHERE id = ?", (int(number),)'),),
        "status 200 instead of 404",
    ),
    "half an order": Wrong(
        (('db.execute("BEGIN IMMEDIATE")', "pass"), ('db.execute("COMMIT")', "pass"),
         (CHECKED, UNCHECKED)),
        "instead of",
    ),
    "written after the answer": Wrong(
        (around(LATER),
         ('db.execute("UPDATE products SET price = ? WHERE id = ?", (body["price"], found[0]))',
          'state["late"] = [("UPDATE products SET price = ? WHERE id = ?", (body["price"], found[0]))]'),
         (WRITTEN, WRITTEN_LATER)),
        "does not hold what was answered: new lines",
        "held",
    ),
    "never committed": Wrong(
        (('db.execute("BEGIN IMMEDIATE")', "db.in_transaction or db.execute('BEGIN')"),
         ('db.execute("COMMIT")', "pass")),
        "does not hold what was answered: orders",
        "held",
    ),
    "all worked out at the start": Wrong((started(AHEAD),), "its start takes", "start"),
    "busy while nobody waits": Wrong((started(BACKGROUND),), "when nobody waits for an answer", "idle"),
    "knows the load": Wrong((around(KNOWS_THE_LOAD),), "products"),
    "answers before it is asked": Wrong((around(EARLY),), "answered before it was asked", ""),
}  # fmt: skip
