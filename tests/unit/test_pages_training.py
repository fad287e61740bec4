"""A page about training runs: what each said along the way, in a chart, a table and a sentence."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.course import beside, course
from bot.pages.body import body, section, title
from bot.pages.charts import chart, ends, staircase, training_chart
from bot.pages.summary import TargetReport, summarise
from bot.pages.tally import Run
from bot.pages.target import training
from harness.rule import Metric
from tests.hostile import TEXTS
from tests.invented import NIGHT, night, noisy_night
from tests.invented_training import EFFECTS, parts, training_night
from tests.pages import SITE, cells, check_golden, links, live, tables


@pytest.fixture
def report(tmp_path: Path) -> TargetReport:
    return summarise(training_night(tmp_path))


def page_of(report: TargetReport) -> str:
    return body(NIGHT, [report], replace(links([report]), training={report.name: f"{SITE}/training.png"}))


CASES: dict[str, dict[str, Any]] = {
    "training": {},
    "training-on-a-card": {"card": True},
    "training-not-confirmed": {"verdict": "not-confirmed", "real": 0.0, "why": "the gain of val_bpb is not confirmed"},
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, tmp_path: Path) -> None:
    report = summarise(training_night(tmp_path, **CASES[name]))
    check_golden(name, f"{title(NIGHT, [report])}\n\n{page_of(report)}")


def test_a_course_is_read_in_its_order_whatever_stands_beside_it() -> None:
    found = {"curve_100": 3.0, "curve_05": 9.0, "steps": 7.0, "curve_5": 1.0, "curve_50": 4.0, "curve_": 2.0}
    assert course(found) == ((5, 9.0), (50, 4.0), (100, 3.0))
    assert beside(found) == {"steps": 7.0, "curve_5": 1.0, "curve_": 2.0}
    assert course({}) == ()


def test_every_run_stands_in_the_table_with_what_it_said(report: TargetReport) -> None:
    page = page_of(report).replace("\u00a0", " ")
    said = parts(EFFECTS[3], steps=148)
    row = f"| try 3 | {said['tokens_per_second']:,.0f} | 148 | {said['curve_100']:.4f} |"
    assert row in page
    assert "\n- try 3, -0.113 claimed: `MATRIX_RATE 0.002 -> 0.0183`\n" in page
    assert (
        "Training, base and last kept run, as their own logs say: 36,352 -> 39,936 tokens/s, 142 -> 156 steps.\n"
        in page
    )
    assert "as the candidate's own training log says" in page
    assert "MFU" not in page
    assert all(cells(line) <= 5 for table in tables(page) for line in table)


def test_a_card_is_told_with_its_name(tmp_path: Path) -> None:
    page = page_of(summarise(training_night(tmp_path, card=True))).replace("\u00a0", " ")
    assert "steps, on `NVIDIA H200`.\n" in page
    assert "Loss, tokens and steps, and with them MFU, stand as the candidate's own training log says" in page
    assert "| try 7 | 97 % | 21,904 | 64 °C | 41.3 % |" in page


def test_nothing_that_a_run_or_a_header_says_is_acted_on(report: TargetReport) -> None:
    harmless = live(page_of(report))
    for text in TEXTS:
        runs = tuple(replace(run, change=text) for run in report.runs)
        page = page_of(replace(report, runs=runs, device=text))
        assert live(page) == harmless, text
        assert "- try 3, -0.113 claimed: `" in page


@pytest.mark.parametrize("machine", [None, "x", ["x"], {"device": 7}, {"device": ["x"]}, {}])
def test_a_machine_of_another_shape_has_no_device(machine: Any, tmp_path: Path) -> None:
    segments = training_night(tmp_path)
    segments[0].header["machine"] = machine
    assert summarise(segments).device == ""


def test_rows_are_named_by_the_constants_that_they_change(report: TargetReport) -> None:
    assert "`MATRIX_RATE: 0.002 -> 0.0183` | -0.110 (-0.101) |" in page_of(report)


def test_of_many_runs_the_latest_are_told_and_drawn(report: TargetReport) -> None:
    base, kept = report.runs[0], report.runs[1]
    many = replace(report, runs=(base, *(replace(kept, experiment=number) for number in range(1, 31))))
    assert [run.experiment for run in training.told(many)] == [0, *range(31 - training.MOST, 31)]
    assert [run.experiment for run in training_chart.drawn(many)] == [0, 27, 28, 29, 30]
    assert "26 earlier keeps are not drawn" in training_chart.draw(many).axes[0].get_title(loc="left")
    assert "30 kept runs, the latest 12" in page_of(many)


def test_where_the_evaluator_tells_no_course_there_is_no_such_section(tmp_path: Path) -> None:
    for segments in (night(tmp_path), noisy_night(tmp_path)):
        other = summarise(segments)
        assert other.runs == ()
        assert training.pieces(other, "x.png") == []


def test_a_course_of_something_else_is_not_called_a_loss(report: TargetReport) -> None:
    runs = tuple(replace(run, beside={"north": 1.0}) for run in report.runs)
    other = replace(report, runs=runs)
    page = page_of(other)
    assert "Runs, base and last kept run: see the chart." in page
    assert "loss" not in page
    assert training_chart.draw(other).axes[0].get_title(loc="left").startswith("Along the way")


def test_keeps_without_a_base_beside_them_are_not_told(tmp_path: Path) -> None:
    segments = training_night(tmp_path)
    baseline = next(event for event in segments[0].events if event["event"] == "baseline")
    baseline["parts"].clear()
    assert summarise(segments).runs == ()


def test_an_absurd_part_is_left_out(tmp_path: Path) -> None:
    segments = training_night(tmp_path)
    baseline = next(event for event in segments[0].events if event["event"] == "baseline")
    baseline["parts"] |= {"curve_100": -1.7e308, "curve_50": 1.7e308, "steps": 1e300}
    found = summarise(segments)
    assert [percent for percent, _ in found.runs[0].course if percent in {45, 50, 95, 100}] == [45, 95]
    assert training_chart.training_png(found)
    assert "0" * 20 not in page_of(found)


def test_the_chart_draws_each_course_to_its_end(report: TargetReport) -> None:
    above, _ = training_chart.draw(report).axes
    curves = [line for line in above.lines if len(line.get_xdata()) > 2]
    assert [tuple(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in curves] == [
        run.course for run in report.runs
    ]
    assert len({(line.get_color(), line.get_linewidth(), line.get_linestyle()) for line in curves}) == len(curves)
    assert {text.get_text() for text in above.texts} == {"base", "try 3", "try 6", "try 7"}
    assert above.get_title(loc="left").endswith("as the candidate's own training log says")


def test_the_staircase_goes_down_by_what_was_claimed_and_ends_at_what_was_confirmed(report: TargetReport) -> None:
    levels = list(staircase.steps(report))
    assert [at for at, _ in levels] == [0, 3, 6, 7]
    assert levels[0][1] - levels[-1][1] == pytest.approx(report.claimed_gain)
    assert report.confirm
    found = staircase.confirmed(report, levels[0][1])
    assert found[0] == pytest.approx(report.confirm["search"]["head"]["val_bpb"])
    assert found[1] > found[0] > found[2], "the least gain is the highest value"
    below = training_chart.draw(report).axes[1]
    assert f"confirmed\n{found[0]:.4f}" in {text.get_text() for text in below.texts}


def test_the_staircase_of_a_metric_without_noise_is_made_of_its_values(tmp_path: Path) -> None:
    exact = summarise(night(tmp_path, holdout=False))
    levels = list(staircase.steps(exact))
    assert levels[0][1] == exact.base["auc"]
    assert levels[-1][1] == exact.claimed["auc"]
    assert staircase.confirmed(exact, levels[0][1]) == (exact.claimed["auc"],) * 3


def test_a_ratio_is_multiplied(tmp_path: Path) -> None:
    faster = summarise(noisy_night(tmp_path))
    (_, before), *_, (_, after) = staircase.steps(faster)
    assert Metric("seconds", "minimize", compare="ratio").gain(before, after) == pytest.approx(faster.claimed_gain)


@pytest.mark.parametrize("more", [{"verdict": ""}, CASES["training-not-confirmed"], {"underpowered": True}])
def test_a_night_without_a_confirmed_result_has_a_chart_too(more: dict[str, Any], tmp_path: Path) -> None:
    found = summarise(training_night(tmp_path, **{"verdict": "not-confirmed", **more}))
    assert found.runs[0].experiment == 0
    below = training_chart.draw(found).axes[1]
    assert not any("confirmed" in text.get_text() for text in below.texts)


@pytest.mark.parametrize("course_", [((100, 4.0),), ((5, 9.0), (10, 8.0)), ((5, 4.0), (100, 4.0))])
def test_a_short_or_flat_course_is_drawn(course_: Any, report: TargetReport) -> None:
    alike = Run(0, "", report.runs[0].metrics, course_, report.runs[0].beside)
    assert training_chart.training_png(replace(report, runs=(alike, replace(alike, experiment=3))))


def test_labels_at_line_ends_never_lie_on_one_another() -> None:
    found = [(1.0, "a", ""), (1.01, "b", ""), (1.02, "c", ""), (5.0, "d", "")]
    places = [place for place, _ in ends.spread(found, 0.5, 5.0)]
    assert places == [1.0, 1.5, 2.0, 5.0]
    high = [place for place, _ in ends.spread([(4.8, "a", ""), (4.9, "b", "")], 0.5, 5.0)]
    assert high == pytest.approx([4.5, 5.0]), "the top one stays below the top"


def test_the_chart_is_as_wide_as_a_phone_needs_and_repeats(report: TargetReport) -> None:
    from PIL import Image

    png = training_chart.training_png(report)
    assert png == training_chart.training_png(report)
    assert Image.open(io.BytesIO(png)).size[0] == 1200


def test_the_page_beside_the_results_shows_it_by_its_file(report: TargetReport) -> None:
    there = replace(links([report]), charts={}, addresses={}, training={report.name: "training.png"})
    assert "![loss of each kept run, and the staircase of gpt-training](training.png)" in section(report, there)


def test_what_was_screened_is_counted_where_it_has_no_dot(report: TargetReport) -> None:
    screened = replace(report, reasons={**report.reasons, "screened": 4}, tries=report.tries + 4)
    assert chart.drawn(screened).axes[0].get_title(loc="left").endswith("4 of them screened, which have no dot")
    assert "Screened: measured once at a share of the cost" in page_of(screened)
