"""Stands beside a candidate in its sandbox: starts it, stops it, and hands out what it saved. Nothing here is trusted.

One line of JSON in, one line out. The evaluator keeps the time, from outside: what this says of the candidate is only
whether it still runs, and the bytes of its newest complete checkpoint.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SAVED = Path("/tmp/model.bin")  # noqa: S108  the sandbox's own scratch


def main() -> None:
    child: subprocess.Popen[bytes] | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "start":
            environment = {**os.environ, "OMP_NUM_THREADS": str(asked["threads"])}
            words = [sys.executable, asked["file"], "train", *asked["arguments"], "--save", str(SAVED)]
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=2, env=environment)
            answer: object = True
        elif asked["do"] == "signal" and child and child.poll() is None:
            child.send_signal(signal.SIGKILL if asked["kill"] else signal.SIGTERM)
            answer = True
        elif asked["do"] == "saved":
            answer = base64.b64encode(SAVED.read_bytes()).decode() if SAVED.is_file() else ""
        else:
            answer = child.poll() if child else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
