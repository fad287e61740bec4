"""What a parameter comes to: constants, lookups and settings are followed, what only a browser knows is unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.scorers.gtm.entities import Entity, table
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.references import NAMED, References

_DEEPEST = 12
_LONGEST = 100_000  # characters of a constant: ten variables of ten references each come to gigabytes
_TOKEN = re.compile(r"%%\w+%%")  # a place that some tool fills in later
_PLACEHOLDER = re.compile(r"(?i)|[\W_]+|todo.*|tbd|x+|n/?a|none|null|undefined|nan|test|dummy|placeholder")
_TABLES = ("eventSettingsTable", "eventParameters", "configSettingsTable", "fieldsToSet", "userProperties")
_SETTINGS = ("eventSettingsVariable", "configSettingsVariable", "gaSettings")


class Values:
    """Effective values in one container."""

    def __init__(self, references: References) -> None:
        self.references = self._references = references
        self._known: dict[Entity, dict[str, str]] = {}
        self._texts: dict[str, str | None] = {}
        self._constants: dict[
            tuple[Entity, int], str | None
        ] = {}  # by variable and depth: else ten times ten times ten
        self._listed: dict[tuple[Entity, int], frozenset[str] | None] = {}

    def named(self, text: str) -> Entity | None:
        """The variable that a text is, and nothing beside it."""
        match = NAMED.fullmatch(text.strip())
        return self._references.variable(match.group(1))[0] if match else None

    def built_in(self, text: str) -> str:
        """The type of the built-in variable that a text is; of a URL variable, of the part that it reads; else ""."""
        match = NAMED.fullmatch(text.strip())
        if not match:
            return ""
        variable = self._references.variable(match.group(1))[0]
        if variable:
            parts = {"URL": "PAGE_URL", "PATH": "PAGE_PATH", "HOST": "PAGE_HOSTNAME", "": "PAGE_URL"}
            own = variable.type == "u" and not variable.text("customUrlSource")
            return parts.get(variable.text("component"), "") if own else ""
        return self._references.container.built_ins.get(match.group(1).strip(), "")

    def is_event_name(self, text: str) -> bool:
        """Whether a text is the built-in variable with the name of the event that is being handled."""
        match = NAMED.fullmatch(text.strip())
        if not match:
            return False
        name = match.group(1).strip()
        variable, state = self._references.variable(name)
        if variable:
            keyed = {"v": "name", "ed": "keyPath"}.get(variable.type, "")
            return variable.text(keyed) in {"event", "event_name"} if keyed else variable.type == "e"
        kind = self._references.container.built_ins.get(name, "")
        return (
            name == "_event"
            or kind in catalogue()["event_built_ins"]
            or (state == "off" and name in {"Event", "Event Name"})
        )

    def constant(self, text: str, depth: int = 0) -> str | None:
        """The text with every variable put in; None where one of them varies or cannot be known."""
        if "{{" not in text:
            return None if _TOKEN.search(text) else text
        if depth:
            return self._constant(text, depth)
        if text not in self._texts:
            self._texts[text] = self._constant(text, 0)
        return self._texts[text]

    def _constant(self, text: str, depth: int) -> str | None:
        if depth > _DEEPEST:
            return None
        parts, at, length = [], 0, len(text)
        for match in NAMED.finditer(text):
            variable, _state = self._references.variable(match.group(1))
            value = self._constant_of(variable, depth + 1) if variable else None
            length += len(value or "")
            if value is None or length > _LONGEST:
                return None
            parts += [text[at : match.start()], value]
            at = match.end()
        return "".join([*parts, text[at:]])

    def _constant_of(self, variable: Entity, depth: int) -> str | None:
        key = (variable, depth)
        if key not in self._constants:
            self._constants[key] = self._found(variable, depth)
        return self._constants[key]

    def _found(self, variable: Entity, depth: int) -> str | None:
        if variable.type == "c":
            return self.constant(variable.text("value"), depth)
        if variable.type in {"smm", "remm"}:
            rows = self.possible(f"{{{{{variable.name}}}}}", depth)
            return min(rows) if rows and len(rows) == 1 and variable.text("setDefaultValue") == "true" else None
        return "" if variable.type == "uv" else None

    def possible(self, text: str, depth: int = 0) -> frozenset[str] | None:
        """Every text that it can come to; None where nobody can list them."""
        variable = self.named(text)
        if not variable or variable.type not in {"smm", "remm"}:
            constant = self.constant(text, depth)
            return None if constant is None else frozenset({constant})
        if depth > _DEEPEST:
            return None
        key = (variable, depth)
        if key not in self._listed:
            self._listed[key] = self._rows(variable, depth)
        return self._listed[key]

    def _rows(self, variable: Entity, depth: int) -> frozenset[str] | None:
        rows = list(table(variable.parameters.get("map")).values())
        if variable.text("setDefaultValue") == "true":
            rows.append(variable.text("defaultValue"))
        found = [self.possible(row, depth + 1) for row in rows]
        return frozenset().union(*(one for one in found if one is not None)) if None not in found else None

    def is_empty(self, text: str) -> bool:
        """Certainly nothing, or a word that holds the place of something. What is not known is something."""
        match = NAMED.fullmatch(text.strip())
        if match and self._references.variable(match.group(1))[1] == "missing":
            return True
        constant = self.constant(text)
        return constant is not None and bool(_PLACEHOLDER.fullmatch(constant.strip()))

    def fields(self, entity: Entity) -> Mapping[str, str]:
        """What a tag sends beside its own parameters: its tables over those of its settings variables."""
        if entity not in self._known:
            self._known[entity] = self._fields(entity, 0)
        return self._known[entity]

    def _fields(self, entity: Entity, depth: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for key in _SETTINGS:
            variable = self.named(entity.text(key)) if entity.text(key) else None
            if variable and depth < _DEEPEST:
                found |= self._fields(variable, depth + 1)
        for key in _TABLES:
            found |= table(entity.parameters.get(key))
        return found
