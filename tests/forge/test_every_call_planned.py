"""What plans a night, and what publishes a merge: each call fails, and the machine dies after each write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.every_call import FILES, VERBS, EveryCall

pytestmark = pytest.mark.slow


class TestPlanned(EveryCall):
    verbs = FILES["planned"]


def test_every_verb_has_its_file() -> None:
    assert sorted(verb for verbs in FILES.values() for verb in verbs) == sorted(VERBS)
    here = Path(__file__)
    assert all(here.with_name(f"test_every_call_{name}.py").exists() for name in FILES)
