"""What reaches GitHub Actions: outputs that are one line each, and logs without commands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bot import actions
from bot.actions import Inert, inert
from tests.support import autoresearch, make_repository

COMMANDS = [
    "::error::x",
    "  ::add-mask::secret",
    "\t::set-output name=matrix::[]",
    "\u3000::warning::x",
    "a\n::stop-commands::x",
    "a\r::group::x",
    "##[error]x",
    "a ##[set-env name=PATH;]x",
    "###[group]x",
    "::::error::x",
]


def is_command(line: str) -> bool:
    """As the runner finds them: a line that begins with :: after white space, or ##[ anywhere."""
    return line.lstrip().startswith("::") or "##[" in line


def lines(text: str) -> list[str]:
    return text.replace("\r", "\n").split("\n")


@pytest.mark.parametrize("text", COMMANDS)
def test_no_line_is_a_command(text: str) -> None:
    assert any(map(is_command, lines(text))), "no command: the test proves nothing"
    assert not any(map(is_command, lines(inert(text))))
    assert inert(text).replace("\\", "") == text


@pytest.mark.parametrize("text", ["a :: b", "std::vector", "# [x]", "#[x]", "C:\\:x", "10:30", "| :-- |"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_however_it_is_cut(text: str, size: int) -> None:
    below = io.BytesIO()
    stream, data = Inert(below), f"{text}\nend".encode()
    for start in range(0, len(data), size):
        stream.write(data[start : start + size])
    stream.end()
    assert below.getvalue().decode() == inert(f"{text}\nend")


def test_bytes_that_are_no_text_pass(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as below:
        Inert(below).write(b"\xff\xfe ::x\n")
    assert (tmp_path / "log").read_bytes() == b"\xff\xfe ::x\n"


def test_outputs_are_one_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    actions.output({"night": "2026-11-21", "matrix": '[{"target": "a<<EOF"}]'})
    assert (tmp_path / "out").read_text() == 'night=2026-11-21\nmatrix=[{"target": "a<<EOF"}]\n'
    for value in ("a\nmatrix=[]", "a\rb", "a\u2028b", "\n"):
        with pytest.raises(ValueError, match="more than one output"):
            actions.output({"night": value})
    with pytest.raises(ValueError, match="more than one output"):
        actions.output({"night<<EOF": "x"})
    assert len((tmp_path / "out").read_text().splitlines()) == 2


def test_nothing_is_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    actions.output({"night": "x"})
    actions.summary("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("where", "command"), [("true", False), ("", True)])
def test_what_an_evaluator_says_is_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, command: bool
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", where)
    folder = "targets/experiments/dial"
    target = (
        "name: dial\nfile: params.yaml\nspace: {/x: {int: [0, 3]}}\nevaluate: {command: [python, evaluate.py]}\n"
        "metrics: [{name: score, goal: maximize}]\n"
    )
    evaluator = "import sys\nsys.exit('no\\n::error::table\\n##[error]x')\n"
    files = {"target.yaml": target, "params.yaml": "x: 0\n", "evaluate.py": evaluator}
    repository = make_repository(tmp_path, {f"{folder}/{name}": text for name, text in files.items()})
    done = autoresearch(repository, "check", "dial")
    assert "table" in done.stdout + done.stderr
    assert any(map(is_command, lines(done.stdout + done.stderr))) == command, done.stdout + done.stderr
