"""Stands beside a candidate in its sandbox: starts it, gives it what to train on, stops it, hands out what it saved.

One line of JSON in, one line out. Nothing here is trusted: the evaluator keeps the time, from outside. What this says
of the candidate is only whether it is ready, whether it still runs, and the bytes of its newest complete checkpoint.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRATCH = Path("/tmp")  # noqa: S108  the sandbox's own
SAVED, DATA = SCRATCH / "model.bin", SCRATCH / "train.bin"


class Driver:
    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = False

    def start(self, asked: dict[str, Any]) -> bool:
        words = [sys.executable, asked["file"], "train", *asked["arguments"], "--data", str(DATA), "--save", str(SAVED)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(asked["threads"])}
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0)
        os.set_blocking(self._child.stdout.fileno(), False)  # type: ignore[union-attr]  # a pipe was asked for
        return True

    def look(self, _asked: dict[str, Any]) -> dict[str, Any]:
        if self._child is None:
            return {"ready": False, "ended": 1}
        said = self._child.stdout.read(1 << 16)  # type: ignore[union-attr]
        self._ready = self._ready or b"ready" in (said or b"")
        return {"ready": self._ready, "ended": self._child.poll()}

    def data(self, asked: dict[str, Any]) -> bool:
        with DATA.open("ab") as file:
            file.write(base64.b64decode(asked["bytes"]))
        return True

    def go(self, _asked: dict[str, Any]) -> bool:
        if self._child and self._child.poll() is None:
            self._child.stdin.write(b"go\n")  # type: ignore[union-attr]
        return True

    def signal(self, asked: dict[str, Any]) -> bool:
        if self._child and self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL if asked["kill"] else signal.SIGTERM)
        return True

    def saved(self, _asked: dict[str, Any]) -> str:
        return base64.b64encode(SAVED.read_bytes()).decode() if SAVED.is_file() else ""


def main() -> None:
    driver = Driver()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(driver, asked["do"])(asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
