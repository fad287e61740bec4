"""docs/scoring.md: what it says of columns.yaml is valid, and what it says of large tables is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.scorers.saas import store
from harness.scorers.saas.columns import parse

TEXT = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text(encoding="utf-8")
COLUMNS = "search: a.csv\nid: id\nscore: health\nfeatures: [days]\noutcomes: {retained: stayed}\n"
LINES = [
    *re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL),
    *re.findall(r"^    (as_of: .*)$", TEXT, re.MULTILINE),
]


@pytest.mark.parametrize("lines", LINES)
def test_each_line_for_columns_yaml_is_valid(lines: str) -> None:
    found = parse(f"{COLUMNS}{lines}".encode())
    assert found.engine is not None or found.as_of is not None


def test_there_are_lines_to_look_at() -> None:
    assert len(LINES) == 4
    assert f"up to {store.IN_MEMORY:,} accounts stays in memory" in TEXT
