"""Paused tags that something is missing without: they fire again where the policy lets pauses be changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import Family, Fix
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity

_CODES = frozenset({"outcome-impaired", "consent-default-missing", "conversion-not-sent"})


def _find(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues(*_CODES) if bench.policy.pause else ():
        tag = _sleeper(bench, issue)
        if tag and bench.touchable(tag):
            yield Fix(tag.name, (issue,), partial(_wake, id_=tag.id))


def _sleeper(bench: Bench, issue: Issue) -> Entity | None:
    """The one paused tag that would do what the issue misses."""
    paused = [tag for tag in bench.view.active if tag.paused]
    if issue.code == "outcome-impaired":
        found = [tag for tag in paused if tag is bench.entity_of(issue) and not _has_heir(bench, tag)]
        return found[0] if found else None
    does = _sets_default if issue.code == "consent-default-missing" else _converts
    found = [tag for tag in paused if does(bench, tag, issue)]
    return found[0] if len(found) == 1 else None


def _has_heir(bench: Bench, tag: Entity) -> bool:
    """Whether another tag reports the same, or would if it had a trigger: two of them would count twice."""
    sender = bench.view.senders.of(tag)
    others = [
        (one, bench.view.senders.of(one))
        for one in bench.view.container.all("tag")
        if one is not tag and not one.paused
    ]
    return any(other.events & sender.events and other.vendors & sender.vendors for _one, other in others)


def _sets_default(bench: Bench, tag: Entity, _issue: Issue) -> bool:
    firings = bench.view.reaching.of(tag).firings
    return bench.view.senders.of(tag).sets_default and any(one.events.name == "gtm.init_consent" for one in firings)


def _converts(bench: Bench, tag: Entity, issue: Issue) -> bool:
    sender = bench.view.senders.of(tag)
    if meta := re.match(r"Meta counts (.+), but", issue.message):
        return "meta" in sender.vendors and meta.group(1) in sender.events
    label = re.search(r"(?:AW-(?P<id>[^/]+)/|the label of this tag: )(?P<label>.+)$", issue.repair)
    return (
        "google_ads" in sender.vendors and bool(label) and sender.destination[-1:] == (label["label"] if label else "",)
    )


def _wake(draft: Draft, *, id_: str) -> None:
    draft.entity("tag", id_).pop("paused", None)


def _reason(bench: Bench, issue: Issue) -> str:
    if _sleeper(bench, issue) and not bench.policy.pause:
        return "a paused tag would do it, and the policy lets nobody change what is paused"
    return {
        "consent-default-missing": "which consent banner sets the default is for the site's owner to choose",
        "outcome-impaired": "no paused tag would do it alone",
    }.get(issue.code, "no paused tag would send it")


WAKING = Family("waking", _CODES, "let paused tags fire again", _find, _reason)
