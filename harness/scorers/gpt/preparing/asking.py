"""One HTTP request for a shard from some byte on, and what its answer is worth."""

from __future__ import annotations

import email.utils
import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PARQUET = b"PAR1"  # how every Parquet file begins
_PIECE = 1 << 16
_LEAST = 1 << 14  # bytes that have to come in the time of a stall
_LATER = {408, 425, 429, 500, 502, 503, 504}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Broken(Exception):
    """It may come at another time. wait: seconds that the server asks for. afresh: what is here is of no use."""

    def __init__(self, why: str, wait: float = 0.0, *, afresh: bool = False) -> None:
        super().__init__(why)
        self.wait, self.afresh = wait, afresh


class Refused(Exception):
    """It will not come, however often it is asked for. step: what to do instead."""

    def __init__(self, why: str, step: str) -> None:
        super().__init__(why)
        self.step = step


@dataclass(frozen=True)
class Answer:
    """begins: the byte that the first piece begins with; tag: what names this content, if the server gives one."""

    begins: int
    tag: str
    pieces: Iterator[bytes]


@contextmanager
def answer(url: str, offset: int, tag: str, size: int, stall: float) -> Iterator[Answer]:
    """Asks for the bytes from `offset` on of the content that `tag` names. Raises Broken and Refused, then and while
    pieces come."""
    request = urllib.request.Request(  # noqa: S310  the opener knows http and https alone
        url, headers={"User-Agent": "autoresearch-bot", "Accept-Encoding": "identity"}
    )
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        if tag:
            request.add_header("If-Range", tag)
    try:
        with _opener().open(request, timeout=stall) as response:
            begins = _begins(response, offset, size)
            yield Answer(begins, _strong(response.headers.get("ETag", "")), _pieces(response, begins, stall))
    except urllib.error.HTTPError as error:
        with error:
            raise _unwilling(error) from None
    except TimeoutError:
        raise Broken(f"the server said nothing for {stall:g} s") from None
    except urllib.error.URLError as error:
        raise Broken(f"the server cannot be reached: {_reason(error.reason)}") from None
    except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
        raise Broken(f"the connection broke: {type(error).__name__}") from None


def _opener() -> urllib.request.OpenerDirector:
    """What urllib opens, without files and FTP, to which an answer might lead."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler, urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor, urllib.request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


def _begins(response: Any, offset: int, size: int) -> int:
    """Where the content begins that this answer brings, 0 for the whole of it."""
    if response.status == 206:
        told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not offset or not told or int(told[1]) != offset or told[2] not in (str(size), "*"):
            what = f"the server gives {response.headers.get('Content-Range')}, asked for bytes from {offset:,} on"
            raise Broken(what, afresh=True)
        return offset
    if response.status != 200:
        raise Refused(f"the server answers {response.status}", _COMPARE)
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) != size:
        kind = response.headers.get_content_type()
        raise Refused(f"the server has {int(length):,} bytes ({kind}), the list names {size:,}", _COMPARE)
    return 0


def _pieces(response: Any, begins: int, stall: float) -> Iterator[bytes]:
    """What comes, as it comes. The beginning of a file has to be that of a Parquet file."""
    first, came, since = b"", 0, time.monotonic()
    while piece := response.read1(_PIECE):
        if begins == 0 and len(first) < len(PARQUET):
            first = (first + piece)[: len(PARQUET)]
            if not PARQUET.startswith(first):
                kind = response.headers.get_content_type()
                what = f"what comes is no Parquet but {kind}, and begins with {first!r}"
                raise Refused(what, "does the address want a login, or has it moved?")
        yield piece
        came += len(piece)
        if (now := time.monotonic()) - since > stall:
            if came < _LEAST:
                raise Broken(f"{came:,} bytes came in {now - since:.0f} s")
            came, since = 0, now


def _unwilling(error: urllib.error.HTTPError) -> Exception:
    if error.code == 416:
        return Broken("the server has fewer bytes than are here", afresh=True)
    if error.code in _LATER:
        return Broken(f"the server answers {error.code}", _wait(error.headers.get("Retry-After", "")))
    return Refused(f"the server answers {error.code}", "is the address right, and is it public?")


def _wait(told: str) -> float:
    """Retry-After in seconds: a number of them, or a date; 0 where it is neither."""
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _strong(tag: str) -> str:
    """Only a strong tag names bytes."""
    return tag if re.fullmatch(r'"[\x21\x23-\x7e]*"', tag) else ""


def _reason(reason: object) -> str:
    if isinstance(reason, socket.gaierror):
        return "its name is not known"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


_COMPARE = "compare the list with what is published"
