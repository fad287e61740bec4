"""docs/gtm-scorer.md against the code: each issue has its words, no words are of none, weights agree."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from bot.cli.scores import _BUSINESSES
from harness.scorers.gtm.dimensions import DIMENSIONS
from harness.scorers.gtm.known import catalogue, profiles
from tests.gtm.build import scored
from tests.gtm.plants import PLANTS
from tests.gtm.sites import shop

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "gtm-scorer.md").read_text(encoding="utf-8")
SECTIONS = {
    title.lower().replace(" ", "_"): body
    for title, body in re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", TEXT, re.MULTILINE)
}


def codes_in(path: Path) -> set[str]:
    """First arguments of what makes issues."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        makes = isinstance(node, ast.Call) and ast.unparse(node.func) in {"_SAY.fails", "_SAY.issue", "_fails"}
        if isinstance(node, ast.Call) and makes and node.args:
            found |= {str(one.value) for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    return found


def codes_told(section: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z-]+)` \|", SECTIONS[section], re.MULTILINE))


def test_every_issue_has_its_words_and_no_other() -> None:
    files = {"tag_coverage": "coverage", "parameter_completeness": "parameters", "variable_hygiene": "hygiene",
             "trigger_quality": "triggers", "ads_alignment": "ads"}  # fmt: skip
    assert set(DIMENSIONS) < set(SECTIONS)
    for dimension in DIMENSIONS:
        path = ROOT / "harness/scorers/gtm/dimensions" / f"{files.get(dimension, dimension)}.py"
        assert codes_in(path) == codes_told(dimension) != set(), dimension


def test_nearly_every_issue_is_planted_by_a_test() -> None:
    planted = {plant.code for plant in PLANTS}
    told = {code for dimension in DIMENSIONS for code in codes_told(dimension)}
    assert told - planted == {"receiver-unknown", "folder-for-everything", "folder-for-each"}


def test_weights_are_as_told() -> None:
    told = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", TEXT, re.MULTILINE))
    assert {name.replace(" ", "_"): int(weight) for name, weight in told.items()} == profiles()["weights"]
    assert list(profiles()["weights"]) == list(DIMENSIONS)
    assert profiles()["credit"] == {"full_from": 0.5, "least": 0.15}


def test_the_example_of_an_ads_snapshot_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert scored(shop(), business="shop", ads=json.loads(block)).of("ads_alignment") == 0.5


def test_the_command_knows_every_business() -> None:
    assert list(profiles()["businesses"]) == _BUSINESSES


def test_profiles_and_catalogue_speak_of_the_same_vendors() -> None:
    vendors = set(catalogue()["vendors"])
    assert {one["vendor"] for one in catalogue()["tags"].values() if "vendor" in one} <= vendors
    assert set(profiles()["naming"]["tags"]) <= vendors
    assert set(catalogue()["google_tag_vendors"].values()) | set(catalogue()["gtag_vendors"]) <= vendors
    listed = {"triggers": "triggers", "variables": "variables"}
    assert all(set(profiles()["naming"][ours]) <= set(catalogue()[theirs]) for ours, theirs in listed.items())
