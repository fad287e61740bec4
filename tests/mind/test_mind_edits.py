"""Every form of an edit, and every way in which one can be wrong."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.proposers.mind import answer
from bot.proposers.mind.edits import HINTS, Form, apply, usual_form
from bot.proposers.mind.wrong import Wrong
from harness.documents import load_bytes
from tests import proposing
from tests.minds import Night
from tests.minds import answer as answering

TEXT = b"alpha\nbeta\ngamma\nbeta two\n"
YAML = b"""# weights of an account
weights:
  logins: 5      # per week
  "odd key": 1
  tickets: -3

# what comes after
tags: [a, b]     # a short list
steps:
  - name: one    # first
    size: 1
  - name: two
"""
JSON = b'{\n    "a": 1.5,\n    "list": [1, 2,   3],\n    "deep": {\n        "x": "y"\n    }\n}\n'


def block(search: str, replacement: str) -> dict[str, str]:
    return {"search": search, "replace": replacement}


def blocks(*pairs: tuple[str, str]) -> bytes:
    return apply("blocks", [block(*pair) for pair in pairs], TEXT, "x.txt")


def patch(content: bytes, file: str, *operations: dict[str, Any]) -> bytes:
    filled = [{"from": "", "value": None, "structure": "", **operation} for operation in operations]
    return apply("patch", filled, content, file)


def says(form: Form, found: list[dict[str, Any]], content: bytes, file: str) -> str:
    with pytest.raises(Wrong) as wrong:
        apply(form, found, content, file)
    return wrong.value.what


@pytest.mark.parametrize(
    ("pairs", "after"),
    [
        ([("alpha", "ALPHA")], b"ALPHA\nbeta\ngamma\nbeta two\n"),
        ([("beta two", "last"), ("alpha\n", "")], b"beta\ngamma\nlast\n"),
        ([("alpha\nbeta\n", "x\n"), ("gamma\n", "gamma\nalpha\nbeta\n")], b"x\ngamma\nalpha\nbeta\nbeta two\n"),
    ],
)
def test_blocks(pairs: list[tuple[str, str]], after: bytes) -> None:
    assert blocks(*pairs) == after


@pytest.mark.parametrize(
    ("pairs", "part"),
    [
        ([], "there are no edits"),
        ([("", "x")], "its search text is empty"),
        ([("beta", "x")], "more than once (first in line 2: 'beta' and line 4: 'beta two')"),
        ([("gama", "x")], "does not stand in the file as it is now; most like it is line 3: 'gamma'"),
        ([("alpha\nbeta\ng", "x"), ("gamma", "y")], "edits 1 and 2 overlap"),
        ([("alpha", "x"), ("alpha", "y")], "edits 1 and 2 overlap"),
        ([("nowhere", "x"), ("beta", "y")], "edit 1: its search text does not stand in the file as it is now; edit 2"),
        ([("alpha", "\ud800")], "half of a surrogate pair"),
    ],
)
def test_blocks_that_are_wrong(pairs: list[tuple[str, str]], part: str) -> None:
    assert part in says("blocks", [block(*pair) for pair in pairs], TEXT, "x.txt")


def test_matches_that_overlap_each_other_are_two() -> None:
    assert "more than once" in says("blocks", [block("aa", "b")], b"aaa", "x.txt")


def test_a_search_text_is_not_looked_for_in_what_other_edits_wrote() -> None:
    assert "does not stand" in says("blocks", [block("alpha", "new"), block("new", "x")], TEXT, "x.txt")


def test_lines_keep_the_ends_that_they_have() -> None:
    assert apply("blocks", [block("a\nb", "a\nc\nd")], b"a\r\nb\r\ne\r\n", "x.txt") == b"a\r\nc\r\nd\r\ne\r\n"


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    assert apply("blocks", [block("b", "c")], b"\xff b", "x.txt") == b"\xff c"


@given(st.text("ab\n\r \t\u00e9", max_size=30), st.data())
@settings(max_examples=60, deadline=None)
def test_a_block_that_stands_once_is_replaced_and_nothing_else(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    search = text[start : data.draw(st.integers(start, len(text)))]
    once = search and text.find(search) == text.rfind(search)
    windows = "\r\n" in text and text.count("\n") == text.count("\r\n")
    if not once or windows:
        return
    found = apply("blocks", [block(search, "#")], text.encode(), "x.txt")
    assert found == (text[: text.index(search)] + "#" + text[text.index(search) + len(search) :]).encode()


def test_the_whole_file() -> None:
    assert apply("whole", [{"content": "one\ntwo"}], TEXT, "x.txt") == b"one\ntwo\n"
    assert apply("whole", [{"content": "one\n"}], b"none", "x.txt") == b"one\n"
    assert "there are 2" in says("whole", [{"content": "a"}, {"content": "b"}], TEXT, "x.txt")


@pytest.mark.parametrize("head", ["@@ -1,2 +1,3 @@", "@@@ -1,2 +1,3 @@", "--- a\n+++ b\n@@ -1 +1 @@ word"])
def test_a_diff_is_no_whole_file(head: str) -> None:
    """What was tried is shown as diffs, and a small model answers in kind."""
    diff = f"{head}\n-one\n+two\n"
    assert "is a diff" in says("whole", [{"content": diff}], TEXT, "x.txt")
    assert apply("whole", [{"content": diff}], b"@@ -1 +1 @@\n-a\n+b\n", "x.patch") == diff.encode(), "a file of diffs"
    assert apply("whole", [{"content": "mail @@ -1 me\n"}], b"none", "x.txt") == b"mail @@ -1 me\n"


def test_values_are_put_in_their_places() -> None:
    found = patch(YAML, "x.yaml", {"op": "replace", "path": "/weights/logins", "value": 7.0},
                  {"op": "replace", "path": "/tags/1", "value": "c d"},
                  {"op": "test", "path": "/weights/tickets", "value": -3})  # fmt: skip
    assert found == YAML.replace(b"logins: 5", b"logins: 7").replace(b"[a, b]", b'[a, "c d"]')


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("1", "10", "10"), ("1", "-2", "-2"), ("1", "3.0", "3"), ("0.5", "2", "2"), ("1", "0.25", "0.25"),
        ("true", "false", "false"),
        # what says another kind is another kind, and the space or the evaluator says what it thinks of it
        ("1", "ten", "ten"), ("1", "true", '"true"'), ("true", "1", '"1"'), ("1", "[2]", '"[2]"'),
        ("1", "NaN", "NaN"), ("1", "", '""'), ("whole", "10", '"10"'),
    ],
)  # fmt: skip
def test_a_value_in_quotes_is_of_the_kind_that_it_replaces(before: str, said: str, after: str) -> None:
    found = patch(f"a: {before}\n".encode(), "x.yaml", {"op": "replace", "path": "/a", "value": said})
    wanted = load_bytes(f"a: {after}\n".encode(), "x.yaml")
    assert load_bytes(found, "x.yaml") == wanted
    assert type(load_bytes(found, "x.yaml")["a"]) is type(wanted["a"])


def test_what_is_added_and_removed_leaves_comments_and_order() -> None:
    found = patch(YAML, "x.yaml", {"op": "add", "path": "/weights/seats", "value": 2},
                  {"op": "remove", "path": "/weights/tickets"},
                  {"op": "add", "path": "/steps/-", "structure": '{"name": "three", "size": 3}'})  # fmt: skip
    data = load_bytes(found, "x.yaml")
    assert data["weights"] == {"logins": 5, "odd key": 1, "seats": 2}
    assert [step["name"] for step in data["steps"]] == ["one", "two", "three"]
    text = found.decode()
    for comment in ("# weights of an account", "# per week", "# a short list", "# first"):
        assert comment in text
    assert text.index("weights") < text.index("tags") < text.index("steps")
    kept = [line for line in YAML.decode().splitlines() if "tickets" not in line and line.strip()]
    assert [line for line in kept if line not in text.splitlines()] == []


def test_json_is_written_anew_no_further_than_it_changed() -> None:
    found = patch(JSON, "x.json", {"op": "add", "path": "/deep/z", "structure": "[1]"},
                  {"op": "add", "path": "/list/0", "value": 0})  # fmt: skip
    assert json.loads(found) == {"a": 1.5, "list": [0, 1, 2, 3], "deep": {"x": "y", "z": [1]}}
    assert found.startswith(b'{\n    "a": 1.5,\n    "list": [0, 1, 2, 3],\n    "deep": {\n        "x": "y",\n')
    assert found.endswith(b"    }\n}\n")


def test_operations_of_the_standard() -> None:
    found = patch(JSON, "x.json", {"op": "move", "from": "/a", "path": "/deep/a"},
                  {"op": "copy", "from": "/deep/x", "path": "/deep/w"})  # fmt: skip
    assert json.loads(found) == {"list": [1, 2, 3], "deep": {"x": "y", "a": 1.5, "w": "y"}}


def test_what_is_nested_too_deeply_is_wrong_and_nothing_more() -> None:
    night = Night(proposing.target({}, "x.json"), JSON.decode())
    deep = {"op": "add", "path": "/b", "from": "", "value": None, "structure": "[" * 100_000 + "]" * 100_000}
    found = night.ask(answering(deep), answering({**deep, "structure": "[1]"}))
    assert not found.failed
    assert "nested too deeply" in night.last


@pytest.mark.parametrize(("file", "content"), [("x.json", JSON), ("x.yaml", YAML)])
def test_copies_of_copies_end_before_they_fill_the_memory(file: str, content: bytes) -> None:
    doubled = [{"op": "copy", "from": "", "path": f"/x{n}", "value": None, "structure": ""} for n in range(200)]
    assert "would grow beyond" in says("patch", doubled, content, file)
    assert len(apply("patch", doubled[:3], content, file)) > 4 * len(content)


@pytest.mark.parametrize(("file", "content"), [("x.json", JSON), ("x.yaml", YAML)])
@pytest.mark.parametrize(
    "operation",
    [
        {"path": "/new", "value": "\ud800"},
        {"path": "/\ud800", "value": 1},
        {"path": "/new", "structure": '{"\\ud800": 1}'},
        {"path": "/new", "structure": '["\\ud800"]'},
    ],
)
def test_half_of_a_surrogate_pair_is_wrong(operation: dict[str, Any], file: str, content: bytes) -> None:
    wrong = says("patch", [{"op": "add", "from": "", "value": None, "structure": "", **operation}], content, file)
    assert "surrogate" in wrong or "cannot be written" in wrong


def test_an_escaped_half_of_a_pair_in_a_file_stays_as_it_is() -> None:
    assert patch(b'{"a": "\\ud800", "b": 1}', "x.json", {"op": "replace", "path": "/b", "value": 2}) == (
        b'{"a": "\\ud800", "b": 2}'
    )


def test_only_the_first_that_are_wrong_are_told_the_line_most_like_theirs() -> None:
    wrong = says("blocks", [block(f"betta {n}", "") for n in range(9)], TEXT, "x.txt")
    assert (wrong.count("does not stand"), wrong.count("most like it")) == (9, HINTS)


@pytest.mark.parametrize(
    ("operation", "part"),
    [
        ({"op": "replace", "path": "/nothing", "value": 1}, "edit 1 (replace /nothing)"),
        ({"op": "remove", "path": "/list/9"}, "edit 1 (remove /list/9)"),
        ({"op": "replace", "path": "a", "value": 1}, "edit 1 (replace a)"),
        ({"op": "test", "path": "/a", "value": 2}, "edit 1 (test /a)"),
        ({"op": "add", "path": "/b", "structure": "{"}, "edit 1: structure is not JSON"),
        ({"op": "move", "from": "/none", "path": "/b"}, "edit 1 (move /b)"),
        ({"op": "add", "path": "/list/x", "value": 1}, "edit 1 (add /list/x)"),
        ({"op": "replace", "path": "/a/b", "value": 1}, "edit 1 (replace /a/b)"),
    ],
)
def test_operations_that_are_wrong(operation: dict[str, Any], part: str) -> None:
    filled = [{"from": "", "value": None, "structure": "", **operation}]
    assert part in says("patch", filled, JSON, "x.json")


values = st.recursive(
    st.one_of(st.integers(-99, 99), st.booleans(), st.none(), st.sampled_from(["a", "b: c", "", "# d", "yes"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["k", "l", "m n"]), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(["one", "two", "three"]), values, min_size=1)


@given(documents, values, st.sampled_from(["yaml", "json"]))
@settings(max_examples=120, deadline=None)
def test_the_text_says_what_the_patch_means_or_is_refused(data: dict[str, Any], new: Any, kind: str) -> None:
    first, content = next(iter(data)), json.dumps(data, indent=2).encode()
    try:
        found = patch(content, f"x.{kind}", {"op": "replace", "path": f"/{first}", "structure": json.dumps(new)})
    except Wrong:
        assert kind == "yaml"  # JSON can always be written
        return
    assert load_bytes(found, f"x.{kind}") == data | {first: new}


@pytest.mark.parametrize(
    ("file", "content", "form"),
    [("a.yaml", b"", "patch"), ("a.JSON", b"", "patch"), ("a.txt", b"short", "whole"), ("a.py", b"x" * 3000, "blocks"),
     ("a.toml", b"x = 1", "whole")],
)  # fmt: skip
def test_the_usual_form(file: str, content: bytes, form: Form) -> None:
    assert usual_form(file, content) == form


def strict(schema: Any) -> bool:
    """Whether every object of a schema requires all its keys and allows no others."""
    if isinstance(schema, list):
        return all(map(strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema["additionalProperties"] is not False or schema["required"] != [*schema["properties"]]
    ):
        return False
    return all(map(strict, schema.values()))


@pytest.mark.parametrize("form", ["blocks", "whole", "patch", "container"])
@pytest.mark.parametrize("bounded", [True, False])
def test_schemas_are_strict(form: Form, bounded: bool) -> None:
    schema = answer.schema(form, bounded=bounded)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert strict(schema)
    assert schema["properties"]["edits"]["minItems"] == 1
    assert not strict({"type": "object", "properties": {"a": {}}, "required": [], "additionalProperties": False})


def test_a_description_is_one_line_of_at_most_five_hundred_characters() -> None:
    idea = answer.Idea("a\nb\u202e" * 300, "c\x00" * 300, ())
    assert len(idea.description) <= 500
    assert idea.description.isprintable()
