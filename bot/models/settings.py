"""Where models are asked, what they cost and what may be spent: the `models:` section of .github/autoresearch.yml."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from bot.models.ledger import Caps
from bot.models.prices import FREE, Price, price, published
from harness.complaints import nearest, parsed, place, show
from harness.configfile import ConfigFile, Faults
from harness.documents import Document, escape
from harness.errors import ConfigError
from harness.repository import Source
from harness.target import seconds

_RATES = ("input", "output", "cache_read", "cache_write")
_KEYS = (*_RATES, "long", "forced_tool", "cache_minimum")


@dataclass(frozen=True)
class ProviderSettings:
    """kind: what it speaks; base_url: "" is the kind's own; key: the environment variable that holds its key, "" needs
    none; timeout: seconds of one attempt; answers: how a structured answer is asked for; local: it costs nothing."""

    kind: Literal["anthropic", "openai"]
    base_url: str = ""
    key: str = ""
    timeout: float = 600.0
    answers: Literal["tool", "schema"] = "tool"
    local: bool = False


PRESETS: Mapping[str, ProviderSettings] = {
    "anthropic": ProviderSettings("anthropic", key="ANTHROPIC_API_KEY"),
    "openai": ProviderSettings("openai", key="OPENAI_API_KEY"),
    "ollama": ProviderSettings("openai", "http://127.0.0.1:11434/v1", answers="schema", local=True),
}
_KEY_OF = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


@dataclass(frozen=True)
class Settings:
    """prices: those that the repository states; the published ones hold for all other models."""

    providers: Mapping[str, ProviderSettings] = field(default_factory=lambda: dict(PRESETS))
    prices: Mapping[str, Price] = field(default_factory=dict)
    caps: Caps = field(default_factory=Caps)

    def price(self, provider: str, model: str) -> Price | None:
        """None where nothing says what it costs: such a model is not asked."""
        stated = self.prices.get(model) or published().get(model)
        return stated or (FREE if self.providers[provider].local else None)

    def only(self, providers: Iterable[str]) -> Settings:
        """Without the providers that no target of the night asks: neither their keys nor their clients are loaded."""
        wanted = set(providers)
        return replace(self, providers={name: one for name, one in self.providers.items() if name in wanted})

    def variables(self) -> Mapping[str, str]:
        """Provider -> the environment variable of its key, for those that need one."""
        return {name: one.key for name, one in self.providers.items() if one.key}


def read(config: ConfigFile, source: Source) -> Settings:
    """Raises ConfigErrors with every fault that the schema cannot see."""
    section = (config.data or {}).get("models", {})
    entries = section.get("providers", {})
    for name, entry in entries.items():
        _check_address(config, name, entry.get("base_url", ""))
    providers = {**PRESETS, **{name: _provider(entry) for name, entry in entries.items()}}
    caps = {name: Decimal(str(value)) for name, value in section.get("caps", {}).items()}
    return Settings(providers, _stated(config, section.get("prices", {}), source), Caps(**caps))


def _provider(entry: Mapping[str, Any]) -> ProviderSettings:
    address = entry.get("base_url", "")
    return ProviderSettings(
        kind=entry["kind"], base_url=address, key=entry.get("key", "" if address else _KEY_OF[entry["kind"]]),
        timeout=seconds(entry["timeout"]) if "timeout" in entry else ProviderSettings.timeout,
        answers=entry.get("answers", "tool"), local=entry.get("local", _on_this_machine(address)),
    )  # fmt: skip


def _check_address(config: ConfigFile, name: str, address: str) -> None:
    """Raises ConfigError for what is no address, which the schema's pattern does not see."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        if address and not parts.hostname:
            raise ValueError("it names no host")
    except ValueError as why:
        step = "an address such as https://models.example.com/v1"
        raise config.error(
            f"/models/providers/{escape(name)}/base_url", f"{show(address)} is no address: {why}", next_step=step
        ) from None


def _on_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stated(config: ConfigFile, prices: Any, source: Source) -> dict[str, Price]:
    if not isinstance(prices, str):
        return _checked(prices, config.file, config.document, "/models/prices")
    if prices not in source.modes():
        what = f"{show(prices)} is not a file of this repository"
        raise config.error("/models/prices", f"{what}{nearest(prices, sorted(source.modes()))}")
    document = parsed(source.read([prices])[prices], prices)
    return _checked(document.data, prices, document, "")


def _checked(data: Any, file: str, document: Document, pointer: str) -> dict[str, Price]:
    """The models of a price table, which may stand under `models` beside its date and sources."""
    if isinstance(data, Mapping) and "models" in data:
        data, pointer = data["models"], f"{pointer}/models"
    with Faults() as faults:
        if not isinstance(data, Mapping):
            faults.found.append(ConfigError(place(file, document, pointer), "must be a mapping of models to prices"))
            return {}
        for model, entry in data.items():
            here = f"{pointer}/{escape(str(model))}"
            for where, what in _faults(entry, here):
                step = "in US dollars per million tokens: {input: 1, output: 5, cache_read: 0.1, cache_write: 1.25}"
                faults.found.append(ConfigError(place(file, document, where), what, next_step=step))
    return {str(model): price(entry) for model, entry in data.items()}


def _faults(entry: Any, here: str) -> Iterator[tuple[str, str]]:
    if not isinstance(entry, Mapping):
        yield here, "must be a mapping"
        return
    for key in entry:
        if key not in _KEYS:
            yield f"{here}/{escape(str(key))}", f"unknown key{nearest(str(key), _KEYS)}"
    for name in ("input", "output"):
        if name not in entry:
            yield here, f"{name} is missing"
    for name in _RATES:
        if name in entry and not _amount(entry[name]):
            yield f"{here}/{name}", f"{show(entry[name])} is not an amount of 0 or more"
    if "cache_minimum" in entry and not (type(entry["cache_minimum"]) is int and entry["cache_minimum"] >= 0):
        yield f"{here}/cache_minimum", f"{show(entry['cache_minimum'])} is not a number of tokens"
    if "forced_tool" in entry and not isinstance(entry["forced_tool"], bool):
        yield f"{here}/forced_tool", f"{show(entry['forced_tool'])} is neither true nor false"
    if "long" in entry:
        yield from _faults_of_long(entry["long"], f"{here}/long")


def _faults_of_long(entry: Any, here: str) -> Iterator[tuple[str, str]]:
    if not isinstance(entry, Mapping) or type(entry.get("above")) is not int or entry["above"] < 0:
        yield here, "must be a mapping with `above`, a number of tokens"
        return
    for name, value in entry.items():
        if name != "above" and name not in _RATES:
            yield f"{here}/{escape(str(name))}", f"unknown key{nearest(str(name), ('above', *_RATES))}"
        elif name != "above" and not _amount(value):
            yield f"{here}/{name}", f"{show(value)} is not an amount of 0 or more"


def _amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1_000_000
