"""The proxy by itself: what passes, what is taken out or refused, what is counted, and where the key goes."""

from __future__ import annotations

import http.client
import json
import socket
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.models.messages import Usage
from bot.models.proxy import USUAL, Proxy, Upstream
from bot.models.proxy_rules import admitted
from tests.agent.provider import Provider, Script, serving
from tests.agent.world import KEY, MODEL, Purse, opened, price

ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
CHAT: dict[str, Any] = {"model": MODEL, "max_completion_tokens": 100, "messages": ASK["messages"]}
BOUNDED: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": ASK["messages"]}  # CHAT, to most servers
RESPONSES: dict[str, Any] = {"model": MODEL, "input": "Hi"}
ANTHROPIC = Usage(11, 7, 5, 3)
OPENAI = Usage(6, 7, 5)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as found:
        yield found


class _Connection(http.client.HTTPConnection):
    def __init__(self, door: Path) -> None:
        super().__init__("proxy", timeout=20)
        self._door = door

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._door))


def post(
    proxy: Proxy, said: Any, path: str = "/v1/messages", method: str = "POST", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = _Connection(proxy.door)
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def raw(proxy: Proxy, text: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(proxy.door))
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := client.recv(65536):
            found += chunk
        return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "path", "said", "usage"),
    [
        ("anthropic", "/v1/messages?beta=true", ASK, ANTHROPIC),
        ("openai", "/v1/chat/completions", CHAT, OPENAI),
        ("openai", "/v1/responses", RESPONSES, OPENAI),
    ],
)
def test_an_answer_passes_whole_and_its_usage_is_counted(
    provider: Provider, kind: Any, path: str, said: dict[str, Any], usage: Usage, stream: bool
) -> None:
    purse = Purse()
    with opened(provider, kind, purse) as proxy:
        status, body = post(proxy, {**said, "stream": stream}, path)
    assert status == 200
    assert (b"data:" in body) == stream
    toll = proxy.close()
    assert (toll.calls, toll.unknown, toll.usage) == (1, 0, usage)
    assert purse.settled == [usage]
    assert purse.spent == price(usage)
    assert provider.seen[0].path == path


@pytest.mark.parametrize(("kind", "name"), [("anthropic", "x-api-key"), ("openai", "authorization")])
def test_the_key_is_added_and_what_the_client_sent_for_one_is_not(provider: Provider, kind: Any, name: str) -> None:
    mine = {
        "x-api-key": "mine",
        "authorization": "Bearer mine",
        "cookie": "a=b",
        "x-forwarded-host": "evil",
        "host": "evil",
    }
    path, said = ("/v1/messages", ASK) if kind == "anthropic" else ("/v1/chat/completions", CHAT)
    with opened(provider, kind) as proxy:
        assert post(proxy, said, path, headers=mine)[0] == 200
    headers = provider.seen[0].headers
    assert KEY in headers.pop(name)
    assert "mine" not in str(headers)
    assert "evil" not in str(headers)
    assert set(headers) - {"anthropic-version"} == {
        "host", "content-type", "content-length", "accept-encoding", "user-agent",
    }  # fmt: skip


def test_of_the_betas_those_pass_that_change_neither_price_nor_reach(provider: Provider) -> None:
    wanted = "interleaved-thinking-2025-05-14, context-1m-2025-08-07,mcp-client-2025-04-04,fast-mode-2026-02-01"
    with opened(provider) as proxy:
        post(proxy, ASK, headers={"anthropic-beta": wanted, "anthropic-version": "2023-06-01"})
    assert provider.seen[0].headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"


def test_what_a_provider_would_do_besides_is_taken_out(provider: Provider) -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    said = {
        **ASK,
        "mcp_servers": [{"type": "url", "url": "https://evil.example"}],
        "service_tier": "priority",
        "speed": "fast",
        "context_management": {"edits": [{"type": "compact_20260112"}, {"type": "clear_thinking_20251015"}, 5]},
        "system": [{"type": "text", "text": "s", "cache_control": mark}],
        "tools": [
            {"name": "edit", "input_schema": {}, "cache_control": mark},
            {"type": "web_fetch_20250910", "name": "web_fetch"},
            {"type": "code_execution_20250522", "name": "code_execution"},
            {"type": "bash_20250124", "name": "bash"},
        ],
    }
    with opened(provider) as proxy:
        assert post(proxy, said)[0] == 200
    sent = provider.seen[0].said
    assert set(sent) == {*ASK, "system", "tools", "context_management"}
    assert sent["context_management"] == {"edits": [{"type": "clear_thinking_20251015"}]}
    assert [tool["name"] for tool in sent["tools"]] == ["edit", "bash"]
    assert sent["system"][0]["cache_control"] == sent["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_openais_requests_are_bounded_and_stored_nowhere(provider: Provider) -> None:
    purse = Purse()
    with opened(provider, "openai", purse) as proxy:
        post(proxy, {**RESPONSES, "store": True, "previous_response_id": "r", "background": True}, "/v1/responses")
        post(proxy, {**CHAT, "stream": True, "n": 50, "web_search_options": {}}, "/v1/chat/completions")
    first, second = (seen.said for seen in provider.seen)
    assert first == {**RESPONSES, "store": False, "max_output_tokens": 32_000}
    assert second == {**BOUNDED, "stream": True, "stream_options": {"include_usage": True}}
    assert [call.max_tokens for call in purse.calls] == [32_000, 100]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "image", "source": {"type": "url", "url": "https://evil.example/?secret"}}],
        [{"type": "document", "source": {"type": "file", "file_id": "f"}}],
        [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {}}]}],
        [{"type": "image_url", "image_url": {"url": "https://evil.example"}}],
        [["text"]],
        7,
    ],
)
def test_contents_that_reach_out_or_have_no_bounded_price_are_refused(provider: Provider, content: Any) -> None:
    with opened(provider) as proxy:
        status, _ = post(proxy, {**ASK, "messages": [{"role": "user", "content": content}]})
        assert status == 400
        assert (
            post(proxy, {**ASK, "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]})[0] == 200
        )
    assert len(provider.seen) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("DELETE", "/v1/messages", 405),
        ("POST", "/v1/files", 404),
        ("POST", "/v1/messages/../files", 404),
        ("POST", "/v1/messages?x=1", 404),
        ("POST", "/v1/messages%2f..%2ffiles", 404),
        ("POST", "//evil.example/v1/messages", 404),
        ("POST", "http://evil.example/v1/messages", 404),
        ("CONNECT", "evil.example:443", 404),
        ("POST", "/v1/chat/completions", 404),
        ("POST", "/v1/messages/batches", 404),
    ],
)
def test_no_other_path_or_method_leads_anywhere(provider: Provider, method: str, path: str, status: int) -> None:
    with opened(provider) as proxy:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        assert raw(proxy, head).split(b" ")[1] == str(status).encode()
        assert post(proxy, ASK)[0] == 200
    assert len(provider.seen) == 1


BODY = json.dumps(ASK).encode()
SECOND = b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: %d\r\nContent-Length: 0" % len(BODY),
        b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(BODY),
        b"Transfer-Encoding: chunked",
        b"Content-Length: +%d" % len(BODY),
        b"Content-Length: 0x10",
        b"Content-Length: 99999999999999",
        b"Content-Length: %d" % (1 << 30),
        b"X: 1",
    ],
)
def test_a_request_whose_end_is_unclear_is_not_sent(provider: Provider, head: bytes) -> None:
    with opened(provider) as proxy:
        answer = raw(proxy, b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + BODY + SECOND)
    assert answer.split(b" ")[1] in {b"411", b"413", b"400"}
    assert provider.seen == []


def test_behind_one_request_no_second_is_read_and_no_header_is_smuggled(provider: Provider) -> None:
    lines = b"anthropic-version: 2023-06-01\r\n x-api-key: mine\r\nanthropic-beta: effort-1\nx-evil: 1\r\n"
    with opened(provider) as proxy:
        head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n" + lines + b"Content-Length: %d\r\n\r\n" % len(BODY)
        raw(proxy, head + BODY + SECOND)
        assert post(proxy, ASK)[0] == 200
    assert [seen.path for seen in provider.seen if "files" in seen.path] == []
    assert all("x-evil" not in seen.headers and seen.headers["x-api-key"] == KEY for seen in provider.seen)
    assert len(provider.seen) <= 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"model": NaN}',
        b'{"model": "\\ud800"}',
        b"\xff",
        b'{"model": "m", "messages": [{"type": []}]}',
    ],
)
def test_what_is_no_request_is_refused(provider: Provider, body: bytes) -> None:
    with opened(provider) as proxy:
        assert post(proxy, body)[0] in {400, 411}
    assert provider.seen == []


@pytest.mark.parametrize("bound", [0, -1, True, "100", 1.5, 10**9, None])
def test_a_bound_that_is_none_is_refused(provider: Provider, bound: Any) -> None:
    with opened(provider) as proxy:
        assert post(proxy, {**ASK, "max_tokens": bound})[0] == 400
    assert provider.seen == []


def test_past_the_cap_nothing_is_sent_and_the_client_is_told_in_its_own_shape(provider: Provider) -> None:
    purse = Purse(cap=Decimal("0.016"))  # one call's worst case is 0.0132
    with opened(provider, "anthropic", purse) as proxy:
        assert post(proxy, ASK)[0] == 200
        assert post(proxy, {**ASK, "max_tokens": 10_000})[0] == 402
        assert post(proxy, ASK)[0] == 200
        status, body = post(proxy, {**ASK, "max_tokens": 10_000})
    said = json.loads(body)
    assert (status, said["type"], said["error"]["type"]) == (402, "error", "billing_error")
    assert len(provider.seen) == 2
    assert purse.spent == 2 * price(ANTHROPIC) <= purse.cap
    assert "cap" in proxy.close().refused


def test_counting_tokens_costs_nothing(provider: Provider) -> None:
    purse = Purse(cap=Decimal(0))
    with opened(provider, "anthropic", purse) as proxy:
        assert post(proxy, {"model": MODEL, "messages": []}, "/v1/messages/count_tokens")[0] == 200
        assert post(proxy, ASK)[0] == 402
    assert proxy.close().calls == 0


@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_an_error_of_the_provider_passes_and_costs_nothing(provider: Provider, status: int) -> None:
    provider.script = Script(status, {"retry-after": "3", "set-cookie": "a=b"}, b'{"type":"error"}')
    purse = Purse()
    with opened(provider, "anthropic", purse) as proxy:
        assert post(proxy, ASK) == (status, b'{"type":"error"}')
    assert purse.settled == [Usage()]


@pytest.mark.parametrize(
    "script",
    [
        Script(cut=40),
        Script(raw=b"{}"),
        Script(raw=b'{"usage": {"input_tokens": -1, "output_tokens": 2}}'),
        Script(raw=b'{"usage": {"input_tokens": true, "output_tokens": 2}}'),
        Script(headers={"content-encoding": "gzip"}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_no_answer_tells_the_usage_of_is_taken_at_its_worst(
    provider: Provider, script: Script, stream: bool
) -> None:
    provider.script = script
    purse = Purse()
    with opened(provider, "anthropic", purse) as proxy:
        try:
            post(proxy, {**ASK, "stream": stream})
        except http.client.HTTPException:
            assert script.cut
    assert purse.settled == [None]
    call = purse.calls[0]
    assert purse.spent == price(Usage(0, call.max_tokens, 0, call.size)) > price(ANTHROPIC)
    assert proxy.close().unknown == 1


@pytest.mark.parametrize("status", [408, 504, 524])
def test_a_call_that_a_gateway_gave_up_waiting_for_is_taken_at_its_worst(provider: Provider, status: int) -> None:
    provider.script = Script(status, raw=b'{"type":"error"}')
    purse = Purse()
    with opened(provider, "anthropic", purse) as proxy:
        assert post(proxy, ASK)[0] == status
    assert purse.settled == [None]


@pytest.mark.parametrize("stream", [False, True])
def test_what_openai_writes_to_its_cache_has_a_price_of_its_own(provider: Provider, stream: bool) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    usage["prompt_tokens_details"] = {"cached_tokens": 5, "cache_write_tokens": 3}  # type: ignore[assignment]
    whole = json.dumps({"usage": usage}).encode()
    provider.script = Script(raw=b"data: " + whole + b"\n\ndata: [DONE]\n\n" if stream else whole)
    purse = Purse()
    with opened(provider, "openai", purse) as proxy:
        post(proxy, {**CHAT, "stream": stream}, "/v1/chat/completions")
    assert purse.settled == [Usage(3, 7, 5, 3)]


@pytest.mark.parametrize("names", [["max_tokens"], ["max_completion_tokens"], ["max_tokens", "max_completion_tokens"]])
def test_a_bound_has_the_name_that_the_host_heeds(names: list[str]) -> None:
    asked = json.dumps({"model": "m", "messages": [], **dict.fromkeys(names, 9)}).encode()
    for host, name in ((USUAL["openai"], "max_completion_tokens"), ("https://models.example.com/v1", "max_tokens")):
        sent = admitted("openai", "/v1/chat/completions", {}, asked, Upstream("openai", host, "").chat_limit)
        assert json.loads(sent.body) == {"model": "m", "messages": [], name: 9}
        assert sent.call
        assert sent.call.max_tokens == 9


def test_no_spelling_of_a_request_has_more_tokens_than_were_reserved() -> None:
    """Tokenizers that normalise count each of these signs as eighteen letters."""
    asked = json.dumps({**ASK, "system": "\ufdfa" * 1000}).encode()
    sent = admitted("anthropic", "/v1/messages", {}, asked, "")
    assert sent.call
    assert sent.call.size > len(unicodedata.normalize("NFKC", sent.body.decode()).encode()) > 10 * 3000


def test_requests_at_once_are_parsed_one_after_the_other(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen that are as large as they may be would take gigabytes of the broker's memory."""
    inside, most = [0], [0]

    def watched(*given: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        inside[0] -= 1
        return admitted(*given)

    monkeypatch.setattr("bot.models.proxy.admitted", watched)
    with opened(provider) as proxy, ThreadPoolExecutor(8) as pool:
        assert {status for status, _ in pool.map(lambda _: post(proxy, ASK), range(8))} == {200}
    assert most == [1]


def test_a_provider_that_is_not_there_costs_nothing() -> None:
    purse = Purse()
    with opened(Provider("http://127.0.0.1:1"), "anthropic", purse) as proxy:
        assert post(proxy, ASK)[0] == 502
    assert purse.settled == [Usage()]


def test_a_redirect_leads_nowhere(provider: Provider) -> None:
    with serving() as other:
        provider.script = Script(307, {"location": f"{other.url}/v1/messages"})
        with opened(provider) as proxy:
            assert post(proxy, ASK)[0] == 502
        assert other.seen == []


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_an_answer_that_repeats_the_key_comes_without_it(provider: Provider, status: int) -> None:
    told = b'{"error": "wrong key ' + KEY.encode() + b'", "again": "' + KEY.encode() + b'"}'
    provider.script = Script(status, raw=told)
    with opened(provider) as proxy:
        _, body = post(proxy, ASK)
    assert KEY.encode() not in body
    assert KEY.encode() in told


def test_the_key_is_found_where_two_chunks_meet() -> None:
    from bot.models.proxy import _without

    for size in range(1, 40):
        text = b"a sk-" + KEY.encode() * 2 + b" sk-canary-no and " + KEY.encode()
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        assert b"".join(_without(KEY.encode(), iter(chunks))) == text.replace(KEY.encode(), b"[key]")


def test_a_client_that_is_gone_is_charged_for_what_it_asked(provider: Provider) -> None:
    provider.script = Script(seconds=0.3)
    purse = Purse()
    with opened(provider, "anthropic", purse) as proxy, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(proxy.door))
        client.sendall(b"POST /v1/messages HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        while not purse.calls:
            pass
    assert purse.settled == [ANTHROPIC]


def test_nobody_else_on_the_machine_can_reach_a_door(provider: Provider) -> None:
    with opened(provider) as proxy:
        assert proxy.door.parent.stat().st_mode & 0o077 == 0
        place = proxy.door
    assert not place.exists()
    assert KEY not in repr(proxy.upstream)
