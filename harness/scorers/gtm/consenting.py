"""What a tag itself says about consent: its additional consent settings, by their real words."""

from __future__ import annotations

from dataclasses import dataclass

from harness.scorers.gtm.entities import Entity, canonical, plain, remembered, table
from harness.scorers.gtm.known import catalogue

STATUSES = ("NOT_SET", "NOT_NEEDED", "NEEDED")


@dataclass(frozen=True)
class Wanted:
    """status: one of Tag Manager's three words; NOT_SET where nothing stands; "" for a word that is none.

    types: the consent types that must be granted; wrong: words there that are no consent type.
    """

    status: str
    types: frozenset[str]
    wrong: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether the tag really waits for consent: NEEDED without a type waits for nothing."""
        return self.status == "NEEDED" and bool(self.types)


@remembered
def wanted(tag: Entity) -> Wanted:
    settings = tag.data.get("consentSettings")
    if not isinstance(settings, dict):
        return Wanted("NOT_SET", frozenset())
    status = canonical(settings.get("consentStatus")) or "NOT_SET"
    listed = settings.get("consentType")
    value = plain(listed) if isinstance(listed, dict) else []
    words = _words(value)
    known = set(catalogue()["consent_types"])
    return Wanted(
        status if status in STATUSES else "",
        frozenset(word for word in words if word in known),
        tuple(sorted(word for word in words if word not in known)),
    )


def _words(value: object) -> list[str]:
    """Types stand in a plain list; hand-made files hold one text, or rows."""
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list):
        return []
    rows = [one for one in value if isinstance(one, dict)]
    return [one for one in value if isinstance(one, str) and one] + [word for word in table(rows) if word]
