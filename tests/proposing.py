"""Proposers asked as the loop asks them, over invented files and spaces."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from bot import proposers
from bot.proposers import Proposal, Proposer, Request
from harness import space
from harness.documents import canonical_id
from harness.rule import Metric, Rule
from harness.target import Budget, Confirm, Evaluate, Target

SPEC = """# the score of an account
weights:
  logins: 5      # per week
  tickets: -3
  seats: 0
rate: 0.001      # how fast it forgets
mode: fast
flags: [true, false, null]
"""
SPACE: dict[str, dict[str, Any]] = {
    "/weights/*": {"int": [-5, 25]},
    "/weights/seats": {"int": [0, 1]},
    "/rate": {"float": [1e-5, 10.0], "scale": "log"},
    "/mode": {"choice": ["fast", "slow", "both ways"]},
    "/flags/1": {"choice": [True, False]},
}
TINY: list[tuple[dict[str, dict[str, Any]], str, int]] = [  # rules, file, and how many points it has
    ({"/a": {"int": [0, 1]}}, "a: 0\n", 2),
    ({"/a": {"int": [-3, 3]}, "/b": {"choice": ["x", "y", "z"]}}, "a: 0\nb: y\n", 21),
    ({"/*": {"int": [0, 2]}}, "a: 0\nb: 1\nc: 2\nd: 0\n", 81),
    ({"/a": {"choice": [True, False]}, "/b": {"choice": [None, 1]}}, "a: true\nb: 1\n", 4),
    ({"/a": {"choice": [1, True, "1"]}}, "a: 1\n", 3),
    ({"/a": {"choice": [1, 1.0, 2]}}, "a: 1\n", 2),
    ({"/a": {"choice": ["x", "x"]}, "/b": {"int": [0, 1]}}, "a: x\nb: 0\n", 2),
    ({"/a": {"int": [4, 4]}, "/b": {"int": [0, 3]}}, "a: 4\nb: 0\n", 4),
]


def target(rules: dict[str, dict[str, Any]], file: str = "spec.yaml", proposer: str = "perturb") -> Target:
    return Target(
        name="t", folder="", file=file, program=None, space=space.from_config(rules),
        evaluate=Evaluate("process", ("true",), 1.0), locked=(), hidden=(), signal="",
        rule=Rule("primary", (Metric("m", "maximize"),)), sample=False, noise=None,
        confirm=Confirm(1.0, 12, "leaf"), proposer=proposer, catalogue=None,
        budget=Budget(10, None, 0.0, None), isolated=False, owner=None,
    )  # fmt: skip


class Session:
    """Asks a proposer as the loop does: what was proposed counts as tried."""

    def __init__(
        self, rules: dict[str, dict[str, Any]], spec: str, *, file: str = "spec.yaml", seed: int = 1,
        proposer: str = "perturb",
    ) -> None:  # fmt: skip
        self.target = target(rules, file, proposer)
        self.proposer: Proposer = proposers.make(self.target, seed)
        self.incumbent, self.metrics = spec.encode(), {"m": 0.0}
        self.tried = {canonical_id(self.incumbent, file)}
        self.number = 0

    def ask(self, count: int) -> list[Proposal]:
        request = Request(self.incumbent, self.metrics, self.number + 1, count, frozenset(self.tried))
        found = self.proposer.ask(request)
        self.number += len(found)
        self.tried |= {canonical_id(proposal.content, self.target.file) for proposal in found}
        return found

    def resumed(self, seed: int = 1) -> None:
        """A new process goes on: nothing but the record is left."""
        self.proposer = proposers.make(self.target, seed)


def walk(session: Session, batch: int = 16, most: int = 100_000) -> list[Proposal]:
    """Everything until the proposer has nothing more."""
    found: list[Proposal] = []
    while len(found) <= most:
        proposals = session.ask(batch)
        if not proposals:
            return found
        found += proposals
    raise AssertionError(f"not exhausted after {most} proposals")


small = st.integers(-30, 30)
sizes = st.sampled_from([1e-6, 0.5, 1.0, 3.0, 1e3, 1e12])


@st.composite
def leaf(draw_from: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """What a value may be, and one that it is."""
    kind = draw_from(st.sampled_from(["int", "float", "log", "choice"]))
    if kind == "int":
        low = draw_from(small)
        high = low + draw_from(st.integers(0, 40))
        return {"int": [low, high]}, draw_from(st.integers(low, high))
    if kind == "choice":
        texts = st.sampled_from(["a", "b c", "yes", "1", "", "x: y", "é", "# no", "null"])
        choices = draw_from(st.lists(st.one_of(texts, small, st.booleans(), st.just(0.5)), min_size=2, max_size=5))
        return {"choice": choices}, draw_from(st.sampled_from(choices))
    width = draw_from(sizes)
    start: float = (
        draw_from(st.sampled_from([1e-9, 0.1, 1.0, 250.0])) if kind == "log" else draw_from(st.floats(-width, width))
    )
    end = start + width
    value = draw_from(st.sampled_from([start, end, start + (end - start) / 3]))
    return {"float": [start, end], **({"scale": "log"} if kind == "log" else {})}, value


spaces = st.lists(leaf(), min_size=1, max_size=5)


def spec_of(leaves: list[tuple[dict[str, Any], Any]]) -> str:
    return json.dumps({f"k{index}": value for index, (_, value) in enumerate(leaves)}, indent=1)


def rules_of(leaves: list[tuple[dict[str, Any], Any]]) -> dict[str, dict[str, Any]]:
    return {f"/k{index}": rule for index, (rule, _) in enumerate(leaves)}


def has_choice(leaves: list[tuple[dict[str, Any], Any]]) -> bool:
    return bool(target(rules_of(leaves)).space.free(json.loads(spec_of(leaves))))
