"""docs/operate.md against the code: commands and keys exist, and its tables leave nothing out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from bot.cli import cli
from bot.cli.app import EPILOG
from bot.doctor import rulesets
from bot.doctor.settings import LABELS
from bot.forge import labels
from bot.forge.patience import ForgeError
from harness import configfile, errors
from harness.handover import shapes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8").split("## On GitHub")[1].split("\n## ")[0]


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return [row.split("|")[1].strip() for row in text.splitlines() if row.startswith("| ")][1:]


def commands() -> list[str]:
    """Every `autoresearch ...` of the page, in blocks and in the text."""
    shell = [line for block in [*blocks("sh"), *blocks("bash", README)] for line in re.split(r"\n|&&|;|\|", block)]
    told = [*shell, *re.findall(r"`([^`\n]+)`", TEXT)]
    cut = [re.sub(r"^\s*(?:\w+=\S+(?: auth token\))? )*", "", one).strip() for one in told]
    return sorted({one for one in cut if re.match(r"autoresearch [a-z]", one)})


def test_the_pattern_finds_commands() -> None:
    assert {"autoresearch install", "autoresearch doctor", "autoresearch install --check"} <= set(commands())
    assert "autoresearch doctor --ruleset default" in commands()


@pytest.mark.parametrize("command", commands())
def test_every_command_exists(command: str) -> None:
    name, *rest = shlex.split(command)[1:]
    found = cli.commands[name]
    options = {flag for parameter in found.params if isinstance(parameter, click.Option) for flag in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= options


def test_yaml_is_valid() -> None:
    (block,) = blocks("yaml")
    read = configfile.read(block.encode(), ".github/autoresearch.yml", "autoresearch")
    assert set(read.data) == {"schedule", "pull_request", "sleep_after", "budget"}


def test_every_dotted_key_exists() -> None:
    """`schedule.cron` and its like, in the text."""
    from harness.schemas import schema

    known = {f"{key}.{inner}" for name in ("autoresearch", "target") for key, rule in schema(name)["properties"].items()
             for inner in rule.get("properties", {})}  # fmt: skip
    told = set(re.findall(r"`((?:schedule|pull_request|budget|confirm)\.\w+)`", TEXT))
    assert len(told) >= 4
    assert told <= known


def test_the_readme_says_the_same_commands() -> None:
    (block,) = blocks("bash", README)
    assert set(block.splitlines()) <= set("\n".join(blocks("sh")).splitlines())


def test_every_label_has_its_words() -> None:
    told = set(re.findall(r"`([^`]+)`", " ".join(first_cells(section("Labels and commands").split("Commands are")[0]))))
    assert told == {*LABELS, "target:<name>"}
    assert all(labels.look(name)[1] for name in LABELS)
    assert not labels.look("target")[1]


def test_every_exit_code_has_its_words() -> None:
    families = [error for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "exit_code")]
    known = {family.exit_code for family in [*families, ForgeError]} | {0, 2, 130}
    assert {int(cell) for cell in first_cells(section("When something fails")) if cell.isdigit()} == known
    assert {int(number) for number in re.findall(r"\b\d+\b", EPILOG)} == known


def test_every_end_has_its_words() -> None:
    cells = ", ".join(cell for cell in first_cells(section("When something fails")) if not cell.isdigit())
    told = {word.strip() for word in cells.split(",")}
    assert told >= shapes.RUN_ENDS | shapes.ENDS["confirm"] | {shapes.INTERRUPTED}


def test_who_may_do_what_is_what_the_workflows_say() -> None:
    told = {}
    for row in section("Who may do what").split("### ")[0].splitlines():
        if found := re.match(r"\| (\w+): (\w+) \|([^|]*)\|([^|]*)\|", row):
            told[found[1], found[2]] = {"read": scopes(found[3]), "write": scopes(found[4])}
    real = {}
    for name in ("nightly", "commands", "promote", "verdict"):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))
        for job, rule in workflow["jobs"].items():
            wanted = rule["permissions"].items()
            real[name, job] = {level: {key for key, value in wanted if value == level} for level in ("read", "write")}
    assert told == real


def scopes(cell: str) -> set[str]:
    said = cell.partition(":")[0].replace("pull requests", "pull-requests")
    return set(re.findall(r"contents|pull-requests|issues|checks|actions", said))


def test_the_rulesets_are_the_ones_that_are_told() -> None:
    assert set(re.findall(r"--ruleset (\w+)", TEXT)) == set(rulesets.NAMES)


def test_every_permission_that_doctor_asks_for_is_told() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "doctor").glob("*.py"))
    asked = set(re.findall(r'"([A-Z][a-z]+): read"', code))
    told = re.search(r"of a fine-grained one it needs (.*?), all to read", TEXT, re.DOTALL)
    assert told
    assert set(re.findall(r"[A-Z][a-z]+", told[1])) == asked


def test_links_lead_somewhere() -> None:
    for path in re.findall(r"\]\(([^)#]+)|src=\"([^\"]+)\"", TEXT):
        assert (ROOT / "docs" / "".join(path)).exists(), path
