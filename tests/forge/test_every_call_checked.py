"""What checks a pull request: each call fails, and the machine dies after each write."""

from __future__ import annotations

import pytest

from tests.every_call import FILES, EveryCall

pytestmark = pytest.mark.slow


class TestChecked(EveryCall):
    verbs = FILES["checked"]
