"""Consent: does what each tag really sends wait for the consent that it needs?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.scorers.gtm.checks import Check, Complaints, Issue, Judged, judged
from harness.scorers.gtm.consenting import Wanted
from harness.scorers.gtm.entities import Entity, strings
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.references import NAMED
from harness.scorers.gtm.senders import executed
from harness.scorers.gtm.view import View

_SAY = Complaints("consent")


def judge(view: View) -> Judged:
    checks = [check for tag in view.active for check in _tag(view, tag)]
    return judged(
        [*checks, *(_default(view) if checks else ())],
        "no tag that can fire is known to need consent",
        _unknown(view),
        view.most("consent"),
    )


def _tag(view: View, tag: Entity) -> Iterator[Check]:
    wanted, sender = view.reaching.of(tag).consent, view.senders.of(tag)
    broken = _broken(tag, wanted)
    if broken:
        yield broken
    elif sender.sends and sender.reads_consent:
        yield _reading(view, tag, wanted)
    elif sender.sends and sender.purposes:
        yield _waiting(view, tag, wanted)


def _broken(tag: Entity, wanted: Wanted) -> Check | None:
    """Settings that Tag Manager does not know, or that do nothing."""
    pointer = f"{tag.pointer}/consentSettings"
    if not wanted.status:
        message, repair = "its consent status is no word of Tag Manager", "use NOT_SET, NOT_NEEDED or NEEDED"
        return _SAY.fails("consent-word", tag, message, repair, pointer=pointer)
    if wanted.wrong:
        words = ", ".join(word[:40] for word in wanted.wrong)
        repair = f"use {', '.join(catalogue()['consent_types'])}"
        return _SAY.fails("consent-word", tag, f"no consent type: {words}", repair, pointer=pointer)
    if wanted.status == "NEEDED" and not wanted.types:
        message = "additional consent is required, but no type of it is named, so that it waits for nothing"
        return _SAY.fails("consent-without-types", tag, message, "name the consent types", pointer=pointer)
    return None


def _reading(view: View, tag: Entity, wanted: Wanted) -> Check:
    """Tags that act on consent mode themselves need no block; under advanced consent mode a block loses their pings."""
    rule = profiles()["consent"]
    if not wanted.blocks or view.declared.consent_mode != "advanced":
        return view.passes(tag, float(rule["reading_weight"]))
    return _SAY.fails(
        "consent-hard-block", tag, "is blocked without consent, so that the pings of advanced consent mode are lost",
        "take the additional consent away, or declare consent mode basic", severity="warning",
        value=float(rule["hard_block"]), weight=float(rule["reading_weight"]), pointer=f"{tag.pointer}/consentSettings",
    )  # fmt: skip


def _waiting(view: View, tag: Entity, wanted: Wanted) -> Check:
    """Tags that ask nobody: they must be made to wait, by settings or by triggers that ask the banner."""
    sender, reach = view.senders.of(tag), view.reaching.of(tag)
    needed = frozenset(one for purpose in sender.purposes for one in catalogue()["purposes"][purpose])
    if reach.firings and all(_asks(view, firing) for firing in reach.firings):
        return view.passes(tag)
    missing = needed - wanted.types
    if wanted.blocks and not missing:
        return view.passes(tag)
    title = catalogue()["vendors"][sender.vendor]["title"]
    types = ", ".join(sorted(missing))
    if view.container.context == "server":
        message, repair = (
            f"sends to {title} whatever the visitor chose",
            "let its trigger ask for the consent in the event",
        )
        return _SAY.fails("consent-not-asked", tag, message, repair)
    state = "waits for another consent" if wanted.blocks else "waits for no consent"
    return _SAY.fails(
        "consent-type-missing", tag, f"sends to {title}, but {state}: {types} is missing",
        f"require additional consent: {', '.join(sorted(needed | wanted.types))}",
        value=0.5 if wanted.types & needed else 0.0, pointer=f"{tag.pointer}/consentSettings",
    )  # fmt: skip


def _asks(view: View, firing: Firing) -> bool:
    """Whether a way to fire goes through a consent banner: its event, or what its conditions read."""
    words, refusal = (re.compile(catalogue()[key]) for key in ("consent_words", "refusal_words"))
    names = firing.events.names
    if names and all(words.search(name) and not refusal.search(name) for name in names):
        return True
    return any(
        one.negated == bool(refusal.search(one.right))
        and any(_reads(view, name, words) for name in NAMED.findall(one.left))
        for one in firing.conditions
    )


def _reads(view: View, name: str, words: re.Pattern[str]) -> bool:
    """Whether what a variable reads is a banner's: its key, its code, or a variable that it is made from. Not names."""
    first = view.references.variable(name)[0]
    waiting, seen = [first] if first else [], {first}
    for one in waiting:  # which grows
        texts = [NAMED.sub("", executed(found.text)) for found in strings(one.data.get("parameter", []), "")]
        if one.type != "c" and any(words.search(text) for text in texts):
            return True
        more = [ref.target for ref in view.references.of(one) if ref.target and ref.target not in seen]
        waiting += more
        seen |= set(more)
    return False


def _default(view: View) -> Iterator[Check]:
    """Before anything else a default must stand; where the page sets it, its owner says so."""
    if view.container.context == "server" or view.declared.consent_default == "page":
        return
    weight = float(profiles()["consent"]["default_weight"])
    setting = [tag for tag in view.reaching.firing if view.senders.of(tag).sets_default]
    if any(f.events.name == "gtm.init_consent" for tag in setting for f in view.reaching.of(tag).firings):
        yield Check(1, weight)
    elif setting:
        yield _SAY.fails(
            "consent-default-late", setting[0], "sets the consent default, but later than the first tags",
            "let it fire on Consent Initialization - All Pages", weight=weight, value=0.5,
        )  # fmt: skip
    else:
        yield _SAY.fails(
            "consent-default-missing", None, "nothing sets a consent default before the first tag fires",
            "add a consent banner's tag on Consent Initialization, or declare that the page sets it", weight=weight,
            severity="warning", pointer=view.container.base,
        )  # fmt: skip


def _unknown(view: View) -> Iterator[Issue]:
    for tag in view.sending:
        sender = view.senders.of(tag)
        if not sender.purposes and not sender.reads_consent and not view.reaching.of(tag).consent.blocks:
            yield _SAY.issue(
                "receiver-unknown", "info", tag, "sends something, nobody knows to whom; not judged",
                "decide which consent it needs, and require it",
            )  # fmt: skip
