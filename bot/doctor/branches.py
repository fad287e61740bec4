"""Branches: does only a human merge, can nobody rewrite the records, and may the bot push what it has to?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bot.doctor import rulesets
from bot.doctor.finding import Finding, missing, ok, warning
from bot.doctor.ground import Ground
from bot.doctor.protection import Guard, classic, guards, rules
from bot.forge.github import checks
from bot.forge.github.inspection import NoRight, NotInPlan

NEW = "Settings > Rules > Rulesets > New ruleset > New branch ruleset"
BYPASS = "Settings > Rules > Rulesets > the ruleset > Bypass list"
PULL = "Settings > Rules > Rulesets > the ruleset > Require a pull request before merging"
PAGE = "settings/rules"
VERDICT = ".github/workflows/verdict.yml"
SOME_NIGHT = "autoresearch/2026-01-01"
FINAL = {"deletion", "non_fast_forward"}
_NO_HINDRANCE = FINAL | {"required_linear_history", "copilot_code_review"}
_FREE = "not in the plan of this private repository (Pro, Team or Enterprise have it; so do public repositories)"


def check_default(ground: Ground) -> Iterator[Finding]:
    branch = ground.base
    try:
        found = guards(ground, branch)
    except NotInPlan:
        said = f"protection is {_FREE}: who may write may push to {branch}, the bot's token too"
        yield warning("default branch", said)
        return
    held = [guard for guard in found if not guard.by_actions]
    if not found:
        said = f"{branch} takes pushes without a pull request: that only a human merges is a habit, not a rule"
        cure = (rulesets.command("default", ground.slug),) if branch == ground.default_branch else ()
        yield missing("default branch", said, where=NEW, page=PAGE, commands=cure)
    elif not held:
        said = f"GitHub Actions may bypass the protection of {branch}, and the bot's token with it"
        yield missing("default branch", said, where=f"{BYPASS}: remove GitHub Actions", page=PAGE)
    else:
        best = max(held, key=lambda guard: (guard.approvals, guard.stale_dismissed))
        yield _judged(branch, best)


def _judged(branch: str, best: Guard) -> Finding:
    if not best.approvals:
        said = f"{branch} asks for a pull request but for no approval: a token that may write could merge its own"
        return warning("default branch", said, where=f"{PULL} > Required approvals: 1", page=PAGE)
    if not best.stale_dismissed:
        said = f"an approval on {branch} outlives later pushes: what is merged may not be what was read"
        where = f"{PULL} > Dismiss stale pull request approvals when new commits are pushed"
        return warning("default branch", said, where=where, page=PAGE)
    if best.apps:
        said = f"{', '.join(best.apps)} may bypass the protection of {branch}: is one of them what the bot runs as?"
        return warning("default branch", said, where=BYPASS, page=PAGE)
    if best.bypass is None:
        return ok("default branch", f"{branch} needs an approved pull request (who may bypass it is not shown)")
    whom = f"; may bypass it: {', '.join(best.bypass)}" if best.bypass else "; nobody may push past it"
    return ok("default branch", f"{branch} needs an approved pull request{whom}")


def check_required(ground: Ground) -> Iterator[Finding]:
    """A check run that a rule waits for and nothing posts keeps every pull request of a human's from being merged."""
    branch = ground.base
    if checks.NAME not in set(_required(ground, branch)):
        yield ok("required check", f"nothing on {branch} waits for {checks.NAME}")
        return
    listed = ground.api.read("/actions/workflows?per_page=100", "Actions: read", absent={}).get("workflows", [])
    if any(one["path"] == VERDICT and one["state"] == "active" for one in listed):
        yield ok("required check", f"{branch} waits for {checks.NAME}, which verdict.yml posts")
        return
    said = (
        f"{branch} waits for {checks.NAME}, and verdict.yml does not run there: no human's pull request can be merged"
    )
    steps = ("autoresearch install", "git add .github", 'git commit -m "Install autoresearch"', "git push")
    yield missing("required check", said, commands=steps)


def _required(ground: Ground, branch: str) -> Iterator[str]:
    """Which checks a merge waits for, as far as this token is told."""
    with contextlib.suppress(NotInPlan, NoRight):
        for rule in rules(ground, branch):
            if rule.get("type") == "required_status_checks":
                asked = (rule.get("parameters") or {}).get("required_status_checks") or []
                yield from (str(one.get("context")) for one in asked)
        yield from (classic(ground, branch).get("required_status_checks") or {}).get("contexts") or []


def check_records(ground: Ground) -> Iterator[Finding]:
    """Only grows, by rule: no force push, no deletion."""
    try:
        there = {str(rule.get("type")) for rule in rules(ground, rulesets.RECORDS)}
        old = {} if there >= FINAL else _shown(ground)
    except NotInPlan:
        said = (
            f"rulesets are {_FREE}: who may write may rewrite {rulesets.RECORDS}; only the seals in merged commits tell"
        )
        yield warning("records branch", said)
        return
    if there >= FINAL or (old and not _allows(old, "allow_force_pushes") and not _allows(old, "allow_deletions")):
        yield ok("records branch", f"{rulesets.RECORDS} can neither be rewritten nor deleted")
        return
    lost = " or ".join(
        word for rule, word in (("non_fast_forward", "rewritten"), ("deletion", "deleted")) if rule not in there
    )
    said = (
        f"{rulesets.RECORDS} can be {lost} by anyone who may write: what was tried, what was declined and the looks "
        "at held-out rows would be gone"
    )
    yield missing("records branch", said, where=NEW, page=PAGE, commands=(rulesets.command("records", ground.slug),))


def _shown(ground: Ground) -> dict[str, object]:
    try:
        return classic(ground, rulesets.RECORDS)
    except NoRight:
        return {}


def _allows(protection: dict[str, object], what: str) -> bool:
    told = protection.get(what)
    return bool(told.get("enabled")) if isinstance(told, dict) else False


def check_pushes(ground: Ground) -> Iterator[Finding]:
    """May the bot push its records and its branches?"""
    try:
        ours = {
            branch: {str(r.get("type")) for r in rules(ground, branch)} for branch in (rulesets.RECORDS, SOME_NIGHT)
        }
    except NotInPlan:
        yield ok("pushes", "nothing stands against autoresearch/**")
        return
    against = sorted(set.union(*ours.values()) - _NO_HINDRANCE)
    where = "Settings > Rules > Rulesets > the ruleset > Target branches > Exclude by pattern: "
    if against:
        said = f"rules refuse the bot's pushes to autoresearch/**: {', '.join(against)}"
        yield missing("pushes", said, where=f"{where}autoresearch/**/*", page=PAGE)
    elif "non_fast_forward" in ours[SOME_NIGHT]:
        said = "a ruleset forbids force pushes to a night's branch: /drop and `unreviewed: refresh` cannot move it"
        yield warning("pushes", said, where=f"{where}autoresearch/2*", page=PAGE)
    else:
        yield ok("pushes", "nothing stands against autoresearch/**")
