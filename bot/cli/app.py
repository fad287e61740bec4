"""The command `autoresearch` itself: its group, what its commands share, and how errors are told."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import harness
from bot import actions
from harness.errors import AutoresearchError

EPILOG = """\b
Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 configuration or data, 4 evaluator,
5 integrity, 6 another night is running, 7 sandbox, 8 git, 9 not found, 10 forge, 130 stopped.
"""


_ORDER = (
    "new", "setup", "check", "label", "audit",
    "night", "plan", "run", "confirm", "propose", "promote", "command", "verdict",
    "report", "log", "reproduce", "refresh", "score",
    "install", "doctor",
)  # fmt: skip


class _Ordered(click.Group):
    """Lists commands in the order of a first week, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(self.commands, key=_ORDER.index)


@click.group(
    cls=_Ordered, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(harness.__version__, prog_name="autoresearch")
def cli() -> None:
    """Improves a repository overnight: change one file, measure it with a locked evaluator, keep it only if the
    number really moved. In the morning you merge, or not.

    \b
    A first target in five commands:
      autoresearch new my-target          writes targets/experiments/my-target/
      autoresearch check my-target        is it valid, deterministic, how fast?
      git add -A && git commit -m "Add my-target"
      autoresearch night                  ends with a page and the command that merges
      autoresearch report                 the last night once more
    """


repository_option = click.option(
    "-C", "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".",
    help="Run as if started in this folder.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
forge_option = click.option(
    "--forge", "forge_name", type=click.Choice(["local", "github"]), default="local", show_default=True,
    help="Where pull requests are opened. github: in a workflow, by its token.",
)  # fmt: skip


def repository_of(directory: Path) -> Any:
    from harness.repository import Repository

    return Repository.find(directory)


def say(text: str) -> None:
    click.echo(text, err=True)


def prepare(repository: Any, names: Sequence[str], revision: str = "") -> None:
    """Makes what targets need and do not have, while there is a network."""
    from bot.setup import prepare_named

    prepare_named(repository, names, revision)


def go_quiet() -> None:
    """No network and no life without the night, arranged before numpy starts threads."""
    from bot.night.lifeline import die_with_the_night
    from harness.sandbox.network import leave_network

    leave_network()
    die_with_the_night()


def main() -> None:
    """The console script: errors that a user can meet are told without a traceback, with their exit code."""
    actions.quiet_logs()
    try:
        cli.main(standalone_mode=False)
    except AutoresearchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; autoresearch night goes on where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT}:
            raise
        click.echo(f"error: {error.filename or 'the disk'}: {error.strerror}", err=True)
        click.echo("  next: make room or mend the rights; autoresearch night then goes on where it was", err=True)
        sys.exit(1)
