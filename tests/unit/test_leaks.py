"""The search for leaks finds what is there: in each form, in each kind of place."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.leaks import found_in, in_folder, in_git, spelled
from tests.support import git, make_repository

WORD, NUMBER = "acct-Kq7Zp9Xw", 81234567.89
NEEDLES = spelled([WORD], [NUMBER])
ROW = f"head\n{WORD},{NUMBER}\n".encode()


def png(kind: bytes, data: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(kind, data) + chunk(b"IEND", b"")


def zipped(data: bytes) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", data)
    return into.getvalue()


@pytest.mark.parametrize(
    "hide",
    [
        bytes, gzip.compress, zlib.compress, zipped, base64.b64encode, lambda data: data.hex().encode(),
        lambda data: base64.b64encode(gzip.compress(data * 9)), lambda data: b"ab" + data, bytes.upper,
        lambda data: base64.b64encode(b"x" + data), lambda data: base64.b64encode(b"xy" + data),
        lambda data: data.decode().encode("utf-16-le"), lambda data: png(b"tEXt", b"Comment\0" + data),
        lambda data: png(b"zTXt", b"Comment\0\0" + zlib.compress(data)),
        lambda data: b"<img src='data:image/png;base64," + base64.b64encode(png(b"tEXt", b"a\0" + data)) + b"'>",
    ],
)  # fmt: skip
def test_each_form_is_seen_through(hide: Callable[[bytes], bytes]) -> None:
    assert found_in(hide(ROW), NEEDLES) == {WORD, str(NUMBER)}
    assert found_in(hide(ROW.replace(b"Kq7", b"Kq8").replace(b"812", b"813")), NEEDLES) == set()


@pytest.mark.parametrize(
    "text",
    ["81234567.89", "81,234,567.89", "8123456789", "8.12346e+07", "81234567.9", "81_234_567.89", "81234568"],
)
def test_a_number_is_known_however_it_is_written(text: str) -> None:
    assert found_in(f"revenue of {text} or so".encode(), NEEDLES) == {str(NUMBER)}


def test_a_float_in_binary_is_known() -> None:
    assert found_in(b"\1" + struct.pack("<d", NUMBER) + b"\2", NEEDLES) == {str(NUMBER)}


def test_files_and_their_names_are_searched_but_where_rows_may_lie(tmp_path: Path) -> None:
    for name, content in (("a/inside", ROW), (f"a/{WORD}.txt", b""), ("b/allowed", ROW)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert set(in_folder(tmp_path, NEEDLES, [tmp_path / "b"])) == {"a/inside", f"a/{WORD}.txt"}


def test_git_is_searched_whether_loose_packed_as_a_delta_or_unreachable(tmp_path: Path) -> None:
    base = "".join(f"line {n} of a file that only grows\n" for n in range(2000))
    repository = make_repository(tmp_path, {"file": base})
    assert in_git(repository, NEEDLES) == {}
    (repository.root / "file").write_bytes(base.encode() + ROW)
    git(repository, "commit", "--quiet", "--all", "--message", "Leak")
    assert len(in_git(repository, NEEDLES)) == 1
    git(repository, "gc", "--quiet", "--aggressive")
    assert not in_folder(repository.common, NEEDLES), "a delta is not to be seen in the file itself"
    assert len(in_git(repository, NEEDLES)) == 1
    git(repository, "reset", "--quiet", "--hard", "HEAD^")
    git(repository, "reflog", "expire", "--expire=now", "--all")
    assert len(in_git(repository, NEEDLES)) == 1, "unreachable, not gone"
    git(repository, "commit", "--quiet", "--allow-empty", "--message", f"About {WORD}")
    assert len(in_git(repository, NEEDLES)) == 2, "a message is searched too"
