"""Custom templates: may they do more than they do, and does anything use them?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.scorers.gtm.audit.findings import Rule, Spot
from harness.scorers.gtm.entities import Entity, remembered, strings, text_of
from harness.scorers.gtm.senders import sections
from harness.scorers.gtm.view import View

# What a permission lets a template do: the functions of which it must use one.
_USES = {
    "access_consent": (
        "isConsentGranted",
        "addConsentListener",
        "setDefaultConsentState",
        "updateConsentState",
        "gtagSet",
    ),
    "access_globals": (
        "copyFromWindow",
        "setInWindow",
        "callInWindow",
        "createQueue",
        "createArgumentsQueue",
        "aliasInWindow",
    ),
    "access_local_storage": ("localStorage",),
    "access_template_storage": ("templateStorage",),
    "get_cookies": ("getCookieValues",),
    "get_referrer": ("getReferrerUrl", "getReferrerQueryParameters"),
    "get_url": ("getUrl", "getQueryParameters"),
    "inject_hidden_iframe": ("injectHiddenIframe",),
    "inject_script": ("injectScript",),
    "logging": ("logToConsole",),
    "read_data_layer": ("copyFromDataLayer", "gtagSet"),
    "read_title": ("readTitle",),
    "read_character_set": ("readCharacterSet",),
    "send_pixel": ("sendPixel",),
    "set_cookies": ("setCookie",),
    "write_data_layer": ("gtagSet",),
    "send_http": ("sendHttpRequest", "sendHttpGet"),
}
_ANY_HOST = re.compile(r"(?:https?:|\*:)?(?://)?\*(?:[/:].*)?|<all_urls>|https?://\*\.(?:com|net|org|io)?/?\*?")


def _permissions(one: Entity) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The permissions that a template asks for, by their names; none where they cannot be read."""
    for name, text in sections(text_of(one.data.get("templateData"))).items():
        if name.endswith("PERMISSIONS"):
            try:
                listed = json.loads(text)
            except (ValueError, RecursionError):
                return
            for each in listed if isinstance(listed, list) else []:
                instance = each.get("instance") if isinstance(each, dict) else None
                key = instance.get("key") if isinstance(instance, dict) else None
                if isinstance(key, dict) and isinstance(instance, dict):
                    yield text_of(key.get("publicId")), instance


@remembered
def _code(one: Entity) -> str:
    parts = sections(text_of(one.data.get("templateData")))
    return "".join(text for name, text in parts.items() if name.startswith("SANDBOXED_JS"))


def _too_wide(view: View) -> Iterator[Spot]:
    for one in view.container.all("template"):
        code = _code(one)
        for name, _instance in _permissions(one):
            if code.strip() and name in _USES and not any(use in code for use in _USES[name]):
                yield Spot(one, f"may do what its code never does: {name}", f"{one.pointer}/templateData")


def _anywhere(view: View) -> Iterator[Spot]:
    """Scripts from anywhere. Pixels and requests to anywhere are what some templates are for."""
    for one in view.container.all("template"):
        for name, instance in _permissions(one):
            if name in {"inject_script", "inject_hidden_iframe"} and any(
                _ANY_HOST.fullmatch(found.text) for found in strings(instance, "")
            ):
                yield Spot(one, f"may load code from any address: {name}", f"{one.pointer}/templateData")


def _unused(view: View) -> Iterator[Spot]:
    for one in view.container.all("template"):
        if not any(ref.how == "template" for ref in view.references.to(one)):
            yield Spot(one, "no tag, variable or client is made from it")


RULES = (
    Rule("template-too-wide", "warning", _too_wide),
    Rule("template-loads-anything", "warning", _anywhere),
    Rule("template-unused", "warning", _unused),
)
