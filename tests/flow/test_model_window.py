"""The way of an evaluator to its model: nobody else finds it, in either form; a candidate's looks are in vain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness import measure, targetfile, view
from harness.errors import EvaluatorError
from harness.measure import Ask, Measurer
from harness.reports import CUT
from harness.repository import WorkingSource
from tests.support import make_repository

TARGET = """name: seeker
file: {file}
evaluate:
  {form}: [python, evaluate.py]
  timeout: {timeout}
  needs: [model]
  model: {{provider: house, model: small}}
sample: rows
metrics: [{{name: found, goal: minimize}}]
"""
# Looks for a socket of any kind: in its environment, among its descriptors, under every name that it can see.
SEEKER = """
import os, socket, stat, sys
found = [name for name in os.environ if name.startswith("AUTORESEARCH")]
for number in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            found.append(f"descriptor {number}")
    except OSError:
        pass
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys")):
        continue
    for name in names:
        try:
            if stat.S_ISSOCK(os.stat(os.path.join(folder, name)).st_mode):
                found.append(name)
        except OSError:
            pass
print(len(found))
"""
ISOLATED = """
import os, stat
from harness import candidate, evaluator, model
run = evaluator.settings()
replies = model.ask([model.Question("are you there?")])
number = int(os.environ["AUTORESEARCH_MODEL"])
assert stat.S_ISSOCK(os.fstat(number).st_mode), "control: here it is"
result = candidate.run(["python", run.file.name], sees=[run.file])
assert result.ok, result.stderr
evaluator.report({"found": float(result.stdout), "answers": float(replies[0].value["text"] == "yes")})
"""
CHILD = """
import subprocess, sys
from harness import evaluator, model
model.ask([model.Question("are you there?")])
seen = subprocess.run([sys.executable, "SEEK"], close_fds=False, capture_output=True, text=True, env={})
evaluator.report({"found": float(seen.stdout)})
"""
SERVING = """
from harness import evaluator, model

def score(request):
    return [one(item.path) for item in request.items]

def one(path):
    replies = model.ask([model.Question(line) for line in path.read_text().split()])
    return evaluator.Scores({"found": float(sum(reply.value["text"] == "yes" for reply in replies))})

evaluator.serve(score)
"""


class House:
    """Answers yes to everything, until `why` says why not."""

    def __init__(self, why: str = "") -> None:
        self.why = why
        self.heard: list[list[str]] = []
        self.gone = False

    def answers(self, message: bytes, over: Callable[[], bool]) -> bytes:
        asked = [question["user"] for question in json.loads(message)["questions"]]
        self.heard.append(asked)
        if self.why:
            return json.dumps({"error": self.why}).encode()
        if "wait" in asked:
            while not over():
                pass
            self.gone, self.why = True, "the evaluator was gone"
        replies = [{"outcome": "answer", "value": {"text": "yes"}, "text": ""} for _ in asked]
        return json.dumps({"replies": replies}).encode()

    def trouble(self) -> str:
        return self.why


@contextmanager
def measuring(
    folder: Path, house: House | None, evaluator: str, file: str = "seek.txt", form: str = "command",
    content: str = "one two", timeout: str = "60s",
) -> Iterator[Measurer]:  # fmt: skip
    files = {
        "t/target.yaml": TARGET.format(file=file, form=form, timeout=timeout), f"t/{file}": content,
        "t/evaluate.py": evaluator, "t/look.py": SEEKER,
    }  # fmt: skip
    repository = make_repository(folder, files)
    source = WorkingSource(repository)
    target = targetfile.load(source, "t")
    checkout = view.build(source, target, folder / "checkout", hidden=False)
    with closing(measure.measurer(target, checkout, folder / "scratch", repository, house)) as measurer:
        yield measurer


def test_a_candidate_finds_no_way_to_the_model(tmp_path: Path) -> None:
    house = House()
    with measuring(tmp_path, house, ISOLATED, "seek.py", content=SEEKER) as measurer:
        found = measurer.measure([SEEKER.encode()], Ask())[0]
    assert found.metrics == {"found": 0.0, "answers": 1.0}, found.why
    assert house.heard == [["are you there?"]], "control: the evaluator asked"


def test_the_seeker_finds_a_socket_where_there_is_one(tmp_path: Path) -> None:
    """The control of the test above: with the descriptor in its hands it says so."""
    evaluator = ISOLATED.replace(
        "result = candidate.run(", "import subprocess, sys\nresult = subprocess.run([sys.executable, run.file], "
        "pass_fds=[number], capture_output=True)\nresult.ok = not result.returncode\nunused = (",
    ).replace('["python", run.file.name], sees=[run.file])', "run,)")  # fmt: skip
    near = SEEKER.replace('os.walk("/")', "[]")  # the whole machine would take too long
    with measuring(tmp_path, House(), evaluator, "seek.py", content=near) as measurer:
        found = measurer.measure([near.encode()], Ask())[0]
    assert found.metrics.get("found", 0) >= 2, found.why


def test_what_an_evaluator_starts_has_no_part_in_it(tmp_path: Path) -> None:
    short = SEEKER.replace('os.walk("/")', "[]")
    with measuring(tmp_path, House(), CHILD.replace("SEEK", "look.py")) as measurer:
        (tmp_path / "checkout" / "t" / "look.py").chmod(0o644)
        (tmp_path / "checkout" / "t" / "look.py").write_text(short)
        found = measurer.measure([b"x"], Ask())[0]
    assert found.metrics == {"found": 0.0}, found.why


def test_the_serve_form_asks_batch_after_batch(tmp_path: Path) -> None:
    house = House()
    with measuring(tmp_path, house, SERVING, form="serve") as measurer:
        first = measurer.measure([b"a b", b"c"], Ask())
        second = measurer.measure([b"d e f"], Ask())
    assert [one.metrics["found"] for one in (*first, *second)] == [2.0, 1.0, 3.0]
    assert house.heard == [["a", "b"], ["c"], ["d", "e", "f"]]


@pytest.mark.parametrize("form", ["command", "serve"])
def test_without_an_answer_there_is_neither_score_nor_crash(tmp_path: Path, form: str) -> None:
    evaluator = SERVING if form == "serve" else CHILD
    with measuring(tmp_path, House("no money: nothing is left"), evaluator, form=form) as measurer:
        (found,) = measurer.measure([b"a"], Ask())
    assert (found.crash, found.why, found.metrics) == (CUT, "no money: nothing is left", {})


def test_an_evaluator_that_is_killed_while_it_waits_is_no_crash(tmp_path: Path) -> None:
    house = House()
    with measuring(tmp_path, house, SERVING, form="serve", timeout="3s") as measurer:
        (found,) = measurer.measure([b"wait"], Ask())
    assert house.gone, "nobody goes on asking for it"
    assert found.crash == CUT


def test_without_a_broker_nothing_is_started(tmp_path: Path) -> None:
    with (
        pytest.raises(EvaluatorError, match="no model can be asked here"),
        measuring(tmp_path, None, SERVING, form="serve"),
    ):
        pass


def test_a_target_without_needs_is_given_nothing(tmp_path: Path) -> None:
    found = "float('AUTORESEARCH_MODEL' in os.environ)"
    reporting = f"import os\nfrom harness import evaluator\nevaluator.report({{'found': {found}}})"
    files = {"t/target.yaml": TARGET.format(file="f.txt", form="command", timeout="60s"), "t/f.txt": "x"}
    repository = make_repository(tmp_path, {**files, "t/evaluate.py": reporting})
    source = WorkingSource(repository)
    target = targetfile.load(source, "t")
    checkout = view.build(source, target, tmp_path / "checkout", hidden=False)
    for needs, given in ((target.evaluate.model, 1.0), (None, 0.0)):
        one = replace(target, evaluate=replace(target.evaluate, model=needs))
        with closing(measure.measurer(one, checkout, tmp_path / f"scratch-{given}", repository, House())) as measurer:
            assert measurer.measure([b"x"], Ask())[0].metrics == {"found": given}
