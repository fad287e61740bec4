"""Conditions of triggers: which events they let through, which can never be met, which say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.scorers.gtm.entities import Entity, canonical, objects, plain_all, remembered

FILTERS = ("customEventFilter", "filter", "autoEventFilter")
_LONGEST_SUBJECT = 128
_WORD = r"(?:[\w :/-]|\\\W)+"
_ESCAPED = re.compile(r"\\(.)")
_ALTERNATIVES = re.compile(rf"(\^?)(\((?:\?:)?)?({_WORD}(?:\|{_WORD})*)(\)?)(\$?)")
_PLAIN_WORDS = {("^", "$"): "EQUALS", ("^", ""): "STARTS_WITH", ("", "$"): "ENDS_WITH", ("", ""): "CONTAINS"}
_ALWAYS = {"", ".*", "^.*$", "(.*)", ".*?", "^.*", "^", "[\\s\\S]*"}
_PARTS = {"CONTAINS", "STARTS_WITH", "ENDS_WITH"}
_ANYTHING = _ALWAYS | {".+", "^.+$", "(.+)", "^.+", "."}  # that holds anything at all


@dataclass(frozen=True, order=True)
class Condition:
    """One condition: left and right as they stand, with their {{variables}}."""

    operator: str
    left: str
    right: str
    negated: bool = False
    ignore_case: bool = False

    @property
    def excludes_little(self) -> bool:
        """It shuts out one value of very many; those that stand for nothing are another matter."""
        return self.negated and self.right.strip().lower() not in {"", "undefined", "null", "false", "0"}

    def on(self, left: str, right: str) -> bool | None:
        """Whether it holds of these texts; None where nobody can say."""
        found = _holds(self.operator, left, right, ignore_case=self.ignore_case)
        return found if found is None else found != self.negated


@remembered
def conditions_of(trigger: Entity) -> tuple[Condition, ...]:
    return tuple(one for key in FILTERS for one in conditions_in(trigger, key))


def conditions_in(trigger: Entity, key: str) -> Iterator[Condition]:
    """The conditions that stand in one of its FILTERS."""
    for _n, one in objects(trigger.data.get(key)):
        parts = {key: value for key, value in plain_all(one.get("parameter")).items() if isinstance(value, str)}
        yield normal(
            Condition(
                canonical(one.get("type")),
                parts.get("arg0", ""),
                parts.get("arg1", ""),
                parts.get("negate") == "true",
                parts.get("ignore_case") == "true",
            )
        )


def normal(one: Condition) -> Condition:
    """One spelling for conditions that say the same: ^purchase$ is EQUALS purchase; (b|a) is (a|b)."""
    match = _ALTERNATIVES.fullmatch(one.right) if one.operator == "MATCH_REGEX" else None
    if not match or bool(match.group(2)) != bool(match.group(4)):
        return one
    start, opens, listed, _closes, end = match.groups()
    words = sorted(set(listed.split("|")))
    if len(words) == 1:
        return replace(one, operator=_PLAIN_WORDS[start, end], right=_ESCAPED.sub(r"\1", words[0]))
    if opens or not (start or end):
        return replace(one, right=f"{start}({'|'.join(words)}){end}")
    return one


def _holds(operator: str, left: str, right: str, *, ignore_case: bool) -> bool | None:
    if operator == "MATCH_REGEX":
        return matches(right, left, ignore_case=ignore_case)
    if ignore_case:
        left, right = left.lower(), right.lower()
    texts = {"EQUALS": left == right, "CONTAINS": right in left, "STARTS_WITH": left.startswith(right),
             "ENDS_WITH": left.endswith(right)}  # fmt: skip
    if operator in texts:
        return texts[operator]
    try:
        ordered = {"GREATER": float(left) > float(right), "GREATER_OR_EQUALS": float(left) >= float(right),
                   "LESS": float(left) < float(right), "LESS_OR_EQUALS": float(left) <= float(right)}  # fmt: skip
    except ValueError:
        return None
    return ordered.get(operator)


@lru_cache(maxsize=4096)
def compiled(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str] | None:
    """None for what is no regular expression here."""
    try:
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError):
        return None


def _is_cheap(pattern: str) -> bool:
    """Python's expressions can take for ever. Those that repeat groups, or repeat often, are left unjudged."""
    repeats = len(re.findall(r"(?<!\\)[*+]|\{\d*,\d*\}", pattern))
    return len(pattern) <= 2000 and repeats <= 3 and not re.search(r"\)(?:[*+]|\{)", pattern)


@lru_cache(maxsize=16384)
def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool | None:
    if "{{" in pattern or len(text) > _LONGEST_SUBJECT or not _is_cheap(pattern):
        return None
    expression = compiled(pattern, ignore_case=ignore_case)
    return bool(expression.search(text)) if expression else None


def alternatives(pattern: str) -> frozenset[str]:
    """The words of a pattern such as ^(purchase|refund)$; none where it is more than that."""
    match = _ALTERNATIVES.fullmatch(pattern)
    return frozenset(_ESCAPED.sub(r"\1", match.group(3)).split("|")) if match else frozenset()


@dataclass(frozen=True)
class Events:
    """The events that a trigger lets through: all of them, those of one name, or those that hold all conditions."""

    name: str = ""
    conditions: tuple[Condition, ...] = ()

    def allows(self, event: str) -> bool:
        """Whether this event may pass; what nobody can say may."""
        if self.name and self.name != event:
            return False
        return all(one.on(event, one.right) is not False for one in self.conditions)

    def surely(self, event: str) -> bool:
        """Whether this event passes, and not only may."""
        return self.name in {"", event} and all(one.on(event, one.right) is True for one in self.conditions)

    @property
    def names(self) -> frozenset[str]:
        """The names that it lets through, where they can be listed."""
        found = {self.name} if self.name else set()
        for one in self.conditions:
            if one.operator == "EQUALS" and not one.negated and "{{" not in one.right:
                found.add(one.right)
            elif one.operator == "MATCH_REGEX" and not one.negated:
                found |= alternatives(one.right)
        return frozenset(name for name in found if self.allows(name))

    @property
    def is_any(self) -> bool:
        """Every event passes."""
        return not self.name and all(
            one.operator == "MATCH_REGEX" and not one.negated and one.right in _ANYTHING for one in self.conditions
        )


def says_nothing(one: Condition) -> bool:
    """Whether every text meets it, were it not negated."""
    return one.right in _ALWAYS if one.operator == "MATCH_REGEX" else one.operator in _PARTS and not one.right
