"""The libraries that a training run needs and the rest of the harness does not: the extra `gpt`."""

from __future__ import annotations

import importlib.util

from harness.errors import EvaluatorError


def require(*libraries: str) -> None:
    """Raises EvaluatorError where this Python lacks one. Imports none of them."""
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        raise EvaluatorError(f"a training run needs the extra gpt: {what}", next_step=INSTALL)


INSTALL = "pip install 'autoresearch-bot[gpt]'"
