"""Nights whose proposers or evaluators ask models: what they need, what they can cost, and the broker that lives as
long as they do.

A key is taken out of the environment before anything else is started, and goes to the broker alone. Run processes get
the path of the broker's socket, and nothing else of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bot import config
from bot.models import hardening
from bot.models.messages import Model
from bot.models.settings import Settings
from bot.night.lifeline import PARENT_VARIABLE
from bot.proposers.wants import Want, all_wants, judges, wants
from harness.complaints import Faults, nearest
from harness.errors import AutoresearchError, ConfigError
from harness.repository import CommitSource, Repository, Source
from harness.target import Target

SOCKET_VARIABLE = "AUTORESEARCH_BROKER"
"""Where the broker listens; empty in a verb of a night without one. No secret."""
NIGHT_OF_NO_NAME = "by-hand"
_INSTEAD = {
    False: "proposer: {kind: perturb}, which asks nobody",
    True: "evaluate: {model: {provider: ollama, ...}}, a model on this machine",
}


def take_keys(source: Source) -> dict[str, str]:
    """Variable -> key, of every provider that the repository knows; gone from this process's environment.

    Nothing where the configuration is wrong: whoever needs it says so.
    """
    try:
        names = config.load(source).models.variables().values()
    except ConfigError:
        names = Settings().variables().values()
    return hardening.take(set(names))


def asking(targets: Sequence[Target]) -> list[Target]:
    return [target for target in targets if all_wants(target)]


def judged(targets: Sequence[Target]) -> list[Target]:
    """Those whose evaluator asks a model."""
    return [target for target in targets if judges(target)]


def check(target: Target, settings: Settings) -> None:
    """Raises ConfigError where a model that a target asks is of no known provider, has no price, or has one and no
    budget."""
    for want in all_wants(target):
        place = target.place(_said(target, want))
        if want.provider not in settings.providers:
            what = f"the provider {want.provider} is not known{nearest(want.provider, sorted(settings.providers))}"
            raise ConfigError(place, what, next_step=f"models: {{providers: {{{want.provider}: ...}}}} in {_FILE}")
        price = settings.price(want.provider, want.model) if want.model else None
        if want.model and price is None:
            what = f"nothing says what {want.model} of {want.provider} costs, so it is not asked"
            step = f"models: {{prices: {{{want.model}: {{input: 1, output: 5}}}}}} in {_FILE}, per million tokens"
            raise ConfigError(place, what, next_step=step)
        if not _free(want, settings) and not target.budget.usd:
            what = f"{want.model or want.provider} costs money, and the target's budget is 0 US dollars"
            raise ConfigError(target.place("budget"), what, next_step="budget: {usd: 2}, or what a night may cost")


def _said(target: Target, want: Want) -> str:
    """The key of target.yaml that asks for this model."""
    return "proposer" if want in wants(target) else "evaluate/model"


def _free(want: Want, settings: Settings) -> bool:
    price = settings.price(want.provider, want.model) if want.model else None
    return settings.providers[want.provider].local if price is None else not (price.input or price.output)


def keyless(targets: Sequence[Target], settings: Settings, keys: Collection[str]) -> dict[str, list[str]]:
    """Target -> variables of keys that its models need and that are not among these; only targets that lack one."""
    found = {
        target.name: [variable for variable in _variables(target, settings) if variable not in keys]
        for target in targets
    }
    return {name: missing for name, missing in found.items() if missing}


def _variables(target: Target, settings: Settings) -> list[str]:
    """Of the keys that its models need, each once."""
    providers = (settings.providers.get(want.provider) for want in all_wants(target))
    return list(dict.fromkeys(provider.key for provider in providers if provider and provider.key))


def require_keys(targets: Sequence[Target], settings: Settings, keys: Mapping[str, str]) -> None:
    """Raises ConfigErrors, one for each target that could ask nobody."""
    faults, lacking = Faults(), keyless(targets, settings, keys)
    for target in targets:
        if missing := lacking.get(target.name):
            what = f"{target.name} asks a model, and its key is not in the environment: {', '.join(missing)}"
            step = f"export {missing[0]}=..., or {_INSTEAD[bool(judges(target))]}"
            faults.found.append(ConfigError(target.place(_said(target, all_wants(target)[-1])), what, next_step=step))
    faults.tell()


def most(targets: Sequence[Target], settings: Settings, night_usd: float | None) -> Decimal:
    """What a night of these targets can cost at most, in US dollars."""
    budgets = sum((Decimal(str(target.budget.usd)) for target in asking(targets)), Decimal(0))
    caps = [settings.caps.night, None if night_usd is None else Decimal(str(night_usd))]
    return min([budgets, *(cap for cap in caps if cap is not None)])


def says(target: Target, settings: Settings, usd: float) -> str:
    """What a target's models can cost, in words; nothing where it asks none."""
    found = all_wants(target)
    if not found:
        return ""
    names = ", ".join(dict.fromkeys(want.model or want.provider for want in found))
    if not usd or all(_free(want, settings) for want in found):
        return f"models: {names}, at no price"
    caps = [f"${value:f} a {name}" for name, value in vars(settings.caps).items() if value is not None]
    capped = f", and by the caps {', '.join(caps)}" if caps else ""
    judging = "judging included" if judges(target) else "judging costs none"
    return f"models: {names}; at most ${usd:.2f}, reserved before it is spent{capped}; {judging}"


@contextmanager
def broker(
    repository: Repository, base: str, night: str, targets: Sequence[Target], keys: Mapping[str, str],
    together: Sequence[Target],
) -> Iterator[Path | None]:  # fmt: skip
    """The socket of a broker for these targets; None where none of them asks a model. Raises ConfigErrors.

    together: all targets of the night, those that have ended too: its ledger holds what they spent.
    """
    found = asking(targets)
    if not found:
        yield None
        return
    configured = config.load(CommitSource(repository, base))
    with _started(repository, configured, night, found, keys, together) as socket:
        yield socket


@contextmanager
def broker_of_files(
    repository: Repository, source: Source, names: Sequence[str], keys: Mapping[str, str], *, known: bool = False
) -> Iterator[Path | None]:
    """A broker for evaluators of these targets as `source` declares them, for a command outside every night: of those
    whose keys are here; None where there are none. known: some may be gone or broken by now. Raises ConfigErrors."""
    configured = config.load(source)
    targets = config.load_sound(source).targets if known else config.load_targets(source, names)
    found = [target for target in judged(targets) if not names or target.name in names]
    for target in [] if known else found:
        check(target, configured.models)
    lacking = keyless(found, configured.models, keys)
    found = [target for target in found if target.name not in lacking]
    if not found:
        yield None
        return
    with _started(repository, configured, f"by-hand-{time.time_ns()}", found, keys, found) as socket:
        yield socket


@contextmanager
def _started(
    repository: Repository, configured: config.Config, night: str, found: Sequence[Target], keys: Mapping[str, str],
    together: Sequence[Target],
) -> Iterator[Path]:  # fmt: skip
    from bot.models import nursery

    settings = configured.models
    require_keys(found, settings, keys)
    capped = replace(settings, caps=replace(settings.caps, night=most(together, settings, configured.usd)))
    capped = capped.only(want.provider for target in found for want in all_wants(target))
    held = {name: keys[one.key] for name, one in capped.providers.items() if one.key}
    folder = repository.state / "models"
    with nursery.broker(capped, held, night=night, state=folder / "ledger", blobs=folder / "blobs") as socket:
        yield socket


def model(target: Target) -> Model | None:
    """Who answers this target's proposer in a verb of a night, None where it asks nobody or nobody is there."""
    path = os.environ.get(SOCKET_VARIABLE, "")
    if not path or not wants(target):
        return None
    from bot.models.client import Client

    return Client(Path(path), keep=not target.private)


def run_by_hand(
    repository: Repository,
    target: str,
    night: str,
    handed: Path | None,
    of: Callable[[Sequence[Target]], list[Target]] = asking,
) -> int | None:
    """Runs this very command again, below a broker, where it was started by hand and a target asks a model; its exit
    code. None: there is no need. of: the targets that the command asks models for.

    The loop works without a network, which has to be left before anything else; so the broker is another's child.
    """
    if SOCKET_VARIABLE in os.environ:
        return None
    base = repository.commit()
    source = CommitSource(repository, base)
    keys = take_keys(source)
    together = config.load_sound(source).targets
    targets = [found for found in together if target in {"", found.name}]
    if not of(targets):
        return None
    name = _handed_night(handed) if handed else night or _newest(repository)
    with broker(repository, base, name, targets, keys, together) as socket:
        return _below({**os.environ, SOCKET_VARIABLE: str(socket), PARENT_VARIABLE: str(os.getpid())})


def _below(environment: Mapping[str, str]) -> int:
    """This command in a session of its own, so that a signal reaches it once: from here, whoever sent it."""
    command = [sys.executable, "-P", "-m", "bot.cli", *sys.argv[1:]]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda told, _frame: process.send_signal(told))
    code = process.wait()
    if code < 0:
        step = "the same command goes on where it was, and pays for no answer twice"
        raise AutoresearchError("the run was killed", next_step=step)
    return code


def _newest(repository: Repository) -> str:
    from bot.night.folder import night_named

    return night_named(repository, "").name


def _handed_night(handed: Path) -> str:
    """What the ledger calls it; the plan itself is read, and refused, by whoever takes the night over."""
    for path in sorted(handed.glob("plan-*/plan.json"), reverse=True):
        try:
            return str(json.loads(path.read_bytes())["night"])[:40]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return NIGHT_OF_NO_NAME


_FILE = config.CONFIG_FILE
