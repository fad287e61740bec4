"""Naming: does a name say what the thing is? The words are in profiles.yaml; only this dimension reads names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.view import View

_SAY = Complaints("naming")


def judge(view: View) -> Judged:
    return judged([*_tags(view), *_typed(view, "trigger"), *_typed(view, "variable")], "nothing is in use")


def _tags(view: View) -> Iterator[Check]:
    counted = Counter(tag.name for tag in view.container.all("tag"))
    every = {word.lower(): vendor for vendor, words in _tag_words().items() for word in words}
    for tag in view.active:
        vendors = view.senders.of(tag).vendors
        accepted = [word for vendor in sorted(vendors) for word in _tag_words().get(vendor, [])]
        foreign = every if not accepted else {}
        yield _named(tag, counted[tag.name], accepted, foreign)


def _tag_words() -> dict[str, list[str]]:
    """The first words that a vendor's tags may have; its title where nobody wrote others down."""
    titles = {vendor: [one["title"]] for vendor, one in catalogue()["vendors"].items()}
    listed: dict[str, list[str]] = profiles()["naming"]["tags"]
    return titles | listed


def _typed(view: View, kind: str) -> Iterator[Check]:
    counted = Counter(one.name for one in view.container.all(kind))
    words: dict[str, list[str]] = profiles()["naming"][f"{kind}s"]
    for one in view.used(kind):
        yield _named(one, counted[one.name], words.get(one.type, []), {}, structured=one.type in words)


def _named(
    one: Entity, times: int, accepted: list[str], foreign: Iterable[str], *, structured: bool = True
) -> Check:
    """accepted: valid first words, any where there are none. foreign: words that would say something else."""
    parts = _parts(one.name)
    first = parts[0].lower() if parts else ""
    if not one.name.strip() or any(re.search(lazy, one.name.strip(), re.IGNORECASE) for lazy in profiles()["naming"]["lazy"]):
        return _fails("name-says-nothing", one, "its name says nothing", accepted)
    if times > 1:
        return _fails("name-twice", one, f"another {one.kind} has its name", accepted)
    if structured and len(parts) < 2:
        return _fails("name-without-parts", one, "its name has no first word that sorts it", accepted)
    if accepted and first not in {word.lower() for word in accepted}:
        return _fails("name-misleads", one, f'its first word "{parts[0][:40]}" does not say what it is', accepted)
    if first in foreign:
        return _fails("name-misleads", one, f'its first word "{parts[0][:40]}" says that it is something else', accepted)
    return Check(1)


def _fails(code: str, one: Entity, message: str, accepted: list[str]) -> Check:
    sample = f"{accepted[0] if accepted else 'What it is'} - what it does"
    return _SAY.fails(code, one, message, f'name it as in "{sample}"', pointer=f"{one.pointer}/name", severity="warning")


def _parts(name: str) -> list[str]:
    """A name cut at the first kind of separator that it has; leading numbers sort lists and say nothing."""
    separator = next((one for one in profiles()["naming"]["separators"] if one in name), None)
    parts = [part.strip() for part in name.split(separator)] if separator else [name.strip()]
    while len(parts) > 1 and parts[0].isdecimal():
        parts = parts[1:]
    return [part for part in parts if part]
