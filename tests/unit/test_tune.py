"""`tune` changes lines of a catalogue and nothing else, repeats nothing, ends, and replays; bad catalogues are told."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot import catalogue, proposers
from bot.proposers import Proposal, Request
from bot.proposers.tune import Tune
from harness import space
from harness.documents import canonical_id
from harness.errors import ConfigError
from harness.rule import Metric, Rule
from harness.target import Budget, Confirm, Evaluate, Target

FILE = "flags.conf"
BASE = """# how hard
-O1
# loops
    # -funroll-loops would go here
  -fno-inline

-g0
"""
CATALOGUE = """
- options: ["-O1", "-O2", "-O3"]
  why: how hard the compiler tries
- options: ["", -funroll-loops]
  after: "# loops"
- options: ["", -ftree-vectorize]
  after: "# loops"
- options: [-fno-inline, ""]
- options: ["", -fomit-frame-pointer]
"""


def target(file: str = FILE) -> Target:
    return Target(
        name="t", folder="", file=file, program=None, space=space.Space(), evaluate=Evaluate("process", ("true",), 1.0),
        locked=(), hidden=(), signal="", rule=Rule("primary", (Metric("m", "maximize"),)), sample=False, noise=None,
        confirm=Confirm(1.0, 12, "hunk"), proposer="tune", catalogue="catalogue.yaml",
        budget=Budget(10, None, 0.0, None), isolated=False, owner=None,
    )  # fmt: skip


class Files:
    """A source of these files."""

    label = "the test"

    def __init__(self, **contents: str) -> None:
        self._contents = {name.replace("_", "."): content.encode() for name, content in contents.items()}

    def modes(self) -> dict[str, str]:
        return dict.fromkeys(self._contents, "100644")

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self._contents[path] for path in paths}


def tune(seed: int = 1, listed: str = CATALOGUE, base: str = BASE) -> Tune:
    made = proposers.make(target(), seed, Files(catalogue_yaml=listed, flags_conf=base))
    assert isinstance(made, Tune)
    return made


def ask(proposer: Tune, content: str, first: int = 1, count: int = 1, tried: Iterable[str] = ()) -> list[Proposal]:
    return proposer.ask(Request(content.encode(), {}, first, count, frozenset(tried)))


def everything(proposer: Tune, content: str, count: int = 4) -> list[Proposal]:
    """All that it proposes against one incumbent until it is exhausted."""
    found: list[Proposal] = []
    tried = {canonical_id(content.encode(), FILE)}
    while proposals := ask(proposer, content, len(found) + 1, count, tried):
        assert len(proposals) <= count
        found += proposals
        tried |= {canonical_id(proposal.content, FILE) for proposal in proposals}
    return found


def test_one_entry_or_two_change_and_every_other_line_stays() -> None:
    options = {line for entry in catalogue.read(CATALOGUE.encode(), "c.yaml", FILE, BASE.encode()).entries
               for line in entry.options}  # fmt: skip
    for proposal in everything(tune(), BASE):
        lines = proposal.content.decode().splitlines()
        assert [line for line in lines if line.strip() not in options - {""}] == [
            "# how hard", "# loops", "    # -funroll-loops would go here", "", "-g0",
        ]  # fmt: skip
        assert 1 <= len(proposal.description.split(", ")) <= 2
    assert proposers.exists("tune")


def test_it_is_exhausted_after_every_change_of_one_and_of_two() -> None:
    found = everything(tune(), BASE)
    others = (2, 1, 1, 1, 1)
    pairs = sum(others[a] * others[b] for a in range(5) for b in range(a))
    assert len(found) == sum(others) + pairs
    assert len({proposal.content for proposal in found}) == len(found)
    assert BASE.encode() not in {proposal.content for proposal in found}


def test_the_words_say_what_changes() -> None:
    said = {proposal.description: proposal.content.decode() for proposal in everything(tune(), BASE)}
    assert said["-O1 -> -O3"] == BASE.replace("-O1", "-O3")
    assert said["add -funroll-loops"] == BASE.replace("# loops\n", "# loops\n-funroll-loops\n")
    assert said["remove -fno-inline"] == BASE.replace("  -fno-inline\n", "")
    assert said["add -fomit-frame-pointer"] == BASE + "-fomit-frame-pointer\n"
    both = "# loops\n-funroll-loops\n-ftree-vectorize\n"
    assert said["add -funroll-loops, add -ftree-vectorize"] == BASE.replace("# loops\n", both)


def test_indentation_and_line_ends_stay() -> None:
    base = "on:\r\n    -O1   \r\n    # loops\r\nend"
    proposals = everything(tune(listed=CATALOGUE.replace('- options: [-fno-inline, ""]\n', ""), base=base), base)
    found = {p.description: p.content.decode() for p in proposals}
    assert found["-O1 -> -O2"] == base.replace("-O1", "-O2")
    assert found["add -funroll-loops"] == base.replace("# loops\r\n", "# loops\r\n    -funroll-loops\r\n")
    assert found["add -fomit-frame-pointer"] == base + "\r\n-fomit-frame-pointer\r\n"


def test_the_same_options_give_the_same_text_whatever_the_way_there() -> None:
    """Added in either order, and taken away and added again: one content, so that it is tried once."""

    def step(content: str, words: str) -> str:
        (found,) = {p.content for p in everything(tune(), content) if p.description == words}
        return found.decode()

    one = step(step(BASE, "add -funroll-loops"), "add -ftree-vectorize")
    other = step(step(BASE, "add -ftree-vectorize"), "add -funroll-loops")
    assert one == other
    assert step(step(BASE, "remove -fno-inline"), "add -fno-inline") == BASE


def test_a_strange_incumbent_keeps_its_lines() -> None:
    strange = BASE.replace("-g0", "-g0\n-pipe")
    for proposal in everything(tune(), strange):
        assert b"-pipe" in proposal.content


def test_a_resumed_night_asks_the_same() -> None:
    straight = tune(7)
    whole = ask(straight, BASE, 1, 6)
    tried = {canonical_id(p.content, FILE) for p in whole[:3]} | {canonical_id(BASE.encode(), FILE)}
    assert ask(tune(7), BASE, 4, 3, tried) == whole[3:]
    assert ask(tune(8), BASE, 1, 6) != whole


def test_what_was_tried_is_not_proposed() -> None:
    first = {p.content: p for p in everything(tune(), BASE)}
    left = next(iter(first))
    tried = {canonical_id(content, FILE) for content in first if content != left}
    assert [p.content for p in ask(tune(3), BASE, 50, 5, tried)] == [left]
    assert ask(tune(3), BASE, 51, 5, {*tried, canonical_id(left, FILE)}) == []


BAD = [
    ("{}", "c.yaml:1:1: is not a list of entries"),
    ("- -O1\n", 'c.yaml:1:3: [0]: "-O1" is not a mapping with the key options'),
    ('- option: ["", a]\n', 'c.yaml:1:3: [0].option: unknown key; did you mean "options"?'),
    ("- options: [-O1]\n", "c.yaml:1:12: [0].options: needs a list of at least two lines"),
    ("- options: [-O1, 2]\n", "c.yaml:1:18: [0].options[1]: 2 is not one line of text"),
    ('- options: [-O1, "a\\nb"]\n', "is not one line of text"),
    ("- options: [-O1, -O2, -O1]\n", 'c.yaml:1:23: [0].options[2]: "-O1" stands twice'),
    ('- options: [-O1, " -O1"]\n', 'c.yaml:1:18: [0].options[1]: "-O1" stands twice'),
    (
        "- options: [-O1, -O2]\n- options: [-g0, -O2]\n",
        'c.yaml:2:18: [1].options[1]: "-O2" is an option of the entry in line 1 too',
    ),
    ("- options: [-O1, -g0]\n", "2 lines of flags.conf are options of this entry (lines 2, 7)"),
    ("- options: [-O2, -O3]\n", "c.yaml:1:12: [0].options: none of these lines stands in flags.conf"),
    ('- options: ["", -x]\n  after: "# lops"\n', 'c.yaml:2:10: [0].after: "# lops" is not a line of flags.conf'),
    ('- options: ["", -x]\n  after: "# lops"\n', 'did you mean "# loops"?'),
    ('- options: ["", -x]\n  after: -O1\n- options: [-O1, -O2]\n', '"-O1" is an option itself'),
    ('- options: ["", -x]\n  after: " "\n', "is an empty line, which names no place"),
]


@pytest.mark.parametrize(("listed", "said"), BAD)
def test_a_bad_catalogue_is_told_with_its_place(listed: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        catalogue.read(listed.encode(), "c.yaml", FILE, BASE.encode())
    assert said in str(raised.value)


def test_an_anchor_that_stands_twice_is_told() -> None:
    with pytest.raises(ConfigError, match="stands 2 times"):
        catalogue.read(b'- options: ["", -x]\n  after: a\n', "c.yaml", FILE, b"a\na\n")


def test_a_yaml_file_that_lines_break_is_still_counted() -> None:
    """The loop refuses it as invalid; the proposer must neither stumble nor propose it again."""
    files = Files(catalogue_yaml='- options: ["a: 1", "a: ["]\n', params_yaml="a: 1\n")
    made = proposers.make(target("params.yaml"), 1, files)
    (proposal,) = made.ask(Request(b"a: 1\n", {}, 1, 4, frozenset()))
    assert proposal.content == b"a: [\n"
