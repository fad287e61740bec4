"""Wrong handlers of api-latency are refused, each for its reason, and by the one check that is meant for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from harness import evaluator
from tests.latency.bench import Bench, refusal, scores
from tests.latency.wrong import WRONG, Wrong, around


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("loop"), hidden=False)
    yield made
    made.close()


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_handler_is_refused(bench: Bench, name: str) -> None:
    wrong = WRONG[name]
    why = next(why for seed in range(1, 6) if (why := getattr(bench.one(wrong.content, seed), "why", "")))
    assert re.search(wrong.why, why), why


@pytest.mark.parametrize("name", [name for name, wrong in WRONG.items() if wrong.check])
def test_without_its_check_a_wrong_handler_is_scored(bench: Bench, name: str) -> None:
    wrong = WRONG[name]
    found = bench.one(wrong.content, without=wrong.check)
    if wrong.check == "answers" and isinstance(found, evaluator.Crash):  # what is wrong was also written
        assert "does not hold what was answered" in found.why
    else:
        scores(found)


def test_hard_coded_answers_are_refused_for_other_requests(bench: Bench) -> None:
    """A table of what was asked and answered under other seeds; what is not in it is worked out."""
    module, table = bench.module, {}
    for seed in range(100, 130):
        for client in module.course(seed).traffic:
            for asked in client:
                if asked.line.startswith("GET ") and asked.expected.status == 200:
                    table.setdefault(asked.line, [asked.expected.kind, asked.expected.content])
    assert len(table) > 1500
    code = """from urllib.parse import urlencode
target = f"GET {path}" + (f"?{urlencode(query)}" if query else "")
if target in KNOWN:
    kind, content = KNOWN[target]
    return 200, kind, content if isinstance(content, str) else json.dumps(content)
return _()"""
    cheat = Wrong((around(code), ("state = {}\n", f"state = {{}}\nKNOWN = json.loads({json.dumps(table)!r})\n")), "")
    refusal(bench.one(cheat.content, seed=7))
    assert isinstance(bench.one(cheat.content, 7, without="answers"), evaluator.Scores)
