"""What nights on api-latency share: the target's files, with fewer requests if wanted, and a proposer with a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.proposers import Outcome, Proposal, Request, Told

ROOT = Path(__file__).parents[2]
FOLDER = "targets/experiments/api-latency"
Change = tuple[str, str, str]  # a file of the target, what stands in it, what shall stand there
FEWER: Sequence[Change] = (  # requests and pairs, so that a night takes a minute
    ("traffic.py", "EACH = 50", "EACH = 24"),
    ("target.yaml", "noise: {}", "noise: {max_pairs: 20, calibration: 4}"),
    ("target.yaml", "groups: 6", "groups: 1"),
)


def files(*changes: Change) -> dict[str, str | bytes]:
    """The target as it is shipped, but for these."""
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / FOLDER).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name, old, new in changes:
        assert old in found[f"{FOLDER}/{name}"]
        found[f"{FOLDER}/{name}"] = found[f"{FOLDER}/{name}"].replace(old, new)
    return {**found}


class Script:
    """Proposes what was written before the night. contents: by what is said of them."""

    worst_case_usd, steady = 0.0, False

    def __init__(self, **contents: str) -> None:
        self._all = [Proposal(content.encode(), said.replace("_", " ")) for said, content in contents.items()]

    def ask(self, request: Request) -> list[Proposal]:
        return self._all[request.first - 1 :][: request.count]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """It has made up its mind."""

    def recall(self, told: Iterable[Told]) -> None:
        """Likewise."""
