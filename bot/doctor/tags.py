"""Tags: may `promote` push the tag of what it promotes?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.doctor.branches import PAGE
from bot.doctor.finding import Finding, missing, ok
from bot.doctor.ground import Ground
from bot.doctor.protection import programs
from bot.forge.github.inspection import NotInPlan

_NO_HINDRANCE = {"deletion", "non_fast_forward", "update", "required_linear_history"}  # of a tag that is new
_WHERE = "Settings > Rules > Rulesets > the ruleset > Target tags > Exclude by pattern: autoresearch/**/*"


def check_tags(ground: Ground) -> Iterator[Finding]:
    """A ruleset that a program may bypass is taken to let the bot's through."""
    tags = [f"refs/tags/autoresearch/{target.name}/1" for target in ground.targets if "tag" in target.publish]
    if not tags:
        yield ok("tags", "no target publishes a tag")
        return
    try:
        found = [ruleset for ruleset in _rulesets(ground) if any(_binds(ruleset, tag) for tag in tags)]
    except NotInPlan:
        found = []
    against = sorted({kind for ruleset in found for kind in _kinds(ruleset)} - _NO_HINDRANCE)
    if against:
        names = ", ".join(str(ruleset.get("name")) for ruleset in found if _kinds(ruleset) - _NO_HINDRANCE)
        said = f"a ruleset refuses the tags of promote, refs/tags/autoresearch/**: {', '.join(against)} ({names})"
        yield missing("tags", said, where=_WHERE, page=PAGE)
    else:
        yield ok("tags", "nothing stands against refs/tags/autoresearch/**")


def _rulesets(ground: Ground) -> Iterator[dict[str, Any]]:
    """Active ones for tags that no program may bypass, whole. Who may read the repository may read them."""
    listed = ground.api.read("/rulesets?targets=tag&per_page=100", "Metadata: read", absent=[])
    for one in listed:
        if one.get("target") == "tag" and one.get("enforcement") == "active" and not programs(ground, one["id"]):
            yield ground.api.read(f"/rulesets/{one['id']}", "Metadata: read", absent={})


def _binds(ruleset: dict[str, Any], tag: str) -> bool:
    named = (ruleset.get("conditions") or {}).get("ref_name") or {}

    def matches(pattern: str) -> bool:
        return pattern == "~ALL" or bool(_glob(pattern).fullmatch(tag))

    return any(map(matches, named.get("include") or [])) and not any(map(matches, named.get("exclude") or []))


def _glob(pattern: str) -> re.Pattern[str]:
    """As GitHub reads it: ** is any folders, * and ? stay within one name."""
    whole = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(whole.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))


def _kinds(ruleset: dict[str, Any]) -> set[str]:
    return {str(rule.get("type")) for rule in ruleset.get("rules") or []}
