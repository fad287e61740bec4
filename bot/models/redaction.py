"""Secrets are taken out of all that is sent or kept: those the broker holds, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

REMOVED = "[secret removed]"
_SHORTEST = 8  # characters; a shorter key would take ordinary words away, and protects nothing
_LIKE_SECRETS = re.compile(  # each in time that grows as the text does: the broker waits for it
    r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|\Z)"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?i:\baws_secret_access_key\b)[\"'\s:=]{1,5}[A-Za-z0-9/+=]{40}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    re.DOTALL,
)


class Redactor:
    """held: the keys themselves."""

    def __init__(self, held: Iterable[str]) -> None:
        found = sorted({key for key in held if len(key) >= _SHORTEST}, key=len, reverse=True)
        self._held = re.compile("|".join(re.escape(key) for key in found)) if found else None

    def text(self, text: str) -> str:
        return _LIKE_SECRETS.sub(REMOVED, self.held(text))

    def held(self, text: str) -> str:
        """Only the keys that the broker holds are taken out: a file may show what a key looks like."""
        return self._held.sub(REMOVED, text) if self._held else text

    def data(self, data: Any, *, held_only: bool = False) -> Any:
        """The same data with every text in it cleaned, keys of mappings too."""
        if isinstance(data, str):
            return self.held(data) if held_only else self.text(data)
        if isinstance(data, Mapping):
            clean = self.held if held_only else self.text
            return {clean(str(key)): self.data(value, held_only=held_only) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value, held_only=held_only) for value in data]
        return data
