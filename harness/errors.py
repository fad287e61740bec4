"""Every failure a user can meet: what happened, why it is likely, what to do next.

Each family has an exit code of its own, so that a script can tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where in a file something was found. Lines and columns count from 1; 0 is unknown."""

    file: str
    line: int = 0
    column: int = 0
    key: str = ""

    def __str__(self) -> str:
        position = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{position}" + (f": {self.key}" if self.key else "")


class AutoresearchError(Exception):
    """A failure with a message for its reader. Anything else that escapes is a bug."""

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why:  {self.why}")
        if self.next_step:
            lines.append(f"  next: {self.next_step}")
        return "\n".join(lines)


class ConfigError(AutoresearchError):
    """A file that the user writes says something that cannot be meant."""

    exit_code = 3

    def __init__(self, place: Place, what: str, *, why: str = "", next_step: str = "") -> None:
        super().__init__(f"{place}: {what}", why=why, next_step=next_step)
        self.place = place


class ConfigErrors(ConfigError):
    """Several of them, all told at once."""

    def __init__(self, errors: list[ConfigError]) -> None:
        super().__init__(errors[0].place, "")
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class InvalidCandidate(AutoresearchError):
    """The content of the editable file cannot be used: not parseable, too large, outside its space."""

    exit_code = 3


class EvaluatorError(AutoresearchError):
    """The evaluator fails on the unchanged file, or cannot be started at all."""

    exit_code = 4


class IntegrityError(AutoresearchError):
    """Something that computes the score changed, or a record does not verify."""

    exit_code = 5


class BusyError(AutoresearchError):
    """Another night is running in this repository."""

    exit_code = 6


class SandboxError(AutoresearchError):
    """Candidate code cannot be run safely here, so it is not run at all."""

    exit_code = 7


class RepositoryError(AutoresearchError):
    """Git is missing, this is no repository, or it lacks what was asked for."""

    exit_code = 8


class NotFound(AutoresearchError):
    """A target, night or experiment of that name does not exist."""

    exit_code = 9
