"""As actions/download-artifact since v5: each artifact in a folder of its name; one alone, or merged, without it."""

import fnmatch
import os
import re
import shutil
from pathlib import Path

pattern, into = os.environ["PATTERN"], Path(os.environ["INTO"])
braces = re.fullmatch(r"(.*?)\{(.*)\}(.*)", pattern)
patterns = [f"{braces[1]}{one}{braces[3]}" for one in braces[2].split(",")] if braces else [pattern]
kept = Path(os.environ["STUB_ARTIFACTS"])
found = [folder for folder in sorted(kept.iterdir()) if any(fnmatch.fnmatchcase(folder.name, one) for one in patterns)]
flat = os.environ["MERGE"] == "true" or len(found) == 1
into.mkdir(parents=True, exist_ok=True)
for folder in found:
    shutil.copytree(folder, into if flat else into / folder.name, dirs_exist_ok=True)
    print(f"downloaded {folder.name}")
