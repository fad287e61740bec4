"""What can be mended: one file per family of operators."""

from __future__ import annotations

from bot.proposers.repair.bench import Operator
from bot.proposers.repair.operators.folders import Folders

OPERATORS: tuple[Operator, ...] = (Folders(),)
