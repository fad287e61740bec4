"""docs/gtm-repair.md against the code: every operator, every key, and its examples."""

from __future__ import annotations

import re
from pathlib import Path

from bot.proposers.repair.operators import OPERATORS
from harness.documents import parse
from harness.schemas import schema
from harness.scorers.gtm.policy import Policy, read

TEXT = (Path(__file__).parents[2] / "docs" / "gtm-repair.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """First cell to the rest of each row of the table below a heading."""
    section = TEXT.split(heading)[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", section, re.MULTILINE))


def test_every_operator_has_its_words_and_its_codes() -> None:
    told = rows("## One repair, one experiment")
    assert set(told) == {one.name for one in OPERATORS}
    for one in OPERATORS:
        assert set(re.findall(r"`([\w-]+)`", told[one.name])) == one.codes, one.name


def test_every_key_of_a_policy_has_its_words_and_its_default() -> None:
    told = rows("## The policy")
    assert set(told) == set(schema("policy")["properties"])
    for key, words in told.items():
        default = getattr(Policy(), key)
        written = parse(f"a: {words.split('`')[1]}".encode(), "a.yaml").data["a"]
        assert (frozenset(written) if isinstance(written, list) else written) == default, key


def test_the_example_of_a_policy_is_one() -> None:
    example = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[1]
    assert read(example.encode(), "policy.yaml").pause
