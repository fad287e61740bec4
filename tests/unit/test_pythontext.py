"""Which Python contents mean the same: comments, blank lines and spacing do not count, everything else does."""

from __future__ import annotations

import pytest

from harness.documents import canonical_id

CODE = "def f(a):\n    return a + 1  # one more\n"


def same(one: str | bytes, other: str | bytes) -> bool:
    first, second = (text.encode() if isinstance(text, str) else text for text in (one, other))
    return canonical_id(first, "x.py") == canonical_id(second, "x.py")


@pytest.mark.parametrize(
    "other",
    [
        "def f(a):\n    return a + 1\n",
        "# a comment\n\ndef f(a):\n\n    # another\n    return a+1",
        "def f(a):\n  return a + 1\n",
        "def f(a):\r\n    return a + 1\r\n",
        "def f(a):\n    return a \\\n        + 1\n",
    ],
)
def test_comments_and_spacing_do_not_count(other: str) -> None:
    assert same(CODE, other)


@pytest.mark.parametrize(
    "other",
    [
        "def f(a):\n    return a + 2\n",
        "def f(a):\n    'one more'\n    return a + 1\n",
        "def f(a):\n    return a\n+ 1\n",
        "def f(a):\n    return a + 1\nreturn\n",
        'def f(a):\n    return a + "1"\n',
    ],
)
def test_everything_else_counts(other: str) -> None:
    assert not same(CODE, other)


def test_the_depth_of_a_line_counts() -> None:
    assert not same("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n")


@pytest.mark.parametrize("code", ["x = 'a' 'b'\n", "x = 'a  b'\n", "x = f'{a}'\n"])
def test_what_stands_in_a_text_counts(code: str) -> None:
    assert same(code, f"{code}# a comment\n")
    assert not same(code, code.replace("a", "a ", 1))


def test_a_comment_that_says_how_bytes_are_read_counts() -> None:
    assert not same("# -*- coding: latin-1 -*-\nx = 'é'\n", "x = 'é'\n")


@pytest.mark.parametrize("broken", ["x = (\n", "x = '''\n", "if a:\n        b\n    c\n", "x = $\n"])
def test_what_is_no_python_is_counted_by_its_bytes(broken: str) -> None:
    assert same(broken, broken)
    assert not same(broken, f"{broken}# a comment\n")


def test_bytes_that_are_no_text_are_counted_as_they_are() -> None:
    assert not same(b"\xff", b"\xfe")


def test_deep_nesting_takes_nothing_with_it() -> None:
    deep = "x = " + "(" * 100_000 + "1" + ")" * 100_000 + "\n"
    assert same(deep, f"{deep}# a comment\n")


def test_a_line_more_counts() -> None:
    assert same("a\n", "a\n\n\n")
    assert not same("a\n", "a\na\n")
