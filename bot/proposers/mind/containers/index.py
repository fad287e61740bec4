"""Every entity of a container in a line: id, name, what it fires on, consent. Grouped by kind and type."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.models.redaction import REMOVED
from bot.proposers.mind.fence import one_line
from harness.scorers.gtm.conditions import conditions_of
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.entities import Entity, plain, text_of
from harness.scorers.gtm.known import catalogue

LEGEND = (
    'Each line: id "name", then for a tag what it fires on (ids of triggers), for a trigger its conditions, for a '
    "variable what it holds. A tag without the word consent has none set."
)
_TELLING = ("name", "value", "keyPath", "key", "component", "urlComponent")  # parameters that say most of a variable
_NAME, _HELD = 120, 60


@dataclass(frozen=True)
class Group:
    """Entities of one kind and type, each as a line and as a shorter one."""

    title: str
    kind: str
    lines: tuple[str, ...]
    short: tuple[str, ...]


def index(container: Container, secret: frozenset[Entity], most: int) -> tuple[str, str]:
    """At most so many bytes, and what was left out, in words. secret: entities that hold what nobody may see."""
    groups = list(_groups(container, secret))
    detailed = {group.title for group in groups}
    for kind in ("variable", "template", "folder", "trigger", "tag"):  # who says least without details comes last
        if _size(groups, detailed) > most:
            detailed -= {group.title for group in groups if group.kind == kind}
    lines, left, spent = [], 0, 0
    for group in groups:
        chosen = group.lines if group.title in detailed else group.short
        for line in (group.title, *chosen):
            spent += len(line.encode()) + 1
            if spent <= most:
                lines.append(line)
            elif line is not group.title:
                left += 1
    return "\n".join(lines), _cut(groups, detailed, left)


def _size(groups: Sequence[Group], detailed: set[str]) -> int:
    chosen = ((g.title, *(g.lines if g.title in detailed else g.short)) for g in groups)
    return sum(len(line.encode()) + 1 for lines in chosen for line in lines)


def _cut(groups: Sequence[Group], detailed: set[str], left: int) -> str:
    kinds = {group.kind: None for group in groups if group.title not in detailed}
    said = [f"details of every {', '.join(kinds)}"] if kinds else []
    said += [f"{left} entities as a whole"] if left else []
    return "; ".join(said)


def _groups(container: Container, secret: frozenset[Entity]) -> Iterator[Group]:
    for kind, entities in container.entities.items():
        by_type: dict[str, list[Entity]] = defaultdict(list)
        for one in entities:
            by_type[one.type].append(one)
        for type_, those in by_type.items():
            of_type = f" of the type {one_line(type_, _NAME)}" if type_ else ""
            lines = tuple(_line(one, hidden=one in secret) for one in those)
            yield Group(f"{kind}{of_type} ({len(those)}):", kind, lines, tuple(map(_short, those)))


def _short(one: Entity) -> str:
    return f"{one.id} {quoted(one.name)}"


def quoted(name: str) -> str:
    """In one line."""
    return json.dumps(one_line(name, _NAME), ensure_ascii=False)


def _line(one: Entity, *, hidden: bool) -> str:
    told = {"tag": _tag, "trigger": _trigger, "variable": _held}.get(one.kind)
    said = [REMOVED] if hidden else list(told(one)) if told else []
    said += [f"folder {one.folder}"] if one.folder else []
    return one_line(f"{_short(one)} {'; '.join(said)}", 400)


def _tag(one: Entity) -> Iterator[str]:
    yield f"on {_triggers(one.ids('firingTriggerId'))}"
    if blocked := one.ids("blockingTriggerId"):
        yield f"not on {_triggers(blocked)}"
    yield from (f"{word} {quoted(name)}" for word, name, _pointer in one.sequenced())
    yield from _consent(one)
    if one.paused:
        yield "paused"


def _triggers(ids: Sequence[str]) -> str:
    system = catalogue()["system_triggers"]
    return ", ".join(system[id_]["name"] if id_ in system else id_ for id_ in ids) or "nothing"


def _consent(one: Entity) -> Iterator[str]:
    settings = one.data.get("consentSettings")
    status = text_of(settings.get("consentStatus")) if isinstance(settings, dict) else ""
    if not isinstance(settings, dict) or status.upper().replace("_", "") in {"", "NOTSET"}:
        return
    listed = settings.get("consentType")
    types = plain(listed) if isinstance(listed, dict) else []
    yield f"consent {status} {' '.join(map(str, types)) if isinstance(types, list) else types}".rstrip()


def _trigger(one: Entity) -> Iterator[str]:
    for condition in conditions_of(one):
        negated = "not " if condition.negated else ""
        yield f"{one_line(condition.left, _HELD)} {negated}{condition.operator} {one_line(condition.right, _HELD)}"
    members = one.parameters.get("triggerIds")
    if isinstance(members, list):
        yield f"all of {', '.join(map(str, members))}"


def _held(one: Entity) -> Iterator[str]:
    held = next((one.text(key) for key in _TELLING if one.text(key)), "")
    if held:
        yield one_line(held, _HELD)
