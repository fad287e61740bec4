"""The container's own scheme of names: what cuts them, and the words for vendors and types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from bot.proposers.repair.bench import Bench
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.lookalike import skeleton

_USUAL = " - "
_NAMED = ("tag", "trigger", "variable")
_LEAST_USE = 3  # a separator or a word that stands so often is a habit


def rules() -> dict[str, Any]:
    found: dict[str, Any] = profiles()["naming"]
    return found


def vendor_words() -> dict[str, list[str]]:
    """Of each vendor the words that name it, the usual one first."""
    titles = {vendor: [one["title"]] for vendor, one in catalogue()["vendors"].items()}
    listed: dict[str, list[str]] = rules()["tags"]
    return titles | listed


def parts_of(name: str) -> list[str]:
    cut = "|".join(re.escape(one) for one in rules()["separators"])
    return [part.strip() for part in re.split(cut, name) if part.strip()]


@dataclass(frozen=True)
class Scheme:
    """separators: between the parts of a name, by kind. uses: how often each word is a part of a name."""

    separators: Mapping[str, str]
    uses: Counter[str]

    @classmethod
    def of(cls, bench: Bench) -> Scheme:
        if bench not in _SCHEMES:
            _SCHEMES[bench] = cls._read(bench)
        return _SCHEMES[bench]

    @classmethod
    def _read(cls, bench: Bench) -> Scheme:
        names = {kind: [one.name for one in bench.view.container.all(kind)] for kind in _NAMED}
        every = [name for those in names.values() for name in those]
        separators = {kind: _separator(those) or _separator(every) or _USUAL for kind, those in names.items()}
        return cls(separators, Counter(part for name in every for part in parts_of(name)))

    def word(self, accepted: Iterable[str]) -> str:
        """Of the words that say one thing the one that this container says most, else the usual one."""
        listed = list(accepted)
        best = max(listed, key=lambda word: self.uses[word], default="")
        return best if self.uses[best] >= _LEAST_USE else next(iter(listed), "")

    def tag(self, vendor: str, what: str) -> str:
        return self.joined("tag", self.word(vendor_words().get(vendor, ["Tag"])), what)

    def trigger(self, kind: str, what: str) -> str:
        return self.joined("trigger", self.word(rules()["triggers"].get(kind, ["Trigger"])), what)

    def variable(self, kind: str, what: str) -> str:
        return self.joined("variable", self.word(rules()["variables"].get(kind, ["Variable"])), what)

    def joined(self, kind: str, word: str, what: str) -> str:
        return f"{word}{self.separators[kind]}{what}"


def _separator(names: list[str]) -> str:
    """What these names are cut by most, if that is a habit; an underscore is none: it stands in the names of events."""
    cuts = Counter(cut for name in names for cut in rules()["separators"] if cut in name and cut != "_")
    best = min(cuts, key=lambda cut: (-cuts[cut], cut), default="")
    return best if cuts[best] >= _LEAST_USE else ""


def unlike(name: str, taken: Collection[str]) -> str:
    """The name, or with a number where another one differs from it by spaces and capitals at most."""
    bare = {_bare(one) for one in taken}
    numbered = (f"{name} {n}" for n in range(2, len(bare) + 3))
    return name if _bare(name) not in bare else next(one for one in numbered if _bare(one) not in bare)


def _bare(name: str) -> str:
    return "".join(skeleton(name).split())


def accepted(bench: Bench, one: Entity) -> list[str]:
    """The words of which one must be a part of its name; none where any name will do."""
    if one.kind == "tag":
        return [word for vendor in sorted(bench.view.senders.of(one).vendors) for word in vendor_words()[vendor]]
    own: list[str] = rules()[f"{one.kind}s"].get(one.type, [])
    return own


_SCHEMES: WeakKeyDictionary[Bench, Scheme] = WeakKeyDictionary()
