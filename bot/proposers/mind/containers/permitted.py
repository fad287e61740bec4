"""A policy in the words that a model is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.proposers.mind.fence import fenced, one_line
from harness.scorers.gtm.policy import Policy


def permitted(policy: Policy) -> str:
    """Several lines."""
    lines = "".join(f"- {line}\n" for line in _lines(policy))
    if not policy.protected:
        return lines
    names = "\n".join(one_line(name, 200) for name in sorted(policy.protected))
    return f"{lines}- Nobody may touch these, by name or id:\n{fenced('protected', names)}"


def _lines(policy: Policy) -> Iterator[str]:
    removed = _listed(policy.remove)
    yield f"Of {removed} what nothing uses may be removed, and nothing else." if removed else "Nothing may be removed."
    added = _listed(policy.add)
    yield f"These may be added, {policy.most_added} at most: {added}." if added else "Nothing may be added."
    yield "Tags may be paused." if policy.pause else "No tag may be paused."
    yield (
        "Tags that act on consent by themselves need not wait for it."
        if policy.unblock
        else "No tag may stop waiting for consent."
    )
    yield "Entities may be renamed, by the op rename." if policy.rename else "Nothing may be renamed."
    yield ("Code may be changed, with care." if policy.code else "No code may be changed: html, JavaScript, templates.")
    if policy.types == "known":
        yield "No type, consent type or status may be invented: only what Tag Manager knows, and templates of the file."
    yield (
        "Ids are given by code. Ids of accounts, and labels and tokens that a tag sends to, are still sent to "
        "afterwards. A parameter that has a value keeps it, or gets a variable that comes to the same; what is absent "
        "or empty may be filled in. The container's own ids and fingerprints stay."
    )


def _listed(kinds: Collection[str]) -> str:
    return ", ".join(sorted(kinds))
