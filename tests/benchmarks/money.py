"""Is a cap ever exceeded, and is anything that was paid for left unjudged? Simulated nights on a real ledger.

    python -m tests.benchmarks.money [--nights 500] [--seed 1]

Each night has prices, caps, latencies and failures by chance, and three who ask at once. The provider is simulated; it
keeps a meter of its own of what it really charges, which outlives every kill and which the broker never sees. In a
quarter of the nights the broker is a process of its own behind its real socket, killed with SIGKILL at random instants
and started again, until the night is done. Nights share their repository's ledger, five to a month.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models import broker, wire
from bot.models.blobs import Blobs
from bot.models.client import Client
from bot.models.desk import Desk
from bot.models.ledger import Caps, Ledger
from bot.models.messages import Answer, Part, Prompt, Turn, Usage
from bot.models.prices import Price
from bot.models.providers import Reply, Trouble, bound
from bot.models.proxy_meter import Passages
from bot.models.redaction import Redactor
from bot.models.retries import Retries
from bot.models.settings import ProviderSettings, Settings

NIGHTS_OF_A_MONTH = 5
ASKERS = 3
KILLED_SHARE = 0.25
MAX_TOKENS = 800
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
MakeLedger = Callable[[Path, str, Caps], Ledger]


@dataclass
class Found:
    """What the nights came to. wrong: what must not be."""

    nights: int = 0
    killed: int = 0
    kills: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    stopped_by_money: int = 0
    charged: Decimal = Decimal(0)
    counted: Decimal = Decimal(0)
    closest: Decimal = Decimal(0)  # of a night's cap: the largest share that was really charged
    wrong: list[str] = field(default_factory=list)


class Meter:
    """What the provider charges, in a file that no kill takes back: the night and the question of each charge."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._path = path

    def charge(self, night: str, asked: str, usd: Decimal) -> None:
        os.write(self._file, f"{night} {asked} {usd}\n".encode())

    def charges(self) -> Iterator[tuple[str, str, Decimal]]:
        for line in self._path.read_text(encoding="ascii").splitlines():
            night, asked, usd = line.split()
            yield night, asked, Decimal(usd)


class Simulated:
    """A provider that fails in every way that Trouble knows, and charges by its own count."""

    def __init__(self, plan: Plan, meter: Meter, chance: random.Random) -> None:
        self._night, self._price, self._latency, self._dear = plan.name, plan.price, plan.latency, plan.dear
        self._meter, self._chance = meter, chance

    def input_bound(self, prompt: Prompt) -> int:
        return _bound(prompt)

    def send(self, prompt: Prompt) -> Reply:
        chance, asked = self._chance, wire.digest(wire.prompt_data(prompt))
        usage = self._usage(self.input_bound(prompt), prompt.max_tokens)
        time.sleep(chance.random() * self._latency)
        fate = 1.0 if self._dear else chance.random()
        if fate < 0.12:
            outcome = chance.choice(["overloaded", "rate-limited", "outage"])
            raise Trouble(outcome, "scripted", after=chance.choice([None, 0.0, 900.0]))  # type: ignore[arg-type]
        if fate < 0.14:
            raise Trouble("rejected", "scripted", again=False)
        if fate < 0.20:  # cut in the middle: charged for what it had said, of which nothing is known here
            self._meter.charge(self._night, asked, self._price.cost(usage))
            raise Trouble("outage", "cut", paid="output", usage=replace(usage, output=0))
        if fate < 0.26:  # no word: charged all the same, or not
            if chance.random() < 0.7:
                self._meter.charge(self._night, asked, self._price.cost(usage))
            raise Trouble("outage", "silent", paid="unknown")
        self._meter.charge(self._night, asked, self._price.cost(usage))
        time.sleep(chance.random() * self._latency)
        said = chance.choice(['{"n": 1}', '{"n": 1}', '{"n": 1}', '{"n": "x"}', '{"n"', ""])
        ended = chance.choices(["done", "length", "refused"], [8, 1, 1])[0]
        return Reply(ended, said or None, "", None if chance.random() < 0.05 else usage)  # type: ignore[arg-type]

    def _usage(self, most: int, max_tokens: int) -> Usage:
        """Anything up to what the bound allows; at times all of it, at the dearest."""
        chance = self._chance
        if self._dear or chance.random() < 0.1:
            return Usage(0, max_tokens, 0, most)
        total = chance.randint(1, most)
        read = chance.randint(0, total)
        write = chance.randint(0, total - read)
        return Usage(total - read - write, chance.randint(0, max_tokens), read, write)


def _bound(prompt: Prompt) -> int:
    return bound(wire.canonical(wire.prompt_data(prompt)), len(prompt.turns))


@dataclass(frozen=True)
class Plan:
    """One night by chance."""

    name: str
    seed: int
    price: Price
    caps: Caps
    latency: float
    prompts: tuple[Prompt, ...]
    killed: bool
    attempts: int
    dear: bool  # the provider always answers, and charges all that it can


def planned(name: str, seed: int, killed: bool) -> Plan:
    chance = random.Random(seed)
    rate = [Decimal(chance.randint(1, 2000)) / 100 for _ in range(4)]
    price = Price(*rate)
    if chance.random() < 0.4:
        price = replace(price, above=chance.randint(500, 6000), long=Price(*(2 * one for one in rate)))
    shortest = chance.choice([0, 4000])
    texts = (f"{name} {number:02} {'x' * chance.randint(shortest, 4000)}" for number in range(15))
    prompts = tuple(_prompt(text) for text in texts)
    dear = chance.random() < 0.3
    attempts = 1 if dear else chance.randint(1, Retries.attempts)
    worst = price.worst(max(_bound(prompt) for prompt in prompts), MAX_TOKENS) * attempts
    caps = Caps(
        call=chance.choice([None, worst, worst / 2]),
        night=chance.choice([None, Decimal(0), worst * chance.randint(1, 20) / 2]),
        month=chance.choice([None, worst * chance.randint(10, 150) / 2]),
    )
    latency = chance.choice([0.0, 0.0005, 0.004])
    return Plan(name, seed, price, caps, latency, prompts, killed, attempts, dear)


def _prompt(text: str) -> Prompt:
    turns = (Turn("user", (Part(text),)),)
    return Prompt("sim", "m", (Part("system"),), turns, "propose", "", SCHEMA, MAX_TOKENS)


def desk(plan: Plan, folder: Path, meter: Meter, life: int, make: MakeLedger) -> Desk:
    chance = random.Random(f"{plan.seed} {life}")
    settings = Settings({"sim": ProviderSettings("openai")}, {"m": plan.price}, plan.caps)
    provider = Simulated(plan, meter, chance)
    ledger = make(folder / "ledger", plan.name, plan.caps)
    settle = ledger.settle

    def lingering(*given: Any, **named: Any) -> None:
        """The answer is paid for and recorded, and not yet with the one who asked: where a kill hurts most."""
        settle(*given, **named)
        time.sleep(chance.random() * plan.latency)

    ledger.settle = lingering  # type: ignore[method-assign]
    blobs = folder / "blobs"
    blobs.mkdir(exist_ok=True)
    return Desk(
        settings, {"sim": provider}, ledger, Blobs(blobs), Redactor([]), Retries(plan.attempts),
        sleep=lambda _seconds: None, chance=chance,
    )  # fmt: skip


def asking(ask: Callable[[Prompt], Answer], prompts: list[Prompt], answered: dict[str, Answer]) -> None:
    """Three at once, each question until the broker answers; a cap ends the night. Returns early where it is gone."""

    def work() -> None:
        while prompts:
            try:
                prompt = prompts.pop()
            except IndexError:
                return
            answer = ask(prompt)
            if answer.why.startswith("the broker is gone"):
                prompts.append(prompt)
                return
            answered[wire.digest(wire.prompt_data(prompt))] = answer

    threads = [threading.Thread(target=work) for _ in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def quiet_night(plan: Plan, folder: Path, meter: Meter, make: MakeLedger) -> dict[str, Answer]:
    answered: dict[str, Answer] = {}
    asking(desk(plan, folder, meter, 0, make).ask, list(plan.prompts), answered)
    return answered


def killed_night(plan: Plan, folder: Path, meter: Meter, make: MakeLedger, found: Found) -> dict[str, Answer]:
    """Lives of a broker until every question has an answer; the first lives may end by SIGKILL."""
    chance = random.Random(plan.seed + 1)
    answered: dict[str, Answer] = {}
    left = list(plan.prompts)
    life = 0
    while left:
        pid, path = _born(plan, folder, meter, life, make)
        killer = threading.Timer(chance.random() * 0.03, _kill, (pid, found))
        if life < 8:
            killer.start()
        asking(Client(path).ask, left, answered)
        killer.cancel()
        killer.join() if killer.ident else None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        path.unlink()
        life += 1
    return answered


def _kill(pid: int, found: Found) -> None:
    os.kill(pid, signal.SIGKILL)
    found.kills += 1


def _born(plan: Plan, folder: Path, meter: Meter, life: int, make: MakeLedger) -> tuple[int, Path]:
    """A broker in a process of its own that listens. No other thread runs here meanwhile, so a fork is safe."""
    path = folder / "sock"
    hears, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            passages = Passages(Settings({}), {}, make(folder / "ledger", plan.name, plan.caps))
            asked = desk(plan, folder, meter, life, make)
            server = broker.serve(path, asked, Redactor([]), frozenset({os.getuid()}), passages)
            os.write(tells, b"r")
            server.serve_forever(0.01)
        finally:
            os._exit(1)
    os.close(tells)
    assert os.read(hears, 1) == b"r", "the broker did not start"
    os.close(hears)
    return pid, path


def judge(plan: Plan, folder: Path, meter: Meter, answered: dict[str, Answer], found: Found) -> None:
    """Holds the provider's own meter, the ledger and what the askers have against each other."""
    charges = list(meter.charges())
    night = sum((usd for name, _, usd in charges if name == plan.name), Decimal(0))
    month = sum((usd for _, _, usd in charges), Decimal(0))
    after = Ledger(folder / "ledger", plan.name, plan.caps)
    spent = after.spent()
    wrong = [
        (
            plan.caps.night is not None and night > plan.caps.night,
            f"charged {night} over the night's {plan.caps.night}",
        ),
        (night > spent["night"], f"charged {night}, and counted {spent['night']}"),
        (plan.caps.night is not None and spent["night"] > plan.caps.night, f"counted {spent['night']} over the cap"),
        (month > spent["month"], f"charged {month} in the month, and counted {spent['month']}"),
        (len(answered) != len(plan.prompts), f"{len(plan.prompts) - len(answered)} questions without an answer"),
    ]
    if plan.caps.month is not None and any(one.attempts for one in answered.values()):
        wrong.append((month > plan.caps.month, f"charged {month} over the month's {plan.caps.month}"))
    for prompt in plan.prompts:
        asked = wire.digest(wire.prompt_data(prompt))
        waiting = after.earlier(asked)
        got = answered.get(asked)
        wrong.append(
            (waiting is not None and waiting != got, f"an answer that was paid for was not given out: {waiting}")
        )
        wrong.append((after.earlier(asked) is not None, "an answered question was paid for twice"))
        if plan.caps.call is not None and got is not None:
            wrong.append((got.cost_usd > plan.caps.call, f"a call counted {got.cost_usd} over {plan.caps.call}"))
    found.wrong += [f"{plan.name} (seed {plan.seed}): {what}" for is_wrong, what in wrong if is_wrong]
    found.outcomes.update(one.outcome for one in answered.values())
    found.stopped_by_money += any(one.outcome == "money" for one in answered.values())
    found.charged += night
    found.counted += spent["night"]
    if plan.caps.night:
        found.closest = max(found.closest, night / plan.caps.night)


def simulate(nights: int, seed: int, make: MakeLedger = Ledger, killed_share: float = KILLED_SHARE) -> Found:
    """Everything that chance decides comes from the seed; the instants of kills also from the machine."""
    found = Found()
    memory = Path("/dev/shm")  # fsync on a disk would be most of the time
    chance = random.Random(seed)
    for month in range(-(-nights // NIGHTS_OF_A_MONTH)):
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
            folder = Path(name)
            meter = Meter(folder / "meter")
            for number in range(min(NIGHTS_OF_A_MONTH, nights - found.nights)):
                plan = planned(f"night-{month}-{number}", chance.getrandbits(32), chance.random() < killed_share)
                if plan.killed:
                    answered = killed_night(plan, folder, meter, make, found)
                else:
                    answered = quiet_night(plan, folder, meter, make)
                judge(plan, folder, meter, answered, found)
                found.nights += 1
                found.killed += plan.killed
    return found


def main() -> None:
    options = argparse.ArgumentParser(description="simulated nights on a real ledger")
    options.add_argument("--nights", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    began = time.monotonic()
    found = simulate(given.nights, given.seed)
    print(f"{found.nights} nights, {found.killed} of them with {found.kills} kills, {time.monotonic() - began:.0f} s")
    print("outcomes: " + ", ".join(f"{count} {name}" for name, count in found.outcomes.most_common()))
    print(f"{found.stopped_by_money} nights came to a cap; at most {found.closest:.1%} of a night's cap was charged")
    print(f"charged ${found.charged:.2f}, counted ${found.counted:.2f}")
    print("\n".join(found.wrong) or "no cap was exceeded, and nothing that was paid for was left unjudged")
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
