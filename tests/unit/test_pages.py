"""Pages against golden files, and what must hold on any page. UPDATE_GOLDEN=1 writes the golden files anew."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from bot.pages import chart, table
from bot.pages.body import Links, body, title
from bot.pages.summary import TargetReport, summarise
from bot.pages.text import code, plain, signed, value
from bot.pages.web import page
from harness import events, folds
from harness.decide import Metric, Rule, Tolerance
from harness.events import Segment, SegmentWriter

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
BASE = b"weights:\n  recency: 5\n  basket: 5\n  gap: 5\n"
HOSTILE = (
    "``` </details> <script>alert(1)</script> [x](javascript:1) @octocat closes #1 | a | b "
    "\u202egnp.exe \x1b[31m ::set-output name=x::y\n## heading ![i](http://x) `code` ```` fence"
)


def night(
    folder: Path, name: str = "churn-risk", *, verdict: str = "confirmed", holdout: bool = True, why: str = "",
    text: str = "recency 5 -> 19", goal: str = "maximize", owner: str | None = None, rows: int = 3, tries: int = 40,
) -> list[Segment]:  # fmt: skip
    """The segments of an invented night, written by the code that writes real ones."""
    rule = Rule(
        "primary",
        (Metric("auc", goal), Metric("capture", "maximize", guard=Tolerance(0.05, True)), Metric("hhi", "minimize")),
    )
    header: dict[str, Any] = {
        "target": name, "night": "2026-11-21", "base": "4d2e" * 10, "file": "spec.yaml", "lock": "9f31" * 16,
        "harness": "c07d" * 16, "signal": "analytics-event", "sample": holdout, "unit": "leaf", "owner": owner,
        "proposer": "perturb", "seed": 1, "usd": 0.0, "planned": tries, **folds.rule_fields(rule),
    }  # fmt: skip
    writer = SegmentWriter(folder / name, "2026-11-21.1-run", events.GENESIS, {"verb": "run", **header})
    sign, value_now, chance = (1 if goal == "maximize" else -1), 0.7912, random.Random(3)
    start = {"auc": value_now, "capture": 0.71, "hhi": 3953.0}
    writer.append([{
        "event": "baseline", "blob": "b" * 40, "canon": "base", "complexity": 3, "metrics": start, "parts": {},
        "content": writer.content(BASE, None), "elapsed": 0.5, "seconds": 0.1,
    }])  # fmt: skip
    content = BASE
    for number in range(1, tries + 1):
        keep, crash = number % 9 == 0, number % 13 == 0
        gain = chance.uniform(0.001, 0.004) if keep else -chance.uniform(0, 0.02)
        metrics = {"auc": value_now + sign * gain, "capture": 0.70, "hhi": 3990.0}
        changed = BASE.replace(b"recency: 5", b"recency: %d" % number)
        status, reason = ("keep", "better") if keep else ("crash", "timeout") if crash else ("discard", "worse")
        writer.append([{
            "event": "experiment", "id": number, "blob": f"{number:040x}", "canon": str(number), "parent": "b" * 40,
            "complexity": 3, "content": writer.content(changed, content), "description": text, "status": status,
            "reason": reason, "why": text, "metrics": {} if crash and not keep else metrics, "parts": {},
            "cost_usd": 0.0, "seconds": 0.1, "elapsed": 0.5 + number / 10,
        }])  # fmt: skip
        if keep:
            content, value_now = changed, metrics["auc"]
    writer.seal("experiments")
    first = events.read(folder / name / "2026-11-21.1-run.jsonl")
    if not verdict:
        return [first]
    header["verb"] = "confirm"
    writer = SegmentWriter(folder / name, "2026-11-21.2-confirm", first.chain, header)
    head = {"auc": value_now, "capture": 0.70, "hhi": 3990.0}
    adds = (value_now - 0.7912) * sign / rows
    confirm: dict[str, Any] = {
        "event": "confirm", "head": "h" * 40, "base": "b" * 40, "claimed": head,
        "search": {"base": start, "head": head},
        "repeat": "identical", "verdict": verdict, "why": why, "seconds": 1.5,
    }  # fmt: skip
    if holdout:
        held = {"base": {**start, "auc": 0.7885}, "head": {**head, "auc": 0.8047 if goal == "maximize" else 0.7723}}
        confirm["holdout"] = {
            "metric": "auc",
            **held,
            "gain": 0.0162,
            "low": 0.0091,
            "high": 0.0233,
            "rows": 11785,
            "confidence": 0.95,
        }
    if verdict == "confirmed":
        confirm["rows"] = [
            {"number": n, "change": text if text != "recency 5 -> 19" else f"feature_{n}: 5 -> {n + 6}", "adds": adds,
             "experiments": [9, 18], "blob": f"{n:040x}", "content": {"text": "x"}, "metrics": head, "lines": [1, 1]}
            for n in range(1, rows + 1)
        ]  # fmt: skip
    writer.append([confirm])
    writer.seal(verdict, why=why)
    return [first, events.read(folder / name / "2026-11-21.2-confirm.jsonl")]


def links(reports: list[TargetReport], **more: Any) -> Links:
    commits = {(r.name, row.number): f"{row.number}a" * 20 for r in reports for row in r.rows}
    return Links(
        "`git merge --no-ff autoresearch/2026-11-21` puts the commits on your branch.",
        "`git branch -D autoresearch/2026-11-21`; the same contents are not tried again while the lock stays.",
        {r.name: f"chart-{r.name}.png" for r in reports}, commits, **more,
    )  # fmt: skip


CASES: dict[str, list[dict[str, Any]]] = {
    "strong": [{}],
    "no-holdout": [{"holdout": False}],
    "lower-is-better": [{"goal": "minimize"}],
    "one-not-confirmed": [
        {"name": "alpha"},
        {"name": "beta", "verdict": "not-confirmed", "why": "the gain does not hold on held-out rows: +0.0011"},
    ],
    "integrity": [{"verdict": "integrity", "why": "the night ran under lock 9f31, the base commit has 77ab"}],
    "still-running": [{"verdict": ""}],
    "owners": [{"name": "alpha", "owner": "@team-growth"}, {"name": "beta", "owner": "@ada"}],
    "hostile": [{"text": HOSTILE}],
    "hostile-reason": [{"verdict": "not-confirmed", "why": HOSTILE}],
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, tmp_path: Path) -> None:
    reports = [summarise(night(tmp_path, **options)) for options in CASES[case]]
    text = f"{title('2026-11-21', reports)}\n\n{body('2026-11-21', reports, links(reports))}"
    golden = GOLDEN / f"{case}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_arithmetic_and_shape(case: str, tmp_path: Path) -> None:
    for options in CASES[case]:
        segments = night(tmp_path, **options)
        report = summarise(segments)
        experiments = folds.of_kind(segments, "experiment")
        assert report.kept + sum(report.reasons.values()) == report.tries == len(experiments)
        if report.confirmed and report.confirm:
            search = report.confirm["search"]
            gain = report.primary.gain(search["base"]["auc"], search["head"]["auc"])
            assert sum(row.adds for row in report.rows) == pytest.approx(gain, abs=1e-12)
    reports = [report]
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


@pytest.mark.parametrize("options", [{"text": HOSTILE}, {"verdict": "not-confirmed", "why": HOSTILE}])
def test_hostile_text_stays_inside_code(options: dict[str, Any], tmp_path: Path) -> None:
    report = summarise(night(tmp_path, **options))
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


def test_the_table_has_a_line_per_experiment(tmp_path: Path) -> None:
    lines = table.results_tsv(night(tmp_path, text="a\tb\nc")).splitlines()
    assert lines[0] == "experiment\tauc\tcapture\thhi\tstatus\tcost_usd\tcumulative_usd\tdescription"
    assert len(lines) == 1 + 1 + 40
    assert all(line.count("\t") == 7 for line in lines)


def test_the_chart_is_a_png_and_repeats(tmp_path: Path) -> None:
    report = summarise(night(tmp_path))
    png = chart.chart_png(report)
    assert png.startswith(b"\x89PNG")
    assert png == chart.chart_png(report)
