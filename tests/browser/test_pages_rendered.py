"""Pages in a real browser, laid out as on a forge: no table wider than a phone, the verdict on the first screen."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bot.pages.body import body
from bot.pages.summary import summarise
from bot.pages.web import page
from harness import browser
from harness.browser import Chromium, Resource, Site
from tests.hostile import TEXTS
from tests.invented import NIGHT, night
from tests.pages import GOLDEN, links

PATIENCE = 60.0
STYLE = (Path(__file__).parents[1] / "github.css").read_text(encoding="utf-8")
PAGES = (
    "forge-strong", "forge-two-targets", "forge-taken-out", "weak", "do-not-merge", "one-target-failed", "base-moved",
    "dropped", "private", "twelve-targets", "dashboard", "forge-containers",
)  # fmt: skip
OWN = (
    "strong",
    "noisy-confirmed",
    "suspects",
    "ablated",
    "hostile",
    "containers",
    "training",
    "training-on-a-card",
)  # opened from a folder, without a forge
WIDE = """() => [document.documentElement, ...document.querySelectorAll('table')]
    .filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 200))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browser.sandboxed() as found:
        yield found


def golden(name: str) -> str:
    """A golden body, without the title above it."""
    text = (GOLDEN / f"{name}.md").read_text(encoding="utf-8")
    return text[text.index("<!-- autoresearch:v1") :]


def document(markdown: str, *, unfolded: bool) -> str:
    inner = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    inner = inner.replace("<details>", "<details open>") if unfolded else inner
    top = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f'{top}<style>{html.escape(STYLE)}</style><div class="comment">{inner}</div>'


def shown(chromium: Chromium, text: str, width: int) -> Site:
    site = chromium.open({"/": Resource(text.encode(), "text/html")}, width=width, height=800)
    site.page.goto(f"{site.origin}/")
    return site


@pytest.mark.parametrize("width", [390, 1000])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_screen(name: str, width: int, chromium: Chromium) -> None:
    with chromium.within(PATIENCE):
        site = shown(chromium, document(golden(name), unfolded=True), width)
        assert site.page.evaluate(WIDE) == []
        first = site.page.locator("strong").first.bounding_box()
    assert first is not None
    assert first["y"] + first["height"] < 400


@pytest.mark.parametrize("name", OWN)
def test_a_page_without_a_forge_fits_a_phone(name: str, chromium: Chromium) -> None:
    with chromium.within(PATIENCE):
        text = page("autoresearch", golden(name)).replace("<details>", "<details open>")
        assert shown(chromium, text, 390).page.evaluate(WIDE) == []


def test_long_names_fit_too(chromium: Chromium, tmp_path: Path) -> None:
    report = summarise(night(tmp_path, text="days_since_last_order 5 -> 25"))
    rows = tuple(replace(row, change="days_since_last_order: 5 -> 25") for row in report.rows)
    markdown = body(NIGHT, [replace(report, rows=rows)], links([report]))
    with chromium.within(PATIENCE):
        assert shown(chromium, document(markdown, unfolded=True), 390).page.evaluate(WIDE) == []


def test_the_control_sees_a_table_that_is_too_wide(chromium: Chromium) -> None:
    table = f"| a | b |\n|---|---|\n| {'x' * 60} | y |\n"
    with chromium.within(PATIENCE):
        assert len(shown(chromium, document(table, unfolded=True), 390).page.evaluate(WIDE)) == 1


def test_a_page_of_hostile_texts_makes_nothing(chromium: Chromium, tmp_path: Path) -> None:
    """Every text in one page: no element but those that a page has, no script, nothing asked for."""
    report = summarise(night(tmp_path, rows=3))
    row = report.rows[0]
    rows = tuple(replace(row, number=n, change=text) for n, text in enumerate(TEXTS.values(), start=1))
    markdown = body(NIGHT, [replace(report, rows=rows, points=())], links([replace(report, points=())]))
    with chromium.within(PATIENCE):
        for text in (document(markdown, unfolded=True), page("t", markdown)):
            site = shown(chromium, text, 1000)
            tags = set(site.page.evaluate("() => [...document.body.querySelectorAll('*')].map(one => one.tagName)"))
            assert not tags & {"IMG", "SCRIPT", "IFRAME", "FORM", "INPUT", "SVG", "H1", "BLOCKQUOTE"} - {"H1"}
            links_ = site.page.evaluate("() => [...document.querySelectorAll('a')].map(one => one.href)")
            assert not [link for link in links_ if "evil" in link or link.startswith("javascript")]
            assert site.page.evaluate("() => document.querySelectorAll('tbody tr').length") >= len(TEXTS)
            assert [url for url in site.refused if not url.endswith("favicon.ico")] == []
