"""Tag coverage: is what this business must know really measured, by tags that can fire?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.scorers.gtm.checks import Check, Complaints, Issue, Judged, judged
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import profiles, tag_facts
from harness.scorers.gtm.purpose import fits, may_be_page
from harness.scorers.gtm.reach import Reach
from harness.scorers.gtm.view import View

_SAY = Complaints("tag_coverage")
_PAGE, _PAUSED = "page", "it is paused"
_NO_EVENT = "an event that nobody sends"


def judge(view: View) -> Judged:
    checks = [_outcome(view, name, weight) for name, weight in view.outcomes.items()]
    dead = _dead(view)
    if dead:
        lost = profiles()["broken_outcomes"]["dead"]
        works = judged(checks, "").score or 0.0  # where little is measured, what is gone must not count for more
        checks.append(Check(works / (1 + len(dead)), lost, dead[0]))
    checks += _linker(view)
    return judged(checks, "nothing is asked of this business", dead[1:])


def same(outcome: str) -> frozenset[str]:
    """Every event that counts as an outcome."""
    own = {outcome} - {_PAGE}
    return frozenset(own | set(profiles()["same_outcome"].get(outcome, [])))


def _measures(view: View, tag: Entity) -> bool:
    """Whether a tag reports to something that measures, and still works."""
    sender = view.senders.of(tag)
    return "analytics" in sender.purposes and not sender.dead


def _outcome(view: View, outcome: str, weight: float) -> Check:
    value, tag, why = _best(view, outcome)
    if value >= 1:
        return Check(1, weight)
    return _SAY.fails(
        "outcome-impaired" if why else "outcome-missing", tag, _message(view, outcome, why), _repair(outcome, why),
        weight=weight, value=value, severity="error" if weight >= 2 else "warning",
        pointer="" if tag else view.container.base,
    )  # fmt: skip


def _message(view: View, outcome: str, why: str) -> str:
    if outcome == "*":
        return "no event but page views is measured"
    what = "page views" if outcome == _PAGE else outcome
    return f"{what}: {why or 'not measured, which {title} needs'.format(**profiles()['businesses'][view.business])}"


def _best(view: View, outcome: str) -> tuple[float, Entity | None, str]:
    """How far the outcome is measured at best, by which tag, and what is wrong with that."""
    found: tuple[float, Entity | None, str] = (0.0, None, "")
    for tag in sorted(view.container.all("tag"), key=lambda one: one.name):
        if _measures(view, tag):
            value, why = _worth(view, tag, outcome, same(outcome))
            if value > found[0] or (why and not found[1]):
                found = (value, tag, why)
    return found


def _repair(outcome: str, why: str) -> str:
    if why.endswith(_PAUSED):
        return "let it fire again, if it was not paused for good"
    if why:
        return "give the tag a trigger of its own that fires when this happens, and only then"
    if outcome == _PAGE:
        return "add a Google tag that fires on Initialization - All Pages"
    event = "an event that matters" if outcome == "*" else outcome
    return f"add a GA4 event tag for {event}, on the event that the site pushes for it"


def _worth(view: View, tag: Entity, outcome: str, names: frozenset[str]) -> tuple[float, str]:
    """How far a tag measures an outcome, and what is wrong where it is not all."""
    reach, sender = view.reaching.of(tag), view.senders.of(tag)
    if outcome == "*":
        sent = (sender.events - {"page_view"}) or sender.follows or sender.unsure
        return (1.0, "") if sent and reach.fires else (0.0, "")
    literal = sender.events & names
    followed = sender.follows and any(firing.events.allows(name) for firing in reach.firings for name in names)
    if not literal and not followed:
        return 0.0, ""
    if not reach.fires:
        return 0.0, f'tag "{tag.name}" would send it, but {reach.why or _PAUSED}'
    if followed:
        return _followed(view, reach, tag, names)
    return _page(reach, tag) if outcome == _PAGE else _literally(reach, tag, names)


def _followed(view: View, reach: Reach, tag: Entity, names: frozenset[str]) -> tuple[float, str]:
    """Of a tag that sends what fires it under its own name: on a page, everything is no answer to a question."""
    chosen = any(not firing.everywhere or not firing.events.surely(_NO_EVENT) for firing in reach.firings)
    heard = any(firing.events.names & names for firing in reach.firings)
    if heard or chosen or view.container.context == "server":
        return 1.0, ""
    return 0.5, f'tag "{tag.name}" sends every event of the page under its own name'


def _page(reach: Reach, tag: Entity) -> tuple[float, str]:
    """A page view is no click, however the tag is called."""
    if not any(map(may_be_page, reach.firings)):
        return 0.0, f'tag "{tag.name}" sends it when something else happens'
    return 1.0, ""


def _literally(reach: Reach, tag: Entity, names: frozenset[str]) -> tuple[float, str]:
    """Of a tag that always sends one name: is it fired by what the name says?"""
    values = [fits(firing, names) for firing in reach.firings]
    best = max(values)
    if best == 0:
        return 0.0, f'tag "{tag.name}" sends it on every page'
    if best < 1:
        return best, f'tag "{tag.name}" sends it when something else happens'
    return 1.0, ""


def _dead(view: View) -> list[Issue]:
    """Tags that still run for a product that is gone."""
    return [
        _SAY.issue(
            "dead-product", "error", tag, f"{view.senders.of(tag).dead}: nothing receives what this tag sends",
            "pause it, and remove it once nobody misses it",
        )
        for tag in view.reaching.firing
        if view.senders.of(tag).dead
    ]  # fmt: skip


def _linker(view: View) -> Iterator[Check]:
    """Google Ads without what keeps the click id: conversions lose their click."""
    firing = view.reaching.firing
    needing = [tag for tag in firing if tag_facts(tag.type).get("needs_linker")]
    linked = any(tag_facts(tag.type).get("linker") or _is_ads_google_tag(view, tag) for tag in firing)
    if needing and not linked:
        weight = profiles()["broken_outcomes"]["linker"]
        yield _SAY.fails(
            "linker-missing", needing[0], "Google Ads tags fire, but no conversion linker keeps the ad's click id",
            "add a Conversion Linker tag that fires on all pages", weight=weight, severity="warning",
        )  # fmt: skip


def _is_ads_google_tag(view: View, tag: Entity) -> bool:
    return tag.type == "googtag" and any(one.startswith("AW-") for one in view.senders.of(tag).destination)


__all__ = ["judge", "same"]
