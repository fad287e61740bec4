"""What confirm says of a gain at a longer budget once more, from the pairs that it wrote down."""

from __future__ import annotations

from harness import longer
from harness.events import Event
from harness.handover.intervals import check_pairs
from harness.handover.loop import Contradiction, Replay
from harness.longer import FAILS, UNMEASURED
from harness.rule import headline_gain


def check_longer(event: Event, replay: Replay) -> None:
    """It is said where target.yaml asks for it, of pairs of its own seeds, and says no more than they do.

    Raises Contradiction.
    """
    asked, said = replay.expected.target.confirm.longer, event.get("longer")
    if (asked is None) != (said is None):
        raise Contradiction("it tells of a longer budget, and none is asked for, or the other way round")
    if asked is None or said is None:
        return
    if said["times"] != asked.times:
        raise Contradiction("it was measured at another budget than target.yaml asks for")
    if said["reading"] in {FAILS, UNMEASURED}:
        return  # no figures; that it was tried rests on confirm's word
    base, head = check_pairs(said, replay, "longer", (longer.LEAST_PAIRS, asked.pairs))
    rule = replay.expected.target.rule
    gains = [headline_gain(rule, one, other) for one, other in zip(base, head, strict=True)]
    due = longer.comes_to(event["confirmed"], gains)
    if {key: said[key] for key in due} != due:
        raise Contradiction("what it says of a longer budget does not follow from its pairs")
