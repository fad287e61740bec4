"""How a prompt shows the file: once as it stands at a fixed point, and at the end what has changed since."""

from __future__ import annotations

from typing import Protocol

from bot.proposers.mind.changes import described
from bot.proposers.mind.fence import fenced

TAIL_SHARE = 0.1  # of the prompt, up to which the file is shown in full at the end


class Showing(Protocol):
    """Of one target's file. What comes from the file stands between marks."""

    tells_parts: bool
    """Whether what it shows says how the parts of the score stand."""

    def fixed(self, content: bytes) -> str:
        """The file as it stands at a fixed point."""
        ...

    def now(self, anchor: bytes, content: bytes, before: int, /) -> str:
        """The file as it stands now, of which the anchor was shown. before: characters of the prompt until here."""
        ...

    def outgrown(self, anchor: bytes, content: bytes, /) -> bool:
        """Whether so much changed since that a prompt had better show the file anew."""
        ...

    def described(self, before: bytes, after: bytes) -> str:
        """What one content changes in another."""
        ...


class Whole:
    """A file that is shown as it is."""

    tells_parts = False

    def __init__(self, file: str) -> None:
        self._file = file

    def fixed(self, content: bytes) -> str:
        return fenced(f"file {self._file}", content.decode("utf-8", errors="surrogateescape"))

    def now(self, anchor: bytes, content: bytes, before: int) -> str:
        if content == anchor:
            return "The file stands as it is shown above.\n"
        whole = self.fixed(content)
        changes = fenced("changes", described(anchor, content, self._file, around=3))
        if len(whole) <= max(len(changes), TAIL_SHARE * before):
            return f"The file as it stands now:\n{whole}"
        return f"The file stands as it is shown above, with these changes:\n{changes}"

    def outgrown(self, _anchor: bytes, _content: bytes) -> bool:
        """Never: where the changes are longer than the file, the file is shown."""
        return False

    def described(self, before: bytes, after: bytes) -> str:
        return described(before, after, self._file)
