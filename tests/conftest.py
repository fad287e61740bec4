"""What every test run says at its end."""

from __future__ import annotations

import sys
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many messages were held against GitHub's description, where any were."""
    server = sys.modules.get("tests.github.server")
    if server and (server.TOTALS.valid or server.TOTALS.invalid):
        terminalreporter.write_line(server.TOTALS.line())
