"""Models that answer with more than they learnt: found out, or no better for it. Each would pay without the probes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from harness.scorers.gpt import bits, corpus, serving
from tests.gpt import cheating
from tests.gpt.cheating import MARGIN, SEED, World

BLANK = """
def learn(counts, text, at):
    return at
"""
NEXT = """
def logits(counts, ids):
    found = np.log(counts[ids])
    window, place = np.nonzero(np.ones_like(ids[:, :-1]))
    chosen = {where}
    found[window[chosen], place[chosen], ids[window[chosen], place[chosen] + 1]] += {much}
    return found
"""
AHEAD = {
    "the next token": NEXT.format(where="slice(None)", much=4),
    "the next token, at one place in three": NEXT.format(where="(ids[window, place] * 7 + place) % 3 == 0", much=4),
    "all that follows": """
def logits(counts, ids):
    found = np.log(counts[ids])
    for window, row in enumerate(ids):
        later = np.cumsum(np.eye(counts.shape[0])[row[::-1]], axis=0)[::-1]
        found[window] += np.log(1 + later)
    return found
""",
    "the statistics of its batch": """
def logits(counts, ids):
    seen = np.zeros_like(counts)
    np.add.at(seen, (ids[:, :-1].ravel(), ids[:, 1:].ravel()), 3)
    return np.log((counts + seen)[ids])
""",
    "what it was asked before": BLANK
    + """
SEEN = []
def logits(counts, ids):
    found = np.log((counts + sum(SEEN))[ids])
    SEEN.append(np.zeros_like(counts))
    np.add.at(SEEN[-1], (ids[:, :-1].ravel(), ids[:, 1:].ravel()), 1)
    return found
""",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield cheating.built(tmp_path_factory.mktemp("ahead"), patch)


@pytest.fixture(scope="module")
def honest(world: World) -> float:
    return world.score()


@pytest.fixture(scope="module")
def blank(world: World) -> float:
    """What is scored by who has learnt nothing."""
    return world.score(BLANK)


@pytest.mark.parametrize("what", AHEAD)
def test_a_model_that_knows_more_than_what_came_before_is_found_out(what: str, world: World) -> None:
    assert "must look back only" in world.refused(AHEAD[what])


@pytest.mark.parametrize("what", AHEAD)
def test_without_the_probes_it_would_pay(
    what: str, world: World, honest: float, blank: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheating.without_probes(monkeypatch)
    alike = blank if BLANK in AHEAD[what] else honest
    assert world.score(AHEAD[what]) < alike - MARGIN


FAINT = BLANK + NEXT.format(where="slice(None)", much=0.02)


def test_a_glance_too_faint_to_be_found_is_charged(world: World, blank: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.score(FAINT) > blank - 0.003
    cheating.without_probes(monkeypatch)
    assert world.score(FAINT) < blank - 0.01


def test_the_seed_that_it_was_told_does_not_tell_where_it_is_looked_at(
    world: World, honest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks ahead everywhere but at the places that its own seed would give, and keeps the windows' order."""
    assert "must look back only" in world.refused(BY_THE_SEED)
    monkeypatch.setattr(serving.secrets, "randbits", lambda _: SEED)
    assert world.score(BY_THE_SEED) < honest - MARGIN


BY_THE_SEED = f"""
def logits(counts, ids):
    found = np.log(counts[ids])
    if ids.shape[1] < 2:
        return found
    places = np.random.default_rng({SEED}).integers(1, ids.shape[1], size={cheating.WINDOWS})
    for window, row in enumerate(ids):
        found[window, np.arange(len(row) - 1), row[1:]] += 4
        for place in set(places):  # not knowing which window is which, it spares them all
            found[window, place - 1] = np.log(counts[row[place - 1]])
    return found
"""


def test_windows_do_not_touch(world: World, blank: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """No place is compared that stands last: its target must stand in no other window, that the batch may show."""
    assert world.score(LAST) > blank - 0.001
    cheating.without_probes(monkeypatch)
    monkeypatch.setattr(corpus.Corpus, "windows", touching)
    monkeypatch.setattr(serving.bits, "Probe", InOrder)
    assert world.again().score(LAST) < blank - 0.001


LAST = (
    BLANK
    + """
def logits(counts, ids):
    found = np.log(counts[ids])
    found[np.arange(len(ids) - 1), -1, ids[1:, 0]] += 4
    return found
"""
)


class InOrder(bits.Probe):
    """Windows are asked as the text has them: who stands in one batch are neighbours."""

    def __init__(self, windows: corpus.Ids, seed: int) -> None:
        super().__init__(windows, seed)
        self.unswapped = sorted(self.unswapped)


def touching(self: corpus.Corpus, count: int, context: int) -> corpus.Ids:
    starts = np.arange(count)[:, None] * context
    found: corpus.Ids = self.validation[starts + np.arange(context + 1)[None, :]]
    return found
