"""What tests of pages share: golden files, links as a forge makes them, and a page as a Markdown parser sees it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bot.pages.facts import Facts, Links
from bot.pages.summary import TargetReport

GOLDEN = Path(__file__).resolve().parent / "golden"
SITE = "https://github.example/ada/shop"


def links(reports: Sequence[TargetReport], facts: Facts | None = None) -> Links:
    """As a forge on the web makes them."""
    commits = {(r.name, row.number): f"{row.number:x}a".rjust(8, "c") * 5 for r in reports for row in r.rows}
    rows = sum(len(report.rows) for report in reports)
    return Links(
        merge="tags nothing, publishes nothing; the next night starts from the merged files.",
        close=f"these {rows} rows are not proposed again; the label `retry` undoes it.",
        charts={r.name: f"{SITE}/raw/{'d' * 40}/results/{r.name}/chart.png" for r in reports if r.points},
        commits=commits,
        addresses={place: f"{SITE}/commit/{commit}" for place, commit in commits.items()},
        facts=facts or Facts(commands=True),
    )


def check_golden(name: str, text: str) -> None:
    """Against tests/golden/<name>.md, which UPDATE_GOLDEN=1 writes anew."""
    path = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def outside_code(markdown: str) -> str:
    """A page's text less its code spans and fences, as a Markdown parser sees them; links and pictures are marked."""
    from markdown_it import MarkdownIt

    found = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown):
        if token.type == "html_block":
            found.append(token.content)
        for child in token.children or []:
            if child.type != "code_inline":
                found.append(f"<{child.type}>{child.content}{''.join(map(str, child.attrs.values()))}")
    return "\n".join(found)
