"""What protects a repository: who may push what, and what a merge waits for."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import Any

from tests.github.state import Environment, Protection, Pull, Ruleset
from tests.github.talk import Talk

PASSED = {"success", "neutral", "skipped"}


class Guarded(Talk):
    """Protection, rulesets and environments, as an owner sets them up."""

    def protect(self, branch: str, **how: Any) -> Protection:
        self.protection[branch] = replace(Protection(), **how)
        return self.protection[branch]

    def ruleset(self, name: str, rules: list[str | dict[str, Any]], include: list[str], **more: Any) -> Ruleset:
        """`rules`: kinds such as "deletion", "non_fast_forward", "pull_request", or whole rules with parameters."""
        whole = [{"type": rule} if isinstance(rule, str) else rule for rule in rules]
        made = Ruleset(self.github.next_id(), name, whole, include, **more)
        self.rulesets.append(made)
        return made

    def environment(self, name: str, **how: Any) -> Environment:
        self.environments[name] = Environment(self.github.next_id(), name, **how)
        return self.environments[name]

    def rulesets_of(self, ref: str) -> list[Ruleset]:
        """The active rulesets that bind a whole ref such as `refs/heads/main`."""

        def matches(pattern: str) -> bool:
            if pattern == "~DEFAULT_BRANCH":
                return ref == f"refs/heads/{self.default_branch}"
            return pattern == "~ALL" or fnmatch.fnmatchcase(ref, pattern)

        family = "tag" if ref.startswith("refs/tags/") else "branch"
        return [
            each
            for each in self.rulesets
            if each.enforcement == "active"
            and each.target == family
            and any(map(matches, each.include))
            and not any(map(matches, each.exclude))
        ]

    def is_protected(self, branch: str) -> bool:
        return branch in self.protection or bool(self.rulesets_of(f"refs/heads/{branch}"))

    def asked_of_merges(self, branch: str, by: str) -> tuple[int, list[str]]:
        """How many approvals and which checks a merge into this branch needs from this person."""
        how, found = self.protection.get(branch), self.rulesets_of(f"refs/heads/{branch}")
        if how is None or (self.may(by, "admin") and not how.admins_too):
            how = Protection()
        reviews, checks = [how.reviews or 0], list(how.checks)
        for rule in (rule for each in found for rule in each.rules):
            asked = rule.get("parameters", {})
            reviews.append(asked.get("required_approving_review_count", 0))
            checks += [each["context"] for each in asked.get("required_status_checks", [])]
        return max(reviews), checks

    def lacking(self, pull: Pull, by: str) -> str:
        """What a merge still waits for, in GitHub's words; empty where for nothing."""
        reviews, checks = self.asked_of_merges(pull.base, by)
        latest = {each.user.login: each.state for each in pull.reviews if each.state != "COMMENTED"}
        approvals = [login for login, state in latest.items() if state == "APPROVED" and self.may(login, "write")]
        if len(approvals) < reviews:
            return f"At least {reviews} approving review is required by reviewers with write access."
        passed = {each.name for each in self.check_runs if each.head_sha == pull.head_sha and each.conclusion in PASSED}
        passed |= {each.context for each in self.statuses if each.sha == pull.head_sha and each.state == "success"}
        missing = [name for name in checks if name not in passed]
        return f'Required status check "{missing[0]}" is expected.' if missing else ""
