"""Fetches documentation and derives the corpus, the queries and the judgements, into prepared/. Locked.

prepared/corpus.jsonl                       the sections of SQLAlchemy's documentation
prepared/search/queries.jsonl               half of the queries; prepared/holdout/ has the other half
prepared/search/judgements.tsv              which section answers which query

pip finds the archive wherever it is configured to look, and compares its SHA-256 with the one below before it opens it.
Nothing in it is run: build_backend/ stands in for its build script, and only the .rst files of doc/build/ are read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from judgements import Document, Query, derive
from sections import Section, read

HERE = Path(__file__).parent
PREPARED = HERE / "prepared"

PACKAGE = "sqlalchemy==2.0.36"
SHA256 = "7f2767680b6d2398aea7082e45a774b2b0767b5c8d8ffb9c8b683088ea9b29c5"
FOLDER = "sqlalchemy-2.0.36/doc/build/"
LEFT_OUT = ("changelog/", "index.rst", "contents.rst", "copyright.rst")  # lists of changes, and of pages


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder))
        documents, queries = derive(list(sections(Path(folder, "sqlalchemy-2.0.36.tar.gz"))))
    write(documents, queries)


def download(folder: Path) -> None:
    """The archive, from where this machine's pip takes packages."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
    words = ["download", "--quiet", "--require-hashes", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--dest", str(folder), "--requirement", str(wanted)],
        env={**os.environ, "PYTHONPATH": str(HERE / "build_backend"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=sys.stderr, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"pip could not fetch {PACKAGE}: is it installed, and is there a network?")


def sections(archive: Path) -> Iterator[Section]:
    """In the order of their files' names."""
    with tarfile.open(archive) as opened:
        for name in sorted(opened.getnames()):
            inside = name.removeprefix(FOLDER)
            if not name.startswith(FOLDER) or not name.endswith(".rst") or inside.startswith(LEFT_OUT):
                continue
            file = opened.extractfile(name)
            if file is not None:
                yield from read(inside.removesuffix(".rst"), file.read().decode("utf-8"))


def write(documents: list[Document], queries: list[Query]) -> None:
    PREPARED.mkdir(exist_ok=True)
    _lines(PREPARED / "corpus.jsonl", [json.dumps(vars(document)) for document in documents])
    for split in ("search", "holdout"):
        (PREPARED / split).mkdir(exist_ok=True)
        half = [query for query in queries if query.split == split]
        asked = [json.dumps({"id": query.id, "text": query.text, "kind": query.kind}) for query in half]
        _lines(PREPARED / split / "queries.jsonl", asked)
        _lines(PREPARED / split / "judgements.tsv", [f"{query.id}\t{query.target}\t1" for query in half])


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
