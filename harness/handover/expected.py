"""What a hand-over is held against: the night's plan and the base commit, never what the folder says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.admission import MOST_BYTES, Admission
from harness.duel import FEW_VOID, MOST_VOID
from harness.events import Segment
from harness.folds import LoopState
from harness.target import Target

MOST_SEGMENTS = 1000
MOST_NOTES = 20_000  # that confirm may write on its way
MOST_LINE = 4 * 1024 * 1024
MOST_SEGMENT_BYTES = 1024 * 1024 * 1024
MOST_PACK_BYTES = 512 * 1024 * 1024
_LINE = 128 * 1024  # of an experiment with as many parts as one may report
_VOID = 1 + MOST_VOID


@dataclass(frozen=True)
class Expected:
    """header: what each segment's header says, apart from the machine and the time. planned: experiments at most.
    base: the file as the base commit has it. seed, coin: of the schedule of pairs; without a coin their order is not
    known. judged: whether decisions are made again, which takes the harness that made them. repeat: which time, from
    1, a command repeats confirm's test."""

    night: str
    target: Target
    header: Mapping[str, Any]
    planned: int
    seed: int
    coin: str
    base: bytes
    admission: Admission
    blob_id: Callable[[bytes], str]
    carried_blob: str = ""
    judged: bool = True
    repeat: int = 0

    @property
    def most_pairs(self) -> int:
        noise = self.target.noise
        return int(self.planned * noise.max_pairs * _VOID) + noise.calibration + FEW_VOID if noise else 0

    @property
    def most_events(self) -> int:
        """Lines that all segments together may hold."""
        return self.most_pairs + 3 * self.planned + 4 * MOST_SEGMENTS + MOST_NOTES

    @property
    def most_segment_bytes(self) -> int:
        return min(MOST_SEGMENT_BYTES, self.most_events * _LINE)

    @property
    def most_pack_bytes(self) -> int:
        return min(MOST_PACK_BYTES, (2 * self.planned + self.target.confirm.groups + 1) * MOST_BYTES)


@dataclass(frozen=True)
class Received:
    """What holds: segments in order; packs: SHA-256 -> content; files: name -> the very bytes that were checked; state:
    where the loop stands; history: each kept experiment's number and content; rows: the contents that confirm's rows
    add up to, in order."""

    segments: tuple[Segment, ...]
    packs: Mapping[str, bytes]
    files: Mapping[str, bytes]
    state: LoopState
    history: tuple[tuple[int, bytes], ...]
    rows: tuple[bytes, ...]
