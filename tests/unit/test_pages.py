"""Pages against golden files, and what must hold on any page. UPDATE_GOLDEN=1 writes the golden files anew."""

from __future__ import annotations

import math
import os
import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.night import propose
from bot.night.loop.progress import Progress
from bot.pages import table
from bot.pages.body import Facts, Links, body, title
from bot.pages.charts import chart
from bot.pages.summary import TargetReport, summarise
from bot.pages.target import evidence, rows
from bot.pages.web import page
from bot.pages.wording import figures, gains
from bot.pages.wording.text import code, percent, plain, signed, unbroken, value
from harness import folds, intervals
from harness.rule import Metric, Rule, Tolerance
from tests.invented import HOSTILE, REMOVED, SECONDS, night, noisy_night
from tests.pages import numbered

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def links(reports: list[TargetReport], **more: Any) -> Links:
    commits = {(r.name, row.number): f"{row.number}a" * 20 for r in reports for row in r.rows}
    more = {"facts": numbered(reports, Facts()), **more}
    return Links(
        "`git merge --no-ff autoresearch/2026-11-21` puts the commits on your branch.",
        "`git branch -D autoresearch/2026-11-21`; the same contents are not tried again while the lock stays.",
        {r.name: f"chart-{r.name}.png" for r in reports}, commits, **more,
    )  # fmt: skip


FINER = replace(SECONDS, metrics=(replace(SECONDS.primary, min_effect=0.005), *SECONDS.metrics[1:]))
NOT_HELD = (
    "the gain does not hold on held-out rows: +0.0011, 95% interval -0.006 to +0.0082; one of 20 looks needs more than "
    "0 at 99.75%, and has -0.0091"
)
NOT_FASTER = "the confirmed gain of seconds is not above its min_effect"
NOTHING_KEPT = "nothing was kept, so there is nothing to confirm"

CASES = {
    "strong": [night],
    "no-holdout": [partial(night, holdout=False)],
    "lower-is-better": [partial(night, goal="minimize", look=None)],
    "one-not-confirmed": [
        partial(night, name="alpha"),
        partial(night, name="beta", verdict="not-confirmed", why=NOT_HELD, held=0.0011, look=8),
    ],
    "integrity": [
        partial(
            night, verdict="integrity", why="the night ran under lock 9f31, the base commit has 77ab", holdout=False
        )
    ],
    "still-running": [partial(night, verdict="")],
    "owners": [partial(night, name="alpha", owner="@team-growth"), partial(night, name="beta", owner="@ada")],
    "hostile": [partial(night, text=HOSTILE, suspects=1, removed={**REMOVED, "change": HOSTILE})],
    "hostile-reason": [partial(night, verdict="not-confirmed", why=HOSTILE, holdout=False)],
    "noisy-confirmed": [noisy_night],
    "noisy-not-confirmed": [partial(noisy_night, verdict="not-confirmed", why=NOT_FASTER, real=0.0)],
    "noisy-as-a-set": [partial(noisy_night, as_a_set=True)],
    "underpowered": [partial(noisy_night, verdict="not-confirmed", underpowered=True, rule=FINER)],
    "suspects": [
        partial(noisy_night, suspects=2),
        partial(night, suspects=12, keeps=False, verdict="not-confirmed", why=NOTHING_KEPT),
    ],
    "ablated": [partial(night, name="alpha", removed=REMOVED), partial(noisy_night, name="beta", removed=REMOVED)],
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, tmp_path: Path) -> None:
    reports = [summarise(make(tmp_path)) for make in CASES[case]]
    text = f"{title('2026-11-21', reports)}\n\n{body('2026-11-21', reports, links(reports))}"
    golden = GOLDEN / f"{case}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_arithmetic_and_shape(case: str, tmp_path: Path) -> None:
    reports = []
    for make in CASES[case]:
        segments = make(tmp_path)
        report = summarise(segments)
        reports.append(report)
        experiments = folds.of_kind(segments, "experiment")
        assert report.kept + sum(report.reasons.values()) == report.tries == len(experiments)
        if report.confirmed and report.confirm and not report.noise:
            search = report.confirm["search"]
            gain = report.primary.gain(search["base"]["auc"], search["head"]["auc"])
            assert sum(row.adds for row in report.rows) == pytest.approx(gain, abs=1e-12)
    text = body("2026-11-21", reports, links(reports))
    for line in text.splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").strip("|").split("|")
            assert len(cells) <= 5, line
    assert all(len(line) < 400 for line in text.splitlines())


def _outside_code(markdown: str) -> str:
    """The page's text less its code spans and fences, as a Markdown parser sees them."""
    from markdown_it import MarkdownIt

    found = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown):
        if token.type == "html_block":
            found.append(token.content)
        for child in token.children or []:
            if child.type != "code_inline":
                found.append(f"<{child.type}>{child.content}")
    return "\n".join(found)


HOSTILE_NIGHTS = [
    partial(night, text=HOSTILE),
    partial(night, text=HOSTILE, suspects=1, removed={**REMOVED, "change": HOSTILE}),
    partial(night, verdict="not-confirmed", why=HOSTILE),
    partial(night, verdict="not-confirmed", text=HOSTILE, suspects=1),
    partial(noisy_night, text=HOSTILE, suspects=1, removed={**REMOVED, "change": HOSTILE}),
    partial(noisy_night, verdict="not-confirmed", text=HOSTILE, why=HOSTILE),
]


@pytest.mark.parametrize("make", HOSTILE_NIGHTS)
def test_hostile_text_stays_inside_code(make: Any, tmp_path: Path) -> None:
    report = summarise(make(tmp_path))
    text = body("2026-11-21", [report], links([report]))
    assert "octocat" in text, "the hostile text is not even shown: the test proves nothing"
    outside = _outside_code(text)
    for trick in ("octocat", "<script", "javascript:", "closes #1", "heading", "<link_open>", "http://x"):
        assert trick not in outside, trick
    assert not re.search("[\u202e\x1b]", text)
    assert "<script" not in page("t", text)


def test_the_control_of_the_hostile_test_sees_text_outside_code() -> None:
    outside = _outside_code("text @octocat `inside` <script>x</script> [a](http://x)")
    assert "octocat" in outside
    assert "<script" in outside
    assert "inside" not in outside
    assert "<link_open>" in outside


@pytest.mark.parametrize("text", ["`", "``", "a`b``c", "|", " x ", "", "```\n```", "\u2028", "a" * 500])
def test_code_spans_cannot_be_left(text: str) -> None:
    from markdown_it import MarkdownIt

    span = code(text)
    inline = MarkdownIt("commonmark").parse(f"x{span}y")[1].children or []
    assert [child.type for child in inline] == ["text", "code_inline", "text"]


def test_numbers_read_well() -> None:
    assert value(3953.4) == "3,953"
    assert value(0.78851) == "0.7885"
    assert signed(0.0079) == "+0.0079"
    assert signed(-0.0000044) == "-4e-06"
    assert signed(0.0) == "+0.0000"
    assert plain("a\tb\x00c\u200bd") == "a bcd"


SPEED = Metric("seconds", "minimize", compare="ratio")
ANSWERS = Metric("answers", "maximize")


def test_gains_read_as_changes_of_the_metric() -> None:
    assert gains.shown(SPEED, 0.1313) == "-12.3 %"
    assert gains.shown(SPEED, -0.1313) == "+14.0 %"
    assert gains.shown(replace(SPEED, goal="maximize"), 0.1313) == "+14.0 %"
    assert gains.shown(replace(SPEED, compare="difference"), 0.1313) == "-0.131"
    assert gains.shown(ANSWERS, 0.0123) == "+0.0123"
    assert gains.shown(ANSWERS, 1234.5) == "+1,234"
    assert gains.shown(SPEED, 0.0) == "0 %"
    assert gains.shown(SPEED, 0.00042) == "-0.042 %"
    assert gains.shown(SPEED, 0.0004, like=[0.1]) == "0 %"
    known = figures.Known(private=False, rule=Rule("primary", (SPEED,)), base={})
    assert figures.size(known, SPEED, 0.0313) == "3.1 %"
    assert percent(0.9975) == "99.75 %"


def test_an_interval_runs_from_low_to_high_whatever_the_goal() -> None:
    found = {"metric": "seconds", "gain": 0.1313, "low": 0.112, "high": 0.1508, "confidence": 0.95, "pairs": 40}
    assert gains.interval(SPEED, found) == "-12.3 %, 95 % interval -14.0 % to -10.6 %"
    assert gains.fresh(Rule("primary", (SPEED,)), found).endswith("-10.6 %, from 40 fresh pairs")
    more = replace(SPEED, goal="maximize")
    assert gains.interval(more, found) == "+14.0 %, 95 % interval +11.9 % to +16.3 %"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([0.12, 0.14, 0.13], "inside the confirmed interval"),
        ([0.02, 0.18, 0.07], "too few pairs to contradict it"),
        ([0.01, 0.02, 0.015], "NOT the same"),
    ],
)
def test_a_result_that_is_measured_again_is_held_against_its_interval(values: list[float], says: str) -> None:
    confirmed = {"metric": "seconds", "gain": 0.1313, "low": 0.112, "high": 0.1508, "confidence": 0.95}
    text = gains.remeasured(Rule("primary", (SPEED,)), confirmed, intervals.paired(values))
    assert says in text
    assert "in 3 pairs" in text
    assert "-14.0 % to -10.6 %" in text


def test_under_pareto_the_page_is_about_the_metric_that_confirm_compared(tmp_path: Path) -> None:
    report = summarise(noisy_night(tmp_path))
    assert report.confirm
    smaller = {**report.confirm, "confirmed": {**report.confirm["confirmed"], "metric": "memory_mb"}}
    report = replace(report, rule=replace(SECONDS, name="pareto"), confirm=smaller)
    assert title("2026-11-21", [report]).startswith("autoresearch 2026-11-21: parser memory_mb -")
    memory = SECONDS.metrics[1]
    assert report.claim == memory.gain(report.base["memory_mb"], report.claimed["memory_mb"])
    text = body("2026-11-21", [report], links([report])).replace("\u00a0", " ")
    assert f"| **change** | 0 | {gains.shown(memory, report.claim)} |" in text


def test_a_row_in_the_words_of_its_commit(tmp_path: Path) -> None:
    report = summarise(noisy_night(tmp_path))
    assert rows.in_words(report, 1) == "seconds -5.8 %, at least -5.0 % with 90 % confidence"
    whole = summarise(noisy_night(tmp_path / "set", as_a_set=True))
    assert rows.in_words(whole, 1).endswith("with 95 % confidence")


def test_a_commit_says_what_confirm_found_and_what_leaving_the_row_out_showed(tmp_path: Path) -> None:
    report = summarise(noisy_night(tmp_path))
    text = _message(report)
    assert f"\nConfirmed: {evidence.headline(report)}\n" in text
    assert "\nAblation: seconds -5.8 %, at least -5.0 % with 90 % confidence\n" in text
    assert "measured by leaving it out" in text


@pytest.mark.parametrize(
    ("how", "says", "trailer"),
    [
        ("measured as a set", "measured as a set", "measured as a set"),
        ("none", "measured against the base", "none, one change"),
        ("leave-one-out", "measured against the base", "none, one row is left"),
    ],
)
def test_one_row_is_a_set_only_where_confirm_says_so(how: str, says: str, trailer: str, tmp_path: Path) -> None:
    report = summarise(noisy_night(tmp_path, as_a_set=True))
    assert report.confirm
    taken_apart = {**report.confirm["ablation"], "how": how}
    report = replace(report, confirm={**report.confirm, "ablation": taken_apart})
    text = _message(report)
    assert f"; {says}, from scratch." in text
    assert f"\nAblation: {trailer}\n" in text
    legend = rows.table(report, links([report])).after[1]
    assert ("as a set" in legend) == (how == "measured as a set")
    assert "95 % confidence" in legend


def _message(report: TargetReport) -> str:
    target = SimpleNamespace(name=report.name)
    return propose.message(propose.Row(target, 1, "x: 1 -> 2", b"", (6,), report.rows[0].adds), report.night, report)


def test_a_confirmed_page_whose_interval_includes_0_says_what_decided(tmp_path: Path) -> None:
    report = summarise(noisy_night(tmp_path))
    assert report.confirm
    found = {**report.confirm["confirmed"], "gain": 0.02, "low": -0.001, "lower": 0.003, "high": 0.041, "min_effect": 0}
    close = replace(report, confirm={**report.confirm, "confirmed": found})
    text = body("2026-11-21", [close], links([close])).replace("\u00a0", " ")
    assert "better than -0.3 % with 95 % confidence; needed more than 0 % (min_effect)." in text
    assert "it leaves 2.5 % beyond each, the bound 5 % beyond its one" in text
    assert "two sides" not in body("2026-11-21", [report], links([report])), "nothing to explain there"


def test_the_page_shows_the_number_that_decided(tmp_path: Path) -> None:
    report = summarise(night(tmp_path, holdout=False))
    assert report.confirm
    auc, capture, hhi = report.rule.metrics
    weighted = replace(report, rule=replace(report.rule, name="weighted", weights={"auc": 1.0, "capture": 2.0}))
    assert evidence.headline(weighted).startswith(f"the weighted score {0.7912 + 2 * 0.71:.4f} -> ")
    assert "\nthe weighted score, higher is better:\n" in body("2026-11-21", [weighted], links([weighted]))
    assert chart.chart_png(weighted).startswith(b"\x89PNG")
    search = {"base": {"auc": 0.5, "capture": 0.5, "hhi": 90.0}, "head": {"auc": 0.51, "capture": 0.52, "hhi": 88.0}}
    metrics = (replace(auc, min_effect=0.001), replace(capture, min_effect=0.01), replace(hhi, min_effect=5.0))
    rule = replace(report.rule, name="pareto", metrics=metrics)
    pareto = replace(report, rule=rule, confirm={**report.confirm, "search": search}, claimed=search["head"])
    assert evidence.headline(pareto) == "auc 0.5000 -> 0.5100 (pareto: none worse)"
    rule = replace(rule, metrics=(replace(auc, min_effect=0.1), *metrics[1:]))
    assert evidence.headline(replace(pareto, rule=rule)) == "capture 0.5000 -> 0.5200 (pareto: none worse)"


@pytest.mark.parametrize(
    ("metric", "edge"),
    [
        (replace(SPEED, guard=Tolerance(0.05, True)), 105.0),
        (replace(SPEED, goal="maximize", guard=Tolerance(0.05, True)), 100 / 1.05),
        (replace(ANSWERS, guard=Tolerance(0.05, True)), 95.0),
        (replace(ANSWERS, goal="minimize", guard=Tolerance(3.0)), 103.0),
    ],
)
def test_the_limit_that_is_shown_is_the_one_that_is_held(metric: Metric, edge: float) -> None:
    assert metric.guard
    shown = gains.edge(metric, metric.guard, 100.0)
    assert shown == pytest.approx(edge)
    assert -metric.gain(100.0, shown) == pytest.approx(metric.allowed(metric.guard, 100.0))


def test_no_line_ends_between_a_number_and_its_per_cent_sign() -> None:
    assert unbroken("5 % and `5 %` and ``a ` 5 %`` 6 %") == "5\u00a0% and `5 %` and ``a ` 5 %`` 6\u00a0%"
    assert unbroken("```sh\n5 %\n```\n5 %") == "```sh\n5 %\n```\n5\u00a0%"


def test_luck_counts_what_lacked_evidence_and_would_have_passed_alone(tmp_path: Path) -> None:
    segments = noisy_night(tmp_path, suspects=2)
    experiments = folds.of_kind(segments, "experiment")
    would = [e for e in experiments if e["reason"] in {"within-noise", "worse", "tie"} and math.exp(e["peak"]) >= 20]
    report = summarise(segments)
    assert report.noise
    assert report.noise.lucky == len(would)
    assert report.noise.tries == len(experiments)
    assert report.noise.pairs == len(folds.of_kind(segments, "pair"))
    assert report.claimed_gain == pytest.approx((report.confirm or {})["claimed_gain"])
    assert not {event["id"] for event in report.near_misses} & {event["id"] for event in report.suspects}


def test_the_progress_of_a_noisy_night_says_pairs_claim_and_evidence(tmp_path: Path) -> None:
    segments = noisy_night(tmp_path)
    last = max(event["id"] for event in folds.of_kind(segments, "experiment") if event["status"] == "keep")
    state = folds.LoopState()
    for event in folds.all_events(segments):
        if event["event"] == "experiment" and event["id"] == last:
            break
        state.apply(event)
    line = Progress("parser", SECONDS.primary, 40, rule=SECONDS, quiet=True).line(state, 0.0)
    assert line.startswith(f"parser: {last - 1}/40 experiments, {state.pairs:,} pairs, seconds -")
    assert " % claimed, 2 kept" in line
    odds = re.search(rf"try {last}: (\S+) to 1 in {len(state.fought)} pairs", line)
    assert odds
    assert float(odds[1]) >= 40 / 0.05, "it was kept by the next event, so its evidence was there"


def test_the_progress_without_noise_says_values(tmp_path: Path) -> None:
    state = folds.loop_state(night(tmp_path))
    line = Progress("churn", Metric("auc", "maximize"), 40, quiet=True).line(state, 0.0)
    assert "auc 0.7912 -> 0.80" in line
    assert "pairs" not in line


@pytest.mark.parametrize(("until", "said"), [(None, r", \d+\.\d h left"), (30.0, ", 30 s left"), (-4.0, ", 0 s left")])
def test_no_more_time_is_foreseen_than_the_budget_leaves(until: float | None, said: str, tmp_path: Path) -> None:
    state = folds.loop_state(night(tmp_path))
    progress = Progress("churn", Metric("auc", "maximize"), 1_000_000, quiet=True, until=lambda: until)
    assert re.search(f"{said}$", progress.line(state, time.monotonic() + 1.0))


def test_the_table_of_a_noisy_night_holds_means(tmp_path: Path) -> None:
    segments = noisy_night(tmp_path)
    lines = [line.split("\t") for line in table.results_tsv(segments).splitlines()]
    assert lines[0] == [
        "experiment",
        "seconds",
        "memory_mb",
        "answers",
        "status",
        "cost_usd",
        "cumulative_usd",
        "description",
    ]
    for event, line in zip(folds.of_kind(segments, "experiment"), lines[2:], strict=True):
        pairs = [p["candidate"]["seconds"] for p in folds.of_kind(segments, "pair") if p["id"] == event["id"]]
        assert float(line[1]) == pytest.approx(sum(pairs) / len(pairs))


def test_the_table_has_a_line_per_experiment(tmp_path: Path) -> None:
    lines = table.results_tsv(night(tmp_path, text="a\tb\nc")).splitlines()
    assert lines[0] == "experiment\tauc\tcapture\thhi\tstatus\tcost_usd\tcumulative_usd\tdescription"
    assert len(lines) == 1 + 1 + 40
    assert all(line.count("\t") == 7 for line in lines)


@pytest.mark.parametrize("make", [night, noisy_night, partial(noisy_night, verdict="", suspects=2)])
def test_the_chart_is_a_png_and_repeats(make: Any, tmp_path: Path) -> None:
    report = summarise(make(tmp_path))
    png = chart.chart_png(report)
    assert png.startswith(b"\x89PNG")
    assert png == chart.chart_png(report)
