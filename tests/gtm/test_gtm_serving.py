"""The evaluator of container targets, asked as the harness asks it; and what it says of a declared.yaml."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.errors import ConfigError, NotFound
from harness.evaluator import Crash, Item, Request, Scores
from harness.reports import LONGEST_NOTE, MOST_NOTES, check_scores
from harness.schemas import schema
from harness.scorers.gtm import Declared
from harness.scorers.gtm.audit import audit
from harness.scorers.gtm.dimensions import DIMENSIONS
from harness.scorers.gtm.serving import Serving, declared_from
from tests.gtm.build import Json, container, scored, set_parameter, the
from tests.gtm.sites import SHOP_ADS, leads, messy_shop, shop

DECLARED = "business: shop\nconsent_mode: advanced\nads: ads.json\n"
MESSY: Json = messy_shop()


def reading(files: dict[str, str]) -> Any:
    return lambda name: files[name].encode()


def measured(data: Json, **declared: Any) -> Scores:
    return Serving(Declared(**declared)).measure(json.dumps(data).encode())


def test_it_measures_what_score_and_audit_say() -> None:
    declared = {"business": "shop", "ads": SHOP_ADS}
    data = messy_shop()
    set_parameter(the(data, "tag", "Criteo"), "html", "<script>eval(1);</script>")
    found, expected = measured(data, **declared), scored(data, **declared)
    audited = audit(container(data), Declared(**declared))
    assert audited.weight > 2
    assert found.metrics["total"] == expected.total
    assert {name: found.metrics[name] for name in DIMENSIONS} == {one.name: one.score for one in expected.dimensions}
    assert found.metrics["audit_findings"] == audited.weight
    assert 0 < found.metrics["issues"] == sum(one.severity != "info" for one in expected.issues)
    assert set(found.metrics) == {"total", *DIMENSIONS, "audit_findings", "issues"}
    assert found.parts == {name: found.metrics[name] for name in DIMENSIONS}


def test_what_cannot_be_judged_is_nothing_and_is_said() -> None:
    found = measured(leads(), business="lead-generation")
    assert found.metrics["ads_alignment"] == 0
    assert "ads_alignment" not in found.parts
    assert "ads alignment is left out: no ads snapshot was given" in found.notes


def test_making_a_dimension_unjudgeable_pays_in_none() -> None:
    """Without one folder, trigger or variable in use, nothing is left to judge: that is nothing, and no free pass."""
    data = shop()
    before = measured(data, business="shop", ads=SHOP_ADS).metrics
    data["containerVersion"]["variable"] = []
    data["containerVersion"]["tag"] = data["containerVersion"]["tag"][:1]
    data["containerVersion"]["trigger"] = []
    after = measured(data, business="shop", ads=SHOP_ADS)
    assert set(DIMENSIONS) - set(after.parts)
    assert all(after.metrics[name] <= before[name] for name in DIMENSIONS)
    assert after.metrics["total"] < before["total"]


def test_what_it_says_is_a_report_whatever_the_container_is_called() -> None:
    data = messy_shop()
    for number in range(40):
        the(data, "tag", "Criteo")["type"] = "unheard"
        data["containerVersion"]["tag"].append(
            {"tagId": str(7000 + number), "name": "\x1b[31m" + "n" * 500, "type": "q"}
        )
    message = json.loads(json.dumps(measured(data, business="shop").as_message()))
    assert Draft202012Validator(schema("report")).is_valid(message)
    found = check_scores(message, ["total"])
    assert len(found.notes) == MOST_NOTES
    assert found.notes[-1].endswith(" more")
    assert all(len(note) <= LONGEST_NOTE and note.isprintable() for note in found.notes)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"{}", b"\xff", b'{"containerVersion": {"tag": 5}}', b"[" * 100_000]
)
def test_what_is_no_container_crashes_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.json").write_bytes(content)
    (tmp_path / "1.json").write_text(json.dumps(shop()))
    items = (Item("a", tmp_path / "0.json"), Item("b", tmp_path / "1.json"))
    first, second = Serving(Declared(business="shop")).score(Request(1, "search", 0, 1.0, items))
    assert isinstance(first, Crash)
    assert first.why.startswith("container.json: ")
    assert isinstance(second, Scores)


@pytest.mark.parametrize("depth", [120, 240, 320, 400, 480, 5000])
def test_what_is_nested_deeply_is_scored_or_refused(tmp_path: Path, depth: int) -> None:
    deep = '{"type": "LIST", "key": "html", "list": [' * depth + "]}" * depth
    tag = f'{{"tagId": "1", "name": "a", "type": "html", "firingTriggerId": ["2147479553"], "parameter": [{deep}]}}'
    (tmp_path / "0.json").write_text(f'{{"containerVersion": {{"tag": [{tag}]}}}}')
    (found,) = Serving(Declared(business="shop")).score(Request(1, "search", 0, 1.0, (Item("a", tmp_path / "0.json"),)))
    assert isinstance(found, Scores) or "nested too deeply" in found.why
    assert isinstance(found, Scores) or depth > 200
    assert isinstance(found, Crash) or depth < 5000


def test_the_same_content_scores_the_same_in_any_company() -> None:
    serving = Serving(Declared(business="shop", ads=SHOP_ADS))
    alone = serving.measure(json.dumps(MESSY).encode())
    serving.measure(json.dumps(shop()).encode())
    assert serving.measure(json.dumps(copy.deepcopy(MESSY), indent=3).encode()) == alone


EVALUATE = 'from harness.scorers import gtm\n\ngtm.serve("declared.yaml")\n'


def serving_process(folder: Path, files: dict[str, str], lines: str = "") -> subprocess.CompletedProcess[str]:
    for name, text in {"evaluate.py": EVALUATE, **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "evaluate.py"]
    return subprocess.run(command, cwd=folder, input=lines, capture_output=True, text=True, check=False, timeout=600)


def test_one_line_of_an_evaluator_serves(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text(json.dumps(shop()))
    asked = {"id": 1, "split": "search", "seed": 0, "fidelity": 1.0, "items": [{"blob": "a", "path": "0.json"}]}
    ran = serving_process(
        tmp_path, {"declared.yaml": DECLARED, "ads.json": json.dumps(SHOP_ADS)}, json.dumps(asked) + "\n"
    )
    answer = json.loads(ran.stdout)
    Draft202012Validator(schema("serve-response")).validate(answer)
    (result,) = answer["results"]
    assert result["metrics"]["total"] == pytest.approx(1)
    assert result["metrics"]["audit_findings"] == 0
    assert "notes" not in result


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "declared.yaml: cannot be read"),
        ({"declared.yaml": "business: kiosk\n"}, "declared.yaml:1:11: business"),
        ({"declared.yaml": DECLARED}, "declared.yaml:3:6: ads: there is no file ads.json"),
    ],
)
def test_the_last_line_of_one_that_cannot_serve_says_why(tmp_path: Path, files: dict[str, str], says: str) -> None:
    ran = serving_process(tmp_path, files)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[-1].startswith(says)
    assert "Traceback" not in ran.stderr


def test_a_declaration_is_read_by_whatever_reads_files() -> None:
    files = {"t/declared.yaml": DECLARED, "t/ads.json": json.dumps(SHOP_ADS)}
    found = declared_from(reading(files), "t/declared.yaml")
    assert found == Declared("shop", "advanced", "container", SHOP_ADS)
    assert found.ads == SHOP_ADS
    assert declared_from(reading({"d.yaml": "business: site\n"}), "d.yaml") == Declared("site")


@pytest.mark.parametrize(
    ("text", "ads", "says"),
    [
        ("", "{}", "declared.yaml"),
        ("business: shop\nbusines: shop\n", "{}", "declared.yaml:2:1: busines: unknown key"),
        ("business: shop\nconsent_mode: loose\n", "{}", "declared.yaml:2:15: consent_mode"),
        ("consent_mode: basic\n", "{}", "business"),
        ("business: shop\nads: ../ads.json\n", "{}", "declared.yaml:2:6: ads"),
        ("business: shop\nads: /etc/ads.json\n", "{}", "declared.yaml:2:6: ads"),
        ("business: shop\nads: ads.csv\n", "{}", "declared.yaml:2:6: ads"),
        (DECLARED, None, "declared.yaml:3:6: ads: there is no file ads.json"),
        (DECLARED, "{}", "ads.json"),
        (DECLARED, "not json", "ads.json:1:"),
        (DECLARED, '{"meta": {"conversions": 5}}', "ads.json:1:26: meta.conversions"),
        (DECLARED, '{"google": {"conversions": [{"id": "1"}]}}', "ads.json:1:29: google.conversions"),
        (DECLARED, '{"meta": {"conversions": [{"event": "a", "count": -1}]}}', "ads.json:1:51: meta.conversions"),
        (DECLARED, '{"bing": {}}', "ads.json:1:2: bing: unknown key"),
    ],
)
def test_a_fault_names_file_line_and_key(text: str, ads: str | None, says: str) -> None:
    files = {"declared.yaml": text} | ({"ads.json": ads} if ads is not None else {})
    with pytest.raises(ConfigError) as refused:
        declared_from(reading(files), "declared.yaml")
    assert says in str(refused.value)


def test_a_snapshot_that_a_commit_lacks_is_told_like_one_that_a_folder_lacks() -> None:
    def from_commit(name: str) -> bytes:
        if name == "declared.yaml":
            return DECLARED.encode()
        raise NotFound(f"{name} is not there")

    with pytest.raises(ConfigError, match=r"there is no file ads\.json"):
        declared_from(from_commit, "declared.yaml")
