"""rag-config as a target of one's own corpus: its prepared files lie in data/, nothing is fetched when a night begins.

What `permuted` deals out anew are the judgements: in each half the documents change places at random, so any document
may be the right answer to a query, and nothing that helps to find it in one half can help in the other.
"""

from __future__ import annotations

import functools
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.nights import ROOT

RAG_CONFIG = "targets/experiments/rag-config"
HALVES = ("search", "holdout")
SHIPPED = ("config.yaml", "target.yaml", "evaluate.py", "program.md")


@functools.cache
def prepared() -> Mapping[str, bytes]:
    """What the target's own setup makes, by its path below prepared/. Needs a network, as the setup does."""
    with tempfile.TemporaryDirectory() as folder:
        made = shutil.copytree(ROOT / RAG_CONFIG, Path(folder, "target"), ignore=shutil.ignore_patterns("prepared"))
        subprocess.run([sys.executable, "prepare.py"], cwd=made, check=True)
        below = made / "prepared"
        return {path.relative_to(below).as_posix(): path.read_bytes() for path in below.rglob("*") if path.is_file()}


def of_own(data: Mapping[str, bytes | str]) -> dict[str, str | bytes]:
    """A repository with the target, changed as its README says, and this corpus. data: by paths below data/."""
    files: dict[str, str | bytes] = {name: (ROOT / RAG_CONFIG / name).read_text() for name in SHIPPED}
    files["evaluate.py"] = str(files["evaluate.py"]).replace('"prepared"', '"data"')
    target = re.sub(r"^  setup: .*\n", "", str(files["target.yaml"]), flags=re.MULTILINE)
    target = re.sub(r"^locked: .*$", 'locked: [evaluate.py, "data/**"]', target, flags=re.MULTILINE)
    files["target.yaml"] = target.replace("prepared/holdout", "data/holdout")
    files |= {f"data/{name}": content for name, content in data.items()}
    return {f"{RAG_CONFIG}/{name}": content for name, content in files.items()}


def rag_config(seed: int) -> dict[str, str | bytes]:
    """The shipped corpus and queries with judgements that mean nothing."""
    data: dict[str, str | bytes] = dict(prepared())
    ids = re.findall(r'^\{"id": "([^"]+)"', str(prepared()["corpus.jsonl"], "utf-8"), re.MULTILINE)
    for half in HALVES:
        name = f"{half}/judgements.tsv"
        data[name] = dealt(str(prepared()[name], "utf-8"), ids, random.Random(f"{seed}/{half}"))
    return of_own(data)


def dealt(judgements: str, ids: list[str], chance: random.Random) -> str:
    """Every document in the judgements as another one, the same wherever it comes."""
    another = dict(zip(ids, chance.sample(ids, len(ids)), strict=True))
    rows = [line.split("\t") for line in judgements.splitlines()]
    return "".join(f"{query}\t{another[document]}\t{grade}\n" for query, document, grade in rows)
