"""A check's findings as a person reads them in a terminal."""

from __future__ import annotations

import math
import posixpath
import textwrap
from collections.abc import Iterator
from decimal import Decimal

from bot.check import tools
from bot.check.report import NULL_PAIRS, CheckReport, commit_command
from bot.label import visible
from bot.night.loop.exact import SERVE_BATCH
from bot.pages.wording.text import count, duration
from harness.reserve import affordable
from harness.rule import Metric, Tolerance, headline_name
from harness.target import Target

SHOWN_FILES = 12
_LABEL, _WIDTH = 11, 110


def as_text(report: CheckReport) -> str:
    """Verdict first, then what it rests on, problems and warnings last: next to the prompt."""
    lines = [f"{report.target.name}: {'ready' if report.ready else 'NOT READY'}"]
    for label, part in (
        ("file", _file(report)),
        ("baseline", _baseline(report)),
        ("metrics", _metrics(report)),
        ("absent", iter(report.scoring.absent)),
        ("noise", _noise(report)),
        ("holdout", _holdout(report)),
        ("lock", _lock(report)),
        ("night", _night(report)),
        ("models", iter([report.models] if report.models else [])),
        ("judging", iter(report.judging)),
        ("sandbox", _sandbox(report)),
        ("card", map(str, (line for line in report.card if not line.problem))),
        ("trust", _trust(report)),
        ("commit", _commit(report)),
        ("warning", iter(report.warnings)),
        ("problem", iter(report.problems)),
    ):
        lines += _block(label, part)
    return "\n".join(lines)


def _block(label: str, part: Iterator[str]) -> list[str]:
    """A label in the margin, lines folded beside it. A line that starts with a space, or a command, stays whole."""
    lines = []
    for said in part:
        for line in visible(said).splitlines():
            whole = line.startswith((" ", "git "))
            lines += [line] if whole or not line else textwrap.wrap(line, _WIDTH - _LABEL - 2, break_long_words=False)
    return [f"  {label if index == 0 else '':<{_LABEL}}{line}".rstrip() for index, line in enumerate(lines)]


def _file(report: CheckReport) -> Iterator[str]:
    target = report.target
    yield target.file
    if target.space:
        ways = report.combinations
        size = f"{ways:,.0f}" if ways < 1e9 else f"{Decimal(ways):.1e}"
        many = f"{size} combinations" if ways != math.inf else "infinitely many combinations"
        yield f"{report.free} of {count(report.values, 'value')} may change: {many}"
    else:
        yield "all of it may change"


def _baseline(report: CheckReport) -> Iterator[str]:
    found = report.baseline
    if not found.seconds:
        yield "not measured" if not found.problem else "failed"
        return
    if found.noise:
        yield f"varies from run to run, as declared; {_exact(found.each)} a measurement"
        return
    same = "two different scores" if found.problem else "measured twice, each in a new process: the same score"
    if report.target.evaluate.model:
        same = f"asked twice: {found.varies}" if found.varies else "asked twice: the same score"
    yield f"{same}; {' and '.join(_exact(seconds) for seconds in found.seconds)}"
    if report.target.evaluate.form == "serve" and not report.target.evaluate.model:
        yield f"in a batch of {SERVE_BATCH} copies {_exact(found.each)} each"


def _metrics(report: CheckReport) -> Iterator[str]:
    values = report.baseline.metrics
    if not values:
        return
    declared = {metric.name: _role(metric, report.target) for metric in report.target.rule.metrics}
    width = max(map(len, values))
    for name in [*declared, *(name for name in values if name not in declared)]:
        role = declared.get(name, "not declared: reported, never decisive")
        yield f"{name:<{width}}  {values[name]:>12.6g}  {role}"


def _noise(report: CheckReport) -> Iterator[str]:
    found, rule = report.baseline.noise, report.target.rule
    if found is None or report.target.noise is None:
        return
    noise, tries = report.target.noise, report.target.budget.experiments
    unit = "log ratio" if rule.primary.compare == "ratio" and rule.name != "weighted" else "in its unit"
    yield f"{headline_name(rule)}, {found.pairs} pairs of the unchanged file: spread {found.spread:.3g} ({unit})"
    least = found.detectable + rule.headline_min_effect
    yield (
        f"smallest gain that a night can tell from it: {least:.3g}, with 80 % power, in at most {noise.max_pairs} "
        f"pairs, among {tries} tries at alpha {noise.alpha:g} for all together"
    )
    yield f"the side measured first is ahead by {found.order:+.2g} (standard error {found.order_error:.2g})"


def _role(metric: Metric, target: Target) -> str:
    rule = target.rule
    roles = []
    if metric is rule.primary:
        roles.append("primary" if rule.name == "primary" else f"primary, rule {rule.name}")
    elif rule.name == "pareto":
        roles.append("may not get worse")
    elif rule.name == "every":
        roles.append(f"worse by {_tolerance(metric.tolerance)} at most")
    if metric.name in rule.weights:
        roles.append(f"weight {rule.weights[metric.name]:g}")
    if metric.guard:
        roles.append(f"guard, worse by {_tolerance(metric.guard)} at most")
    return f"{metric.goal}, {', '.join(roles) or 'reported'}"


def _tolerance(tolerance: Tolerance) -> str:
    return f"{tolerance.amount:.6%}".rstrip("%0").rstrip(".") + " %" if tolerance.relative else f"{tolerance.amount:g}"


def _holdout(report: CheckReport) -> Iterator[str]:
    if report.holdout is None:
        if not report.target.sample:
            yield "none: confirm measures the same rows again (sample: rows adds one)"
        return
    if report.holdout.problem:
        yield "failed"
        return
    name = report.target.rule.primary.name
    yield f"{count(report.holdout.rows, 'row')} carry the interval of {name} and average to it; values stay unseen"


def _lock(report: CheckReport) -> Iterator[str]:
    files = report.lock.files
    yield f"{report.lock.id[:12]} over {count(len(files), 'file')}, the harness and its environment"
    for path, digest in list(files.items())[:SHOWN_FILES]:
        hidden = "  (hidden until confirm)" if path in report.target.hidden else ""
        yield f" {digest[:8]}  {_short(path, report.target.folder)}{hidden}"
    if len(files) > SHOWN_FILES:
        yield f" and {len(files) - SHOWN_FILES} more"


def _short(path: str, folder: str) -> str:
    inside = folder and path.startswith(f"{folder}/")
    return posixpath.relpath(path, folder) if inside else f"/{path}"


def _night(report: CheckReport) -> Iterator[str]:
    budget = report.target.budget
    if not report.baseline.metrics:
        yield f"{budget.experiments:,} experiments"
        return
    screen = report.target.noise.screen if report.target.noise else None
    pairs = f"{NULL_PAIRS} pairs x 2 x " if report.baseline.noise else ""
    if pairs and screen:
        pairs = f"({screen.share:g} for a screen, and {NULL_PAIRS} pairs x 2 where it is passed) x "
    yield f"{budget.experiments:,} experiments x {pairs}{_exact(report.baseline.each)} = {duration(report.estimate)}"
    yield _confirm(report)
    limits = [f"{duration(budget.wall_clock)} for this target"] if budget.wall_clock else []
    limits += [f"{duration(report.night_seconds)} for the whole night"] if report.night_seconds else []
    if limits:
        yield f"ends at the latest after {', '.join(limits)}"
    tightest = min((limit for limit in (budget.wall_clock, report.night_seconds) if limit), default=math.inf)
    if report.estimate > tightest:
        yield f"so about {budget.experiments * tightest / report.estimate:,.0f} experiments will fit"


def _confirm(report: CheckReport) -> str:
    if report.target.noise:
        return affordable(report.baseline.each, report.target).says
    most = 3 + 2 * report.target.confirm.groups  # base and head twice, each row alone and on top of the others
    return f"then confirm: {most} measurements at most, {duration(most * report.baseline.each)}"


def _sandbox(report: CheckReport) -> Iterator[str]:
    tool = ", ".join(tools.names(report.target))
    if not report.target.isolated and not tool:
        yield "not needed: the file is data, and no candidate is run"
    else:
        if report.sandbox:
            yield "needed; does not work here"
            return
        if tool:
            yield f"the proposer's tool works in it: {tool}"
        from harness.sandbox.selftest import layers

        missing = [str(layer) for layer in layers() if layer.missing]
        yield "needed; its self-test holds" + (f"; not here: {'; '.join(missing)}" if missing else ", all layers")


def _trust(report: CheckReport) -> Iterator[str]:
    """One sentence a signal, with the metrics that rest on it."""
    by_signal: dict[str, list[str]] = {}
    for entry in report.trust:
        by_signal.setdefault(entry.signal, []).append(entry.metric)
    for signal, names in by_signal.items():
        first = next(entry for entry in report.trust if entry.signal == signal)
        if signal:
            yield f"{', '.join(names)}: {signal}, {first.place} of 5 in the order of trust: {first.sentence}"
    for entry in report.trust:
        if entry.labels:
            yield f"{entry.metric}: {entry.labels}"


def _commit(report: CheckReport) -> Iterator[str]:
    command = commit_command(report)
    if not command:
        yield "everything is committed"
        return
    shown = ", ".join(_short(path, report.target.folder) for path in report.uncommitted[:SHOWN_FILES])
    more = f" and {len(report.uncommitted) - SHOWN_FILES} more" if len(report.uncommitted) > SHOWN_FILES else ""
    yield f"a night works on the last commit, which lacks the present {shown}{more}"
    yield command


def _exact(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
