"""`autoresearch refresh`: does a night's result hold on the accounts of a later period?

A night is confirmed on accounts of the period that it searched. Customers change; so before new weights replace old
ones, both are held against a table of a later period that no search has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.refresh import changes, comparison, drift, page
from bot.refresh.inputs import LATER, Inputs, Wishes, gather, sha256
from harness.discretion import NOT_KEPT
from harness.errors import ConfigError, IntegrityError, InvalidCandidate, Place
from harness.repository import Repository

READY, KEEP = "READY_FOR_REVIEW", "KEEP_INCUMBENT"


@dataclass(frozen=True)
class Refreshed:
    """verdict: READY or KEEP. folder: where report, account changes and manifest lie."""

    verdict: str
    gates: tuple[comparison.Gate, ...]
    folder: Path

    def as_text(self) -> str:
        lines = [f"{self.verdict}: a human decides; nothing was changed"]
        lines += [f"  {'holds' if gate.holds else 'FAILS'}  {gate.says}" for gate in self.gates]
        return "\n".join([*lines, f"page: {self.folder / 'report.html'}"])


def refresh(repository: Repository, wishes: Wishes) -> Refreshed:
    """Compares the result of a night with its base on a later table; what a reviewer needs goes into a new folder.

    Raises ConfigError for periods that overlap, tables that do not fit and a folder that exists; IntegrityError where
    a table changed meanwhile. Writes nothing then.
    """
    inputs = gather(repository, wishes)
    folder = wishes.into or repository.state / "refresh" / f"{wishes.target}-{wishes.later.features}"
    if folder.exists():
        raise ConfigError(
            Place(str(folder)), "exists already", next_step="--into another folder: nothing is overwritten"
        )
    found = _compared(inputs)
    gates = comparison.gates(found, wishes.policy)
    verdict = READY if all(gate.holds for gate in gates) else KEEP
    per_account = not inputs.target.private or _outside(repository, folder)
    files: dict[str, str | bytes] = {
        "incumbent.yaml": inputs.incumbent.content,
        "candidate.yaml": inputs.candidate.content,
    }
    if per_account:
        files["accounts.csv"] = changes.table(inputs, found)
    files |= page.files(verdict, inputs, found, gates, drift.drifts(inputs), per_account=per_account)
    if sha256(inputs.table) != inputs.hashes[LATER]:
        raise IntegrityError(
            "a table changed while it was read",
            why="something wrote to it",
            next_step="run it again on a table at rest",
        )
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Refreshed(verdict, gates, folder)


def _compared(inputs: Inputs) -> comparison.Comparison:
    """As `comparison.compare`; of a private target without the values that do not fit, which are single accounts'."""
    try:
        return comparison.compare(inputs)
    except InvalidCandidate:
        if not inputs.target.private:
            raise
        raise InvalidCandidate(
            "a spec does not fit the later features: one without scaling lies outside 0 to 1 there",
            why=f"which value is {NOT_KEPT}", next_step="bring it to the scale of the table that was searched",
        ) from None  # fmt: skip


def _outside(repository: Repository, folder: Path) -> bool:
    """Whether nothing that carries the repository or its git folder along would take this folder too."""
    return not any(folder.resolve().is_relative_to(one.resolve()) for one in (repository.root, repository.common))
