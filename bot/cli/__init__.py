"""`autoresearch`: one command per verb. Each teaches itself with --help."""

from bot.cli import commands, doctor, install, nights, promote, records, scores, targets, verdict
from bot.cli.app import cli, main

__all__ = [
    "cli",
    "commands",
    "doctor",
    "install",
    "main",
    "nights",
    "promote",
    "records",
    "scores",
    "targets",
    "verdict",
]
