"""The evidence of a target whose metrics vary between runs: pairs, their interval, and what luck could have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.pages.summary import TargetReport
from bot.pages.tally import Noise
from bot.pages.target import lasting
from bot.pages.wording import figures, gains
from bot.pages.wording.figures import shown, size
from bot.pages.wording.gains import headline
from bot.pages.wording.text import count, decimals_for, label, percent, value
from harness.decide import comparisons
from harness.intervals import CONFIDENCE, paired
from harness.rule import Metric, metric_named


def numbers(report: TargetReport) -> list[str]:
    """Base, claimed and confirmed. The loop's values are of many moments, so that only its gains can be claimed."""
    found, metric = report.interval or {}, report.compared
    claimed, confirmed = (shown(report, metric, gain, like=[found["low"]]) for gain in (report.claim, found["gain"]))
    lines = [
        f"{label(metric.name)}, {gains.direction(metric)}:",
        "",
        "| | base tonight | claimed | confirmed |",
        "|---|--:|--:|--:|",
        f"| **change** | 0 | {claimed} | **{confirmed}** |",
    ]
    searched = (report.confirm or {})["search"]["base"]
    if metric.name in searched and not figures.withheld(report, *_means(report, metric.name)):
        before, after = _means(report, metric.name)
        decimals = decimals_for(after - before)
        means = f"| {value(before, decimals)} | not used | {value(after, decimals)} |"
        lines.append(f"| mean of {count(found['pairs'], 'fresh pair')} {means}")
    return [*lines, *lasting.row(report)]


def because(report: TargetReport, noise: Noise) -> list[str]:
    found = report.interval or {}
    confirmed = figures.interval(report, report.compared, found)
    lines = [
        f"Confirmed {confirmed}: base and result in turn, in random order, on seeds that no decision had seen.",
        lasting.said(report),
        _decided(report),
        repeats(report),
        luck(report, noise),
        *_guards(report),
        *_also(report),
        *figures.said(report),
    ]
    return [line for line in lines if line]


def _decided(report: TargetReport) -> str:
    """The one bound that confirm decided by, and why the interval may reach past what it proves."""
    found = report.interval
    if not found:
        return ""
    ends = [found["low"], found["high"]]
    bound, least = (shown(report, report.compared, found[key], like=ends) for key in ("lower", "min_effect"))
    text = (
        f"Decided by one bound: better than {bound} with {percent(found['confidence'])} confidence; needed more than "
        f"{least} (min_effect)."
    )
    if found["low"] <= found["min_effect"]:
        beyond = 1 - found["confidence"]
        text += (
            f" The interval reaches past it because it has two sides: it leaves {percent(beyond / 2)} beyond each, the "
            f"bound {percent(beyond)} beyond its one."
        )
    return text


def luck(report: TargetReport, noise: Noise) -> str:
    """What the error budget kept out, and what chance alone would have let in without it."""
    if not noise.tries:
        return ""
    chance = noise.tries * noise.alpha * len(comparisons(report.rule))
    alpha, tries = percent(noise.alpha), count(noise.tries, "try", "tries")
    return (
        f"Luck: one error budget for the night; if nothing had any effect, something is kept with a chance of at most "
        f"{alpha}. One by one at {alpha}, {noise.lucky} more of {tries} would have been kept, by luck alone up to "
        f"{chance:.2g} on average."
    )


def scatter(report: TargetReport, noise: Noise) -> str:
    """How far the unchanged file differs from itself, and what a try can therefore find."""
    if not noise.calibration:
        return ""
    metric, least = headline(report.rule), report.rule.headline_min_effect
    spread = f"two runs of the unchanged file differ by {size(report, metric, noise.spread)} (standard deviation of "
    spread += f"{count(noise.calibration, 'pair')})"
    if noise.detectable > 1e100:
        return f"Noise: {spread}; no gain is large enough to be told from it in {noise.max_pairs} pairs."
    return f"Noise: {spread}; a try finds a gain of {size(report, metric, least + noise.detectable)} in 80 % of cases."


def method(report: TargetReport, noise: Noise) -> list[str]:
    """How it was measured, for who wants to know."""
    planned = f"{count(noise.planned, 'planned try', 'planned tries')} share {percent(noise.alpha)}"
    lines = [
        scatter(report, noise),
        _amount(report, noise),
        f"A keep needs evidence of {noise.threshold * len(comparisons(report.rule)):,.0f} to 1: {planned}.",
        _signs(report),
    ]
    return [line for line in lines if line]


def _amount(report: TargetReport, noise: Noise) -> str:
    void = f"{noise.void} of them void (the incumbent failed)" if noise.void else "none void"
    text = f"Measured: {count(noise.pairs, 'pair')} in the loop, {noise.calibration} of them the unchanged file; {void}"
    confirming = (report.interval or {}).get("pairs")
    if not confirming:
        return f"{text}."
    longer = len((lasting.found(report) or {}).get("pairs", []))
    return f"{text}; {confirming} more by confirm" + (f", and {longer} at a longer budget." if longer else ".")


def _signs(report: TargetReport) -> str:
    """The same pairs by a test that assumes no distribution."""
    found = report.interval
    if not found:
        return ""
    beyond = f" beyond {size(report, report.compared, found['min_effect'])}" if found["min_effect"] else ""
    return (
        f"The interval is Student's; signs alone, dealt by a coin, would give such a gain{beyond} with a chance of "
        f"{found['sign_flip_p']:.2g}."
    )


def measured(report: TargetReport) -> str:
    """What confirm found where it did not confirm."""
    if not report.interval:
        return ""
    metric, ends = report.compared, [report.interval["low"], report.interval["high"]]
    least, bound = (shown(report, metric, report.interval[key], like=ends) for key in ("min_effect", "lower"))
    sure = percent(report.interval["confidence"])
    return (
        f"Measured by confirm: {figures.fresh(report, report.interval)}. With {sure} confidence it is better than "
        f"{bound}; it had to be better than {least}."
    )


def repeats(report: TargetReport) -> str:
    """How often commands measured the result again, and what that asks of each time."""
    if not report.repeats:
        return ""
    held = ", ".join(
        f"{percent(one.sure)} {'confirmed' if one.confirmed else 'not confirmed'}" for one in report.repeats
    )
    return (
        f"{again(report)}. In turn, each with the confidence that it was held to: {held}; every further one is held to "
        f"more, so that all together are lucky in at most {percent(1 - CONFIDENCE)} of cases."
    )


def again(report: TargetReport) -> str:
    """Confirmed again, 2 times of 3."""
    good = sum(one.confirmed for one in report.repeats)
    return f"Confirmed again, {good} {'time' if good == 1 else 'times'} of {len(report.repeats)}"


def _guards(report: TargetReport) -> list[str]:
    found = [
        _guard(report, metric_named(report.rule, g["metric"]), g) for g in (report.confirm or {}).get("guards", [])
    ]
    return [f"Guards hold: {'; '.join(found)}."] if found else ["Guards: none declared."]


def _guard(report: TargetReport, metric: Metric, found: Mapping[str, Any]) -> str:
    losses = [-found["loss"], -found["upper"], -found["allowed"]]
    seen, worst, limit = (shown(report, metric, gain, like=losses[1:]) for gain in losses)
    return f"{label(metric.name)} {seen}, at worst {worst} (limit {limit}, {gains.direction(metric)})"


def _also(report: TargetReport) -> list[str]:
    """The metrics that decided nothing. In pairs of varying values, only an interval off 0 is called a change."""
    raw = (report.confirm or {}).get("pairs", [])
    told = {report.compared.name, *(guard["metric"] for guard in (report.confirm or {}).get("guards", []))}
    found = []
    for metric in report.rule.metrics if len(raw) > 1 else ():
        if metric.name not in told:
            seen = paired([metric.gain(pair["base"][metric.name], pair["head"][metric.name]) for pair in raw])
            word = "better" if seen.low > 0 else "worse" if seen.high < 0 else "no clear change"
            found.append(
                f"{label(metric.name)} {shown(report, metric, seen.gain, like=[seen.low, seen.high])} ({word})"
            )
    return [f"Also measured: {'; '.join(found)}."] if found else []


def _means(report: TargetReport, name: str) -> tuple[float, float]:
    searched = (report.confirm or {})["search"]
    return searched["base"][name], searched["head"][name]
