"""Holds messages against GitHub's description of its REST API.

`tests/github/fetch.py` writes the description; `Description.route` finds the operation of a path, where refs and file
paths may hold `/`; `faults_of_request` and `faults_of_answer` name what a message does wrong, in words.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource, Specification

FILE = Path(__file__).resolve().parents[2] / ".venv" / "github-openapi.json"
WITH_SLASHES = {"ref", "path", "branch", "base", "head", "environment_name", "commit_sha", "tag", "name"}
# Any operation can be refused to a token or fail: the description names these answers for some operations only.
ANY_OPERATION = {401, 403, 404, 429, 500, 502, 503}
ALLOWED = {
    ("issues/add-labels", "list"): "PyGithub sends the bare list of labels that GitHub has always taken",
    ("issues/set-labels", "list"): "as above",
}
IGNORED_PROPERTIES: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Operation:
    """One kind of call: `id` such as "pulls/create", `path` with its parameters in braces."""

    method: str
    path: str
    id: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None
    answers: dict[str, Any]


@dataclass(frozen=True)
class Routed:
    operation: Operation
    values: dict[str, str]  # path parameters, unquoted


def pattern_of(path: str, slashes: bool) -> re.Pattern[str]:
    parts = re.split(r"(\{[a-z_]+\})", path)
    wide = [f"(?P<{p[1:-1]}>{'.+' if slashes and p[1:-1] in WITH_SLASHES else '[^/]+'})" for p in parts[1::2]]
    woven = "".join(re.escape(text) + group for text, group in zip(parts[::2], [*wide, ""], strict=True))
    return re.compile(woven)


def literal_length(path: str) -> int:
    return len(re.sub(r"\{[a-z_]+\}", "", path))


class Description:
    """GitHub's description, read once; validators are made when first needed."""

    def __init__(self, file: Path = FILE) -> None:
        if not file.exists():
            raise RuntimeError(f"{file} is missing: GitHub's description of its API. Run `make .venv/{file.name}`.")
        read = json.loads(file.read_text(encoding="utf-8"))
        self.operations = [Operation(**each) for each in read["operations"]]
        resource = Resource(contents=read["schemas"], specification=Specification.OPAQUE)
        self.registry: Registry[Any] = Registry().with_resource("urn:github", resource)
        self.by_path: dict[str, dict[str, Operation]] = {}
        for each in self.operations:
            self.by_path.setdefault(each.path, {})[each.method] = each
        ordered = sorted(self.by_path, key=literal_length, reverse=True)
        self.strict = [(pattern_of(path, False), path) for path in ordered]
        wide = (path for path in ordered if WITH_SLASHES & set(re.findall(r"\{(\w+)\}", path)))
        self.wide = [(pattern_of(path, True), path) for path in wide]
        self.validators: dict[int, tuple[Any, Any]] = {}  # a schema's id -> the schema, which stays alive, and its own
        self.route = functools.lru_cache(4096)(self.find)
        self.named = {name: {"$ref": f"urn:github#/{name}"} for name in read["schemas"]}

    def find(self, method: str, path: str) -> Routed | None:
        """The operation of a still quoted path, or None: no such path, or not with this method."""
        for patterns in (self.strict, self.wide):
            for pattern, template in patterns:
                match = pattern.fullmatch(path)
                if match and method in self.by_path[template]:
                    values = {name: unquote(value) for name, value in match.groupdict().items()}
                    return Routed(self.by_path[template][method], values)
        return None

    def faults(self, schema: Any, value: Any, where: str) -> list[str]:
        if id(schema) not in self.validators:
            made = OAS30Validator(schema, registry=self.registry, format_checker=oas30_format_checker)
            self.validators[id(schema)] = (schema, made)
        errors = self.validators[id(schema)][1].iter_errors(value)
        return [f"{where}{error.json_path[1:]}: {error.message[:300]}" for error in errors]

    def faults_of_request(self, routed: Routed, query: str, body: bytes) -> list[str]:
        operation = routed.operation
        declared = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        given = dict(parse_qsl(query, keep_blank_values=True))
        found = [f"query {name}: no such parameter of {operation.id}" for name in given if name not in declared]
        for each in operation.parameters:
            values = routed.values if each["in"] == "path" else given
            if each["name"] in values:
                value = typed(values[each["name"]], each["schema"])
                found += self.faults(each["schema"], value, f"{each['in']} {each['name']}")
            elif each["required"]:
                found.append(f"{each['in']} {each['name']}: required")
        return found + self.faults_of_body(operation, body)

    def faults_of_body(self, operation: Operation, body: bytes) -> list[str]:
        if not body:
            return ["body: required"] if operation.body and operation.body["required"] else []
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"body: not JSON ({error})"]
        if operation.body is None:
            return [] if value == {} else [f"body: {operation.id} takes none"]
        if (operation.id, type(value).__name__) in ALLOWED:
            return []
        schema = operation.body["schema"]
        strange = unknown_properties(schema, value)
        return self.faults(schema, value, "body") + [
            f"body.{name}: {operation.id} has no such property"
            for name in strange
            if (operation.id, name) not in IGNORED_PROPERTIES
        ]

    def faults_of_answer(self, operation: Operation, status: int, body: bytes) -> list[str]:
        schema: Any = operation.answers.get(str(status), operation.answers.get(f"{status // 100}XX"))
        if schema is None and str(status) not in operation.answers and status not in ANY_OPERATION:
            return [f"answer: {operation.id} never answers {status}"]
        if schema is None and status >= 400:  # GitHub explains every refusal, also where the description has no body
            schema = BASIC_ERROR
        if schema is None:
            return [f"answer: {operation.id} answers {status} without a body"] if body else []
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"answer: not JSON ({error})"]
        return self.faults(schema, value, "answer")


BASIC_ERROR = {"$ref": "urn:github#/basic-error"}


def unknown_properties(schema: dict[str, Any], value: Any) -> list[str]:
    """Properties that GitHub would pass over in silence: a slip of the client's, most likely."""
    open_ended = {"oneOf", "anyOf", "allOf", "$ref", "additionalProperties"} & set(schema)
    if not isinstance(value, dict) or open_ended or "properties" not in schema:
        return []
    return [name for name in value if name not in schema["properties"]]


def typed(text: str, schema: dict[str, Any]) -> Any:
    """A parameter's text as the type that its schema asks for, or the text where it is not of that type."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "array":
        return text.split(",")
    return text


@functools.cache
def description() -> Description:
    return Description()
