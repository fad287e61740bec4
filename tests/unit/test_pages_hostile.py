"""Hostile text in every free field of every page: it is read, and does nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.night import propose
from bot.pages.body import body, section, title
from bot.pages.dashboard import Board, Protection, dashboard
from bot.pages.facts import Absent, Dropped, Facts, Pull
from bot.pages.markers import outside
from bot.pages.summary import TargetReport, summarise
from bot.pages.target.models import Failed
from bot.pages.web import page
from bot.pages.wording.text import label, plain
from tests.hostile import TEXTS
from tests.invented import NIGHT, REMOVED, night, noisy_night
from tests.pages import cells, links, live, outside_code, tables

each_text = pytest.mark.parametrize("name", TEXTS)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[TargetReport]:
    """Confirmed and not, exact and noisy, each with suspects and something taken out."""
    folder = tmp_path_factory.mktemp("nights")
    unproven: dict[str, Any] = {"suspects": 1, "removed": REMOVED}
    return [
        summarise(night(folder, "alpha", **unproven)),
        summarise(noisy_night(folder, "beta", **unproven)),
        summarise(night(folder, "gamma", verdict="not-confirmed", **unproven)),
        summarise(noisy_night(folder, "delta", verdict="not-confirmed", **unproven)),
        summarise(noisy_night(folder, "epsilon", underpowered=True, verdict="underpowered")),
    ]


def said(report: TargetReport, text: str) -> TargetReport:
    """The report with the text in every field that somebody may write freely."""
    confirm = dict(report.confirm or {}) | {"why": text}
    ablation = confirm.get("ablation")
    if ablation:
        removed = [{**entry, "change": text, "why": text} for entry in ablation["removed"]]
        confirm["ablation"] = {**ablation, "says": text, "removed": removed}

    def event(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "description": text, "why": text, "reason": "guard"}

    return replace(
        report, confirm=confirm, why=text, end_why=text, owner=text, proposer=text, file=text,
        rows=tuple(replace(row, change=text) for row in report.rows),
        near_misses=tuple(map(event, report.near_misses)), suspects=tuple(map(event, report.suspects)),
        commit=text, lock=text, harness=text, seal=text, failed=Failed(2, text),
    )  # fmt: skip


def facts(text: str) -> Facts:
    dropped, absent = Dropped("alpha", 9, text, text), Absent("zeta", "infra", text)
    return Facts(commands=True, dropped=(dropped,), absent=(absent,))


@each_text
def test_nothing_of_it_is_live_on_a_page(name: str, nights: list[TargetReport]) -> None:
    text = TEXTS[name]
    reports = [said(report, text) for report in nights]
    known = replace(links(reports, facts(text)), includes=(("alpha", text),))
    markdown = body(NIGHT, reports, known)
    quiet = [said(report, "quiet") for report in nights]
    usual = live(body(NIGHT, quiet, replace(links(quiet, facts("quiet")), includes=(("alpha", "quiet"),))))
    assert live(markdown) == usual <= {"a link", "a picture", "strong or struck text"}
    shape = re.sub(r"`+ ?.*? ?`+", "", outside_code(markdown))
    assert "octocat" not in shape
    assert "evil" not in shape
    words = max(re.split(r"[`|\\]", plain(text, 40).removesuffix("...")), key=len)
    assert words in markdown, "the text is not even shown: the test proves nothing"
    assert outside(f"above\n{markdown}below") == ("above\n", "below")
    assert max(map(len, markdown.splitlines())) < 2_000
    for line in markdown.splitlines():
        assert not line.startswith(("::", "##[", "/drop", "/recheck"))
    for head, *rest in tables(markdown):
        assert cells(head) <= 5
        assert {cells(line) for line in rest} == {cells(head)}, rest
    assert "<script" not in page("t", markdown)
    assert not live(title(NIGHT, reports))


@each_text
def test_the_control_sees_it_where_it_stands_free(name: str) -> None:
    assert live(TEXTS[name].encode("utf-16", "surrogatepass").decode("utf-16", "replace")), name


@each_text
def test_nothing_of_it_is_live_on_the_dashboard_or_in_a_section(name: str, nights: list[TargetReport]) -> None:
    text = TEXTS[name]
    board = Board(
        NIGHT, {"alpha": "infra"}, ("alpha",), [said(report, text) for report in nights],
        pulls=((Pull(3), text, text),), asleep={"alpha": text}, paused={"beta": text},
        protections=(Protection("a rule", holds=False, cure=text),),
    )  # fmt: skip
    assert live(dashboard(board)) <= {"strong or struck text", "a reference"}
    for head, *rest in tables(dashboard(board)):
        assert {cells(line) for line in rest} == {cells(head)}, rest
    assert live(section(said(nights[0], text), links(nights))) <= {"a link", "a picture", "strong or struck text"}


@each_text
def test_nothing_of_it_is_live_in_a_commit_message(name: str, nights: list[TargetReport]) -> None:
    change = TEXTS[name]
    row = propose.Row(SimpleNamespace(name="alpha"), 1, change, b"", (6,), 0.1)  # type: ignore[arg-type]
    text = propose.message(row, NIGHT, nights[0])
    usual = propose.message(replace(row, change="quiet"), NIGHT, nights[0])
    subject, _, rest = text.partition("\n")
    assert rest == usual.partition("\n")[2], "it reaches the first line only, so that it cannot be a trailer"
    assert len(subject) <= 200
    assert not re.search(r"(?<!\w)@\w|#\d|\bGH-\d|\[[^\]]*\]|://|www\.\w", subject, re.IGNORECASE)
    assert plain(subject, 1000) == subject


def test_the_control_of_the_commit_message(nights: list[TargetReport], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propose, "inert", lambda text: text)
    row = propose.Row(SimpleNamespace(name="alpha"), 1, "fixes #1 @ada", b"", (6,), 0.1)  # type: ignore[arg-type]
    assert "fixes #1 @ada" in propose.message(row, NIGHT, nights[0])


@pytest.mark.parametrize("name", ["auc", "precision@20", "arpa.gold", "p-95", "a_b", "the weighted score"])
def test_a_usual_name_stands_as_it_is(name: str) -> None:
    assert label(name) == name
    assert not live(label(name))


@pytest.mark.parametrize("name", ["p-@octocat", "www.evil.com", "eve@evil.com", "a.@ada", "a_", "x@20.de", "fix#1"])
def test_a_name_with_something_in_it_stands_as_code(name: str) -> None:
    assert label(name) == f"`{name}`"
