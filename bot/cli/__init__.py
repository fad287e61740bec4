"""`autoresearch`: one command per verb. Each teaches itself with --help."""

from bot.cli import doctor, nights, records, targets
from bot.cli.app import cli, main

__all__ = ["cli", "main", "doctor", "nights", "records", "targets"]
