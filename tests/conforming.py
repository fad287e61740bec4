"""What every kind of proposer is tried with: a small target of its kind, a scripted model, and a loop around them.

A kind that `SETUPS` does not name gets a YAML file, a space, and a model whose answers follow from the prompt alone.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bot import proposers
from bot.models.messages import FAILED, Answer, Model, Prompt, Usage
from bot.proposers import Outcome, Over, Proposal, Proposer, Request, Told
from harness.admission import Admission, Admitted
from harness.documents import canonical_id
from harness.target import Budget, Target
from tests.gtm.sites import messy_shop, shop
from tests.proposing import SPACE, SPEC, target

CALL_USD = Decimal("0.01")
BUDGET = Budget(400, 3600.0, 2.0, None)
FLAGS = "# how hard\n-O1\n# loops\n  -fno-inline\n"
CATALOGUE = """
- options: ["-O1", "-O2", "-O3"]
- options: ["", -funroll-loops]
  after: "# loops"
- options: [-fno-inline, ""]
"""
TOOL = """n=$(wc -l < history.md)  # another rate for every line of what was tried
sed -i "s/^rate: .*/rate: 0.$((n + 100))/" spec.yaml
echo "hypothesis: rate after $n lines"
"""


class Scripted:
    """A model that proposes whole files, another logins and rate for every prompt. gone: it never answers any more."""

    def __init__(self, gone: str = "") -> None:
        self.gone = gone
        self.asked = 0

    def ask(self, prompt: Prompt) -> Answer:
        self.asked += 1
        if self.gone:
            assert self.gone in FAILED
            return Answer(self.gone, why="it is gone")  # type: ignore[arg-type]  # one of FAILED
        sha = hashlib.sha256(repr(prompt).encode()).hexdigest()
        chance = random.Random(sha)
        content = re.sub(r"logins: \d+", f"logins: {chance.randint(-5, 25)}", SPEC)
        content = content.replace("rate: 0.001", f"rate: {chance.uniform(0.001, 9):.6f}")
        value = {"hypothesis": f"idea {sha[:8]}", "expected_effect": "better", "edits": [{"content": content}]}
        return Answer(
            "answer", value, usage=Usage(100, 20), cost_usd=CALL_USD / 2, seconds=1.5, attempts=1, prompt=sha, reply=sha
        )

    def worst_case_usd(self, _prompt: Prompt) -> Decimal:
        return CALL_USD


class Files:
    """A commit of these files."""

    label = "the test"

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def modes(self) -> dict[str, str]:
        return dict.fromkeys(self._contents, "100644")

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self._contents[path] for path in paths}


@dataclass(frozen=True)
class Setup:
    """A target, the files of its commit, and the same with next to nothing to try."""

    target: Target
    files: Mapping[str, bytes]
    tiny: tuple[Target, Mapping[str, bytes]] | None = None

    @property
    def base(self) -> bytes:
        return self.files[self.target.file]


def _yaml(kind: str, **options: Any) -> Setup:
    def of(space: dict[str, dict[str, Any]], spec: str) -> tuple[Target, Mapping[str, bytes]]:
        return replace(target(space, proposer=kind), budget=BUDGET, options=options), {"spec.yaml": spec.encode()}

    tiny = of({"/a": {"int": [0, 3]}, "/b": {"choice": ["x", "y"]}}, "a: 0\nb: y\n")
    return Setup(*of(SPACE, SPEC), tiny)


def _lines(kind: str) -> Setup:
    here = replace(target({}, "flags.conf", kind), catalogue="catalogue.yaml", budget=BUDGET)
    files = {"flags.conf": FLAGS.encode(), "catalogue.yaml": CATALOGUE.encode()}
    return Setup(here, files, (here, files))


def _container(kind: str) -> Setup:
    """A shop that many hands left behind, and one without a fault that a rule could mend."""

    def of(data: Mapping[str, Any]) -> tuple[Target, Mapping[str, bytes]]:
        here = replace(target({}, "container.json", kind), budget=BUDGET)
        return here, {"container.json": json.dumps(data, indent=4).encode()}

    nearly = shop()
    for one in nearly["containerVersion"]["tag"][:3]:
        one.pop("parentFolderId", None)
    return Setup(*of(messy_shop()), of(nearly))


SETUPS: Mapping[str, Callable[[str], Setup]] = {
    "perturb": _yaml,
    "search": _yaml,
    "tune": _lines,
    "repair": _container,
    "portfolio": lambda kind: _yaml(kind, arms=[{"kind": "search"}, {"kind": "perturb"}]),
    "command": lambda kind: _yaml(kind, command=["sh", "-c", TOOL]),
}


def setup(kind: str) -> Setup:
    known = SETUPS.get(kind)
    return known(kind) if known else _yaml(kind, model="scripted", form="whole")


@dataclass
class Play:
    """A night: asks, admits, scores by a number of the content's own, keeps what is better, tells.

    nothing_kept: whatever the score is. Every check that needs no second night is made here.
    """

    target: Target
    files: Mapping[str, bytes]
    seed: int = 1
    model: Model = field(default_factory=Scripted)
    nothing_kept: bool = False
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.incumbent = self.files[self.target.file]
        self.metrics = {"m": score(self.incumbent)}
        self.tried = {canonical_id(self.incumbent, self.target.file)}
        self.admission = Admission(self.target, self.incumbent, lambda content: hashlib.sha256(content).hexdigest())
        self.cost = 0.0
        self.told = [Told(self.incumbent, Outcome(0, "keep", "baseline", self.metrics, {}))]
        self.proposer = self.resumed()

    def resumed(self) -> Proposer:
        """A new process: nothing but the record is left."""
        self.proposer = proposers.make(self.target, self.seed, Files(self.files), self.model)  # type: ignore[arg-type]
        self.proposer.recall(list(self.told))
        return self.proposer

    def request(self, count: int, *, after: int = 0) -> Request:
        """after: experiments that are asked for already."""
        first, usd = len(self.told) + after, self.target.budget.usd - self.cost
        left = self.target.budget.experiments - first + 1
        return Request(self.incumbent, self.metrics, first, count, frozenset(self.tried), left, usd)

    def batch(self, count: int = 4) -> list[Proposal]:
        """Raises Over, as the proposer does."""
        worst = self.proposer.worst_case_usd
        found = self.proposer.ask(self.request(count))
        assert len(found) <= count
        outcomes = [self._judged(proposal, worst) for proposal in found]
        if found:
            self.proposer.tell(outcomes)
        return found

    def nights(self, batches: int, count: int = 4, *, resuming: bool = False) -> list[Proposal]:
        """Everything that is proposed in so many batches."""
        found: list[Proposal] = []
        for _ in range(batches):
            if resuming:
                self.resumed()
            found += self.batch(count)
        return found

    def to_the_end(self, most: int = 400) -> str:
        """How it ended."""
        for _ in range(most):
            try:
                if not self.batch():
                    return "exhausted"
            except Over as over:
                return over.end
        raise AssertionError(f"no end after {most} batches")

    def _judged(self, proposal: Proposal, worst: float) -> Outcome:
        number, before = len(self.told), self.metrics["m"]
        assert 0 <= proposal.cost_usd <= worst + 1e-9 or self.target.proposer == "command"
        assert proposal.description
        json.dumps(dict(proposal.spent), allow_nan=False)
        self.cost += proposal.cost_usd
        if proposal.failed:
            assert proposal.content == self.incumbent
            found = Outcome(number, "discard", "invalid", {}, {}, why=proposal.failed)
        else:
            found = self._measured(number, proposal.content)
        if found.status == "keep":
            self.incumbent, self.metrics = proposal.content, dict(found.metrics)
        gain = found.metrics["m"] - before if found.metrics else 0.0
        found = replace(found, gain=gain, cost_usd=proposal.cost_usd, spent=proposal.spent)
        self.told.append(Told(proposal.content, found, proposal.description))
        return found

    def _measured(self, number: int, content: bytes) -> Outcome:
        judged = self.admission.judge(content)
        assert isinstance(judged, Admitted), judged
        assert judged.canon not in self.tried, "proposed again"
        self.tried.add(judged.canon)
        value = score(content)
        keep = value > self.metrics["m"] and not self.nothing_kept
        return Outcome(number, *(("keep", "better") if keep else ("discard", "worse")), {"m": value}, {})


def score(content: bytes) -> float:
    """As good as chance, and always the same of one content."""
    return zlib.crc32(content) / 2**32


def mixed() -> Setup:
    """A portfolio with a model among its arms."""
    return _yaml("portfolio", arms=[{"kind": "search"}, {"kind": "claude", "model": "scripted", "form": "whole"}])


def contents(proposals: Iterable[Proposal]) -> Iterator[tuple[bytes, str]]:
    for proposal in proposals:
        yield proposal.content, str(proposal.spent.get("arm", ""))
