"""The two rulesets that make promises hold on GitHub, as its API takes them."""

from __future__ import annotations

from typing import Any

from bot import records

RECORDS = records.BRANCH.removeprefix("refs/heads/")
NAMES = ("default", "records")
_ADMIN = 5  # GitHub's number for the role


def ruleset(name: str) -> dict[str, Any]:
    """default: what is merged, a human approved. records: nothing recorded is rewritten."""
    return _DEFAULT if name == "default" else _RECORDS


def command(name: str, slug: str) -> str:
    return f"autoresearch doctor --ruleset {name} | gh api repos/{slug}/rulesets --input -"


_FINAL = [{"type": "deletion"}, {"type": "non_fast_forward"}]
_DEFAULT = {
    "name": "autoresearch: a human merges",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    # An administrator may merge a pull request of their own without an approval, and still not push past one.
    "bypass_actors": [{"actor_id": _ADMIN, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}],
    "rules": [
        *_FINAL,
        {
            "type": "pull_request",
            "parameters": {
                "required_approving_review_count": 1,
                "dismiss_stale_reviews_on_push": True,
                "require_last_push_approval": True,
                "require_code_owner_review": False,
                "required_review_thread_resolution": False,
            },
        },
    ],
}
_RECORDS = {
    "name": "autoresearch: records only grow",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": [records.BRANCH], "exclude": []}},
    "bypass_actors": [],
    "rules": _FINAL,
}
