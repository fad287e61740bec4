"""Folders: tags by vendor, and what they use beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from bot.proposers.repair.bench import Bench, Offer
from bot.proposers.repair.draft import Draft
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue

SHARED = "Shared"


class Folders:
    """Puts what is in no folder into the one of its vendor."""

    name = "folders"
    codes = frozenset({"folder-missing"})

    def offers(self, bench: Bench) -> Iterator[Offer]:
        """One for each folder."""
        homes: dict[str, list[Issue]] = defaultdict(list)
        for issue in bench.issues("folder-missing"):
            entity = bench.entity_of(issue)
            if entity and bench.touchable(entity):
                homes[_title(bench, entity)].append(issue)
        for title, issues in sorted(homes.items()):
            yield Offer(f"put {_counted(issues)} into the folder {title}", tuple(issues), _Into(bench, title, issues))

    def why_not(self, bench: Bench, issue: Issue) -> str:
        entity = bench.entity_of(issue)
        return "" if entity and bench.touchable(entity) else "it is protected, or its id is not its own"


class _Into:
    def __init__(self, bench: Bench, title: str, issues: list[Issue]) -> None:
        self._title, self._issues = title, issues
        folders = bench.view.container.all("folder")
        self._folder = next((one.id for one in folders if one.name == title), None)

    def __call__(self, draft: Draft) -> None:
        folder = self._folder or draft.new("folder", {"name": self._title})
        for issue in self._issues:
            draft.move(issue.entity, issue.id, folder)


def _title(bench: Bench, entity: Entity) -> str:
    """Of the vendor that hears it; of what is used, the one vendor of all who use it."""
    vendors = {bench.view.senders.of(one).vendor for one in _tags(bench, entity)}
    vendor = vendors.pop() if len(vendors) == 1 else ""
    title: str = catalogue()["vendors"].get(vendor, {}).get("title", SHARED)
    return title


def _tags(bench: Bench, entity: Entity) -> set[Entity]:
    """The entity if it is a tag, else the tags that use it, however indirectly."""
    found, waiting, seen = set(), [entity], {entity}
    for one in waiting:  # which grows
        if one.kind == "tag":
            found.add(one)
            continue
        users = [ref.source for ref in bench.view.references.to(one) if ref.source not in seen]
        seen.update(users)
        waiting += users
    return found


def _counted(issues: list[Issue]) -> str:
    counts = Counter(issue.entity for issue in issues)
    return ", ".join(f"{n} {kind if n == 1 else kind + 's'}" for kind, n in sorted(counts.items()))
