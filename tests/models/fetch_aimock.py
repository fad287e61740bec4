"""Gets the stand-in for providers of models, which npm brings, and checks that it is the pinned one.

python tests/models/fetch_aimock.py .venv/aimock
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@copilotkit/aimock@1.43.0"
ARCHIVE_SHA256 = "54f4ba4ef984696557e84176d6c4f37150047819a4eda374850a390534bbf117"


def main(target: Path) -> None:
    """SystemExit where the package cannot be had, or is not the pinned one."""
    if shutil.which("npm") is None:
        raise SystemExit("npm brings the stand-in for providers of models, which the tests need: install npm.")
    with tempfile.TemporaryDirectory() as folder:
        words = ["npm", "pack", PACKAGE, "--silent"]
        packed = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        if packed.returncode:
            raise SystemExit(f"npm pack {PACKAGE} failed. Is the network there? It said:\n{packed.stderr}")
        archive = Path(folder) / packed.stdout.split()[-1]
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != ARCHIVE_SHA256:
            raise SystemExit(f"{PACKAGE} has sha256 {found}, not the pinned {ARCHIVE_SHA256}: do not use it.")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(Path(folder) / "package", target)
        os.utime(target)  # make looks when it was made, not when it was packed


if __name__ == "__main__":
    main(Path(sys.argv[1]))
