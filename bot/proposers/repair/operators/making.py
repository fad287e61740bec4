"""What operators make: variables, triggers and conditions, in the container's own scheme and beside their kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft, Json
from bot.proposers.repair.operators.site import LAYERED, entities, layered, link_pattern, most, reads
from bot.proposers.repair.operators.words import Scheme, unlike
from harness.scorers.gtm.entities import Entity, canonical, text_of


def layer(draft: Draft, bench: Bench, key: str) -> str:
    """The same, made where it does not exist."""
    found = layered(bench, key)
    if found:
        return found
    path = f"ecommerce.{LAYERED[key]}"
    for one in entities(draft, "variable"):
        if reads(one.type, one.parameters, path):
            return f"{{{{{one.name}}}}}"
    return new_layer(draft, bench, path)


def new_layer(draft: Draft, bench: Bench, path: str, name: str = "") -> str:
    """A new data layer variable, as {{name}}."""
    name = free_name(draft, "variable", name or Scheme.of(bench).variable("v", path))
    made: Json = {"name": name, "type": "v"}
    id_ = draft.new("variable", made)
    one = draft.entity("variable", id_)
    draft.set_parameter(one, "dataLayerVersion", "2", "INTEGER")
    draft.set_parameter(one, "setDefaultValue", value=False)
    draft.set_parameter(one, "name", path)
    beside(bench, one, "variable", lambda other: other.type == "v")
    return f"{{{{{name}}}}}"


def free_name(draft: Draft, kind: str, name: str) -> str:
    """The name, or with a number where another one differs from it by spaces and capitals at most."""
    return unlike(name, {text_of(one.get("name")) for one in draft.entities(kind)})


def beside(bench: Bench, made: Json, kind: str, alike: Callable[[Entity], bool]) -> None:
    """Puts something new into the folder of most that are like it; into none where they are in none."""
    folders = Counter(one.folder for one in bench.view.used(kind) if alike(one))
    folder = most(folders)
    if ("folder", folder) in bench.view.container.by_id and folder:
        made["parentFolderId"] = folder


def custom_event(draft: Draft, bench: Bench, event: str) -> str:
    """The id of a new trigger for a custom event."""
    fields = {
        "name": free_name(draft, "trigger", Scheme.of(bench).trigger("CUSTOM_EVENT", event)),
        "type": "CUSTOM_EVENT",
        "customEventFilter": [condition(draft, "EQUALS", "{{_event}}", event)],
    }
    id_ = draft.new("trigger", fields)
    beside(bench, draft.entity("trigger", id_), "trigger", lambda one: one.type == "CUSTOM_EVENT")
    return id_


def new_link_click(draft: Draft, bench: Bench, event: str) -> str:
    """The id of a new trigger for such clicks."""
    name = free_name(draft, "trigger", Scheme.of(bench).trigger("LINK_CLICK", event))
    id_ = draft.new("trigger", {"name": name, "type": "LINK_CLICK", "filter": [link_condition(draft, event)]})
    beside(bench, draft.entity("trigger", id_), "trigger", lambda one: one.type == "LINK_CLICK")
    return id_


def link_condition(draft: Draft, event: str) -> Json:
    """The condition that a clicked link is one of those; switches on what it reads."""
    switched_on = {
        canonical(one.get("type")) for one in draft.version.get("builtInVariable") or [] if isinstance(one, dict)
    }
    if "CLICK_URL" not in switched_on:
        draft.built_in("CLICK_URL")
    return condition(draft, "MATCH_REGEX", "{{Click URL}}", link_pattern(event))


def condition(draft: Draft, operator: str, left: str, right: str) -> Json:
    """A condition of a trigger, as this file spells it."""
    template = draft.word("TEMPLATE")
    parts = [{"type": template, "key": "arg0", "value": left}, {"type": template, "key": "arg1", "value": right}]
    return {"type": draft.word(operator), "parameter": parts}


def pause(draft: Draft, *, id_: str) -> None:
    draft.entity("tag", id_)["paused"] = True
