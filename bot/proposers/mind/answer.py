"""What a model is asked to answer: an idea, what it should do to the metrics, and edits. Strict schemas, and reading.

Every key is required and no other is allowed, as providers want it of a schema that they hold their model to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.proposers.mind.edits import Edit, Form
from bot.proposers.mind.fence import one_line

TOOL = "propose"
ABOUT = "Proposes one experiment: a change of the one file, which is then measured."
CONTAINER_OPS = ("add", "remove", "replace", "set", "rename", "consent")
MOST_HYPOTHESIS, MOST_EFFECT = 340, 130  # together within what a record holds of a description

_SCALAR = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "boolean"}, {"type": "null"}]}


@dataclass(frozen=True)
class Idea:
    """An answer, read."""

    hypothesis: str
    expected_effect: str
    edits: tuple[Edit, ...]

    @property
    def description(self) -> str:
        """One line, at most 500 characters."""
        effect = one_line(self.expected_effect, MOST_EFFECT)
        return one_line(self.hypothesis, MOST_HYPOTHESIS) + (f" (expected: {effect})" if effect else "")


def schema(form: Form, *, bounded: bool) -> dict[str, Any]:
    """bounded: whether target.yaml says what may change, so that values are all that can."""
    return _object(
        hypothesis={"type": "string", "description": "The idea and why it should work, in one or two sentences."},
        expected_effect={"type": "string", "description": "Which metric moves, which way and about how far."},
        edits={"type": "array", "description": _ABOUT[form], "items": _edit(form, bounded=bounded), "minItems": 1},
    )


def read(value: Mapping[str, Any]) -> Idea:
    """value: held against the schema already."""
    return Idea(str(value["hypothesis"]), str(value["expected_effect"]), tuple(value["edits"]))


_ABOUT: dict[Form, str] = {
    "blocks": "Search-and-replace blocks; they do not overlap.",
    "whole": "Exactly one: the whole new file.",
    "patch": "JSON Patch operations (RFC 6902), done one after the other.",
    "container": "Edits of the container, done one after the other.",
}


def _edit(form: Form, *, bounded: bool) -> dict[str, Any]:
    if form == "blocks":
        return _object(
            search={"type": "string", "description": "Whole lines as they stand in the file now, exactly once in it."},
            replace={"type": "string", "description": "What stands there afterwards."},
        )
    if form == "whole":
        return _object(content={"type": "string", "description": "The whole new content of the file."})
    if form == "container":
        return _object(
            op={"type": "string", "enum": [*CONTAINER_OPS]},
            path={"type": "string", "description": "As /containerVersion/tag[tagId=12]/parameter[key=eventName]."},
            value=_SCALAR | {"description": "The new value, name or consent types; null where structure says it."},
            structure={"type": "string", "description": "A new object or list as JSON text; else empty."},
        )
    path = {"type": "string", "description": "A JSON pointer, as /weights/logins."}
    if bounded:
        return _object(op={"type": "string", "enum": ["replace"]}, path=path, value=_SCALAR)
    return _object(
        op={"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
        path=path,
        **{"from": {"type": "string", "description": "Where move and copy take from; empty for the others."}},
        value=_SCALAR | {"description": "The new value; null for remove, move, copy and where structure says it."},
        structure={"type": "string", "description": "A new list or mapping as JSON text; else empty."},
    )


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": [*properties], "additionalProperties": False,
    }  # fmt: skip
