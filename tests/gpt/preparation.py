"""The locked files that make the corpus of gpt-training, as modules."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

TARGET = Path(__file__).parents[2] / "targets/experiments/gpt-training"

sys.path.insert(0, str(TARGET))
try:
    asking, fetching, shards, prepare = map(importlib.import_module, ("asking", "fetching", "shards", "prepare"))
finally:
    sys.path.remove(str(TARGET))
