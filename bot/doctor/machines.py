"""What a night runs on: runners of one's own, GitHub's minutes, and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.doctor.finding import Finding, missing, ok, warning
from bot.doctor.ground import Ground
from harness.target import HOSTED_RUNNER

RUNNERS = "Settings > Actions > Runners"
ADMINISTRATION = "Administration: read"
SKEW = 300  # seconds; a token of an app is refused beyond some minutes


def check_runners(ground: Ground) -> Iterator[Finding]:
    bare = [target.name for target in ground.targets if target.evaluate.gpu and target.runner == (HOSTED_RUNNER,)]
    if bare:
        said = f"{', '.join(bare)}: needs a card, and {HOSTED_RUNNER} has none: its nights end preflight"
        yield missing("runners", said, lines=("runner: [self-hosted, linux, gpu]   # in target.yaml",))
    own = [target for target in ground.targets if target.self_hosted]
    if not own and not bare:
        yield ok("runners", "every target runs on GitHub's machines")
    if not own:
        return
    page = "settings/actions/runners"
    if not ground.settings.get("private"):
        said = (
            f"{', '.join(t.name for t in own)}: a machine of your own in a public repository. Anyone's pull request "
            "may reach it through some workflow"
        )
        yield warning(
            "runners",
            said,
            where="Settings > General > Danger Zone > Change visibility, or a hosted runner",
            page="settings",
        )
    listed: list[dict[str, Any]] = ground.api.read("/actions/runners?per_page=100", ADMINISTRATION).get("runners", [])
    machines = [({label["name"].lower() for label in one["labels"]}, one["status"] == "online") for one in listed]
    for target in own:
        wanted = target.runner
        fitting = [online for labels, online in machines if {label.lower() for label in wanted} <= labels]
        named = f"[{', '.join(wanted)}]"
        if not fitting:
            said = f"{target.name} asks for a runner {named}; none has these labels (an organization's are not listed)"
            instead = "runner: ubuntu-latest   # in target.yaml: GitHub's machine"
            yield missing("runners", said, where=f"{RUNNERS} > New self-hosted runner", page=page, lines=(instead,))
        elif not any(fitting):
            said = f"the runner {named} of {target.name} is offline: its nights end runner-absent"
            yield warning(
                "runners", said, where=RUNNERS, page=page, commands=("sudo ./svc.sh start   # on that machine",)
            )
        else:
            yield ok("runners", f"{named} is online, for {target.name}")


def check_minutes(ground: Ground) -> Iterator[Finding]:
    """What the API tells is what was used and what it cost; how much a plan includes it does not tell."""
    told = ground.settings
    if not told.get("private"):
        yield ok("minutes", "a public repository: GitHub's standard machines cost nothing")
        return
    owner = told["owner"]
    organization = owner.get("type") == "Organization"
    whose = f"/organizations/{owner['login']}" if organization else f"/users/{owner['login']}"
    right = "Administration: read (of the organization)" if organization else "Plan: read (of the owner)"
    when = f"year={ground.now.year}&month={ground.now.month}"
    items = ground.api.ask(f"{whose}/settings/billing/usage?{when}", right).get("usageItems", [])
    mine = [
        one
        for one in items
        if str(one.get("product")).lower() == "actions" and one.get("unitType") in {"minutes", "Minutes"}
    ]
    minutes = sum(float(one.get("quantity", 0)) for one in mine)
    paid = sum(float(one.get("netAmount", 0)) for one in mine)
    if paid > 0:
        said = f"{minutes:,.0f} minutes of Actions used this month, ${paid:,.2f} of it beyond what the plan includes"
        yield warning("minutes", said, where="the owner's Settings > Billing > Budgets and alerts",
                      lines=("budget: {actions_minutes: 60}   # in .github/autoresearch.yml",))  # fmt: skip
    else:
        yield ok("minutes", f"{minutes:,.0f} minutes of Actions used this month, all within the plan")


def check_clock(ground: Ground) -> Iterator[Finding]:
    ground.api.repository()
    ahead = ground.api.ahead
    if ahead is not None and abs(ahead) > SKEW:
        way = "ahead of" if ahead > 0 else "behind"
        yield warning("clock", f"this machine is {abs(ahead) / 60:.0f} minutes {way} GitHub: nights get the wrong date",
                      commands=("sudo timedatectl set-ntp true",))  # fmt: skip
    else:
        yield ok("clock", "agrees with GitHub's")
