"""A corpus of one's own, by the commands that README.md gives: checked, searched and confirmed like the shipped one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

ROOT = Path(__file__).parents[2]
FOLDER = "targets/experiments/rag-config"
TOPICS = 60


def commands() -> str:
    (block,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


def words(number: int) -> str:
    return "".join("bdfgklmnprstvz"[int(digit)] + "aeiou"[int(digit) % 5] for digit in f"{number:04}")


def data() -> dict[str, str]:
    """A document's title names its topic; each text names all topics of a group, in words that end otherwise."""
    documents = []
    for topic in range(TOPICS):
        others = " ".join(f"{words(7 * other)}s" for other in range(TOPICS) if other % 6 == topic % 6)
        documents.append({"id": f"d{topic}", "title": f"{words(7 * topic)}ing", "text": f"{others} {words(topic)}"})
    files = {"corpus.jsonl": documents}
    for half, first in (("search", 0), ("holdout", 1)):
        files[f"{half}/queries.jsonl"] = [
            {"id": f"q{topic}", "text": f"about {words(7 * topic)}ed and {half}"} for topic in range(first, TOPICS, 2)
        ]
    lines = {name: "".join(f"{json.dumps(row)}\n" for row in rows) for name, rows in files.items()}
    for half, first in (("search", 0), ("holdout", 1)):
        lines[f"{half}/judgements.tsv"] = "".join(f"q{topic}\td{topic}\t1\n" for topic in range(first, TOPICS, 2))
    return lines


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The target as it is shipped, then changed by the README's commands."""
    names = git(ROOT, "ls-files", FOLDER).splitlines()
    made = make_repository(tmp_path, {name: (ROOT / name).read_bytes() for name in names})
    folder = made.root / FOLDER
    for name, content in data().items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    subprocess.run(["sh", "-e", "-c", commands()], cwd=folder, check=True)
    config = folder / "config.yaml"
    config.write_text(re.sub(r"^  (above|code): .*\n", "", config.read_text(), flags=re.MULTILINE))
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message", "A corpus of our own")
    return made


def test_the_commands_make_a_target_that_a_night_improves(repository: Repository) -> None:
    ready = autoresearch(repository, "check", "rag-config")
    assert ready.returncode == 0, ready.stdout + ready.stderr
    done = autoresearch(repository, "night", "--quiet", "-n", "48", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert "rag-config: confirmed, ndcg_at_10" in done.stdout, done.stdout


def test_vectors_of_ones_own_are_used(repository: Repository) -> None:
    """Vectors that point from each query to its document: with them the order is perfect."""
    axes = np.eye(TOPICS)
    folder = repository.root / FOLDER
    np.save(folder / "data" / "vectors.npy", axes)
    np.save(folder / "data" / "search" / "vectors.npy", axes[::2])
    np.save(folder / "data" / "holdout" / "vectors.npy", axes[1::2])
    before = score(repository)
    config = (folder / "config.yaml").read_text()
    config = re.sub(r"^  weight: 0 ", "  weight: 2 ", config, flags=re.MULTILINE)
    (folder / "config.yaml").write_text(re.sub(r"^  dimensions: 100", "  dimensions: 200", config, flags=re.MULTILINE))
    assert before < 0.9
    assert score(repository) == 1


def score(repository: Repository) -> float:
    """What check measures of the file as it stands, before it says whether the target may be used."""
    done = autoresearch(repository, "check", "rag-config")
    (found,) = re.findall(r"ndcg_at_10 +([0-9.]+)", done.stdout)
    return float(found)
