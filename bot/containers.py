"""What `autoresearch score` says of a container, as text and as a page."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import InvalidCandidate
from harness.scorers.gtm.audit import WEIGHTS, Audited, Finding
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.scoring import Dimension, Scored

MOST_ISSUES = 30
_SEVERITIES = (("error", "error"), ("warning", "warning"), ("info", "note"))


def snapshot(path: Path | None) -> Mapping[str, Any] | None:
    """An ads snapshot. Raises InvalidCandidate."""
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidCandidate(
            f"{path}: not JSON", why=str(error)[:200], next_step="docs/gtm-scorer.md shows the shape of an ads snapshot"
        ) from None
    if not isinstance(found, dict) or not found.keys() & {"meta", "google"}:
        raise InvalidCandidate(
            f"{path}: no ads snapshot", why="it is an object with the keys meta and google, or one of them",
            next_step="docs/gtm-scorer.md shows the shape",
        )  # fmt: skip
    return found


def as_json(scored: Scored, audited: Audited) -> dict[str, Any]:
    return {**scored.as_json(), "audit": audited.as_json()}


def as_text(scored: Scored, audited: Audited, most: int | None = MOST_ISSUES) -> str:
    """most: how many issues are printed, and how many findings; None for all."""
    lines = [
        _head(scored),
        "",
        f"  {'total':<24} {scored.total:.3f}",
        *map(_row, scored.dimensions),
        "",
        _count(scored),
    ]
    for issue in scored.issues[:most]:
        lines += ["", *_issue(issue)]
    lines += [*_more(len(scored.issues), most), "", _audit(audited)]
    for finding in audited.findings[:most]:
        lines += ["", *_finding(finding)]
    lines += _more(len(audited.findings), most)
    if scored.not_judged:
        lines += ["", "not judged, and left as it is:"]
        lines += [f"  {clean(one.what)}: {clean(one.why)}  {clean(one.pointer)}" for one in scored.not_judged]
    return "\n".join(lines)


def _head(scored: Scored) -> str:
    counted = ", ".join(_counted(count, kind) for kind, count in scored.counts.items())
    guessed = " (guessed; say it with --business)" if scored.guessed else ""
    return f"{clean(scored.container)}: {scored.context}, {counted or 'empty'}; business: {scored.business}{guessed}"


def _row(one: Dimension) -> str:
    name = one.name.replace("_", " ")
    if one.score is None:
        return f"  {name:<24} left out: {one.why}"
    return f"  {name:<24} {one.score:.3f}  {'#' * round(20 * one.score):<20}  weight {one.weight:.0%}"


def _count(scored: Scored) -> str:
    found: Counter[str] = Counter(issue.severity for issue in scored.issues)
    told = [_counted(found[severity], word) for severity, word in _SEVERITIES if found[severity]]
    listed = f": {', '.join(told)}" if told else ""
    damped = (
        f"; little is measured, so that the other dimensions count {scored.credit:.0%}" if scored.credit < 1 else ""
    )
    return f"{_counted(len(scored.issues), 'issue')}{listed}{damped}"


def _more(count: int, most: int | None) -> list[str]:
    hidden = 0 if most is None else max(0, count - most)
    return ["", f"and {hidden} more: --all, --json or --page FILE"] if hidden else []


def _audit(audited: Audited) -> str:
    found = Counter(finding.severity for finding in audited.findings)
    told = [_counted(found[severity], severity) for severity in WEIGHTS if found[severity]]
    weight = f": {', '.join(told)}; weight {audited.weight}" if told else ""
    return f"audit, which the score knows nothing of: {_counted(len(audited.findings), 'finding')}{weight}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count or 'no'} {word}s"


def _where(found: Issue | Finding) -> str:
    return found.entity if found.entity == "container" else f'{found.entity} "{clean(found.name)}"'


def _finding(finding: Finding) -> list[str]:
    return [
        f"{finding.severity}: {_where(finding)}: {clean(finding.message)}",
        f"  audit ({finding.code})  {clean(finding.pointer) or 'the whole file'}",
    ]


def _issue(issue: Issue) -> list[str]:
    return [
        f"{issue.severity}: {_where(issue)}: {clean(issue.message)}",
        f"  {issue.dimension.replace('_', ' ')} ({issue.code})  {clean(issue.pointer) or 'the whole file'}",
        f"  repair: {clean(issue.repair)}",
    ]


def clean(text: str) -> str:
    """Names come from a file: nothing in them may command a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def as_page(scored: Scored, audited: Audited) -> str:
    """One HTML file that needs nothing beside it."""
    rows = "\n".join(map(_bar, scored.dimensions))
    issues = "\n".join(map(_told, scored.issues))
    unread = "".join(
        f"<li>{_safe(one.what)}: {_safe(one.why)} <code>{_safe(one.pointer)}</code></li>" for one in scored.not_judged
    )
    rest = f"<h2>Not judged, and left as it is</h2><ul>{unread}</ul>" if unread else ""
    return _PAGE.format(
        title=_safe(scored.container), head=_safe(_head(scored)), total=f"{scored.total:.3f}", rows=rows,
        count=_safe(_count(scored)), issues=issues, audit=_safe(_audit(audited)),
        findings="\n".join(map(_found, audited.findings)), rest=rest,
    )  # fmt: skip


def _bar(one: Dimension) -> str:
    name = one.name.replace("_", " ")
    if one.score is None:
        return f"<tr><th>{name}</th><td colspan=3>left out: {_safe(one.why)}</td></tr>"
    bar = f'<div class=bar><div style="width:{one.score:.1%}"></div></div>'
    return f"<tr><th>{name}</th><td>{one.score:.3f}</td><td>{bar}</td><td>{one.weight:.0%}</td></tr>"


def _told(issue: Issue) -> str:
    return _line(issue, issue.dimension.replace("_", " "), f"{_safe(issue.repair)} ")


def _found(finding: Finding) -> str:
    return _line(finding, finding.code, "")


def _line(found: Issue | Finding, what: str, repair: str) -> str:
    where = found.entity if found.entity == "container" else f"{found.entity} <i>{_safe(found.name)}</i>"
    return (
        f"<tr class={found.severity}><td>{found.severity}</td><td>{what}</td>"
        f"<td>{where}: {_safe(found.message)}<br><small>{repair}"
        f"<code>{_safe(found.pointer)}</code></small></td></tr>"
    )


def _safe(text: str) -> str:
    return html.escape(clean(text))


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d1d9e0 }}
.bar {{ width: min(12rem, 30vw); background: #eaeef2 }} .bar div {{ height: .9rem; background: #0969da }}
.error td:first-child {{ color: #cf222e }} .warning td:first-child {{ color: #9a6700 }}
code {{ color: #59636e; overflow-wrap: anywhere }}
</style>
<h1>{title}: {total}</h1>
<p>{head}</p>
<table>
{rows}
</table>
<h2>{count}</h2>
<table>
{issues}
</table>
<h2>{audit}</h2>
<table>
{findings}
</table>
{rest}
</html>
"""
