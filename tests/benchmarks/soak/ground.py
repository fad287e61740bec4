"""Where nights of one kind are run, killed and resumed, and what the evaluator logged of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bot.night.folder import Night, nights
from tests.benchmarks.soak.kinds import Kind
from tests.support import ENVIRONMENT, autoresearch, make_repository

SEED = 5  # of every night


@dataclass(frozen=True)
class Line:
    """One measurement, as the evaluator logged it."""

    verb: str
    seed: int
    text: str


@dataclass
class Tally:
    """What the kills of one kind came to. repeats: measurements made again per kill; worst: of one kill."""

    kills: int = 0
    nights: int = 0
    whom: Counter[str] = field(default_factory=Counter)
    where: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    worst: int = 0


class Ground:
    """A repository of one kind, in which nights are run, killed and resumed."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind, self.log = kind, folder / "log"
        self.repository = make_repository(folder, kind.files(self.log))
        self.log.touch()
        self.due = 0  # the night that is being run, counted from 1
        self.began = 0  # lines of the log before it
        self.tally = Tally()

    @property
    def night(self) -> Night | None:
        """The night that is being run, once it is planned."""
        known = nights(self.repository)
        return known[-1] if len(known) >= self.due else None

    @property
    def over(self) -> bool:
        night = self.night
        return night is not None and night.done

    def next_night(self) -> None:
        self.due, self.began = self.due + 1, len(self.lines())

    def lines(self) -> list[Line]:
        found = [line.split(" ", 2) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [Line(verb, int(seed), text) for verb, seed, text in found]

    def start(self) -> subprocess.Popen[bytes]:
        """A night in a process group of its own: a new one, or the interrupted one once more."""
        command = [sys.executable, "-m", "bot.cli", "night", "--quiet", *self.wishes()]
        return subprocess.Popen(
            command, cwd=self.repository.root, env={**os.environ, **ENVIRONMENT}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=(self.log.parent / "stderr").open("wb"),
        )  # fmt: skip

    def wishes(self) -> tuple[str, ...]:
        return "--seed", str(SEED), "-n", str(self.kind.experiments)

    def undisturbed(self) -> None:
        """A whole night, or what is left of one."""
        process = self.start()
        process.wait(timeout=600)
        self.check_exit(process)

    def loop(self) -> None:
        """Plan and run alone."""
        for command in (["plan", *self.wishes()], ["run", "--quiet"]):
            done = autoresearch(self.repository, *command)
            assert done.returncode == 0, done.stderr

    def check_exit(self, process: subprocess.Popen[bytes]) -> None:
        said = (self.log.parent / "stderr").read_text(encoding="utf-8", errors="replace")
        assert process.returncode == 0, f"{self.kind.name}: exit {process.returncode}: {said}"
