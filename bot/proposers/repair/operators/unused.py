"""What nothing uses, what cannot fire, what is sent to nobody any more: gone or paused, where the policy lets it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import pause
from bot.proposers.repair.operators.site import LAYERED, has_no_trigger, may_add
from bot.proposers.repair.operators.triggers import TIMING
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.dimensions.coverage import same
from harness.scorers.gtm.entities import Entity

_WANTED = "it is kept for what is still missing: see outcomes and parameters"


def _find_variables(bench: Bench) -> Iterator[Fix]:
    if "variable" not in bench.policy.remove:
        return
    unused = {one: issue for issue in bench.issues("variable-unused") if (one := bench.entity_of(issue))}
    for those in _together(bench, unused):
        if all(bench.touchable(one) and not _will_be_read(bench, one) for one in those):
            names = ", ".join(one.name for one in those)
            yield Fix(
                names,
                tuple(unused[one] for one in those),
                partial(_remove, kind="variable", ids=tuple(one.id for one in those)),
            )


def _together(bench: Bench, unused: dict[Entity, Issue]) -> Iterator[list[Entity]]:
    """Unused variables that name each other, which can only go together."""
    left = sorted(unused, key=lambda one: one.name)
    while left:
        found = [left.pop(0)]
        for one in found:  # which grows
            names = [ref.target for ref in bench.view.references.of(one)] + [
                ref.source for ref in bench.view.references.to(one)
            ]
            near = [other for other in left if other in names]
            left = [other for other in left if other not in near]
            found += near
        yield found


def _will_be_read(bench: Bench, one: Entity) -> bool:
    """A key of the ecommerce object that some tag still lacks."""
    lacking = bench.issues("event-parameter-missing", "order-id-missing", "parameter-missing")
    keys = {f"ecommerce.{key}" for key in LAYERED.values()}
    return bool(lacking) and one.type == "v" and one.text("name") in keys and may_add(bench, "variable")


def _find_triggers(bench: Bench) -> Iterator[Fix]:
    if "trigger" not in bench.policy.remove:
        return
    for issue in bench.issues("trigger-unused"):
        one = bench.entity_of(issue)
        if one and bench.touchable(one) and not _will_be_heard(bench, one):
            yield Fix(one.name, (issue,), partial(_remove, kind="trigger", ids=(one.id,)))


def _will_be_heard(bench: Bench, one: Entity) -> bool:
    """It hears an event of an outcome that nobody measures well, so that a tag can be put on it."""
    lacking = bench.issues("outcome-missing", "outcome-impaired", "tag-cannot-fire")
    names = bench.view.reaching.trigger(one).events.names
    wanted = {event for outcome in bench.view.outcomes for event in same(outcome)}
    said = " ".join(issue.message for issue in lacking)
    return may_add(bench, "tag") and any(name in wanted and name in said for name in names)


def _find_silent(bench: Bench) -> Iterator[Fix]:
    """Tags without a trigger. One that has a trigger which is never met was meant for something: it stays."""
    if "tag" not in bench.policy.remove:
        return
    timed = {bench.entity_of(issue) for fix in TIMING.fixes(bench) for issue in fix.mends}
    for issue in bench.issues("tag-cannot-fire"):
        one = bench.entity_of(issue)
        is_idle = one and has_no_trigger(bench, one) and not bench.view.references.to(one)
        if one and is_idle and bench.touchable(one) and one not in timed:
            yield Fix(one.name, (issue,), partial(_remove, kind="tag", ids=(one.id,)))


def _find_dead(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("dead-product"):
        one = bench.entity_of(issue)
        if one and bench.touchable(one):
            if bench.policy.pause:
                yield Fix(one.name, (issue,), partial(pause, id_=one.id))
            elif "tag" in bench.policy.remove and not bench.view.references.to(one):
                yield Fix(one.name, (issue,), partial(_remove, kind="tag", ids=(one.id,)))


def _remove(draft: Draft, *, kind: str, ids: tuple[str, ...]) -> None:
    for id_ in ids:
        draft.remove(kind, id_)


def _reason(kind: str, bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if kind not in bench.policy.remove:
        return f"the policy lets nobody remove a {kind}"
    return _WANTED if kind != "tag" else "it has a trigger, which a person must mend, or another tag names it"


def _reason_dead(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    return "the policy lets nobody pause or remove a tag, or another tag names it"


UNUSED_VARIABLES = Family(
    "unused-variables", frozenset({"variable-unused"}), "remove unused variables", _find_variables,
    partial(_reason, "variable"),
)  # fmt: skip
UNUSED_TRIGGERS = Family(
    "unused-triggers", frozenset({"trigger-unused"}), "remove unused triggers", _find_triggers,
    partial(_reason, "trigger"),
)  # fmt: skip
SILENT = Family(
    "silent", frozenset({"tag-cannot-fire"}), "remove tags that can never fire", _find_silent, partial(_reason, "tag")
)
DEAD = Family(
    "dead", frozenset({"dead-product"}), "stop tags of products that are gone", _find_dead, _reason_dead, halved=False,
)  # fmt: skip
