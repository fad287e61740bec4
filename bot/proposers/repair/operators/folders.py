"""Folders: tags with their kind, and what they use beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.site import most, standard_of
from bot.proposers.repair.operators.words import vendor_words
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import catalogue

_ANEW = ("folder-for-everything", "folder-for-each")
_CODES = frozenset({"folder-missing", "folder-mixed", *_ANEW})
_OTHER, _TOOLS = "Other vendors", "Consent and tools"
_FEW = 1  # of a kind: not worth a folder of their own


@dataclass(frozen=True)
class _Order:
    """How a container is sorted, and how it would be if everything were in its place."""

    bench: Bench

    @cached_property
    def placed(self) -> dict[Entity, Entity]:
        """Things with the folder that they lie in; with none where nothing is sorted yet."""
        if self.bench.issues(*_ANEW):
            return {}
        things = (one for kind in ("tag", "trigger", "variable") for one in self.bench.view.container.all(kind))
        folders = self.bench.view.container.by_id
        return {one: folder for one in things if (folder := folders.get(("folder", one.folder)))}

    @cached_property
    def groups(self) -> dict[Entity, str]:
        """Telling tags by vendor, or by the event that they send: whichever the folders follow more."""
        by_vendor = {tag: self.bench.view.senders.of(tag).vendor for tag in self.bench.view.telling}
        by_event = {
            tag: min(map(standard_of, self.bench.view.senders.of(tag).events), default="page_view") for tag in by_vendor
        }
        return by_event if self._strays(by_event) < self._strays(by_vendor) else by_vendor

    def _inside(self, groups: Mapping[Entity, str]) -> dict[str, Counter[str]]:
        """What lies in each folder, by the folder's name."""
        inside: dict[str, Counter[str]] = defaultdict(Counter)
        for tag, group in groups.items():
            if group and tag in self.placed:
                inside[self.placed[tag].name][group] += 1
        return inside

    def _strays(self, groups: Mapping[Entity, str]) -> int:
        """How many tags lie where another group is more."""
        return sum(
            n for counted in self._inside(groups).values() for n in counted.values() if n < max(counted.values())
        )

    @cached_property
    def homes(self) -> dict[str, str]:
        """Of each group the name of its folder: one of its name where nothing else is more, else the one where it is
        most, else a new one; what is few goes where few of several lie."""
        inside, sizes = self._inside(self.groups), Counter(self.groups.values())
        few = [group for group in sizes if group and sizes[group] <= _FEW]
        mixed = {name: len(counted) for name, counted in inside.items() if max(counted.values()) <= _FEW < len(counted)}
        names = [one.name for one in self.bench.view.container.all("folder")]
        together = _OTHER if len(few) > 1 and _OTHER not in inside else ""
        found = {}
        for group in sizes:
            own = {name: n[group] for name, n in inside.items() if 0 < n[group] == max(n.values())}
            called = [name for name in names if name.lower() in _words(group) and (name in own or name not in inside)]
            small = most(mixed) or together if group in few else ""
            found[group] = min(called, default="") or most(own) or small or _title(group)
        return found

    def home(self, one: Entity) -> str:
        """The name of the folder that a thing belongs into."""
        if one in self.groups:
            return self.homes[self.groups[one]]
        told = Counter(self.homes[self.groups[tag]] for tag in sorted(_tags(self.bench, one), key=lambda tag: tag.name)
                       if tag in self.groups)  # fmt: skip
        return most(told) or _TOOLS


def _words(group: str) -> set[str]:
    return {word.lower() for word in [*vendor_words().get(group, []), group] if word}


def _title(group: str) -> str:
    title: str = catalogue()["vendors"].get(group, {}).get("title", group)
    return title or _TOOLS


def _tags(bench: Bench, entity: Entity) -> set[Entity]:
    """The tags that use something, however indirectly."""
    found, waiting, seen = set(), [entity], {entity}
    for one in waiting:  # which grows
        if one.kind == "tag":
            found.add(one)
            continue
        users = [ref.source for ref in bench.view.references.to(one) if ref.source not in seen]
        seen.update(users)
        waiting += users
    return found


def _find(bench: Bench) -> Iterator[Fix]:
    order, everything = _Order(bench), bench.issues(*_ANEW)
    those = {bench.entity_of(issue): issue for issue in bench.issues("folder-missing", "folder-mixed")}
    if everything:
        things = [*bench.view.telling, *bench.view.used("trigger"), *bench.view.used("variable")]
        those = dict.fromkeys(things, everything[0])
    for entity, issue in sorted(those.items(), key=lambda pair: pair[1].code):
        if entity and bench.touchable(entity) and _may(bench, order, entity):
            move = partial(_into, kind=entity.kind, id_=entity.id, folder=order.home(entity))
            yield Fix(f"{entity.kind} {entity.name} into {order.home(entity)}", (issue,), move)


def _may(bench: Bench, order: _Order, entity: Entity) -> bool:
    home = order.home(entity)
    if entity in order.placed and order.placed[entity].name == home:
        return False
    return "folder" in bench.policy.add or ("folder", home) in bench.view.container.by_name


def _into(draft: Draft, *, kind: str, id_: str, folder: str) -> None:
    found = next((one for one in draft.entities("folder") if text_of(one.get("name")) == folder), None)
    draft.move(kind, id_, text_of(found.get("folderId")) if found else draft.new("folder", {"name": folder}))


def _reason(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if "folder" not in bench.policy.add:
        return "its kind has no folder, and the policy lets nobody add one"
    return "its folder bears the name of its kind: what else lies there is for a person to move"


FOLDERS = Family("folders", _CODES, "sort into folders", _find, _reason)
