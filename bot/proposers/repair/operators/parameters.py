"""Missing parameters that have one possible value: the container's own, or the data layer's documented one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import layer
from bot.proposers.repair.operators.site import LAYERED, layered, may_add, measurement
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import tag_facts

_MEASUREMENTS = {("gaawe", "measurementIdOverride"), ("googtag", "tagId"), ("gaawc", "measurementId")}
_ACCOUNTS = {"conversionId"}


def _find(bench: Bench) -> Iterator[Fix]:
    for issue in sorted(bench.issues("parameter-missing"), key=_key):
        entity = bench.entity_of(issue)
        if not entity or not bench.touchable(entity):
            continue
        key = _key(issue)
        what = f"{key} of {entity.name}"
        if _is_layered(bench, entity, key):
            yield Fix(what, (issue,), partial(_from_layer, bench=bench, id_=entity.id, key=key))
        elif value := _value(bench, entity, key):
            yield Fix(what, (issue,), partial(_fill, id_=entity.id, key=key, value=value))


def _key(issue: Issue) -> str:
    return issue.repair.removeprefix("fill in ")


def _is_layered(bench: Bench, tag: Entity, key: str) -> bool:
    is_ours = tag.type == "awct" and key in LAYERED
    return is_ours and (bool(layered(bench, key)) or may_add(bench, "variable"))


def _value(bench: Bench, tag: Entity, key: str) -> str:
    """The one value that this parameter can have here; "" where there is none, or several."""
    if (tag.type, key) in _MEASUREMENTS:
        return measurement(bench)
    if tag.type == "gaawe" and key == "eventName":
        heard = {name for firing in bench.view.reaching.of(tag).firings for name in firing.events.names}
        return heard.pop() if len(heard) == 1 else ""
    if key == "userDataVariable":
        return _only(f"{{{{{one.name}}}}}" for one in bench.view.container.all("variable") if one.type == "awec")
    said = [one for one in bench.view.active if one is not tag and _is_alike(bench, one, tag, key)]
    if key == "conversionLabel":
        return _label(bench, tag)
    texts = {text for one in said if (text := one.text(key)) and not bench.view.values.is_empty(text)}
    values = {bench.view.values.constant(text) or text for text in texts}
    return min(texts) if len(values) == 1 else ""


def _is_alike(bench: Bench, one: Entity, tag: Entity, key: str) -> bool:
    """Whether what one says of a key holds for the other: of one type, or both of Google Ads for its account."""
    of_ads = key in _ACCOUNTS and bench.view.senders.of(one).vendors == bench.view.senders.of(tag).vendors
    return one.type == tag.type or of_ads


def _label(bench: Bench, tag: Entity) -> str:
    """The label of the only conversion of the tag's account that ads were paid for and no tag sends."""
    google = (bench.view.declared.ads or {}).get("google", {})
    rows = google.get("conversions", []) if isinstance(google, dict) else []
    account = (bench.view.values.constant(tag.text("conversionId")) or "").removeprefix("AW-")
    sent = {one.text("conversionLabel") for one in bench.view.active}
    labels = [
        str(row.get("label")) for row in rows
        if isinstance(row, dict) and str(row.get("id", "")).removeprefix("AW-") == account and row.get("label")
    ]  # fmt: skip
    return _only(label for label in labels if label not in sent)


def _only(values: Iterator[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _fill(draft: Draft, *, id_: str, key: str, value: str) -> None:
    draft.set_parameter(draft.entity("tag", id_), key, value)


def _from_layer(draft: Draft, *, bench: Bench, id_: str, key: str) -> None:
    draft.set_parameter(draft.entity("tag", id_), key, layer(draft, bench, key))


def _reason(bench: Bench, issue: Issue) -> str:
    entity, key = bench.entity_of(issue), _key(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if entity and (entity.type, key) in _MEASUREMENTS:
        return "the container names no measurement id, or several: which one is meant is for its owner to say"
    if entity and key in tag_facts(entity.type).get("content", []):
        return "what the code should be is for a person to say"
    return f"nothing in the container says what {key} is: it comes from the account of the vendor"


PARAMETERS = Family(
    "parameters", frozenset({"parameter-missing"}), "fill in what has one possible value", _find, _reason
)
