"""Stands beside a candidate in its sandbox: starts it, and passes on what it says.

One line of JSON in, one line out. Nothing here is trusted, for a candidate can reach it: the evaluator keeps the time,
stops and ends the candidate, and takes what it saved, from outside. What this says is only what the candidate printed,
and whether it still runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SAVED = Path("/tmp/model.bin")  # noqa: S108  the sandbox's own


class Driver:
    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, asked: dict[str, Any]) -> bool:
        words = [sys.executable, *asked["before"], asked["file"], "train", *asked["arguments"], "--save", str(SAVED)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(asked["threads"])}
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0)
        os.set_blocking(self._child.stdout.fileno(), False)  # type: ignore[union-attr]  # a pipe was asked for
        return True

    def look(self, _asked: dict[str, Any]) -> dict[str, Any]:
        if self._child is None:
            return {"said": "", "ended": None}
        ended = self._child.poll()
        said = self._child.stdout.read(1 << 16) or b""  # type: ignore[union-attr]
        return {"said": said.decode(errors="replace"), "ended": ended}

    def go(self, _asked: dict[str, Any]) -> bool:
        if self._child and self._child.poll() is None:
            self._child.stdin.write(b"go\n")  # type: ignore[union-attr]
        return True


def main() -> None:
    driver = Driver()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(driver, asked["do"])(asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
