"""A target.yaml names a policy: it is locked, its faults are told, and admission holds every proposer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from harness import targetfile
from harness.admission import Admission, Admitted, Refused
from harness.errors import ConfigErrors
from harness.target import Target
from tests.conforming import Files
from tests.gtm.build import Json, set_parameter, the
from tests.gtm.sites import shop

TARGET = """name: shop
file: container.json
evaluate: {serve: [python, evaluate.py]}
locked: [evaluate.py]
metrics: [{name: total, goal: maximize}]
proposer: {kind: repair}
policy: policy.yaml
"""


def files(**other: str) -> dict[str, bytes]:
    """Of a target's folder; names with an underscore stand for a dot."""
    found = {"target.yaml": TARGET, "policy.yaml": "pause: true\n", "evaluate.py": "", "notes.txt": "",
             "container.json": json.dumps(shop())}  # fmt: skip
    found |= {name.replace("_", "."): text for name, text in other.items()}
    return {f"shop/{name}": text.encode() for name, text in found.items()}


def loaded(contents: Mapping[str, bytes]) -> Target:
    return targetfile.load(Files(contents), "shop")


def judged(target: Target, data: Json, base: Json | None = None) -> Admitted | Refused:
    admission = Admission(target, json.dumps(base or shop()).encode(), lambda _content: "blob")
    return admission.judge(json.dumps(data).encode())


def test_the_policy_is_locked_even_where_the_list_forgets_it() -> None:
    target = loaded(files())
    assert target.locked == ("shop/evaluate.py", "shop/policy.yaml", "shop/target.yaml")
    assert target.policy
    without = TARGET.replace("policy: policy.yaml\n", "")
    assert loaded(files(target_yaml=without)).policy is None


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"policy_yaml": "pause: true\nrename: ja\n"}, ["shop/policy.yaml:2:9", "rename", "true or false"]),
        ({"policy_yaml": "ad: [tag]\n"}, ["shop/policy.yaml:1:1", "unknown key", 'did you mean "add"?']),
        ({"policy_yaml": "protected: [CE - purchas]\n"}, ["protected[0]", 'did you mean "CE - purchase"?']),
        ({"container_json": "{}"}, ["shop/target.yaml:7:9", "policy", "no Tag Manager container"]),
        ({"target_yaml": TARGET.replace("policy.yaml", "policies.yaml")},
         ["shop/target.yaml:7:9", 'did you mean "policy.yaml"?']),
        ({"target_yaml": TARGET.replace("policy.yaml", "container.json")}, ["policy", "the editable file"]),
        ({"target_yaml": TARGET + "program: policy.yaml\n"}, ["policy", "a file of its own"]),
    ],
)  # fmt: skip
def test_faults_are_told_with_file_line_key_and_the_nearest_word(other: dict[str, str], says: list[str]) -> None:
    with pytest.raises(ConfigErrors) as raised:
        loaded(files(**other))
    assert all(one in str(raised.value) for one in says), str(raised.value)


def test_admission_holds_everybody_to_it() -> None:
    target, free = loaded(files()), loaded(files(target_yaml=TARGET.replace("policy: policy.yaml\n", "")))
    swapped = shop()
    set_parameter(the(swapped, "variable", "Const - GA4 measurement id"), "value", "G-ELSEWHERE1")
    refused = judged(target, swapped)
    assert isinstance(refused, Refused)
    assert "is set already" in refused.why
    assert isinstance(judged(free, swapped), Admitted)
    paused = shop()
    the(paused, "tag", "Tools - log")["paused"] = True
    assert isinstance(judged(target, paused), Admitted)


def test_numbers_alone_are_held_to_it_too() -> None:
    """Contents that differ in numbers alone are admitted on a short way, where there is no policy."""
    base, changed = shop(), shop()
    for data, value in ((base, 1), (changed, 2)):
        data["containerVersion"]["futureThing"] = value
    assert isinstance(judged(loaded(files(container_json=json.dumps(base))), changed, base), Refused)
    assert isinstance(judged(loaded(files(container_json=json.dumps(base))), base, base), Admitted)


def test_what_is_no_container_any_more_is_refused() -> None:
    refused = judged(loaded(files()), {"tags": []})
    assert isinstance(refused, Refused)
    assert "no Tag Manager container" in refused.why
