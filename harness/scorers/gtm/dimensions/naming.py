"""Naming: does a name say what the thing is? The words are in profiles.yaml; only this dimension reads names."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.lookalike import skeleton
from harness.scorers.gtm.view import View

_SAY = Complaints("naming")


def judge(view: View) -> Judged:
    checks = [*_tags(view), *_typed(view, "trigger"), *_typed(view, "variable")]
    return judged(checks, "nothing is in use", most=view.most("naming"))


def _tags(view: View) -> Iterator[Check]:
    counted = Counter(skeleton(tag.name) for tag in view.container.all("tag"))
    for tag in view.telling:
        rule = _rule_of_tags(view.senders.of(tag).vendors)
        yield _named(view, tag, rule, is_double=counted[skeleton(tag.name)] > 1)


@functools.cache
def _rule_of_tags(vendors: frozenset[str]) -> _Rule:
    words = _vendor_words()
    accepted = [word for vendor in sorted(vendors) for word in words[vendor]]
    foreign = {word.lower() for vendor in words if vendor not in vendors for word in words[vendor]} if vendors else ()
    titles = " and ".join(catalogue()["vendors"][vendor]["title"] for vendor in sorted(vendors))
    return _Rule(accepted, f"that it sends to {titles}", frozenset(foreign))


def _vendor_words() -> dict[str, list[str]]:
    """The words that name a vendor; its title where nobody wrote others down."""
    titles = {vendor: [one["title"]] for vendor, one in catalogue()["vendors"].items()}
    listed: dict[str, list[str]] = profiles()["naming"]["tags"]
    return titles | listed


def _typed(view: View, kind: str) -> Iterator[Check]:
    """Triggers and variables say their type, or whom they are for."""
    counted = Counter(skeleton(one.name) for one in view.container.all(kind))
    for one in view.used(kind):
        yield _named(view, one, _rule_of_type(kind, one.type), is_double=counted[skeleton(one.name)] > 1)


@functools.cache
def _rule_of_type(kind: str, type_: str) -> _Rule:
    own: list[str] = profiles()["naming"][f"{kind}s"].get(type_, [])
    vendors = [word for those in _vendor_words().values() for word in those]
    return _Rule(own + vendors if own else [], "its type, or for whom it is", strict=bool(own))


@dataclass(frozen=True)
class _Rule:
    """accepted: words of which one must be a part of the name, any if there are none. strict: it must have parts.

    foreign: words in small letters that it must not begin with. says: what a part must say.
    """

    accepted: list[str]
    says: str
    foreign: frozenset[str] = frozenset()
    strict: bool = True

    @functools.cached_property
    def accepted_low(self) -> frozenset[str]:
        return frozenset(word.lower() for word in self.accepted)


def _named(view: View, one: Entity, rule: _Rule, *, is_double: bool) -> Check:
    accepted, strict = rule.accepted, rule.strict
    parts = _parts(one.name)
    if (
        not parts
        or _is_lazy(one.name.strip())
        or (strict and len(parts) > 1 and not _says_more(parts, rule.accepted_low))
    ):
        return _fails("name-says-nothing", one, "its name says nothing", accepted)
    if is_double:
        return _fails("name-twice", one, f"another {one.kind} has its name", accepted)
    if strict and len(parts) < 2:
        return _fails("name-without-parts", one, "its name has no parts that sort it", accepted)
    if parts[0].lower() in rule.foreign - rule.accepted_low:
        return _fails("name-misleads", one, f'"{parts[0][:40]}" says that it is something else', accepted)
    if accepted and not {part.lower() for part in parts} & rule.accepted_low:
        return _fails("name-without-kind", one, f"no part of its name says {rule.says}", accepted)
    return view.passes(one)


@functools.lru_cache(maxsize=8192)
def _is_lazy(text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in profiles()["naming"]["lazy"])


def _says_more(parts: Sequence[str], kinds: frozenset[str]) -> bool:
    """Whether a part beside the one that names the kind is a word, and no number or filler."""
    kind = next((part.lower() for part in parts if part.lower() in kinds), "")
    rest = [part for part in parts if part.lower() != kind]
    return any(re.search(r"[^\W\d_]{2}", part) and not _is_lazy(part) for part in rest)


def _fails(code: str, one: Entity, message: str, accepted: list[str]) -> Check:
    sample = f"{accepted[0] if accepted else 'What it is'} - what it does"
    return _SAY.fails(
        code, one, message, f'name it as in "{sample}"', pointer=f"{one.pointer}/name", severity="warning"
    )


@functools.lru_cache(maxsize=8192)
def _parts(name: str) -> tuple[str, ...]:
    """A name cut at every kind of separator; leading numbers sort lists and say nothing."""
    separators = "|".join(re.escape(one) for one in profiles()["naming"]["separators"])
    parts = [part.strip() for part in re.split(separators, name) if part.strip()]
    while len(parts) > 1 and parts[0].isdecimal():
        parts = parts[1:]
    return tuple(parts)
