"""What is known of the container that a night began with, worked out once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from harness.complaints import show
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.entities import Entity, strings, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.references import NAMED, Reference
from harness.scorers.gtm.view import View

_LONGEST = 1000  # of a text that may be a token
_TOKEN = re.compile(r"(?<![\w-])(?:(?:G|GT|AW|DC|GTM)-[A-Z0-9]{4,}|\d{9,})(?![\w-])")
_NAMES_ID = re.compile(r"(?i)(?:id|token|key|label|account)s?$")
_KEY = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}(?![\w-])")


class Base:
    """view: everything that is asked of it; version: the part of the file that holds the arrays."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.view = View(container, Declared())

    @cached_property
    def version(self) -> Any:
        return version_of(self.container)

    @cached_property
    def loose(self) -> frozenset[tuple[str, str, str, str]]:
        """References that mean nobody already."""
        return frozenset(map(said_by, unresolved(self.view)))

    @cached_property
    def tokens(self) -> dict[str, str]:
        """What tags that fire send to, and the name of the first that does."""
        return tokens(self.view)


def version_of(container: Container) -> Any:
    return container.data["containerVersion"] if container.base else container.data


def called(one: Entity) -> str:
    return f"{one.kind} {show(one.name or one.id)}"


def unresolved(view: View) -> Iterator[Reference]:
    """References to nobody, and to built-in variables that are not switched on."""
    return (one for one in view.references.all if one.state in {"missing", "off"})


def said_by(one: Reference) -> tuple[str, str, str, str]:
    return one.source.kind, one.source.id, one.how, one.says


def tokens(view: View) -> dict[str, str]:
    """Ids, labels and tokens that firing tags send to, to the name of a tag; those of dead products are none."""
    found: dict[str, str] = {}
    for tag in view.reaching.firing:
        sender = view.senders.of(tag)
        if not sender.dead:
            for token in (*sender.destination, *_said(view, tag)):
                if token and "{{" not in token and not view.values.is_empty(token):
                    found.setdefault(token, tag.name)
    return found


def _said(view: View, tag: Entity) -> Iterator[str]:
    """What looks like an id or a token in a tag's own parameters, with constant variables put in."""
    for found in strings(tag.data.get("parameter"), ""):
        texts = [found.text]
        if "{{" in found.text:
            texts += [view.values.constant(f"{{{{{name}}}}}") or "" for name in NAMED.findall(found.text)]
        for text in texts:
            yield from _TOKEN.findall(text)
            if found.key == "value" and len(text) < _LONGEST:
                yield from _KEY.findall(text)
                if _NAMES_ID.search(text_of(found.holder.get("key"))):
                    yield text


def known_type(container: Container, one: Entity) -> bool:
    """Whether Tag Manager, or a template of the file, knows an entity's type."""
    known = catalogue()
    if one.type.startswith("cvt_"):
        return container.template_of(one) is not None
    listed = {"tag": "tags", "trigger": "triggers", "variable": "variables", "client": "clients",
              "transformation": "transformations"}  # fmt: skip
    return one.kind not in listed or one.type in known[listed[one.kind]]
