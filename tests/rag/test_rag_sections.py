"""How documentation becomes sections, queries and judgements."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

TARGET = Path(__file__).parents[2] / "targets" / "experiments" / "rag-config"

PAGE = """
.. _top:

=====
Pools
=====

A pool keeps connections open, so the next who asks waits less. More
of it in :class:`.QueuePool` and ``max_overflow``::

    pool = QueuePool(size=5)

.. note:: Not for :ref:`lite`, nor for :func:`~sqlalchemy.create_engine`.

.. seealso::

    :ref:`lite` - what a database in one file can do without

    :ref:`top`

.. toctree::
   :maxdepth: 1

   other

.. _lite:
.. _lite_again:

One file
--------

See :ref:`how pools wait <top>`, or `this <https://example.org>`_. **Bold** words.

>>> code()
1

Inner
^^^^^

:orphan:

.. sourcecode:: sql

    SELECT 1

Last
----
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TARGET / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[dict[str, ModuleType]]:
    """judgements.py imports sections.py as its neighbour; the names are free again afterwards."""
    yield {name: load(name) for name in ("sections", "judgements")}
    for name in ("sections", "judgements"):
        del sys.modules[name]


def test_a_page_becomes_sections(modules: dict[str, ModuleType]) -> None:
    pools, lite, inner, last = modules["sections"].read("page", PAGE)
    assert [(one.id, one.title, one.above) for one in (pools, lite, inner, last)] == [
        ("page#0", "Pools", ()),
        ("page#1", "One file", ("Pools",)),
        ("page#2", "Inner", ("Pools", "One file")),
        ("page#3", "Last", ("Pools",)),
    ]
    assert (pools.labels, set(lite.labels), inner.labels) == (("top",), {"lite", "lite_again"}, ())
    assert pools.code == ["pool = QueuePool(size=5)"]
    assert [(note.label, note.text) for note in pools.notes] == [("lite", "what a database in one file can do without")]
    assert [(link.label, link.text) for link in lite.links()] == [("top", "how pools wait")]
    assert (lite.code, inner.code, inner.prose, last.prose) == ([">>> code() 1"], ["SELECT 1"], [], [])


def test_markup_reads_as_a_reader_sees_it(modules: dict[str, ModuleType]) -> None:
    plain, (pools, lite, *_) = modules["sections"].plain, modules["sections"].read("page", PAGE)
    titles = {"lite": "One file"}
    assert [plain(text, titles) for text in pools.prose] == [
        "A pool keeps connections open, so the next who asks waits less. More of it in QueuePool and max_overflow:",
        "Not for One file, nor for create_engine.",
    ]
    assert plain(lite.prose[0], titles) == "See how pools wait, or this. Bold words."
    assert plain(":ref:`unknown` here", titles) == "here"


def test_the_documentation_says_what_answers_a_query(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules["judgements"], "LEFT", 5)
    documents, queries = modules["judgements"].derive(modules["sections"].read("page", PAGE))
    opening = "A pool keeps connections open, so the next who asks waits less."
    assert [(query.id, query.text) for query in queries] == [
        ("opening:page#0", opening),
        ("link:page#0", "how pools wait"),
        ("note:page#1", "what a database in one file can do without"),
    ]
    assert [document.id for document in documents] == ["page#0", "page#1", "page#2"], "an empty section is none"
    assert documents[0].text.startswith("More of it in QueuePool")
    assert all(opening not in document.text for document in documents)
    assert queries[0].split == queries[1].split, "queries for one section lie in one half"


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"how pools wait <top>": "Pools <top>"}, "link:page#0"),
        ({"how pools wait <top>": "pools <top>"}, "link:page#0"),
        ({"how pools wait <top>": "how pools wait <nowhere>"}, "link:page#0"),
        ({"- what a database in one file can do without": "- one file"}, "note:page#1"),
        (
            {"A pool keeps connections open, so the next who asks waits less. More": "A pool. More"},
            "opening:page#0",
        ),
    ],
)
def test_what_tells_nothing_is_left_out(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, change: dict[str, str], gone: str
) -> None:
    monkeypatch.setattr(modules["judgements"], "LEFT", 5)

    def ids(page: str) -> set[str]:
        return {query.id for query in modules["judgements"].derive(modules["sections"].read("page", page))[1]}

    page = PAGE
    for old, new in change.items():
        assert old in page
        page = page.replace(old, new)
    assert ids(PAGE) - ids(page) == {gone}


def test_the_same_words_are_asked_once(modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules["judgements"], "LEFT", 5)
    page = PAGE.replace("what a database in one file can do without", "How pools wait indeed")
    page = page.replace("how pools wait <top>", "how pools wait indeed <top>").replace("See ", "")
    _, queries = modules["judgements"].derive(modules["sections"].read("page", page))
    assert [query.id for query in queries] == ["opening:page#0", "link:page#0"]
