"""A model's edits of a container, made on its data. Ids of what is new are given here, whatever the answer says.

add, remove and replace are JSON Patch with places by identity; set, rename and consent say what models get wrong
otherwise: a parameter that may or may not be there, a name that others refer to, consent settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot.models.redaction import REMOVED
from bot.proposers.mind.containers.address import Step, found, inside, item, parsed, said
from bot.proposers.mind.containers.full import CUT
from bot.proposers.mind.wrong import Wrong
from bot.proposers.repair.draft import Draft
from harness.documents import jsonstyle
from harness.errors import InvalidCandidate
from harness.scorers.gtm import read
from harness.scorers.gtm.entities import ARRAYS, canonical, objects, strings, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.policing.pairing import next_id

_KINDS = {array: kind for kind, (array, _id) in ARRAYS.items()}
_PLACEHOLDER = re.compile(r"new:[a-z ]+:\w+")
_OWNERS = ("accountId", "containerId")
TOLD = 4  # edits of which is told what is wrong
_BOM = "\ufeff"
_BUILT_IN = "builtInVariable"

Edit = Mapping[str, Any]


def edited(edits: Sequence[Edit], text: str, file: str, base: bytes = b"") -> str:
    """The text with the edits made, in its own style. base: the night's, whose ids stay taken. Raises Wrong."""
    try:
        json.dumps(list(map(dict, edits)), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Wrong("the edits hold half of a surrogate pair, which no file can hold") from None
    try:
        data = read(text.encode("utf-8", errors="surrogateescape"), file).data
    except InvalidCandidate as invalid:
        raise Wrong(f"the file cannot be read: {invalid.what}") from None
    work, problems = _Work(Draft(data, _taken(base, file) if base else {})), list[str]()
    for number, edit in enumerate(edits, 1):
        try:
            work.do(edit)
        except Wrong as wrong:
            problems.append(f"edit {number} ({edit['op']} {said(str(edit['path']))}): {wrong.what}")
    if problems:
        more = f" (and {len(problems) - TOLD} more)" if len(problems) > TOLD else ""
        raise Wrong("; ".join(problems[:TOLD]) + more)
    start, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    return start + jsonstyle.rewritten(work.finished(), like=body)


@lru_cache(maxsize=2)
def _taken(base: bytes, file: str) -> Mapping[str, int]:
    container = read(base, file)
    return {kind: next_id(container, kind) - 1 for kind in ARRAYS}


class _Work:
    """One answer's edits, one after the other. given: ids by the placeholders that stand for them; meant: placeholders
    that an edit names; standing: texts of the file that look like one."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._given: dict[str, str] = {}
        self._meant: set[str] = set()
        self._standing = {one.text for one in strings(draft.data, "") if _PLACEHOLDER.fullmatch(one.text)}

    def do(self, edit: Edit) -> None:
        op, steps = str(edit["op"]), parsed(str(edit["path"]), self._draft.data)
        steps = tuple(self._known(step) for step in steps)
        if op == "remove":
            self._remove(steps)
        elif op == "rename":
            self._rename(steps, text_of(edit["value"]))
        elif op == "consent":
            self._consent(steps, text_of(edit["value"]).replace(",", " ").split())
        else:
            self._put(op, steps, self._value(edit))

    def finished(self) -> Any:
        """The data, with ids where placeholders stood. Raises Wrong for those that stand for nothing."""
        if lost := sorted(self._meant - self._given.keys()):
            raise Wrong(f"{said(lost[0])} stands for nothing: add an entity with that as its id, in the same answer")
        return _with_ids(self._draft.data, self._given) if self._given else self._draft.data

    def _known(self, step: Step) -> Step:
        """A step that means an item by what it refers to, with the id that was given for it."""
        return Step(step.key, step.field, self._given.get(step.value, step.value))

    def _value(self, edit: Edit) -> Any:
        value = edit["value"]
        if edit["structure"]:
            try:
                value = json.loads(edit["structure"])
            except (ValueError, RecursionError) as error:
                raise Wrong(f"structure is not JSON: {said(str(error))}") from None
        texts = [value] if isinstance(value, str) else [one.text for one in strings(value, "")]
        if any(CUT.search(text) or REMOVED in text for text in texts):
            raise Wrong("it holds the mark of a text that you were not shown in full; leave that text as it is")
        self._meant |= {text for text in texts if _PLACEHOLDER.fullmatch(text)}
        if taken := sorted(self._meant & self._standing):
            raise Wrong(f"{said(taken[0])} stands in the file as a text: take another number")
        return _as_written(value)

    def _put(self, op: str, steps: tuple[Step, ...], value: Any) -> None:
        kind = self._kind_of_new(steps)
        if op == "add" and kind:
            self._new(kind, value)
        elif op == "add" and steps[-2:-1] == (Step(_BUILT_IN),):
            self._switch_on(value)
        elif op == "set":
            self._set(steps, value)
        elif op == "add":
            self._add(steps, value)
        else:
            self._replace(steps, value)

    def _refuse_names_and_ids(self, parent: Any, last: Step) -> None:
        """Raises Wrong for a field that others refer to."""
        of = next((kind for kind in ARRAYS if any(parent is one for one in self._draft.entities(kind))), "")
        if of and last.key == ARRAYS[of][1]:
            raise Wrong(f"ids are given by code, and the {of} keeps its own")
        if of and last.key == "name" and not last.field:
            raise Wrong("a name is changed by the op rename, which carries along whatever says it")

    def _kind_of_new(self, steps: tuple[Step, ...]) -> str:
        """The kind of an entity that is added, "" where none is."""
        if len(steps) < 2:
            return ""
        *above, array, last = steps
        if array.field or last.field or not (last.key == "-" or last.key.isdecimal()):
            return ""
        return _KINDS.get(array.key, "") if found(self._draft.data, tuple(above)) is self._draft.version else ""

    def _new(self, kind: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise Wrong(f"a new {kind} is an object, in structure")
        key = ARRAYS[kind][1]
        id_ = text_of(value.get(key))
        if id_ and not _PLACEHOLDER.fullmatch(id_):
            raise Wrong(
                f"ids are given by code, and not {said(id_)}: leave {key} out; or say new:{kind}:1, and the same "
                "wherever another edit of this answer means it"
            )
        if id_ in self._given:
            raise Wrong(f"{said(id_)} stands for another new entity already: give each its own number")
        fields = {name: one for name, one in value.items() if name not in (key, *_OWNERS)}
        made = self._draft.new(kind, fields)
        if id_:
            self._given[id_] = made

    def _switch_on(self, value: Any) -> None:
        said_ = value.get("type") if isinstance(value, dict) else value
        kind = canonical(said_)
        if kind not in catalogue()["built_ins"]:
            raise Wrong(f"Tag Manager has no built-in variable of the type {said(text_of(said_))}; one is PAGE_URL")
        if any(canonical(one.get("type")) == kind for _n, one in objects(self._draft.version.get(_BUILT_IN))):
            raise Wrong(f"{kind} is switched on already")
        self._draft.built_in(kind)

    def _set(self, steps: tuple[Step, ...], value: Any) -> None:
        *above, last = steps
        if last.key != "parameter" or last.field != "key":
            raise Wrong("set is for a parameter, as /containerVersion/tag[tagId=12]/parameter[key=currencyCode]")
        entity = found(self._draft.data, tuple(above))
        if not isinstance(entity, dict) or not isinstance(entity.get("parameter", []), list):
            raise Wrong("there is nothing with parameters")
        if value is None:
            raise Wrong("a parameter is set to a value, or to a structure")
        if isinstance(value, dict) and "type" not in value:
            raise Wrong("the structure of a parameter has a type, as LIST, and a list or a map")
        old = [one for one in entity.get("parameter", []) if isinstance(one, dict) and one.get("key") == last.value]
        if isinstance(value, (int, float)) and (old or not isinstance(value, bool)):
            value = text_of(value)
        kind = text_of(old[0].get("type")) if old and isinstance(value, str) else "TEMPLATE"
        self._draft.set_parameter(entity, last.value, value, kind)

    def _add(self, steps: tuple[Step, ...], value: Any) -> None:
        parent = found(self._draft.data, steps[:-1])
        last = steps[-1]
        self._refuse_names_and_ids(parent, last)
        if last.field:
            raise Wrong("what is added has no place by identity yet: end the path with its name, or with /- in a list")
        if isinstance(parent, dict):
            if isinstance(parent.get(last.key), list) and not isinstance(value, list):
                raise Wrong(f"{said(last.key)} is a list: add to it at /{said(last.key)}/-")
            parent[last.key] = value
        elif isinstance(parent, list) and (last.key == "-" or (last.key.isdecimal() and int(last.key) <= len(parent))):
            parent.insert(len(parent) if last.key == "-" else int(last.key), value)
        else:
            raise Wrong("nothing can be added there: add to an object by a name, to a list by /-")

    def _replace(self, steps: tuple[Step, ...], value: Any) -> None:
        parent, last = found(self._draft.data, steps[:-1]), steps[-1]
        self._refuse_names_and_ids(parent, last)
        old = inside(parent, last)
        if isinstance(old, str) and isinstance(value, (bool, int, float)):
            value = text_of(value)
        if isinstance(old, str) != isinstance(value, str):
            raise Wrong(f"there stands {_what(old)}, and {_what(value)} cannot stand in its place")
        holder, at = _slot(parent, last)
        holder[at] = value

    def _remove(self, steps: tuple[Step, ...]) -> None:
        parent, last = found(self._draft.data, steps[:-1]), steps[-1]
        inside(parent, last)
        holder, at = _slot(parent, last)
        del holder[at]

    def _rename(self, steps: tuple[Step, ...], name: str) -> None:
        kind, one = self._entity(steps)
        try:
            self._draft.rename(kind, text_of(one.get(ARRAYS[kind][1])), name)
        except (ValueError, KeyError) as error:
            raise Wrong(said(str(error.args[0]))) from None

    def _consent(self, steps: tuple[Step, ...], types: Sequence[str]) -> None:
        kind, one = self._entity(steps)
        if kind != "tag":
            raise Wrong(f"only tags wait for consent; this is a {kind}")
        self._draft.consent(one, types)

    def _entity(self, steps: tuple[Step, ...]) -> tuple[str, dict[str, Any]]:
        one = found(self._draft.data, steps)
        for kind in ARRAYS:
            if any(one is other for other in self._draft.entities(kind)):
                return kind, one
        raise Wrong("that is no entity; one is /containerVersion/tag[tagId=12]")


def _slot(parent: Any, last: Step) -> tuple[Any, Any]:
    """What holds the value at a step, and its key or number there."""
    if last.field:
        return parent[last.key], item(parent[last.key], last)
    return parent, int(last.key) if isinstance(parent, list) else last.key


def _what(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return "a text" if isinstance(value, str) else "nothing" if value is None else "a number or a truth value"


def _as_written(value: Any) -> Any:
    """The values of parameters as Tag Manager writes them: as texts."""
    if isinstance(value, dict):
        is_parameter = "type" in value and not isinstance(value.get("value", {}), (dict, list))
        texts = {"value": text_of(value["value"])} if is_parameter and "value" in value else {}
        return {key: _as_written(one) for key, one in value.items()} | texts
    return [_as_written(one) for one in value] if isinstance(value, list) else value


def _with_ids(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_ids(one, given) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, given) for one in value]
    return given.get(value, value) if isinstance(value, str) else value
