"""The `models:` section: what it means, and what is said where it is wrong; secrets that are taken out of texts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.models import hardening
from bot.models.ledger import Caps
from bot.models.messages import Outcome
from bot.models.redaction import REMOVED, Redactor
from bot.models.settings import PRESETS, ProviderSettings, Settings, read
from bot.models.start import Start
from harness import schemas
from harness.complaints import parsed
from harness.configfile import ConfigFile
from harness.errors import ConfigError

FILE = ".github/autoresearch.yml"
FROM_FILE = "models: {prices: prices.yaml}\n"


class Files:
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {path: text.encode() for path, text in files.items()}

    def modes(self) -> dict[str, str]:
        return dict.fromkeys(self._files, "100644")

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: self._files[path] for path in paths}


def settings_of(text: str, **files: str) -> Settings:
    document = parsed(text.encode(), FILE)
    source = Files({path.replace("__", "."): content for path, content in files.items()})
    return read(ConfigFile(FILE, document.data, document), source)  # type: ignore[arg-type]  # what it uses of one


def test_without_a_section_there_are_presets() -> None:
    found = settings_of("targets: [x]\n")
    assert found.providers == PRESETS
    assert found.variables() == {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
    assert found.only(["ollama"]).variables() == {}
    assert set(found.only(["ollama"]).providers) == {"ollama"}
    price = found.price("anthropic", "claude-haiku-5-5")
    assert price is not None
    assert price.input == Decimal("0.10")
    assert found.price("anthropic", "claude-unheard-of") is None
    free = found.price("ollama", "anything")
    assert free is not None
    assert free.worst(10**9, 10**9) == 0


def test_a_section_says_where_what_and_how_much() -> None:
    found = settings_of(
        """
models:
  providers:
    house: {kind: openai, base_url: "https://models.example.com/v1", key: HOUSE_KEY, timeout: 90s, answers: schema}
    bench: {kind: openai, base_url: "http://127.0.0.1:8080/v1"}
    outside: {kind: openai, base_url: "http://10.0.0.5:8080/v1"}
  prices: {house-large: {input: 0.3, output: 1.2}}
  caps: {call: 0.05, night: 2, month: 30.10}
"""
    )
    house = ProviderSettings("openai", "https://models.example.com/v1", "HOUSE_KEY", 90.0, "schema")
    assert found.providers["house"] == house
    assert found.providers["bench"].local
    assert not found.providers["outside"].local, "what stands elsewhere costs what someone says"
    assert found.price("outside", "m") is None
    assert found.caps == Caps(Decimal("0.05"), Decimal(2), Decimal("30.1"))
    price = found.price("house", "house-large")
    assert price is not None
    assert price.input == Decimal("0.3"), "as it is written, not as a binary fraction"
    start = Start(found, {"house": "k" * 20}, "n", Path("/s"), Path("/b"), Path("/x"), 5)
    assert Start.from_data(json.loads(json.dumps(start.data()))) == start


def test_prices_stand_in_a_file() -> None:
    text = "models: {prices: prices.yaml}\n"
    found = settings_of(text, prices__yaml="date: 2026-01-01\nmodels:\n  claude-haiku-5-5: {input: 9, output: 10}\n")
    price = found.price("anthropic", "claude-haiku-5-5")
    assert price is not None
    assert price.input == 9, "the repository's own stands above the published one"


@pytest.mark.parametrize(
    ("text", "files", "where", "what"),
    [
        ("models: {prices: price.yaml}\n", {"prices__yaml": ""}, ".yml:1:", "did you mean"),
        ("models:\n  prices:\n    m: {input: 1}\n", {}, ".yml:3:", "output is missing"),
        ("models:\n  prices:\n    m: {input: -1, output: 2}\n", {}, ".yml:3:", "not an amount"),
        ("models:\n  prices:\n    m: {input: true, output: 2}\n", {}, ".yml:3:", "not an amount"),
        ("models:\n  prices:\n    m: {input: 1, outptu: 2, output: 2}\n", {}, ".yml:3:", "unknown key"),
        ("models:\n  prices:\n    m: 3\n", {}, ".yml:3:", "must be a mapping"),
        ("models:\n  prices:\n    m: {input: 1, output: 2, long: {input: 3}}\n", {}, ".yml:3:", "above"),
        (FROM_FILE, {"prices__yaml": "models:\n  m: {input: x, output: 1}\n"}, "prices.yaml:2:", "not an amount"),
        ("models:\n  providers:\n    h: {kind: openai, base_url: 'https:///v1'}\n", {}, ".yml:3:", "names no host"),
        ("models:\n  providers:\n    h: {kind: openai, base_url: 'https://x:y/v1'}\n", {}, ".yml:3:", "is no address"),
        (FROM_FILE, {"prices__yaml": "- 1\n"}, "prices.yaml:1:", "must be a mapping"),
    ],
)  # fmt: skip
def test_mistakes_are_placed(text: str, files: dict[str, str], where: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, **files)
    assert where in str(caught.value)
    assert what in str(caught.value)


DOC = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.startswith("models:")])
def test_examples_of_the_documentation_mean_something(block: str) -> None:
    found = settings_of(block)
    assert found.caps != Caps() or found.prices or found.providers.keys() > PRESETS.keys()


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith("models:")])
def test_examples_of_proposers_are_what_a_target_may_say(block: str) -> None:
    schema = json.loads(Path(schemas.__file__).with_name("target.schema.json").read_text(encoding="utf-8"))
    said = yaml.safe_load(block)
    assert "proposer" in said
    assert not list(Draft202012Validator({**schema, "required": []}).iter_errors(said))
    assert list(Draft202012Validator({**schema, "required": []}).iter_errors({"proposer": {"kind": "nobody"}}))


def test_every_outcome_has_its_words() -> None:
    table = re.findall(r"^\| `([a-z-]+)` \|", DOC.split("## What comes of a question")[1], re.MULTILINE)
    assert sorted(table) == sorted(get_args(Outcome))


SECRETS = (
    "ghp_" + "a1B2" * 9, "github_pat_" + "A1_b" * 10, "sk-" + "proj-" + "aB3" * 12, "AKIA" + "ABCDEFGH12345678",
    "aws_secret_access_key = " + "aB3/" * 10, "xoxb-" + "123456789012-abcdef",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\nabc\n-----END RSA " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----\ncut off",
)  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    clean = Redactor([]).text(f"before {secret} after")
    assert clean.startswith(f"before {REMOVED}")
    assert secret[-12:] not in clean
    assert Redactor([]).text(clean) == clean, "and once is enough: a prefix stays what it was"


def test_no_text_holds_the_broker_up_by_its_look() -> None:
    """Where each start were followed to the end of the text, this would not end within the hour."""
    text = "-eyJaaaaaaaaaa" * 300_000
    assert Redactor([]).text(text) == text


def test_what_the_broker_holds_is_taken_out_everywhere() -> None:
    clean = Redactor(["plainword-key", "short"]).data(
        {"a plainword-key": ["x plainword-key y", {"n": 1, "s": "short"}]}
    )
    assert clean == {f"a {REMOVED}": [f"x {REMOVED} y", {"n": 1, "s": "short"}]}


def test_ordinary_texts_stay() -> None:
    text = "The task-oriented risk-adjusted desk-research of AKIAN, eyJust, ghp_ and sk-learn: see scikit-learn."
    assert Redactor(["k" * 20]).text(text) == text


def test_taking_a_key_leaves_neither_variable_nor_memory() -> None:
    program = (
        "import os, sys; from bot.models import hardening\n"
        "found = hardening.take(['A_KEY', 'NONE_SUCH'])\n"
        "print(found['A_KEY'], len(found), 'A_KEY' in os.environ, open('/proc/self/environ').read().count('canary'))\n"
    )
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", program]
    environment = {**os.environ, "A_KEY": "canary-value", "B": "canary"}
    said = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["canary-value", "1", "False", "1"], "the one that was not asked for is the control"


def test_a_key_that_stands_twice_is_taken_twice() -> None:
    program = (
        "import sys; sys.path.insert(0, ''); from bot.models import hardening\n"
        "print(hardening.take(['A_KEY'])['A_KEY'], open('/proc/self/environ').read().count('canary'))\n"
    )
    start = (
        "import ctypes, sys\n"
        "words = [sys.executable, '-c', sys.argv[1]]\n"
        "held = ['A_KEY= canary-one\\n', 'B=canary', 'A_KEY=canary-two']\n"
        "texts = lambda found: (ctypes.c_char_p * (len(found) + 1))(*map(str.encode, found), None)\n"
        "ctypes.CDLL(None).execve(sys.executable.encode(), texts(words), texts(held))\n"
    )
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", start, program]
    said = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["canary-one", "1"], "without the line's end; the one that was not asked for is the control"


@pytest.mark.parametrize("hidden", [True, False])
def test_no_process_of_the_same_user_looks_into_one_that_holds_keys(hidden: bool) -> None:
    """Without it another can: the control."""
    program = (
        "import ctypes, os, sys; from bot.models import hardening\n"
        "os.getuid() or os.setuid(12345)\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as any process that was started plainly\n"
        "hardening.unreadable() if sys.argv[1] == 'True' else None\n"
        "if os.fork():\n"
        "    os.wait()\n"
        "else:\n"
        "    try:\n"
        "        print(len(open(f'/proc/{os.getppid()}/environ', 'rb').read()) > 0)\n"
        "    except PermissionError:\n"
        "        print('closed')\n"
        "    sys.stdout.flush(); os._exit(0)\n"
    )
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", program, str(hidden)]
    said = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["closed" if hidden else "True"]


def test_as_root_it_becomes_another(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o001)
    tmp_path.parent.chmod(0o755)
    mine = tmp_path / "mine"
    mine.mkdir()
    program = (
        "import os, sys; from pathlib import Path; from bot.models import hardening\n"
        "mine = Path(sys.argv[1])\n"
        "said = hardening.hardened(owns=[mine], reads=[mine])\n"
        "(mine / 'new').write_text('x')\n"
        "print(said, *os.getresuid(), *os.getresgid(), os.getgroups())\n"
    )
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", program, str(mine)]
    said = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(hardening.OTHER_UID)] * 6 + ["[]"]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "code").mkdir()
    program = program.replace("reads=[mine]", "reads=[mine.parent / 'hidden' / 'code']")
    said = subprocess.run(
        [sys.executable, "-c", program, str(mine)], cwd=root, capture_output=True, text=True, check=True
    )
    assert "another one could not reach" in said.stdout
