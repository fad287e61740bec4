"""Writes containers as Tag Manager saves them: its order of keys, four spaces, markup escaped, no final newline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

ALL_PAGES, CONSENT_INIT, INIT = "2147479553", "2147479572", "2147479573"
_ESCAPED = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&='"})
_ORDER = {
    "tag": (
        "notes", "priority", "parameter", "fingerprint", "firingTriggerId", "blockingTriggerId", "setupTag",
        "teardownTag", "parentFolderId", "tagFiringOption", "paused", "monitoringMetadata", "consentSettings",
    ),
    "trigger": (
        "customEventFilter", "filter", "autoEventFilter", "waitForTags", "checkValidation", "waitForTagsTimeout",
        "uniqueTriggerId", "eventName", "interval", "limit", "fingerprint", "parentFolderId", "parameter", "notes",
    ),
    "variable": ("notes", "parameter", "fingerprint", "parentFolderId", "formatValue"),
    "customTemplate": ("fingerprint", "templateData", "galleryReference"),
    "client": ("parameter", "priority", "fingerprint", "parentFolderId"),
    "transformation": ("parameter", "fingerprint", "parentFolderId"),
    "zone": ("fingerprint", "childContainer", "boundary", "typeRestriction"),
}  # fmt: skip
_ARRAYS = {  # in the order of an export: of each its key of the id; after the first five come two keys of the version
    "tag": "tagId", "trigger": "triggerId", "variable": "variableId", "folder": "folderId", "builtInVariable": "",
    "zone": "zoneId", "customTemplate": "templateId", "client": "clientId", "transformation": "transformationId",
}  # fmt: skip
_FEATURES = (
    "UserPermissions", "Environments", "Workspaces", "GtagConfigs", "BuiltInVariables", "Clients", "Folders", "Tags",
    "Templates", "Triggers", "Variables", "Versions", "Zones", "Transformations",
)  # fmt: skip
_SERVERS_OWN = {"Clients", "Transformations"}

Json = dict[str, Any]


def text(data: Json) -> str:
    """As Tag Manager's download: nothing but markup is escaped beyond what JSON asks for."""
    return json.dumps(data, indent=4, ensure_ascii=False).translate(_ESCAPED)


def parameter(key: str, value: Any) -> Json:
    """A parameter from plain Python: text, true or false, a whole number, a list, or a list of rows."""
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "key": key, "value": str(value).lower()}
    if isinstance(value, int):
        return {"type": "INTEGER", "key": key, "value": str(value)}
    if isinstance(value, list):
        return {"type": "LIST", "key": key, "list": [_entry(one) for one in value]}
    return {"type": "TEMPLATE", "key": key, "value": value}


def _entry(one: Any) -> Json:
    if isinstance(one, dict):
        return {"type": "MAP", "map": [parameter(key, value) for key, value in one.items()]}
    return {"type": "TEMPLATE", "value": one}


def table(first: str, second: str, rows: Mapping[str, str]) -> list[Json]:
    return [{first: key, second: value} for key, value in rows.items()]


def fields(**rows: str) -> list[Json]:
    """The rows of an event settings table."""
    return table("parameter", "parameterValue", rows)


def condition(operator: str, left: str, right: str, *flags: str) -> Json:
    """flags: negate, ignore_case."""
    parts = [parameter("arg0", left), parameter("arg1", right), *(parameter(flag, True) for flag in flags)]
    return {"type": operator, "parameter": parts}


def needs(*types: str) -> Json:
    """Additional consent of these types."""
    found: Json = {"consentStatus": "NEEDED"}
    if types:
        found["consentType"] = {"type": "LIST", "list": [{"type": "TEMPLATE", "value": one} for one in types]}
    return found


class Export:
    """Entities get ids and fingerprints in the order in which they are made, each year of work its own."""

    def __init__(
        self, name: str, public_id: str, account: str, container: str, context: str = "WEB", **more: Any
    ) -> None:
        """more: further keys of the container, such as taggingServerUrls."""
        self._owner = {"accountId": account, "containerId": container}
        self._head: Json = {"name": name, "publicId": public_id, "usageContext": [context]}
        self._more, self._is_server = more, context == "SERVER"
        self._last, self._moment = 2, 0
        self.arrays: dict[str, list[Json]] = {array: [] for array in _ARRAYS}

    def year(self, date: str) -> None:
        """From when on what follows was made, as 2019-03-01."""
        self._moment = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)

    def _stamp(self) -> str:
        self._moment += 1_000_003 * (self._last % 7 + 1)
        return str(self._moment)

    def add(self, array: str, label: str, kind: str = "", **found: Any) -> str:
        self._last += 1
        entity: Json = {**self._owner, _ARRAYS[array]: str(self._last), "name": label}
        if kind:
            entity["type"] = kind
        found["fingerprint"] = self._stamp()
        if array == "folder":
            entity["fingerprint"] = found["fingerprint"]
        entity |= {key: found[key] for key in _ORDER.get(array, ()) if found.get(key) not in (None, "", [])}
        self.arrays[array].append(entity)
        return str(self._last)

    def built_in(self, **named: str) -> None:
        """Of each type its name: PAGE_URL="Page URL"."""
        for kind, name in named.items():
            self.arrays["builtInVariable"].append({**self._owner, "type": kind, "name": name})

    def folder(self, name: str) -> str:
        return self.add("folder", name)

    def variable(self, label: str, kind: str, folder: str = "", notes: str = "", /, **parameters: Any) -> str:
        """Returns the reference {{name}}."""
        listed = [parameter(key, value) for key, value in parameters.items()]
        self.add("variable", label, kind, notes=notes, parameter=listed, parentFolderId=folder, formatValue={})
        return f"{{{{{label}}}}}"

    def layer(self, label: str, key: str, folder: str = "", version: int = 2) -> str:
        return self.variable(label, "v", folder, dataLayerVersion=version, setDefaultValue=False, name=key)

    def constant(self, label: str, value: str, folder: str = "") -> str:
        return self.variable(label, "c", folder, value=value)

    def script(self, label: str, body: str, folder: str = "") -> str:
        """A variable of code: the body of its function."""
        return self.variable(label, "jsm", folder, javascript=f"function() {{\n  {body}\n}}")

    def lookup(self, label: str, by: str, rows: Mapping[str, str], default: str = "", folder: str = "") -> str:
        more = {"defaultValue": default} if default else {}
        return self.variable(
            label, "smm", folder, setDefaultValue=bool(default), input=by, map=table("key", "value", rows), **more
        )

    def trigger(self, label: str, kind: str, folder: str = "", **found: Any) -> str:
        return self.add("trigger", label, kind, parentFolderId=folder, **found)

    def event(self, label: str, event: str, folder: str = "", filters: Sequence[Json] = ()) -> str:
        """A trigger for a custom event."""
        named = [condition("EQUALS", "{{_event}}", event)]
        return self.trigger(label, "CUSTOM_EVENT", folder, customEventFilter=named, filter=list(filters))

    def link(self, label: str, filters: Sequence[Json], folder: str = "", kind: str = "LINK_CLICK") -> str:
        """A trigger for a click on a link, or for a form."""
        found: Json = {
            "filter": list(filters), "waitForTags": {"type": "BOOLEAN", "value": "false"},
            "checkValidation": {"type": "BOOLEAN", "value": "false"},
            "waitForTagsTimeout": {"type": "TEMPLATE", "value": "2000"}, "uniqueTriggerId": {"type": "TEMPLATE"},
        }  # fmt: skip
        return self.trigger(label, kind, folder, **found)

    def group(self, label: str, members: Sequence[str], folder: str = "") -> str:
        listed = [{"type": "TRIGGER_REFERENCE", "value": one} for one in members]
        return self.trigger(
            label, "TRIGGER_GROUP", folder, parameter=[{"type": "LIST", "key": "triggerIds", "list": listed}]
        )

    def tag(
        self, label: str, kind: str, triggers: Sequence[str], folder: str = "", more: Json | None = None, /,
        **parameters: Any,
    ) -> str:  # fmt: skip
        """more: keys of the tag itself, such as consentSettings; parameters: its parameters."""
        found: Json = {
            "parameter": [parameter(key, value) for key, value in parameters.items()],
            "firingTriggerId": list(triggers), "parentFolderId": folder, "tagFiringOption": "ONCE_PER_EVENT",
            "monitoringMetadata": {"type": "MAP"}, "consentSettings": {"consentStatus": "NOT_SET"},
        }  # fmt: skip
        return self.add("tag", label, kind, **(found | (more or {})))

    def html(
        self, label: str, code: str, triggers: Sequence[str], folder: str = "", more: Json | None = None, /
    ) -> str:
        return self.tag(label, "html", triggers, folder, more, html=code, supportDocumentWrite=False)

    def template(self, label: str, data: str, gallery: Json | None = None) -> str:
        """Returns the type that its tags have. gallery: the reference of one that was taken from the gallery."""
        found = self.add("customTemplate", label, templateData=data, galleryReference=gallery)
        return f"cvt_{gallery['galleryTemplateId']}" if gallery else f"cvt_{self._owner['containerId']}_{found}"

    def client(self, label: str, kind: str, folder: str = "", priority: int = 0, /, **parameters: Any) -> str:
        listed = [parameter(key, value) for key, value in parameters.items()]
        return self.add("client", label, kind, parameter=listed, priority=priority or None, parentFolderId=folder)

    def data(self, saved: str) -> Json:
        """The whole export. saved: when it was downloaded, as 2026-03-01 09:00:00."""
        path = f"accounts/{self._owner['accountId']}/containers/{self._owner['containerId']}"
        url = f"https://tagmanager.google.com/#/container/{path}"
        about = {
            "path": path, **self._owner, **self._head, "fingerprint": "1460361600000",
            "tagManagerUrl": f"{url}/workspaces?apiLink=container",
            "features": {f"support{one}": self._supports(one) for one in _FEATURES},
            "tagIds": [self._head["publicId"]], **self._more,
        }  # fmt: skip
        arrays = {key: those for key, those in self.arrays.items() if those}
        later = {key: arrays.pop(key) for key in list(arrays) if key in list(_ARRAYS)[5:]}
        version = {
            "path": f"{path}/versions/0", **self._owner, "containerVersionId": "0", "container": about, **arrays,
            "fingerprint": str(self._moment), "tagManagerUrl": f"{url}/versions/0?apiLink=version", **later,
        }  # fmt: skip
        return {"exportFormatVersion": 2, "exportTime": saved, "containerVersion": version}

    def _supports(self, feature: str) -> bool:
        return feature != "GtagConfigs" and (self._is_server or feature not in _SERVERS_OWN)
