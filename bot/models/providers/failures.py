"""What the errors of the clients mean. Both SDKs raise the same families, on the same HTTP library."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any

from bot.models.messages import Usage
from bot.models.providers import Trouble

_NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"}
_GAVE_UP = (408, 504, 524)  # who stands between gave up waiting, and the model may have worked on
_MOST_SAID = 300


def from_status(status: int, headers: Mapping[str, str], message: str) -> Trouble:
    """An error that the provider answered with: it charges for none of them. A gateway's time limit is not its word."""
    why = f"HTTP {status}: {message[:_MOST_SAID]}"
    after = retry_after(headers)
    if status == 429:
        return Trouble("rate-limited", why, after=after)
    if status in (529, 503):
        return Trouble("overloaded", why, after=after)
    if gave_up(status):
        return Trouble("outage", why, after=after, paid="unknown")
    if status >= 500 or status == 409:
        return Trouble("outage", why, after=after)
    return Trouble("rejected", why, again=False)


def gave_up(status: int) -> bool:
    return status in _GAVE_UP


def from_stream(kind: str, message: str, usage: Usage | None) -> Trouble:
    """An error inside a stream, after the provider began to answer."""
    outcome = {"overloaded_error": "overloaded", "rate_limit_error": "rate-limited"}.get(kind, "outage")
    why = f"{kind or 'an error'} in the middle of the answer: {message[:_MOST_SAID]}"
    return Trouble(outcome, why, paid="output" if usage else "unknown", usage=usage)  # type: ignore[arg-type]


def from_connection(error: BaseException, usage: Usage | None) -> Trouble:
    """A connection that failed. What was never sent costs nothing; else the provider may have worked for it."""
    names = [type(one).__name__ for one in _causes(error)]
    why = f"no whole answer: {', '.join(dict.fromkeys(names))}"
    if any(name in _NOT_SENT for name in names):
        return Trouble("outage", why)
    return Trouble("outage", why, paid="output" if usage else "unknown", usage=usage)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either of the two headers that providers send; a date counts from now."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        said = headers.get("retry-after", "")
        return max(0.0, float(said)) if said else None
    except ValueError:
        return _until(headers.get("retry-after", ""))


def _until(said: str) -> float | None:
    date: Any = email.utils.parsedate_tz(said)
    try:
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    except (ValueError, OverflowError):  # no date of any calendar
        return None


def _causes(error: BaseException) -> list[BaseException]:
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found
