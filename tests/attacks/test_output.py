"""Escape sequences, markup and commands in what a candidate says, on their way to event, terminal, page and table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bot.log
import bot.pages.wording.text
from bot.log import log_lines
from bot.night.folder import Night
from bot.night.run import run
from bot.pages import table
from bot.pages.target import tried
from bot.proposers import Proposal
from bot.report import report
from harness import folds, measure
from tests.attacks.loops import Scripted, planned

FOLDER = "targets/experiments/words"
_TARGET = """
name: words
file: words.txt
evaluate: {command: [sh, evaluate.sh], timeout: 30s}
metrics: [{name: words, goal: maximize}]
"""
# Says what the file says, as an evaluator does whose tools quote their input; a file with CRASH in it ends it.
_EVALUATOR = """
cat "$AUTORESEARCH_FILE" >&2
if grep -q BYTES "$AUTORESEARCH_FILE"; then printf '\\377\\376' >&2; fi
if grep -q CRASH "$AUTORESEARCH_FILE"; then exit 3; fi
echo ---
echo "words: $(wc -w < "$AUTORESEARCH_FILE")"
"""


@dataclass(frozen=True)
class Attack:
    """said: by the candidate. found: what must stand in no place that `where` reads. layer: the control's."""

    said: str
    found: str
    where: Callable[[Night], str]
    layer: Callable[[pytest.MonkeyPatch], object]
    described: bool = False


def why(night: Night) -> str:
    return "".join(event["why"] for event in _events(night))


def log(night: Night) -> str:
    return "\n".join(log_lines(night.repository, night.name, None, as_json=False))


def page(night: Night) -> str:
    return report(night.repository, night.name, None, as_json=False)


def web(night: Night) -> str:
    out = night.path.parent / "out"
    report(night.repository, night.name, out, as_json=False)
    return (out / "page.html").read_text()


def results(night: Night) -> str:
    return table.results_tsv(night.segments("words"))


def _events(night: Night) -> list[dict[str, Any]]:
    return folds.of_kind(night.segments("words"), "experiment")


def unescaped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(measure, "printable", lambda said: said.decode("utf-8", "replace"))


def endless(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(measure, "_TAIL_BYTES", 1 << 20)
    patch.setattr(measure, "_tail", lambda output: output.decode())


def folded_nowhere(patch: pytest.MonkeyPatch) -> None:
    for module in (bot.log, table):
        patch.setattr(module, "plain", lambda text, _most=0: text)


def in_the_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tried, "cell_code", lambda text, _most=0: text)


ATTACKS = {
    "colours": Attack("\x1b[31mred", "\x1b", why, unescaped),
    "a cleared screen": Attack("\x1b[2J\x1b[H", "\x1b[2J", why, unescaped),
    "a title of the terminal": Attack("\x1b]0;owned\x07", "\x07", why, unescaped),
    "an eight-bit escape": Attack("\x9b31m", "\x9b", why, unescaped),
    "a line that is overwritten": Attack("bad\rgood", "\r", why, unescaped),
    "letters that are taken back": Attack("bad\b\b\bgood", "\b", why, unescaped),
    "text that runs backwards": Attack("\u202edlog", "\u202e", why, unescaped),
    "text that cannot be seen": Attack("a\u200b\u2060b", "\u200b", why, unescaped),
    "no UTF-8": Attack("BYTES", "\ufffd", why, unescaped),
    "a flood of errors": Attack("x" * 20_000, "x" * 1_000, why, endless),
    "a line of its own in the log": Attack("more\n::add-mask::secret", "\n::add-mask::", log, folded_nowhere, True),
    "a workflow command in the log": Attack(
        "more\r\n::set-output name=x::y", "\n::set-output", log, folded_nowhere, True
    ),
    "a column of its own in the table": Attack("more\t0.99\tkeep", "more\t", results, folded_nowhere, True),
    "a row of its own in the table": Attack("more\n7\t99\tkeep", "\n7\t99", results, folded_nowhere, True),
    "a cell of its own on the page": Attack("more | keep |", " more | keep", page, in_the_open, True),
    "a link on the page": Attack("[here](https://evil.example)", ": [here](https", page, in_the_open, True),
    "a picture on the page": Attack(
        "![x](https://evil.example/x.png)", '<img src="https://evil', web, in_the_open, True
    ),
    "a script on the page": Attack("<script>alert(1)</script>", "<script>", web, in_the_open, True),
    "a code span that is left": Attack("`` ` </code><b>x</b>", "<b>x</b>", web, in_the_open, True),
}


def night_of(folder: Path, attack: Attack) -> Night:
    words = "one two three \u202e\n"  # admission takes such a mark from the base only, and here others are tested
    files = {"target.yaml": _TARGET, "evaluate.sh": _EVALUATOR, "words.txt": words}
    night, target = planned(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
    said = attack.said.encode("utf-8", "surrogateescape")
    proposal = Proposal(b"fewer\n", attack.said) if attack.described else Proposal(b"CRASH " + said + b"\n", "a try")
    run(night, target, quiet=True, proposer=Scripted([proposal]))
    return night


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    night = night_of(tmp_path / "held", attack)
    assert attack.found not in attack.where(night)
    with pytest.MonkeyPatch.context() as patch:
        attack.layer(patch)
        control = attack.where(night_of(tmp_path / "control", attack))
    assert attack.found in control, f"the control fails: {control!r}"
    for shown in (why(night), log(night), page(night), web(night), results(night)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
