"""What a column's name says: which outcome, an id, or something that only became known later."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_LENGTH = r"(?:[0-9]+|d|days?|w|weeks?|m|mo|months?|q|quarters?|y|yr|years?)"
_AROUND_LABEL = (
    rf"(?:is|has|was|did|flag|label|target|outcome|the|at|in|within|by|after|next|later|end|account|customer|{_LENGTH})"
)
_AROUND_MONEY = rf"(?:at|the|of|in|period|monthly|annual|usd|eur|gbp|amount|account|customer|{_LENGTH})"
_START = r"(?:start|begin|beginning|initial|current|now|before|baseline)"
_END = r"(?:end|ending|final|after|later|next|new|future|renewal)"
_MONEY = r"(?:mrr|arr|acv|revenue|(?:monthly |annual )?recurring revenue|subscription revenue)"

_LABELS = {
    "returned": r"(?:returned|reactivated|reactivation|resurrected|won back|win back|winback|came back)",
    "retained": r"(?:retained|retention|renewed|stayed|survived|kept)",
    "churned": r"(?:churned|churn|left|cancelled|canceled|lapsed|attrited|attrition|exited)",
    "activated": r"(?:activated|activation|onboarded|reached milestone|reached value)",
}
_LIFETIME = re.compile(r"(?:\w+ )?(?:ltv|clv|cltv|lifetime value|lifetime revenue)(?: \w+)?")
_LATER = re.compile(r"\b(?:(?:churn|cancel|terminat|offboard|attrit|winback)\w*|(?:after|next|later|future)\b)")
_WHOSE = r"(?:account|customer|client|user|company|org|organi[sz]ation|tenant|workspace|team|subscription|subscriber)"
_ID = re.compile(rf"(?:{_WHOSE} )?(?:id|uuid|guid)|{_WHOSE} (?:key|number|no)")
_OTHER_ID = re.compile(r".* (?:id|uuid|guid)")
_MOMENT = re.compile(r".*\b(?:date|timestamp|ts|at|on)")


def phrase(name: str) -> str:
    """A column's name as lower-case words: "MRR_6mo" is "mrr 6 mo"."""
    return " ".join(word.lower() for word in _WORDS.findall(name))


def outcome(name: str) -> str:
    """Our word for the outcome that a column is named after, or "" for none."""
    words = phrase(name)
    for ours, core in _LABELS.items():
        if re.fullmatch(rf"(?:{_AROUND_LABEL} )*{core}(?: {_AROUND_LABEL})*", words):
            return ours
    around = rf"(?:{_AROUND_MONEY}|{_START}|{_END})"
    if re.fullmatch(rf"(?:{around} )*{_MONEY}(?: {around})*", words):
        ends = re.search(rf"\b{_END}\b", words) or re.search(r"\b[0-9]+ [a-z]", words)
        return "revenue_end" if ends and not re.search(rf"\b{_START}\b", words) else "revenue_start"
    return "lifetime_value" if _LIFETIME.fullmatch(words) else ""


def is_id(name: str) -> bool:
    """Whether a name is that of an account's id."""
    return bool(_ID.fullmatch(phrase(name)))


def is_other_id(name: str) -> bool:
    """Whether a name is that of some id: of an owner, say."""
    return bool(_OTHER_ID.fullmatch(phrase(name)))


def is_moment(name: str) -> bool:
    """Whether a name is that of a day or a time."""
    return bool(_MOMENT.fullmatch(phrase(name)))


def known_later(name: str) -> str:
    """The word in a name that tells of what happened after the score; "" for none."""
    found = _LATER.search(phrase(name))
    return found[0] if found else ""
