"""Data files: what they mean, where each value stands, what a splice leaves alone, and what a hostile one may cost."""

from __future__ import annotations

import copy
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness import documents
from harness.documents import Document, ParseLimits, ParseProblem, Scalar, Span, canonical_id, leaves, parse, splice
from harness.errors import InvalidCandidate

QUICK = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SECONDS = 5.0  # far above what is needed, far below what expansion would take

numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=12)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)
# YAML 1.1 and 1.2 read words such as 1e3 differently; words without digits mean the same in both.
words = st.text(alphabet="abkxyzäß€😀 -_:#'\"{}[],&*!|>%@`~?/\\\n\t", max_size=15)
yaml_trees = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
)
replacements = st.none() | st.booleans() | numbers | st.text(alphabet="abc -_:#'\"{}[],&*!0123.e~\n", max_size=10)


def as_json(data: Any, indent: int | None, ascii_only: bool) -> str:
    return json.dumps(data, indent=indent, ensure_ascii=ascii_only)


def as_yaml(data: Any, flow: bool | None) -> str:
    return yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True, sort_keys=False)


def same(one: Any, other: Any) -> bool:
    """Equal in value and type: 1, 1.0 and True are three things."""
    return repr(one) == repr(other)


def at(data: Any, pointer: str) -> Any:
    for segment in pointer.split("/")[1:]:
        data = data[int(segment)] if isinstance(data, list) else data[documents.unescape(segment)]
    return data


def put(data: Any, pointer: str, value: Scalar) -> Any:
    """`data` with one leaf replaced."""
    if not pointer:
        return value
    data = copy.deepcopy(data)
    inner = at(data, pointer.rpartition("/")[0])
    last = pointer.rpartition("/")[2]
    inner[int(last) if isinstance(inner, list) else documents.unescape(last)] = value
    return data


def without(text: str, spans: list[Span]) -> str:
    """What stands outside these spans."""
    for span in sorted(spans, key=lambda span: -span.start):
        text = text[: span.start] + "\0" + text[span.end :]
    return text


def check_places(text: str, document: Document) -> None:
    for span in [*document.spans.values(), *document.keys.values()]:
        assert 0 <= span.start <= span.end <= len(text)
        assert span.line == text.count("\n", 0, span.start) + 1
        assert span.column == span.start - text.rfind("\n", 0, span.start)


def check_splice(text: str, name: str, chosen: random.Random, values: list[Scalar]) -> None:
    """Replaces some leaves and holds the result against the same change made to the data."""
    document = parse(text.encode(), name)
    pointers = [pointer for pointer, _value in leaves(document.data)]
    changes = dict(zip(chosen.sample(pointers, min(len(pointers), len(values))), values, strict=False))
    wanted = document.data
    for pointer, value in changes.items():
        wanted = put(wanted, pointer, value)
    after = splice(text, document, changes, name)
    again = parse(after.encode(), name)
    assert same(again.data, wanted)
    assert without(after, [again.spans[p] for p in changes]) == without(text, [document.spans[p] for p in changes])


@QUICK
@given(trees, st.sampled_from([None, 0, 1, 4]), st.booleans())
def test_json_means_what_the_standard_library_says(data: Any, indent: int | None, ascii_only: bool) -> None:
    text = as_json(data, indent, ascii_only)
    if not ascii_only:
        text = text.encode("utf-8", errors="replace").decode()  # a lone surrogate cannot be in a file
    try:
        wanted = json.loads(text, object_pairs_hook=no_duplicates)
    except ValueError:
        return  # replacing surrogates made two keys one
    document = parse(text.encode(), "x.json")
    assert same(document.data, wanted)
    check_places(text, document)
    for pointer, span in document.spans.items():
        assert same(json.loads(text[span.start : span.end]), at(document.data, pointer))


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("twice")
    return dict(pairs)


def refuse(word: str) -> Any:
    raise ValueError(word)


@QUICK
@given(trees, st.integers(0, 10_000), st.sampled_from([*'{}[],:"0.-e tfn\\/', "\n", "", "\x00", "NaN", "Infinity"]))
@example({"a": 1}, 5, "0")
@example([1], 1, "+")
def test_damaged_json_is_refused_exactly_when_the_standard_library_refuses_it(
    data: Any, where: int, damage: str
) -> None:
    text = as_json(data, None, ascii_only=True)
    where %= len(text)
    text = text[:where] + damage + text[where + 1 :]
    try:
        wanted = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=refuse)
    except ValueError:
        with pytest.raises(ParseProblem):
            parse(text.encode(), "x.json")
        return
    if any(isinstance(value, float) and value in (float("inf"), float("-inf")) for _pointer, value in leaves(wanted)):
        return  # 1e999: infinity to the standard library, refused here
    assert same(parse(text.encode(), "x.json").data, wanted)


@QUICK
@given(yaml_trees, st.sampled_from([True, False, None]))
def test_yaml_means_what_was_dumped(data: Any, flow: bool | None) -> None:
    text = as_yaml(data, flow)
    document = parse(text.encode(), "x.yaml")
    assert same(document.data, data)
    check_places(text, document)


@QUICK
@given(trees, st.sampled_from([None, 2]), st.lists(replacements, min_size=1, max_size=4), st.randoms())
def test_a_splice_into_json_keeps_every_other_character(
    data: Any, indent: int | None, values: list[Scalar], chosen: random.Random
) -> None:
    check_splice(as_json(data, indent, ascii_only=True), "x.json", chosen, values)


@QUICK
@given(yaml_trees, st.sampled_from([True, False]), st.lists(replacements, min_size=1, max_size=4), st.randoms())
def test_a_splice_into_yaml_keeps_every_other_character(
    data: Any, flow: bool, values: list[Scalar], chosen: random.Random
) -> None:
    check_splice(as_yaml({"root": data}, flow), "x.yaml", chosen, values)


def test_a_splice_keeps_comments_quotes_and_line_ends() -> None:
    text = "# head\r\na:   1   # one\r\nb: 'two' # quoted\r\nc: [ 3,4 ]\r\n\"d\": {x: yes}\r\n"
    document = parse(text.encode(), "x.yaml")
    after = splice(text, document, {"/a": 7, "/b": "zwei", "/c/1": 0.5, "/d/x": "no"}, "x.yaml")
    assert after == '# head\r\na:   7   # one\r\nb: "zwei" # quoted\r\nc: [ 3,0.5 ]\r\n"d": {x: no}\r\n'


@pytest.mark.parametrize(
    ("text", "pointer", "value"),
    [
        pytest.param(
            "a:\nb: 1\n",
            "/a",
            5,
            id="a value that is not there",
        ),
        pytest.param("a: {b: , c: 1}\n", "/a/b", 5, id="a value that is not there, within braces"),
        pytest.param(
            "a: |\n  long\n  text\nb: 1\n",
            "/a",
            "short",
            id="a block of text",
        ),
        pytest.param(
            "a: >-\n  long\n  text\n\nb: 1\n",
            "/a",
            "short",
            id="a folded block",
        ),
        pytest.param(
            "a: x\n",
            "/a",
            "go 🚀",
            id="beyond the basic plane",
        ),
        pytest.param("a: x\n", "/a", "a\x7fb", id="a control character"),
        pytest.param("a: x\n", "/a", "", id="empty text"),
        pytest.param("a: x\n", "/a", "null", id="a word that means nothing"),
        pytest.param("a: x\n", "/a", "1e3", id="a word that means a number"),
        pytest.param("a: x\n", "/a", "- b", id="a word that means a list"),
        pytest.param("a: 1\n", "/a", 1e300, id="a large number"),
        pytest.param("a: 1\n", "/a", -1e-7, id="a small number"),
    ],
)
def test_a_splice_into_yaml_can_be_read_again(text: str, pointer: str, value: Scalar) -> None:
    document = parse(text.encode(), "x.yaml")
    after = splice(text, document, {pointer: value}, "x.yaml")
    assert same(parse(after.encode(), "x.yaml").data, put(document.data, pointer, value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("true", True), ("FALSE", False),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("nULL", "nULL"),
        ("1", 1), ("-7", -7), ("+3", 3), ("010", 10), ("0x10", "0x10"), ("1_000", "1_000"),
        ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015), ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("'1'", "1"), ('"true"', "true"),
    ],
)  # fmt: skip
def test_unquoted_words_of_yaml(text: str, value: Scalar) -> None:
    assert same(parse(f"[{text} ]".encode() if text else b"[~]", "x.yaml").data, [value])


@QUICK
@given(trees, st.randoms())
def test_the_same_data_has_one_canonical_id(data: Any, chosen: random.Random) -> None:
    plain = as_json(data, None, ascii_only=True).encode()
    shuffled = as_json(shuffle(data, chosen), 3, ascii_only=True).encode()
    assert canonical_id(plain, "a.json") == canonical_id(shuffled, "b.JSON")


def shuffle(data: Any, chosen: random.Random) -> Any:
    if isinstance(data, list):
        return [shuffle(inner, chosen) for inner in data]
    if isinstance(data, dict):
        return {key: shuffle(data[key], chosen) for key in chosen.sample(list(data), len(data))}
    return data


@QUICK
@given(yaml_trees)
def test_yaml_and_json_of_the_same_data_have_one_canonical_id(data: Any) -> None:
    assert canonical_id(as_yaml(data, None).encode(), "a.yml") == canonical_id(
        as_json(data, None, ascii_only=True).encode(), "a.json"
    )


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("a: 1", "{a: 1.0} # same", True), ("a: 100", "a: 1e2", True), ("a: 0", "a: -0.0", True),
        ("a: 1\nb: 2", "b: 2\na: 1", True), ("a: x", "'a': \"x\"", True), ("a: ~", "a:", True),
        ("a: 1", "a: '1'", False), ("a: 1", "a: true", False), ("a: 0", "a: false", False), ("a: ''", "a:", False),
        ("[1, 2]", "[2, 1]", False), ("a: 1", "b: 1", False), ("a: {}", "a: []", False),
        ("a: 9007199254740993", "a: 9007199254740992", False), ("a: 0.1", "a: 0.10000000000000002", False),
    ],
)  # fmt: skip
def test_canonical_id_of_yaml(one: str, other: str, equal: bool) -> None:
    assert (canonical_id(one.encode(), "x.yaml") == canonical_id(other.encode(), "x.yaml")) is equal


def test_canonical_id_of_text_and_code_counts_every_byte() -> None:
    for name in ("x.c", "x.txt", "x.md", "x.csv", "x"):
        assert canonical_id(b"a: 1", name) == canonical_id(b"a: 1", name)
        assert canonical_id(b"a: 1", name) != canonical_id(b"a:  1", name)
    assert canonical_id(b"\xff", "x.py") != canonical_id(b"\xfe", "x.py")


@pytest.mark.parametrize(
    ("name", "content", "what", "line", "column"),
    [
        ("x.json", b'{"a": 1,\n "a": 2}', "the key a stands twice", 2, 2),
        ("x.json", b"[NaN]", "a value is expected", 1, 2),
        ("x.json", b"[1e999]", "not a finite number", 1, 2),
        ("x.json", b"[1] 2", "something follows the JSON value", 1, 5),
        ("x.json", b"", "a value is expected", 1, 1),
        ("x.json", b"[1,]", "a value is expected", 1, 4),
        ("x.json", "[1\u0662]".encode(), ", is expected", 1, 3),
        ("x.json", "[1.\u0662]".encode(), ", is expected", 1, 3),
        ("x.json", b"[1" + b"0" * 309 + b"]", "not a finite number", 1, 2),
        ("x.json", b'["\n"]', "Invalid control character at", 1, 3),
        ("x.json", b"\xef\xbb\xbf{}", "starts with a byte order mark; save it as plain UTF-8", 1, 1),
        ("x.json", b"[\xff]", "not UTF-8 at byte 1", 0, 0),
        ("x.yaml", b"a: 1\nb: 2\na: 3", "the key a stands twice", 3, 1),
        ("x.yaml", b"a: 1\n'a': 3", "the key a stands twice", 2, 1),
        ("x.yaml", b"a: &x 1", "anchors (&name) are not allowed", 1, 4),
        ("x.yaml", b"a: [*x]", "aliases (*name) are not allowed", 1, 5),
        ("x.yaml", b"a: !!int 1", "tags are not allowed: tag:yaml.org,2002:int", 1, 4),
        ("x.yaml", b"<<: {a: 1}\na: !x {}", "tags are not allowed: !x", 2, 4),
        ("x.yaml", b"--- 1\n--- 2", "holds more than one YAML document", 2, 1),
        ("x.yaml", b"a: .nan", "not a number that can be used: .nan", 1, 4),
        ("x.yaml", b"[[a]: 1]", "a key must be a plain word, not a list or mapping", 1, 2),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(name: str, content: bytes, what: str, line: int, column: int) -> None:
    with pytest.raises(ParseProblem) as caught:
        parse(content, name)
    assert (caught.value.what, caught.value.line, caught.value.column) == (what, line, column)


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.toml"])
def test_nesting_is_allowed_up_to_the_limit(name: str) -> None:
    limits = ParseLimits(depth=5)
    prefix, deepest = (b"a = ", 4) if name == "x.toml" else (b"", 5)
    parse(prefix + b"[" * deepest + b"]" * deepest, name, limits)
    with pytest.raises(ParseProblem, match="nested"):
        parse(prefix + b"[" * (deepest + 2) + b"]" * (deepest + 2), name, limits)


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.toml", "x.txt"])
def test_size_is_allowed_up_to_the_limit(name: str) -> None:
    content = b"a = 1   " if name == "x.toml" else b"123     "
    parse(content, name, ParseLimits(size=8))
    with pytest.raises(ParseProblem, match="larger than 7 bytes"):
        parse(content, name, ParseLimits(size=7))


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.toml"])
def test_values_are_counted(name: str) -> None:
    text = b"[" + b"1," * 20 + b"1]"
    text = b"a = " + text if name == "x.toml" else text
    parse(text, name, ParseLimits(values=30))
    with pytest.raises(ParseProblem, match="values"):
        parse(text, name, ParseLimits(values=15))


BOMBS = {
    "aliases.yaml": b"a: &a [x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(20)
    ),
    "merge.yaml": b"a: &a {x: 1}\nb: {<<: *a}\n" * 1000,
    "deep.yaml": b"[" * 1_000_000,
    "deep-mapping.yaml": b"{a: " * 500_000,
    "deep-block.yaml": b"\n".join(b" " * i + b"a:" for i in range(2000)),
    "dashes.yaml": b"- " * 1_000_000,
    "digits.yaml": b"a: " + b"9" * 3_000_000,
    "wide.yaml": b"[" + b"1," * 1_500_000 + b"1]",
    "quotes.yaml": b"'" * 3_000_001,
    "anchors.yaml": b"".join(b"- &a%d x\n" % i for i in range(100_000)),
    "deep.json": b"[" * 1_000_000,
    "deep-mapping.json": b'{"a":' * 500_000,
    "digits.json": b"[" + b"9" * 3_000_000 + b"]",
    "fraction.json": b"[0." + b"9" * 3_000_000 + b"]",
    "exponent.json": b"[1e" + b"9" * 3_000_000 + b"]",
    "wide.json": b"[" + b"1," * 1_500_000 + b"1]",
    "escapes.json": b'"' + b"\\" * 3_000_001,
    "spaces.json": b" " * 4_000_000 + b"x",
    "deep.toml": b"a = " + b"[" * 1_000_000,
    "dotted.toml": b"a" + b".a" * 1_000_000 + b" = 1",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_is_refused_in_bounded_time(name: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidCandidate):
        documents.load_bytes(BOMBS[name], name)
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("x.yaml", 308),
        pytest.param("x.yaml", 309),
        pytest.param("x.yaml", 400),
        ("x.yaml", 401),
        ("x.json", 309),
        ("x.json", 401),
        ("x.toml", 309),
        pytest.param("x.toml", 5000),
    ],
)
def test_a_long_whole_number_is_read_or_refused(name: str, digits: int) -> None:
    content = (b"a = " if name == "x.toml" else b"") + b"9" * digits
    data, refusal = outcome(content, name)
    assert refusal.startswith(name) or (data and canonical_id(content, name))


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_what_no_json_number_can_say_is_refused_in_toml_too(word: str) -> None:
    with pytest.raises(InvalidCandidate):
        documents.load_bytes(f"a = {word}".encode(), "x.toml")


def outcome(content: bytes, name: str) -> tuple[Any, str]:
    """The data, or the words of the refusal. Any other exception is a bug."""
    try:
        return documents.load_bytes(content, name), ""
    except InvalidCandidate as refusal:
        return None, str(refusal)


@settings(QUICK, max_examples=250)
@given(
    st.binary(max_size=40) | st.text(alphabet="ab01.e+-_~:,#'\"[]{}&*!|>%@?\\ \n\t=\u2028\ufeff😀", max_size=30),
    st.sampled_from(["x.yaml", "x.json", "x.toml", "x.md"]),
)
def test_any_bytes_are_data_or_a_clear_refusal(content: bytes | str, name: str) -> None:
    content = content.encode() if isinstance(content, str) else content
    data, refusal = outcome(content, name)
    if refusal:
        assert refusal.startswith(name)
        return
    assert canonical_id(content, name)
    for _pointer, value in leaves(data):
        assert value is None or isinstance(value, (str, int, float, bool))


def test_load_says_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidCandidate, match=r"none\.yaml: cannot be read: No such file"):
        documents.load(tmp_path / "none.yaml")
    with pytest.raises(InvalidCandidate, match="cannot be read"):
        documents.load(tmp_path)
    (tmp_path / "a.yaml").write_text("a: 1")
    assert documents.load(tmp_path / "a.yaml") == {"a": 1}
    with pytest.raises(InvalidCandidate, match="larger than 3 bytes"):
        documents.load(tmp_path / "a.yaml", ParseLimits(size=3))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.yaml", True), ("a.YML", True), ("a.json", True), ("a.toml", True), ("a.txt", True), ("a.md", True),
     ("a.csv", True), ("a.py", False), ("a", False), ("yaml", False), ("a.yaml.py", False), ("a.html", False)],
)  # fmt: skip
def test_what_is_data(name: str, data: bool) -> None:
    assert documents.is_data(name) is data
