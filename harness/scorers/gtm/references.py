"""Every reference of a container, resolved: by id, by name, by type, and by {{name}} in any text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from harness.scorers.gtm.container import Container
from harness.scorers.gtm.entities import Entity, canonical, objects, remembered, strings, text_of
from harness.scorers.gtm.known import catalogue

NAMED = re.compile(r"\{\{([^{}]+)\}\}")
_Said = tuple[str, str, str, str]
_BY_TYPE = {"TAG_REFERENCE": "tag", "TRIGGER_REFERENCE": "trigger"}
NO_TEXT = {
    "name",
    "notes",
    "fingerprint",
    "path",
    "tagManagerUrl",
    "templateData",
    "workspaceId",
    "accountId",
    "containerId",
}


@dataclass(frozen=True, eq=False)
class Reference:
    """Somebody means something.

    how: variable, firing, blocking, setup, teardown, tag, trigger, folder, template, client or zone.
    says: the name, id or type that stands there. target: what it means; None for what is no entity.
    state: entity; built-in (switched on); system (always there); off (a built-in that is not switched on); missing.
    """

    source: Entity
    how: str
    says: str
    pointer: str
    target: Entity | None
    state: str


class References:
    """All references of a container, both ways."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.all: list[Reference] = []
        for entities in container.entities.values():
            for one in entities:
                self.all += self._of(one)
        self._from: dict[Entity, list[Reference]] = defaultdict(list)
        self._to: dict[Entity, list[Reference]] = defaultdict(list)
        for reference in self.all:
            self._from[reference.source].append(reference)
            if reference.target and reference.target is not reference.source:
                self._to[reference.target].append(reference)

    def of(self, entity: Entity) -> list[Reference]:
        """What it refers to."""
        return self._from.get(entity, [])

    def to(self, entity: Entity) -> list[Reference]:
        """Who refers to it, itself left out."""
        return self._to.get(entity, [])

    @cached_property
    def unresolved(self) -> list[Reference]:
        return [one for one in self.all if one.state == "missing"]

    def variable(self, name: str) -> tuple[Entity | None, str]:
        """What {{name}} means: the entity if it is one, and the state."""
        found = self.container.by_name.get(("variable", name)) or self.container.by_name.get(("variable", name.strip()))
        if found:
            return found, "entity"
        if name in self.container.built_ins or name.strip() in self.container.built_ins:
            return None, "built-in"
        if name in catalogue()["system_variables"]:
            return None, "system"
        return None, "off" if name.strip() in catalogue()["built_ins"].values() else "missing"

    def _of(self, one: Entity) -> Iterator[Reference]:
        for how, kind, says, pointer in _said(one):
            if kind == "variable":
                target, state = self.variable(says)
                yield Reference(one, how, says, pointer, target, state)
            else:
                yield self._entity(one, how, kind, says, pointer, by_name=kind == "tag")
        if one.type.startswith("cvt_"):
            template = self.container.template_of(one)
            yield Reference(
                one, "template", one.type, f"{one.pointer}/type", template, "entity" if template else "missing"
            )
        if one.kind == "template":
            yield from self._in_template(one)
        if one.kind == "trigger":
            yield from self._clients(one)

    def _in_template(self, one: Entity) -> Iterator[Reference]:
        """A template's defaults may name variables. Nobody can say that other {{words}} in its code are a mistake."""
        code = text_of(one.data.get("templateData"))
        for name in set(NAMED.findall(code)) if "{{" in code else ():
            target, state = self.variable(name)
            if state != "missing":
                yield Reference(one, "variable", name, f"{one.pointer}/templateData", target, state)

    def _clients(self, one: Entity) -> Iterator[Reference]:
        """A condition that names a client: {{Client Name}} equals ..."""
        for index, condition in objects(one.data.get("filter")):
            texts = {
                text_of(part.get("key")): text_of(part.get("value")) for _n, part in objects(condition.get("parameter"))
            }
            name = texts.get("arg0", "").strip("{} ")
            if self.container.built_ins.get(name) == "CLIENT_NAME" and canonical(condition.get("type")) == "EQUALS":
                pointer = f"{one.pointer}/filter/{index}"
                yield self._entity(one, "client", "client", texts.get("arg1", ""), pointer, by_name=True)

    def _entity(self, one: Entity, how: str, kind: str, says: str, pointer: str, *, by_name: bool = False) -> Reference:
        index = self.container.by_name if by_name else self.container.by_id
        target = index.get((kind, says))
        return Reference(one, how, says, pointer, target, "entity" if target else _state(kind, says))


@remembered
def _said(one: Entity) -> tuple[_Said, ...]:
    """Whom it names: how; the kind of who is meant; the name, of tags and variables, or id; the pointer."""
    return (*_in_texts(one), *_by_id(one), *((how, "tag", name, pointer) for how, name, pointer in one.sequenced()))


def _by_id(one: Entity) -> Iterator[_Said]:
    for how in ("firing", "blocking"):
        for index, trigger in enumerate(one.ids(f"{how}TriggerId")):
            yield how, "trigger", trigger, f"{one.pointer}/{how}TriggerId/{index}"
    boundary = one.data.get("boundary") if one.kind == "zone" else None
    listed = boundary.get("customEvaluationTriggerId") if isinstance(boundary, dict) else None
    for index, trigger in enumerate(listed if isinstance(listed, list) else []):
        yield "zone", "trigger", text_of(trigger), f"{one.pointer}/boundary/customEvaluationTriggerId/{index}"
    if one.folder:
        yield "folder", "folder", one.folder, f"{one.pointer}/parentFolderId"


def _in_texts(one: Entity) -> Iterator[_Said]:
    inside = {key: value for key, value in one.data.items() if key not in NO_TEXT and key != "parameter"}
    for found in chain(one.texts, strings(inside, one.pointer)):
        if "{{" in found.text:
            for name in NAMED.findall(found.text):
                yield "variable", "variable", name, found.pointer
        elif found.text and found.key == "value":
            how = _BY_TYPE.get(canonical(found.holder.get("type")))
            if how:
                yield how, how, found.text, found.pointer


def _state(kind: str, says: str) -> str:
    """Of an id that no entity has: the system's, or nobody's."""
    known = catalogue()
    if kind != "trigger" or not says.isdecimal():
        return "missing"
    is_system = says in known["system_triggers"] or int(says[:12]) >= int(known["system_trigger_floor"])
    return "system" if is_system else "missing"
