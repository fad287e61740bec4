"""A move wins nothing where honest work of its kind wins; what pays although it should not is bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.scorers.gtm import Scored
from tests.gtm.build import Builder, Json, nine, scored
from tests.gtm.honest import HONEST, LIMITS
from tests.gtm.moves import MOVES, Game, flipped
from tests.gtm.sites import SHOP_ADS, messy_shop
from tests.gtm.test_gtm_games import GAMES

DIMENSION = {
    "outcome": "tag_coverage", "page": "tag_coverage", "consent": "consent", "parameters": "parameter_completeness",
    "order": "deduplication", "copy": "deduplication", "twin trigger": "trigger_quality",
    "twin variable": "variable_hygiene", "secret": "variable_hygiene", "built-in": "variable_hygiene",
    "unused": "variable_hygiene", "name": "naming", "folder": "folders", "ads": "ads_alignment",
}  # fmt: skip
ROUNDING = 1e-12


def played(base: Callable[[], Json], game: Game) -> tuple[Scored, Scored]:
    """Before and after."""
    data = base()
    before = scored(data, business="shop", ads=SHOP_ADS)
    web = Builder("move")
    web._last, web.arrays = 5000, data["containerVersion"]
    game(web)
    return before, scored(data, business="shop", ads=SHOP_ADS)


@pytest.mark.parametrize("name", MOVES)
def test_a_move_wins_nothing(name: str) -> None:
    move = MOVES[name]
    before, after = played(move.base, move.game)
    assert after.total <= before.total + ROUNDING
    dimension = DIMENSION[move.kind]
    assert (nine(after)[dimension] or 0) <= (nine(before)[dimension] or 0) + ROUNDING


@pytest.mark.parametrize("kind", HONEST)
def test_honest_work_of_its_kind_wins(kind: str) -> None:
    base = next(move.base for move in MOVES.values() if move.kind == kind)
    before, after = played(base, HONEST[kind])
    assert after.total > before.total
    assert (nine(after)[DIMENSION[kind]] or 0) > (nine(before)[DIMENSION[kind]] or 0)


def test_every_kind_has_its_control_and_there_are_many_moves() -> None:
    assert {move.kind for move in MOVES.values()} == set(HONEST) == set(DIMENSION)
    assert len(MOVES) + len(GAMES) >= 75


@pytest.mark.parametrize("name", LIMITS)
def test_what_nobody_can_tell_pays_no_more_than_is_told(name: str) -> None:
    game, most = LIMITS[name]
    before, after = played(messy_shop, game)
    assert after.total - before.total <= most


def test_more_of_what_nobody_needs_pays_no_more() -> None:
    """Well-made things that do nothing new raise a share to a bound, however many they are."""
    game, most = LIMITS["300 well-made events that nobody needs"]

    def twice(web: Builder) -> None:
        game(web)
        text = [dict(one, name=f"{one['name']} again", tagId=f"9{one['tagId']}") for one in web.arrays["tag"][-300:]]
        web.arrays["tag"] += [dict(one, firingTriggerId=web.arrays["tag"][0]["firingTriggerId"]) for one in text]

    before, after = played(messy_shop, twice)
    assert after.total - before.total <= most


def test_events_of_another_business_do_not_change_the_guess() -> None:
    data = messy_shop()
    assert scored(data).business == "shop"
    web = Builder("flip")
    web._last, web.arrays = 5000, data["containerVersion"]
    flipped(web)
    assert scored(data).business == "shop"


def test_unused_triggers_say_nothing_of_the_business() -> None:
    data = messy_shop()
    web = Builder("flip")
    web._last, web.arrays = 5000, data["containerVersion"]
    for event in ("article_read", "subscribe", "newsletter_signup", "paywall_view", "video_start", "sign_up", "login"):
        for n in range(3):
            web.event(event)
            web.arrays["trigger"][-1]["name"] += f" {n}"
    assert scored(data).business == "shop"
