"""The file that GitHub writes of the event that started a workflow: read within bounds, believed in nothing but ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.commands.gate import Comment
from harness.errors import AutoresearchError

MOST_BYTES = 8 * 1024 * 1024
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def read(path: Path) -> Comment | None:
    """The comment of an `issue_comment` event; None for any other event. Raises AutoresearchError for no event."""
    try:
        return _comment(load(path))
    except (KeyError, TypeError, ValueError):
        return None


def load(path: Path) -> Mapping[str, Any]:
    """An event, whatever it is of. Raises AutoresearchError."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        data = json.loads(content) if len(content) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise AutoresearchError(
            f"{path} is no event of GitHub's", next_step='--handed-event "$GITHUB_EVENT_PATH", in a workflow'
        )
    return data


def _comment(data: Mapping[str, Any]) -> Comment:
    said, issue = data["comment"], data["issue"]
    by, repository = str(said["user"]["login"]), str(data["repository"]["full_name"])
    if not _LOGIN.fullmatch(by) or not REPOSITORY.fullmatch(repository):
        raise ValueError(by)
    senders = {str(person["type"]) for person in (said["user"], data["sender"])}
    return Comment(
        action=str(data["action"]), repository=repository, number=_whole(issue["number"]),
        on_pull=isinstance(issue.get("pull_request"), dict), comment=_whole(said["id"]), body=str(said["body"]),
        by=by, is_bot=senders != {"User"} or said["user"]["login"] != data["sender"]["login"],
    )  # fmt: skip


def _whole(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(value)
    return value
