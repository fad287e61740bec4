"""results.tsv: every experiment of a night, one line each. Of private rows it shows what their page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.pages.wording import figures
from bot.pages.wording.figures import Known
from bot.pages.wording.text import plain
from harness import folds
from harness.events import Event, Segment


def results_tsv(segments: Sequence[Segment]) -> str:
    """experiment, every metric that the night reported, status, cost_usd, cumulative_usd, description."""
    names = _metric_names(segments)
    lines = ["\t".join(["experiment", *names, "status", "cost_usd", "cumulative_usd", "description"])]
    lines += _lines(segments, names)
    return "\n".join(lines) + "\n"


def _metric_names(segments: Sequence[Segment]) -> list[str]:
    declared = [entry["name"] for entry in segments[0].header["metrics"]]
    extra = {name for event in folds.of_kind(segments, "baseline") for name in event["metrics"]} - set(declared)
    return declared + sorted(extra)


def _lines(segments: Sequence[Segment], names: list[str]) -> Iterator[str]:
    head = segments[0].header
    spent, known = 0.0, Known(head.get("private", False), folds.rule_of(head), {})
    for event in folds.all_events(segments):
        if event["event"] == "baseline" and not known.base:
            known = replace(known, base=event["metrics"])
            yield "\t".join(["0", *_values(known, event, names), "baseline", "0", "0", "the unchanged file"])
        elif event["event"] == "experiment":
            spent += event["cost_usd"]
            why = f" ({figures.words(known, event['why'])})" if event["reason"] == "guard" else ""
            what = plain(f"{event['reason']}{why}: {event['description']}", 500)
            cost = [f"{event['cost_usd']:.6g}", f"{spent:.6g}"]
            yield "\t".join([str(event["id"]), *_values(known, event, names), event["status"], *cost, what])


def _values(known: Known, event: Event, names: list[str]) -> list[str]:
    metrics = event["metrics"]
    return [figures.exact(known, metrics[name], known.base[name]) if name in metrics else "" for name in names]
