"""Servers: is it certain which client takes a request, and does nothing leave it unprotected?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot, later_copies
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.view import View

_PREVIEW = re.compile(r"x-gtm-server-preview", re.IGNORECASE)


def _priority(client: Entity) -> str:
    said = client.data.get("priority")
    return text_of(said.get("value")) if isinstance(said, dict) else text_of(said)


def _priorities(view: View) -> Iterator[Spot]:
    """Clients of types that claim different things may well share one; two of which nobody knows may not."""
    clients = view.container.all("client")
    kinds = {one.type for one in clients}
    if len(kinds) == len(clients) and not any(kind.startswith("cvt_") for kind in kinds):
        return
    for one, first in later_copies(clients, lambda client: _priority(client) or "0"):
        yield Spot(one, f'has the priority of client "{first.name}": which of them takes a request is chance')


def _paths(view: View) -> Iterator[Spot]:
    def claimed(client: Entity) -> object:
        return client.type, json.dumps(client.parameters, sort_keys=True, default=str)

    for one, first in later_copies(view.container.all("client"), claimed):
        yield Spot(one, f'claims the requests that client "{first.name}" claims: one of them hears nothing')


def _preview(view: View) -> Iterator[Spot]:
    if view.container.context != "server":
        return
    for kind in ("tag", "client", "variable", "transformation"):
        for one in view.container.all(kind):
            for found in one.texts:
                if _PREVIEW.search(found.text) and not (one.kind == "variable" and one.type == "rh"):
                    yield Spot(one, "sends a preview header: real visits go to somebody's debugger", found.pointer)


def _plain(view: View) -> Iterator[Spot]:
    if view.container.context != "server":
        return
    for tag in view.container.all("tag"):
        for found in tag.texts:
            if found.text.strip().lower().startswith("http://"):
                yield Spot(tag, "sends over http, which everybody on the way can read", found.pointer)


RULES = (
    Rule("client-priority-shared", "warning", _priorities),
    Rule("client-claims-twice", "error", _paths),
    Rule("request-preview-header", "error", _preview),
    Rule("request-insecure", "error", _plain),
)
