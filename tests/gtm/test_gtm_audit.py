"""The audit that the score knows nothing of: what each rule finds, what none finds, and that no rule is lost."""

from __future__ import annotations

import copy
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InvalidCandidate
from harness.scorers.gtm import Declared, read
from harness.scorers.gtm.audit import RULES, Audited, audit
from tests.gtm.audit_cases import CASES, Case
from tests.gtm.build import Json, container, parameter, scored, set_parameter, the
from tests.gtm.sites import SITES, messy_shop
from tests.gtm.test_gtm_broken import bent
from tests.gtm.test_gtm_sameness import SAME, with_names

# Taking a rule out, or making it count less, is seen here.
FROZEN = {
    "ga4-event-name": "error", "ga4-event-case": "warning", "ga4-parameter-name": "error",
    "ga4-too-many-parameters": "warning", "ga4-value-too-long": "warning", "ga4-user-property": "error",
    "person-in-clear": "error", "code-insecure": "error", "code-writes-page": "error", "code-evaluates-text": "error",
    "code-unclosed": "error", "code-unsound": "error", "code-no-function": "error", "code-debugging": "warning",
    "code-credentials": "error", "order-id-fixed": "error", "value-fixed": "error", "currency-fixed": "warning",
    "currency-unknown": "error", "conversion-everywhere": "error", "conversion-late": "warning",
    "conversion-unlimited": "error", "repeatable-once": "warning", "destination-several": "warning",
    "destination-started-twice": "warning", "destination-placeholder": "error", "destination-misshapen": "error",
    "destination-for-tests": "error", "destination-alone": "warning", "sequence-circle": "error",
    "sequence-twice": "warning", "schedule-over": "warning", "schedule-backwards": "error", "table-key-twice": "error",
    "table-row-unreachable": "warning", "table-no-default": "warning", "template-too-wide": "warning",
    "template-loads-anything": "warning", "template-unused": "warning", "client-priority-shared": "warning",
    "client-claims-twice": "error", "request-preview-header": "error", "request-insecure": "error",
    "consent-default-grants": "error", "consent-update-unasked": "error", "consent-sends-early": "error",
    "exception-without-effect": "warning", "exception-indistinct": "warning", "entity-copied": "warning",
    "folder-empty": "warning", "name-alike": "warning", "name-invisible": "warning", "name-shadows": "error",
}  # fmt: skip
BY_NAME = {"name-alike", "name-invisible", "name-shadows"}


def audited(data: Json, **declared: Any) -> Audited:
    return audit(container(data), Declared(**declared))


def changed(case: Case, *, ill: bool) -> Audited:
    make, declared = SITES[case.site]
    data = make()
    (case.ill if ill else case.well)(data)
    return audited(data, **declared)


def told(found: Audited) -> Counter[tuple[str, ...]]:
    """Findings without their places, which hang on the order of arrays, and without what they quote."""
    return Counter((one.code, one.severity, one.entity, one.name) for one in found.findings)


def test_the_rules_are_these_and_weigh_so_much() -> None:
    assert {rule.code: rule.severity for rule in RULES} == FROZEN
    assert len(RULES) == len(FROZEN)


def test_every_rule_has_a_case() -> None:
    assert {case.code for case in CASES} == set(FROZEN)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.entity}")
def test_a_rule_finds_what_breaks_it_and_nothing_in_what_does_not(case: Case) -> None:
    found = [one for one in changed(case, ill=True).findings if one.code == case.code]
    assert len(found) == case.times, found
    assert case.entity in {one.name for one in found}
    assert all(one.severity == FROZEN[case.code] for one in found)
    assert case.code not in {one.code for one in changed(case, ill=False).findings}


@pytest.mark.parametrize("site", SITES)
def test_a_site_without_a_fault_has_no_finding(site: str) -> None:
    make, declared = SITES[site]
    assert audited(make(), **declared) == Audited((), 0)


def test_an_error_weighs_three_times_a_warning_and_comes_first() -> None:
    data = SITES["shop"][0]()
    for case in CASES:
        if case.code in {"folder-empty", "schedule-backwards"}:
            case.ill(data)
    found = audited(data, business="shop")
    assert [one.code for one in found.findings] == ["schedule-backwards", "folder-empty"]
    assert found.weight == 4
    assert [one["code"] for one in found.as_json()["findings"]] == ["schedule-backwards", "folder-empty"]


def pieces() -> list[tuple[str, Json, dict[str, Any]]]:
    """Every broken container, and the mess."""
    found: list[tuple[str, Json, dict[str, Any]]] = [("messy", messy_shop(), {"business": "shop"})]
    for case in CASES:
        make, declared = SITES[case.site]
        data = make()
        case.ill(data)
        found.append((case.code, data, declared))
    return found


@pytest.mark.parametrize("change", [name for name in SAME if name not in {"an old export", "new ids"}])
def test_order_and_spelling_change_nothing(change: str) -> None:
    for code, data, declared in pieces():
        other = SAME[change](copy.deepcopy(data))
        after = audit(read(json.dumps(other).encode(), "other.json"), Declared(**declared))
        before = audited(data, **declared)
        when = {"schedule-over"} if change == "the API's words" else set()  # which have no time of export
        assert told(after) == Counter({k: n for k, n in told(before).items() if k[0] not in when}), code


def test_names_move_only_the_rules_on_names() -> None:
    for code, data, declared in pieces():
        if "GA4" in data["containerVersion"]["container"]["name"] or code in BY_NAME or code == "messy":
            continue
        before = Counter(one.code for one in audited(data, **declared).findings)
        after = Counter(one.code for one in audited(with_names(data, lambda n: f"x{n[::-1]}"), **declared).findings)
        assert after == before, code


def test_no_rule_says_what_the_score_says() -> None:
    """Nothing that breaks a rule alone is an issue of a dimension by the same word."""
    issues = {one.code for _code, data, declared in pieces() for one in scored(data, **declared).issues}
    assert len(issues) > 10
    assert not issues & set(FROZEN)


def test_every_pointer_stands_in_the_file_or_beside_it() -> None:
    for code, data, declared in pieces():
        for finding in audited(data, **declared).findings:
            where: Any = data
            steps = [step.replace("~1", "/").replace("~0", "~") for step in finding.pointer.split("/")[1:]]
            for n, step in enumerate(steps):
                if isinstance(where, dict) and step not in where:
                    assert n == len(steps) - 1, (code, finding)
                    break
                where = where[int(step)] if isinstance(where, list) else where[step]


def test_what_looks_like_a_password_is_never_repeated() -> None:
    for case in CASES:
        if case.code == "code-credentials":
            assert not any(word in repr(changed(case, ill=True)) for word in ("hunter2", "12345678"))


@pytest.mark.parametrize("seed", range(8))
def test_bent_files_are_audited_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    audits = 0
    for _code, data, declared in chance.sample(pieces(), 40):
        try:
            found = audited(bent(data, chance), **declared)
        except InvalidCandidate:
            continue
        audits += 1
        assert found.weight >= 0
        json.dumps(found.as_json(), allow_nan=False)
    assert audits > 25


@pytest.mark.parametrize(
    "piece",
    [
        "/* ", "fbq(", "<script ", "src= ", "src=" + " " * 40, "=/[", "=/a", "'", '"', "`", "([{", "}])", "<!--",
        "</script", "//test.", "//a@", "test.", "password is ", "type = ", "email : ", "{{", "{{a", "\\",
        "new Function ", "gtag('consent',", "setTimeout(", "your-id ", "A_", "window.", "eval ",
    ],
)  # fmt: skip
def test_no_text_however_long_and_strange_takes_for_ever(piece: str) -> None:
    """Each of these, often enough, keeps a careless expression busy for hours."""
    data, text = SITES["shop"][0](), piece * (200_000 // len(piece))
    version = data["containerVersion"]
    for prefix in ("", "<script>"):
        code = {"parameter": [parameter("html", prefix + text)]}
        version["tag"].append({"tagId": "970", "name": "long", "type": "html", **code})
    code = {"parameter": [parameter("javascript", text)]}
    version["variable"].append({"variableId": "971", "name": "long", "type": "jsm", **code})
    set_parameter(the(data, "tag", "Hotjar - base"), "hotjar_site_id", text)
    the(data, "tag", "GA4 - login")["notes"] = text
    set_parameter(the(data, "tag", "GA4 - login"), "eventSettingsTable", [{"parameter": text, "parameterValue": text}])
    assert audited(data, business="shop").weight > 0


def test_the_page_tells_every_rule_and_no_other() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "gtm-audit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (error|warning) \| .+ \|.*\|$", text, re.MULTILINE)
    assert dict(rows) == FROZEN
    assert len(rows) == len(FROZEN)
