"""What a target is. `harness.targetfile` reads one from its target.yaml and checks every promise in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness import space
from harness.documents import is_data
from harness.errors import Place
from harness.rule import Rule

TARGET_FILE = "target.yaml"
HOSTED_RUNNER = "ubuntu-latest"
LLM_JUDGE_MOST = 0.3
LLM_JUDGE_SAMPLES = 20
LLM_JUDGE_AGREEMENT = 0.8


@dataclass(frozen=True)
class Model:
    """Whom an evaluator asks. provider: an entry of models.providers; max_tokens: of one answer."""

    provider: str
    model: str
    max_tokens: int


@dataclass(frozen=True)
class Evaluate:
    """How the evaluator is started. form: process or serve; timeout in seconds per measurement or batch.

    setup: the command that makes what data.lock names; empty where there is none. model: None where it asks none. gpu:
    whether it measures on a card.
    """

    form: str
    argv: tuple[str, ...]
    timeout: float
    setup: tuple[str, ...] = ()
    model: Model | None = None
    gpu: bool = False


@dataclass(frozen=True)
class Screen:
    """A look at a candidate before its duel. share: of the full cost of a measurement; behind: how far it may fall
    behind the incumbent there, as the primary metric counts gains."""

    share: float
    behind: float


@dataclass(frozen=True)
class Noise:
    """How candidates with noisy metrics are judged. alpha: the night's chance of any false keep without real gains;
    max_pairs: of one candidate; calibration: pairs of the unchanged file that measure the noise first; screen: None
    where every candidate gets its duel."""

    alpha: float
    max_pairs: int
    calibration: int
    screen: Screen | None = None


@dataclass(frozen=True)
class Longer:
    """So many pairs of base and result at so many times the usual cost of a measurement."""

    times: float
    pairs: int

    @property
    def measurements(self) -> float:
        """What all of it costs, in usual measurements."""
        return 2 * self.pairs * self.times


@dataclass(frozen=True)
class Confirm:
    """budget in seconds; groups: rows at most; unit: leaf, hunk or operation; longer: None where nobody asks whether a
    confirmed gain lasts."""

    budget: float
    groups: int
    unit: str
    longer: Longer | None = None


@dataclass(frozen=True)
class Budget:
    """What ends the loop. Seconds, US dollars, experiments; None is no limit."""

    experiments: int
    wall_clock: float | None
    usd: float
    plateau: int | None


class Policy(Protocol):
    """What may be touched in a target's file, beyond what a space can say."""

    def problems_of(self, before: Any, after: Any) -> tuple[str, ...]:
        """Of parsed data, the base's and a candidate's: why this may not be measured, in words to act upon."""
        ...


@dataclass(frozen=True)
class Target:
    """Paths are from the repository's root, with /. locked holds hidden files too. noise: None where the same file
    always gets the same score; catalogue: of the proposer `tune`, None for every other; private: no row may be kept
    outside `Repository.private`, nor shown. runner: labels of the machine that runs its jobs on GitHub Actions;
    policy: what else its file holds to; publish: what promoting a merged result publishes; options: what target.yaml
    says of its proposer, as it is written there, but the kind."""

    name: str
    folder: str
    file: str
    program: str | None
    space: space.Space
    evaluate: Evaluate
    locked: tuple[str, ...]
    hidden: tuple[str, ...]
    signal: str
    rule: Rule
    sample: bool
    noise: Noise | None
    confirm: Confirm
    proposer: str
    catalogue: str | None
    budget: Budget
    isolated: bool
    owner: str | None
    private: bool = False
    policy: Policy | None = None
    publish: tuple[str, ...] = ()
    runner: tuple[str, ...] = (HOSTED_RUNNER,)
    options: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_data(self) -> bool:
        return is_data(self.file)

    @property
    def self_hosted(self) -> bool:
        return "self-hosted" in self.runner

    def place(self, key: str) -> Place:
        """Where target.yaml says this key, for complaints that concern more than one target."""
        return self.places.get(key) or Place(posixpath.join(self.folder, TARGET_FILE), key=key)


def seconds(duration: str) -> float:
    """500ms, 60s, 20m or 1h in seconds; the schema has checked the form."""
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", duration).groups()  # type: ignore[union-attr]  # checked by the schema
    return float(number) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}[unit]


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """A glob over whole paths: ** any folders, * and ? within one name; a folder's name means all below it."""
    escaped = re.escape(re.sub(r"(\*\*/)+", "**/", re.sub(r"\*{2,}", "**", pattern.rstrip("/"))))
    escaped = (
        escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    )
    return re.compile(f"{escaped}(?:/.*)?")
