"""The parts of the hand-over that need no night: shapes, plans, files, and what a row may be made of."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import IntegrityError
from harness.handover import plans, shapes
from harness.handover.files import MOST_ENTRIES, read_folder
from harness.handover.outcome import hunk_units, says
from harness.rows import difference

WANTED, BESIDE = re.compile(r"n\.[0-9]+-[a-z]+\.(?:jsonl|pack)"), re.compile(r"tried\.txt")
MOST = {".jsonl": 100, ".pack": 100}
PLAN: dict[str, Any] = {
    "night": "2026-11-21", "base": "a" * 40, "created": 1, "wall_clock": None, "usd": None,
    "targets": [{
        "name": "t", "folder": "targets/t", "seed": 1, "lock": "b" * 64, "experiments": 3, "wall_clock": None,
        "usd": 0.0, "plateau": None,
    }],
}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        {"text": "a", "patch": [0, 0, ""]},
        {"patch": [-1, 0, ""]},
        {"patch": [0, True, ""]},
        {"patch": [0, 0]},
        {"text": "x" * 5000},
        {"text": "\ud800"},
        {"pack": {"at": 0, "size": 1, "sha256": "c" * 64, "path": "../x"}},
        {"pack": {"at": -1, "size": 1, "sha256": "c" * 64}},
        {"file": "/etc/passwd"},
        "text",
        None,
    ],
)
def test_a_content_is_held_in_one_way_only(value: Any) -> None:
    assert not shapes.content(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", 2**60, None])
def test_only_finite_numbers_are_numbers(value: Any) -> None:
    assert not shapes.finite(value)
    assert not shapes.numbers(9)({"acc": value})
    assert shapes.bounded([value]) == (value is None or isinstance(value, (bool, str)))


def test_any_data_is_bounded_in_depth_number_and_length() -> None:
    deep: Any = 1
    for _ in range(shapes.MOST_DEPTH):
        deep = [deep]
    assert shapes.bounded(deep[0])
    assert not shapes.bounded(deep)
    assert shapes.bounded([0] * (shapes.MOST_VALUES - 1))
    assert not shapes.bounded([0] * shapes.MOST_VALUES)
    assert not shapes.bounded({"x" * 5000: 1})


@pytest.mark.parametrize(
    ("change", "says_"),
    [
        ({"night": "../2026"}, "night"),
        ({"night": "2026-11-22"}, "of the night"),
        ({"base": "HEAD"}, "base"),
        ({"created": -1}, "created"),
        ({"usd": float("inf")}, "usd"),
        ({"more": 1}, "unknown key"),
        ({"targets": [{**PLAN["targets"][0], "name": "../x"}]}, "name"),
        ({"targets": [{**PLAN["targets"][0], "name": "scratch"}]}, "name"),
        ({"targets": [{**PLAN["targets"][0], "folder": "../out"}]}, "folder"),
        ({"targets": [{**PLAN["targets"][0], "folder": "/etc"}]}, "folder"),
        ({"targets": [{**PLAN["targets"][0], "experiments": 10**7}]}, "experiments"),
        ({"targets": [{**PLAN["targets"][0], "seed": True}]}, "seed"),
        ({"targets": [{**PLAN["targets"][0], "carried_from": "a`b"}]}, "carried_from"),
        ({"targets": PLAN["targets"] * 2}, "twice"),
    ],
)
def test_a_plan_leads_nowhere_else(change: dict[str, Any], says_: str) -> None:
    assert plans.problem(PLAN, "2026-11-21") == ""
    assert says_ in plans.problem({**PLAN, **change}, "2026-11-21")


def test_only_wanted_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "n.1-run.jsonl").write_bytes(b"one")
    (tmp_path / "tried.txt").write_bytes(b"beside")
    (tmp_path / "other").write_bytes(b"foreign")
    (tmp_path / "n.2-run.jsonl").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "n.3-run.pack")
    (tmp_path / "n.4-run.jsonl").mkdir()
    found = read_folder(tmp_path, WANTED, BESIDE, MOST)
    assert found.contents == {"n.1-run.jsonl": b"one"}
    assert found.left_out == {
        "other": "not a name that a night writes", "n.2-run.jsonl": "a link", "n.3-run.pack": "not a plain file",
        "n.4-run.jsonl": "not a plain file",
    }  # fmt: skip


def test_the_bound_is_that_of_all_files_together(tmp_path: Path) -> None:
    (tmp_path / "n.1-run.jsonl").write_bytes(b"x" * 60)
    (tmp_path / "n.2-run.jsonl").write_bytes(b"x" * 40)
    assert len(read_folder(tmp_path, WANTED, BESIDE, MOST).contents) == 2
    (tmp_path / "n.3-run.jsonl").write_bytes(b"x")
    with pytest.raises(IntegrityError, match="larger than a night can make it"):
        read_folder(tmp_path, WANTED, BESIDE, MOST)


def test_a_folder_of_very_many_files_is_refused(tmp_path: Path) -> None:
    for number in range(MOST_ENTRIES + 1):
        (tmp_path / str(number)).touch()
    with pytest.raises(IntegrityError, match="more than"):
        read_folder(tmp_path, WANTED, BESIDE, MOST)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "none", WANTED, BESIDE, MOST).contents == {}
    (tmp_path / "file").touch()
    with pytest.raises(IntegrityError, match="no folder"):
        read_folder(tmp_path / "file", WANTED, BESIDE, MOST)


LINES = (
    st.lists(st.sampled_from(["a\n", "b\n", "A = 1\n", "A = 2\n", "B = 1\n", "\n", "}\n"]), max_size=12)
    .map("".join)
    .map(str.encode)
)


@given(LINES, LINES, st.data())
def test_every_choice_of_hunks_is_recognised(base: bytes, head: bytes, data: st.DataObject) -> None:
    diff = difference(base, head, "x.py", "hunk")
    units = [index for index in range(len(diff.changes())) if data.draw(st.booleans())]
    made = diff.content(units)
    found = hunk_units(made, base, head, "x.py")
    assert found is not None
    assert diff.content(found) == made


def test_what_is_no_choice_of_hunks_is_not() -> None:
    base, head = b"a\nb\nc\nd\n", b"a\nx\nc\ny\n"
    assert hunk_units(b"a\nx\nc\nd\n", base, head, "x.py") == (0,)
    for other in (b"a\nz\nc\nd\n", b"a\nx\nc\ny\nz\n", b"a\ny\nc\nx\n", b"a\nx\nb\nc\nd\n", b"c\nx\na\ny\n", b""):
        assert hunk_units(other, base, head, "x.py") is None


def test_constants_on_neighbouring_lines_are_chosen_one_by_one_in_python_only() -> None:
    base, head = b"A = 1\nB = 1\n", b"A = 2\nB = 2\n"
    assert hunk_units(b"A = 1\nB = 2\n", base, head, "x.py") == (1,)
    assert hunk_units(b"A = 1\nB = 2\n", base, head, "x.sh") is None


@pytest.mark.parametrize(
    ("words", "changes", "fit"),
    [
        ("a: 1 -> 2; b: 1 -> 2", ["b: 1 -> 2", "a: 1 -> 2"], True),
        ("a: 1 -> 2", ["b: 1 -> 2", "a: 1 -> 2"], False),
        ("a: 1 -> 2; b: 1 -> 2; more", ["b: 1 -> 2", "a: 1 -> 2"], False),
        ("a: 1 -> 22", ["a: 1 -> 2"], False),
        ("", ["a: 1 -> 2"], False),
    ],
)
def test_words_are_the_changes_and_nothing_else(words: str, changes: list[str], fit: bool) -> None:
    assert says(words, changes) == fit
