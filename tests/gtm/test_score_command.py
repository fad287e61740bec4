"""autoresearch score: what it prints, writes and refuses."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from tests.gtm.build import Builder, Json, set_parameter, the
from tests.gtm.sites import SHOP_ADS, messy_shop, shop
from tests.support import autoresearch


def saved(folder: Path, data: Json, name: str = "container.json") -> str:
    (folder / name).write_text(json.dumps(data), encoding="utf-8")
    return name


def test_it_prints_total_dimensions_and_issues_outside_any_repository(tmp_path: Path) -> None:
    ran = autoresearch(tmp_path, "score", saved(tmp_path, messy_shop()), "--business", "shop")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("Own shop: web, 37 tags, 22 triggers")
    assert "guessed" not in lines[0]
    assert any(line.strip().startswith("tag coverage") and "weight" in line for line in lines)
    assert any("ads alignment" in line and "left out: no ads snapshot was given" in line for line in lines)
    assert any(line.startswith('error: variable "Const - token": holds a Meta access token') for line in lines)
    assert any("--all, --json or --page FILE" in line for line in lines)


def test_all_prints_every_issue(tmp_path: Path) -> None:
    ran = autoresearch(tmp_path, "score", saved(tmp_path, messy_shop()), "--all")
    assert "(guessed; say it with --business)" in ran.stdout
    assert ran.stdout.count("repair: ") > 100


def test_json_holds_everything(tmp_path: Path) -> None:
    saved(tmp_path, SHOP_ADS, "ads.json")
    ran = autoresearch(tmp_path, "score", saved(tmp_path, shop()), "--business", "shop", "--ads", "ads.json", "--json")
    found = json.loads(ran.stdout)
    assert found["total"] == pytest.approx(1)
    assert {name: one["score"] for name, one in found["dimensions"].items()} == dict.fromkeys(found["dimensions"], 1.0)
    assert len(found["dimensions"]) == 9
    assert (found["issues"], found["not_judged"]) == ([], [])
    assert found["audit"] == {"weight": 0, "findings": []}


def test_an_issue_says_dimension_severity_entity_place_and_repair(tmp_path: Path) -> None:
    ran = autoresearch(tmp_path, "score", saved(tmp_path, messy_shop()), "--json")
    (issue,) = (one for one in json.loads(ran.stdout)["issues"] if one["code"] == "secret")
    assert issue.pop("message").startswith("holds a Meta access token")
    assert issue.pop("repair").startswith("revoke it")
    assert issue == {
        "dimension": "variable_hygiene", "code": "secret", "severity": "error", "entity": "variable",
        "id": "916", "name": "Const - token", "pointer": "/containerVersion/variable/18/parameter/0/value",
    }  # fmt: skip


def test_the_audit_stands_beneath_the_score(tmp_path: Path) -> None:
    data = shop()
    the(data, "tag", "GAds - order")["tagFiringOption"] = "UNLIMITED"
    set_parameter(the(data, "tag", "GA4 - login"), "eventName", "session_start")
    saved(tmp_path, SHOP_ADS, "ads.json")
    options = ["--business", "shop", "--ads", "ads.json", "--page", "page.html"]
    ran = autoresearch(tmp_path, "score", saved(tmp_path, data), *options)
    lines = ran.stdout.splitlines()
    at = lines.index("audit, which the score knows nothing of: 2 findings: 2 errors; weight 6")
    assert at > lines.index("no issues")
    assert 'error: tag "GAds - order": may fire several times for one event' in lines[at:]
    assert any(line.startswith("  audit (ga4-event-name)  /containerVersion/tag/") for line in lines[at:])
    assert "conversion-unlimited" in (tmp_path / "page.html").read_text(encoding="utf-8")
    found = json.loads(autoresearch(tmp_path, "score", "container.json", *options[:4], "--json").stdout)["audit"]
    assert found["weight"] == 6
    assert sorted(one["code"] for one in found["findings"]) == ["conversion-unlimited", "ga4-event-name"]


def test_the_page_needs_nothing_beside_it_and_obeys_no_name(tmp_path: Path) -> None:
    name = "</td><script>alert(1)</script>\x1b[31m"
    web = Builder(name)
    web.tag(name, "gaawe", [])
    ran = autoresearch(tmp_path, "score", saved(tmp_path, web.export()), "--page", "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\x1b" not in page + ran.stdout
    assert html.escape("</td><script>alert(1)</script>") in page
    assert "src=" not in page
    assert "trigger quality" in page


def test_declared_consent_changes_what_is_said(tmp_path: Path) -> None:
    web = Builder("page sets it")
    web.tag("GA4 - Google tag", "googtag", ["2147479573"], tagId="G-1")
    name = saved(tmp_path, web.export())
    assert "consent-default-missing" in autoresearch(tmp_path, "score", name).stdout
    assert "consent-default-missing" not in autoresearch(tmp_path, "score", name, "--consent-default", "page").stdout


@pytest.mark.parametrize(
    ("content", "arguments", "code", "says"),
    [
        ("<html>", [], 3, "looks like a web page"),
        ("{}", [], 3, "no Tag Manager container"),
        ('{"containerVersion": {}}', ["--business", "kiosk"], 2, "kiosk"),
        ('{"containerVersion": {}}', ["--ads", "container.json"], 3, "no ads snapshot"),
    ],
)
def test_what_cannot_be_scored_is_told_with_a_next_step(
    tmp_path: Path, content: str, arguments: list[str], code: int, says: str
) -> None:
    (tmp_path / "container.json").write_text(content, encoding="utf-8")
    ran = autoresearch(tmp_path, "score", "container.json", *arguments)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert says in ran.stderr
    assert code == 2 or "next:" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    ran = autoresearch(tmp_path, "score", "nowhere.json")
    assert ran.returncode == 2
    assert "nowhere.json" in ran.stderr
