"""JSON in the style of another text: what a program wrote comes out again to the letter, and a change shows alone."""

from __future__ import annotations

import difflib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.documents.jsonstyle import rewritten

numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=8) | st.sampled_from(["<b>&'=/", "é", "😀", "\u2028", "\x7f", "\\u003c", '"', "\n\t\x01"])
trees = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
indents: list[int | str | None] = [None, 0, 1, 2, 4, "\t"]
separators = [None, (",", ":"), (",", ": "), (",", " : "), (", ", ": ")]
DATA = {
    "name": "a <b> & 'c' = d/é😀\u2028\x7f\\u003c\n", "numbers": [1.0, 2, 1e30, -0.5, 0], "nothing": [[], {}, None],
    "deep": [[[{"x": [True, False]}]]], "é": "key",
}  # fmt: skip


def carefully(text: str, letters: str, *, upper: bool = False) -> str:
    """As writers do that think of pages."""
    for letter in letters:
        text = text.replace(letter, f"\\u{ord(letter):04X}" if upper else f"\\u{ord(letter):04x}")
    return text


@settings(max_examples=150, deadline=None, derandomize=True)
@given(trees, st.sampled_from(indents), st.booleans(), st.sampled_from(separators), st.sampled_from(["", "\n"]))
def test_what_the_standard_library_writes_comes_out_again(
    data: Any, indent: Any, ascii_only: bool, separator: Any, end: str
) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only, separators=separator) + end
    assert rewritten(json.loads(text), text) == text


@pytest.mark.parametrize(("indent", "newline"), list(itertools.product(indents, ["\n", "\r\n"])))
def test_what_other_writers_escape_stays_escaped(indent: Any, newline: str) -> None:
    plain = json.dumps(DATA, indent=indent, ensure_ascii=False)
    gson, go = carefully(plain, "<>&='"), carefully(plain, "<>&\u2028")
    php = json.dumps(DATA, indent=indent).replace("/", "\\/")
    shouted = carefully(plain, "<>&é", upper=True)
    for written in (gson, go, php, shouted):
        text = written.replace("\n", newline) + newline
        assert rewritten(json.loads(text), text) == text


@pytest.mark.parametrize(
    "text",
    ['{"a": 1.50, "b": 1E5, "c": "\\u0041b"}', "[ ]", '{ "a": [ ], "b": { } }', "7", '  {"a":1}', '{"a":[1,[2,{}]]}'],
)
def test_odd_spellings_stay(text: str) -> None:
    assert rewritten(json.loads(text), text) == text


def test_what_is_new_is_spelled_as_the_file_spells_its_like() -> None:
    gson = '{\n    "a": "x \\u003d 1"\n}\n'
    assert rewritten({"a": "x = 1", "b": "<i>'&"}, gson) == (
        '{\n    "a": "x \\u003d 1",\n    "b": "\\u003ci\\u003e\\u0027\\u0026"\n}\n'
    )
    assert rewritten({"b": "é/="}, '{"a": "x = /"}') == '{"b": "é/="}'
    assert rewritten({"b": "é😀"}, '{"a": "\\u00e8"}') == '{"b": "\\u00e9\\ud83d\\ude00"}'
    assert rewritten({"b": "</s>"}, '{"a":"<\\/p>"}') == '{"b":"<\\/s>"}'


def test_half_a_character_stays_escaped() -> None:
    text = '{"a": "x\\ud800", "b": "\u00e9"}'
    assert rewritten(json.loads(text), text) == text
    assert rewritten({"a": "y\ud800"}, text).encode() == b'{"a": "y\\ud800"}'


def test_a_change_shows_alone() -> None:
    text = json.dumps({"tags": [{"name": f"tag {n}", "type": "html"} for n in range(30)]}, indent=2)
    data = json.loads(text)
    data["tags"][7]["name"] = "another"
    data["tags"].insert(12, {"name": "new"})
    lines = list(difflib.ndiff(text.splitlines(), rewritten(data, text).splitlines()))
    assert sum(line.startswith("+ ") for line in lines) == 4
    assert sum(line.startswith("- ") for line in lines) == 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trees, trees, st.sampled_from(indents))
def test_any_data_survives_any_style(data: Any, like: Any, indent: Any) -> None:
    text = rewritten(data, carefully(json.dumps(like, indent=indent, ensure_ascii=False), "<>&='"))
    assert json.dumps(json.loads(text)) == json.dumps(data)
