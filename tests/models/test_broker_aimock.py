"""The broker, its real clients, and a provider's stand-in that others wrote: what comes of each case, to the cent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bot.models.client import Client
from bot.models.messages import Usage
from bot.models.nursery import broker
from tests.models.providing import GOOD, KEYS, PRICE, QUICK, aimock, journal, question, settings

USAGE = {"input_tokens": 1200, "output_tokens": 345, "prompt_tokens": 1200, "completion_tokens": 345}
COST = Decimal("0.008775")  # 1200 tokens at $3 and 345 at $15 a million


def calls(arguments: str, **more: Any) -> dict[str, Any]:
    return {"toolCalls": [{"name": "propose", "arguments": arguments}], "usage": USAGE, **more}


def error(status: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": f"scripted {kind}", "type": kind}, "status": status, **more}


def fixtures() -> list[dict[str, Any]]:
    good = calls(json.dumps(GOOD))
    found = {
        "good": good,
        "text": {"content": "I would rather talk.", "usage": USAGE},
        "silent": {"content": "", "usage": USAGE},
        "broken-json": calls('{"hypothesis": "x", "edits": ['),
        "other-shape": calls('{"hypothesis": 7, "edits": []}'),
        "no-edits": calls('{"hypothesis": "nothing to do", "edits": []}'),
        "long": calls('{"hypothesis": "cut', finishReason="length"),
        "schema-good": {"content": json.dumps(GOOD), "usage": USAGE},
        "filtered": {"content": "", "finishReason": "content_filter", "usage": USAGE},
        "declined": {"content": "No.", "finishReason": "refusal", "usage": USAGE},
        "overloaded": error(529, "overloaded_error"),
        "broken": error(500, "api_error"),
        "no-key": error(401, "authentication_error"),
        "no-model": error(404, "not_found_error"),
        "bad-request": error(400, "invalid_request_error"),
        "later": error(429, "rate_limit_error", retryAfter=3600),
    }
    made = [{"match": {"model": model}, "response": response} for model, response in found.items()]
    for model, first in (
        ("soon", error(429, "rate_limit_error", retryAfter=1)),
        ("overloaded-once", error(529, "overloaded_error")),
        ("broken-once", error(500, "api_error")),
    ):
        made.append({"match": {"model": model, "sequenceIndex": 0}, "response": first})
        made.append({"match": {"model": model}, "response": good})
    made.append(
        {"match": {"model": "cut"}, "response": calls(json.dumps(GOOD)), "truncateAfterChunks": 4, "latency": 100}
    )
    made.append({"match": {"model": "slow"}, "response": good, "latency": 4000})
    return made


class World(NamedTuple):
    client: Client
    address: str
    folder: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("aimock")
    with aimock(folder, fixtures()) as address:
        names = {one["match"]["model"] for one in fixtures()}
        known = settings(address, f"{address}/v1", sorted(names))
        with broker(known, KEYS, night="n", state=folder / "s", blobs=folder / "b", retries=QUICK) as path:
            yield World(Client(path), address, folder)


def asked_of(world: World, model: str) -> int:
    return sum(1 for one in journal(world.address) if (one.get("body") or {}).get("model") == model)


@pytest.mark.parametrize("provider", ["claude", "chat"])
@pytest.mark.parametrize(
    ("model", "outcome", "said"),
    [
        ("good", "answer", ""),
        ("no-edits", "answer", ""),
        ("text", "malformed", "instead of calling propose"),
        ("silent", "malformed", "said nothing"),
        ("broken-json", "malformed", ""),  # aimock makes {} of it for Claude; test_broker_replays.py has the bytes
        ("other-shape", "malformed", "schema at hypothesis"),
        ("long", "truncated", "limit of 1000 tokens"),
    ],
)
def test_what_is_paid_is_counted_whatever_came(
    world: World, provider: str, model: str, outcome: str, said: str
) -> None:
    answer = world.client.ask(question(model, provider, text=f"{provider} {model}"))
    assert (answer.outcome, answer.cost_usd, answer.attempts) == (outcome, COST, 1), answer
    assert answer.usage == Usage(1200, 345)
    assert said in answer.why
    assert (answer.value is not None) == (outcome == "answer")
    assert (world.folder / "b" / answer.prompt).exists()
    assert (world.folder / "b" / answer.reply).exists()


def test_an_answer_holds_what_was_said(world: World) -> None:
    for provider in ("claude", "chat"):
        assert world.client.ask(question("good", provider, text="whole")).value == GOOD
    answer = world.client.ask(question("schema-good", "schema", text="whole"))
    assert (answer.value, answer.cost_usd) == (GOOD, COST)


def test_refusals_of_model_and_filter(world: World) -> None:
    for provider, model in (("claude", "declined"), ("chat", "filtered")):
        answer = world.client.ask(question(model, provider))
        assert (answer.outcome, answer.cost_usd) == ("refused", COST), answer


@pytest.mark.parametrize("provider", ["claude", "chat"])
@pytest.mark.parametrize(
    ("model", "outcome", "attempts"),
    [
        ("overloaded", "overloaded", 3),
        ("broken", "outage", 3),
        ("no-key", "rejected", 1),
        ("no-model", "rejected", 1),
        ("bad-request", "rejected", 1),
        ("later", "rate-limited", 1),
    ],
)
def test_errors_cost_nothing(world: World, provider: str, model: str, outcome: str, attempts: int) -> None:
    before = asked_of(world, model)
    answer = world.client.ask(question(model, provider))
    assert (answer.outcome, answer.cost_usd, answer.attempts) == (outcome, Decimal(0), attempts), answer
    assert asked_of(world, model) - before == attempts, "the client has retries of its own"


@pytest.mark.parametrize("model", ["soon", "overloaded-once", "broken-once"])
def test_what_passes_is_waited_for(world: World, model: str) -> None:
    answer = world.client.ask(question(model))
    assert (answer.outcome, answer.cost_usd, answer.attempts) == ("answer", COST, 2), answer
    if model == "soon":
        assert answer.seconds >= 1, "the provider asked for a second"


def test_a_stream_that_is_cut_counts_its_input_and_the_most_of_its_output(world: World) -> None:
    answer = world.client.ask(question("cut"))
    assert (answer.outcome, answer.attempts) == ("outage", 3), answer
    assert answer.cost_usd == 3 * PRICE.cost(Usage(1200, 1000))
    assert "most it can have cost" in answer.why


def test_silence_ends_with_the_time_limit_and_counts_in_full(world: World) -> None:
    prompt = question("slow", max_tokens=10)
    answer = world.client.ask(prompt)
    assert answer.outcome == "outage"
    assert answer.cost_usd == world.client.worst_case_usd(prompt), "nobody knows what a provider did in the meantime"


def test_money_of_the_night_is_the_sum(world: World) -> None:
    spent = world.client.spent()
    lines = [json.loads(line) for file in (world.folder / "s").glob("*.jsonl") for line in file.open()]
    settled = [Decimal(line["usd"]) for line in lines if "settle" in line]
    assert settled
    assert spent == {"night": sum(settled), "month": sum(settled), "open": Decimal(0)}
