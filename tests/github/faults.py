"""What goes wrong between a client and GitHub, on request: refusals for speed, failures, answers that never come."""

from __future__ import annotations

import fnmatch
import json
import time
from dataclasses import dataclass, field

KINDS = ("rate-limit", "secondary", 429, 500, 502, "timeout", "reset")
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass
class Fault:
    """`match`: a pattern for "POST /repos/{owner}/{repo}/pulls", for its id "pulls/create", or for "git push".

    `skip` calls that match pass first; then `times` calls fail. `after`: the effect happens and the answer is lost.
    `seconds` is what the answer asks the client to wait.
    """

    match: str
    kind: str | int
    times: int = 1
    skip: int = 0
    after: bool = False
    seconds: int = 0
    struck: list[str] = field(default_factory=list)

    def strikes(self, names: list[str]) -> bool:
        """Counts a call by its names and says whether it fails."""
        if not self.times or not any(fnmatch.fnmatchcase(name, self.match) for name in names):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        self.struck.append(names[0])
        return True


def answer_of(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of a fault that answers at all."""
    if fault.kind == "rate-limit":
        headers = {
            "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000",
            "x-ratelimit-reset": str(int(time.time()) + fault.seconds), "x-ratelimit-resource": "core",
        }  # fmt: skip
        return 403, headers, message(403, "API rate limit exceeded for installation ID 4242.")
    if fault.kind == "secondary":
        return 403, {"retry-after": str(fault.seconds)}, message(403, SECONDARY)
    if fault.kind == 429:
        return 429, {"retry-after": str(fault.seconds)}, message(429, "Too Many Requests")
    if fault.kind == 502:
        return 502, {}, message(502, "Server Error")
    return int(fault.kind), {}, message(int(fault.kind), "Internal Server Error")


def message(status: int, text: str) -> bytes:
    url = "https://docs.github.com/rest"
    return json.dumps({"message": text, "documentation_url": url, "status": str(status)}).encode()
