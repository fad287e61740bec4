"""What must hold at the end of a night: it is the one that nobody killed, event for event."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence

from bot.night.folder import Night, nights
from bot.night.proposing.opening import branch_of
from harness import folds
from harness.contents import content_of
from harness.events import Event
from tests.benchmarks.soak.ground import Ground
from tests.benchmarks.soak.kinds import FOLDER
from tests.benchmarks.soak.still import check_readable, check_records
from tests.support import autoresearch, git

_VOLATILE = ("chain", "seconds", "elapsed")
_NIGHT = re.compile(r"\d{4}-\d\d-\d\d(?:-\d+)?")


def history(night: Night) -> list[str]:
    """Everything that a night recorded but for times, names and what was merely interrupted."""
    found = []
    for event in folds.all_events(night.segments("t")):
        if event["event"] == "header" or (event["event"], event.get("end")) == ("seal", "interrupted"):
            continue
        found.append(_NIGHT.sub("NIGHT", json.dumps(_lasting(event), sort_keys=True)))
    return found


def _lasting(event: Event) -> Event:
    dropped = {*_VOLATILE, *({"events"} if event["event"] == "seal" else set())}
    dropped |= {"head"} if event["event"] == "proposed" else set()
    lasting = {key: value for key, value in event.items() if key not in dropped}
    if "pack" in lasting.get("content", {}):
        lasting["content"] = lasting["content"]["pack"]["sha256"]
    return lasting


def check_finished(ground: Ground, reference: Sequence[str]) -> None:
    """The night is over, and is the one that nobody killed."""
    night = ground.night
    assert night is not None
    assert night.done, "the night is not over"
    check_readable(ground)
    check_records(ground, complete=True)
    mine = history(night)
    apart = next((pair for pair in itertools.zip_longest(mine, reference) if pair[0] != pair[1]), None)
    assert apart is None, f"{ground.kind.name}: not the night that nobody killed:\n{apart}"
    assert branch_content(ground, night) == final_content(night), "the branch is not what was confirmed"
    verified = autoresearch(ground.repository, "log", "--verify")
    assert verified.returncode == 0, verified.stderr
    settled: set[str] = set()
    for one in nights(ground.repository):
        tried = folds.of_kind(one.segments("t"), "experiment")
        assert settled.isdisjoint(event["canon"] for event in tried), "paid for twice across nights"
        settled |= {event["canon"] for event in tried if event["status"] != "keep"}
    ground.tally.nights += 1


def final_content(night: Night) -> str:
    segments = night.segments("t")
    confirm = folds.of_kind(segments, "confirm")[-1]
    content = folds.restore(segments, 0, night.packs("t"))[1]
    for row in confirm["rows"]:
        content = content_of(row, content, night.packs("t"))
    return content.decode()


def branch_content(ground: Ground, night: Night) -> str:
    return git(ground.repository, "show", f"{branch_of(night.name)}:{FOLDER}/spec.yaml") + "\n"
