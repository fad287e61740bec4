"""As actions/upload-artifact: a folder's content, without hidden files; a name is taken once in a run."""

import os
import shutil
import sys
from pathlib import Path

name, source = os.environ["NAME"], Path(os.environ["FROM"])
target = Path(os.environ["STUB_ARTIFACTS"], name)
if set(name) & set('":<>|*?\r\n\\/'):
    sys.exit(f"not a name for an artifact: {name}")
files = [path for path in source.rglob("*") if path.is_file()]
files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(source).parts)]
if not files:
    print(f"no files in {source}")
    sys.exit(os.environ["ABSENT"] == "error")
if target.exists():
    sys.exit(f"an artifact {name} exists already")
for path in files:
    copy = target / path.relative_to(source)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
