"""Trigger quality: can every tag fire, and does every trigger mean something of its own?"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.conditions import FILTERS, compiled, conditions_of
from harness.scorers.gtm.contradictions import always
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.view import View

_SAY = Complaints("trigger_quality")
_NO_MEANING = {
    "name", "notes", "triggerId", "fingerprint", "parentFolderId", "path", "accountId", "containerId", "workspaceId",
    "tagManagerUrl", "uniqueTriggerId", "type", *FILTERS,
}  # fmt: skip


def judge(view: View) -> Judged:
    checks = [*_tags(view), *_triggers(view)]
    return judged(checks, "the container has no tags and no triggers", most=view.most("trigger_quality"))


def _tags(view: View) -> Iterator[Check]:
    for tag in view.container.all("tag"):
        reach = view.reaching.of(tag)
        missing = [
            ref for ref in view.references.of(tag) if ref.how in {"firing", "blocking"} and ref.state == "missing"
        ]
        if not reach.can:
            yield _SAY.fails(
                "tag-cannot-fire",
                tag,
                f"can never fire: {reach.why}",
                "give it a trigger that can be met, or remove it",
            )
        elif missing:
            yield _SAY.fails(
                "trigger-undefined", tag, f"trigger {missing[0].says} does not exist", "take the reference out",
                pointer=missing[0].pointer, value=0.5,
            )  # fmt: skip
        else:
            yield view.passes(tag)


def _triggers(view: View) -> Iterator[Check]:
    """Of triggers that mean the same the one that fires tags stands, and the first by name among several."""
    uses = {one: _uses(view, one) for one in view.container.all("trigger")}
    first: dict[Hashable, Entity] = {}
    for one in sorted(uses, key=lambda trigger: ("firing" not in uses[trigger], trigger.name)):
        same = first.setdefault(_meaning(view, one), one) if uses[one] else one
        yield _one(view, one, uses[one], same)


def _uses(view: View, one: Entity) -> set[str]:
    return {ref.how for ref in view.references.to(one)} & {"firing", "blocking", "trigger", "zone"}


def _one(view: View, one: Entity, uses: set[str], same: Entity) -> Check:
    if not uses:
        return _SAY.fails(
            "trigger-unused",
            one,
            "no tag, group or zone uses it",
            "remove it, if nobody is about to use it",
            severity="warning",
        )
    if bad := _bad_pattern(one):
        return _SAY.fails("trigger-pattern", one, f"no regular expression: {bad[:80]}", "mend the pattern")
    firing = view.reaching.trigger(one)
    if firing.never and uses != {"blocking"}:  # an exception that is never met is a guard, and hurts nobody
        return _SAY.fails("trigger-never", one, f"can never be met: {firing.never}", "mend its conditions")
    if same is not one:
        return _SAY.fails(
            "trigger-twice", one, f'means the same as trigger "{same.name}"',
            f'use "{same.name}" for its tags, and remove this one', severity="warning",
        )  # fmt: skip
    if uses & {"firing"} and (why := _broad(view, one)):
        return _SAY.fails("trigger-broad", one, why, "add a condition", value=0.5, severity="warning")
    return view.passes(one)


def _broad(view: View, one: Entity) -> str:
    """Why a trigger is met far more often than anybody can want; "" if it is not."""
    firing = view.reaching.trigger(one)
    if one.type == "CUSTOM_EVENT" and firing.events.is_any and not firing.conditions:
        return "is met on every event of the page"
    if one.type in catalogue()["unfiltered_is_broad"] and not conditions_of(one):
        return "has no condition: every click or form on the page meets it"
    return ""


def _bad_pattern(one: Entity) -> str:
    """A pattern that is not even well formed. Named groups and flags differ between dialects: those are let be."""
    for condition in conditions_of(one):
        is_pattern = condition.operator == "MATCH_REGEX" and "{{" not in condition.right and "(?" not in condition.right
        if is_pattern and compiled(condition.right) is None:
            return condition.right
    return ""


def _meaning(view: View, one: Entity) -> Hashable:
    """Equal for two triggers that are always met together: type, conditions in any order, every other setting."""
    filters = frozenset(each for each in conditions_of(one) if not always(each, view.values))
    rest = {key: value for key, value in one.data.items() if key not in _NO_MEANING and value not in ({}, [], "", None)}
    return one.type, filters, json.dumps(rest, sort_keys=True, default=str)
