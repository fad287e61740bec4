"""What a target says of a container beside the file: its business, and what may be touched."""

from __future__ import annotations

import json
import posixpath

from harness.documents import parse
from harness.repository import Source
from harness.scorers.gtm import Declared
from harness.scorers.gtm.policy import Policy
from harness.target import Target

DECLARED = "declared.yaml"
_WORDS = ("business", "consent_mode", "consent_default")


def facts_of(target: Target, source: Source | None) -> tuple[Declared, Policy]:
    """source: the night's base commit; without one, and without declared.yaml in it, nothing is declared."""
    policy = target.policy if isinstance(target.policy, Policy) else Policy()
    return declared_of(target, source), policy


def declared_of(target: Target, source: Source | None) -> Declared:
    path = posixpath.join(target.folder, DECLARED)
    if source is None or path not in source.modes():
        return Declared()
    said = parse(source.read([path])[path], path).data
    ads = None
    if said.get("ads"):
        snapshot = posixpath.normpath(posixpath.join(target.folder, said["ads"]))
        ads = json.loads(source.read([snapshot])[snapshot])
    return Declared(**{key: said[key] for key in _WORDS if said.get(key)}, ads=ads)
