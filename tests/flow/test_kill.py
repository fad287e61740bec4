"""`kill -9` at random instants: the next start goes on, the record verifies, nothing is counted or measured twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.soak.field import soak, table
from tests.benchmarks.soak.ground import Ground
from tests.benchmarks.soak.kinds import Kind
from tests.benchmarks.soak.processes import PATIENCE, alive, strike, wait_for

KILLS = 30

TARGET = """
name: t
file: spec.yaml
space: {/a: {int: [0, 9]}}
evaluate: {command: [sh, evaluate.sh]}
metrics: [{name: a, goal: maximize}]
"""
# Every measurement leaves a process behind; that of a candidate never comes to its end.
HANGING = """
trap '' TERM INT HUP
setsid sh -c 'trap "" TERM INT HUP; sleep 600; sleep 600' < /dev/null > /dev/null 2>&1 &
echo ---
cat "$AUTORESEARCH_FILE"
grep -q 'a: 0' "$AUTORESEARCH_FILE" && exit
echo hanging >> 'LOG'
sleep 600
sleep 600
"""
STUBBORN = Kind("stubborn", TARGET.lstrip(), ("evaluate.sh", HANGING), "a: 0\n", 5, 1)


def test_thirty_kills_at_random_instants(tmp_path: Path) -> None:
    found = soak(KILLS, 30, tmp_path)
    print(table(found))
    assert sum(tally.kills for tally in found.values()) == KILLS
    into = {name: tally.where for name, tally in found.items()}
    assert all(into[name]["run"] for name in ("process", "serve", "noisy duel")), "no kill fell into a running loop"
    assert into["confirm"]["confirm"], "no kill fell into a running confirm"


@pytest.mark.parametrize("whom", ["group", "verb", "night"])
def test_a_killed_night_leaves_no_process_behind(tmp_path: Path, whom: str) -> None:
    ground = Ground(STUBBORN, tmp_path)
    process = ground.start()
    wait_for(lambda: bool(ground.log.read_bytes()), "no candidate is measured")
    strike(process, whom)
    process.wait(timeout=PATIENCE)
    wait_for(lambda: not alive(ground.repository.root), "a process outlived the killed night")
