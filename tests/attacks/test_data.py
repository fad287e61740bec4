"""Hostile data files in a real loop. No honest content can improve this target, so whatever is kept is a forgery.

Two layers stop what is no plain data: the harness parses a proposal before it is measured (admission), and the
evaluator reads it with `harness.candidate.load`. Each alone has to hold: once the evaluator reads with a careless
parser, once the harness admits everything. The control has neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import admission
from harness.admission import Admission, Admitted
from harness.events import Event
from harness.space import Space
from tests.attacks.loops import contents, experiments

FOLDER = "targets/experiments/near"
_TARGET = """
name: near
file: weights.SUFFIX
space: {/weights/*: {int: [0, 5]}, /fixed: {locked: true}}
evaluate: {command: [python, evaluate.py], timeout: 30s}
metrics: [{name: far, goal: minimize}]
"""
_EVALUATOR = """
from pathlib import Path
from harness import evaluator

run = evaluator.settings()
path = Path(run.file)
READ
far = sum(abs(w - 7) / max(1, abs(w)) > 0.2 for w in data["weights"].values()) + data.get("fixed", 1)
evaluator.report({"far": far}, parts={"leaves": float(leaves(data))})
"""
_LEAVES = """
def leaves(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inner is None else sum(map(leaves, inner))
"""
_READ = {
    "careful": "from harness.candidate import load\ndata = load(path)",
    "yaml": "import yaml\ndata = yaml.unsafe_load(path.read_bytes())",
    "json": "import json\ndata = json.loads(path.read_bytes())",
}
_BASE = {"yaml": "fixed: 0\nweights: {a: 2, b: 3}\n", "json": '{"fixed": 0, "weights": {"a": 2, "b": 3}}\n'}
_LAUGHS = "".join(f"  - &l{n} [{', '.join([f'*l{n - 1}' if n else '0'] * 10)}]\n" for n in range(5))


@dataclass(frozen=True)
class Attack:
    """succeeded: says so of the event. layers: as in the other files; `document` stands for both of the above."""

    suffix: str
    content: str | bytes
    succeeded: Callable[[Event], bool]
    layers: tuple[str, ...] = ("admission", "loader")


def kept(event: Event) -> bool:
    return event["status"] == "keep"


def measured(event: Event) -> bool:
    return "far" in event["metrics"]


def expanded(event: Event) -> bool:
    return event["parts"].get("leaves", 0) > 100_000


def again(event: Event) -> bool:
    return event["reason"] != "duplicate"


ATTACKS = {
    "YAML tag that calls a function": Attack(
        "yaml", 'fixed: 0\nweights: {a: !!python/object/apply:float ["nan"], b: 3}\n', kept
    ),
    "YAML tag that imports a name": Attack("yaml", "fixed: 0\nweights: {a: !!python/name:math.nan , b: 3}\n", kept),
    "YAML tag of another type": Attack("yaml", "fixed: 0\nweights: {a: !!float 'nan', b: 3}\n", kept),
    "YAML not a number": Attack("yaml", "fixed: 0\nweights: {a: .nan, b: 3}\n", kept),
    "YAML infinity": Attack("yaml", "fixed: 0\nweights: {a: .inf, b: 3}\n", kept),
    "YAML duplicate key": Attack("yaml", "fixed: 0\nweights: {a: 2, b: 3, a: 7}\n", kept),
    "YAML merge key": Attack("yaml", "fixed: 0\nweights: {<<: {a: 7, b: 7}}\n", kept),
    "YAML alias": Attack("yaml", "fixed: 0\nweights: {a: &x 7, b: *x}\n", kept),
    "YAML alias bomb": Attack("yaml", f"fixed: 0\nweights: {{a: 2, b: 3}}\nlaughs:\n{_LAUGHS}", expanded),
    "YAML number of another base": Attack("yaml", "fixed: 0\nweights: {a: 0x7, b: 0b111}\n", kept),
    "YAML byte order mark": Attack("yaml", b"\xef\xbb\xbffixed: 0\nweights: {a: 5, b: 5}\n", measured),
    "YAML in UTF-16": Attack("yaml", "fixed: 0\nweights: {a: 5, b: 4}\n".encode("utf-16"), measured),
    "JSON not a number": Attack("json", '{"fixed": 0, "weights": {"a": NaN, "b": 3}}', kept),
    "JSON infinity": Attack("json", '{"fixed": 0, "weights": {"a": Infinity, "b": 3}}', kept),
    "JSON number without end": Attack("json", '{"fixed": 0, "weights": {"a": 1e999, "b": 3}}', kept),
    "JSON duplicate key": Attack("json", '{"fixed": 0, "weights": {"a": 2, "b": 3, "a": 7}}', kept),
    "JSON duplicate mapping": Attack(
        "json", '{"fixed": 0, "weights": {"a": 2, "b": 3}, "weights": {"a": 7, "b": 7}}', kept
    ),
    "JSON byte order mark": Attack("json", b'\xef\xbb\xbf{"fixed": 0, "weights": {"a": 5, "b": 5}}', measured),
    "JSON in UTF-16": Attack("json", '{"fixed": 0, "weights": {"a": 5, "b": 4}}'.encode("utf-16"), measured),
    "JSON deep nesting": Attack(
        "json", f'{{"fixed": 0, "weights": {{"a": 5, "b": 5}}, "deep": {"[" * 200}{"]" * 200}}}', measured
    ),
    "JSON of many values": Attack(
        "json", f'{{"fixed": 0, "weights": {{"a": 5, "b": 5}}, "many": [{"0," * 200_000}0]}}', measured
    ),
    "a file that is too large": Attack(
        "json", f'{{"fixed": 0, {" " * (4 << 20)}"weights": {{"a": 5, "b": 5}}}}', measured
    ),
    "a value outside its space": Attack("yaml", "fixed: 0\nweights: {a: 7, b: 3}\n", kept, ("space",)),
    "a value that is locked": Attack("yaml", "fixed: -9\nweights: {a: 2, b: 3}\n", kept, ("space",)),
    "a key that was not there": Attack("yaml", "fixed: 0\nweights: {a: 2, b: 3, c: 4}\n", measured, ("space",)),
    "a key that was taken out": Attack("yaml", "fixed: 0\nweights: {a: 2}\n", kept, ("space",)),
    "the same in other clothes": Attack(
        "yaml", b"weights: {b: 3, a: +2} # once more\r\nfixed: 0\r\n", again, ("canon",)
    ),
}


def outcomes(folder: Path, attacks: Sequence[Attack], off: tuple[str, ...]) -> list[Event]:
    """What one loop makes of attacks on the same kind of file, with these layers out."""
    suffix = attacks[0].suffix
    files = {
        "target.yaml": _TARGET.replace("SUFFIX", suffix),
        "evaluate.py": _EVALUATOR.replace("READ", _READ[suffix if "loader" in off else "careful"] + _LEAVES),
        f"weights.{suffix}": _BASE[suffix],
    }
    proposals = contents(*(attack.content for attack in attacks))
    with pytest.MonkeyPatch.context() as patch:
        if "admission" in off:
            patch.setattr(Admission, "judge", _admit)
        if "space" in off:
            patch.setattr(Space, "problems", lambda *_: iter(()))
            patch.setattr(Space, "problems_of", lambda *_: iter(()))
        if "canon" in off:
            patch.setattr(admission, "canonical_id_of", repr)
        return experiments(folder, {f"{FOLDER}/{name}": text for name, text in files.items()}, proposals)


def _admit(self: Admission, content: bytes) -> Admitted:
    return Admitted(self._blob_id(content), self._blob_id(content), 9)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Event]]:
    """Every attack's event with all layers in place, and with each of its layers alone. Nothing is kept in these loops,
    so an attack finds the same incumbent as if it were the only one."""
    found: dict[str, list[Event]] = {name: [] for name in ATTACKS}
    for suffix, off in itertools.product(_BASE, ((), ("loader",), ("admission",))):
        names = [name for name, a in ATTACKS.items() if a.suffix == suffix and set(off) <= {*a.layers}]
        events = outcomes(tmp_path_factory.mktemp("night"), [ATTACKS[name] for name in names], off)
        for name, event in zip(names, events, strict=True):
            found[name].append(event)
    return found


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, stopped: dict[str, list[Event]], tmp_path: Path) -> None:
    attack = ATTACKS[name]
    assert len(stopped[name]) == (3 if len(attack.layers) == 2 else 1)
    for event in stopped[name]:
        assert event["status"] != "keep", event
        assert not attack.succeeded(event), event
    event = outcomes(tmp_path, [attack], attack.layers)[0]
    assert attack.succeeded(event), f"the control fails: {event}"
