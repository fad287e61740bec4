"""A page about a container: metrics before and after, in a table and drawn, rows in its words, what nobody judged."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.night import propose
from bot.pages.body import body, section, title
from bot.pages.charts import dumbbell
from bot.pages.facts import Dropped, Facts
from bot.pages.summary import TargetReport, summarise
from bot.pages.target import dimensions
from tests.hostile import TEXTS
from tests.invented import NIGHT, night
from tests.invented_containers import CHANGES, HEAD, STEPS, container_night
from tests.pages import cells, check_golden, links, live, tables

SITE = "https://github.example/ada/shop"


@pytest.fixture
def report(tmp_path: Path) -> TargetReport:
    return summarise(container_night(tmp_path))


def page_of(report: TargetReport, *, hosted: bool = True) -> str:
    known = replace(links([report]), dimensions={report.name: f"{SITE}/dimensions.png"})
    if not hosted:
        known = replace(known, addresses={}, dimensions={report.name: "dimensions-gtm-shop.png"})
    return body(NIGHT, [report], known)


@pytest.mark.parametrize("name", ["containers", "forge-containers"])
def test_golden(name: str, report: TargetReport) -> None:
    text = page_of(report, hosted=name.startswith("forge"))
    check_golden(name, f"{title(NIGHT, [report])}\n\n{text}")


def test_every_metric_stands_before_and_after(report: TargetReport) -> None:
    page = page_of(report)
    assert "| consent | 0.330 | 0.970 | +0.640 |" in page
    assert "| trigger quality: worse | 0.891 | 0.884 | -0.007 |" in page
    assert "| audit findings (lower is better) | 31 | 13 | -18 |" in page
    assert "Guards hold: audit_findings 31 -> 13 (limit 31, lower is better)." in page
    assert "4 of 9 metrics are better, 4 equal, 1 worse, within what is allowed; the lowest now is folders" in page
    assert "Also measured" not in page


def test_what_had_nothing_to_judge_is_no_zero(report: TargetReport) -> None:
    assert "| ads alignment: not judged | | | |" in page_of(report)
    assert "ads_alignment" not in {one.metric.name for one in dimensions.drawn(report)}
    alike = replace(report, parts=frozenset())
    assert "| ads alignment | 0.000 | 0.000 | 0 |" in page_of(alike), "an evaluator without parts judges everything"


def test_the_chart_shows_what_the_table_says(report: TargetReport) -> None:
    figure = dumbbell.draw(dimensions.drawn(report))
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [name.replace("_", " ") for name in HEAD if name != "ads_alignment"]
    ends = [tuple(line.get_xdata()) for line in axes.lines]
    assert ends == [(one.before, one.after) for one in dimensions.drawn(report)]
    assert [text.get_text() for text in axes.texts] == [f"{end:.2f}" for _, end in ends]
    colors = {line.get_color() for line in axes.lines}
    assert len(colors) == 2, "what fell is told from what rose"


def test_the_chart_is_as_wide_as_a_phone_needs_and_repeats(report: TargetReport) -> None:
    from PIL import Image

    png = dumbbell.dumbbell_png(report)
    assert png == dumbbell.dumbbell_png(report)
    assert Image.open(io.BytesIO(png)).size[0] == 1200


def test_rows_say_what_they_touch_and_move(report: TargetReport) -> None:
    page = page_of(report)
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    assert f"`{CHANGES[0]}` (consent +0.640, trigger quality -0.007) | +0.0940 |" in rows[0]
    assert re.search(r"eventSettingsTable; and [0-9] more`", rows[1])
    assert "lines" not in page


def test_moves_add_up_to_what_the_metrics_did(report: TargetReport) -> None:
    moves = dimensions.by_row(report)
    assert set(moves) == {1, 2, 3}
    for (metric, _), said in zip(STEPS, moves.values(), strict=True):
        row = metric.replace("_", " ")
        one = next(one for one in dimensions.moved(report) if one.metric.name == metric)
        assert f"{row} {one.gain:+.3f}" in said


def test_notes_are_told_and_a_private_target_tells_none(report: TargetReport, tmp_path: Path) -> None:
    page = page_of(report)
    assert "<summary>Not judged: 2 things</summary>" in page
    assert page.index("In the base only:") < page.index("`a note that is gone`")
    private = page_of(summarise(container_night(tmp_path / "private", private=True)))
    assert "Partner order" not in private
    assert "| consent | 0.330 | 0.970 | +0.640 |" in private, "shares are no amounts"
    assert not re.search(r"audit findings \(lower is better\) \| 31", private)


def test_other_rules_have_no_such_table(tmp_path: Path) -> None:
    other = summarise(night(tmp_path))
    assert dimensions.moved(other) == []
    assert dimensions.by_row(other) == {}
    assert dimensions.pieces(other, "x.png") == []


def test_a_dropped_row_is_struck_in_its_own_words(report: TargetReport) -> None:
    facts = Facts(commands=True, dropped=(Dropped("gtm-shop", 4, CHANGES[0], "ada"),))
    known = replace(links([report], facts), dimensions={})
    assert f"| ~~4~~ | ~~`{CHANGES[0]}`~~ | dropped by `ada` |" in body(NIGHT, [report], known)


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_in_a_container_is_live(name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    changes = (f'tag "{text}": paused', f"{text}; {text}", text)
    clean = [one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in changes]
    found = summarise(container_night(tmp_path, changes=tuple(clean), notes=(clean[0][:200], clean[2][:200])))
    page = page_of(found)
    usual = {"a link", "a picture", "strong or struck text"}
    assert live(page) <= usual
    assert live(section(found, links([found]))) <= usual
    for head, *rest in tables(page):
        assert {cells(line) for line in rest} == {cells(head)}, rest
    message = propose.message(
        propose.Row(SimpleNamespace(name="gtm-shop"), 1, clean[1], b"", (6,), 0.1),  # type: ignore[arg-type]
        NIGHT, found,
    )  # fmt: skip
    assert not re.search(r"(?<!\w)@\w|#\d|\bGH-\d|\[[^\]]*\]|://|www\.\w", message, re.IGNORECASE)
    assert trailers(message) == ["Target", "Night", "Experiments", "Confirmed", "Lock", "Seal"]


def trailers(message: str) -> list[str]:
    """The keys that git finds."""
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    return [line.split(":")[0] for line in parsed.stdout.splitlines()]


def test_the_message_of_a_commit_lists_what_it_touches(report: TargetReport) -> None:
    row = propose.Row(SimpleNamespace(name="gtm-shop"), 1, CHANGES[1], b"", (2,), 0.1)  # type: ignore[arg-type]
    text = propose.message(row, NIGHT, report)
    assert text.count("\n* tag ") == 9
    assert '\n* tag "GA4 - event number 8": + parameter eventSettingsTable\n\nAdds ' in text
