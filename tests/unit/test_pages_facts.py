"""The page of a pull request on a forge: golden bodies for what a forge, the plan and comments add."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.night.loop.progress import Progress
from bot.pages.body import MOST_TITLE, body, title
from bot.pages.charts import chart
from bot.pages.dashboard import Board, Protection, dashboard, states
from bot.pages.facts import Absent, Dropped, Facts, Minutes, Moved, MovedHow, Pull
from bot.pages.markers import refreshed
from bot.pages.summary import TargetReport, summarise
from bot.pages.tally import Point
from bot.pages.target import rows
from bot.pages.verdict import verdict
from bot.pages.wording import figures
from harness.events import GENESIS, Segment
from harness.folds import loop_state
from harness.rule import Metric, Rule
from tests.invented import NIGHT, REMOVED, SECONDS, night, noisy_night
from tests.pages import SITE, cells, check_golden, links, outside_code, tables

Make = Callable[[Path], list[Any]]
HEARD = Facts(commands=True)
OLD = Pull(12, f"{SITE}/pull/12")
TWO = [partial(night, name="alpha"), partial(noisy_night, name="beta")]
SECONDS_APART = replace(SECONDS, metrics=tuple(replace(metric, compare="difference") for metric in SECONDS.metrics))
WITHHELD_LINE = "The rows are private: amounts stand as changes in percent"
WORSE = "guard hhi of 3,990 is above its limit of 3,960"


@dataclass(frozen=True)
class Case:
    """advice: what the verdict must be."""

    makes: tuple[Make, ...]
    facts: Facts
    advice: str = "merge"


CASES = {
    "forge-strong": Case((night,), replace(HEARD, minutes=Minutes(17, 90))),
    "forge-two-targets": Case(tuple(TWO), replace(HEARD, minutes=Minutes(34, 180))),
    "weak": Case((partial(night, held=0.0065, look=None),), HEARD, "recheck"),
    "do-not-merge": Case(
        (partial(night, verdict="not-confirmed", why=WORSE),), replace(HEARD, rechecked=True), "do-not-merge"
    ),
    "base-changed-the-score": Case((night,), replace(HEARD, moved=Moved("e" * 40, "lock")), "do-not-merge"),
    "one-target-failed": Case(
        (night,), replace(HEARD, absent=(Absent("gamma", "infra", "the job ended without a record: exit 137"),))
    ),
    "runner-absent": Case(
        (night,),
        replace(HEARD, absent=(Absent("on-gpu", "runner-absent", "no runner with [self-hosted, gpu] for 24 h"),)),
    ),
    "base-moved": Case((night,), replace(HEARD, moved=Moved("e" * 40, "conflict")), "do-not-merge"),
    "dropped": Case(
        tuple(TWO), replace(HEARD, dropped=(Dropped("alpha", 4, "feature_4: 5 -> 10", "ada"),)),
    ),
    "squash-only": Case((night,), replace(HEARD, squash_only=True)),
    "private": Case((partial(night, private=True, suspects=1),), HEARD),
    "private-noisy": Case((partial(noisy_night, private=True, rule=SECONDS_APART),), HEARD),
    "forge-taken-out": Case(
        (
            partial(night, name="alpha", removed=REMOVED, suspects=2),
            partial(noisy_night, name="beta", removed=REMOVED, suspects=2),
        ),
        HEARD,
    ),
    "superseding": Case((night,), replace(HEARD, supersedes=OLD)),
    "twelve-targets": Case(
        (
            *(partial(night, name=f"target-{number:02}", rows=2 + number % 3) for number in range(9)),
            partial(noisy_night, name="target-09"),
            partial(night, name="target-10", verdict="not-confirmed", why=WORSE),
            partial(night, name="target-11", verdict="integrity", why="the lock differs", holdout=False),
        ),
        replace(HEARD, absent=(Absent("target-12", "sleeping"),)),
    ),
}  # fmt: skip


def made(case: Case, folder: Path) -> list[TargetReport]:
    return [summarise(make(folder)) for make in case.makes]


@pytest.mark.parametrize("name", CASES)
def test_golden_body(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    reports = made(case, tmp_path)
    text = body(NIGHT, reports, links(reports, case.facts))
    check_golden(name, f"{title(NIGHT, reports)}\n\n{text}")
    assert verdict(reports, case.facts).advice == case.advice
    assert f"**{verdict(reports, case.facts).says}**" in text.splitlines()[1]
    for head, *rest in tables(text):
        assert {cells(line) for line in rest} == {cells(head)} <= set(range(6))
    check_mail(text)


def check_mail(text: str) -> None:
    """The first five lines after the marker, as a mail without any markup shows them."""
    first = [line.strip() for line in text.splitlines()[1:6] if line.strip()]
    end = next((number for number, line in enumerate(first) if line.startswith(("#", "|"))), len(first))
    assert end >= 2, "a verdict and a cost at least"
    for line in first[:end]:
        assert len(line) < 240
        assert not re.search(r"[|<>]|\]\(|^#", line.replace("->", "")), line


def test_a_row_that_was_dropped_keeps_its_number_and_no_other_gets_it(tmp_path: Path) -> None:
    reports = made(CASES["dropped"], tmp_path)
    alpha = replace(reports[0], rows=(reports[0].rows[0], *reports[0].rows[2:]))
    facts = replace(HEARD, dropped=(Dropped("alpha", 2, "feature_2: 5 -> 8", "ada"),))
    table = rows.table(alpha, links(reports, facts)).rows
    assert [re.findall(r"\d+", row)[0] for row in table] == ["1", "2", "3"]
    assert table[1] == "| ~~2~~ | ~~`feature_2: 5 -> 8`~~ | dropped by `ada` |"


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ((), "Merging publishes nothing. "),
        (("beta", "alpha"), "Merging tags alpha, beta, and publishes nothing else. "),
    ],
)
def test_what_a_merge_publishes_is_in_the_first_lines(tags: tuple[str, ...], says: str, tmp_path: Path) -> None:
    reports = [summarise(make(tmp_path)) for make in TWO]
    text = body(NIGHT, reports, links(reports, replace(HEARD, tags=tags)))
    assert any(line.startswith(says) for line in text.splitlines()[1:6])
    check_mail(text)


@pytest.mark.parametrize("commands", [True, False])
def test_rows_of_all_targets_count_on_and_a_row_is_reproduced_by_the_number_it_has(
    tmp_path: Path, *, commands: bool
) -> None:
    reports = [summarise(night(tmp_path, name=name)) for name in ("alpha", "beta")]
    text = body(NIGHT, reports, links(reports, Facts(commands=commands)))
    shown = [int(found) for found in re.findall(r"^\| \[(\d+)\]", text, re.MULTILINE)]
    assert shown == list(range(1, 1 + sum(len(report.rows) for report in reports)))
    first = 1 + len(reports[0].rows)
    assert f"# row {first}, measured again from scratch\nautoresearch reproduce {NIGHT}/beta#{first}\n" in text
    assert ("/drop" in text) is commands


def test_what_is_one_reads_as_one(tmp_path: Path) -> None:
    reports = made(CASES["dropped"], tmp_path)
    gone = [Dropped("alpha", row, "feature: 5 -> 8", "ada") for row in (2, 3)]
    one, two = (body(NIGHT, reports, links(reports, replace(HEARD, dropped=tuple(gone[:n])))) for n in (1, 2))
    assert "Without row 2; the rest" in one
    assert "Without rows 2, 3; the rest" in two
    exact = summarise(night(tmp_path / "exact", holdout=False))
    assert "; 40 tries were compared exactly." in body(NIGHT, [exact], links([exact]))
    single = replace(exact, tries=1, points=exact.points[:1])
    text = body(NIGHT, [single], links([single]))
    assert "; 1 try was compared exactly." in text
    first = exact.points[0].experiment
    assert f"# experiment {first}, kept or not\nautoresearch reproduce {NIGHT}/{exact.name}/{first}\n" in text
    assert "kept or not" not in body(NIGHT, [replace(exact, points=())], links([exact]))


@pytest.mark.parametrize("make", [night, noisy_night])
def test_a_target_that_never_began_says_why(make: Make, tmp_path: Path) -> None:
    header = make(tmp_path)[0].events[0]
    seal = {"event": "seal", "end": "reviewers-behind", "why": "pull request #7 is in a human's hands"}
    report = summarise([Segment("1-run", (header, seal), GENESIS, 0, None)])
    text = body(NIGHT, [report], links([report]))
    assert f"## {report.name}: reviewers-behind\n\nWhy: `pull request #7 is in a human's hands`" in text
    assert "confirm has not run" not in text


def test_a_refreshed_page_keeps_what_a_human_wrote(tmp_path: Path) -> None:
    reports = made(CASES["forge-strong"], tmp_path)
    first = body(NIGHT, reports, links(reports))
    above, below = "Ada: looks fine to me.\r\n\r\n", "\r\n- [ ] ask Bob\r\n"
    written = above + first.replace("\n", "\r\n") + below
    again = refreshed(written, partial(body, NIGHT, reports, links(reports, replace(HEARD, supersedes=OLD))), 60_000)
    check_golden("refreshed", again.replace("\r\n", "\n"))
    assert again.startswith(above)
    assert again.endswith(below)
    assert again.count("autoresearch:v1") == 1


def test_a_title_of_many_targets_is_short_enough_for_a_forge(tmp_path: Path) -> None:
    report = made(CASES["forge-strong"], tmp_path)[0]
    for number in (1, 3, 12, 250):
        many = [replace(report, name=f"target-{n}") for n in range(number)]
        assert len(title(NIGHT, many)) <= MOST_TITLE
    assert title(NIGHT, many).endswith("more targets")
    assert title(NIGHT, [replace(report, name="t" * 300)]).endswith("1 target confirmed")


@pytest.mark.parametrize(("how", "advice"), [(None, "merge"), ("conflict", "do-not-merge"), ("lock", "do-not-merge")])
def test_what_a_base_that_moved_makes_of_a_verdict(how: MovedHow | None, advice: str, tmp_path: Path) -> None:
    strong = made(CASES["forge-strong"], tmp_path / "strong")
    weak = made(CASES["weak"], tmp_path / "weak")
    facts = replace(HEARD, moved=Moved("e" * 40, how) if how else None)
    assert (verdict(strong, facts).advice, verdict(strong, facts).strong) == (advice, True)
    assert verdict(weak, facts).advice == ("recheck" if advice == "merge" else advice)
    assert not verdict(weak, facts).strong
    assert (verdict([], facts).advice, verdict([], replace(facts, rechecked=True)).advice) == (
        "nothing",
        "do-not-merge",
    )


def test_a_private_page_tells_no_amount(tmp_path: Path) -> None:
    report = made(CASES["private"], tmp_path)[0]
    text = body(NIGHT, [report], links([report]))
    open_text = body(NIGHT, [replace(report, private=False)], links([report]))
    for figure in ("3,953", "3,990", "11,785"):
        assert figure in open_text, "the control: an open page has them"
        assert figure not in text
    assert "hhi +0.94\u00a0% (worse)" in text
    assert "0.7885 -> 0.8047" in text, "a share stands as it is"


def test_a_private_page_of_a_noisy_target_tells_no_amount(tmp_path: Path) -> None:
    """The base has 1.23 s, 211 MB and 100 answers: differences in these units stand in percent of them."""
    rule = replace(SECONDS_APART, metrics=(replace(SECONDS_APART.primary, min_effect=0.0), *SECONDS_APART.metrics[1:]))
    texts = {}
    for private in (True, False):
        make = partial(noisy_night, tmp_path / f"{private}", rule=rule, private=private, suspects=1, removed=REMOVED)
        report = summarise(make())
        texts[private] = f"{title(NIGHT, [report])}\n{body(NIGHT, [report], links([report]))}".replace("\u00a0", " ")
        assert (WITHHELD_LINE in texts[private]) == private
    moved = re.compile(r"(seconds|memory_mb|answers) [+-][\d.,]+(?! %|[\d.,])|\| [+-]?0\.\d+ \|")
    assert moved.search(texts[False])
    assert not moved.search(texts[True])
    assert "1.23" in texts[False]
    assert "1.23" not in texts[True]
    assert re.search(r"seconds -1\d\.\d %, 95 % interval", texts[True])


@pytest.mark.parametrize("make", [night, partial(noisy_night, rule=SECONDS_APART)])
def test_a_chart_of_private_amounts_has_no_scale_of_them(make: Make, tmp_path: Path) -> None:
    report = summarise(make(tmp_path))
    if not report.noise:
        report = replace(report, rule=replace(report.rule, metrics=report.rule.metrics[2:]), points=amounts(report))
    for private in (True, False):
        drawn = chart.drawn(replace(report, private=private))
        drawn.canvas.draw()
        tries, *result = drawn.axes
        scales = [tries.get_yticklabels(), *(axes.get_xticklabels() for axes in result)]
        assert [any(label.get_text() for label in scale) for scale in scales] == [not private] * len(scales)
        assert any(label.get_text() for label in tries.get_xticklabels()), "tries are counted"


def amounts(report: TargetReport) -> tuple[Point, ...]:
    return tuple(replace(point, value=3953.0 + point.experiment) for point in report.points)


def test_the_progress_of_private_rows_tells_no_amount(tmp_path: Path) -> None:
    state = loop_state(night(tmp_path / "exact"))
    hhi, auc = Metric("hhi", "minimize"), Metric("auc", "maximize")
    said = {
        (metric.name, private): Progress("t", metric, 40, private=private, quiet=True).line(state, 0.0)
        for metric in (hhi, auc) for private in (True, False)
    }  # fmt: skip
    assert "hhi 3953 -> 3990," in said["hhi", False]
    assert "hhi +0.94 %," in said["hhi", True]
    assert said["auc", True] == said["auc", False]
    noisy = loop_state(noisy_night(tmp_path / "noisy", rule=SECONDS_APART))
    line = Progress("t", SECONDS_APART.primary, 40, rule=SECONDS_APART, private=True, quiet=True).line(noisy, 0.0)
    assert re.search(r"seconds -\d+\.\d % claimed", line)


@pytest.mark.parametrize(
    ("base", "amount", "said"),
    [
        (0.7, 0.01, "+0.01"),
        (0.7, 1.5, "+214.29 %"),
        (0.0, 37.5, "off 0"),
        (0.0, 0.5, "+0.5"),
        (4000.0, -40.0, "-1.00 %"),
    ],
)
def test_a_gain_that_leaves_the_shares_is_no_share(base: float, amount: float, said: str) -> None:
    metric = Metric("m", "maximize")
    known = figures.Known(private=True, rule=Rule("primary", (metric,)), base={"m": base})
    assert figures.amount(known, metric, amount) == said
    assert (figures.withheld(known, base, abs(amount))) == (said[-1] in "%0")
    assert figures.amount(replace(known, base={}), metric, amount) == "not shown"
    assert figures.amount(replace(known, private=False), metric, amount) == f"{amount:+.6g}"


def test_a_dashboard(tmp_path: Path) -> None:
    nights = [summarise(night(tmp_path / f"{day}", "alpha", date=f"2026-11-{day}")) for day in (18, 19)]
    nights += [
        summarise(night(tmp_path / f"{day}", "beta", verdict="not-confirmed", why="x", date=f"2026-11-{day}"))
        for day in (18, 19, 20)
    ]
    board = Board(
        NIGHT,
        {"alpha": "reviewers-behind", "beta": "sleeping", "gamma": "runner-absent"},
        ("alpha", "beta", "gamma"),
        nights,
        asleep={"beta": "since 2026-11-20: 5 nights without a keep"},
        paused={"gamma": "realised less than half of what was claimed, 3 merges in a row"},
        pulls=((OLD, "2026-11-18", "approved"), (Pull(13), "2026-11-19", "waiting")),
        minutes=Minutes(61, 300),
        protections=(
            Protection("the default branch takes no push without a review", holds=True),
            Protection("the records branch only grows", holds=False, cure="Settings > Rules > Rulesets > New"),
            Protection("secrets belong to the environment", holds=None),
        ),
    )
    text = dashboard(board)
    check_golden("dashboard", text)
    check_golden("dashboard-empty", dashboard(Board("", targets=("alpha",))))
    found = {state.name: state for state in states(("alpha", "beta", "gamma"), nights)}
    assert found["alpha"].confirmed == "2026-11-19"
    assert (found["beta"].barren, found["beta"].confirmed) == (3, "")
    assert f"{sum(report.tries for report in nights)} tries" in text
    assert "octocat" not in outside_code(dashboard(replace(board, paused={"gamma": "@octocat [x](http://x)"})))
