"""What no rule can mend, with why: it needs a mind, the site, an account elsewhere, or a person."""

from __future__ import annotations

from collections.abc import Iterable

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.operators.fixes import Family, Fix
from harness.scorers.gtm.checks import Issue

_WHY = {
    "secret": "it must be revoked where it was made; moving or hiding it would leave it as readable as it was",
    "receiver-unknown": "nobody knows who hears this tag: a person must say which consent it needs",
    "variable-circular": "which link of the circle is the wrong one is for a person to say",
    "variable-empty": "what it was to hold, or its code to return, is not in the container",
    "parameter-wrong": "what stands there is no gap, and which value is the right one is for a person to say",
    "trigger-never": "which of its conditions is the wrong one is for a person to say",
    "trigger-pattern": "what the pattern was to match is not in the container",
    "conversion-unsure": "its label or event varies: a constant one beside it could count conversions twice",
}


def _none(_bench: Bench) -> Iterable[Fix]:
    return ()


def _reason(_bench: Bench, issue: Issue) -> str:
    return _WHY[issue.code]


LEFT = Family("left", frozenset(_WHY), "nothing", _none, _reason)
