"""`autoresearch label`: what is asked, what is hidden, what is on disk after each key; and what labels are worth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.label import label, visible
from harness import labels
from harness.errors import ConfigError, NotFound
from harness.repository import Repository
from tests.support import make_repository

TARGET = """
name: tone
file: reply.yaml
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics:
  - {name: length, goal: minimize}
  - {name: friendly, goal: maximize, signal: llm-judge}
"""
FOLDER = "targets/experiments/tone"
Echo = Callable[[str], None]


def sample(number: int, judge: str = "pass", **more: str) -> dict[str, str]:
    return {"id": f"s{number}", "text": f"text {number}", "judge": judge, **more}


def as_lines(samples: list[dict[str, str]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in samples)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path, {f"{FOLDER}/target.yaml": TARGET})


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.jsonl"
    path.write_text(as_lines([sample(1), sample(2, "fail"), sample(3)]))
    return path


class Human:
    """Presses keys, and remembers what stood on the screen and on disk before each."""

    def __init__(self, keys: str, file: Path | None = None) -> None:
        self.keys: Iterator[str] = iter(keys)
        self.file, self.said, self.before, self.disk = file, "", [], []

    def getchar(self) -> str:
        self.before.append(self.said)
        if self.file:
            self.disk.append([line.get("human", "") for line in map(json.loads, self.file.read_text().splitlines())])
        return next(self.keys)

    def echo(self, text: str) -> None:
        self.said += f"{text}\n"


def sit(repository: Repository, keys: str, samples: Path | None = None) -> tuple[str, Human]:
    human = Human(keys, repository.root / FOLDER / "judge-labels.jsonl")
    return label(repository, "tone", "friendly", samples, human.getchar, human.echo), human


def humans(repository: Repository) -> list[str]:
    text = (repository.root / FOLDER / "judge-labels.jsonl").read_text()
    return [json.loads(line).get("human", "") for line in text.splitlines()]


def test_the_verdict_comes_after_the_key_and_the_answer_is_on_disk_by_then(
    repository: Repository, samples: Path
) -> None:
    summary, human = sit(repository, "ppfq", samples)
    assert "the judge said" not in human.before[0]
    assert human.before[1].count("the judge said") == 1
    assert "the opposite: fail. So far 1 of 2 labelled samples agree (50%)" in human.before[2]
    assert human.disk == [["", "", ""], ["pass", "", ""], ["pass", "pass", ""], ["pass", "pass", "fail"]]
    assert "add to the metric friendly" in summary
    assert "labels: judge-labels.jsonl" in summary


def test_a_stopped_session_goes_on_without_the_samples(repository: Repository, samples: Path) -> None:
    sit(repository, "pq", samples)
    _, human = sit(repository, "fq")
    assert "[1 of 2] s2" in human.before[0]
    assert humans(repository) == ["pass", "fail", ""]
    sit(repository, "pq", samples)
    assert humans(repository) == ["pass", "fail", "pass"]


def test_skip_leaves_a_sample_and_undo_takes_the_last_answer_back(repository: Repository, samples: Path) -> None:
    sit(repository, "spuf" + "p" + "uf" + "q", samples)
    assert humans(repository) == ["", "fail", "fail"]


def test_other_keys_ask_again_and_the_end_of_input_is_a_quit(repository: Repository, samples: Path) -> None:
    human = Human("\x1bxP")

    def getchar() -> str:
        try:
            return human.getchar()
        except StopIteration:
            raise EOFError from None

    label(repository, "tone", "friendly", samples, getchar, human.echo)
    assert humans(repository) == ["pass", "", ""]


def test_no_terminal_is_said(repository: Repository, samples: Path) -> None:
    def getchar() -> str:
        raise OSError

    with pytest.raises(ConfigError, match="no terminal"):
        label(repository, "tone", "friendly", samples, getchar, print)


def test_a_hostile_text_stays_text() -> None:
    assert visible("a\x1b[2Jb\r\n\tc\u202e\u2028") == "a\\x1b[2Jb\n    c\\u202e\\u2028"
    assert visible("x" * 30_000).endswith("[cut after 20,000 characters]")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([sample(1), sample(1)], r'samples.jsonl:2:1: the id "s1" stands on line 1'),
        ([{"id": "a", "text": "b"}], r'samples.jsonl:1:1: the key "judge" is missing'),
        ([sample(1), sample(2, "maybe")], r'samples.jsonl:2:1: "judge" is "maybe"; valid: pass, fail'),
        ([{**sample(1), "text": ["b"]}], r'samples.jsonl:1:1: "text" must be text'),
    ],
)
def test_bad_samples_are_named_by_line(
    repository: Repository, tmp_path: Path, lines: list[dict[str, str]], said: str
) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(as_lines(lines))
    with pytest.raises(ConfigError, match=said):
        sit(repository, "q", path)
    assert not (repository.root / FOLDER / "judge-labels.jsonl").exists()


def test_more_samples_extend_the_file_and_never_change_it(
    repository: Repository, samples: Path, tmp_path: Path
) -> None:
    sit(repository, "pq", samples)
    more = tmp_path / "more.jsonl"
    more.write_text(as_lines([sample(1), sample(4, human="pass")]))
    sit(repository, "q", more)
    assert humans(repository) == ["pass", "", "", ""]
    more.write_text(as_lines([sample(1, "fail")]))
    with pytest.raises(ConfigError, match='"s1" is known with another text or verdict'):
        sit(repository, "q", more)


@pytest.mark.parametrize(
    ("target", "metric", "error", "said"),
    [
        ("tune", "friendly", NotFound, 'did you mean "tone"'),
        ("tone", "frendly", NotFound, 'did you mean "friendly"'),
        ("tone", "length", ConfigError, "its signal is file-property"),
        ("tone", "friendly", NotFound, "has no samples yet"),
    ],
)
def test_what_cannot_be_labelled(
    repository: Repository, target: str, metric: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        label(repository, target, metric, None, lambda: "q", print)


def judged(agreeing: int, differing: int, waiting: int = 0) -> list[str]:
    same = [sample(n, human="pass") for n in range(agreeing)]
    other = [sample(100 + n, human="fail") for n in range(differing)]
    return as_lines([*same, *other, *(sample(200 + n) for n in range(waiting))]).splitlines()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (judged(16, 4), ""),
        (judged(20, 0), ""),
        (judged(19, 0, waiting=9), "19 samples are labelled; at least 20"),
        (judged(15, 5), r"only 15 of 20 labelled samples agree \(75%\); at least 80%"),
        ([], "0 samples are labelled"),
        (["{"], "line 1: is no JSON object"),
    ],
)
def test_when_a_judge_may_count(lines: list[str], said: str) -> None:
    found = labels.problem(lines)
    assert re.search(said, found) if said else found == ""


def test_agreement_says_how_many_failures_were_caught() -> None:
    lines = as_lines([sample(1, "fail", human="fail"), sample(2, "pass", human="fail"), sample(3, human="pass")])
    assert labels.agreement(labels.read(lines.splitlines())) == labels.Agreement(3, 2, 2, 1)
