"""Copies and leftovers: is anything there twice under two names, or for nothing?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot, later_copies
from harness.scorers.gtm.entities import Entity, remembered
from harness.scorers.gtm.view import View

_NO_CONTENT = frozenset({
    "name", "notes", "path", "fingerprint", "tagManagerUrl", "accountId", "containerId", "workspaceId",
    "parentFolderId", "tagId", "templateId", "clientId", "transformationId", "zoneId", "gtagConfigId",
    "monitoringMetadata",
})  # fmt: skip
_KINDS = ("tag", "template", "client", "transformation", "zone", "tag configuration")


def _content(one: Entity) -> object:
    rest = {key: value for key, value in one.data.items() if key not in _NO_CONTENT and value not in ({}, [], "", None)}
    for key in ("firingTriggerId", "blockingTriggerId"):
        if isinstance(rest.get(key), list):
            rest[key] = sorted(map(str, rest[key]))
    rest["parameter"] = one.parameters
    return one.kind, json.dumps(rest, sort_keys=True, default=str)


@remembered
def _outline(one: Entity) -> object:
    """Equal for copies, and cheap: most entities are told apart by it."""
    return one.type, frozenset((key, value) for key, value in one.parameters.items() if isinstance(value, str))


def _copied(view: View) -> Iterator[Spot]:
    for kind in _KINDS:
        alike = Counter(map(_outline, view.container.all(kind)))
        twice = [one for one in view.container.all(kind) if alike[_outline(one)] > 1]
        for one, first in later_copies(twice, _content):
            yield Spot(one, f'is {kind} "{first.name}" once more, in all but its name')


def _empty_folders(view: View) -> Iterator[Spot]:
    for one in view.container.all("folder"):
        if not any(ref.how == "folder" for ref in view.references.to(one)):
            yield Spot(one, "is empty")


RULES = (
    Rule("entity-copied", "warning", _copied),
    Rule("folder-empty", "warning", _empty_folders),
)
