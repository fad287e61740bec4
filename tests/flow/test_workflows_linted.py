"""Linters on what `install` writes, for every kind of target, and on our own: no finding, and each ignore says why.

Each linter must first find a fault that is planted, else its silence would prove nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot import install
from tests.actions.repositories import CODE, DATA, MODEL, OWN, WHEEL, with_targets

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SETTINGS = "schedule: {cron: '43 4 * * 1-5', timezone: Europe/Berlin}\npull_request: {base: trunk}\n"


@pytest.fixture(scope="module", params=["data", "all", "model", "ours"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of workflows below one that looks like a repository."""
    copy = tmp_path_factory.mktemp("linted") / ".github" / "workflows"
    if request.param == "ours":
        source = ROOT / install.FOLDER
    else:
        kinds = {"data": (DATA,), "all": (DATA, CODE, OWN), "model": (DATA, MODEL)}[request.param]
        config = SETTINGS if request.param == "all" else ""
        repository = with_targets(tmp_path_factory.mktemp("targets"), *kinds, config=config)
        install.write(install.plan(repository, {"bot": WHEEL, "app": "yes" if request.param == "all" else "no"}))
        source = repository.root / install.FOLDER
    shutil.copytree(source, copy)
    return copy


def zizmor(folder: Path) -> list[str]:
    done = ran("zizmor", "--offline", "--persona=pedantic", "--format=json", str(folder))
    return [finding["ident"] for finding in json.loads(done.stdout) if not finding["ignored"]]


def actionlint(folder: Path) -> list[str]:
    done = ran("actionlint", "-format", "{{json .}}", *map(str, sorted(folder.glob("*.yml"))))
    return [f"{found['kind']}: {found['message']}" for found in json.loads(done.stdout)]


def schema(folder: Path) -> list[str]:
    files = map(str, sorted(folder.glob("*.yml")))
    done = ran("check-jsonschema", "--builtin-schema", "vendor.github-workflows", "--output-format=json", *files)
    said = json.loads(done.stdout)
    return [str(found) for found in [*said.get("errors", []), *said.get("parse_errors", [])]]


def ran(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=False, timeout=600)


LINTERS = (zizmor, actionlint, schema)
FAULTS = {  # per linter: what is planted, and what it must say
    zizmor: ('"$RUNNER_TEMP/bot/bin/autoresearch" setup "$TARGET"', "echo ${{ inputs.targets }}", "template-injection"),
    actionlint: ("${{ steps.plan.outputs.night }}", "${{ steps.plam.outputs.night }}", 'property "plam"'),
    schema: ("    runs-on: ubuntu-latest\n", "    runs-on: ubuntu-latest\n    runs-off: never\n", "runs-off"),
}


@pytest.mark.parametrize("linter", LINTERS, ids=lambda linter: linter.__name__)
def test_no_finding(folder: Path, linter: object) -> None:
    assert callable(linter)
    assert linter(folder) == []


@pytest.mark.parametrize("linter", LINTERS, ids=lambda linter: linter.__name__)
def test_a_planted_fault_is_found(folder: Path, linter: object, tmp_path: Path) -> None:
    assert callable(linter)
    copy = tmp_path / ".github" / "workflows"
    shutil.copytree(folder, copy)
    right, wrong, said = FAULTS[linter]  # type: ignore[index]  # keyed by these very functions
    text = (copy / "nightly.yml").read_text(encoding="utf-8")
    assert right in text
    (copy / "nightly.yml").write_text(text.replace(right, wrong), encoding="utf-8")
    assert any(said in finding for finding in linter(copy))


def test_every_ignore_says_why(folder: Path) -> None:
    allowed = {"dangerous-triggers": 2}  # commands.yml and verdict.yml
    found: list[str] = []
    for path in folder.glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for rule, why in re.findall(r"zizmor: ignore\[([a-z-]+)\](.*)", text):
            assert len(why.split()) >= 5, f"{path.name}: {rule}"
            found.append(rule)
        assert "shellcheck disable" not in text
    assert all(found.count(rule) <= allowed.get(rule, 0) for rule in found)
