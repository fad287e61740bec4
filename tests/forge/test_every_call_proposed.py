"""What proposes a second night: each call fails, and the machine dies after each write."""

from __future__ import annotations

import pytest

from tests.every_call import FILES, EveryCall

pytestmark = pytest.mark.slow


class TestProposed(EveryCall):
    verbs = FILES["proposed"]
