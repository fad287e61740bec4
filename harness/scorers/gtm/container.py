"""Reads a container: an export or the API's JSON, web or server, of any age. Absent arrays mean empty ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any

from harness.errors import InvalidCandidate
from harness.scorers.gtm.entities import ARRAYS, Entity, canonical, objects, packed, text_of
from harness.scorers.gtm.known import catalogue, tag_facts

MOST_BYTES = 32 * 1024 * 1024
_HEAD = {
    "path", "accountId", "containerId", "containerVersionId", "name", "description", "notes", "container",
    "fingerprint",
    "tagManagerUrl", "deleted", "builtInVariable", "exportFormatVersion", "exportTime",
}  # fmt: skip
_FIRST_FORMAT = {"macro", "rule"}
_SERVERS_OWN = ("client", "transformation")


@dataclass(frozen=True)
class NotJudged:
    """Something that is kept as it is and that no dimension looks at, with why."""

    pointer: str
    what: str
    why: str


@dataclass(frozen=True, eq=False)
class Container:
    """A container as a model. data: the whole file. base: the pointer of the version in it.

    entities: by kind, in the file's order. built_ins: names of the built-in variables that are switched on, by type.
    """

    name: str
    context: str
    base: str
    data: Mapping[str, Any] = field(repr=False)
    entities: Mapping[str, tuple[Entity, ...]] = field(repr=False)
    built_ins: Mapping[str, str] = field(repr=False)
    not_judged: tuple[NotJudged, ...] = field(repr=False)

    def all(self, kind: str) -> tuple[Entity, ...]:
        return self.entities.get(kind, ())

    @cached_property
    def by_id(self) -> dict[tuple[str, str], Entity]:
        """The first entity of each kind and id; later ones of the same id cannot be meant by anybody."""
        found: dict[tuple[str, str], Entity] = {}
        for kind, entities in self.entities.items():
            for one in entities:
                if one.id:
                    found.setdefault((kind, one.id), one)
        return found

    @cached_property
    def by_name(self) -> dict[tuple[str, str], Entity]:
        found: dict[tuple[str, str], Entity] = {}
        for kind, entities in self.entities.items():
            for one in entities:
                found.setdefault((kind, one.name), one)
        return found

    @cached_property
    def templates(self) -> dict[str, Entity]:
        """Custom templates by the type that tags, variables and clients of them have: cvt_ABC12 or cvt_1234_5."""
        found: dict[str, Entity] = {}
        for one in self.all("template"):
            gallery = one.data.get("galleryReference")
            named = text_of(gallery.get("galleryTemplateId")) if isinstance(gallery, dict) else ""
            owner = text_of(one.data.get("containerId"))
            for kind in (f"cvt_{named}" if named else "", f"cvt_{owner}_{one.id}"):
                if kind:
                    found.setdefault(kind, one)
        return found

    def template_of(self, entity: Entity) -> Entity | None:
        found = self.templates.get(entity.type)
        if found or not entity.type.startswith("cvt_"):
            return found
        ending = entity.type.rpartition("_")[2]  # copies between containers keep the old container's id in the type
        return self.by_id.get(("template", ending)) if entity.type.count("_") > 1 else None

    @property
    def title(self) -> str:
        return self.name or "container"


def read(content: bytes, file: str, before: Container | None = None) -> Container:
    """The container in a file. Raises InvalidCandidate for what is none: what it is instead, and what to do.

    before: another version of it. What stands in both at one place is worked out once.
    """
    return model(_json(content, file), PurePath(file).name, before)


def model(data: Any, file: str = "the file", before: Container | None = None) -> Container:
    """The container in parsed JSON. Raises InvalidCandidate."""
    version, base = _version(data, file)
    about = version.get("container")
    head: Mapping[str, Any] = about if isinstance(about, dict) else {}
    not_judged: list[NotJudged] = []
    known = {one.pointer: one for those in before.entities.values() for one in those} if before else {}
    entities = {kind: _entities(version, base, kind, known, not_judged) for kind in ARRAYS}
    for key in sorted(set(version) - _HEAD - {array for array, _id in ARRAYS.values()}):
        if isinstance(version[key], (list, dict)) and version[key]:
            not_judged.append(NotJudged(f"{base}/{key}", f'"{key}"', "nothing is known of such a part"))
    not_judged += _double_ids(entities)
    context = _context(head, entities)
    if context not in {"web", "server"}:
        not_judged.append(NotJudged(base, f"a container for {context}", "judged as if it were one for the web"))
    name = text_of(head.get("name")) or text_of(head.get("publicId"))
    return Container(name, context, base, data, entities, _built_ins(version), tuple(not_judged))


def _json(content: bytes, file: str) -> Any:
    if len(content) > MOST_BYTES:
        raise InvalidCandidate(
            f"{file}: larger than {MOST_BYTES // 2**20} MB",
            why="no container comes near that size",
            next_step="export it from Tag Manager: Admin > Export Container",
        )
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_members, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        problem = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        problem = "nested too deeply"
    except ValueError as error:
        problem = str(error)[:200]
    raise InvalidCandidate(
        f"{file}: {problem}",
        why=_why(content),
        next_step="in Tag Manager choose Admin > Export Container, and give the file that it saves",
    )


def _why(content: bytes) -> str:
    start = content[:2000].lstrip().lower()
    if start.startswith(b"<"):
        return "this looks like a web page, not like an export"
    if b"google tag manager" in start or b"google_tag_manager" in content[:200_000]:
        return "this looks like the published gtm.js, which holds a compiled container; what it compiled is not in it"
    if not content.strip():
        return "the file is empty"
    return "a container is one JSON object; a download may have been cut off or edited by hand"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]} stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _version(data: Any, file: str) -> tuple[Mapping[str, Any], str]:
    """The container version in parsed JSON, and its pointer."""
    arrays = {array for array, _id in ARRAYS.values()} | {"builtInVariable"}
    if isinstance(data, dict):
        inner, base = data.get("containerVersion"), "/containerVersion"
        if not isinstance(inner, dict):
            inner, base = data, ""
        if _FIRST_FORMAT & inner.keys():
            raise InvalidCandidate(
                f"{file}: an export in Tag Manager's first format, of before 2015",
                why="its macros and rules became variables and triggers since, and are not read here",
                next_step="import it into a Tag Manager container, and export that",
            )
        if base or "container" in inner or (arrays & inner.keys() and not _wrong(inner, arrays)):
            _require_lists(inner, base, file, arrays)
            return inner, base
    raise InvalidCandidate(
        f"{file}: JSON, but no Tag Manager container",
        why=f"{_found(data)}; an export has the key containerVersion, an answer of the API arrays such as tag",
        next_step="in Tag Manager choose Admin > Export Container, and give the file that it saves",
    )


def _wrong(inner: Mapping[str, Any], arrays: set[str]) -> bool:
    return not any(isinstance(inner[key], list) for key in arrays & inner.keys())


def _require_lists(inner: Mapping[str, Any], base: str, file: str, arrays: set[str]) -> None:
    for key in sorted(arrays & inner.keys()):
        if inner[key] is not None and not isinstance(inner[key], list):
            raise InvalidCandidate(
                f"{file}: {base}/{key} is no list",
                why="Tag Manager writes one, or leaves the key out",
                next_step=f"remove the key {key}, or restore it from Tag Manager",
            )


def _found(data: Any) -> str:
    if isinstance(data, dict):
        return f"its keys are {', '.join(map(str, list(data)[:6]))}" if data else "it is an empty object"
    return "it is a list" if isinstance(data, list) else "it is a single value"


def _entities(
    version: Mapping[str, Any], base: str, kind: str, known: Mapping[str, Entity], not_judged: list[NotJudged]
) -> tuple[Entity, ...]:
    array, key = ARRAYS[kind]
    found = []
    listed = version.get(array) or []
    for index, one in objects(listed):
        pointer, raw = f"{base}/{array}/{index}", text_of(one.get("type"))
        name = canonical(raw) if kind == "trigger" else raw
        entity = Entity(kind, text_of(one.get(key)), text_of(one.get("name")), name, pointer, one)
        before = known.get(pointer)
        entity = before if before and packed(before) == packed(entity) else entity
        found.append(entity)
        if why := _unknown(entity):
            not_judged.append(NotJudged(pointer, f"{entity.label()} ({raw or 'no type'})", why))
    if len(found) < len(listed):
        not_judged.append(
            NotJudged(f"{base}/{array}", f"{len(listed) - len(found)} entries", f"no {kind} is written so")
        )
    return tuple(found)


def _unknown(one: Entity) -> str:
    """Why nobody can say what this entity does; "" where it is known."""
    known = catalogue()
    if one.type.startswith("cvt_") or one.kind in {"folder", "template", "zone", "tag configuration"}:
        return ""
    if one.kind == "tag" and not tag_facts(one.type):
        return "nothing is known of this type of tag; it is neither a template of the container"
    listed = {"trigger": "triggers", "variable": "variables", "client": "clients", "transformation": "transformations"}
    if one.kind in listed and one.type not in known[listed[one.kind]]:
        return f"nothing is known of this type of {one.kind}"
    return ""


def _double_ids(entities: Mapping[str, tuple[Entity, ...]]) -> list[NotJudged]:
    found = []
    for kind, those in entities.items():
        seen: set[str] = set()
        for one in those:
            if not one.id or one.id in seen:
                what = f"has the id {one.id} of another {kind}" if one.id else "has no id"
                found.append(NotJudged(one.pointer, f"{one.label()} {what}", "nothing can refer to it by id"))
            seen.add(one.id)
    return found


def _built_ins(version: Mapping[str, Any]) -> dict[str, str]:
    """Names to types. The API may leave the name out, which then is Tag Manager's own."""
    found = {}
    for _n, one in objects(version.get("builtInVariable")):
        kind = canonical(one.get("type"))
        found[text_of(one.get("name")) or catalogue()["built_ins"].get(kind, "")] = kind
    found.pop("", None)
    return found


def _context(head: Mapping[str, Any], entities: Mapping[str, tuple[Entity, ...]]) -> str:
    """web, server, or another word of Tag Manager in small letters; told by what stands in it where it does not say."""
    said = head.get("usageContext")
    words = [canonical(one) for one in said] if isinstance(said, list) else []
    if words and words[0]:
        return words[0].lower()
    serving = any(entities[kind] for kind in _SERVERS_OWN) or any(
        one.type.startswith("sgtm") for one in entities["tag"]
    )
    return "server" if serving else "web"
