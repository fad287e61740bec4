"""A newcomer's path: the README's own commands, in a fresh clone and an empty home."""

from __future__ import annotations

import csv
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.flow.test_own_data import NAMES, accounts
from tests.support import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
OURS = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # of the make and the venv that run this
THIS_TEST = "make test"  # running the suite inside the suite would never end; it is what runs this


def blocks() -> list[list[str]]:
    """The commands of each sh block of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def fresh_clone(folder: Path) -> Path:
    """What git would hand to a stranger: this checkout's tracked files and the new ones, committed."""
    clone = folder / "clone"
    everything = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(everything, cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0")[:-1]:
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes((ROOT / name).read_bytes())
            (clone / name).chmod((ROOT / name).stat().st_mode)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Clone"]):
        subprocess.run(["git", *command], cwd=clone, check=True, env={**os.environ, **ENVIRONMENT})
    return clone


def run(script: list[str], clone: Path, home: Path) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    environment = {**inherited, **ENVIRONMENT, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_promises_what_the_tests_run() -> None:
    first, own, customers, tags = blocks()
    assert first == ["make night", THIS_TEST]
    assert len(own) <= 5
    assert len(customers) <= 5
    assert len(tags) <= 5


@pytest.mark.slow
def test_the_readmes_commands_in_an_empty_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    clone = fresh_clone(tmp_path)
    first, own, customers, tags = blocks()
    night = run([command for command in first if command != THIS_TEST], clone, home)
    assert "merge:   git merge --no-ff autoresearch/" in night.splitlines()[-1]
    page = Path(re.search(r"page: +(.+)", night).group(1))  # type: ignore[union-attr]  # the line is asserted to be there
    assert page.exists()
    assert (page.parent / "chart-churn-risk.png").exists()
    mine = run(own, clone, home)
    assert "my-target: confirmed" in mine
    table = home / "accounts.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *accounts()])
    scored = run([command.replace("accounts.csv", str(table)) for command in customers], clone, home)
    assert "customers: confirmed" in scored
    shipped = str(clone / "targets" / "experiments" / "gtm-leads" / "container.json")
    mended = run([command.replace("export.json", shipped) for command in tags], clone, home)
    assert "tags: confirmed" in mended
    assert subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, check=True).stdout == b""
    merge = night.splitlines()[-1].removeprefix("merge:").strip()
    run([merge], clone, home)
    assert (clone / "results" / "churn-risk" / "chart.png").exists()
