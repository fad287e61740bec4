"""A newcomer's path on GitHub: from an empty repository to a first page, by the commands that docs/operate.md prints.

Nothing is asked but the test server: pip finds the bot as a wheel in a folder, and `gh` says to the server what it
would say to GitHub.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.actions import wheel
from tests.actions.runner import Actions
from tests.github.repository import Repository
from tests.github.server import GitHub
from tests.support import ENVIRONMENT, git

PAGE = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
MOST = 5
GH = """#!{python}
import json, os, sys, urllib.request

workflow, run, name, *rest = sys.argv[1:]
assert [workflow, run] == ["workflow", "run"] and rest[::2] == ["-f"] * (len(rest) // 2), sys.argv
body = {{"ref": "main", "inputs": dict(pair.split("=", 1) for pair in rest[1::2])}}
url = os.environ["GH_API"] + "/repos/ada/shop/actions/workflows/" + name + "/dispatches"
headers = {{"Authorization": "Bearer " + os.environ["GH_TOKEN"], "Accept": "application/vnd.github+json"}}
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")).close()
"""


def commands() -> list[str]:
    section = PAGE.split("\n## From an empty repository to a first page\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [line for line in block.splitlines() if line]


def newcomer(folder: Path, github: GitHub) -> dict[str, str]:
    """The environment of somebody who has installed the bot and gh, and has signed in."""
    tools, home = folder / "tools", folder / "home-of-ada"
    wheel.write(folder / "wheels")
    tools.mkdir()
    home.mkdir()
    (tools / "gh").write_text(GH.format(python=sys.executable), encoding="utf-8")
    (tools / "gh").chmod(0o755)
    return {
        **ENVIRONMENT,
        **offline(folder),
        "HOME": str(home),
        "PATH": f"{tools}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "GH_API": github.api_url,
        "GH_TOKEN": github.token(by="ada"),
    }


def offline(folder: Path) -> dict[str, str]:
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels")}


def empty_clone(folder: Path, there: Repository, token: str) -> Path:
    clone = folder / "shop"
    clone.mkdir()
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "remote", "add", "origin", there.url)
    header = base64.b64encode(f"ada:{token}".encode()).decode()
    git(clone, "config", "http.extraheader", f"Authorization: Basic {header}")
    return clone


def test_five_commands_are_printed_that_end_in_a_dispatch() -> None:
    told = commands()
    assert len(told) <= MOST
    assert [told[0].split()[:2], told[-1].split()[:3]] == [["autoresearch", "new"], ["gh", "workflow", "run"]]


@pytest.mark.slow
def test_from_an_empty_repository_to_a_first_page(tmp_path: Path) -> None:
    with GitHub.start(tmp_path) as github:
        there = github.repository("ada/shop")
        there.actions["can_approve_pull_request_reviews"] = True
        environment = newcomer(tmp_path, github)
        clone = empty_clone(tmp_path, there, environment["GH_TOKEN"])
        for command in commands():
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=600,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert git(clone, "status", "--porcelain") == ""

        (dispatched,) = there.runs
        assert dispatched.head_sha == git(clone, "rev-parse", "HEAD")

        def token(permissions: Mapping[str, str]) -> str:
            return github.token(**{name.replace("-", "_"): level for name, level in permissions.items()})

        actions = Actions(
            tmp_path, github.server_url, "ada/shop", token({}), github.api_url, offline(tmp_path), tokens=token
        )
        workflow = dispatched.workflow.path.rpartition("/")[2]
        run = actions.run(clone, workflow, dispatched.event, inputs=dispatched.inputs)
        assert run.exit_code == 0, run.log
        (pull,) = there.pulls.values()
        assert (pull.state, pull.base) == ("open", "main")
        assert "my-target" in pull.title
        assert "from 60 tries" in (pull.body or "")
        (check,) = there.check_runs
        assert (check.name, check.head_sha, check.conclusion) == ("autoresearch/verdict", pull.head_sha, "success")
