"""What a candidate must not find on the machine: texts that the validation text may come from."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

_LIBRARIES = ("/usr/lib", "/usr/local/lib")
_DEPTHS = ("*/pydoc_data", "*/*/pydoc_data", "*/*/*/pydoc_data")  # other interpreters keep theirs deeper
_DOCUMENTS = Path("/usr/share/doc")  # what packages of documentation install, whole manuals among it


@functools.cache
def told_by_python() -> tuple[Path, ...]:
    """Folders: the help on the language that each Python brings that a sandbox shows, and /usr/share/doc."""
    prefixes = {Path(sys.base_prefix, "lib"), Path(sys.prefix, "lib"), *map(Path, _LIBRARIES)}
    found = {folder for prefix in prefixes for depth in _DEPTHS for folder in prefix.glob(depth)}
    return tuple(sorted(folder for folder in {*found, _DOCUMENTS} if folder.is_dir() and not folder.is_symlink()))
