"""The command doctor."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, json_option, repository_of, repository_option


@cli.command("doctor")
@click.option("--offline", is_flag=True, help="Ask GitHub nothing; look at this checkout and machine only.")
@click.option(
    "--ruleset", type=click.Choice(["default", "records"]),
    help="Print a ruleset that cures, for gh api repos/OWNER/NAME/rulesets --input -",
)  # fmt: skip
@json_option
@repository_option
def doctor_command(offline: bool, ruleset: str | None, as_json: bool, directory: Path) -> None:
    """Is everything there that a night on GitHub needs? Says for each what is missing and what cures it.

    Changes nothing. Asks GitHub with the token in GITHUB_TOKEN or GH_TOKEN; GH_TOKEN=$(gh auth token) lends yours.
    Exit code 3 where something is missing.
    """
    from bot.doctor import examine, rulesets
    from bot.doctor.text import as_text

    if ruleset:
        click.echo(json.dumps(rulesets.ruleset(ruleset), indent=2))
        return
    token = _token()
    ground, why = _ground(repository_of(directory), token, offline=offline)
    found = examine(ground, why)
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else as_text(found))
    if not found.ready:
        sys.exit(3)


def _token() -> str:
    """Taken out of the environment before anything is started, so that no other process inherits it."""
    found = [os.environ.pop(name, "") for name in ("GITHUB_TOKEN", "GH_TOKEN")]
    return next(filter(None, found), "")


def _ground(repository: Any, token: str, *, offline: bool) -> tuple[Any, str]:
    """What the checks stand on, and why GitHub is not asked where it is not."""
    from bot.doctor import remote
    from bot.doctor.ground import Ground
    from bot.forge.github.inspection import Inspection, Unanswered
    from harness.errors import RepositoryError

    server = os.environ.get("GITHUB_SERVER_URL", remote.DEFAULT_SERVER).rstrip("/")
    try:
        address = repository.git("remote", "get-url", "origin").decode().strip()
    except RepositoryError:
        address = ""
    slug = remote.slug(os.environ.get("GITHUB_REPOSITORY", "")) or remote.parse(address).slug
    github, why = None, ""
    if offline:
        why = "not asked (--offline)"
    elif not slug:
        why = "which repository it is there is not known"
    elif not token:
        why = "no token in GITHUB_TOKEN or GH_TOKEN"
    else:
        try:
            github = Inspection(token, slug, os.environ.get("GITHUB_API_URL") or remote.api_url(server))
        except Unanswered as lack:
            why = f"{lack.what} ({lack.next_step})"
    return Ground(repository, server, slug, github, datetime.now(UTC)), why
