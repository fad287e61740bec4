"""Lookup and regular expression tables: can every row be reached, and what if none fits?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import tag_facts
from harness.scorers.gtm.view import View

_ANYTHING = frozenset({".*", ".+", "^.*$", "^.+$", "(.*)", "^(.*)$", "(.+)", "^.*", ".*$", "^"})


def _tables(view: View, kind: str) -> Iterator[tuple[Entity, list[str]]]:
    """Tables of a type with the keys of their rows, from above."""
    for one in view.container.all("variable"):
        rows = one.parameters.get("map")
        if one.type == kind and isinstance(rows, list):
            yield one, [text_of(row.get("key")) for row in rows if isinstance(row, dict)]


def _keys_twice(view: View) -> Iterator[Spot]:
    for one, keys in _tables(view, "smm"):
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield Spot(one, f'the key "{key[:60]}" stands twice: the first row alone is read', one.at("map"))


def _unreachable(view: View) -> Iterator[Spot]:
    for one, keys in _tables(view, "remm"):
        seen: set[str] = set()
        for number, key in enumerate(keys, 1):
            if seen & _ANYTHING or key in seen:
                yield Spot(one, f"row {number} is never reached: an earlier one takes what it would", one.at("map"))
            seen.add(key)


def _no_default(view: View) -> Iterator[Spot]:
    """Only where a tag's id or event hangs on it: elsewhere no value may be what is meant."""
    needed: set[Entity] = set()
    for tag in view.container.all("tag"):
        facts = tag_facts(tag.type)
        for key in (*facts.get("destination", []), *facts.get("event", [])):
            if variable := view.values.named(tag.text(key)):
                needed.add(variable)
    for kind in ("smm", "remm"):
        for one, keys in _tables(view, kind):
            if one in needed and one.text("setDefaultValue") != "true" and not set(keys) & _ANYTHING:
                yield Spot(
                    one, "has no default, though the id or event of a tag hangs on it: where no row fits, it is lost"
                )


RULES = (
    Rule("table-key-twice", "error", _keys_twice),
    Rule("table-row-unreachable", "warning", _unreachable),
    Rule("table-no-default", "warning", _no_default),
)
