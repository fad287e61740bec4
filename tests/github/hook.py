"""What GitHub refuses of a push. A git `update` hook runs this file; the routes that move refs use `refusal` too.

The rules come as JSON in the environment, made by `rules.py` for one push of one token.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

NOBODY = "0" * 40
Run = Callable[..., "tuple[int, str]"]


def git(*words: str) -> tuple[int, str]:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def applies(kind: str, old: str, new: str, run: Run) -> bool:
    if kind == "creation":
        return old == NOBODY and new != NOBODY
    if kind == "deletion":
        return new == NOBODY
    if kind == "update":
        return NOBODY not in {old, new}
    if kind == "non_fast_forward":
        return NOBODY not in {old, new} and run("merge-base", "--is-ancestor", old, new)[0] != 0
    return new != NOBODY and touches_workflows(new, run)


def touches_workflows(new: str, run: Run) -> bool:
    """Does a commit that the repository did not have change a workflow?"""
    found = run("log", "--cc", "--format=", "--name-only", new, "--not", "--all", "--", ".github/workflows")[1]
    return bool(found.strip())


def refusal(rules: list[dict[str, Any]], ref: str, old: str, new: str, run: Run = git) -> str:
    """Why this ref may not move so, in GitHub's words; empty where it may."""
    for rule in rules:
        if fnmatch.fnmatchcase(ref, rule["ref"]) and applies(rule["kind"], old, new, run):
            return str(rule["message"])
    return ""


if __name__ == "__main__":
    message = refusal(json.loads(os.environ.get("TEST_SERVER_RULES", "[]")), *sys.argv[1:4])
    if message:
        sys.stderr.write("".join(f"error: {line}\n" for line in message.splitlines()))
        sys.exit(1)
