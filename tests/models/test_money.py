"""Simulated nights: no cap is exceeded, nothing that was paid for is left unjudged. `make money` runs 500 of them."""

from __future__ import annotations

from decimal import Decimal

from bot.models.ledger import Ledger
from bot.models.messages import Answer
from tests.benchmarks.money import simulate


def test_no_cap_is_exceeded_and_all_that_is_paid_for_is_judged() -> None:
    found = simulate(120, seed=7)
    assert found.wrong == []
    assert found.nights == 120
    assert found.killed > 5
    assert found.kills > 5
    assert found.stopped_by_money > 10, "caps were never met: this proves nothing"
    assert found.closest > Decimal("0.8"), "no night came near its cap: this proves little"
    assert found.charged <= found.counted


class OnlySettled(Ledger):
    """Forgets what is in flight."""

    def _sum(self, *, night: bool) -> Decimal:
        return super()._sum(night=night) - self._open()


class Forgetful(Ledger):
    """Never gives out what an earlier life was paid for."""

    def earlier(self, asked: str) -> Answer | None:  # noqa: ARG002  as its base has it
        return None


def test_a_ledger_that_forgets_what_is_in_flight_is_found_out() -> None:
    wrong = simulate(60, seed=7, make=OnlySettled).wrong
    assert any("over the" in what for what in wrong)


def test_a_broker_that_pays_twice_is_found_out() -> None:
    wrong = simulate(60, seed=7, make=Forgetful, killed_share=1.0).wrong
    assert any("paid for twice" in what for what in wrong)
