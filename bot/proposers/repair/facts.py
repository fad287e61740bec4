"""What a target says of a container beside the file: its business, what may be touched, which ids are taken."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import ConfigError, InvalidCandidate
from harness.repository import Source
from harness.scorers.gtm import Container, Declared, read
from harness.scorers.gtm.declaring import declared_from
from harness.scorers.gtm.entities import ARRAYS
from harness.scorers.gtm.policing.pairing import next_id
from harness.scorers.gtm.policy import Policy
from harness.target import Target

DECLARED = "declared.yaml"


@dataclass(frozen=True)
class Facts:
    """declared: of the business; policy: what may be touched; taken: of each kind, the highest id of the night's
    base, which no new entity gets though its own may be gone."""

    declared: Declared = field(default_factory=Declared)
    policy: Policy = field(default_factory=Policy)
    taken: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, container: Container, declared: Declared, policy: Policy) -> Facts:
        """Of a night that begins with this container."""
        return cls(declared, policy, {kind: next_id(container, kind) - 1 for kind in ARRAYS})


def facts_of(target: Target, source: Source | None) -> Facts:
    """source: the night's base commit; without declared.yaml in the target's folder nothing is declared.

    Raises ConfigErrors, also for a file that is no container.
    """
    if source is None:
        raise ValueError("the proposer repair reads from a commit")
    try:
        container = read(source.read([target.file])[target.file], target.file)
    except InvalidCandidate as invalid:
        what = f"repair is for containers of Tag Manager: {invalid.what}"
        raise ConfigError(target.place("proposer"), what, next_step="perturb and search are for other data") from None
    policy = target.policy if isinstance(target.policy, Policy) else Policy()
    return Facts.of(container, declared_of(target, source), policy)


def declared_of(target: Target, source: Source) -> Declared:
    path = posixpath.join(target.folder, DECLARED)
    if path not in source.modes():
        return Declared()
    return declared_from(lambda file: source.read([posixpath.normpath(file)])[posixpath.normpath(file)], path)
