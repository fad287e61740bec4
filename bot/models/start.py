"""What a broker is told as it starts, over a pipe: settings, keys, places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models.ledger import Caps
from bot.models.prices import Price
from bot.models.retries import Retries
from bot.models.settings import ProviderSettings, Settings


@dataclass(frozen=True)
class Start:
    """keys: provider -> key; state: the ledger's folder; socket: where to listen; peer: the user who may ask."""

    settings: Settings
    keys: Mapping[str, str]
    night: str
    state: Path
    blobs: Path
    socket: Path
    peer: int
    retries: Retries = field(default_factory=Retries)

    def data(self) -> dict[str, Any]:
        """As JSON can say it; money as text."""
        places = {name: str(getattr(self, name)) for name in ("state", "blobs", "socket")}
        settings = {
            "providers": {name: asdict(one) for name, one in self.settings.providers.items()},
            "prices": {name: _price_data(one) for name, one in self.settings.prices.items()},
            "caps": {name: None if cap is None else str(cap) for name, cap in asdict(self.settings.caps).items()},
        }
        rest = {"keys": dict(self.keys), "night": self.night, "peer": self.peer, "retries": asdict(self.retries)}
        return {"settings": settings, **places, **rest}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Start:
        told = data["settings"]
        settings = Settings(
            {name: ProviderSettings(**one) for name, one in told["providers"].items()},
            {name: _price(one) for name, one in told["prices"].items()},
            Caps(**{name: None if cap is None else Decimal(cap) for name, cap in told["caps"].items()}),
        )
        places = {name: Path(data[name]) for name in ("state", "blobs", "socket")}
        return cls(
            settings, data["keys"], data["night"], peer=data["peer"], retries=Retries(**data["retries"]), **places
        )


def _price_data(price: Price) -> dict[str, Any]:
    data = {name: str(value) if isinstance(value, Decimal) else value for name, value in vars(price).items()}
    return {**data, "long": _price_data(price.long) if price.long else None}


def _price(data: Mapping[str, Any]) -> Price:
    amounts = {name: Decimal(value) for name, value in data.items() if isinstance(value, str)}
    return Price(**{**data, **amounts, "long": _price(data["long"]) if data["long"] else None})
