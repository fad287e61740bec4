"""A command that was accepted: what it asks for, of which commit, and who asked. Jobs carry it as one file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.commands.words import HOLD, MOST_ROWS, Words
from bot.night.folder import write_atomically
from bot.night.handed.artifacts import folders, plain
from harness.errors import IntegrityError, NotFound
from harness.events import Event
from harness.handover import plans
from harness.handover.files import read_folder
from harness.handover.shapes import KINDS, Shape, list_of, matches, one_of, text, whole
from harness.standing import COMMANDS

FILE = "request.json"
_MOST_BYTES = 256 * 1024
_FOLDER = re.compile(r"command-(?P<attempt>[1-9][0-9]{0,3})")
_OF_EVENT = KINDS["command"].required


@dataclass(frozen=True)
class Request:
    """rows: target -> its own numbers of the rows that are to go; for a recheck every target of the branch, and none.
    numbers: as the page and the human count them; head: the commit that the command is bound to; coin: of the seeds."""

    command: str
    night: str
    branch: str
    head: str
    rows: Mapping[str, tuple[int, ...]]
    numbers: tuple[int, ...]
    pull: int
    comment: int
    by: str
    coin: str

    @property
    def words(self) -> Words:
        return Words(self.command, self.numbers)

    def event(self, target: str) -> Event:
        """The `command` event of a target's segment."""
        return {
            "event": "command", "command": self.command, "rows": list(self.rows[target]), "head": self.head,
            "comment": self.comment, "by": self.by, "coin": self.coin,
        }  # fmt: skip


def coin_of(repository: str, comment: int, head: str) -> str:
    """What the seeds of a command follow from: nobody can foresee the number of a comment, and a job that is run again
    measures the same once more instead of trying its luck."""
    return hashlib.sha256(f"{repository}/{comment}/{head}".encode()).hexdigest()[:32]


def write(request: Request, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    write_atomically(into / FILE, json.dumps(asdict(request), indent=2) + "\n")


def read(handed: Path) -> Request:
    """The newest that was handed over. Raises NotFound, IntegrityError."""
    there = folders(handed) if handed.is_dir() else {}
    found = [
        (int(parts[1]), path) for name, path in there.items() if (parts := _FOLDER.fullmatch(name)) and plain(path)
    ]
    if not found:
        raise NotFound(f"no command was handed over in {handed}", next_step="autoresearch command gate comes first")
    folder = max(found)[1]
    contents = read_folder(folder, re.compile(re.escape(FILE)), re.compile(r"(?!)"), {".json": _MOST_BYTES}).contents
    try:
        return _parsed(contents[FILE])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(f"{folder.name}/{FILE}: {error}") from None


_SHAPE = Shape(
    {
        "command": one_of(*COMMANDS, HOLD), "night": matches(plans.NIGHT_NAME), "branch": text(200),
        "rows": lambda value: isinstance(value, dict) and all(map(_is_share, value.items())),
        "numbers": list_of(whole(1), MOST_ROWS), "pull": whole(),
        **{key: _OF_EVENT[key] for key in ("head", "comment", "by", "coin")},
    }
)  # fmt: skip


def _is_share(entry: tuple[object, object]) -> bool:
    return matches(plans.TARGET_NAME)(entry[0]) and list_of(whole(1), MOST_ROWS)(entry[1])


def _parsed(content: bytes) -> Request:
    data = json.loads(content)
    if not isinstance(data, dict):
        raise ValueError("it is no object")
    if wrong := _SHAPE.problem(data):
        raise ValueError(wrong)
    rows = {target: tuple(numbers) for target, numbers in data["rows"].items()}
    return Request(**{**data, "rows": rows, "numbers": tuple(data["numbers"])})
