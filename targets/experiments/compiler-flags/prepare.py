"""Fetches what is compiled and what it works on, into prepared/. Locked; `autoresearch setup` runs it.

prepared/lz4/        the C library lz4 as the source archive of the Python package lz4 carries it
prepared/input.txt   four books and papers from the tests of brotli, then lz4's own source text

pip finds the archives wherever it is configured to look, and compares their SHA-256 with the ones below before it opens
them. Nothing in them is run: build_backend/ stands in for their build scripts, and only the files below are taken out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
PREPARED = HERE / "prepared"

ARCHIVES = {
    "lz4==4.4.5": "5f0b9e53c1e82e88c10d7c180069363980136b9d7a8306c4dca4f760d60c39f0",
    "brotli==1.2.1": "02b2f7b5a83485efe448a44ddf7983def05c3bb1dcf917d4f7154070260e13de",
}
SOURCES = ("lz4.h", "lz4.c", "lz4hc.h", "lz4hc.c")
TEXTS = ("alice29.txt", "asyoulik.txt", "lcet10.txt", "plrabn12.txt")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder))
        lz4 = members(Path(folder, "lz4-4.4.5.tar.gz"), (f"lz4-4.4.5/lz4libs/{name}" for name in SOURCES))
        texts = members(Path(folder, "brotli-1.2.1.tar.gz"), (f"brotli-1.2.1/tests/testdata/{name}" for name in TEXTS))
    (PREPARED / "lz4").mkdir(parents=True, exist_ok=True)
    for name, content in zip(SOURCES, lz4, strict=True):
        (PREPARED / "lz4" / name).write_bytes(content)
    (PREPARED / "input.txt").write_bytes(b"".join([*texts, *lz4]))


def download(folder: Path) -> None:
    """Both archives, from where this machine's pip takes packages."""
    wanted = folder / "wanted.txt"
    wanted.write_text("".join(f"{name} --hash=sha256:{digest}\n" for name, digest in ARCHIVES.items()))
    words = ["download", "--quiet", "--require-hashes", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--dest", str(folder), "--requirement", str(wanted)],
        env={**os.environ, "PYTHONPATH": str(HERE / "build_backend"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=sys.stderr, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"pip could not fetch {' and '.join(ARCHIVES)}: is it installed, and is there a network?")


def members(archive: Path, names: Iterable[str]) -> list[bytes]:
    """These files of an archive, in this order."""
    with tarfile.open(archive) as opened:
        found = [opened.extractfile(name) for name in names]
        return [file.read() for file in found if file]


if __name__ == "__main__":
    main()
