"""The containers that are shipped: as their code makes them, as Tag Manager would save them, with what was planted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.documents import jsonstyle
from harness.scorers.gtm import Declared, Scored, read, score
from tests.containers.export import text
from tests.containers.made import MADE, file_of
from tests.containers.planted import CLEAN, planted

MOST_BYTES = 500_000
each_target = pytest.mark.parametrize("name", sorted(MADE))


def scored(name: str) -> Scored:
    folder = file_of(name).parent
    said = yaml.safe_load((folder / "declared.yaml").read_text(encoding="utf-8"))
    ads = json.loads((folder / said.pop("ads")).read_text(encoding="utf-8"))
    return score(read(file_of(name).read_bytes(), "container.json"), Declared(**said, ads=ads))


def version(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file_of(name).read_bytes())["containerVersion"]
    return found


@each_target
def test_the_file_is_what_its_code_makes(name: str) -> None:
    assert file_of(name).read_bytes() == text(MADE[name]()).encode()


@each_target
def test_it_is_written_as_tag_manager_writes(name: str) -> None:
    written = file_of(name).read_text(encoding="utf-8")
    assert len(written) < MOST_BYTES
    assert jsonstyle.rewritten(json.loads(written), written) == written
    assert not set(written) & set("<>&='")
    assert not written.endswith("\n")


@each_target
def test_every_id_is_an_example(name: str) -> None:
    """None that could be somebody's: what has the shape of an id says EXAMPLE, or is a number of zeros."""
    written = file_of(name).read_text(encoding="utf-8") + (file_of(name).parent / "ads.json").read_text()
    shaped = re.findall(r"\b(?:G|GTM|AW|OPT)-[A-Z0-9]+\b|\bUA-\d+-\d+\b", written)
    assert len(shaped) > 3
    assert all("EXAMPLE" in one or "EXMPL" in one or "00000" in one for one in shaped), shaped


@each_target
def test_ids_are_given_once(name: str) -> None:
    whole = version(name)
    for array, key in (("tag", "tagId"), ("trigger", "triggerId"), ("variable", "variableId"), ("folder", "folderId")):
        ids = [one[key] for one in whole[array]]
        assert len(set(ids)) == len(ids)


def test_the_shop_is_large_and_a_mess() -> None:
    found = scored("gtm-shop")
    assert found.counts["tag"] >= 100
    assert found.counts["trigger"] >= 45
    assert found.counts["variable"] >= 65
    assert found.total < 0.55


def test_what_was_planted_is_told() -> None:
    issues = scored("gtm-shop").issues
    silent = [one for one in planted() if not any(one.is_told_by(issue) for issue in issues)]
    assert not silent
    assert len(list(planted())) > 100


def test_clean_entities_exist_and_no_issue_names_them() -> None:
    found, whole = scored("gtm-shop"), version("gtm-shop")
    arrays = {"template": "customTemplate"}
    named = {(issue.entity, issue.name): issue.code for issue in found.issues}
    for kind, names in CLEAN.items():
        listed = {one["name"] for one in whole[arrays.get(kind, kind)]}
        assert set(names) <= listed
        assert {name: named[kind, name] for name in names if (kind, name) in named} == {}


def test_triggers_that_differ_in_a_condition_are_no_twins() -> None:
    orders = {"CE - purchase above 150", "CE - purchase of new customer", "CE - purchase in France"}
    told = {issue.name for issue in scored("gtm-shop").issues if issue.code == "trigger-twice"}
    assert told == {"pw_trigger_addtocart"}
    assert orders <= {one["name"] for one in version("gtm-shop")["trigger"]}


def test_the_folder_of_a_target_reads_alone() -> None:
    for name in MADE:
        folder: Path = file_of(name).parent
        files = {one.name for one in folder.iterdir() if one.is_file()}
        assert files == {
            "README.md", "program.md", "target.yaml", "declared.yaml", "policy.yaml", "ads.json", "evaluate.py",
            "container.json",
        }  # fmt: skip
