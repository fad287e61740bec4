"""Commands about files that are scored as they are: score."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.app import cli, json_option, say

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
@json_option
def score_command(
    container: Path, business: str | None, consent_mode: str | None, consent_default: str, ads: Path | None,
    page: Path | None, every: bool, as_json: bool,
) -> None:  # fmt: skip
    """Scores a Google Tag Manager container: nine dimensions, every issue with its place and a repair, and an audit.

    CONTAINER is an export (Admin > Export Container) or a version of the API, web or server. It is read, never changed.
    """
    from bot import containers
    from harness.scorers.gtm import Declared, read
    from harness.scorers.gtm.audit import audit_of
    from harness.scorers.gtm.scoring import score_of
    from harness.scorers.gtm.view import View

    declared = Declared(business or "", consent_mode or "", consent_default, containers.snapshot(ads))
    view = View(read(container.read_bytes(), str(container)), declared)
    scored, audited = score_of(view), audit_of(view)
    if page:
        page.write_text(containers.as_page(scored, audited), encoding="utf-8")
        say(f"wrote {page}")
    most = None if every else containers.MOST_ISSUES
    found = containers.as_json(scored, audited)
    click.echo(json.dumps(found, indent=2) if as_json else containers.as_text(scored, audited, most))
