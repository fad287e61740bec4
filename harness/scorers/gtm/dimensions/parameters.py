"""Parameter completeness: does each tag hold what its type, its template and its event cannot do without?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue, profiles, tag_facts
from harness.scorers.gtm.references import NAMED
from harness.scorers.gtm.senders import executed, template_fields
from harness.scorers.gtm.view import View

_SAY = Complaints("parameter_completeness")
_SHAPED = {"gaawe", "googtag", "awct", "awud", "sp", "sgtmadsct", "sgtmadsremarketing"}
_META_CALL = re.compile(r"fbq\(([^)]{0,4000})\)")  # bounded: else code of a thousand open calls is read for minutes
_META_PURCHASE = re.compile(r"""['"]Purchase['"]""")
_EVENT_ID_OBJECT = re.compile(r"""\{\s*['"]?event_?id.*""", re.IGNORECASE | re.DOTALL)


def judge(view: View) -> Judged:
    return judged(
        (check for tag in view.active for check in _tag(view, tag)),
        "no tag that can fire is of a type whose parameters are known",
        most=view.most("parameter_completeness"),
    )


def _tag(view: View, tag: Entity) -> Iterator[Check]:
    for group in tag_facts(tag.type).get("required", []):
        yield _holds(view, tag, group)
    for key in _of_template(view, tag):
        yield _holds(view, tag, [key])
    if tag.type == "awct":
        for key in profiles()["conversion_value"].get(view.business, []):
            yield _holds(view, tag, [key])
    if tag.type == "gaawe":
        yield from _event(view, tag)
    if tag.type == "html":
        yield from _meta_purchase(view, tag)


def _holds(view: View, tag: Entity, group: list[str]) -> Check:
    """One of these parameters must come to something."""
    filled = [key for key in group if _filled(view, tag, key)]
    if filled:
        wrong = next((key for key in filled if _misshapen(view, tag, key)), "")
        return _wrong(tag, wrong) if wrong else view.passes(tag)
    key = group[0]
    empty = key in tag.parameters and bool(tag.parameters[key])
    what = f"{key} comes to nothing" if empty else f"{key} is missing"
    return _SAY.fails(
        "parameter-missing", tag, f"{tag.type}: {what}", f"fill in {key}", pointer=tag.at(key), severity="warning"
    )


def _wrong(tag: Entity, key: str) -> Check:
    return _SAY.fails(
        "parameter-wrong", tag, f"{tag.type}: what stands in {key} is none by its shape", f"fill in the real {key}",
        pointer=tag.at(key), severity="warning",
    )  # fmt: skip


def _misshapen(view: View, tag: Entity, key: str) -> bool:
    """Whether a constant cannot be what its parameter is for, by its shape."""
    shape, constant = catalogue()["shapes"].get(key), view.values.constant(tag.text(key))
    return bool(shape and constant) and tag.type in _SHAPED and not re.fullmatch(shape, (constant or "").strip())


def _filled(view: View, tag: Entity, key: str) -> bool:
    value = tag.parameters.get(key, "")
    return not view.values.is_empty(value) if isinstance(value, str) else bool(value)


def _of_template(view: View, tag: Entity) -> list[str]:
    """Fields that a template refuses to be without; not those that only some choices ask for."""
    template = view.container.template_of(tag)
    if not template or tag.kind != "tag":
        return []
    return [
        str(one["name"])
        for one in template_fields(template)
        if isinstance(one.get("name"), str) and not one.get("enablingConditions") and _must_hold(one)
        and one.get("defaultValue") in (None, "")
    ]  # fmt: skip


def _must_hold(one: Mapping[str, object]) -> bool:
    rules = one.get("valueValidators")
    return isinstance(rules, list) and any(
        isinstance(rule, dict) and rule.get("type") == "NON_EMPTY" and not rule.get("enablingConditions")
        for rule in rules
    )


def _event(view: View, tag: Entity) -> Iterator[Check]:
    """What the event of a GA4 tag must carry."""
    known: dict[str, list[str]] = profiles()["event_parameters"]
    sent = view.senders.events(tag, view.reaching.of(tag), frozenset(known))
    wanted = sorted({key for event in sent for key in known[event]})
    if not wanted:
        return
    carried = sent_with(view, tag)
    for key in wanted:
        if carries_ecommerce(view, tag) or _sends(view, key, carried.get(key, "")):
            yield view.passes(tag)
        else:
            events = ", ".join(sorted(event for event in sent if key in known[event]))
            yield _SAY.fails(
                "event-parameter-missing", tag, f"{events} is sent without {key}",
                f"send ecommerce data from the data layer, or add the event parameter {key}", severity="warning",
            )  # fmt: skip


def _sends(view: View, key: str, text: str) -> bool:
    """Whether a field is sent with something that can be it: a list of items is no constant, a value is a number."""
    constant = view.values.constant(text)
    if not text or view.values.is_empty(text):
        return False
    return constant is None or bool(re.fullmatch(catalogue()["event_shapes"].get(key, ".*"), constant.strip()))


def carries_ecommerce(view: View, tag: Entity) -> bool:
    """Whether a GA4 tag sends the data layer's ecommerce object, or one from a variable."""
    if view.values.constant(tag.text("sendEcommerceData")) != "true":
        return False
    return tag.text("getEcommerceDataFrom") != "customObject" or bool(tag.text("ecommerceMacroData"))


def sent_with(view: View, tag: Entity) -> dict[str, str]:
    """Everything that a GA4 event carries: its own fields over those of the Google tags of the same destination."""
    return view.shared_fields.get(view.senders.of(tag).destination, {}) | dict(view.values.fields(tag))


def _meta_purchase(view: View, tag: Entity) -> Iterator[Check]:
    """Meta refuses a Purchase without value and currency."""
    for call in _META_CALL.findall(executed(tag.text("html"))):
        *before, said = _META_PURCHASE.split(call)
        data = _EVENT_ID_OBJECT.sub("", said).strip(" ,\n")
        if not before:
            continue
        for key in ("value", "currency"):
            if key in data or NAMED.fullmatch(data):
                yield view.passes(tag)
            else:
                yield _SAY.fails(
                    "event-parameter-missing", tag, f"Meta's Purchase is sent without {key}",
                    f"add {key} to the call of fbq", pointer=tag.at("html"), severity="warning",
                )  # fmt: skip
