"""What the stand-in cannot make, as bytes in the published formats: caches, cuts, pings, errors inside a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.models import wire
from bot.models.client import Client
from bot.models.judging import judged
from bot.models.messages import Part, Prompt, Turn, Usage
from bot.models.nursery import broker
from bot.models.providers import Reply
from tests.models.providing import (
    CANARY,
    GOOD,
    KEYS,
    PRICE,
    QUICK,
    SCHEMA,
    STREAM,
    Replay,
    chunks,
    ended,
    events,
    question,
    settings,
    started,
    status,
    tool,
)

CALL = json.dumps(GOOD)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
MIDDLE = events(
    started(input_tokens=700, cache_read_input_tokens=200, cache_creation_input_tokens=100), *tool(CALL[:9])
)
CHAT_USAGE = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
CACHED = {**CHAT_USAGE, "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100}}


def chat(*deltas: dict[str, object], finish: str = "tool_calls", usage: dict[str, object] | None = None) -> bytes:
    said = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    return STREAM + chunks(*said, end, *([{"choices": [], "usage": usage}] if usage else []))


def called(*pieces: str) -> list[dict[str, object]]:
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "propose", "arguments": ""}}
    rest = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    return [{"role": "assistant", "content": None, "tool_calls": [first]}, *rest]


def whole(*pieces: str, reason: str = "tool_use", **usage: int) -> bytes:
    return STREAM + events(started(**usage), *tool(*pieces), *ended(reason, output_tokens=50))


def said_no(code: int, message: str, **headers: str) -> bytes:
    return status(code, {"type": "error", "error": {"type": "scripted", "message": message}}, **headers)


BUSY = events({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
BEGUN = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
COUNTED = {"input_tokens": 300, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 100}
PLAIN = [whole(CALL, input_tokens=1000)]
Script = Sequence[Sequence[bytes | float | None]]
SCRIPTS: dict[str, Script] = {
    "cached": [[whole(CALL[:7], CALL[7:], **COUNTED)]],
    "plain": [PLAIN],
    "broken-json": [[whole('{"hypothesis": "x", "edits": [', input_tokens=1000)]],
    "not-a-number": [[whole('{"hypothesis": NaN, "edits": []}', input_tokens=1000)]],
    "empty-call": [[whole(input_tokens=1000)]],
    "refused": [[whole('{"hypo', reason="refusal", input_tokens=1000)]],
    "window": [[whole('{"hypo', reason="model_context_window_exceeded", input_tokens=1000)]],
    "reset": [[STREAM + MIDDLE, 0.2, None]],
    "reset-once": [[STREAM + MIDDLE, 0.2, None], PLAIN],
    "polite-end": [[STREAM + MIDDLE]],
    "no-bytes": [[0.05, None]],
    "pings": [[STREAM + MIDDLE, *[one for _ in range(60) for one in (0.1, PING)]]],
    "overloaded-inside": [[STREAM + MIDDLE + BUSY]],
    "no-hint": [[said_no(429, "slow down")]],
    "in-milliseconds": [[said_no(429, "slow down", retry_after_ms="200")], PLAIN],
    "by-date": [[said_no(429, "slow down", retry_after="Sat, 01 Jan 2050 00:00:00 GMT")]],
    "elsewhere": [[status(307, {}, location="http://127.0.0.1:9/v1/messages")]],
    "unforced": [[said_no(400, "tool_choice: forcing a tool is not supported")], PLAIN],
    "echo": [[said_no(401, f"bad key {CANARY}")]],
    "leak": [[whole(json.dumps({"hypothesis": f"the key is {CANARY}", "edits": []}), input_tokens=1000)]],
    "html": [[b"HTTP/1.1 502 Bad\r\ncontent-length: 9\r\nconnection: close\r\n\r\n<html>no<"]],
    "no-json": [[STREAM + b"event: message_start\ndata: {nonsense\n\n"]],
    "chat-cached": [[chat(*called(CALL[:5], CALL[5:]), usage=CACHED)]],
    "chat-json": [[chat({"role": "assistant", "content": json.dumps(GOOD)}, finish="stop", usage=CHAT_USAGE)]],
    "chat-uncounted": [[chat(*called(CALL))]],
    "chat-refusal": [[chat({"role": "assistant", "refusal": "I can't."}, finish="stop", usage=CHAT_USAGE)]],
    "chat-broken-json": [[chat(*called('{"hypothesis": "x"'), usage=CHAT_USAGE)]],
    "chat-nothing-counted": [[chat(*called(CALL), usage={**CHAT_USAGE, "completion_tokens": None})]],
    "chat-less-than-nothing": [[chat(*called(CALL), usage={**CHAT_USAGE, "completion_tokens": -1_000_000})]],
    "chat-words-for-counts": [[chat(*called(CALL), usage={**CHAT_USAGE, "prompt_tokens": "many"})]],
    "no-such-year": [[said_no(429, "slow down", retry_after="Sun, 06 Nov 99999 08:49:37 GMT")]],
    "gateway": [[said_no(504, "waited long enough")]],
    "chat-reset": [[STREAM + chunks(BEGUN, done=False), 0.2, None]],
}


class World(NamedTuple):
    client: Client
    server: Replay
    folder: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("replays")
    server = Replay(SCRIPTS)
    known = settings(server.address, f"{server.address}/v1", sorted(SCRIPTS))
    with broker(known, KEYS, night="n", state=folder / "s", blobs=folder / "b", retries=QUICK) as path:
        yield World(Client(path), server, folder)
    server.close()


def test_cached_tokens_have_prices_of_their_own(world: World) -> None:
    answer = world.client.ask(question("cached"))
    assert (answer.outcome, answer.value, answer.usage) == ("answer", GOOD, Usage(300, 50, 600, 100))
    assert answer.cost_usd == Decimal("0.002205")  # 300 x 3 + 50 x 15 + 600 x 0.30 + 100 x 3.75, by the million
    answer = world.client.ask(question("chat-cached", "chat"))
    assert (answer.outcome, answer.value, answer.usage) == ("answer", GOOD, Usage(300, 50, 600, 100))
    assert answer.cost_usd == Decimal("0.002205"), "the cached part of a prompt is not paid for twice"


@pytest.mark.parametrize(
    ("model", "outcome", "why"),
    [
        ("plain", "answer", ""),
        ("broken-json", "malformed", "no JSON"),
        ("not-a-number", "malformed", "no JSON"),
        ("empty-call", "malformed", "schema"),
        ("refused", "refused", "declined"),
        ("window", "truncated", "limit"),
    ],
)
def test_whole_answers_cost_what_they_say(world: World, model: str, outcome: str, why: str) -> None:
    answer = world.client.ask(question(model))
    assert (answer.outcome, answer.cost_usd) == (outcome, Decimal("0.00375")), answer
    assert why in answer.why


@pytest.mark.parametrize(("length", "outcome"), [(2_000_000, "answer"), (3_000_000, "malformed")])
def test_an_answer_that_is_taken_fits_into_a_line_to_the_one_who_asked(length: int, outcome: str) -> None:
    said = json.dumps({"hypothesis": "é" * length, "edits": []}, ensure_ascii=False)
    answer = judged(question("plain"), Reply("done", said, "", None))
    assert answer.outcome == outcome
    assert len(wire.written({"answer": wire.answer_data(answer)})) < wire.LONGEST
    assert len(wire.written({"answer": json.loads(said)})) > wire.LONGEST or outcome == "answer"


@pytest.mark.parametrize(("model", "outcome"), [("chat-broken-json", "malformed"), ("chat-refusal", "refused")])
def test_whole_chats_cost_what_they_say(world: World, model: str, outcome: str) -> None:
    answer = world.client.ask(question(model, "chat"))
    assert (answer.outcome, answer.cost_usd) == (outcome, Decimal("0.00375")), answer


BROKEN_OFF = PRICE.cost(Usage(700, 1000, 200, 100))


@pytest.mark.parametrize(
    ("model", "outcome"), [("reset", "outage"), ("polite-end", "outage"), ("overloaded-inside", "overloaded")]
)
def test_a_cut_stream_counts_its_input_and_the_most_of_its_output(world: World, model: str, outcome: str) -> None:
    answer = world.client.ask(question(model))
    assert (answer.outcome, answer.attempts, answer.value) == (outcome, 3, None), answer
    assert answer.cost_usd == 3 * BROKEN_OFF
    assert answer.usage == Usage(2100, 3, 600, 300), "what arrived"
    assert "counted at the most" in answer.why


def test_a_cut_is_paid_beside_the_answer_that_follows(world: World) -> None:
    answer = world.client.ask(question("reset-once"))
    assert (answer.outcome, answer.attempts) == ("answer", 2)
    assert answer.cost_usd == BROKEN_OFF + Decimal("0.00375")
    assert "counted at the most" in answer.why


def test_pings_do_not_keep_a_call_alive(world: World) -> None:
    answer = world.client.ask(question("pings"))
    assert (answer.outcome, answer.cost_usd) == ("outage", 3 * BROKEN_OFF), answer
    assert answer.seconds < 10


@pytest.mark.parametrize(
    ("model", "provider"),
    [("no-bytes", "claude"), ("chat-reset", "chat"), ("no-json", "claude"), ("gateway", "claude")],
)
def test_without_any_usage_all_that_was_reserved_is_counted(world: World, model: str, provider: str) -> None:
    prompt = question(model, provider)
    answer = world.client.ask(prompt)
    assert (answer.outcome, answer.cost_usd) == ("outage", world.client.worst_case_usd(prompt)), answer
    assert "no usage came back" in answer.why


@pytest.mark.parametrize(
    "model", ["chat-uncounted", "chat-nothing-counted", "chat-less-than-nothing", "chat-words-for-counts"]
)
def test_an_answer_without_usage_is_counted_at_its_worst(world: World, model: str) -> None:
    prompt = question(model, "chat")
    answer = world.client.ask(prompt)
    assert (answer.outcome, answer.cost_usd) == ("answer", world.client.worst_case_usd(prompt) / 3)
    assert "did not say" in answer.why


@pytest.mark.parametrize(
    ("model", "outcome", "attempts"),
    [
        ("no-hint", "rate-limited", 3),
        ("no-such-year", "rate-limited", 3),
        ("in-milliseconds", "answer", 2),
        ("by-date", "rate-limited", 1),
        ("elsewhere", "rejected", 1),
        ("html", "outage", 3),
        ("unforced", "answer", 1),
    ],
)
def test_errors_before_an_answer(world: World, model: str, outcome: str, attempts: int) -> None:
    answer = world.client.ask(question(model))
    assert (answer.outcome, answer.attempts) == (outcome, attempts), answer
    assert answer.cost_usd == (Decimal("0.00375") if outcome == "answer" else 0)


def test_a_tool_is_forced_until_the_model_says_it_cannot_be(world: World) -> None:
    world.client.ask(question("unforced", text="once more"))
    forced = [asked["tool_choice"]["type"] for model, asked in world.server.asked if model == "unforced"]
    assert forced[:1] == ["tool"]
    assert set(forced[1:]) == {"auto"}


def test_requests_are_strict_streamed_and_cached_where_it_is_legal(world: World) -> None:
    long = "All that was tried before.\n" * 600  # more than the 4,096 tokens below which nothing is cached
    parts = tuple(Part(f"{number} {long}", cached=True) for number in range(6))
    turns = (
        Turn("user", (Part("short", cached=True), *parts)),
        Turn("assistant", value={"hypothesis": "first", "edits": []}),
        Turn("user", (Part("It did not apply."),)),
    )
    prompt = Prompt("claude", "plain", (Part("tiny", cached=True),), turns, "propose", "Proposes.", SCHEMA, 500)
    assert world.client.ask(prompt).outcome == "answer"
    asked = world.server.asked[-1][1]
    assert asked["stream"] is True
    assert asked["tools"][0]["strict"] is True
    assert asked["tools"][0]["input_schema"] == SCHEMA
    assert asked["tool_choice"] == {"type": "tool", "name": "propose", "disable_parallel_tool_use": True}
    marked = [block for block in asked["system"] + asked["messages"][0]["content"] if "cache_control" in block]
    assert [block["text"][0] for block in marked] == ["0", "3", "4", "5"], "four at most, none on a short prefix"
    assert asked["messages"][1]["content"][0]["input"] == {"hypothesis": "first", "edits": []}
    result, said = asked["messages"][2]["content"]
    assert result["tool_use_id"] == asked["messages"][1]["content"][0]["id"]
    assert said["text"] == "It did not apply."


def test_a_schema_that_a_server_keeps_to_itself_is_shown_to_the_model(world: World) -> None:
    """Servers of local weights make a grammar of it; the model would never read what its keys mean."""
    assert world.client.ask(question("chat-json", "schema")).value == GOOD
    asked = world.server.asked[-1][1]
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert asked["messages"][0]["role"] == "system"
    assert asked["messages"][0]["content"].endswith(json.dumps(SCHEMA))
    world.client.ask(question("chat-cached", "chat", text="by a tool"))
    assert json.dumps(SCHEMA) not in world.server.asked[-1][1]["messages"][0]["content"]


def test_the_key_leaves_only_as_the_header(world: World) -> None:
    """The positive control: the search finds the key where it belongs."""
    world.client.ask(question("plain", text=f"What does {CANARY} mean? And ghp_{'a1' * 18}?"))
    assert CANARY in world.server.heads[-1]
    body = json.dumps(world.server.asked[-1][1])
    assert CANARY not in body
    assert "ghp_" not in body
    assert body.count("[secret removed]") == 2
    for model in ("echo", "leak"):
        answer = world.client.ask(question(model))
        assert CANARY not in repr(answer)
        assert "[secret removed]" in repr(answer)
    kept = [path for path in world.folder.rglob("*") if path.is_file()]
    assert len(kept) > 10
    for path in kept:
        assert CANARY.encode() not in path.read_bytes(), path


def test_every_request_of_the_clients_is_within_its_bound(world: World) -> None:
    """Bytes stand above tokens: no tokenizer makes two of one byte."""
    prompt = question("plain", text="ünï" * 50)
    sent = next(asked for model, asked in world.server.asked if model == "plain")
    assert world.client.worst_case_usd(prompt) > PRICE.worst(len(json.dumps(sent).encode()), prompt.max_tokens)
