"""Looks for what must not be there, in every form that it could take: encoded, compressed, in a picture, in git."""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.repository import Repository
from tests.support import git

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_PNG = b"\x89PNG\r\n\x1a\n"
_DEEPEST = 4


def spelled(words: Sequence[str], numbers: Sequence[float]) -> dict[bytes, str]:
    """Every form in which one of these may stand, in lower case -> what it is."""
    found = {form.lower(): word for word in words for form in _encoded(word.encode())}
    for number in numbers:
        texts = [f"{number:.{digits}f}" for digits in (0, 1, 2)] + [f"{number:,.2f}", f"{100 * number:.0f}"]
        texts += [f"{number:.6g}", f"{number:.5e}", f"{number:_.2f}"]
        plain = [form for text in texts for form in _encoded(text.encode())]
        packed = [struct.pack(f"{order}{kind}", number) for order in "<>" for kind in "d"]
        found |= {form.lower(): f"{number}" for form in [*plain, *packed]}
    return found


def _encoded(text: bytes) -> Iterator[bytes]:
    """Base64 at each of its three places: the bytes at both ends depend on what stands beside."""
    yield text
    yield text.hex().encode()
    yield text.decode().encode("utf-16-le")
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + text)
        yield inner[4 if shift else 0 : len(inner) // 4 * 4 - 4]


def found_in(data: bytes, needles: Mapping[bytes, str]) -> set[str]:
    """What of it is in there, compressed parts opened."""
    found: set[str] = set()
    for part in _parts(data, _DEEPEST):
        lower = part.lower()
        found |= {name for form, name in needles.items() if form in lower}
    return found


def _parts(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if depth:
        for inner in itertools.chain(_unpacked(data), _decoded(data)):
            yield from _parts(inner, depth - 1)


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if data.startswith(_PNG):
        yield from _chunks(data)
    for start in [0, *(match.end() for match in re.finditer(rb"\0", data[:200]))]:  # where a chunk's keyword ends
        try:
            yield zlib.decompressobj().decompress(data[start:])
        except zlib.error:
            continue


def _chunks(data: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 8 : at + 8 + size]
        at += size + 12


def _decoded(data: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(data):
        text = match[0].rstrip(b"=")
        yield base64.b64decode(text[: len(text) // 4 * 4])


def in_folder(folder: Path, needles: Mapping[bytes, str], but: Sequence[Path] = ()) -> dict[str, set[str]]:
    """Path below the folder -> what is in that file, or in its name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(path.is_relative_to(one) for one in but):
            name = path.relative_to(folder).as_posix()
            if there := found_in(path.read_bytes(), needles) | found_in(name.encode(), needles):
                found[name] = there
    return found


def in_git(repository: Repository, needles: Mapping[bytes, str]) -> dict[str, set[str]]:
    """Object -> what is in it: every object that there is, loose or packed, whether or not a name leads to it."""
    found = {}
    listed = git(
        repository, "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype)"
    )
    for line in listed.splitlines():
        name, kind = line.split()
        if there := found_in(repository.git("cat-file", kind, name), needles):
            found[f"{kind} {name}"] = there
    return found
