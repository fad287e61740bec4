"""The numbers of rows as their page has them: those of all its targets count on, by name, and never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import standing
from harness.events import Segment


def most(segments: Sequence[Segment]) -> int:
    """The highest number that any row of a target ever had in a night; 0 where there never was one."""
    entries = [entry for each in standing.confirmations(segments) for entry in each.event.get("rows", [])]
    return max((entry["number"] for entry in entries), default=0)


def before(highest: Mapping[str, int]) -> dict[str, int]:
    """What is added to a target's row numbers to give the page's. highest: of each target of the page, see `most`."""
    found, so_far = {}, 0
    for target in sorted(highest):
        found[target] = so_far
        so_far += highest[target]
    return found


def of_night(segments: Mapping[str, Sequence[Segment]]) -> dict[str, int]:
    """The same for all targets of a night, each as the page of its own branch has it; what is not proposed counts on
    by itself."""
    pages: dict[str, dict[str, int]] = {}
    for target, found in segments.items():
        proposed = standing.proposed(found)
        pages.setdefault(proposed[0]["branch"] if proposed else "", {})[target] = most(found)
    return {target: added for page in pages.values() for target, added in before(page).items()}
