"""What tests of pages share: golden files, links as a forge makes them, and a page as a Markdown parser sees it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.night.proposing import numbers
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
        facts=numbered(reports, facts or Facts(commands=True)),
    )


def numbered(reports: Sequence[TargetReport], facts: Facts) -> Facts:
    """With the numbers of rows counted on, as what puts a page together counts them."""
    highest = {report.name: max((row.number for row in report.rows), default=0) for report in reports}
    for gone in facts.dropped:
        highest[gone.target] = max(highest.get(gone.target, 0), gone.row)
    return replace(facts, before=numbers.before(highest))


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
        if token.type in ("fence", "code_block") and token.info != "sh":
            found.append(f"<fence>{token.info}")
        for child in token.children or []:
            if child.type != "code_inline":
                found.append(f"<{child.type}>{child.content}{' '.join(map(str, child.attrs.values()))}")
    return "\n".join(found)


def cells(line: str) -> int:
    """The cells of a table's line, as the most widely used parser counts them: a backslash takes one sign with it."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return 1 + len(re.sub(r"\\[!-/:-@\[-`{-~]|[^|]", "", inner))


def tables(markdown: str) -> list[list[str]]:
    """The lines of every table."""
    return [found[0].splitlines() for found in re.finditer(r"(?:^\|.*\n)+", markdown, re.MULTILINE)]


_OURS = re.compile(r"</?(details|summary)>|<!-- autoresearch:(v1|end) [a-z0-9=-]+ -->")
_LIVE = {
    "a mention": r"(?<![\w`])@[A-Za-z0-9]",
    "a reference": r"(?<!\w)#\d|\w#\d|(?i:\bgh-\d)",
    "a closing word": r"(?i)\b(close[sd]?|fix(e[sd])?|resolve[sd]?)\b\W{1,5}(\S+/\S+|#\d|gh-\d)",
    "an address": r"(?i)https?:|www\.|\bftp:|javascript:|mailto:|[\w.]@[a-z]\w*\.",
    "a link": "<link_open>",
    "a picture": "<image>",
    "HTML": r"<(?!\w+(_open|_close)?>|fence>|softbreak>|hardbreak>)",
    "strong or struck text": "<(strong|em|s)_open>",
    "a commit": r"\b[0-9a-f]{7,40}\b",
    "an emoji's name": r":[a-z_]{2,}:",
    "mathematics": r"\$[^\s\d]|\$\$",
    "a hidden character": "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u2800\u3164]",
    "a fence": "<fence>",
    "a heading, list, quote or note": r"\[\^|\[[ x]\]|&\w+;|::\w|\bautoresearch:(v1|end)",
}


def live(markdown: str) -> set[str]:
    """What of a page a forge or a browser would act on, apart from what pages themselves hold on purpose."""
    text = _OURS.sub("", re.sub(rf"{re.escape(SITE)}/\S*", "", outside_code(markdown)))
    return {what for what, pattern in _LIVE.items() if re.search(pattern, text)}
