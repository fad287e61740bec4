"""What plan.json may say: names that lead nowhere else, hashes that are hashes, numbers that are finite."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from harness.handover.shapes import Check, Shape, list_of, matches, number, shown, text, whole

TARGET_NAME = re.compile(r"(?!(?:scratch|done)$)[a-z0-9][a-z0-9-]{0,62}")
NIGHT_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HASH = re.compile(r"[0-9a-f]{64}")
MOST_TARGETS = 1000
MOST_DECLINED, DECLINED_LINE = 20, 300


def _or(check: Check, *others: Any) -> Check:
    return lambda value: any(value is other or (value == "" == other) for other in others) or check(value)


def _folder(value: Any) -> bool:
    """A path from the repository's root that stays below it."""
    if not text(4000)(value) or posixpath.normpath(value or ".") != (value or "."):
        return False
    return not value.startswith(("/", "..")) and "\0" not in value


_TARGET = Shape(
    {
        "name": matches(TARGET_NAME), "folder": _folder, "seed": whole(), "lock": matches(_HASH),
        "experiments": whole(1, 1_000_000), "wall_clock": _or(number(0), None), "usd": number(0),
        "plateau": _or(whole(1), None),
    },
    {
        "carried_from": _or(matches(NIGHT_NAME), ""), "carried_blob": _or(matches(_COMMIT), ""),
        "declined": list_of(text(DECLINED_LINE), MOST_DECLINED),
    },
    more=True,
)  # fmt: skip
_PLAN = Shape(
    {
        "night": matches(NIGHT_NAME), "base": matches(_COMMIT), "created": whole(0, 2**40),
        "targets": list_of(lambda value: isinstance(value, dict), MOST_TARGETS),
        "wall_clock": _or(number(0), None), "usd": _or(number(0), None),
    }
)  # fmt: skip


def problem(plan: Mapping[str, Any], night: str) -> str:
    """Why it is no plan of this night, in words; nothing if it is one."""
    if not isinstance(plan, dict):
        return "it is no object"
    found = _PLAN.problem(plan)
    if found or plan["night"] != night:
        return found or f"it is of the night {shown(plan['night'])}"
    found = next((wrong for entry in plan["targets"] if (wrong := _TARGET.problem(entry))), "")
    names = [entry.get("name") for entry in plan["targets"]]
    return found or ("a target stands twice" if len(set(names)) < len(names) else "")
