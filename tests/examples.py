"""The nights that docs/examples shows, as records: what their pages and tables must say follows from their segments.

python -m tests.examples        writes page.md and the results again, as the renderer makes them today
"""

from __future__ import annotations

import re
from pathlib import Path

from bot.night.folder import segment_number
from bot.night.proposing import numbers
from bot.pages import table
from bot.pages.body import Facts, Links, body
from bot.pages.summary import summarise
from bot.pages.wording.text import code
from harness import events
from harness.events import Segment

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NIGHTS = EXAMPLES / "model-nights"
_ROW = re.compile(r"^\| (\d+) \| `([0-9a-f]{8})` \|", re.MULTILINE)


def folders() -> list[Path]:
    """One per night, of one target each."""
    return sorted(path.parent for path in EXAMPLES.glob("*/*/page.md"))


def segments(folder: Path) -> list[Segment]:
    found = [events.read(path) for path in folder.glob("*.jsonl")]
    return sorted(found, key=lambda segment: segment_number(segment.name))


def page(folder: Path) -> str:
    """As `autoresearch report --out` writes it. The commits of rows are in no segment: they are the page's own."""
    found = segments(folder)
    report = summarise(found)
    own = (folder / "page.md").read_text(encoding="utf-8")
    commits = {(report.name, int(number)): commit for number, commit in _ROW.findall(own)}
    charts = {report.name: f"{report.name}-chart.png"} if report.points else {}
    training = {report.name: f"{report.name}-training.png"} if report.runs else {}
    merge = code(f"git merge --no-ff autoresearch/{report.night}") if report.confirmed else ""
    before = Facts(before=numbers.of_night({report.name: found}))
    return body(report.night, [report], Links(merge, "", charts, commits, facts=before, training=training))


def results(folder: Path) -> str:
    return table.results_tsv(segments(folder))


if __name__ == "__main__":
    for night in folders():
        (night / "page.md").write_text(page(night), encoding="utf-8")
        (night / "results.tsv").write_text(results(night), encoding="utf-8")
