"""Money: prices by the table, reservations that a kill cannot undo, caps that hold to the cent."""

from __future__ import annotations

import errno
import json
import os
import random
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models import prices
from bot.models.ledger import Caps, Ledger, PastCap
from bot.models.messages import Answer, Usage
from bot.models.prices import MILLION, Price, price
from bot.models.retries import Retries

NOVEMBER_30, DECEMBER_1 = 1_796_082_000.0, 1_796_169_600.0  # 2026, UTC
CENT = Decimal("0.01")
DONE = Answer("answer", value={"n": 1}, cost_usd=CENT)


def ledger(folder: Path, of: str = "n", now: float = DECEMBER_1, **caps: Decimal) -> Ledger:
    return Ledger(folder, of, Caps(**caps), now=lambda: now)


def test_a_cap_may_be_reached_and_not_passed(tmp_path: Path) -> None:
    found = ledger(tmp_path, night=5 * CENT)
    for _ in range(5):
        found.reserve(CENT, "q", "m")
    with pytest.raises(PastCap, match=r"\$0.000000 of the night's \$0.05"):
        found.reserve(Decimal("0.000001"), "q", "m")
    found.reserve(Decimal(0), "q", "m")


def test_what_a_call_did_not_need_can_be_spent_again(tmp_path: Path) -> None:
    found = ledger(tmp_path, night=5 * CENT)
    held = found.reserve(5 * CENT, "q", "m")
    with pytest.raises(PastCap):
        found.reserve(CENT, "q", "m")
    found.settle(held, CENT, DONE, again=False)
    found.reserve(4 * CENT, "q", "m")
    assert found.spent() == {"night": 5 * CENT, "month": 5 * CENT, "open": 4 * CENT}


def test_nights_share_a_month_and_not_a_night(tmp_path: Path) -> None:
    ledger(tmp_path, "one", night=CENT, month=3 * CENT).reserve(CENT, "q", "m")
    other = ledger(tmp_path, "two", night=CENT, month=2 * CENT)
    other.reserve(CENT, "q", "m")
    with pytest.raises(PastCap, match="month"):
        ledger(tmp_path, "three", month=2 * CENT).reserve(CENT, "q", "m")


def test_a_night_over_the_end_of_a_month_counts_whole(tmp_path: Path) -> None:
    times = [NOVEMBER_30]
    found = Ledger(tmp_path, "n", Caps(night=2 * CENT, month=CENT), now=lambda: times[0])
    held = found.reserve(CENT, "q", "m")
    times[0] = DECEMBER_1
    found.reserve(CENT, "q", "m")
    found.settle(held, CENT, DONE, again=False)
    with pytest.raises(PastCap, match="night"):
        found.reserve(CENT, "q", "m")
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == ["2026-11.jsonl", "2026-12.jsonl"]
    assert ledger(tmp_path).spent()["night"] == 2 * CENT, "as one that starts in the new month sees it"
    january = ledger(tmp_path, now=DECEMBER_1 + 31 * 86400)
    assert january.spent()["month"] == 0


def test_brokers_of_one_repository_see_each_other(tmp_path: Path) -> None:
    one, other = ledger(tmp_path, night=2 * CENT), ledger(tmp_path, night=2 * CENT)
    one.reserve(CENT, "q", "m")
    other.reserve(CENT, "q", "m")
    for each in (one, other):
        with pytest.raises(PastCap):
            each.reserve(CENT, "q", "m")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_cut_of_the_file_counts_at_least_what_was_durable(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A kill can leave any beginning of what was written. What stays counts, and what follows is read."""
    folder = tmp_path_factory.mktemp("cut")
    found = ledger(folder)
    for number in range(3):
        held = found.reserve(Decimal(10 + number), f"q{number}", "m")
        found.settle(held, Decimal(number), DONE, again=False)
    file = next(folder.glob("*.jsonl"))
    content = file.read_bytes()[: data.draw(st.integers(0, file.stat().st_size))]
    file.write_bytes(content)
    *lines, last = content.split(b"\n")
    again = ledger(folder)
    assert again.spent()["night"] == _counted(lines)
    again.reserve(Decimal(100), "q", "m")
    whole = [*lines, last] if last.endswith(b"}") else lines  # it lacked its end alone, and now has it
    assert ledger(folder).spent()["night"] == _counted(whole) + 100


def _counted(lines: list[bytes]) -> Decimal:
    """What the reservations of these lines count as: in full where no settle follows."""
    found = [json.loads(line) for line in lines]
    settled = {line["settle"]: Decimal(line["usd"]) for line in found if "settle" in line}
    reserved = {line["reserve"]: Decimal(line["usd"]) for line in found if "reserve" in line}
    return sum((settled.get(name, usd) for name, usd in reserved.items()), Decimal(0))


@pytest.mark.parametrize("how", ["removed", "emptied", "an older one put back", "another one in its place"])
def test_a_file_that_was_meddled_with_takes_nothing_back(how: str, tmp_path: Path) -> None:
    found = ledger(tmp_path, night=5 * CENT)
    found.reserve(CENT, "q", "m")
    file = next(tmp_path.glob("*.jsonl"))
    older = file.read_bytes()
    found.reserve(CENT, "q", "m")
    if how == "removed":
        file.unlink()
    elif how == "another one in its place":
        file.unlink()
        ledger(tmp_path, "other").reserve(CENT, "a question of a longer name", "m")
    else:
        file.write_bytes(older if how == "an older one put back" else b"")
    for _ in range(3):
        found.reserve(CENT, "q", "m")
    with pytest.raises(PastCap, match="night"):
        found.reserve(CENT, "q", "m")


def test_answers_are_given_out_once_each_in_their_order(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    for number in range(2):
        held = first.reserve(CENT, "q", "m")
        first.settle(held, CENT, Answer("answer", value={"n": number}), again=True)
    assert first.earlier("q") is None, "its own are no earlier ones"
    second = ledger(tmp_path)
    assert [(second.earlier("q") or DONE).value for _ in range(2)] == [{"n": 0}, {"n": 1}]
    assert second.earlier("q") is None
    assert ledger(tmp_path, "other night").earlier("q") is None
    second.forget()
    assert ledger(tmp_path).earlier("q") is None
    assert ledger(tmp_path).spent()["night"] == 2 * CENT


def test_a_full_disk_takes_no_reservation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ledger(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        found.reserve(CENT, "q", "m")


amounts = st.integers(0, 5000).map(lambda number: Decimal(number) / 100)
rates = st.builds(Price, amounts, amounts, amounts, amounts)
banded = st.builds(
    lambda one, above, long: Price(*list(vars(one).values())[:4], above, long), rates, st.integers(0, 900), rates
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(rates, banded), st.integers(0, 1000), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_nothing_within_the_bounds_costs_more_than_the_worst(
    one: Price, most_input: int, most_output: int, chance: random.Random
) -> None:
    total = chance.randint(0, most_input)
    read = chance.randint(0, total)
    write = chance.randint(0, total - read)
    usage = Usage(total - read - write, chance.randint(0, most_output), read, write)
    assert one.cost(usage) <= one.worst(most_input, most_output)


def test_a_long_prompt_has_prices_of_its_own_for_all_of_it() -> None:
    one = prices.published()["claude-haiku-5-5"]
    assert one.cost(Usage(100_000, 1000)) == Decimal("0.0105")
    assert one.cost(Usage(1, 1000, 100_000)) == (Decimal("0.5") + 100_000 * Decimal("0.05") + 2500) / MILLION


def test_the_table_is_dated_sourced_and_sound() -> None:
    table = yaml.safe_load(prices.TABLE.read_text(encoding="utf-8"))
    assert str(table["date"]) == prices.dated()
    assert all("https://" in source for source in table["sources"].values())
    for name, one in prices.published().items():
        assert any(name.startswith(family) for family in table["sources"]), name
        assert 0 < one.cache_read <= one.input <= one.cache_write < one.output, name


def test_what_is_not_stated_of_a_cache_is_the_dearer() -> None:
    one = price({"input": 4, "output": 8})
    assert (one.cache_read, one.cache_write) == (Decimal(4), Decimal(5))


def test_waits_grow_are_jittered_and_end() -> None:
    chance = random.Random(1)
    rules = Retries(attempts=5, first=2, longest=10, patience=100)
    waits = [rules.wait(failed, None, 0, chance) for failed in range(1, 6)]
    assert waits[4] is None
    for wait, most in zip(waits[:4], (2, 4, 8, 10), strict=True):
        assert wait is not None
        assert most / 2 <= wait <= most
    assert len({rules.wait(1, None, 0, chance) for _ in range(10)}) == 10
    assert rules.wait(1, 101, 0, chance) is None, "longer than we wait: not begun"
    asked = rules.wait(1, 50, 0, chance)
    assert asked is not None
    assert 50 <= asked <= 51
    assert rules.wait(1, 50, 60, chance) is None
