"""A container's JSON while it is changed. Ids are given here, references by name are carried along."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from harness.scorers.gtm.entities import ARRAYS, canonical, objects, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.renaming import carry, is_sayable

Json = dict[str, Any]
_OWNERS = ("accountId", "containerId")
_WORD_KEYS = frozenset({"type", "consentStatus", "tagFiringOption"})


class Draft:
    """A deep copy of a container's JSON with verbs. Words such as TEMPLATE or CUSTOM_EVENT are given as exports spell
    them, and written as the file does. taken: of each kind, the highest number that is no new id, as the night's base
    has it, though the container may not."""

    def __init__(self, data: Any, taken: Mapping[str, int] | None = None) -> None:
        self.data: Any = json.loads(json.dumps(data))
        inner = self.data.get("containerVersion") if isinstance(self.data, dict) else None
        self.version: Json = inner if isinstance(inner, dict) else self.data
        self._small = _is_small(self.version)
        self._taken = taken or {}

    def entity(self, kind: str, id_: str) -> Json:
        """The first one of a kind with an id, to be changed in place. Raises KeyError."""
        for one in self.entities(kind):
            if text_of(one.get(ARRAYS[kind][1])) == id_:
                return one
        raise KeyError(f"no {kind} has the id {id_}")

    def entities(self, kind: str) -> list[Json]:
        return [one for _n, one in objects(self.version.get(ARRAYS[kind][0])) if isinstance(one, dict)]

    def new(self, kind: str, fields: Mapping[str, Any]) -> str:
        """Adds an entity with the next free id of its kind, which is returned. fields: all but ids."""
        array, key = ARRAYS[kind]
        id_ = str(1 + max([*self._numbers(kind), self._taken.get(kind, 0)]))
        owners = {owner: self.version[owner] for owner in _OWNERS if owner in self.version}
        made = {**owners, key: id_, **self._spelt(dict(fields))}
        listed = self.version.get(array)
        self.version[array] = [*(listed if isinstance(listed, list) else ()), made]
        return id_

    def rename(self, kind: str, id_: str, name: str) -> None:
        """Gives a name, and carries every reference to it.

        Raises ValueError for a name that is taken, or that no reference can say.
        """
        one = self.entity(kind, id_)
        old = text_of(one.get("name"))
        if not is_sayable(name):
            raise ValueError(f"no reference can say {name!r}")
        if any(text_of(other.get("name")) == name for other in self.entities(kind) if other is not one):
            raise ValueError(f"another {kind} is named {name!r}")
        first = next(other for other in self.entities(kind) if text_of(other.get("name")) == old)
        one["name"] = name
        if first is one:
            carry(self.version, kind, {old: name})

    def set_parameter(self, entity: Json, key: str, value: Any, type: str = "TEMPLATE") -> None:  # noqa: A002  # Tag Manager's own word
        """Sets a parameter of an entity, or adds it. value: text, true or false, a list of texts or of rows, or the
        parameter's own JSON where it has a key `type`."""
        made = self._parameter(key, value, type)
        if not isinstance(entity.get("parameter"), list):
            entity["parameter"] = []
        listed = entity["parameter"]
        for index, one in objects(listed):
            if one.get("key") == key:
                listed[index] = made
                return
        listed.append(made)

    def remove(self, kind: str, id_: str) -> None:
        array = ARRAYS[kind][0]
        one = self.entity(kind, id_)
        self.version[array] = [other for other in self.version[array] if other is not one]

    def move(self, kind: str, id_: str, folder_id: str) -> None:
        """Puts an entity into a folder."""
        self.entity(kind, id_)["parentFolderId"] = folder_id

    def consent(self, tag: Json, types: Iterable[str]) -> None:
        """The tag waits for these consent types; none: it waits for nothing of its own."""
        listed = [{"type": "TEMPLATE", "value": one} for one in types]
        made: Json = {"consentStatus": "NOT_NEEDED"}
        if listed:
            made = {"consentStatus": "NEEDED", "consentType": {"type": "LIST", "list": listed}}
        tag["consentSettings"] = self._spelt(made)

    def built_in(self, kind: str) -> None:
        """Switches a built-in variable on, such as PAGE_URL."""
        found = {owner: self.version[owner] for owner in _OWNERS if owner in self.version}
        found |= {"type": self.word(kind), "name": catalogue()["built_ins"][kind]}
        listed = self.version.get("builtInVariable")
        self.version["builtInVariable"] = [*(listed if isinstance(listed, list) else ()), found]

    def word(self, said: str) -> str:
        """A word of Tag Manager as this file spells such words: CUSTOM_EVENT in exports, customEvent from the API."""
        if not self._small or said != said.upper():
            return said
        first, *rest = said.lower().split("_")
        return first + "".join(part.capitalize() for part in rest)

    def _numbers(self, kind: str) -> list[int]:
        """Ids that are numbers of their own: those of the system are none."""
        floor = int(catalogue()["system_trigger_floor"])
        found = (text_of(one.get(ARRAYS[kind][1])) for one in self.entities(kind))
        return [int(id_) for id_ in found if id_.isdecimal() and len(id_) < 12 and int(id_) < floor]

    def _parameter(self, key: str, value: Any, kind: str) -> Json:
        if isinstance(value, dict) and "type" in value:
            made = {"type": value["type"], "key": key, **{k: v for k, v in value.items() if k not in {"type", "key"}}}
        elif isinstance(value, bool):
            made = {"type": "BOOLEAN", "key": key, "value": str(value).lower()}
        elif isinstance(value, list):
            made = {"type": "LIST", "key": key, "list": [self._entry(one) for one in value]}
        else:
            made = {"type": kind, "key": key, "value": value}
        found: Json = self._spelt(made)
        return found

    def _entry(self, one: Any) -> Json:
        if isinstance(one, dict):
            return {"type": "MAP", "map": [self._parameter(key, value, "TEMPLATE") for key, value in one.items()]}
        return {"type": "TEMPLATE", "value": one}

    def _spelt(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._spelt(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self.word(one) if key in _WORD_KEYS and isinstance(one, str) else self._spelt(one)
            for key, one in value.items()
        }


def _is_small(version: Mapping[str, Any]) -> bool:
    """Whether words stand as the API spells them: told by the first parameter or trigger that has one."""
    for array, _id in ARRAYS.values():
        for _n, one in objects(version.get(array)):
            words = [part.get("type") for _m, part in objects(one.get("parameter"))]
            words += [one.get("type")] if array == "trigger" else []
            for word in words:
                if isinstance(word, str) and canonical(word):
                    return word != canonical(word)
    return False
