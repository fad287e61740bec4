"""The unchanged file measured as a night would measure it, from the working tree, in a folder that is thrown away."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.night.loop.exact import SERVE_BATCH, another_seed
from harness import holdout, measure, view
from harness.admission import Admission, Refused
from harness.calibration import Scatter, calibrate, scatter, underpowered
from harness.duel import Fought, Ring
from harness.error_budget import ErrorBudget
from harness.errors import AutoresearchError
from harness.measure import Ask, Measurer
from harness.reports import CUT, Measurement
from harness.repository import Repository, WorkingSource
from harness.rule import declared
from harness.schedule import Schedule
from harness.target import Noise, Target
from harness.window import Answering


@dataclass(frozen=True)
class Baseline:
    """metrics and problem: one of them is empty; problem says why a night would fail.

    seconds: wall clock of the first and of the repeated measurement, each in a process of its own; each: what one
    experiment of a night would take, start-up not counted in the serve form. noise: of metrics that vary. varies:
    how its two scores differ where a model was asked anew.
    """

    metrics: Mapping[str, float]
    seconds: tuple[float, ...] = ()
    each: float = math.nan
    problem: str = ""
    noise: Scatter | None = None
    varies: str = ""


@dataclass(frozen=True)
class Holdout:
    """rows: how many carry the interval. No held-out value is in it."""

    rows: int = 0
    problem: str = ""


class Bench:
    """Measures one target's unchanged file. folder: empty, and removed by whoever made it; answering: who answers an
    evaluator that asks a model."""

    def __init__(
        self, repository: Repository, target: Target, folder: Path, answering: Answering | None = None
    ) -> None:
        self._repository, self._target, self._folder, self._answering = repository, target, folder, answering
        self._source = WorkingSource(repository)
        self._made = 0

    def baseline(self) -> Baseline:
        """Twice, without the holdout."""
        try:
            first, repeated, each = self._twice()
        except _Problem as problem:
            return Baseline({}, problem=str(problem))
        seconds = (first.seconds, repeated.seconds)
        if self._target.noise:
            return self._noisy(self._target.noise, seconds, each)
        one, other = (declared(measured.metrics, self._target.rule) for measured in (first, repeated))
        if one != other and self._target.evaluate.model:
            return Baseline(first.metrics, seconds, each, varies=_difference(one, other))
        if one != other:
            why = f"the same file got two scores: {_difference(one, other)}"
            return Baseline({}, seconds, each, f"{why}; fix its seeds, threads and clocks, or declare it: noise: {{}}")
        return Baseline(first.metrics, seconds, each)

    def _noisy(self, noise: Noise, seconds: tuple[float, ...], each: float) -> Baseline:
        """Pairs of the unchanged file, as a night begins with."""
        budget = ErrorBudget(noise.alpha, self._target.budget.experiments, noise.max_pairs)
        pairs: list[Fought] = []
        try:
            with self._opened("search") as (measurer, base):

                def measured(content: bytes, seed: int) -> Measurement:
                    found = measurer.measure([content], Ask(seed=seed))[0]
                    self._require_score(found, "search")
                    return found

                ring = Ring(measured, self._target.rule, budget.share(), Schedule(0, "check"), {}, pairs.append)
                calibrate(ring, base, noise.calibration)
        except _Problem as problem:
            return Baseline({}, seconds, each, str(problem))
        sound = [pair for pair in pairs if not pair.void]
        found = scatter(self._target.rule, sound, budget)
        each = sum(pair.seconds for pair in pairs) / len(pairs) / 2
        return Baseline(found.metrics, seconds, each, underpowered(self._target.rule, budget, found), found)

    def holdout(self) -> Holdout:
        """Once, on the held-out rows."""
        name = self._target.rule.primary.name
        try:
            (found,), _ = self._measured(1, "holdout")
        except _Problem as problem:
            return Holdout(problem=str(problem))
        if name not in found.rows:
            return Holdout(problem=f"the evaluator reports no rows for {name} on the holdout split")
        rows = found.rows[name]
        count = sum(len(stratum) for stratum in rows)
        if holdout.disagreement(rows, found.metrics[name]) > holdout.AGREEMENT:
            return Holdout(count, f"the rows that the evaluator reports for {name} do not average to its value")
        return Holdout(count)

    def _twice(self) -> tuple[Measurement, Measurement, float]:
        """The first measurement, the repeated one in a new process, and the seconds of one experiment."""
        alone = self._target.evaluate.form == "process" or self._target.evaluate.model
        if alone or self._target.noise:  # pairs of what varies say more than a batch of it
            (first,), _ = self._measured(1, "search")
            (second,), _ = self._measured(1, "search", seed=another_seed(0))
            return first, second, second.seconds
        (first,), batch = self._measured(1, "search", then=SERVE_BATCH)
        (second,), _ = self._measured(1, "search", seed=another_seed(0))
        different = [copy for copy in batch if dict(copy.metrics) != dict(first.metrics)]
        return first, different[0] if different else second, batch[0].seconds

    def _measured(
        self, count: int, split: str, then: int = 0, seed: int = 0
    ) -> tuple[list[Measurement], list[Measurement]]:
        """So many measurements by a new evaluator, then more by the same one. Raises _Problem."""
        with self._opened(split) as (measurer, base):
            found = measurer.measure([base] * count, Ask(split, seed))
            more = measurer.measure([base] * then, Ask(split)) if then else []
        for measurement in [*found, *more]:
            self._require_score(measurement, split)
        return found, more

    @contextmanager
    def _opened(self, split: str) -> Iterator[tuple[Measurer, bytes]]:
        """A new evaluator, and the unchanged file's content. Raises _Problem."""
        self._made += 1
        scratch = self._folder / str(self._made)
        try:
            hidden = split == "holdout"
            checkout = view.build(self._source, self._target, scratch / "checkout", hidden=hidden)
            judged = Admission(self._target, checkout.base, self._repository.blob_id).judge(checkout.base)
            if isinstance(judged, Refused):
                raise _Problem(f"{self._target.file}: {judged.why}")
            with closing(
                measure.measurer(self._target, checkout, scratch, self._repository, self._answering)
            ) as measurer:
                yield measurer, checkout.base
            checkout.watch.check_in_full()
        except OSError as error:
            raise _Problem(f"the evaluator cannot be started: {error}") from None
        except AutoresearchError as error:
            raise _Problem(str(error)) from None

    def _require_score(self, measurement: Measurement, split: str) -> None:
        if not measurement.crash:
            return
        if measurement.crash == CUT:
            raise _Problem(f"the evaluator could not be answered: {measurement.why}")
        if split == "holdout" and (name := self._not_reported(measurement)):
            raise _Problem(f"the metric {name} was not reported on the holdout split")
        if split == "holdout":  # what it said may hold values that nobody should see before a night has confirmed
            why = f"to see why, and held-out values with it: {_by_hand(self._target, split)}"
            raise _Problem(f"the evaluator fails on the holdout split ({measurement.crash}); {why}")
        shown = f"; to see it, and rows with it: {_by_hand(self._target, split)}" if self._target.private else ""
        raise _Problem(f"the evaluator fails on the unchanged file ({measurement.crash}): {measurement.why}{shown}")

    def _not_reported(self, measurement: Measurement) -> str:
        """The declared metric that was missing, in the harness's own words; what the evaluator said is not in it."""
        names = [metric.name for metric in self._target.rule.metrics]
        return next((name for name in names if measurement.why.startswith(f"the metric {name} was not reported")), "")


def folder() -> tempfile.TemporaryDirectory[str]:
    """Where a bench works."""
    return tempfile.TemporaryDirectory(prefix="autoresearch-check-", ignore_cleanup_errors=True)


class _Problem(Exception):
    """Why a night would fail, in words."""


def _difference(one: Mapping[str, float], other: Mapping[str, float]) -> str:
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    return ", ".join(f"{name} {one.get(name)!r} then {other.get(name)!r}" for name in names[:3])


def _by_hand(target: Target, split: str) -> str:
    """The command that measures a split outside the harness."""
    file = Path(target.file)
    name = file.relative_to(target.folder) if file.is_relative_to(target.folder) else Path("/path/to", file)
    argv = " ".join(target.evaluate.argv)
    setup = f" && {' '.join(target.evaluate.setup)}" if target.evaluate.setup else ""
    begin = f"cd {target.folder or '.'}{setup}"
    if target.evaluate.form == "process":
        settings = f"AUTORESEARCH_FILE={name} AUTORESEARCH_SPLIT={split} AUTORESEARCH_SEED=0 AUTORESEARCH_FIDELITY=1"
        return f"{begin} && {settings} {argv}"
    item = {"blob": "0" * 40, "path": str(name)}
    request = json.dumps({"id": 1, "split": split, "seed": 0, "fidelity": 1, "items": [item]})
    return f"{begin} && echo '{request}' | {argv}"
