"""rag-config as it is shipped: its corpus is what its setup makes, and hand-written configs gain on hidden queries.

The corpus is fetched through pip, as the setup does it, and lies in data/ as a corpus of one's own would.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from bot import config
from bot.forge.local import PAGE
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request, Told
from harness import folds
from harness.repository import Repository, WorkingSource
from tests.attacks.forgery import confirmed, proposed
from tests.benchmarks import retrieval
from tests.benchmarks.retrieval import RAG_CONFIG
from tests.support import autoresearch, git, make_repository

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / RAG_CONFIG / "config.yaml").read_text(encoding="utf-8")

Change = dict[str, str]
STEMMED = {"stem": "english", "stop_words": "short"}
TITLED = {"title": "3", "above": "0.5", "code": "0.5"}
IDEAS: Sequence[Change] = (  # what somebody who knows retrieval, and not this corpus, would try
    {"stop_words": "english"},
    {"stem": "english"},
    STEMMED,
    {**STEMMED, "identifiers": "both"},
    {**STEMMED, **TITLED, "identifiers": "both"},
    {**STEMMED, **TITLED, "identifiers": "both", "b": "0.5"},
    {**STEMMED, **TITLED, "identifiers": "both", "weight": "0.3", "dimensions": "200"},
    {**STEMMED, **TITLED, "identifiers": "both", "depth": "20", "coverage": "0.2"},
)


def whole(change: Change) -> bytes:
    """The shipped file with other values; a key of two sections is the first one's."""
    lines = SHIPPED.splitlines()
    for key, value in change.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"  {key}: "))
        before, _, comment = lines[at].partition(": ")[2].partition(" ")
        assert before != value
        lines[at] = f"  {key}: {value} {comment}".rstrip()
    return ("\n".join(lines) + "\n").encode()


class Scripted:
    """Proposes these configs whatever comes of them."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, changes: Iterable[Change]) -> None:
        self._left = [Proposal(whole(change), json.dumps(change)) for change in changes]

    def ask(self, request: Request) -> list[Proposal]:
        asked, self._left = self._left[: request.count], self._left[request.count :]
        return asked

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """It does not learn."""

    def recall(self, told: Iterable[Told]) -> None:
        """It has no memory."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_repository(tmp_path_factory.mktemp("rag"), retrieval.of_own(dict(retrieval.prepared())))


@pytest.fixture(scope="module")
def night(repository: Repository) -> Night:
    made, _ = plan(repository, Wishes(experiments=len(IDEAS), seed=1))
    run(made, targets_of(made)[0], quiet=True, proposer=Scripted(IDEAS))
    return made


def test_the_setup_makes_what_the_lock_file_says() -> None:
    lines = (ROOT / RAG_CONFIG / "data.lock").read_text(encoding="utf-8").splitlines()
    wanted = {line.split()[2].removeprefix("prepared/"): line.split()[:2] for line in lines if not line.startswith("#")}
    found = {
        name: [hashlib.sha256(content).hexdigest(), str(len(content))] for name, content in retrieval.prepared().items()
    }
    assert found == wanted


def test_queries_are_judged_once_and_their_halves_share_no_section() -> None:
    def answers(half: str) -> Iterator[tuple[str, str]]:
        for line in retrieval.prepared()[f"{half}/judgements.tsv"].decode().splitlines():
            query, document, grade = line.split("\t")
            assert grade == "1"
            yield query, document

    search, holdout = (list(answers(half)) for half in ("search", "holdout"))
    assert len(search) + len(holdout) >= 300
    assert min(len(search), len(holdout)) >= 200
    assert not {document for _, document in search} & {document for _, document in holdout}


def test_the_target_is_valid_and_locks_what_scores() -> None:
    (target,) = config.load_targets(WorkingSource(Repository.find(ROOT)), ["rag-config"])
    names = {path.removeprefix(f"{target.folder}/") for path in target.locked}
    assert {"evaluate.py", "prepare.py", "sections.py", "judgements.py", "data.lock", "target.yaml"} <= names
    assert not {"config.yaml", "program.md"} & names
    assert {path.removeprefix(f"{target.folder}/") for path in target.hidden} == {
        "prepared/holdout/queries.jsonl", "prepared/holdout/judgements.tsv",
    }  # fmt: skip


def test_check_finds_it_ready(repository: Repository) -> None:
    done = autoresearch(repository, "check", "rag-config")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows carry the interval of ndcg_at_10 and average to it" in " ".join(done.stdout.split())


def test_hand_written_configs_gain_on_hidden_queries(night: Night) -> None:
    proposed(confirmed(night))
    segments = night.segments("rag-config")
    tried = folds.of_kind(segments, "experiment")
    assert len(tried) == len(IDEAS)
    assert not [event for event in tried if event["status"] == "crash"]
    assert sum(event["status"] == "keep" for event in tried) >= 2
    seen = folds.of_kind(segments, "confirm")[-1]["holdout"]
    assert seen["lower"] > 0
    page = Path(night.path / f"{PAGE}.md").read_text(encoding="utf-8")
    assert "**held-out rows** | 0.5181 |" in page, "plain BM25 on the hidden queries"
    head = git(night.repository, "show", f"autoresearch/{night.name}:{RAG_CONFIG}/config.yaml")
    assert "stem: english" in head


def test_a_config_that_cannot_be_meant_is_a_crash_with_its_reason(repository: Repository) -> None:
    text = SHIPPED.replace("  title: 1\n", "  body: 1\n")
    assert text != SHIPPED
    path = repository.root / RAG_CONFIG / "config.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        done = autoresearch(repository, "check", "rag-config")
    finally:
        path.write_text(SHIPPED, encoding="utf-8")
    assert done.returncode != 0
    assert "the corpus has no field 'body', but title, above, text, code" in " ".join(
        (done.stdout + done.stderr).split()
    )


def test_what_a_user_brings_is_refused_with_its_place(tmp_path: Path) -> None:
    data: dict[str, bytes | str] = dict(retrieval.prepared())
    data["search/judgements.tsv"] = "opening:nowhere\tx\t1\n"
    done = autoresearch(make_repository(tmp_path, retrieval.of_own(data)), "check", "rag-config")
    assert done.returncode != 0
    told = " ".join((done.stdout + done.stderr).split())
    assert "search/judgements.tsv:1:1: there is no query opening:nowhere" in told
