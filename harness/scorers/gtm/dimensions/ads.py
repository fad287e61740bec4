"""Ads alignment: is every conversion that ads are paid for really sent, to the right account?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import InvalidCandidate
from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.purpose import fits
from harness.scorers.gtm.view import View

_SAY = Complaints("ads_alignment")
_CANNOT_VERIFY = 0.5
_GOOGLE = {"awct", "sgtmadsct"}


def judge(view: View) -> Judged:
    snapshot = view.declared.ads
    if snapshot is None:
        return Judged(None, why="no ads snapshot was given")
    checks = [*_meta(view, _listed(snapshot, "meta")), *_google(view, _listed(snapshot, "google"))]
    return judged(checks, "the ads snapshot holds no conversion that happened")


def _listed(snapshot: Mapping[str, Any], network: str) -> list[tuple[Mapping[str, Any], float]]:
    """Conversions that happened with their share: of the value, or of the count where nothing has a value."""
    part = snapshot.get(network, {})
    rows = part.get("conversions", []) if isinstance(part, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidCandidate(
            f"ads snapshot: {network}.conversions is no list of objects", next_step="docs/gtm-scorer.md shows the shape"
        )
    happened = [row for row in rows if _number(row.get("count")) > 0 and row.get("enabled", True)]
    for key in ("value", "count"):
        total = math.fsum(_number(row.get(key)) for row in happened)
        if total > 0:
            return [(row, _number(row.get(key)) / total) for row in happened if _number(row.get(key)) > 0]
    return []


def _number(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if is_number else 0.0


def _meta(view: View, rows: list[tuple[Mapping[str, Any], float]]) -> Iterator[Check]:
    tags = [tag for tag in view.reaching.firing if "meta" in view.senders.of(tag).vendors]
    for row, share in rows:
        event = text_of(row.get("event"))
        if any(_sends_meta(view, tag, event) for tag in tags):
            yield Check(1, share)
        elif any(view.senders.of(tag).unsure for tag in tags):
            yield _unsure(next(tag for tag in tags if view.senders.of(tag).unsure), f"Meta's {event}", share)
        else:
            yield _SAY.fails(
                "conversion-not-sent", None, f"Meta counts {event}, but no tag that fires sends it",
                f"add a Meta tag that sends {event} when it happens", weight=share, pointer=view.container.base,
            )  # fmt: skip


def _sends_meta(view: View, tag: Entity, event: str) -> bool:
    names = frozenset({event, catalogue()["meta_events"].get(event, event)})
    reach = view.reaching.of(tag)
    return bool(view.senders.events(tag, reach, names)) and (event == "PageView" or _on_purpose(view, tag, names))


def _on_purpose(view: View, tag: Entity, names: frozenset[str] = frozenset()) -> bool:
    """Whether it is fired by something of its own: what every page sends is no conversion."""
    return view.container.context == "server" or any(fits(one, names) for one in view.reaching.of(tag).firings)


def _google(view: View, rows: list[tuple[Mapping[str, Any], float]]) -> Iterator[Check]:
    tags = [tag for tag in view.reaching.firing if tag.type in _GOOGLE]
    for row, share in rows:
        account, label = (text_of(row.get(key)).removeprefix("AW-") for key in ("id", "label"))
        name = text_of(row.get("name")) or label
        found = [tuple(part.removeprefix("AW-") for part in view.senders.of(tag).destination) for tag in tags]
        varying = [tag for tag, parts in zip(tags, found, strict=True) if any("{{" in part for part in parts)]
        sending = [tag for tag, parts in zip(tags, found, strict=True) if parts == (account, label)]
        if any(_on_purpose(view, tag) for tag in sending):
            yield Check(1, share)
        elif sending:
            yield _SAY.fails(
                "conversion-not-sent", sending[0], f'Google Ads conversion "{name}" is sent on every page',
                "give the tag a trigger that is met when the conversion happens, and only then", weight=share,
            )  # fmt: skip
        elif varying:
            yield _unsure(varying[0], f'Google Ads conversion "{name}"', share)
        else:
            near = next((tag for tag, parts in zip(tags, found, strict=True) if parts[:1] == (account,)), None)
            yield _SAY.fails(
                "conversion-not-sent", near, f'Google Ads counts "{name}", but no firing tag sends its id and label',
                f"check the label of this tag: {label}" if near else f"add a conversion tag for AW-{account}/{label}",
                weight=share, pointer="" if near else view.container.base,
            )  # fmt: skip


def _unsure(tag: Entity, what: str, share: float) -> Check:
    return _SAY.fails(
        "conversion-unsure", tag, f"{what}: what this tag sends varies, nobody can tell", "name it by a constant",
        weight=share, value=_CANNOT_VERIFY, severity="warning",
    )  # fmt: skip
