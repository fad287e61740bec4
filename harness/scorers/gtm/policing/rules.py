"""What may become of each entity: changed, added, removed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.complaints import show
from harness.scorers.gtm.conditions import FILTERS, Condition, compiled, conditions_in, conditions_of
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.entities import ARRAYS, Entity
from harness.scorers.gtm.known import catalogue, tag_facts
from harness.scorers.gtm.policing import addresses, afterwards, shapes
from harness.scorers.gtm.policing.base import Base, called, known_type
from harness.scorers.gtm.policing.pairing import Pair, Pairing
from harness.scorers.gtm.policing.parameters import Parameters, is_code
from harness.scorers.gtm.purpose import fits
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.references import NAMED
from harness.scorers.gtm.renaming import is_sayable
from harness.scorers.gtm.view import PAGE_VIEWS, View

if TYPE_CHECKING:
    from harness.scorers.gtm.policy import Policy

_SYSTEMS = {"accountId", "containerId", "workspaceId", "fingerprint", "path", "tagManagerUrl"}
_SYSTEMS |= {key for _array, key in ARRAYS.values()}
_MATCH_ALL = {".*", ".+", "^.*$", "^.+$", "(.*)", ""}
_OWN = {"tag": {"firingTriggerId", "blockingTriggerId", "consentSettings", "setupTag", "teardownTag", "paused"},
        "trigger": set(FILTERS)}  # fmt: skip


def broken(policy: Policy, base: Base, pairing: Pairing) -> Iterator[str]:
    """Every rule that a candidate breaks, in words."""
    view = View(pairing.after, Declared())
    rules = _Rules(policy, base, view)
    for pair in pairing.pairs:
        if pair.after.data != pair.carried.data:
            yield from rules.changed(pair)
    if len(pairing.added) > policy.most_added:
        yield f"{len(pairing.added)} entities are new since the night began, at most {policy.most_added} may be"
    for one in pairing.added:
        yield from rules.added(one)
    for one in pairing.removed:
        yield from rules.removed(one)
    yield from afterwards.problems(policy, base, view, pairing)
    if not policy.code:
        yield from addresses.unknown(base, view)


class _Rules:
    def __init__(self, policy: Policy, base: Base, view: View) -> None:
        self._policy, self._base, self._view = policy, base, view
        self._parameters = Parameters(base.view.values, view.values, view.references, base.container)
        self._by_key: Mapping[str, Callable[[Pair], Iterator[str]]] = {
            "name": self._name, "notes": self._notes, "parameter": self._values, "paused": self._paused,
            "firingTriggerId": self._firing, "blockingTriggerId": self._blocking, "setupTag": self._sequence,
            "teardownTag": self._sequence, "consentSettings": self._fine, "parentFolderId": self._fine,
        } | dict.fromkeys(FILTERS, self._conditions)  # fmt: skip

    def changed(self, pair: Pair) -> Iterator[str]:
        old, new, who = pair.carried.data, pair.after.data, called(pair.before)
        keys = [key for key in {**old, **new} if (old.get(key) or None) != (new.get(key) or None)]
        if keys and self._policy.protects(pair.before.id, pair.before.name):
            yield f"{who} is protected: it stays as it is"
            return
        yield from (f"{who}: {what}" for what in shapes.misshapen(pair.before.data, new))
        for key in keys:
            general = key in {"name", "notes", "parameter", "parentFolderId"}
            if key == "type":
                yield f"{who} has another type: types stay; what is something else is a new {pair.before.kind}"
            elif key in _SYSTEMS:
                yield f"{who}: {show(key)} is Tag Manager's own, and stays"
            elif key == "templateData":
                yield from () if self._policy.code else (f"{who}: its code stays as it is",)
            elif general or key in _OWN.get(pair.before.kind, ()):
                yield from self._by_key[key](pair)
            else:
                yield f"{who}: {show(key)} stays as it is; no rule knows what it may become"

    def added(self, one: Entity) -> Iterator[str]:
        who, policy = f"the new {called(one)}", self._policy
        if one.kind not in policy.add:
            yield f"{who}: nothing of its kind may be added"
        if policy.types == "known" and not known_type(self._view.container, one):
            yield f"{who} has the type {show(one.type)}, which neither Tag Manager nor a template here knows"
        if (is_code(one) or tag_facts(one.type).get("pixel")) and not policy.code:
            yield f"{who} is code, or calls any address, which may not be added"
        yield from (f"{who}: {what}" for what in shapes.misshapen({}, one.data))
        if not is_sayable(one.name):
            yield f"{who}: no reference could say its name"
        for key in ("accountId", "containerId"):
            said = one.data.get(key)
            if said not in (None, self._base.version.get(key, said)):
                yield f"{who}: {key} is that of the container, or absent"

    def removed(self, one: Entity) -> Iterator[str]:
        """That nobody refers to it any more is seen afterwards."""
        who, policy = called(one), self._policy
        if policy.protects(one.id, one.name):
            yield f"{who} is protected: it stays"
        elif one.kind not in policy.remove:
            yield f"{who} is gone: a {one.kind} may not be removed here, only mended"
        elif one.kind == "tag" and not afterwards.replaceable(self._base.view, one, self._view):
            yield f"{who} is gone, and what it sends nobody else does: it stays"

    def _fine(self, _pair: Pair) -> Iterator[str]:
        """Looked at afterwards, by what it does."""
        return iter(())

    def _name(self, pair: Pair) -> Iterator[str]:
        if not self._policy.rename:
            yield f"{called(pair.before)} has another name: names stay"
        elif not is_sayable(pair.after.name):
            yield f"{called(pair.before)}: no reference could say its new name"

    def _notes(self, pair: Pair) -> Iterator[str]:
        if pair.before.data.get("notes"):
            yield f"{called(pair.before)}: what somebody noted stays"

    def _values(self, pair: Pair) -> Iterator[str]:
        return self._parameters.problems(pair.carried, pair.after, code=self._policy.code)

    def _paused(self, pair: Pair) -> Iterator[str]:
        if not self._policy.pause:
            yield f"{called(pair.before)}: nothing is paused here, and nothing paused is let fire"

    def _sequence(self, pair: Pair) -> Iterator[str]:
        known = self._base.container.by_name
        new = [(word, name) for word, name, _at in pair.after.sequenced()]
        olds = zip(pair.before.sequenced(), pair.carried.sequenced(), strict=True)
        for (word, old, _at), (_word, carried, _place) in olds:
            if ("tag", old) in known and (word, carried) not in new:
                yield f"{called(pair.before)}: its {word} tag {show(old)} stays"

    def _conditions(self, pair: Pair) -> Iterator[str]:
        for key in FILTERS:
            lost = Counter(conditions_in(pair.carried, key)) - Counter(conditions_in(pair.after, key))
            if any(not self._is_void(one) for one in lost):
                yield f"{called(pair.before)}: a condition is gone or another one: what is asked stays asked"
        old, new = conditions_of(pair.carried), conditions_of(pair.after)
        more = set(new) - set(old)
        if not all(map(self._is_void, old)) and not all(self._asks_consent(one.left) for one in more):
            yield f"{called(pair.before)}: a condition is new, and may be so only where none was, or to ask for consent"

    def _is_void(self, one: Condition) -> bool:
        """Whether a condition says nothing: everything meets it, or it cannot be read, or it names nobody."""
        is_pattern = one.operator == "MATCH_REGEX" and "{{" not in one.right
        if is_pattern and ((not one.negated and one.right in _MATCH_ALL) or compiled(one.right) is None):
            return True
        references = self._base.view.references
        return any(references.variable(name)[1] == "missing" for name in NAMED.findall(f"{one.left} {one.right}"))

    def _asks_consent(self, text: str) -> bool:
        """Whether a text, with what its variables are, speaks of consent."""
        return bool(re.search(catalogue()["consent_words"], self._parameters.meaning(text)))

    def _blocking(self, pair: Pair) -> Iterator[str]:
        yield from self._dropped(pair, "blockingTriggerId", "exception")
        old = [self._firing_of(self._base.view, id_) for id_ in pair.before.ids("blockingTriggerId")]
        for id_ in set(pair.after.ids("blockingTriggerId")) - set(pair.before.ids("blockingTriggerId")):
            firing = self._firing_of(self._view, id_)
            asked = " ".join(one.left for one in firing.conditions) if firing else ""
            if firing and not self._asks_consent(asked) and not any(one and _equal(one, firing) for one in old):
                yield f"{called(pair.before)}: a new exception may only ask for consent: nothing else is shut out here"

    def _firing(self, pair: Pair) -> Iterator[str]:
        if not self._hears_its_own(pair) and not self._says_more(pair):
            yield from self._dropped(pair, "firingTriggerId", "trigger")

    def _dropped(self, pair: Pair, key: str, word: str) -> Iterator[str]:
        """Triggers that are gone, and that neither never fire nor have an equal one in their place."""
        new = [self._firing_of(self._view, id_) for id_ in pair.after.ids(key)]
        for id_ in pair.before.ids(key):
            old = self._firing_of(self._base.view, id_)
            kept = id_ in pair.after.ids(key) or old is None or old.never or any(_equal(old, one) for one in new)
            if not kept:
                yield f"{called(pair.before)}: its {word} {show(id_)} stays, or an equal one takes its place"

    def _hears_its_own(self, pair: Pair) -> bool:
        """Whether a tag's new triggers are of the very events that it sends, where it was fired by others before; a
        consent default's is the one before all others."""
        sent = self._view.senders.of(pair.after).events
        standard: dict[str, str] = catalogue()["meta_events"]
        wanted = sent | {standard[one] for one in sent if one in standard}
        if self._view.senders.of(pair.after).sets_default:
            wanted = frozenset({"gtm.init_consent"})
        heard = [self._firing_of(self._view, id_) for id_ in pair.after.ids("firingTriggerId")]
        return bool(heard) and all(one is not None and not one.never and one.events.names & wanted for one in heard)

    def _says_more(self, pair: Pair) -> bool:
        """Whether what fired a tag whatever the visitor does is replaced by what happens when they do something."""
        sent = self._view.senders.of(pair.after).events
        new = [self._firing_of(self._view, id_) for id_ in pair.after.ids("firingTriggerId")]
        gone = set(pair.before.ids("firingTriggerId")) - set(pair.after.ids("firingTriggerId"))
        old = [self._firing_of(self._base.view, id_) for id_ in gone]
        if not sent or sent & PAGE_VIEWS or not new:
            return False
        meant = all(one is not None and not one.never and fits(one, sent) == 1 for one in new)
        return meant and all(one is None or fits(one, sent) == 0 for one in old)

    def _firing_of(self, view: View, id_: str) -> Firing | None:
        trigger = view.container.by_id.get(("trigger", id_))
        if trigger:
            return replace(view.reaching.trigger(trigger), trigger=None)
        return Firing(None, afterwards.system_events(id_)) if afterwards.is_system(id_) else None


def _equal(one: Firing, other: Firing | None) -> bool:
    return other is not None and (one.events, one.conditions) == (other.events, other.conditions) and not other.never
