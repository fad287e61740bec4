"""What one check found: how it stands, in a sentence, and what cures it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

State = Literal["missing", "warning", "unknown", "ok"]
STATES: tuple[State, ...] = ("missing", "warning", "unknown", "ok")  # as a list of findings is ordered


@dataclass(frozen=True)
class Finding:
    """missing: a night fails without it, or a promise is not kept. warning: it works, and costs what `says` tells.
    unknown: nobody with this token could tell; `permission` would show it.

    where: the click path, or what else to do. page: its address below the repository's. commands: of a shell, whole.
    lines: to be written into a file.
    """

    check: str
    state: State
    says: str
    where: str = ""
    page: str = ""
    commands: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    permission: str = ""

    def as_json(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def ok(check: str, says: str) -> Finding:
    return Finding(check, "ok", says)


def _cured(
    state: State, check: str, says: str, *, where: str = "", page: str = "", commands: tuple[str, ...] = (),
    lines: tuple[str, ...] = (),
) -> Finding:  # fmt: skip
    return Finding(check, state, says, where, page, commands, lines)


missing, warning = partial(_cured, "missing"), partial(_cured, "warning")


def unknown(check: str, says: str, *, permission: str = "", where: str = "", commands: tuple[str, ...] = ()) -> Finding:
    return Finding(check, "unknown", says, where, commands=commands, permission=permission)
