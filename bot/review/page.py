"""The page of a review."""

from __future__ import annotations

from collections.abc import Sequence

from bot import disclosure
from bot.pages.web import page
from bot.pages.wording.text import cell_code, code, percent, signed, value
from bot.review.business import Business, sentences
from bot.review.inputs import Reviewed
from bot.review.stability import Seeds
from bot.review.worth import Worth
from harness.scorers.saas import measures

Worths = Sequence[Worth]


def html(found: Reviewed, text: str) -> str:
    return page(f"{found.target.name}, night {found.night}", text)


def text(found: Reviewed, weights: Worths, seeds: Seeds, reading: Business, earlier: Reviewed | None) -> str:
    parts = [
        _headline(found),
        *("## In practice", *sentences(reading), _sizes(reading)),
        *("## Weights", _weights(weights, seeds), "![what each feature is worth](worth.png)"),
        *("## Would another night find the same?", _seeds(found, seeds)),
        *("## How the night got there", "![every experiment of the night](convergence.png)"),
        *("## All metrics", _metrics(found)),
        *([f"## Against the night {earlier.night}", _against(found, earlier)] if earlier else []),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(found: Reviewed) -> str:
    name = found.primary.name
    before, after = found.base.metrics[name], found.head.metrics[name]
    lines = [f"| {name} | base | result |", "|---|--:|--:|"]
    lines.append(f"| accounts of the search | {value(before)} | {value(after)} |")
    held = found.report.holdout
    if held:
        lines.append(f"| **held-out accounts** | {value(held['base'][name])} | **{value(held['head'][name])}** |")
    said = "Confirmed." if found.confirmed else f"**Not confirmed**: {code(found.report.why or found.report.end, 300)}"
    if held and "low" in held:
        said += (
            f" Held-out gain {signed(held['gain'])}, {percent(held['confidence'])} interval {signed(held['low'])} to "
            f"{signed(held['high'])}; on the accounts that it searched, the night gained {signed(after - before)}."
        )
    return "\n".join([*lines, "", said])


def _sizes(reading: Business) -> str:
    lines = ["| tier | accounts before | after |", "|---|--:|--:|"]
    return "\n".join([*lines, *[f"| {name} | {one:,} | {two:,} |" for name, (one, two) in reading.sizes.items()]])


def _weights(weights: Worths, seeds: Seeds) -> str:
    count = len(seeds.values)
    lines = [
        f"""*worth*: what the score loses on the accounts of the search when the weight is set to 0 and nothing else
changes, with its 95 % bootstrap interval. *other nights*: the weight after {count} short searches under other seeds.

| feature | base | result | worth | interval | other nights |
|---|--:|--:|--:|--:|--:|"""
    ]
    for one in weights:
        found = sorted(seeds.weights[one.feature])
        lines.append(
            f"| {cell_code(one.feature)} | {one.base} | **{one.head}** | {signed(one.gain)} "
            f"| {signed(one.low)} to {signed(one.high)} | {found[0]} to {found[-1]} |"
        )
    return "\n".join(lines)


def _seeds(found: Reviewed, seeds: Seeds) -> str:
    ends = sorted(seeds.values)
    name = found.primary.name
    return (
        f"{len(ends)} searches of {seeds.experiments} experiments each, from the same base under other seeds, end with "
        f"{name} from {value(ends[0])} to {value(ends[-1])} on the accounts of the search; this night's result has "
        f"{value(found.head.metrics[name])}. Where ends agree and weights do not, the weights are exchangeable: do not "
        "read a meaning into one of them."
    )


def _metrics(found: Reviewed) -> str:
    lines = ["On the accounts of the search.", "", "| metric | base | result |", "|---|--:|--:|"]
    before, after = (disclosure.metrics(found.target, one) for one in (found.base, found.head))
    for name in dict.fromkeys([*found.head.metrics, *found.base.metrics]):
        shown = [value(one[name]) if name in one else "none" for one in (before, after)]
        if name in {**before, **after}:
            lines.append(f"| {cell_code(name)} | {shown[0]} | {shown[1]} |")
    if found.target.private:
        lines += ["", f"Without figures that rest on fewer than {disclosure.FEWEST} accounts: the rows are private."]
    missing = measures.absent(found.columns.outcomes)
    lines += ["", *[f"- {name} is not computed: {why}." for name, why in missing.items()]]
    return "\n".join(lines)


def _against(found: Reviewed, earlier: Reviewed) -> str:
    """Two nights side by side, each on its own base and accounts."""
    metrics = [disclosure.metrics(one.target, one.head) for one in (earlier, found)]
    names = {**metrics[0], **metrics[1]}
    lines = [
        _same_accounts(found, earlier), "", f"| | {earlier.night} | {found.night} |", "|---|--:|--:|",
        f"| confirmed | {'yes' if earlier.confirmed else 'no'} | {'yes' if found.confirmed else 'no'} |",
        f"| experiments | {earlier.report.tries:,} | {found.report.tries:,} |",
    ]  # fmt: skip
    for place, feature in enumerate(found.columns.features):
        if feature in earlier.columns.features:
            was = earlier.head.spec.weights[earlier.columns.features.index(feature)]
            lines.append(f"| weight of {cell_code(feature)} | {was} | {found.head.spec.weights[place]} |")
    for name in names:
        shown = [value(one[name]) if name in one else "none" for one in metrics]
        lines.append(f"| {cell_code(name)} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def _same_accounts(found: Reviewed, earlier: Reviewed) -> str:
    if found.report.lock == earlier.report.lock:
        return "Both nights were measured under the same lock, so their figures can be compared."
    return "**The lock differs** (data, evaluator or harness changed between them): figures are shown, not comparable."
