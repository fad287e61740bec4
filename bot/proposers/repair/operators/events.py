"""What events must carry: value, currency, items and the order's id, from the data layer's ecommerce object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft, Json
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import layer
from bot.proposers.repair.operators.site import LAYERED, layered, may_add
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, objects, plain, text_of

_EVENT_CODES, _ORDER_CODES = frozenset({"event-parameter-missing"}), frozenset({"order-id-missing"})
_TABLES = {"eventSettingsTable": ("parameter", "parameterValue"), "eventParameters": ("name", "value")}


def _find_events(bench: Bench) -> Iterator[Fix]:
    lacking: dict[Entity, list[Issue]] = defaultdict(list)
    for issue in bench.issues(*_EVENT_CODES):
        entity = bench.entity_of(issue)
        if entity and entity.type == "gaawe" and bench.touchable(entity) and _can(bench, [_event_key(issue)]):
            lacking[entity].append(issue)
    for tag, issues in sorted(lacking.items(), key=lambda pair: pair[0].name):
        keys = [_event_key(issue) for issue in issues]
        if not tag.text("sendEcommerceData"):
            yield Fix(f"the ecommerce data of {tag.name}", tuple(issues), partial(_whole, id_=tag.id))
        else:
            add = partial(_rows, bench=bench, id_=tag.id, keys=tuple(sorted(keys)))
            yield Fix(f"{', '.join(sorted(keys))} of {tag.name}", tuple(issues), add)


def _find_orders(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues(*_ORDER_CODES):
        tag = bench.entity_of(issue)
        if tag and bench.touchable(tag) and _can(bench, ["transaction_id"]):
            if tag.type == "gaawe":
                yield Fix(
                    f"transaction_id of {tag.name}",
                    (issue,),
                    partial(_rows, bench=bench, id_=tag.id, keys=("transaction_id",)),
                )
            else:
                yield Fix(f"orderId of {tag.name}", (issue,), partial(_order_id, bench=bench, id_=tag.id))


def _event_key(issue: Issue) -> str:
    return issue.repair.rpartition("the event parameter ")[2]


def _can(bench: Bench, keys: Iterable[str]) -> bool:
    return all(key in LAYERED and (layered(bench, key) or may_add(bench, "variable")) for key in keys)


def _whole(draft: Draft, *, id_: str) -> None:
    """Nobody said whether the tag sends the ecommerce object: it does from now on."""
    tag = draft.entity("tag", id_)
    draft.set_parameter(tag, "sendEcommerceData", value=True)
    draft.set_parameter(tag, "getEcommerceDataFrom", "dataLayer")


def _rows(draft: Draft, *, bench: Bench, id_: str, keys: tuple[str, ...]) -> None:
    tag = draft.entity("tag", id_)
    for key in keys:
        add_row(draft, tag, key, layer(draft, bench, key))


def _order_id(draft: Draft, *, bench: Bench, id_: str) -> None:
    draft.set_parameter(draft.entity("tag", id_), "orderId", layer(draft, bench, "orderId"))


def add_row(draft: Draft, tag: Json, key: str, value: str) -> None:
    """An event parameter into the tag's table, in the spelling of that table; an empty row of that key is filled."""
    listed = [one for _n, one in objects(tag.get("parameter")) if text_of(one.get("key")) in _TABLES]
    table = next(iter(listed), None)
    if not isinstance(table, dict):
        draft.set_parameter(tag, "eventSettingsTable", [{"parameter": key, "parameterValue": value}])
        return
    name, said = _TABLES[text_of(table.get("key"))]
    for _n, row in objects(table.get("list")):
        cells = {text_of(cell.get("key")): cell for _m, cell in objects(row.get("map"))}
        if name in cells and plain(cells[name]) == key:
            cell = cells.get(said)
            if isinstance(cell, dict):
                cell["value"] = value
            return
    template = draft.word("TEMPLATE")
    cells_made = [{"type": template, "key": name, "value": key}, {"type": template, "key": said, "value": value}]
    rows = table.get("list")
    table["list"] = [*(rows if isinstance(rows, list) else ()), {"type": draft.word("MAP"), "map": cells_made}]


def _reason(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if entity and entity.type not in {"gaawe", "awct"}:
        return "it stands in the tag's own code, which the policy lets nobody change"
    return "no variable holds it, and the policy lets nobody add one"


EVENTS = Family("events", _EVENT_CODES, "send what the event must carry", _find_events, _reason)
ORDERS = Family("orders", _ORDER_CODES, "send the order's id", _find_orders, _reason)
