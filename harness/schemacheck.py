"""Holds a document against its schema and says what it finds in the words of the one who wrote the document."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from harness.complaints import nearest, place, show
from harness.documents import Document, escape
from harness.errors import ConfigError
from harness.schemas import schema

MOST_EXACT = 2**53  # above it a whole number changes when it passes through JSON or a float


def complaints(document: Document, file: str, schema_name: str) -> list[ConfigError]:
    """Every fault that the schema finds, in no order."""
    rules = schema(schema_name)
    early = dict(_not_yet(document.data, rules, "", document, file))
    return [*early.values(), *_schema_errors(document, rules, file, set(early))]


@functools.cache
def _validator() -> Any:
    """JSON Schema, but 2.0 is no whole number, and $ is the very end of a text."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def whole(_checker: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_EXACT

    def pattern(_validator: Any, wanted: str, text: Any, _rule: Any) -> Iterator[Any]:
        if isinstance(text, str) and ("\n" in text or not re.search(wanted, text)):
            yield ValidationError("no match")

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", whole)
    types = types.redefine("number", lambda checker, value: isinstance(value, float) or whole(checker, value))
    return extend(Draft202012Validator, {"pattern": pattern}, type_checker=types)  # type: ignore[no-untyped-call]  # untyped


def _schema_errors(document: Document, rules: dict[str, Any], file: str, early: set[str]) -> Iterator[ConfigError]:
    for error in _validator()(rules).iter_errors(document.data):
        pointer = "".join(f"/{escape(str(segment))}" for segment in error.absolute_path)
        if any(f"{pointer}/".startswith(f"{known}/") for known in early):
            continue
        if error.validator == "additionalProperties":
            for key in error.instance:
                if key not in error.schema.get("properties", {}):
                    where = place(file, document, f"{pointer}/{escape(key)}", at_key=True)
                    yield ConfigError(where, f"unknown key{_cure_of_key(key, error.schema, rules)}")
        elif "propertyNames" in error.absolute_schema_path:
            where = place(file, document, f"{pointer}/{escape(error.instance)}", at_key=True)
            yield ConfigError(where, _sentence(error))
        else:
            yield ConfigError(place(file, document, pointer), _sentence(error))


def _cure_of_key(key: str, rule: dict[str, Any], rules: dict[str, Any]) -> str:
    homes = " or ".join(dict.fromkeys(_homes(rules, key, "")))
    if homes:
        return f"; it belongs {homes}"
    valid = list(rule.get("properties", {}))
    return nearest(key, valid) or f"; valid: {', '.join(valid)}"


def _homes(rule: dict[str, Any], key: str, path: str) -> Iterator[str]:
    """Every mapping of a schema that takes this key."""
    for name, inner in rule.get("properties", {}).items():
        if name == key:
            yield f"in {path}" if path else "at the top"
        yield from _homes(inner, key, f"{path}.{name}" if path else name)
    for inner in (rule.get("items"), rule.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _homes(inner, key, f"each entry of {path}")


def _sentence(error: Any) -> str:
    rule: dict[str, Any] = error.schema
    say = _SENTENCES.get(error.validator)
    return say(error, rule) if say else str(error.message)


def _say_required(error: Any, rule: dict[str, Any]) -> str:
    missing = error.message.split("'")[1]
    meaning = rule["properties"][missing].get("description", "").split(".")[0]
    return f'the key "{missing}" is missing' + (f" ({meaning})" if meaning else "")


def _say_type(error: Any, rule: dict[str, Any]) -> str:
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    found, wanted = error.instance, rule.get("x-says") or " or ".join(_KINDS[kind] for kind in kinds)
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if number and {"integer", "number"} & set(kinds):
        if abs(found) > MOST_EXACT:
            return f"expected {wanted} of at most {MOST_EXACT}, found {show(found)}"
        return f"expected {wanted}, found {show(found)}" + (f"; did you mean {found:.0f}?" if found % 1 == 0 else "")
    quote = "string" in kinds and "x-says" not in rule and isinstance(found, (int, float))
    return f"expected {wanted}, found {show(found)}" + (f'; in quotes it is text: "{show(found)}"' if quote else "")


def _say_enum(error: Any, rule: dict[str, Any]) -> str:
    valid = [value for value in rule["enum"] if value not in rule.get("x-not-yet-values", [])]
    words = [value if isinstance(value, str) else show(value) for value in valid]
    hint = nearest(error.instance, words) if isinstance(error.instance, str) else ""
    return f"found {show(error.instance)}; valid: {', '.join(words)}{hint}"


def _expected(error: Any, what: str) -> str:
    if error.schema.get("x-secret"):
        return f"expected {what}; what stands there is not shown: if it is a key, revoke it"
    return f"expected {what}, found {show(error.instance)}"


_SENTENCES: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "required": _say_required,
    "type": _say_type,
    "enum": _say_enum,
    "pattern": lambda e, r: _expected(e, r.get("x-says", f"text like {r['pattern']}")),
    "minimum": lambda e, r: _expected(e, f"at least {r['minimum']}"),
    "maximum": lambda e, r: _expected(e, f"at most {r['maximum']}"),
    "exclusiveMinimum": lambda e, r: _expected(e, f"more than {r['exclusiveMinimum']}"),
    "minItems": lambda e, r: f"expected at least {_entries(r['minItems'])}, found {len(e.instance) or 'none'}",
    "maxItems": lambda e, r: f"expected at most {_entries(r['maxItems'])}, found {len(e.instance)}",
    "minProperties": lambda _e, _r: "expected at least one entry, found none",
    "uniqueItems": lambda _e, _r: "the same value stands twice",
    "minLength": lambda _e, _r: "expected text, found an empty one",
}

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def _not_yet(
    value: Any, rule: dict[str, Any], pointer: str, document: Document, file: str
) -> Iterator[tuple[str, ConfigError]]:
    """Keys and values that the schema knows and this version cannot honour: refused, never ignored."""
    if rule.get("x-not-yet"):
        where = place(file, document, pointer, at_key=True)
        yield pointer, ConfigError(where, "not available yet", next_step="remove the key; a later version takes it")
    elif isinstance(value, dict):
        for key, inner in value.items():
            inner_rule = rule.get("properties", {}).get(key) or rule.get("additionalProperties") or {}
            yield from _not_yet(inner, inner_rule, f"{pointer}/{escape(key)}", document, file)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_yet(inner, rule.get("items", {}), f"{pointer}/{index}", document, file)
    elif any(value == early and type(value) is type(early) for early in rule.get("x-not-yet-values", [])):
        ready = [str(known) for known in rule.get("enum", []) if known not in rule["x-not-yet-values"]]
        cure = f"available: {', '.join(ready)}" if ready else "remove the key; a later version takes it"
        yield (
            pointer,
            ConfigError(place(file, document, pointer), f"{show(value)} is not available yet", next_step=cure),
        )
