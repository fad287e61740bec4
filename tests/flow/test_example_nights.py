"""The nights in docs/examples: their records are whole, and their pages and tables say what the records say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bot.pages.summary import summarise
from harness import events, folds
from tests import examples
from tests.examples import NIGHTS

FOLDERS = examples.folders()
README = (NIGHTS / "README.md").read_text(encoding="utf-8")
OF_MODELS = [folder for folder in FOLDERS if folder.parent == NIGHTS]
MODEL_NIGHTS = [folder for folder in OF_MODELS if not folder.name.endswith("-control")]

night = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
model_night = pytest.mark.parametrize("folder", MODEL_NIGHTS, ids=lambda folder: folder.name)


def test_each_target_that_a_mind_improves_has_its_night() -> None:
    assert {"rag-config", "api-latency", "system-prompt"} <= {folder.name for folder in MODEL_NIGHTS}
    assert all(f"]({folder.name}/page.md)" in README for folder in OF_MODELS)


@night
def test_every_segment_is_sealed_and_follows_the_one_before(folder: Path) -> None:
    found = examples.segments(folder)
    assert events.verify_order(found) is None
    assert all(segment.sealed for segment in found)
    assert [segment.header["verb"] for segment in found][:2] == ["run", "confirm"]


@night
def test_a_changed_byte_would_be_found(folder: Path, tmp_path: Path) -> None:
    """The control of the test before."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = next(copy.glob("*.1-run.jsonl"))
    content = path.read_bytes()
    at = content.index(b'"status":"discard"')
    path.write_bytes(content[:at] + content[at:].replace(b'"status":"discard"', b'"status":"keep"   ', 1))
    bad = events.verify_order(examples.segments(copy))
    assert bad is not None
    assert "chain" in bad.why


@night
def test_page_and_results_are_what_the_records_make_today(folder: Path) -> None:
    """Where a page is written otherwise from now on: python -m tests.examples."""
    assert (folder / "page.md").read_text(encoding="utf-8") == examples.page(folder)
    assert (folder / "results.tsv").read_text(encoding="utf-8") == examples.results(folder)


@model_night
def test_the_arms_share_one_budget_and_the_page_says_whose_an_experiment_was(folder: Path) -> None:
    found = examples.segments(folder)
    report, planned = summarise(found), found[0].header["planned"]
    made = folds.of_kind(found, "experiment")
    assert {arm.arm for arm in report.arms} == {"openai", {"rag-config": "search"}.get(folder.name, "tune")}
    assert sum(arm.experiments for arm in report.arms) == len(made) <= planned
    page = (folder / "page.md").read_text(encoding="utf-8")
    for arm in report.arms:
        assert f"| `{arm.arm}` | {arm.experiments} | {arm.kept} |" in page
    (asked,) = (model for model in report.models if not model.judges)
    assert asked.calls > 0
    assert f"{asked.input:,} tokens in" in page
    assert asked.dollars == 0.0


@model_night
def test_what_the_readme_says_of_the_model_is_what_the_records_say(folder: Path) -> None:
    """| night | arm | experiments | kept | calls | tokens in, cached, out | seconds |"""
    report = summarise(examples.segments(folder))
    arm = next(arm for arm in report.arms if arm.arm == "openai")
    (asked,) = (model for model in report.models if not model.judges)
    told = re.search(rf"^\| `{folder.name}` \|(.*)\|$", README, re.MULTILINE)
    assert told is not None
    assert [cell.strip() for cell in told[1].split("|")] == [
        str(arm.experiments), str(arm.kept), str(asked.calls), f"{asked.input:,}", f"{asked.cache_read:,}",
        f"{asked.output:,}", f"{asked.seconds:.0f}",
    ]  # fmt: skip


def test_what_the_readme_says_of_luck_is_what_the_records_say() -> None:
    beside, alone = (examples.segments(examples.NIGHTS / name) for name in ("system-prompt", "system-prompt-control"))
    (confirm,) = folds.of_kind(alone, "confirm")
    found = [folds.of_kind(each, "baseline")[0]["metrics"]["rubric"] for each in (beside, alone)]
    text = " ".join(README.split())
    one, other, anew = (f"{value:.4f}"[1:] for value in (*found, confirm["search"]["base"]["rubric"]))
    assert f"came to {one} in the one night, to {other} in the other, and to {anew} when confirm asked anew" in text
    search = {side: confirm["search"][side]["rubric"] for side in ("base", "head")}
    claimed, again = (
        f"{value:+.4f}".replace("0.", ".") for value in (confirm["claimed_gain"], search["head"] - search["base"])
    )
    held = [f"{confirm['holdout'][name]:+.4f}".replace("0.", ".") for name in ("gain", "low", "high")]
    assert f"It claimed {claimed} for the three. Asked anew it was {again}, on hidden messages {held[0]}" in text
    assert f"with an interval from {held[1]} to {held[2]}: `{confirm['verdict']}`" in text


@night
def test_no_path_of_a_machine_is_in_what_is_shown(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".png":
            assert not re.search(rb"/(?:tmp|work|home|root)/", path.read_bytes()), path.name
