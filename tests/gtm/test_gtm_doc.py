"""docs/gtm-scorer.md against the code: each issue has its words, no words are of none, weights agree."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from bot.cli.scores import _BUSINESSES
from harness.scorers.gtm.dimensions import DIMENSIONS
from harness.scorers.gtm.known import catalogue, profiles
from tests.gtm.build import Builder, Json, condition, scored
from tests.gtm.honest import LIMITS
from tests.gtm.moves import MOVES
from tests.gtm.plants import PLANTS
from tests.gtm.sites import SITES, shop
from tests.gtm.test_gtm_games import GAMES

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


EXAMPLE = re.compile(r"^\| \*(.+?)\*: .+ \| `([a-z-]+)` \| (\d\.\d\d) \|$", re.MULTILINE)
EXAMPLES = [(dimension, *row) for dimension in DIMENSIONS for row in EXAMPLE.findall(SECTIONS[dimension])]


@pytest.mark.parametrize(("dimension", "name", "code", "score"), EXAMPLES, ids=lambda one: str(one)[:40])
def test_an_example_scores_as_told(dimension: str, name: str, code: str, score: str) -> None:
    plant = next(one for one in PLANTS if (one.dimension, one.name) == (dimension, name))
    make, declared = SITES[plant.site]
    data = make()
    plant.plant(data)
    found = scored(data, **{**declared, **dict(plant.declared)})
    assert code in {issue.code for issue in found.issues if issue.dimension == dimension}
    assert f"{found.of(dimension):.2f}" == score


def test_every_dimension_has_its_weight_question_and_examples() -> None:
    for dimension in DIMENSIONS:
        text = SECTIONS[dimension]
        assert re.search(rf"^Weight {profiles()['weights'][dimension]}\.$", text, re.MULTILINE), dimension
        assert re.search(r"^\*[A-Z][^*]*\?\*", text, re.MULTILINE), dimension
        assert len([one for one in EXAMPLES if one[0] == dimension]) >= 3, dimension


CONDITION = re.compile(r"`(\{\{.+?\}\})` ([a-z ]+) `(.*?)`")
WORDS = {"equals": "EQUALS", "contains": "CONTAINS", "starts with": "STARTS_WITH", "greater than": "GREATER",
         "less than": "LESS", "does not contain": "CONTAINS", "does not match": "MATCH_REGEX"}  # fmt: skip


def conditions_told(head: str) -> list[list[tuple[str, str, str]]]:
    """The rows of a table of conditions."""
    (table,) = re.findall(rf"^\| {head} \| why \|\n\|[-|]+\n((?:\|.*\n)*)", TEXT, re.MULTILINE)
    return [CONDITION.findall(row) for row in table.splitlines()]


def can_fire(told: list[tuple[str, str, str]]) -> bool:
    web = Builder("told")
    web.built_in(PAGE_PATH="Page Path", PAGE_URL="Page URL")
    web.layer("n")
    filters: dict[bool, list[Json]] = {True: [], False: []}
    for left, how, right in told:
        made = condition(WORDS[how], left, right, **({"negate": True} if "not" in how else {}))
        filters[left == "{{_event}}"].append(made)
    trigger = web.trigger("told", "CUSTOM_EVENT", customEventFilter=filters[True], filter=filters[False])
    web.tag("told", "html", [trigger], html="x")
    return "tag-cannot-fire" not in {issue.code for issue in scored(web.export()).issues}


def test_what_is_never_met_and_what_may_be_is_as_told() -> None:
    never, perhaps = conditions_told("never met"), conditions_told("may be met")
    assert len(never) >= 7
    assert len(perhaps) >= 4
    assert all(never + perhaps)
    assert [told for told in never if can_fire(told)] == []
    assert [told for told in perhaps if not can_fire(told)] == []


def test_what_pays_although_it_should_not_is_told_with_its_bound() -> None:
    section = SECTIONS["what_pays_although_it_should_not"]
    told = re.findall(r"^\| (.+?) \| ([\d.]+) \|$", section, re.MULTILINE)
    assert {name: float(most) for name, most in told} == {name: most for name, (_game, most) in LIMITS.items()}
    assert re.search(rf"^{len(MOVES) + len(GAMES)} moves", section, re.MULTILINE)


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert "gtm-audit.md" in links
    assert [link for link in links if not (ROOT / "docs" / link).resolve().exists()] == []
