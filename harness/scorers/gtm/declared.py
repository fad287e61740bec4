"""What a container cannot say of itself: the business it measures, and what its owner has decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InvalidCandidate
from harness.scorers.gtm.known import profiles


@dataclass(frozen=True)
class Declared:
    """business: one of profiles.yaml; "" to guess it from what the container sends.

    consent_mode: advanced (Google tags send without consent, cookieless), basic (they wait), "" undeclared.
    consent_default: container, or page where the site's own code sets it before Tag Manager loads.
    ads: a snapshot of what ads were paid for, see docs/gtm-scorer.md; None without one.
    """

    business: str = ""
    consent_mode: str = ""
    consent_default: str = "container"
    ads: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for what, said, valid in (
            ("business", self.business, ["", *profiles()["businesses"]]),
            ("consent mode", self.consent_mode, ["", "advanced", "basic"]),
            ("consent default", self.consent_default, ["container", "page"]),
        ):
            if said not in valid:
                raise InvalidCandidate(
                    f"{what} {said!r} is unknown", next_step=f"one of {', '.join(filter(None, valid))}"
                )
