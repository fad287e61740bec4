"""References and settings of variables that have one right answer."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import new_layer
from bot.proposers.repair.operators.site import may_add
from bot.proposers.repair.operators.words import rules
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.references import Reference
from harness.scorers.gtm.renaming import carry

_NEAR = 0.8
_KEY = re.compile(r"[A-Za-z_][\w.]*")


def _find_built_ins(bench: Bench) -> Iterator[Fix]:
    types = {name: kind for kind, name in catalogue()["built_ins"].items()}
    off: dict[str, list[Issue]] = defaultdict(list)
    for issue in bench.issues("built-in-off"):
        said = re.search(r"\{\{(.+?)\}\}", issue.message)
        name = said.group(1).strip() if said else ""
        if name in types:
            off[name].append(issue)
    for name, issues in sorted(off.items()):
        yield Fix(name, tuple(issues), partial(Draft.built_in, kind=types[name]))


def _find_versions(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("data-layer-version"):
        one = bench.entity_of(issue)
        if one and bench.touchable(one):
            yield Fix(one.name, (issue,), partial(_second, id_=one.id))


def _second(draft: Draft, *, id_: str) -> None:
    draft.set_parameter(draft.entity("variable", id_), "dataLayerVersion", "2", "INTEGER")


def _find_references(bench: Bench) -> Iterator[Fix]:
    """What is named and does not exist: the one name that is nearly the same is meant, or what the name itself says."""
    said: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in bench.issues("reference-undefined"):
        ref = _reference(bench, issue)
        if ref and ref.how in {"variable", "setup", "teardown", "tag"}:
            said["variable" if ref.how == "variable" else "tag", ref.says].append(issue)
    for (kind, name), issues in sorted(said.items()):
        sources = [bench.entity_of(issue) for issue in issues]
        if not all(one and bench.touchable(one) for one in sources):
            continue
        others = {one.name for one in sources if one and one.kind == kind}
        meant = _meant(bench, kind, name, others)
        if meant and (bench.policy.code or not _in_code(bench, name)):
            yield Fix(f"{name} is {meant}", tuple(issues), partial(_repoint, kind=kind, name=name, meant=meant))
        elif kind == "variable" and (key := _said_key(name)) and may_add(bench, "variable"):
            yield Fix(f"{name} reads {key}", tuple(issues), partial(_define, bench=bench, name=name, key=key))


def _reference(bench: Bench, issue: Issue) -> Reference | None:
    return next(
        (ref for ref in bench.view.references.unresolved if ref.pointer == issue.pointer and ref.says in issue.message),
        None,
    )


def _in_code(bench: Bench, name: str) -> bool:
    """Whether code says it, which nobody may change."""
    return any(
        ref.source.type in {"html", "jsm"} or ref.source.kind == "template"
        for ref in bench.view.references.unresolved
        if ref.says == name
    )


def _meant(bench: Bench, kind: str, name: str, sources: set[str]) -> str:
    """The only existing name that is nearly this one; "" without one."""
    names = {one.name for one in bench.view.container.all(kind)} - sources
    if kind == "variable":
        names |= set(bench.view.container.built_ins)
    near = {one for one in names if _bare(one) == _bare(name)}
    if not near and not (kind == "variable" and _said_key(name)):  # product_id is not product_ids
        near = set(difflib.get_close_matches(name, sorted(names), n=3, cutoff=_NEAR))
    return near.pop() if len(near) == 1 else ""


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _said_key(name: str) -> str:
    """The data layer key that a name such as DLV - page.kind says; "" where it says none."""
    words = "|".join(re.escape(word) for word in rules()["variables"]["v"])
    match = re.fullmatch(rf"(?i:{words})[\W_]+(.+)", name.strip())
    key = match.group(1).strip(" -") if match else ""
    return key if _KEY.fullmatch(key) else ""


def _repoint(draft: Draft, *, kind: str, name: str, meant: str) -> None:
    carry(draft.version, kind, {name: meant})


def _define(draft: Draft, *, bench: Bench, name: str, key: str) -> None:
    if not any(text_of(one.get("name")) == name.strip() for one in draft.entities("variable")):
        new_layer(draft, bench, key, name.strip())


def _untouchable(_bench: Bench, _issue: Issue) -> str:
    return UNTOUCHABLE


def _reason_built_in(_bench: Bench, _issue: Issue) -> str:
    return "no built-in variable of that name can be switched on"


def _reason_reference(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    ref = _reference(bench, issue)
    if ref and ref.how == "template":
        return "the template is not in the file: it must be installed again in Tag Manager"
    return "no name is nearly this one, and what it should hold is for a person to say"


BUILT_INS = Family(
    "built-ins", frozenset({"built-in-off"}), "switch on built-in variables", _find_built_ins, _reason_built_in
)
VERSIONS = Family(
    "versions", frozenset({"data-layer-version"}), "read by version 2 of the data layer", _find_versions, _untouchable
)
REFERENCES = Family(
    "references", frozenset({"reference-undefined"}), "resolve references", _find_references, _reason_reference
)
