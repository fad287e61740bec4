"""Variable hygiene: is every variable used, every reference defined, and nothing kept that must not be seen?"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity, Text, remembered
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.references import Reference
from harness.scorers.gtm.senders import executed
from harness.scorers.gtm.view import View

_SAY = Complaints("variable_hygiene")
_SECRET_WEIGHT = 2.0
_LEAST_TELLING = 6
_READ = {"v": {"name", "dataLayerVersion", "defaultValue", "setDefaultValue"}, "c": {"value"}, "jsm": {"javascript"}}
_CUT = re.compile("[\"'`]\\s*\\+\\s*[\"'`]|[\u200b-\u200d\u2060\ufeff\u00ad]")
_LONG_WORD = re.compile(r"[\w.~+/-]{14}|PRIVATE")  # every secret has one


def judge(view: View) -> Judged:
    used, equal = _used(view), _equal(view)
    checks: list[Check] = []
    for one in view.container.all("variable"):
        checks += [_usage(view, one, is_used=one in used), _soundness(view, one, equal)]
    secrets = list(_secrets(view))
    checks += [*_undefined(view), *(secrets if view.container.context != "server" else [])]
    notes = [one.issue for one in secrets if one.issue] if view.container.context == "server" else []
    return judged(checks, "the container has no variables and names none", notes, most=view.most("variable_hygiene"))


def _used(view: View) -> set[Entity]:
    """Variables that anything but an unused variable uses: a tag, trigger, client, template, zone or transformation."""
    roots = [one for those in view.container.entities.values() for one in those if one.kind != "variable"]
    waiting, found = list(roots), set(roots)
    while waiting:
        for reference in view.references.of(waiting.pop()):
            if reference.target and reference.target not in found:
                found.add(reference.target)
                waiting.append(reference.target)
    return found


def _usage(view: View, one: Entity, *, is_used: bool) -> Check:
    if is_used:
        return view.passes(one)
    return _SAY.fails(
        "variable-unused", one, "nothing uses it", "remove it, if nobody is about to use it", severity="warning"
    )


def _soundness(view: View, one: Entity, equal: dict[Entity, Entity]) -> Check:
    name, version = one.text("name"), one.text("dataLayerVersion")
    if _in_circle(view, one):
        return _SAY.fails("variable-circular", one, "it refers to itself, in a circle", "break the circle")
    if one.type == "v" and version == "1" and "." in name:
        return _SAY.fails(
            "data-layer-version", one, f'"{name}" is read by version 1, which does not look inside objects',
            "set its data layer version to 2", pointer=one.at("dataLayerVersion"), severity="warning",
        )  # fmt: skip
    if one.type == "v" and not name:
        return _SAY.fails(
            "variable-empty", one, "it names no key of the data layer", "name the key", pointer=one.at("name")
        )
    if one.type == "jsm" and "return" not in one.text("javascript") and "=>" not in one.text("javascript"):
        return _SAY.fails(
            "variable-empty",
            one,
            "its code returns nothing",
            "let the function return a value",
            pointer=one.at("javascript"),
        )
    if one in equal:
        return _SAY.fails(
            "variable-twice", one, f'is the same as variable "{equal[one].name}"',
            f'use "{equal[one].name}" everywhere, and remove this one', severity="warning",
        )  # fmt: skip
    return view.passes(one)


def _in_circle(view: View, one: Entity) -> bool:
    waiting, seen = [one], set()
    while waiting:
        for reference in view.references.of(waiting.pop()):
            if reference.how != "variable" or not reference.target:
                continue
            if reference.target is one:
                return True
            if reference.target not in seen:
                seen.add(reference.target)
                waiting.append(reference.target)
    return False


def _equal(view: View) -> dict[Entity, Entity]:
    """Variables that are the same as an earlier one, by name, in all but name and folder."""
    first: dict[str, Entity] = {}
    found = {}
    for one in sorted(view.container.all("variable"), key=lambda variable: variable.name):
        content = _key(one)
        if one.parameters and not _is_short(one) and first.setdefault(content, one) is not one:
            found[one] = first[content]
    return found


@remembered
def _key(one: Entity) -> str:
    return json.dumps([one.type, _content(one), one.data.get("formatValue") or {}], sort_keys=True, default=str)


def _content(one: Entity) -> dict[str, Any]:
    """What a variable does: without defaults that are switched off, comments, and spaces that mean nothing."""
    found = dict(one.parameters)
    if found.get("setDefaultValue", "true") == "false":
        found.pop("defaultValue", None)
    known = _READ.get(one.type)
    found = {
        key: value for key, value in found.items() if (known is None or key in known) and value not in ("", "false")
    }
    if one.type == "jsm":
        found["javascript"] = "".join(executed(one.text("javascript")).split())
    return {key: value.strip() if isinstance(value, str) else value for key, value in found.items()}


def _is_short(one: Entity) -> bool:
    """A constant such as 0 or true: two of them may mean two things."""
    return one.type == "c" and len(one.text("value")) < _LEAST_TELLING


def _distinct(references: list[Reference]) -> list[Reference]:
    return list({(one.source, one.says): one for one in references}.values())


def _undefined(view: View) -> Iterator[Check]:
    """References that mean nothing: to variables, tags, templates, folders. Triggers are judged with triggers."""
    for one in _distinct(view.references.unresolved):
        if one.how == "variable":
            yield _SAY.fails(
                "reference-undefined", one.source, f"{{{{{one.says}}}}} is defined nowhere",
                "define the variable, or name another", pointer=one.pointer,
            )  # fmt: skip
        elif one.how in {"setup", "teardown", "tag", "template"}:
            what = "template" if one.how == "template" else "tag"
            yield _SAY.fails(
                "reference-undefined", one.source, f'{one.how}: no {what} is "{one.says[:60]}"',
                f"name a {what} that exists", pointer=one.pointer,
            )  # fmt: skip
    for one in _distinct([ref for ref in view.references.all if ref.state == "off"]):
        yield _SAY.fails(
            "built-in-off", one.source, f"{{{{{one.says}}}}} is a built-in variable that is not switched on",
            "switch it on", pointer=one.pointer,
        )  # fmt: skip


def _secrets(view: View) -> Iterator[Check]:
    """What the browser loads, everybody can read. The secret itself is never repeated."""
    is_server = view.container.context == "server"
    for one in (*view.container.all("variable"), *view.container.all("tag")):
        plain = _plain_secrets(one)
        for found in _suspects(one):
            if name := plain.get(found.pointer) or _secret(_joined(view, found.text)):
                message = f"holds a {name}" + ("" if is_server else ", which every visitor can read")
                yield _SAY.fails(
                    "secret", one, message, "revoke it, and keep its successor on a server", pointer=found.pointer,
                    weight=_SECRET_WEIGHT, severity="info" if is_server else "error",
                )  # fmt: skip


@remembered
def _plain_secrets(one: Entity) -> dict[str, str]:
    """Kinds of secret by the pointer of the text that holds one as it stands."""
    return {found.pointer: name for found in one.texts if (name := _secret(found.text))}


@remembered
def _suspects(one: Entity) -> tuple[Text, ...]:
    """Texts that hold a secret, or may when they are put together."""
    return tuple(found for found in one.texts if "{{" in found.text or _CUT.search(found.text) or _secret(found.text))


def _joined(view: View, text: str) -> str:
    """A text with what was cut apart put together: by constants, in code, by characters that nobody sees."""
    whole = (view.values.constant(text) or "") if text.count("{{") > 1 or not text.startswith("{{") else ""
    return whole if whole != text else _CUT.sub("", text) if _CUT.search(text) else ""


def _secret(text: str) -> str:
    """Which kind of secret a text holds, by shape; "" for none."""
    if not _LONG_WORD.search(text):
        return ""
    return next((name for name, shape in _shapes().items() if shape.search(text)), "")


@functools.cache
def _shapes() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in catalogue()["secrets"].items()}
