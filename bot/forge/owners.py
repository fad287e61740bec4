"""Who answers for a target: `owner:` in target.yaml, else the repository's CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.repository import CommitSource
from harness.target import Target

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?")


def owners(source: CommitSource, targets: Sequence[Target]) -> Mapping[str, str]:
    """Target -> @user, @organisation/team, or "" for nobody."""
    place = next((place for place in PLACES if place in source.modes()), "")
    text = source.read([place])[place].decode(errors="replace") if place else ""
    rules = parse(text)
    return {target.name: (target.owner or _of(rules, target.file)).strip() for target in targets}


def parse(text: str) -> list[tuple[re.Pattern[str], str]]:
    """The rules of a CODEOWNERS file in order: pattern of paths, first owner ("" where the rule takes owners away)."""
    found = []
    for line in text.splitlines():
        words = re.split(r"(?<!\\)\s+", line.partition(" #")[0].strip())
        if words[0] and not words[0].startswith(("#", "!", "[")):
            owner = next((word for word in words[1:] if _OWNER.fullmatch(word)), "")
            found.append((_pattern(words[0].replace("\\ ", " ")), owner))
    return found


def _of(rules: Sequence[tuple[re.Pattern[str], str]], path: str) -> str:
    """The last rule that matches counts."""
    return next((owner for pattern, owner in reversed(rules) if pattern.fullmatch(path)), "")


def _pattern(glob: str) -> re.Pattern[str]:
    """As in .gitignore: a slash inside or before binds to the root, a folder means everything in it."""
    bound = "/" in glob.rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(words.get(part, re.escape(part)) for part in parts)
    # `docs/*` means the files in docs, not those further down
    below = "" if bound and glob.endswith("/*") else "/.*" if glob.endswith("/") else "(?:/.*)?"
    return re.compile(f"{'' if bound else '(?:.*/)?'}{body}{below}", re.DOTALL)
