"""A real broker, a process of its own, lends its way out to a tool in the real sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from bot.models import nursery
from bot.models.client import Client
from bot.models.ledger import Caps
from bot.models.messages import Usage
from bot.models.passage import NoMoney
from bot.models.prices import Price
from bot.models.settings import ProviderSettings, Settings
from bot.proposers import Over
from tests.agent.provider import Provider, serving
from tests.agent.test_session import MANY, ONE
from tests.agent.world import KEY, MODEL, PRICES, of, price, request

USAGE = Usage(11, 7, 5, 3)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as found:
        yield found


@contextmanager
def client(provider: Provider, place: Path, caps: Caps = Caps()) -> Iterator[Client]:  # noqa: B008  frozen
    one = ProviderSettings("anthropic", provider.url, "STAND_IN_KEY", 20)
    local = ProviderSettings("anthropic", provider.url, "", 20, local=True)
    settings = Settings({"provider": one, "keyless": one, "local": local}, {MODEL: Price(*PRICES)}, caps)
    with nursery.broker(settings, {"provider": KEY}, night="n", state=place / "state", blobs=place / "blobs") as path:
        yield Client(path)


def test_a_tools_calls_are_in_the_brokers_ledger_and_the_key_is_with_the_provider_alone(
    provider: Provider, tmp_path: Path
) -> None:
    with client(provider, tmp_path) as model:
        proposal = of(ONE, model, provider="provider").ask(request())[0]
        assert (proposal.content, proposal.failed) == (b"Hello.", "")
        assert proposal.cost_usd == float(price(USAGE))
        assert model.spent() == {"night": price(USAGE), "month": price(USAGE), "open": Decimal(0)}
    assert provider.seen[0].headers["x-api-key"] == KEY
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert MODEL.encode() in kept
    assert KEY.encode() not in kept
    assert b"Hello." not in kept


@pytest.mark.parametrize("caps", [Caps(night=Decimal("0.015")), Caps(month=Decimal("0.015"))])
def test_the_nights_and_the_months_caps_hold_for_tools(provider: Provider, tmp_path: Path, caps: Caps) -> None:
    with client(provider, tmp_path, caps) as model:
        asker = of(MANY, model, provider="provider")
        proposal = asker.ask(request())[0]
        assert "are left" in proposal.failed
        assert 0 < len(provider.seen) < 100
        assert model.spent()["night"] == len(provider.seen) * price(USAGE) <= Decimal("0.015")
        assert proposal.cost_usd == float(model.spent()["night"])
        with pytest.raises(Over) as over:
            asker.ask(request(2))
        assert over.value.end == "money"


def test_what_is_left_for_the_target_holds_too(provider: Provider, tmp_path: Path) -> None:
    with client(provider, tmp_path) as model:
        proposal = of(MANY, model, provider="provider").ask(request(usd=0.015))[0]
        assert "left for this target" in proposal.failed
        assert 0 < Decimal(str(proposal.cost_usd)) <= Decimal("0.015")


def test_a_model_without_a_price_is_not_asked(provider: Provider, tmp_path: Path) -> None:
    with client(provider, tmp_path) as model:
        asker = of(ONE.replace(MODEL, "unheard-of"), model, provider="provider")
        assert "what 'unheard-of' costs" in asker.ask(request())[0].failed
    assert provider.seen == []


def test_a_model_of_this_machine_costs_nothing_and_needs_no_budget(provider: Provider, tmp_path: Path) -> None:
    with client(provider, tmp_path) as model:
        proposal = of(ONE.replace(MODEL, "mine"), model, provider="local").ask(request(usd=0.0))[0]
        assert (proposal.content, proposal.cost_usd) == (b"Hello.", 0.0)
        assert proposal.spent["input"] == 11
    assert "sk-" not in provider.seen[0].headers.get("x-api-key", "")


def test_a_run_that_is_gone_takes_its_passage_with_it(provider: Provider, tmp_path: Path) -> None:
    with client(provider, tmp_path) as model, model.passage("provider", 1.0) as passage:
        assert passage.door.exists()
        passage._connection.close()  # type: ignore[attr-defined]  # as the kernel does after a kill
        passage._stream.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 120
        while passage.door.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not passage.door.exists()
        with pytest.raises(ConnectionError):
            passage.close()
        passage._toll = object()  # type: ignore[attr-defined]


def test_without_money_a_provider_or_a_broker_there_is_no_passage(provider: Provider, tmp_path: Path) -> None:
    with client(provider, tmp_path) as model:
        with pytest.raises(NoMoney), model.passage("provider", 0.0):
            pass
        for name in ("unknown", "keyless"):
            with pytest.raises(ConnectionError, match=name), model.passage(name, 1.0):
                pass
        with model.passage("provider", 1.0) as passage:
            assert passage.close().calls == 0
    with pytest.raises(Over, match="broker") as over:
        of(ONE, model, provider="provider").ask(request())
    assert over.value.end == "exhausted"
