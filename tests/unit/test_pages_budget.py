"""A page has a length that a forge takes, whatever the night was, and says what it left out."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.pages import budget
from bot.pages.body import body
from bot.pages.dashboard import Board, dashboard
from bot.pages.facts import Absent, Dropped, Facts
from bot.pages.markers import outside, refreshed, wrapped
from bot.pages.pieces import Piece, Weight, text
from bot.pages.summary import Row, TargetReport, summarise
from tests.invented import NIGHT, REMOVED, night, noisy_night
from tests.pages import cells, links, live, tables

QUIET = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
FREE = st.text(max_size=300)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> list[TargetReport]:
    folder = tmp_path_factory.mktemp("nights")
    return [
        summarise(night(folder, "exact", suspects=2, removed=REMOVED)),
        summarise(noisy_night(folder, "noisy", removed=REMOVED)),
        summarise(night(folder, "lost", verdict="not-confirmed", why="no", suspects=12)),
        summarise(night(folder, "private", private=True)),
    ]


def with_rows(report: TargetReport, number: int, change: str) -> TargetReport:
    row = report.rows[0] if report.rows else Row(1, "", 0.1, 1, 1, (1,), "0" * 40)
    many = tuple(replace(row, number=n, change=change) for n in range(1, number + 1))
    return replace(report, rows=many if report.confirmed else ())


def test_five_thousand_experiments_on_twelve_targets(tmp_path: Path) -> None:
    long = "rename the feature and " + "weigh it differently, " * 15
    one = summarise(night(tmp_path, tries=417, rows=80, text=long, suspects=9))
    reports = [replace(one, name=f"target-{n:02}") for n in range(11)]
    reports.append(summarise(night(tmp_path, "target-11", tries=417, verdict="not-confirmed", why=long)))
    assert sum(report.tries for report in reports) == 5004
    markdown = body(NIGHT, reports, links(reports))
    whole = body(NIGHT, reports, links(reports), 10_000_000)
    assert len(whole) > 2 * budget.LIMIT, "the test has to have something to leave out"
    assert len(markdown) < budget.LIMIT
    assert markdown.splitlines()[:6] == whole.splitlines()[:6]
    for report in reports:
        assert f"\n## {report.name}: {'evidence strong' if report.confirmed else 'not-confirmed'}\n" in markdown
        assert f"| {report.name} | " in markdown
    for report in reports[:-1]:
        assert "| **held-out rows** | 0.7885 | not used | **0.8047** |" in markdown.split(f"## {report.name}:")[1]
    note = next(line for line in markdown.splitlines() if line.startswith("Left out"))
    assert "near misses (" in note
    assert "rows (" in note
    assert note.endswith(f"`autoresearch report {NIGHT}`.")
    assert re.search(r"^\| \| and \d\d more \|", markdown, re.MULTILINE), "a table says how much of it is gone"
    assert "**Merge:**" in markdown
    assert f"{one.tries - one.kept} reverted: " in markdown, "what was folded leaves its first line"


def test_what_fits_is_left_alone(kinds: list[TargetReport]) -> None:
    markdown = body(NIGHT, kinds, links(kinds))
    assert "Left out" not in markdown
    assert body(NIGHT, kinds, links(kinds), len(markdown)) == markdown
    assert "Left out" in body(NIGHT, kinds, links(kinds), len(markdown) - 1)


def test_it_goes_by_rule() -> None:
    folded = [Piece([f"folded {n} " + "x" * 500], Weight.FOLDED, f"t{n}", "folds") for n in range(4)]
    table = Piece(["| a |", "|---|"], Weight.SECTION, "t0", "rows", [f"| row {n} {'y' * 40} |" for n in range(200)])
    words = Piece(["words " + "z" * 500], Weight.WORDS, "t0", "words")
    page = [Piece(["verdict"], Weight.FIRST), *folded, table, words, Piece(["end"], Weight.FIRST)]
    size = len(text(page))

    def left(limit: int) -> str:
        return budget.fit(page, NIGHT, limit)

    assert "folded 2" in left(size - 1)
    assert "folded 3" not in left(size - 1), "from the page's end"
    without = left(size - 4 * 500)
    assert "folded" not in without.replace("(", "")
    assert "row 99 " in without
    assert "words z" in without
    small = left(3_000)
    assert "row 99 " not in small
    assert "row 0 " in small
    for limit in range(100, size, 499):
        fitted = left(limit)
        assert len(fitted) <= limit
        assert fitted.startswith("verdict\n")
    assert left(size - 1).endswith("end\n")
    assert left(10) == "verdict\n"


@QUIET
@given(st.data())
def test_any_night_fits(kinds: list[TargetReport], data: st.DataObject) -> None:
    change, targets = data.draw(FREE), data.draw(st.sampled_from([0, 1, 3, 12, 60, 300]))
    number = data.draw(st.sampled_from([0, 1, 5, 100, 400])) if targets <= 60 else 1
    reports = [
        replace(with_rows(kinds[n % len(kinds)], number, change), name=f"target-{n:03}", why=change, proposer=change)
        for n in range(targets)
    ]
    dropped = tuple(Dropped("target-000", n, change, change) for n in data.draw(st.sampled_from([(), range(1, 900)])))
    absent = tuple(Absent(f"gone-{n}", "infra", change) for n in range(data.draw(st.sampled_from([0, 2, 400]))))
    known = links(reports, Facts(commands=True, dropped=dropped, absent=absent))
    limit = data.draw(st.sampled_from([2_000, 8_000, 30_000, budget.LIMIT]))
    markdown = body(NIGHT, reports, known, limit)
    assert len(markdown) <= limit
    if limit >= 8_000:
        assert markdown.splitlines()[:6] == body(NIGHT, reports, known, 10**9).splitlines()[:6]
        for head, *rest in tables(markdown):
            assert {cells(line) for line in rest} <= {cells(head)}
        assert markdown.count("<details>") == markdown.count("</details>")
        assert markdown.count("```sh") * 2 == len(re.findall(r"^```", markdown, re.MULTILINE))
        assert live(markdown) <= {"a link", "a picture", "strong or struck text"}


@QUIET
@given(st.lists(st.tuples(st.sampled_from(Weight), st.lists(FREE, max_size=5), st.lists(FREE, max_size=200))))
def test_any_pieces_fit(found: list[tuple[Weight, list[str], list[str]]]) -> None:
    page = [Piece(lines, weight, "t", "w", [f"| {row} |" for row in rows]) for weight, lines, rows in found]
    page.append(Piece(["the end"], Weight.FIRST))
    for limit in (1, 50, 1_000, 20_000):
        assert len(budget.fit(page, NIGHT, limit)) <= limit


def test_a_dashboard_of_many_targets_fits(kinds: list[TargetReport]) -> None:
    reports = [replace(kinds[0], name=f"target-{n:04}") for n in range(2_000)]
    markdown = dashboard(Board(NIGHT, reports=reports, paused={"target-0001": "x" * 9_000}))
    assert len(markdown) <= budget.LIMIT
    assert "Last night seen" in markdown
    assert "more |" in markdown


_PARTS = [
    "a",
    " ",
    "`",
    "@ada",
    "\r\n",
    "\n",
    "|",
    "\u05d0",
    "<!-- ",
    " -->",
    "autoresearch:v1 night=a",
    "autoresearch:end",
]
HUMAN = st.lists(st.sampled_from(_PARTS), max_size=30).map("".join)


@settings(deadline=None)
@given(HUMAN, HUMAN, FREE, FREE)
def test_what_others_wrote_stays_to_the_byte(above: str, below: str, old: str, new: str) -> None:
    above = f"{above}\n" if above else ""
    old, new = (" ".join(one.split()) for one in (old, new))
    there = f"{above}{wrapped('night=a', old)}{below}"
    assert outside(there) == (above, below)
    assert (
        refreshed(there, lambda _limit: wrapped("night=b", new), 60_000) == f"{above}{wrapped('night=b', new)}{below}"
    )


@pytest.mark.parametrize(
    ("body_there", "before", "after"),
    [
        ("", "", ""),
        ("only a human", "", "only a human"),
        ("a\n<!-- autoresearch:v1 night=x -->\nno end", "", "a\n<!-- autoresearch:v1 night=x -->\nno end"),
        (f"a\n{wrapped('night=x', 'y')}b", "a\n", "b"),
        (f"a\r\n{wrapped('night=x', 'y')}b".replace("-->\n", "-->\r\n"), "a\r\n", "b"),
        (wrapped("night=x", "y").rstrip(), "", ""),
        (f"{wrapped('night=x', 'y')}pasted:\n{wrapped('night=x', 'y')}", "", f"pasted:\n{wrapped('night=x', 'y')}"),
        (f"> {wrapped('night=w', 'y')}\n{wrapped('night=x', 'z')}", None, ""),
        (f"{wrapped('night=x', 'see <!-- autoresearch:end night=x -->')}b", "", "b"),
        (f"{wrapped('night=x', '<!-- autoresearch:end night=y -->')}b", "", "b"),
    ],
)
def test_markers(body_there: str, before: str | None, after: str) -> None:
    found = outside(body_there)
    assert found[1] == after
    if before is None:
        assert found[0].startswith("> <!--"), "a marker that somebody quoted is no marker"
    else:
        assert found[0] == before


def test_the_bots_part_makes_room_for_the_words_of_others(kinds: list[TargetReport]) -> None:
    reports = [replace(kinds[0], name=f"target-{n:02}") for n in range(12)]
    human = "a word " * 5_000
    whole = refreshed(human, partial(body, NIGHT, reports, links(reports)), budget.LIMIT)
    assert whole.endswith(human)
    assert len(whole) <= budget.LIMIT
    assert "Left out" in whole
