"""`autoresearch score --repairs` and `--mend`: what `repair` would do to a container, and a container that it mended.

Mending is a night without its harness: the same proposer, the same metrics, the same keep rule as the shipped targets,
one after another in this process. A night measures again, confirms, and leaves a record; this is for a quick look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.containers import clean
from bot.proposers import Outcome, Request
from bot.proposers.repair.bench import Bench
from bot.proposers.repair.facts import Facts
from bot.proposers.repair.repair import Choice, Repair, choices
from bot.proposers.repair.unrepaired import unrepaired
from harness.decide import Keep, Measured, Pair, State, decide, step
from harness.documents import canonical_id_of
from harness.errors import InvalidCandidate
from harness.rule import Metric, Rule, Tolerance
from harness.scorers.gtm import Declared, read
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.dimensions import DIMENSIONS
from harness.scorers.gtm.policy import Policy
from harness.scorers.gtm.serving import Serving

MOST_TRIES = 300
RULE = Rule("every", (
    Metric("total", "maximize", min_effect=0.0001),
    *(Metric(name, "maximize", tolerance=Tolerance(0.01)) for name in DIMENSIONS),
    Metric("audit_findings", "minimize", guard=Tolerance(0.0)),
))  # fmt: skip


@dataclass(frozen=True)
class Try:
    """One offer that was tried. why: of a keep the new total, else what was wrong with it."""

    words: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Mended:
    """content: the mended container, as the given one is written. before, after: metrics. left: issues that remain,
    with why."""

    content: bytes
    tries: tuple[Try, ...]
    before: dict[str, float]
    after: dict[str, float]
    left: tuple[tuple[Issue, str], ...]


def bench_of(content: bytes, file: str, declared: Declared, policy: Policy) -> Bench:
    return Bench.of(read(content, file), declared, policy)


def mended(content: bytes, file: str, declared: Declared, policy: Policy) -> Mended:
    """Every offer that gains, one by one, as a night keeps them. Raises InvalidCandidate for what is no container."""
    first = bench_of(content, file, declared, policy)
    declared = replace(declared, business=first.view.business)  # a guess must not change on the way
    base = first.view.container
    loop = _Loop(file, content, Repair(file, Facts.of(base, declared, policy)), Serving(declared), policy)
    loop.run()
    return Mended(
        loop.content, tuple(loop.tries), loop.base, loop.metrics,
        tuple(_left(bench_of(loop.content, file, declared, policy), loop.tries)),
    )  # fmt: skip


class _Loop:
    def __init__(self, file: str, content: bytes, proposer: Repair, serving: Serving, policy: Policy) -> None:
        self._file, self._proposer, self._serving, self._policy = file, proposer, serving, policy
        self.content = content
        self.base = self.metrics = dict(serving.measure(content).metrics)
        self.tries: list[Try] = []
        self._data = read(content, file).data
        try:
            self._tried = {canonical_id_of(self._data)}
        except RecursionError:
            next_step = "no container comes near that: export it from Tag Manager again"
            raise InvalidCandidate(f"{file}: nested too deeply to be mended", next_step=next_step) from None

    def run(self) -> None:
        while len(self.tries) < MOST_TRIES:
            request = Request(self.content, self.metrics, len(self.tries) + 1, 1, self._tried)
            proposals = self._proposer.ask(request)
            if not proposals:
                return
            found = self._tried_out(proposals[0].content, proposals[0].description)
            self.tries.append(found)
            status = ("keep", "better") if found.kept else ("discard", "worse")
            self._proposer.tell([Outcome(request.first, *status, self.metrics, {})])

    def _tried_out(self, content: bytes, words: str) -> Try:
        data = read(content, self._file).data
        self._tried.add(canonical_id_of(data))
        if problems := self._policy.problems_of(self._data, data):
            return Try(words, kept=False, why=f"the policy refuses it: {'; '.join(problems[:2])}")
        metrics = dict(self._serving.measure(content).metrics)
        pair = Pair(Measured(self.metrics, 0), Measured(metrics, 0))
        decision = decide(step(State(self.base), pair), RULE)
        if not isinstance(decision, Keep):
            return Try(words, kept=False, why=getattr(decision, "why", "") or "it gained nothing")
        gain = f"{self.metrics['total']:.3f} -> {metrics['total']:.3f}"
        self.content, self.metrics = content, metrics
        return Try(words, kept=True, why=gain)


def _left(bench: Bench, tries: list[Try]) -> Iterator[tuple[Issue, str]]:
    """What remains: what nothing was offered for, and what was tried in vain."""
    failed = {one.words: one.why for one in tries if not one.kept}
    reasons = dict(unrepaired(bench))
    offers = choices(bench)
    for issue in bench.scored.issues:
        vain = next((failed[one.words] for one in offers if issue in one.offer.mends and one.words in failed), "")
        yield issue, reasons.get(issue) or f"tried in vain: {vain or 'it gained nothing'}"


def repairs_as_text(bench: Bench) -> str:
    """What would be tried, what it may bring at most, and what would stay."""
    offered = sorted(_whole(bench), key=lambda one: (-one.worth, one.words))
    lines = ["repair would try:", *(f"  {one.worth:.3f}  {clean(one.words)}" for one in offered)]
    lines += [] if offered else ["  nothing"]
    return "\n".join([*lines, "", *_staying(unrepaired(bench))])


def repairs_as_json(bench: Bench) -> dict[str, Any]:
    offered = [{"words": one.words, "worth": one.worth, "mends": len(one.offer.mends)} for one in _whole(bench)]
    return {"would_try": offered, "stays": _staying_as_json(unrepaired(bench))}


def _whole(bench: Bench) -> Iterator[Choice]:
    """Offers that are no part of a larger one of their operator."""
    seen: dict[str, set[Issue]] = {}
    for one in choices(bench):
        known = seen.setdefault(one.operator.name, set())
        if not known.issuperset(one.offer.mends):
            yield one
        known.update(one.offer.mends)


def mended_as_text(found: Mended) -> str:
    kept = [one for one in found.tries if one.kept]
    lines = [f"{'kept' if one.kept else 'not kept'}: {clean(one.words)}\n    {clean(one.why)}" for one in found.tries]
    lines += ["", f"{len(kept)} of {len(found.tries)} kept"]
    names = [name for name in found.before if found.before[name] != found.after[name]]
    lines += [f"  {name.replace('_', ' '):<24} {found.before[name]:.3f} -> {found.after[name]:.3f}" for name in names]
    return "\n".join([*lines, "", *_staying(found.left)])


def mended_as_json(found: Mended) -> dict[str, Any]:
    return {
        "tried": [asdict(one) for one in found.tries],
        "before": found.before,
        "after": found.after,
        "stays": _staying_as_json(found.left),
    }


def _staying_as_json(left: Iterable[tuple[Issue, str]]) -> list[dict[str, Any]]:
    return [{**asdict(issue), "why": why} for issue, why in left]


def _staying(left: Sequence[tuple[Issue, str]]) -> Iterator[str]:
    yield "stays as it is:" if left else "nothing stays as it is"
    for issue, why in left:
        where = issue.entity if issue.entity == "container" else f'{issue.entity} "{clean(issue.name)}"'
        yield f"  {where}: {clean(issue.message)} ({issue.code})\n    {clean(why)}"
