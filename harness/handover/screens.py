"""Screens once more: each must be the one that was due, and what it rules out must be what was recorded."""

from __future__ import annotations

from harness import screening
from harness.events import Event
from harness.handover.loop import Contradiction, Replay, check_metrics, check_verdict
from harness.schedule import Schedule
from harness.target import Screen


def take_screen(replay: Replay, event: Event) -> None:
    """The one screen of the try at hand, before its first pair."""
    expected, state, screen = replay.expected, replay.state, screen_of(replay)
    if screen is None:
        raise Contradiction("a screen, and the target has none")
    if state.begun is None or event["id"] != state.begun["id"]:
        raise Contradiction(f"a screen of {event['id']}, which is not being tried")
    if state.screen is not None or state.fought:
        raise Contradiction("a second screen of one try, or one after its pairs")
    due = screening.screen_seed(Schedule(expected.seed, expected.coin), state.kept)
    if event["seed"] != due or event["share"] != screen.share:
        raise Contradiction("its seed or share is not the one that was due")
    check_seen(replay, event, screen)
    replay.crashed = event["crash"]


def check_seen(replay: Replay, event: Event, screen: Screen) -> None:
    """A void screen has no numbers; any other has the incumbent's, and of the candidate exactly one answer."""
    answers = [bool(event["candidate"]), bool(event["crash"]), "bound" in event]
    if event["void"]:
        if event["incumbent"] or any(answers):
            raise Contradiction("it is void, and has numbers")
        return
    check_metrics(replay, event["incumbent"])
    if sum(answers) != 1:
        raise Contradiction("its candidate has no answer, or more than one")
    if event["candidate"]:
        check_metrics(replay, event["candidate"])
    if "bound" in event and screening.lost(replay.expected.target.rule.primary, screen, event) is None:
        raise Contradiction("its candidate was stopped, and does not fall short of the incumbent")


def ruled_out(replay: Replay) -> tuple[str, str] | None:
    """Status and reason of the try at hand, where its screen settles them."""
    screen, seen = screen_of(replay), replay.state.screen
    if screen is None or seen is None:
        return None
    if seen["crash"]:
        return "crash", seen["crash"]
    primary = replay.expected.target.rule.primary
    return None if screening.lost(primary, screen, seen) is None else ("discard", "screened")


def check_ruled_out(replay: Replay, event: Event) -> bool:
    """Whether an experiment was settled by its screen; it has to say what the screen says."""
    due = ruled_out(replay)
    if due is None:
        if event["reason"] == "screened":
            raise Contradiction("it is screened, and no screen of it says so")
        return False
    check_verdict(event, due)
    if event["metrics"] or event["parts"] or "pairs" in event:
        raise Contradiction("its screen settled it, and it has numbers")
    check_loss(replay, event)
    return True


def check_loss(replay: Replay, event: Event) -> None:
    """Gain and bound of what was screened follow from the screen; of a crash there are none."""
    screen, seen, primary = screen_of(replay), replay.state.screen, replay.expected.target.rule.primary
    lost = screening.lost(primary, screen, seen) if screen and seen else None
    if event["gain"] != (lost or 0.0):
        raise Contradiction("its gain is not that of its screen")
    if lost is not None and event["bound"] != screening.moved(primary, replay.state.metrics[primary.name], lost):
        raise Contradiction("its bound is not that of its screen")


def screen_of(replay: Replay) -> Screen | None:
    noise = replay.expected.target.noise
    return noise.screen if noise else None
