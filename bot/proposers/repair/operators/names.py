"""Names: vendor or type first, then what it is, in the container's own way of cutting names."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.words import Scheme, accepted, parts_of, rules, unlike
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.conditions import conditions_of
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import tag_facts
from harness.scorers.gtm.renaming import is_sayable

_CODES = frozenset({"name-says-nothing", "name-twice", "name-without-parts", "name-without-kind", "name-misleads"})
_UNSAYABLE = re.compile(r'[{}"\\\x00-\x1f]+')
_KEYS = ("name", "keyPath", "headerName", "cookieName", "component", "elementId")


def _find(bench: Bench) -> Iterator[Fix]:
    if not bench.policy.rename:
        return
    taken: dict[str, set[str]] = defaultdict(set)
    for kind, those in bench.view.container.entities.items():
        taken[kind] |= {one.name for one in those}
    for issues in _by_entity(bench):
        entity = bench.entity_of(issues[0])
        if entity and bench.touchable(entity):
            name = unlike(_named(bench, entity, issues[0]), taken[entity.kind] - {entity.name})
            if name != entity.name and is_sayable(name):
                taken[entity.kind].add(name)
                rename = partial(Draft.rename, kind=entity.kind, id_=entity.id, name=name)
                yield Fix(f"{entity.kind} {entity.name} as {name}", tuple(issues), rename)


def _by_entity(bench: Bench) -> Iterator[list[Issue]]:
    """The issues that one new name ends: of several with one name all but the best bearer are named anew."""
    issues = bench.issues(*_CODES)
    twins: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        if issue.code == "name-twice":
            twins.setdefault((issue.entity, issue.name), []).append(issue)
        else:
            yield [issue]
    for those in twins.values():
        ranked = sorted(those, key=lambda issue: -_fits(bench, issue))
        keeper = ranked[0]
        needs_own = not _is_sound(bench, keeper)
        for issue in ranked[1:]:
            yield [issue] if needs_own else [issue, keeper]
        if needs_own:
            yield [keeper]


def _fits(bench: Bench, issue: Issue) -> int:
    """How much an entity's name says what it is: 2 for what it sends or hears, 1 for its kind."""
    entity = bench.entity_of(issue)
    if not entity:
        return 0
    says = any(what and what in entity.name for what in _whats(bench, entity))
    return 2 * says + _is_sound(bench, issue)


def _is_sound(bench: Bench, issue: Issue) -> bool:
    entity = bench.entity_of(issue)
    parts = {part.lower() for part in parts_of(issue.name)}
    wanted = {word.lower() for word in accepted(bench, entity)} if entity else set()
    return len(parts) > 1 and (not wanted or bool(parts & wanted))


def _named(bench: Bench, one: Entity, issue: Issue) -> str:
    scheme, words = Scheme.of(bench), accepted(bench, one)
    word = scheme.word(words) or _without_vendor(bench, one)
    rest = one.name.strip()
    if issue.code == "name-says-nothing":
        rest = re.sub(r"(?i)^copy of |\bcopy$", "", rest).strip()
        rest = "" if _says_nothing(rest) else rest
    if issue.code == "name-misleads":
        rest = scheme.separators[one.kind].join(parts_of(rest)[1:])
    if issue.code == "name-twice" and (found := _whats(bench, one)):
        rest = found[0]
    said, rest = _led_by(rest, words or [word])
    if not rest or rest.lower() == word.lower() or _says_nothing(rest):
        rest = next(iter(_whats(bench, one)), f"{_kind_words(one)} {one.id}")
    return _UNSAYABLE.sub(" ", scheme.joined(one.kind, said or word, rest)).strip()


def _led_by(rest: str, words: list[str]) -> tuple[str, str]:
    """The word of these that a text begins with, as it stands there, and what follows it."""
    for word in sorted(words, key=len, reverse=True):
        match = re.match(rf"({re.escape(word)})[^\w(]+(?=\w)|({re.escape(word)})_(?=\w)", rest, re.IGNORECASE)
        if match:
            return word, rest[match.end() :]
    return "", rest


def _says_nothing(rest: str) -> bool:
    return not rest or any(re.search(pattern, rest, re.IGNORECASE) for pattern in rules()["lazy"])


def _without_vendor(bench: Bench, one: Entity) -> str:
    if one.kind == "tag":
        return "Consent" if bench.view.senders.of(one).sets_default else "Tag"
    return one.kind.capitalize()


def _whats(bench: Bench, one: Entity) -> list[str]:
    """What a thing is about, by what it sends, hears or reads; the most telling first."""
    if one.kind == "tag":
        sender = bench.view.senders.of(one)
        firings = bench.view.reaching.of(one).firings
        heard = {name for firing in firings for name in firing.events.names if not name.startswith("gtm.")}
        linker = ["conversion linker"] if tag_facts(one.type).get("linker") else []
        pages = ["all pages"] if any(firing.on_every_page for firing in firings) else []
        told = [sorted(events)[:1] for events in (sender.events - {"page_view"}, heard, sender.events)]
        every = ["all events"] if sender.follows else []
        triggers = [parts_of(firing.trigger.name)[-1:] for firing in firings if firing.trigger]
        return [*linker, *itertools.chain(*told), *pages, *every, *itertools.chain(*triggers)]
    if one.kind == "trigger":
        asked = [each.right for each in conditions_of(one) if re.search(r"[^\W\d_]{2}", each.right)]
        heard = {name for name in bench.view.reaching.trigger(one).events.names if not name.startswith("gtm.")}
        return [*sorted(heard)[:1], *(text[:40] for text in asked)]
    if one.type == "c":
        return [key for ref in bench.view.references.to(one) for key in _keys_of(ref.source, one.name)][:1]
    return [text for key in _KEYS if (text := one.text(key)) and "{{" not in text]


def _keys_of(user: Entity, name: str) -> list[str]:
    """Which parameters a constant is for."""
    return sorted(key for key, value in user.parameters.items() if value == f"{{{{{name}}}}}")


def _kind_words(one: Entity) -> str:
    return one.type.lower().replace("_", " ") if one.kind == "trigger" else one.kind


def _reason(bench: Bench, issue: Issue) -> str:
    if not bench.policy.rename:
        return "the policy lets nobody rename"
    entity = bench.entity_of(issue)
    return "no better name follows from what it is" if entity and bench.touchable(entity) else UNTOUCHABLE


NAMES = Family("names", _CODES, "name by what it is", _find, _reason)
