"""Folders: can a person find things? Every used entity in a folder, and tags of one kind together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.view import View

_SAY = Complaints("folders")
_UNSORTED = 0.5


def judge(view: View) -> Judged:
    things = [*view.telling, *view.used("trigger"), *view.used("variable")]
    rule: dict[str, int] = profiles()["folders"]
    if len(things) < rule["least"]:
        return Judged(None, why=f"fewer than {rule['least']} things are in use, which need no folders")
    placed = {one: folder for one in things if (folder := view.container.by_id.get(("folder", one.folder)))}
    groups = _best_groups(view, placed)
    if len(set(placed.values())) == 1 and len(set(_by_vendor(view).values())) > 1:
        return judged([_one_folder(view, len(things))], "")
    used = len(set(placed.values()))
    if used > max(rule["few"], len(placed) / rule["each"]):
        return judged([_scattered(view, used, len(things))], "")
    return judged((_place(view, one, placed, groups) for one in things), "", most=view.most("folders"))


def _scattered(view: View, used: int, things: int) -> Check:
    return _SAY.fails(
        "folder-for-each", None, f"{used} folders for {things} things, which sort nothing",
        "make a folder for each vendor, or for each step of the visitor", weight=float(things), severity="warning",
        pointer=view.container.base,
    )  # fmt: skip


def _one_folder(view: View, things: int) -> Check:
    return _SAY.fails(
        "folder-for-everything", None, "everything is in one folder, which sorts nothing",
        "make a folder for each vendor, or for each step of the visitor", weight=float(things), severity="warning",
        pointer=view.container.base,
    )  # fmt: skip


def _place(view: View, one: Entity, placed: Mapping[Entity, Entity], apart: Mapping[Entity, Entity]) -> Check:
    if one not in placed:
        lost = f"its folder {one.folder} does not exist" if one.folder else "is in no folder"
        return _SAY.fails("folder-missing", one, lost, "put it into the folder of its kind", severity="warning")
    if one in apart:
        return _SAY.fails(
            "folder-mixed", one, f'is alone of its kind in folder "{placed[one].name}"',
            f'put it into "{apart[one].name}", with the others of its kind', value=_UNSORTED, severity="warning",
            pointer=f"{one.pointer}/parentFolderId",
        )  # fmt: skip
    return view.passes(one)


def _by_vendor(view: View) -> dict[Entity, str]:
    return {tag: vendor for tag in view.telling if (vendor := view.senders.of(tag).vendor)}


def _by_event(view: View) -> dict[Entity, str]:
    """Tags by the step that they report, whoever hears of it."""
    ga4 = catalogue()["meta_events"]
    found = {}
    for tag in _by_vendor(view):
        events = sorted({ga4.get(event, event) for event in view.senders.of(tag).events})
        found[tag] = events[0] if events else "page_view"
    return found


def _best_groups(view: View, placed: Mapping[Entity, Entity]) -> dict[Entity, Entity]:
    """Tags that stand apart from their kind, with its folder; by vendor or by step, whichever fits better."""
    grouped: list[Callable[[View], dict[Entity, str]]] = [_by_vendor, _by_event]
    return min((dict(_apart(by(view), placed)) for by in grouped), key=len)


def _apart(groups: Mapping[Entity, str], placed: Mapping[Entity, Entity]) -> Iterator[tuple[Entity, Entity]]:
    inside: dict[Entity, Counter[str]] = defaultdict(Counter)
    homes: dict[str, Counter[Entity]] = defaultdict(Counter)
    for tag, group in groups.items():
        if tag in placed:
            inside[placed[tag]][group] += 1
            homes[group][placed[tag]] += 1
    for tag, group in groups.items():
        folder = placed.get(tag)
        if folder and inside[folder][group] < max(inside[folder].values()):
            home = min(homes[group], key=lambda one: (-homes[group][one], one.name))
            if home is not folder or homes[group].total() > 1:  # the only one of its kind may stand among others
                yield tag, home
