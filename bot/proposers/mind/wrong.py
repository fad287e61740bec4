"""An answer that cannot be used."""

from __future__ import annotations


class Wrong(Exception):
    """what: what is wrong with it, as its author is told."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
