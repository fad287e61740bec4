"""Consent that nobody gave: defaults that grant, updates without a question, senders before the default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.scorers.gtm.audit.findings import Rule, Spot, is_wide
from harness.scorers.gtm.audit.scripts import piece_of
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.senders import template_code
from harness.scorers.gtm.view import View

_ADS = ("ad_storage", "ad_user_data", "ad_personalization")
_CALL = re.compile(
    r"""(?:gtag\(\s*["']consent["']\s*,\s*["'](default|update)["']\s*,|\b(setDefault|update)ConsentState\s*\()\s*\{([^{}]*)\}"""
)
_GRANTS = re.compile(r"""\b(?:ad_storage|ad_user_data|ad_personalization)["']?\s*:\s*["']granted["']""")


def _calls(text: str) -> Iterator[tuple[str, str]]:
    """(default or update, what it says) of each call that sets consent."""
    for by_gtag, by_template, body in _CALL.findall(text):
        yield ("default" if (by_gtag or by_template).lower().endswith("default") else "update"), body


def _set_by(view: View, tag: Entity) -> Iterator[tuple[str, str]]:
    if tag.type == "html":
        yield from _calls(piece_of(tag.text("html")).bare)
    elif template := view.container.template_of(tag):
        yield from _calls(template_code(template))


def _default_grants(view: View) -> Iterator[Spot]:
    """A default for some regions alone may grant; one for everybody may not."""
    for tag in view.container.all("tag"):
        if any(
            kind == "default" and _GRANTS.search(body) and "region" not in body for kind, body in _set_by(view, tag)
        ):
            yield Spot(tag, "its consent default grants ads to everybody before anybody was asked")
        elif view.senders.of(tag).sets_default and _filled_in(tag.parameters):
            yield Spot(tag, "its fields grant ads by default to everybody before anybody was asked")


def _filled_in(fields: Mapping[str, Any]) -> bool:
    """Fields of a banner's template: directly, or as rows of regions of which one is for everywhere."""
    if any(text_of(fields.get(key)).lower() == "granted" for key in _ADS):
        return not text_of(fields.get("region") or fields.get("regions")).strip()
    rows = [row for value in fields.values() if isinstance(value, list) for row in value if isinstance(row, dict)]
    return any(_filled_in(row) for row in rows)


def _updates(view: View) -> Iterator[Spot]:
    for tag in view.container.all("tag"):
        grants = any(kind == "update" and _GRANTS.search(body) for kind, body in _set_by(view, tag))
        if grants and any(map(is_wide, view.reaching.of(tag).firings)):
            yield Spot(tag, "grants consent to ads on every page, whatever the visitor chose")


def _too_early(view: View) -> Iterator[Spot]:
    """Consent Initialization is for consent: what sends there is gone before the default stands."""
    for tag in view.container.all("tag"):
        sender = view.senders.of(tag)
        early = any(one.events.name == "gtm.init_consent" for one in view.reaching.of(tag).firings)
        if early and sender.sends and not sender.sets_default:
            yield Spot(tag, "sends on Consent Initialization, before consent can be known")


RULES = (
    Rule("consent-default-grants", "error", _default_grants),
    Rule("consent-update-unasked", "error", _updates),
    Rule("consent-sends-early", "error", _too_early),
)
