"""What is there twice: one of the two stays, everybody means it, and the other goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import pause
from bot.proposers.repair.operators.site import content_of
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.renaming import carry

_QUOTED = re.compile(
    r'means the same as trigger "(.*)"$|is the same as variable "(.*)"$|sends what tag "(.*)" sends, to', re.DOTALL
)
_CODE = ("html", "javascript", "templateData")


def _twins(bench: Bench, code: str, kind: str) -> Iterator[tuple[Issue, Entity, Entity]]:
    """Issue, the one that it names, and the one that it is the same as."""
    for issue in bench.issues(code):
        match, one = _QUOTED.search(issue.message), bench.entity_of(issue)
        other = bench.view.container.by_name.get((kind, match.group(match.lastindex or 0))) if match else None
        if one and other and one is not other and bench.touchable(one):
            yield issue, one, other


def _find_triggers(bench: Bench) -> Iterator[Fix]:
    if "trigger" in bench.policy.remove:
        contents = _contents(bench)
        for issue, one, other in _twins(bench, "trigger-twice", "trigger"):
            users = [ref.source for ref in bench.view.references.to(one)]
            are_tags = all(one.kind == "tag" and bench.touchable(one) for one in users)  # groups keep their members
            if are_tags and not _become_copies(contents, users, f'"{one.id}"', f'"{other.id}"'):
                yield Fix(f"{one.name} into {other.name}", (issue,), partial(_merge_triggers, old=one.id, new=other.id))


def _merge_triggers(draft: Draft, *, old: str, new: str) -> None:
    for tag in draft.entities("tag"):
        for key in ("firingTriggerId", "blockingTriggerId"):
            if isinstance(listed := tag.get(key), list) and old in map(text_of, listed):
                tag[key] = list(dict.fromkeys(new if text_of(one) == old else one for one in listed))
    draft.remove("trigger", old)


def _find_variables(bench: Bench) -> Iterator[Fix]:
    if "variable" in bench.policy.remove:
        contents = _contents(bench)
        for issue, one, other in _twins(bench, "variable-twice", "variable"):
            users = [ref.source for ref in bench.view.references.to(one)]
            if {ref.source for ref in bench.view.references.to(other)} & set(users):
                continue  # who uses both may have meant two things
            if not _is_said_for_good(bench, one) and not _become_copies(contents, users, _said(one), _said(other)):
                yield Fix(
                    f"{one.name} into {other.name}", (issue,), partial(_merge_variables, id_=one.id, new=other.name)
                )


def _merge_variables(draft: Draft, *, id_: str, new: str) -> None:
    old = text_of(draft.entity("variable", id_).get("name"))
    draft.remove("variable", id_)
    carry(draft.version, "variable", {old: new})


def _contents(bench: Bench) -> set[str]:
    things = (one for kind in ("tag", "trigger", "variable") for one in bench.view.container.all(kind))
    return {content_of(one.kind, one.data) for one in things}


def _become_copies(contents: set[str], users: list[Entity], old: str, new: str) -> bool:
    """Whether one of these would be another one's copy, if it meant the other: then the two are no mistake, they are
    two of everything, such as one account for each of two brands."""
    return any(content_of(one.kind, one.data).replace(old, new) in contents for one in users)


def _said(one: Entity) -> str:
    return json.dumps(f"{{{{{one.name}}}}}")[1:-1]


def _is_said_for_good(bench: Bench, one: Entity) -> bool:
    """Whether code, a condition, or something protected says its name: none of them is changed."""
    for ref in bench.view.references.to(one):
        in_code = any(f"{{{{{ref.says}}}}}" in ref.source.text(key) for key in _CODE) or ref.source.kind == "template"
        if (in_code and not bench.policy.code) or ref.source.kind == "trigger" or not bench.touchable(ref.source):
            return True
    return False


def _find_tags(bench: Bench) -> Iterator[Fix]:
    for issue, one, other in _twins(bench, "sent-twice", "tag"):
        for going, staying in _by_faults(bench, one, other):
            goes = _may_go(bench, going, staying)
            if bench.touchable(going) and (goes or bench.policy.pause):
                stop = partial(Draft.remove, kind="tag", id_=going.id) if goes else partial(pause, id_=going.id)
                yield Fix(f"{going.name}, which {staying.name} does too", (issue,), stop)
                break


def _may_go(bench: Bench, going: Entity, staying: Entity) -> bool:
    """One of the same type, which no tag names: else it is paused, if that is allowed."""
    is_free = going.type == staying.type and not bench.view.references.to(going)
    return is_free and "tag" in bench.policy.remove


def _by_faults(bench: Bench, one: Entity, other: Entity) -> Iterator[tuple[Entity, Entity]]:
    """Both ways to keep one of the two, the better first: the one with more faults goes, on a tie the younger."""
    faults = {
        tag: sum(issue.entity == "tag" and issue.id == tag.id for issue in bench.scored.issues) for tag in (one, other)
    }
    faults[one] -= 1  # that it is there twice
    pairs = [(one, other), (other, one)]
    one_goes = (faults[one], len(one.id), one.id) >= (faults[other], len(other.id), other.id)
    yield from pairs if one_goes else reversed(pairs)


def _reason(kind: str, bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if kind not in bench.policy.remove and not (kind == "tag" and bench.policy.pause):
        return f"the policy lets nobody remove a {kind}"
    return "code, a condition, a group or another tag names it, or what uses it shows that two things are meant"


TWIN_TAGS = Family(
    "twin-tags", frozenset({"sent-twice"}), "stop what is sent twice", _find_tags, partial(_reason, "tag")
)
TWIN_TRIGGERS = Family(
    "twin-triggers", frozenset({"trigger-twice"}), "merge equal triggers", _find_triggers, partial(_reason, "trigger")
)
TWIN_VARIABLES = Family(
    "twin-variables", frozenset({"variable-twice"}), "merge equal variables", _find_variables,
    partial(_reason, "variable"),
)  # fmt: skip
