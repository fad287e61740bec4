"""Writes containers as Tag Manager exports them. Everything is ours; shapes follow what exports look like."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.scorers.gtm import Container, Declared, Scored, read, score

ALL_PAGES, CONSENT_INIT, INIT = "2147479553", "2147479572", "2147479573"
Json = dict[str, Any]


def parameter(key: str, value: Any) -> Json:
    """A parameter from plain Python: text, true or false, a list, or a list of rows."""
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "key": key, "value": str(value).lower()}
    if isinstance(value, list):
        return {"type": "LIST", "key": key, "list": [_entry(one) for one in value]}
    return {"type": "TEMPLATE", "key": key, "value": value}


def _entry(one: Any) -> Json:
    if isinstance(one, dict):
        return {"type": "MAP", "map": [parameter(key, value) for key, value in one.items()]}
    return {"type": "TEMPLATE", "value": one}


def rows(fields: Mapping[str, str]) -> list[Json]:
    """The rows of an event settings table."""
    return [{"parameter": key, "parameterValue": value} for key, value in fields.items()]


def condition(operator: str, left: str, right: str, **flags: bool) -> Json:
    """flags: negate, ignore_case."""
    parts = [parameter("arg0", left), parameter("arg1", right), *(parameter(k, v) for k, v in flags.items())]
    return {"type": operator, "parameter": parts}


def consent(*types: str) -> Json:
    listed = [{"type": "TEMPLATE", "value": one} for one in types]
    return {"consentStatus": "NEEDED", "consentType": {"type": "LIST", "list": listed}}


class Builder:
    """Entities get ids in the order in which they are made, as in Tag Manager, from one counter."""

    def __init__(self, name: str, context: str = "WEB") -> None:
        self.name, self.context, self._last = name, context, 0
        self.arrays: dict[str, list[Json]] = {}

    def _add(self, array: str, key: str, found: Json) -> str:
        self._last += 1
        entity = {"accountId": "100", "containerId": "200", key: str(self._last), **found}
        self.arrays.setdefault(array, []).append({k: v for k, v in entity.items() if v not in (None, "", [])})
        return str(self._last)

    def folder(self, name: str) -> str:
        return self._add("folder", "folderId", {"name": name})

    def variable(self, label: str, kind: str, folder: str = "", /, **parameters: Any) -> str:
        """Returns the reference {{name}}."""
        listed = [parameter(key, value) for key, value in parameters.items()]
        found = {"name": label, "type": kind, "parameter": listed, "parentFolderId": folder}
        self._add("variable", "variableId", found)
        return f"{{{{{label}}}}}"

    def layer(self, key: str, folder: str = "", version: str = "2") -> str:
        """A data layer variable."""
        return self.variable(f"DLV - {key}", "v", folder, dataLayerVersion=version, setDefaultValue=False, name=key)

    def constant(self, name: str, value: str, folder: str = "") -> str:
        return self.variable(f"Const - {name}", "c", folder, value=value)

    def trigger(self, name: str, kind: str, folder: str = "", **fields: Any) -> str:
        return self._add("trigger", "triggerId", {"name": name, "type": kind, "parentFolderId": folder, **fields})

    def event(self, name: str, folder: str = "", filters: Sequence[Json] = ()) -> str:
        """A trigger for a custom event."""
        named = [condition("EQUALS", "{{_event}}", name)]
        return self.trigger(f"CE - {name}", "CUSTOM_EVENT", folder, customEventFilter=named, filter=list(filters))

    def tag(
        self,
        name: str,
        kind: str,
        triggers: Sequence[str],
        folder: str = "",
        fields: Json | None = None,
        **parameters: Any,
    ) -> str:
        """fields: keys of the tag itself, such as consentSettings; parameters: its parameters."""
        found = {
            "name": name, "type": kind, "parameter": [parameter(key, value) for key, value in parameters.items()],
            "firingTriggerId": list(triggers), "parentFolderId": folder, "tagFiringOption": "ONCE_PER_EVENT",
            "monitoringMetadata": {"type": "MAP"}, "consentSettings": {"consentStatus": "NOT_SET"},
        }  # fmt: skip
        return self._add("tag", "tagId", found | (fields or {}))

    def template(self, name: str, gallery: str, code: str, fields: Sequence[Json] = ()) -> str:
        """Returns the type that tags of it have."""
        context = "SERVER" if self.context == "SERVER" else "WEB_TEMPLATE"
        text = (
            f"___INFO___\n\n{json.dumps({'type': 'TAG', 'displayName': name})}\n\n"
            f"___TEMPLATE_PARAMETERS___\n\n{json.dumps(list(fields))}\n\n___SANDBOXED_JS_FOR_{context}___\n\n{code}\n"
        )
        self._add("customTemplate", "templateId", {
            "name": name, "templateData": text,
            "galleryReference": {"host": "github.com", "galleryTemplateId": gallery},
        })  # fmt: skip
        return f"cvt_{gallery}"

    def client(self, name: str, kind: str, folder: str = "") -> None:
        self._add("client", "clientId", {"name": name, "type": kind, "priority": 100, "parentFolderId": folder})

    def built_in(self, **named: str) -> None:
        """Of each type its name: PAGE_URL="Page URL"."""
        listed = self.arrays.setdefault("builtInVariable", [])
        listed += [
            {"accountId": "100", "containerId": "200", "type": kind, "name": name} for kind, name in named.items()
        ]

    def add(self, array: str, entity: Json) -> None:
        """Anything else, as it stands."""
        self.arrays.setdefault(array, []).append({"accountId": "100", "containerId": "200", **entity})

    def export(self) -> Json:
        head = {
            "accountId": "100", "containerId": "200", "name": self.name, "publicId": "GTM-OWNTEST",
            "usageContext": [self.context],
        }  # fmt: skip
        version = {
            "accountId": "100",
            "containerId": "200",
            "containerVersionId": "0",
            "container": head,
            **self.arrays,
        }
        whole = {"exportFormatVersion": 2, "exportTime": "2026-03-01 09:00:00", "containerVersion": version}
        return copy.deepcopy(whole)


def container(data: Json) -> Container:
    return read(json.dumps(data).encode(), "container.json")


def scored(data: Json, **declared: Any) -> Scored:
    return score(container(data), Declared(**declared))


def nine(found: Scored) -> dict[str, float | None]:
    return {one.name: one.score for one in found.dimensions}


def the(data: Json, array: str, name: str) -> Json:
    """An entity by its name, to be changed in place."""
    found: Json = next(one for one in data["containerVersion"][array] if one["name"] == name)
    return found


def set_parameter(entity: Json, key: str, value: Any) -> None:
    entity["parameter"] = [one for one in entity.get("parameter", []) if one["key"] != key]
    if value is not None:
        entity["parameter"].append(parameter(key, value))
