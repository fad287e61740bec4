"""A repository's whole life with the bot: its workflows as they are written, on a real runner, against real git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.shop import Shop, opened
from tests.forging import EVALUATOR, folder, target
from tests.github.state import Pull

SPEC = f"{folder('t')}/spec.yaml"
START = "a: 1\nb: 1\nc: 1\nd: 1\n"
FILES = {
    SPEC: START,
    f"{folder('t')}/target.yaml": target("t", "publish: [tag]").replace(
        "space: {/a: {int: [0, 50]}, /b: {int: [0, 50]}}", "space: {/*: {int: [0, 5000]}}"
    ),
    # The best is within the bounds: two nights that both ran into them would propose the same, which is refused.
    f"{folder('t')}/evaluate.py": EVALUATOR.replace(
        'data["a"] + data["b"]', "sum(9000 - abs(value - 3000) for value in data.values())"
    ),
}
NIGHT = dict.fromkeys(["plan", "run t", "confirm t", "propose"], "success")
PROMOTION = dict.fromkeys(["plan", "remeasure t", "publish"], "success")
COMMAND = dict.fromkeys(["gate", "work t", "post"], "success")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, FILES) as made:
        yield made


def proposed(shop: Shop, pull: Pull) -> str:
    """What the pull request would make of the target's file."""
    return shop.read(pull.head_sha, SPEC)


def test_a_whole_life(shop: Shop) -> None:
    first = a_first_night_is_merged_and_promoted(shop)
    second = a_second_night_builds_on_it(shop, first)
    third = a_third_supersedes_it_unreviewed(shop, second)
    fourth = what_was_closed_is_never_proposed_again(shop, third)
    a_squash_is_known_by_its_content(shop, fourth)
    fifth = a_row_is_dropped_and_the_rest_measured_again(shop)
    a_pull_request_is_refreshed_in_place(shop, fifth)
    later = [proposed(shop, pull) for pull in shop.there.pulls.values() if pull.number > third.number]
    assert proposed(shop, third) not in later, "what was closed came back on a later night"
    assert len({pull.head for pull in shop.there.pulls.values()}) == len(shop.there.pulls)
    assert len(shop.there.issues) == 1, "the dashboard is one issue, edited in place"


def a_first_night_is_merged_and_promoted(shop: Shop) -> str:
    """What the default branch holds then."""
    assert shop.night().jobs == NIGHT
    (pull,) = shop.open
    wanted = proposed(shop, pull)
    assert shop.merge(pull).jobs == PROMOTION
    assert shop.read("main", SPEC) == wanted
    assert len(shop.tags) == 1
    (realised,) = shop.recorded("realised")
    assert realised["figures"]["gain"] == realised["predicted"]["gain"] > 0
    return wanted


def a_second_night_builds_on_it(shop: Shop, base: str) -> Pull:
    assert shop.night().jobs == NIGHT
    (pull,) = shop.open
    assert proposed(shop, pull) != base
    assert shop.recorded("baseline")[-1]["metrics"]["acc"] == shop.recorded("realised")[0]["figures"]["head"]["acc"]
    return pull


def a_third_supersedes_it_unreviewed(shop: Shop, second: Pull) -> Pull:
    shop.night()
    (pull,) = shop.open
    assert pull.number != second.number
    assert (second.state, "superseded" in second.labels) == ("closed", True)
    assert f"/pull/{pull.number}," in second.comments[-1].body
    assert second.head in (pull.body or "")
    return pull


def what_was_closed_is_never_proposed_again(shop: Shop, third: Pull) -> Pull:
    declined = proposed(shop, third)
    shop.there.close(third.number, by="ada")
    shop.night()
    (pull,) = shop.open
    assert proposed(shop, pull) != declined
    return pull


def a_squash_is_known_by_its_content(shop: Shop, fourth: Pull) -> None:
    assert shop.merge(fourth, method="squash").jobs == PROMOTION
    assert len(shop.tags) == 2


def a_row_is_dropped_and_the_rest_measured_again(shop: Shop) -> Pull:
    shop.edit({SPEC: START}, "Begin anew")
    shop.night()
    (pull,) = shop.open
    rows = [event["rows"] for event in shop.recorded("confirm")][-1]
    assert len(rows) > 1, "one row alone cannot be dropped: the test proves nothing"
    before = proposed(shop, pull)
    assert shop.comment(pull, f"/drop {rows[-1]['number']}").jobs == COMMAND
    left = proposed(shop, pull)
    assert pull.state == "open"
    dropped = [pair for pair in zip(before.splitlines(), left.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [now in START.splitlines() for _was, now in dropped] == [True], "that row is as before the night, no other"
    assert "~~" in (pull.body or "")
    assert shop.comment(pull, "/recheck").jobs == COMMAND
    assert proposed(shop, pull) == left
    assert set(shop.comment(pull, "/drop 1", by="mallory").jobs) == {"gate"}
    assert proposed(shop, pull) == left
    return pull


def a_pull_request_is_refreshed_in_place(shop: Shop, pull: Pull) -> None:
    shop.edit({".github/autoresearch.yml": "pull_request: {unreviewed: refresh}\n"}, "Refresh in place")
    pull.body, tip = f"Ada looks at this tomorrow.\n\n{pull.body}", pull.head_sha
    assert shop.night().jobs == NIGHT
    assert [each.number for each in shop.open] == [pull.number]
    assert (pull.body or "").startswith("Ada looks at this tomorrow.\n\n")
    assert pull.head_sha != tip, "the later night left it as it was"
    assert pull.head_sha in {event["head"] for event in shop.recorded("proposed")}
