"""Conditions that can never hold together, and those that always do: what their words alone say, no browser needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

from harness.scorers.gtm.conditions import Condition, says_nothing
from harness.scorers.gtm.values import Values

_BEGINS = {"PAGE_PATH": ("/",), "PAGE_URL": ("http://", "https://")}
_PAGES = {  # of every kind of page one: what holds of all of these holds everywhere
    "PAGE_URL": ("https://a.example/", "https://www.shop.co.uk/b/c.html?d=1#e", "http://m.f.org/g-h/"),
    "PAGE_PATH": ("/", "/b/c.html", "/g-h/"),
    "PAGE_HOSTNAME": ("a.example", "www.shop.co.uk", "m.f.org"),
}


def always(one: Condition, values: Values) -> bool:
    """It says nothing: every text meets it, or both sides are constants."""
    if says_nothing(one):
        return not one.negated
    left, right = _left(one, values), values.constant(one.right)
    return left is not None and right is not None and one.on(left, right) is True


def everywhere(one: Condition, values: Values) -> bool:
    """It holds on pages that have nothing in common, such as a URL that contains a dot."""
    pages = _PAGES.get(values.built_in(one.left), ())
    return bool(pages) and all(one.on(page, one.right) is True for page in pages)


def contradiction(conditions: Iterable[Condition], values: Values) -> str:
    """Why these conditions can never hold together; "" where they may."""
    by_left: dict[str, list[Condition]] = defaultdict(list)
    for one in conditions:
        if why := _alone(one, values):
            return why
        right = values.constant(one.right)
        by_left[one.left] += [replace(one, right=right)] if right is not None else []
    for left, those in by_left.items():
        for one, other in permutations(those, 2):
            if _exclude(one, other):
                verb = "be" if one.operator == "EQUALS" else "agree with"
                return f'{left} cannot {verb} "{one.right[:60]}" and meet the other conditions'
    return ""


def _alone(one: Condition, values: Values) -> str:
    """Why one condition is never met, whatever the others say."""
    if says_nothing(one):
        return f"{one.left} is asked for nothing, and that is negated" if one.negated else ""
    right = values.constant(one.right)
    if right is None:
        return ""
    possible = values.possible(one.left) if "{{" in one.left else frozenset({one.left} - {""})
    if possible and all(one.on(left, right) is False for left in possible):
        return f'{one.left} is always "{min(possible)[:60]}"' if len(possible) == 1 else f"{one.left} is none of that"
    begins = _BEGINS.get(values.built_in(one.left), ())
    if begins and not one.negated and one.operator in {"EQUALS", "STARTS_WITH"}:
        fits = any(right.lower().startswith(begin) or begin.startswith(right.lower()) for begin in begins)
        return "" if fits and right else f'{one.left} never begins with "{right[:60]}"'
    return ""


def _left(one: Condition, values: Values) -> str | None:
    return values.constant(one.left) if "{{" in one.left else None


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether no text meets both."""
    if one.negated or (one.ignore_case and other.negated):
        return one == replace(other, negated=not other.negated)
    if one.operator == "EQUALS":
        against = replace(other, ignore_case=True) if one.ignore_case else other
        return against.on(one.right, other.right) is False
    if other.negated:
        holds = one.operator in _HOLDS.get(other.operator, ()) and other.on(one.right, other.right) is False
        return holds or one == replace(other, negated=False)
    if one.operator == other.operator and one.operator in {"STARTS_WITH", "ENDS_WITH"}:
        return not _nested(one, other)
    return _apart(one, other)


_HOLDS = {  # who is not allowed the second cannot have the first, where the first holds the second
    "CONTAINS": {"CONTAINS", "STARTS_WITH", "ENDS_WITH"}, "STARTS_WITH": {"STARTS_WITH"}, "ENDS_WITH": {"ENDS_WITH"},
}  # fmt: skip


def _nested(one: Condition, other: Condition) -> bool:
    """Whether one text begins, or ends, with the other."""
    first, second = one.right.lower(), other.right.lower()
    if one.operator == "STARTS_WITH":
        return first.startswith(second) or second.startswith(first)
    return first.endswith(second) or second.endswith(first)


def _apart(one: Condition, other: Condition) -> bool:
    """More than one number, and less than another that is not above it."""
    if not (one.operator.startswith("GREATER") and other.operator.startswith("LESS")):
        return False
    try:
        low, high = float(one.right), float(other.right)
    except ValueError:
        return False
    return low > high or (low == high and not (one.operator.endswith("EQUALS") and other.operator.endswith("EQUALS")))


__all__ = ["always", "contradiction", "everywhere"]
