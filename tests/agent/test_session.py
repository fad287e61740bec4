"""Tools with a way out: what reaches the provider, what it costs, and what a cap in mid-session does."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.models.messages import Usage
from bot.proposers import Over
from bot.proposers.command import Command
from tests.agent.provider import Provider, serving
from tests.agent.world import FILE, KEY, MODEL, Gate, code_target, of, opened, price, request, tool

ANTHROPIC, OPENAI = Usage(11, 7, 5, 3), Usage(6, 7, 5)
CALL = """
import json, os, urllib.request

def call(path="/v1/messages", base=None, **more):
    said = {"model": "tiny-1", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **more}
    base = base or os.environ["ANTHROPIC_BASE_URL"]
    head = {"x-api-key": os.environ.get("ANTHROPIC_API_KEY", ""), "content-type": "application/json"}
    wanted = urllib.request.Request(base + path, json.dumps(said).encode(), head)
    return json.load(urllib.request.urlopen(wanted, timeout=20))
"""
ONE = CALL + f"open({FILE!r}, 'w').write(call()['content'][0]['text']); print('hypothesis: it said so')"
MANY = (
    CALL
    + f"""
n = 0
try:
    for n in range(100):
        call()
finally:
    open({FILE!r}, "w").write(str(n))
    print(n, "calls")
"""
)
ANTHROPIC_SDK = f"""
import anthropic
client = anthropic.Anthropic(max_retries=0)
ask = dict(model="tiny-1", max_tokens=100, messages=[dict(role="user", content="Hi")])
first = client.messages.create(**ask, system="s").content[0].text
with client.messages.stream(**ask) as stream:
    second = "".join(stream.text_stream)
open({FILE!r}, "w").write(first + second)
"""
OPENAI_SDK = f"""
import openai
client = openai.OpenAI(max_retries=0)
ask = dict(model="tiny-1", max_completion_tokens=100, messages=[dict(role="user", content="Hi")])
first = client.chat.completions.create(**ask).choices[0].message.content
chunks = client.chat.completions.create(**ask, stream=True)
second = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
client.responses.create(model="tiny-1", input="Hi")
open({FILE!r}, "w").write(first + second)
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as found:
        yield found


def test_a_tool_reaches_its_provider_and_its_cost_is_the_proposals(provider: Provider) -> None:
    proposal = of(ONE, Gate(provider), provider="provider").ask(request())[0]
    assert (proposal.content, proposal.failed) == (b"Hello.", "")
    assert proposal.cost_usd == float(price(ANTHROPIC))
    spent = proposal.spent
    assert (spent["calls"], spent["input"], spent["output"]) == (1, 11, 7)
    assert spent["model"] == "python"
    assert spent["seconds"] > 0
    assert (spent["cache_read"], spent["cache_write"]) == (5, 3)
    assert provider.seen[0].headers["x-api-key"] == KEY
    assert provider.seen[0].said["model"] == MODEL


def test_a_failure_has_its_cost(provider: Provider) -> None:
    proposal = of(CALL + "call(); call(); raise SystemExit(1)", Gate(provider), provider="provider").ask(request())[0]
    assert "exit code 1" in proposal.failed
    assert proposal.cost_usd == pytest.approx(float(2 * price(ANTHROPIC)))


def test_a_tool_that_is_stopped_in_the_middle_of_a_call_has_its_cost(provider: Provider) -> None:
    provider.script.seconds = 4
    proposal = of(ONE, Gate(provider), provider="provider", timeout="3s").ask(request())[0]
    assert "timeout" in proposal.failed
    assert proposal.cost_usd == float(price(ANTHROPIC))


def test_when_the_cap_is_reached_in_mid_session_what_was_done_counts_and_the_next_is_over(provider: Provider) -> None:
    gate = Gate(provider)
    asker = of(MANY, gate, provider="provider")
    proposal = asker.ask(request(usd=0.015))[0]
    purse = gate.purses[0]
    assert "cap is reached" in proposal.failed
    assert 0 < proposal.spent["calls"] == len(provider.seen) < 100
    assert proposal.cost_usd == float(purse.spent)
    assert purse.spent <= Decimal("0.015")
    with pytest.raises(Over, match="cap is reached") as over:
        asker.ask(request(2, usd=0.015))
    assert over.value.end == "money"
    assert len(gate.purses) == 1


def test_a_change_made_before_the_cap_is_a_proposal(provider: Provider) -> None:
    asker = of(MANY.replace("finally", "except OSError"), Gate(provider), provider="provider")
    proposal = asker.ask(request(usd=0.015))[0]
    assert not proposal.failed
    assert int(proposal.content) == len(provider.seen)
    with pytest.raises(Over):
        asker.ask(request(2))


def test_without_money_no_tool_is_started(provider: Provider) -> None:
    asker = of(ONE, Gate(provider), provider="provider")
    with pytest.raises(Over) as over:
        asker.ask(request(usd=0.0))
    assert over.value.end == "money"


def test_what_a_gateway_refuses_is_not_a_failure_of_the_tool(provider: Provider) -> None:
    gate = Gate(provider, full="the month's cap is reached")
    with pytest.raises(Over, match="month's"):
        of(ONE, gate, provider="provider").ask(request())


def test_many_calls_at_once_are_each_counted(provider: Provider) -> None:
    script = (
        CALL
        + f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(12) as pool:
    found = list(pool.map(lambda n: call()["content"][0]["text"], range(48)))
open({FILE!r}, "w").write(json.dumps(found))
"""
    )
    gate = Gate(provider)
    proposal = of(script, gate, provider="provider").ask(request())[0]
    assert json.loads(proposal.content) == ["Hello."] * 48, proposal.failed
    assert proposal.spent["calls"] == len(provider.seen) == 48
    assert gate.purses[0].spent == 48 * price(ANTHROPIC)


def test_a_port_stands_in_the_tools_arguments(provider: Provider) -> None:
    script = CALL + f"import sys; open({FILE!r}, 'w').write(call(base=sys.argv[1])['content'][0]['text'])"
    asker = of(script, Gate(provider), provider="provider")
    asker._argv = (*asker._argv, "http://127.0.0.1:{port}")
    assert asker.ask(request())[0].content == b"Hello."


def test_anthropics_own_library_works_through_the_way_out(provider: Provider) -> None:
    proposal = of(ANTHROPIC_SDK, Gate(provider), provider="provider").ask(request())[0]
    assert (proposal.content, proposal.failed) == (b"Hello.Hello.", "")
    assert proposal.cost_usd == pytest.approx(float(2 * price(ANTHROPIC)))
    assert {seen.headers["x-api-key"] for seen in provider.seen} == {KEY}


def test_openais_own_library_works_through_the_way_out(provider: Provider) -> None:
    proposal = of(OPENAI_SDK, Gate(provider, "openai"), provider="provider").ask(request())[0]
    assert (proposal.content, proposal.failed) == (b"Hello.Hello.", "")
    assert proposal.spent["calls"] == 3
    assert proposal.cost_usd == pytest.approx(float(3 * price(OPENAI)))
    assert {seen.headers["authorization"] for seen in provider.seen} == {f"Bearer {KEY}"}


PLACES = f"{Path(sys.prefix, 'bin')}:/usr/local/bin:/usr/bin"  # where the sandbox shows programs
WRITE = f"printf 'print(1)' > {FILE}; ls -a; env"
AGENTS = {
    "claude": (
        "anthropic",
        ["claude", "-p", "--model", MODEL, "--dangerously-skip-permissions"],
        ("Bash", {"command": WRITE, "description": "Write it"}),
    ),
    "codex": (
        "openai",
        [
            "codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-m", MODEL,
            "-c", "model_provider=way", "-c",
            'model_providers.way={name="way", base_url="http://127.0.0.1:{port}/v1", env_key="OPENAI_API_KEY"}', "-",
        ],
        ("exec_command", {"cmd": WRITE}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AGENTS)
def test_a_real_agent_edits_the_file_through_the_way_out(provider: Provider, name: str) -> None:
    if shutil.which(name, path=PLACES) is None:
        pytest.skip("npm install -g --prefix .venv @anthropic-ai/claude-code @openai/codex")
    kind, words, provider.script.tool = AGENTS[name]
    provider.script.text = "Done.\nhypothesis: one is quicker to print"
    target = code_target(command=words, provider="provider", timeout="90s")
    gate = Gate(provider, kind)  # type: ignore[arg-type]
    proposal = Command(target, b"Make it fast.\n", gate).ask(request())[0]  # type: ignore[arg-type]
    assert (proposal.content, proposal.failed) == (b"print(1)", "")
    assert proposal.description == "one is quicker to print"
    assert proposal.spent["calls"] == len(provider.seen) >= 2
    assert proposal.cost_usd == float(gate.purses[0].spent) > 0
    result = provider.seen[-1].body.decode()
    assert "history.md" in result, "what the tool saw is in what it told its model"
    assert KEY not in result


def test_a_tool_without_a_provider_has_no_way_out(provider: Provider) -> None:
    script = CALL + f"call(base={provider.url!r})"
    assert tool(script).content is None
    assert provider.seen == []
    with opened(provider) as proxy:
        assert tool(CALL + f"call(); open({FILE!r}, 'w').write('x')", proxy).content == b"x"
