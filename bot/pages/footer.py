"""The end of a page: what each choice does, who is asked, who wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pages.facts import Links
from bot.pages.pieces import broken
from bot.pages.summary import TargetReport
from bot.pages.wording.text import code, names

_DROP, _OTHERS = "`/drop N` takes row N out, ", "`/recheck` measures again, `/hold` keeps the next night off."


def footer(reports: Sequence[TargetReport], links: Links, *, merging: bool) -> list[str]:
    lines = []
    if merging and links.merge:
        lines.append(f"**Merge:** {links.merge}")
    if merging and links.close:
        lines.append(f"**Close:** {links.close}")
    if links.facts.commands:
        drop = _DROP if any(report.rows for report in reports) else ""
        lines.append(f"**Comment:** {drop}{_OTHERS}")
    for name, branch in links.includes:
        lines.append(f"Includes what {code(branch)} proposed for {name}, which nobody has reviewed yet.")
    owners = sorted({report.owner for report in reports if report.owner})
    if owners:
        lines.append(f"Asked to review: {names([code(owner) for owner in owners], 20)}.")
    proposers = names(sorted({code(report.proposer) for report in reports}), 20)
    by = f"Proposed by {proposers}; judged by the harness; written" if proposers else "Written"
    return broken([*lines, f"{by} by a bot."])
