"""Reads a YAML file that a user wrote against its schema; every complaint says file, line, column, key and a cure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.documents import Document, ParseProblem, escape, parse
from harness.errors import ConfigError, ConfigErrors, Place
from harness.schemas import schema


@dataclass(frozen=True)
class ConfigFile:
    """A valid file: its data, and where each key stands."""

    file: str
    data: Any
    document: Document

    def error(self, pointer: str, what: str, *, why: str = "", next_step: str = "") -> ConfigError:
        """A complaint about the value at a JSON pointer."""
        return ConfigError(place(self.file, self.document, pointer), what, why=why, next_step=next_step)


def read(content: bytes, file: str, schema_name: str) -> ConfigFile:
    """Raises ConfigErrors with every fault that the schema finds."""
    try:
        document = parse(content, "config.yaml")
    except ParseProblem as problem:
        raise ConfigError(
            problem.place(file), problem.what, next_step="YAML aligns with spaces, never tabs; quote text with : or #"
        ) from None
    rules = schema(schema_name)
    found = [*_schema_errors(document, rules, file), *_not_yet(document, rules, file)]
    if found:
        raise ConfigErrors(sorted(found, key=lambda error: (error.place.line, error.place.column)))
    return ConfigFile(file, document.data, document)


def place(file: str, document: Document, pointer: str, *, at_key: bool = False) -> Place:
    """Where a pointer stands: its value, or its key; else the nearest container that does stand somewhere."""
    spans = document.keys if at_key else document.spans
    nearest = pointer
    while nearest and nearest not in spans:
        nearest = nearest.rpartition("/")[0]
    span = spans.get(nearest) or document.spans.get("")
    return Place(file, span.line if span else 1, span.column if span else 1, dotted(pointer))


def dotted(pointer: str) -> str:
    """A JSON pointer as people write keys: metrics[0].goal"""
    key = ""
    for segment in pointer.split("/")[1:]:
        segment = segment.replace("~1", "/").replace("~0", "~")
        plain = segment.replace("_", "").replace("-", "").isalnum()
        if segment.isdigit():
            key += f"[{segment}]"
        else:
            key += ("." if key else "") + (segment if plain else json.dumps(segment))
    return key


def nearest(word: str, valid: Iterable[str]) -> str:
    """A hint in words, or nothing."""
    close = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def _schema_errors(document: Document, rules: dict[str, Any], file: str) -> Iterator[ConfigError]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(rules).iter_errors(document.data):
        pointer = "".join(f"/{escape(str(segment))}" for segment in error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_keys(error, pointer, document, file)
        elif error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
            where = place(file, document, f"{pointer}/{escape(str(error.instance))}", at_key=True)
            yield ConfigError(where, f"expected {error.parent.schema['x-says-names'] if error.parent else 'a name'}")
        elif error.validator == "required":
            missing = error.message.split("'")[1]
            yield ConfigError(
                place(file, document, pointer), f'the key "{missing}" is missing{_meaning(error, missing)}'
            )
        else:
            yield ConfigError(place(file, document, pointer), _sentence(error))


def _meaning(error: Any, key: str) -> str:
    text = error.schema.get("properties", {}).get(key, {}).get("description", "")
    return f" ({text.split('.')[0]})" if text else ""


def _unknown_keys(error: Any, pointer: str, document: Document, file: str) -> Iterator[ConfigError]:
    valid = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in valid:
            where = place(file, document, f"{pointer}/{escape(key)}", at_key=True)
            yield ConfigError(where, f"unknown key{nearest(key, valid) or '; valid: ' + ', '.join(valid)}")


def _sentence(error: Any) -> str:
    rule: dict[str, Any] = error.schema
    say = _SENTENCES.get(error.validator)
    return say(error, rule) if say else str(error.message)


def _say_type(error: Any, rule: dict[str, Any]) -> str:
    return f"expected {rule.get('x-says') or _kinds(rule['type'])}, found {_show(error.instance)}"


def _say_enum(error: Any, rule: dict[str, Any]) -> str:
    valid = [str(value) for value in rule["enum"]]
    return f"found {_show(error.instance)}; valid: {', '.join(valid)}{nearest(str(error.instance), valid)}"


_SENTENCES: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "type": _say_type,
    "enum": _say_enum,
    "pattern": lambda e, r: f"expected {r.get('x-says', 'text like ' + r['pattern'])}, found {_show(e.instance)}",
    "minimum": lambda e, r: f"expected at least {r['minimum']}, found {_show(e.instance)}",
    "maximum": lambda e, r: f"expected at most {r['maximum']}, found {_show(e.instance)}",
    "exclusiveMinimum": lambda e, r: f"expected more than {r['exclusiveMinimum']}, found {_show(e.instance)}",
    "minItems": lambda e, r: f"expected at least {r['minItems']} entries, found {len(e.instance)}",
    "maxItems": lambda e, r: f"expected at most {r['maxItems']} entries, found {len(e.instance)}",
    "minProperties": lambda _e, _r: "expected at least one entry, found none",
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


def _kinds(kinds: str | list[str]) -> str:
    return " or ".join(_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value, ensure_ascii=False)[:80]


def _not_yet(document: Document, rules: dict[str, Any], file: str) -> list[ConfigError]:
    """Keys and values that the schema knows and this version cannot honour: refused, never ignored."""
    found: list[ConfigError] = []

    def walk(value: Any, rule: dict[str, Any], pointer: str) -> None:
        if rule.get("x-not-yet"):
            where = place(file, document, pointer, at_key=True)
            found.append(ConfigError(where, "not available yet", next_step="remove the key; a later version takes it"))
            return
        if not isinstance(value, (dict, list)) and value in rule.get("x-not-yet-values", []):
            what = f"{_show(value)} is not available yet"
            ready = [str(v) for v in rule.get("enum", []) if v not in rule["x-not-yet-values"]]
            cure = f"available: {', '.join(ready)}" if ready else "remove the key; a later version takes it"
            found.append(ConfigError(place(file, document, pointer), what, next_step=cure))
        if isinstance(value, dict):
            for key, inner in value.items():
                inner_rule = rule.get("properties", {}).get(key) or rule.get("additionalProperties") or {}
                walk(inner, inner_rule if isinstance(inner_rule, dict) else {}, f"{pointer}/{escape(key)}")
        if isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, rule.get("items", {}), f"{pointer}/{index}")

    walk(document.data, rules, "")
    return found
