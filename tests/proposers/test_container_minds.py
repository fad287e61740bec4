"""Which minds see a view of a container, and what they read for it from a commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot import proposers
from bot.proposers import Request, Setting
from bot.proposers.mind import make
from harness.errors import ConfigError
from harness.scorers.gtm.policy import Policy
from harness.target import Target
from tests import proposing
from tests.gtm.sites import SHOP_ADS, messy_shop
from tests.minds import Script, came, whole

CONTENT = json.dumps(messy_shop(), indent=2).encode()
DECLARED = b"business: shop\nads: ads.json\n"
BOUGHT = {"name": "Bought", "id": "AW-1", "label": "x", "count": 1, "value": 9, "enabled": True}
COVERED = json.dumps({"google": {"conversions": [BOUGHT]}}).encode()


class Files:
    """A commit that holds these files."""

    label = "a commit"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def modes(self) -> dict[str, str]:
        return dict.fromkeys(self.files, "100644")

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: self.files[path] for path in paths}


def told(policy: Policy | None, content: bytes = CONTENT, ads: bytes = b"", **fields: Any) -> str:
    """The first prompt of a mind for a container."""
    target: Target = replace(proposing.target({}, "container.json", "claude"), policy=policy, **fields)
    ads = ads or json.dumps(SHOP_ADS).encode()
    files = Files({"container.json": content, "declared.yaml": DECLARED, "ads.json": ads})
    model = Script([came("malformed", text="no")] * 2)
    proposer = make("claude", Setting(target, 1, files, model))  # type: ignore[arg-type]
    proposer.ask(Request(content, {}, 1, 1, set()))
    return whole(model.prompts[0])


def test_a_target_with_a_policy_shows_the_view() -> None:
    text = told(Policy(pause=True))
    assert "An index of it." in text
    assert "Tags may be paused." in text
    assert "the business that it measures: shop\n" in text
    assert "<<<" in text
    assert "file container.json" not in text


@pytest.mark.parametrize(
    ("policy", "options"), [(None, {}), (Policy(), {"form": "patch"}), (Policy(), {"form": "blocks"})]
)
def test_without_one_or_where_the_form_is_said_the_file_is_shown(
    policy: Policy | None, options: dict[str, str]
) -> None:
    text = told(policy, options=options)
    assert "An index of it." not in text
    assert " file container.json\n" in text


def test_the_ads_of_the_commit_are_looked_at_but_for_private_targets() -> None:
    assert 'Google Ads counts "Bought"' in told(Policy(), ads=COVERED)
    private = told(Policy(), ads=COVERED, private=True)
    assert "Bought" not in private
    assert "ads_alignment not judged" in private


def test_a_view_takes_what_it_is_given() -> None:
    assert len(told(Policy(), options={"view_tokens": 2_000})) < len(told(Policy())) / 2


@pytest.mark.parametrize("content", [b"{}", b"[1", b'{"macro": [], "container": {}}'])
def test_a_file_that_is_no_container_is_said_before_the_night(content: bytes) -> None:
    with pytest.raises(ConfigError):
        told(Policy(), content)


def test_an_arm_of_a_portfolio_sees_it_too() -> None:
    arms = [{"kind": "repair"}, {"kind": "claude", "view_tokens": 3_000}]
    target = replace(
        proposing.target({}, "container.json", "portfolio"), policy=Policy(), options={"arms": arms}, folder=""
    )
    files = Files({"container.json": CONTENT, "declared.yaml": DECLARED, "ads.json": json.dumps(SHOP_ADS).encode()})
    model = Script([came("malformed", text="no")] * 2)
    found = proposers.make(target, 1, files, model)  # type: ignore[arg-type]
    for number in range(1, 60):
        if model.prompts or not found.ask(Request(CONTENT, {}, number, 1, set(), 60, 9.0)):
            break
        found.tell([proposers.Outcome(number, "discard", "worse", {}, {})])
    assert "An index of it." in whole(model.prompts[0])
