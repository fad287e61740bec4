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

_CODES = frozenset({"folder-missing", "folder-mixed", "folder-for-everything"})
_OTHER, _TOOLS = "Other vendors", "Consent and tools"
_FEW = 1  # of a kind: not worth a folder of their own


@dataclass(frozen=True)
class _Order:
    """How a container is sorted, and how it would be if everything were in its place."""

    bench: Bench

    @cached_property
    def placed(self) -> dict[Entity, Entity]:
        """Things with the folder that they lie in; with none where one folder holds everything."""
        if self.bench.issues("folder-for-everything"):
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
        return by_vendor if self._purity(by_vendor) >= self._purity(by_event) else by_event

    def _purity(self, groups: Mapping[Entity, str]) -> int:
        inside: dict[Entity, Counter[str]] = defaultdict(Counter)
        for tag, group in groups.items():
            if group and tag in self.placed:
                inside[self.placed[tag]][group] += 1
        return sum(max(counted.values()) for counted in inside.values())

    @cached_property
    def homes(self) -> dict[str, str]:
        """Of each group the name of its folder: where most of it lies if nothing else is more there, else one of its
        name, else a new one; what is few goes where few of several lie."""
        inside: dict[str, Counter[str]] = defaultdict(Counter)
        for tag, group in self.groups.items():
            if tag in self.placed and group:
                inside[self.placed[tag].name][group] += 1
        sizes = Counter(self.groups.values())
        few = [group for group in sizes if group and sizes[group] <= _FEW]
        mixed = most(
            {name: len(counted) for name, counted in inside.items() if max(counted.values()) <= _FEW < len(counted)}
        )
        names = [one.name for one in self.bench.view.container.all("folder")]
        found = {}
        for group in sizes:
            own = {
                name: counted[group] for name, counted in inside.items() if 0 < counted[group] == max(counted.values())
            }
            called = [name for name in names if name.lower() in _words(group) and name not in inside]
            new = _OTHER if group in few and len(few) > 1 else _title(group)
            found[group] = most(own) or min(called, default="") or (mixed if group in few else "") or new
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
    order, everything = _Order(bench), bench.issues("folder-for-everything")
    those = {bench.entity_of(issue): issue for issue in bench.issues("folder-missing", "folder-mixed")}
    if everything:
        things = [*bench.view.telling, *bench.view.used("trigger"), *bench.view.used("variable")]
        those = dict.fromkeys(things, everything[0])
    for entity, issue in sorted(those.items(), key=lambda pair: pair[1].code):
        if entity and bench.touchable(entity) and _may(bench, order.home(entity)):
            move = partial(_into, kind=entity.kind, id_=entity.id, folder=order.home(entity))
            yield Fix(f"{entity.kind} {entity.name} into {order.home(entity)}", (issue,), move)


def _may(bench: Bench, folder: str) -> bool:
    return "folder" in bench.policy.add or ("folder", folder) in bench.view.container.by_name


def _into(draft: Draft, *, kind: str, id_: str, folder: str) -> None:
    found = next((one for one in draft.entities("folder") if text_of(one.get("name")) == folder), None)
    draft.move(kind, id_, text_of(found.get("folderId")) if found else draft.new("folder", {"name": folder}))


def _reason(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    return "its kind has no folder, and the policy lets nobody add one"


FOLDERS = Family("folders", _CODES, "sort into folders", _find, _reason)
