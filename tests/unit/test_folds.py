"""State is a fold of events: what the loop has in memory and what a resume reads from disk cannot differ."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import events, folds
from harness.events import GENESIS, Event, Segment, SegmentWriter
from harness.folds import LoopState
from harness.rule import Metric, Rule, Tolerance

NIGHT = "2026-11-21"
LARGE = b"z" * 5000

contents = st.one_of(
    st.text(alphabet="ab: 1\né", max_size=40).map(str.encode),
    st.binary(max_size=12).map(lambda tail: b"\xff" + tail),
    st.integers(0, 9).map(lambda n: LARGE + b"%d" % n),
)
attempts = st.lists(
    st.tuples(contents, st.sampled_from(["keep", "keep", "discard", "crash"]), st.floats(-5, 5), st.integers(0, 9)),
    max_size=14,
)
cuts = st.lists(st.integers(0, 14), max_size=3)


class Recorder:
    """Writes a loop's events as the loop does: each against the incumbent of its moment."""

    def __init__(self, folder: Path, lock: str = "c0ffee") -> None:
        self.folder, self.lock, self.state = folder, lock, LoopState()
        self.contents: dict[int, bytes] = {}
        self.paths: list[Path] = []
        self.previous = GENESIS
        self.begin()

    def begin(self) -> None:
        name = f"{NIGHT}.{len(self.paths) + 1}-run"
        self.writer = SegmentWriter(self.folder, name, self.previous, {"verb": "run", "lock": self.lock})
        self.paths.append(self.folder / f"{name}.jsonl")

    def next_segment(self) -> None:
        self.previous = self.writer.seal("interrupted")
        self.begin()

    def record(self, content: bytes, event: Event) -> None:
        held = self.writer.content(content, self.state.content if self.state.started else None)
        self.contents[event.get("id", 0)] = content
        whole = {**event, "content": held}
        self.state.apply(whole, {held["pack"]["sha256"]: content} if "pack" in held else None)
        self.writer.append([whole])

    def baseline(self, content: bytes) -> None:
        self.record(content, {
            "event": "baseline", "blob": "b0", "canon": "c-base", "complexity": 3, "metrics": {"m": 1.0},
            "elapsed": 0.5,
        })  # fmt: skip

    def experiment(self, content: bytes, status: str, value: float, complexity: int) -> None:
        number = self.state.experiments + 1
        self.record(content, {
            "event": "experiment", "id": number, "blob": f"b{number}", "canon": f"c{number}", "complexity": complexity,
            "status": status, "reason": {"keep": "better", "discard": "worse", "crash": "exit"}[status],
            "metrics": {} if status == "crash" else {"m": value}, "cost_usd": 0.25, "elapsed": number * 0.5,
        })  # fmt: skip

    def end(self, reason: str = "experiments") -> tuple[list[Segment], dict[str, bytes]]:
        self.writer.seal(reason)
        segments = [events.read(path) for path in self.paths]
        packs: dict[str, bytes] = {}
        for path, segment in zip(self.paths, segments, strict=True):
            pack = path.with_suffix(".pack")
            if pack.exists():
                packs |= events.packed_contents(segment, pack.read_bytes())
        return segments, packs


def play(folder: str, base: bytes, tried: list[tuple[bytes, str, float, int]], resumes: list[int]) -> Recorder:
    recorder = Recorder(Path(folder))
    recorder.baseline(base)
    for index, attempt in enumerate(tried):
        if index in resumes:
            recorder.next_segment()
        recorder.experiment(*attempt)
    return recorder


@given(base=contents, tried=attempts, resumes=cuts)
@settings(max_examples=80, deadline=None)
def test_the_loops_state_is_the_fold_of_what_it_wrote(
    base: bytes, tried: list[tuple[bytes, str, float, int]], resumes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorder = play(folder, base, tried, resumes)
        segments, packs = recorder.end()
        assert events.verify_order(segments) is None
        folded = folds.loop_state(segments, packs)
        assert asdict(folded) == asdict(recorder.state)

        kept = [n for n, (_, status, _, _) in enumerate(tried, start=1) if status == "keep"]
        assert folded.experiments == len(tried)
        assert folded.kept == len(kept)
        assert folded.kept_by == (kept[-1] if kept else None)
        assert folded.content == (tried[kept[-1] - 1][0] if kept else base)
        assert folded.since_keep == len(tried) - (kept[-1] if kept else 0)
        assert folded.base_metrics == {"m": 1.0}
        assert folded.cost == pytest.approx(0.25 * len(tried))
        assert sum(folded.reasons.values()) == len(tried)
        assert folded.tried == {"c-base", *(f"c{n + 1}" for n in range(len(tried)))}


@given(base=contents, tried=attempts, resumes=cuts)
@settings(max_examples=80, deadline=None)
def test_every_experiment_is_restored_kept_or_not(
    base: bytes, tried: list[tuple[bytes, str, float, int]], resumes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorder = play(folder, base, tried, resumes)
        segments, packs = recorder.end()
        for number, content in recorder.contents.items():
            event, restored = folds.restore(segments, number, packs)
            assert restored == content
            assert event.get("id", 0) == number
        for missing in (len(tried) + 1, -1):
            with pytest.raises(KeyError):
                folds.restore(segments, missing, packs)


def test_nothing_is_restored_from_no_record() -> None:
    with pytest.raises(KeyError):
        folds.restore([], 0)


def test_a_second_baseline_changes_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.baseline(b"a: 1\n")
    recorder.experiment(b"a: 2\n", "keep", 2.0, 1)
    before = asdict(recorder.state)
    recorder.state.apply({"event": "baseline", "blob": "other", "canon": "other", "content": {"text": "x"}})
    assert asdict(recorder.state) == before


@pytest.mark.parametrize("kind", ["header", "seal", "note", "confirm", "proposed"])
def test_other_events_do_not_move_the_loop(kind: str) -> None:
    state = LoopState()
    state.apply({"event": kind, "rows": [], "metrics": {"m": 9.0}, "id": 7})
    assert asdict(state) == asdict(LoopState())


@pytest.mark.parametrize(
    ("ends", "run", "confirmed"),
    [
        ([], None, None),
        ([("run", None)], None, None),
        ([("run", "interrupted")], None, None),
        ([("run", "interrupted"), ("run", "plateau")], "plateau", None),
        ([("run", "plateau"), ("confirm", None)], "plateau", None),
        ([("run", "plateau"), ("confirm", "interrupted"), ("confirm", "confirmed")], "plateau", "confirmed"),
        ([("run", "plateau"), ("confirm", "not-confirmed"), ("propose", "confirmed")], "plateau", "not-confirmed"),
    ],
)
def test_a_night_ends_when_its_verb_said_so(
    tmp_path: Path, ends: list[tuple[str, str | None]], run: str | None, confirmed: str | None
) -> None:
    segments = []
    for number, (verb, end) in enumerate(ends, start=1):
        writer = SegmentWriter(tmp_path, f"{NIGHT}.{number}-{verb}", GENESIS, {"verb": verb})
        if end:
            writer.seal(end)
        else:
            writer.close()
        segments.append(events.read(tmp_path / f"{writer.name}.jsonl"))
    assert folds.run_end(segments) == run
    assert folds.confirm_end(segments) == confirmed


RULES = [
    Rule("primary", (Metric("a", "maximize"),)),
    Rule("every", (Metric("a", "minimize", 0.5, Tolerance(0.1, True)), Metric("b", "maximize", 0, None, Tolerance(2)))),
    Rule("pareto", (Metric("a", "maximize", 1e-12, Tolerance()), Metric("b", "minimize", signal="rubric"))),
    Rule("weighted", (Metric("a", "maximize"), Metric("b", "minimize")), {"a": 1.0, "b": 2}, {"b": 0.1}, 0.25),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_comes_back_from_a_header(tmp_path: Path, rule: Rule) -> None:
    fields: dict[str, Any] = folds.rule_fields(rule)
    SegmentWriter(tmp_path, f"{NIGHT}.1-run", GENESIS, fields).seal("experiments")
    assert folds.rule_of(events.read(tmp_path / f"{NIGHT}.1-run.jsonl").header) == rule
