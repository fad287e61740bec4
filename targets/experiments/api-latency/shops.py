"""The shops whose orders the service keeps: customers, products, orders and their lines, drawn from a seed. Locked.

Money is in whole cents, days are ISO dates, so that every answer is exact.
"""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

SHOPS = 8
CUSTOMERS, PRODUCTS, ORDERS = 150, 50, 300  # of each shop
FIRST_DAY, DAYS = date(2025, 1, 1), 240

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, shop INTEGER NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL,
                        tags TEXT NOT NULL);
CREATE INDEX customers_by_email ON customers (shop, email COLLATE NOCASE);
CREATE TABLE products (id INTEGER PRIMARY KEY, shop INTEGER NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL,
                       price INTEGER NOT NULL, details TEXT NOT NULL);
CREATE UNIQUE INDEX products_by_sku ON products (shop, sku);
CREATE TABLE orders (id INTEGER PRIMARY KEY, shop INTEGER NOT NULL, number INTEGER NOT NULL,
                     customer INTEGER NOT NULL, placed TEXT NOT NULL, status TEXT NOT NULL);
CREATE UNIQUE INDEX orders_by_number ON orders (shop, number);
CREATE TABLE lines (id INTEGER PRIMARY KEY, "order" INTEGER NOT NULL, product INTEGER NOT NULL,
                    quantity INTEGER NOT NULL, price INTEGER NOT NULL);
CREATE INDEX lines_by_order ON lines ("order");
"""

FIRST = "Ada Ben Chi Dilan Edda Femi Gül Hana Ivo Jun Kaya Lena Mio Noor Olu Pia Rosa Sami Tove Uma".split()  # noqa: SIM905
LAST = "Adeyemi Berg Costa Dvořák Eriksen Fischer Garcia Haas Ito Jansen Li Moreau Novak O'Brien".split()  # noqa: SIM905
THINGS = "Lamp Chair Table Mug Kettle Plate Basket Shelf Clock Mirror Blanket Cushion Vase Tray Stool Rug".split()  # noqa: SIM905
KINDS = "Oak Steel Linen Wool Glass Clay Bamboo Copper Cork Paper Marble Walnut Ash&Brass".split()  # noqa: SIM905
COLOURS = ("white", "black", "red", "blue", "green", "sand")
BRANDS = ("Nordhus", "Casa Rey", "Miro & Co", "Halden", "Plain")
TAGS = ("wholesale", "newsletter", "late payer", "vip", "collects")
STATUSES = ("placed", "paid", "shipped", "delivered", "delivered", "delivered", "cancelled")


@dataclass(frozen=True)
class Customer:
    id: int
    shop: int
    email: str
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """price: when the data begins."""

    id: int
    shop: int
    sku: str
    name: str
    price: int
    brand: str
    weight: int
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    product: Product
    quantity: int
    price: int


@dataclass(frozen=True)
class Order:
    """status: when the data begins."""

    id: int
    shop: int
    number: int
    customer: Customer
    placed: str
    status: str
    lines: tuple[Line, ...]


@dataclass
class Data:
    """Everything, in the order of its ids."""

    customers: list[Customer] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


def drawn(seed: int) -> Data:
    chance, data = random.Random(f"shops {seed}"), Data()  # noqa: S311 - replayable chance, no secret
    for shop in range(1, SHOPS + 1):
        data.customers += _customers(chance, shop, len(data.customers))
        data.products += _products(chance, shop, len(data.products))
    for shop in range(1, SHOPS + 1):
        data.orders += _orders(chance, shop, data)
    return data


def _customers(chance: random.Random, shop: int, before: int) -> list[Customer]:
    found: list[Customer] = []
    for number in range(CUSTOMERS):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        email = f"{first}.{last}{chance.randrange(400)}@example.org".replace("'", "")
        if found and chance.random() < 0.04:  # somebody who signed up twice
            email = chance.choice(found).email.swapcase()
        tags = tuple(tag for tag in TAGS if chance.random() < 0.3)
        found.append(Customer(before + number + 1, shop, email, f"{first} {last}", tags))
    return found


def _products(chance: random.Random, shop: int, before: int) -> list[Product]:
    found = []
    for number in range(PRODUCTS):
        name = f"{chance.choice(KINDS)} {chance.choice(THINGS)}"
        if chance.random() < 0.1:
            name += chance.choice((" 100%", " XL_2", ' "Ö"', " <S>"))
        colours = tuple(colour for colour in COLOURS if chance.random() < 0.4)
        price, weight = chance.randrange(150, 40_000), chance.randrange(50, 9_000)
        brand, sku = chance.choice(BRANDS), f"P-{number + 1:03}"  # each shop numbers its own
        found.append(Product(before + number + 1, shop, sku, name, price, brand, weight, colours))
    return found


def _orders(chance: random.Random, shop: int, data: Data) -> list[Order]:
    customers = [customer for customer in data.customers if customer.shop == shop][:-8]  # some never buy
    products = [product for product in data.products if product.shop == shop]
    before, found = len(data.orders), []
    for number in range(1, ORDERS + 1):
        customer = customers[int(chance.random() ** 2 * len(customers))]
        placed = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
        lines = tuple(_line(chance, products) for _ in range(chance.randrange(1, 6)))
        status = chance.choice(STATUSES)
        found.append(Order(before + number, shop, number, customer, placed.isoformat(), status, lines))
    return found


def _line(chance: random.Random, products: list[Product]) -> Line:
    product = products[int(chance.random() ** 1.5 * len(products))]
    return Line(product, chance.randrange(1, 9), product.price - chance.randrange(0, 100))


def write(data: Data, path: Path) -> None:
    """The database, as the service finds it."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    put = connection.executemany
    people = ((c.id, c.shop, c.email, c.name, json.dumps(c.tags)) for c in data.customers)
    put("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", people)
    put("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?)", map(_product_row, data.products))
    orders = ((o.id, o.shop, o.number, o.customer.id, o.placed, o.status) for o in data.orders)
    put("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", orders)
    lines = ((o.id, line.product.id, line.quantity, line.price) for o in data.orders for line in o.lines)
    put('INSERT INTO lines ("order", product, quantity, price) VALUES (?, ?, ?, ?)', lines)
    connection.commit()
    connection.close()


def _product_row(product: Product) -> tuple[int, int, str, str, int, str]:
    details = {"brand": product.brand, "weight_g": product.weight, "colours": product.colours}
    return (product.id, product.shop, product.sku, product.name, product.price, json.dumps(details))
