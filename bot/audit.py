"""`autoresearch audit`: unchanged candidates through the real gate, on the real machine. How many does it keep?"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot import config
from bot.night.folder import Night
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers.null import Null
from harness import folds
from harness.events import Event
from harness.repository import CommitSource, Repository
from harness.rule import Rule, headline_gain, headline_name


@dataclass(frozen=True)
class Audit:
    """What a gate did with candidates that change nothing.

    kept: how many it kept; lucky: how many had passed at the night's alpha each, without an error budget; order: mean
    gain of the side measured first, with its standard error; evidence: log E of each; pairs: every pair, in order.
    """

    target: str
    rule: Rule
    end: str
    candidates: int
    kept: int
    lucky: int
    void: int
    order: tuple[float, float]
    spread: float
    detectable: float
    threshold: float
    alpha: float
    seconds: float
    evidence: tuple[float, ...]
    pairs: tuple[Event, ...]

    def as_text(self) -> str:
        """For a terminal; the verdict first."""
        if not self.candidates:
            return f"{self.target}: nothing was judged; ended by: {self.end}"
        if not self.pairs:
            return f"{self.target}: kept {self.kept} of {self.candidates} unchanged candidates; its score does not vary"
        judged = sum(pair["id"] > 0 for pair in self.pairs)
        each, name = judged / self.candidates, headline_name(self.rule)
        ratio = ", a log ratio: 0.01 is about 1 %" if self.rule.primary.compare == "ratio" else ""
        ended = "" if self.end == "exhausted" else f"; ended early by: {self.end}"
        mean, most = statistics.fmean(self.evidence), max(self.evidence)
        lines = [
            f"{self.target}: kept {self.kept} of {self.candidates} unchanged candidates{ended}",
            f"  budget    alpha {self.alpha:g} for all together; at {self.alpha:g} each {self.lucky} would have passed",
            f"  pairs     {len(self.pairs):,}, {each:.1f} a candidate, {self.void} void, {self.seconds / 60:.1f} min",
            f"  evidence  log E {mean:+.2f} on average, {most:+.2f} at most; a keep takes {self.threshold:.2f}",
            f"  order     the first side is ahead by {self.order[0]:+.2g} (standard error {self.order[1]:.2g})",
            f"  noise     a pair spreads by {self.spread:.3g}; detectable gain {self.detectable:.3g}, with 80 % power",
            f"  unit      {name}{ratio}",
        ]
        if self.kept:
            lines.append(f"  A false keep has a chance of {self.alpha:g}: three more audits tell luck from a fault.")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        found = asdict(replace(self, pairs=()))
        return {name: found[name] for name in found if name not in {"pairs", "rule"}} | {"pairs": len(self.pairs)}

    def pairs_tsv(self) -> str:
        """Every pair: candidate (0: calibration), number, seed, order, both values, gain of the candidate."""
        name = self.rule.primary.name
        lines = [f"candidate\tpair\tseed\torder\tincumbent_{name}\tcandidate_{name}\tgain"]
        for pair in self.pairs:
            sides = (f"{pair[side][name]:.9g}" for side in ("incumbent", "candidate"))
            gain = headline_gain(self.rule, pair["incumbent"], pair["candidate"])
            lines.append("\t".join([*(f"{pair[key]}" for key in ("id", "n", "seed", "order")), *sides, f"{gain:.6g}"]))
        return "\n".join(lines) + "\n"


def audit(repository: Repository, name: str, count: int, *, quiet: bool) -> Audit:
    """Runs `count` unchanged candidates of one target through a night's loop, in a folder beside the nights.

    Raises what a night would raise.
    """
    target = config.load_targets(CommitSource(repository, repository.commit()), [name])[0]
    _, made = plan(repository, Wishes((name,), experiments=max(count, target.budget.experiments)), write=False)
    night = Night(repository, repository.state / "audits" / f"{name}-{time.time_ns()}")
    shares = [replace(share, plateau=None, wall_clock=None, carried_from="", carried_blob="") for share in made.targets]
    night.write_plan(replace(made, night=night.name, targets=tuple(shares)))
    end = run(night, target, quiet=quiet, proposer=Null(target.file, count), regardless=True)
    segments = night.segments(name)
    events = list(folds.all_events(segments))
    pairs = [event for event in events if event["event"] == "pair"]
    found = [event for event in events if event["event"] == "experiment"]
    alpha = target.noise.alpha if target.noise else 0.0
    return Audit(
        target=name,
        rule=target.rule,
        end=end,
        candidates=len(found),
        kept=sum(event["status"] == "keep" for event in found),
        lucky=sum(alpha > 0 and event.get("peak", 0.0) >= -math.log(alpha) for event in found),
        void=sum(bool(pair["void"]) for pair in pairs),
        order=_order(target.rule, pairs),
        spread=next((event.get("spread", 0.0) for event in events if event["event"] == "baseline"), 0.0),
        detectable=next((event.get("detectable", 0.0) for event in events if event["event"] == "baseline"), 0.0),
        threshold=math.log(max((event.get("threshold", 1.0) for event in found), default=1.0)),
        alpha=alpha,
        seconds=events[-2]["elapsed"] if len(events) > 2 else 0.0,
        evidence=tuple(event.get("log_e", 0.0) for event in found),
        pairs=tuple(pair for pair in pairs if not pair["void"] and not pair["crash"]),
    )


def _order(rule: Rule, pairs: Sequence[Event]) -> tuple[float, float]:
    """The mean gain of the side that was measured first, and its standard error."""
    gains = [
        (-1 if pair["order"] == "ic" else 1) * headline_gain(rule, pair["incumbent"], pair["candidate"])
        for pair in pairs
        if not pair["void"] and not pair["crash"]
    ]
    if len(gains) < 2:
        return 0.0, 0.0
    return statistics.fmean(gains), statistics.stdev(gains) / math.sqrt(len(gains))
