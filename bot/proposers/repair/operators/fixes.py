"""What operators are made of: single mends, and the bundles in which they are offered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from bot.proposers.repair.bench import Bench, Offer
from bot.proposers.repair.draft import Draft
from harness.scorers.gtm.checks import Issue

_NAMED = 3


@dataclass(frozen=True)
class Fix:
    """One thing that can be mended by itself. what: the same words for the same thing; apply: in any order."""

    what: str
    mends: tuple[Issue, ...]
    apply: Callable[[Draft], None]


@dataclass(frozen=True)
class Family:
    """An operator: fixes of one kind, offered together, then in halves down to single ones: where the whole fails, a
    part of it may not.

    title: what the operation does. find: every fix that the policy allows. reason: why an issue has none. halved: False
    where a part of it makes no sense.
    """

    name: str
    codes: frozenset[str]
    title: str
    find: Callable[[Bench], Iterable[Fix]]
    reason: Callable[[Bench, Issue], str]
    halved: bool = True
    _found: WeakKeyDictionary[Bench, tuple[Fix, ...]] = field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    def offers(self, bench: Bench) -> Iterator[Offer]:
        yield from itertools.islice(bundled(self.title, self.fixes(bench)), None if self.halved else 1)

    def why_not(self, bench: Bench, issue: Issue) -> str:
        return "" if any(issue in fix.mends for fix in self.fixes(bench)) else self.reason(bench, issue)

    def fixes(self, bench: Bench) -> tuple[Fix, ...]:
        if bench not in self._found:
            self._found[bench] = tuple(self.find(bench))
        return self._found[bench]


def bundled(title: str, fixes: Sequence[Fix]) -> Iterator[Offer]:
    """The whole, its halves, their halves, and so on."""
    waiting = [fixes] if fixes else []
    for those in waiting:  # which grows
        mends = dict.fromkeys(issue for fix in those for issue in fix.mends)
        yield Offer(f"{title}: {_named(those)}", tuple(mends), _Together(tuple(those)))
        if len(those) > 1:
            middle = (len(those) + 1) // 2
            waiting += [those[:middle], those[middle:]]


@dataclass(frozen=True)
class _Together:
    fixes: tuple[Fix, ...]

    def __call__(self, draft: Draft) -> None:
        for fix in self.fixes:
            fix.apply(draft)


def _named(fixes: Sequence[Fix]) -> str:
    words = [" ".join(fix.what.split())[:80] for fix in fixes]
    rest = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


UNTOUCHABLE = "its entity is protected by the policy, or shares its id with another"
