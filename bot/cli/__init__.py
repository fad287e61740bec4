"""`autoresearch`: one command per verb. Each teaches itself with --help."""

from bot.cli import commands, install, nights, records, targets
from bot.cli.app import cli, main

__all__ = ["cli", "commands", "install", "main", "nights", "records", "targets"]
