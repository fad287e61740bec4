"""Commands about files that are scored as they are: score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.app import cli, json_option, say

if TYPE_CHECKING:
    from harness.scorers.gtm import Declared

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_BUSINESSES = ["shop", "lead-generation", "publisher", "saas", "site"]


@cli.command("score")
@click.argument("container", type=_FILE)
@click.option(
    "--business", type=click.Choice(_BUSINESSES), help="What must be measured. Default: guessed, and said so."
)
@click.option("--consent-mode", type=click.Choice(["advanced", "basic"]), help="How Google's tags treat a refusal.")
@click.option(
    "--consent-default", type=click.Choice(["container", "page"]), default="container", show_default=True,
    help="Who sets the consent default: page, where the site does before Tag Manager loads.",
)  # fmt: skip
@click.option("--ads", type=_FILE, help="JSON: conversions that ads were paid for; docs/gtm-scorer.md shows the shape.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a page into this file, too.")
@click.option("--all", "every", is_flag=True, help="Print every issue, not the first 30.")
@click.option("--repairs", is_flag=True, help="Print what `repair` would try, and what it would leave, with why.")
@click.option("--mend", type=click.Path(dir_okay=False, path_type=Path), help="Write a mended copy into this file.")
@click.option("--policy", type=_FILE, help="YAML: what may be touched; docs/gtm-repair.md has the keys.")
@json_option
def score_command(
    container: Path, business: str | None, consent_mode: str | None, consent_default: str, ads: Path | None,
    page: Path | None, every: bool, repairs: bool, mend: Path | None, policy: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Scores a Google Tag Manager container: nine dimensions, every issue with its place and a repair, and an audit.

    CONTAINER is an export (Admin > Export Container) or a version of the API, web or server. It is read, never changed.
    """
    if repairs or mend:
        declared = _declared(business, consent_mode, consent_default, ads)
        click.echo(_repaired(container, declared, mend, policy, as_json=as_json))
        return
    from bot import containers
    from harness.scorers.gtm import read
    from harness.scorers.gtm.audit import audit_of
    from harness.scorers.gtm.scoring import score_of
    from harness.scorers.gtm.view import View

    declared = _declared(business, consent_mode, consent_default, ads)
    view = View(read(container.read_bytes(), str(container)), declared)
    scored, audited = score_of(view), audit_of(view)
    if page:
        page.write_text(containers.as_page(scored, audited), encoding="utf-8")
        say(f"wrote {page}")
    most = None if every else containers.MOST_ISSUES
    found = containers.as_json(scored, audited)
    click.echo(json.dumps(found, indent=2) if as_json else containers.as_text(scored, audited, most))


def _declared(business: str | None, consent_mode: str | None, consent_default: str, ads: Path | None) -> Declared:
    from bot import containers
    from harness.scorers.gtm import Declared

    return Declared(business or "", consent_mode or "", consent_default, containers.snapshot(ads))


def _repaired(container: Path, declared: Declared, mend: Path | None, policy: Path | None, *, as_json: bool) -> str:
    """What is printed. Writes the mended copy, never over the container itself."""
    from bot import repairs
    from harness.scorers.gtm import policy as policies
    from harness.scorers.gtm import read

    content, file = container.read_bytes(), str(container)
    if mend and mend.resolve() == container.resolve():
        raise click.BadParameter("the container itself is never changed; name another file", param_hint="--mend")
    rules = policies.read(policy.read_bytes(), str(policy), read(content, file)) if policy else policies.Policy()
    if not mend:
        bench = repairs.bench_of(content, file, declared, rules)
        return json.dumps(repairs.repairs_as_json(bench), indent=2) if as_json else repairs.repairs_as_text(bench)
    found = repairs.mended(content, file, declared, rules)
    mend.write_bytes(found.content)
    say(f"wrote {mend}")
    return json.dumps(repairs.mended_as_json(found), indent=2) if as_json else repairs.mended_as_text(found)
