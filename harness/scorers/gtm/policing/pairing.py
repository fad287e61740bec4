"""Who is who: the entities of a candidate beside those of the base, by id."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.complaints import show
from harness.scorers.gtm.container import Container, model
from harness.scorers.gtm.entities import ARRAYS, Entity, canonical, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.policing.base import Base, called, version_of
from harness.scorers.gtm.renaming import carry

_ROOM = 1000  # numbers above the base's highest id: rows of a night may be taken out again, which leaves gaps
_BY_NAME = ("variable", "tag", "client")


@dataclass(frozen=True)
class Pair:
    """One entity before and after. carried: before, with references to whoever was renamed."""

    before: Entity
    carried: Entity
    after: Entity


@dataclass(frozen=True)
class Pairing:
    """after: the candidate; problems: why some of it has nobody to be held against."""

    after: Container
    pairs: tuple[Pair, ...]
    added: tuple[Entity, ...]
    removed: tuple[Entity, ...]
    problems: tuple[str, ...] = field(default=())


def paired(base: Base, after: Container) -> Pairing:
    problems = [*_frame(base, after), *_names(base.container, after)]
    pairs: list[tuple[Entity, Entity]] = []
    added: list[Entity] = []
    removed: list[Entity] = []
    for kind in ARRAYS:
        old, new = _by_id(base.container.all(kind)), _by_id(after.all(kind))
        for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
            befores, afters = old.get(id_, []), new.get(id_, [])
            if len(befores) == 1 and id_:
                pairs += [(befores[0], one) for one in afters[:1]]
                removed += [] if afters else befores
                problems += _doubled(kind, id_, afters)
            elif befores:
                problems += _alike(kind, id_, befores, afters)
            else:
                added += afters
                problems += [*_doubled(kind, id_, afters), *_wrong_id(base.container, kind, id_)]
    carried = _carried(base, pairs)
    return Pairing(
        after, tuple(Pair(one, carried.get(one.pointer, one), other) for one, other in pairs), tuple(added),
        tuple(removed), tuple(problems),
    )  # fmt: skip


def next_id(container: Container, kind: str) -> int:
    """The next free number of a kind; those of the system are none."""
    floor = int(catalogue()["system_trigger_floor"])
    found = [int(one.id) for one in container.all(kind) if one.id.isdecimal() and len(one.id) < len(str(floor))]
    return 1 + max((number for number in found if number < floor), default=0)


def _by_id(entities: Sequence[Entity]) -> dict[str, list[Entity]]:
    found: dict[str, list[Entity]] = defaultdict(list)
    for one in entities:
        found[one.id].append(one)
    return found


def _doubled(kind: str, id_: str, afters: Sequence[Entity]) -> list[str]:
    return [f"{len(afters)} {kind}s have the id {show(id_)}: each needs its own"] if len(afters) > 1 else []


def _wrong_id(container: Container, kind: str, id_: str) -> Iterator[str]:
    least = next_id(container, kind)
    is_number = id_.isdecimal() and id_ == str(int(id_)) if len(id_) < 12 else False
    if not is_number or not least <= int(id_) < least + _ROOM:
        yield f"a new {kind} has the id {show(id_)}: ids are given by code, from {least} on"


def _alike(kind: str, id_: str, befores: Sequence[Entity], afters: Sequence[Entity]) -> Iterator[str]:
    """Entities that no id tells apart."""
    if [one.data for one in befores] != [one.data for one in afters]:
        who = f"several {kind}s of the id {show(id_)}" if id_ else f"a {kind} without an id"
        yield f"{who} changed: nobody can tell which is which, so they stay as they are"


def _frame(base: Base, after: Container) -> Iterator[str]:
    """All of the file but the arrays of entities."""
    old, new = base.version, version_of(after)
    if base.container.base != after.base:
        yield "the file has another shape than before: an export stays an export, an answer of the API one"
        return
    if base.container.base:
        yield from _unlike(base.container.data, after.data, {"containerVersion"})
    arrays = {array for array, _id in ARRAYS.values()}
    yield from _unlike(old, new, {*arrays, "builtInVariable"})
    for array in sorted(arrays):
        if _no_objects(old.get(array)) != _no_objects(new.get(array)):
            yield f"{array}: what is no entity there stays as it is"
    yield from _built_ins(old.get("builtInVariable") or [], new.get("builtInVariable") or [])


def _unlike(old: Mapping[str, object], new: Mapping[str, object], but: set[str]) -> Iterator[str]:
    for key in sorted({*old, *new} - but):
        if old.get(key) != new.get(key):
            yield f"{show(key)} changed: what describes the container, or is unknown here, stays as it is"


def _no_objects(listed: object) -> list[object]:
    return [one for one in listed if not isinstance(one, dict)] if isinstance(listed, list) else []


def _built_ins(old: Sequence[object], new: Sequence[object]) -> Iterator[str]:
    missing = Counter(map(_spelled, old)) - Counter(map(_spelled, new))
    if missing:
        yield f"{missing.total()} built-in variables were switched off or changed: they stay as they are"
    known = catalogue()["built_ins"]
    for one in new:
        if _spelled(one) not in {_spelled(other) for other in old}:
            kind = text_of(one.get("type")) if isinstance(one, dict) else ""
            if canonical(kind) not in known:
                yield f"a built-in variable of the type {show(kind)} is not known to Tag Manager"
            elif isinstance(one, dict) and text_of(one.get("name")) not in {"", known[canonical(kind)]}:
                yield f"the built-in variable {canonical(kind)} is named {show(known[canonical(kind)])}"


def _spelled(one: object) -> str:
    return json.dumps(one, sort_keys=True)


def _names(before: Container, after: Container) -> Iterator[str]:
    for kind in ARRAYS:
        old, new = Counter(one.name for one in before.all(kind)), Counter(one.name for one in after.all(kind))
        for name, count in new.items():
            if count > max(1, old[name]):
                yield f"{count} {kind}s are named {show(name)}: each needs its own name"
    system = {*catalogue()["system_variables"], *catalogue()["built_ins"].values()}
    olds = {one.name for one in before.all("variable")}
    for one in after.all("variable"):
        if one.name in system and one.name not in olds:
            yield f"{called(one)} has the name of a built-in variable, and would take its place"


def _carried(base: Base, pairs: Sequence[tuple[Entity, Entity]]) -> dict[str, Entity]:
    """By pointer: the base's entities with references to whoever was renamed; {} where nobody was."""
    renamed: dict[str, dict[str, str]] = {kind: {} for kind in _BY_NAME}
    for before, after in pairs:
        is_meant = base.container.by_name.get((before.kind, before.name)) is before
        if before.kind in renamed and before.name != after.name and is_meant:
            renamed[before.kind][before.name] = after.name
    if not any(renamed.values()):
        return {}
    data = json.loads(json.dumps(base.container.data))
    version = data["containerVersion"] if base.container.base else data
    for kind, names in renamed.items():
        if names:
            carry(version, kind, names)
    return {one.pointer: one for those in model(data).entities.values() for one in those}
