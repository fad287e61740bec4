"""Forged and broken hand-overs through the real `confirm` and `propose`.

Every attack has its control: with the one layer that it aims at switched off, the same forgery succeeds. Where a
property is held twice (a number's finiteness by spelling and by shape), both are switched off.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import log, records, report, verification
from bot.forge.local import LocalForge
from bot.night import propose
from bot.night.confirm import confirm
from bot.night.earlier import past
from bot.night.folder import Night, nights
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.night.proposing import recording
from bot.reproduce import reproduce
from harness import folds, measure
from harness.admission import Admission, Admitted
from harness.errors import IntegrityError, NotFound
from harness.handover import files
from harness.repository import Repository
from harness.space import Space
from tests.attacks.forgery import (
    EVALUATOR,
    FOLDER,
    SPEC,
    TARGET,
    Forged,
    confirmed,
    copied,
    git,
    messages,
    page,
    proposed,
    proposed_file,
    ran,
    recorded,
)  # fmt: skip
from tests.recorded import record
from tests.support import autoresearch, write
from tests.tried_slowly import tried_before

CONTENT = b"a: 33  # one\nb: 50\nfixed: 7\n"  # in the space, and not what the loop found
IMAGE = "<img src=x onerror=alert(1)>"
Patch = tuple[str, Any]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return ran(tmp_path_factory.mktemp("ran"))


@pytest.fixture(scope="module")
def night(loop: Night, tmp_path_factory: pytest.TempPathFactory) -> Night:
    return confirmed(copied(loop, tmp_path_factory.mktemp("confirmed")))


@dataclass(frozen=True)
class Attack:
    """forge: what the intruder does; says: what the refusal says; off: the layer to switch off, and what then stands in
    its place; reaches: whether the forgery got through."""

    name: str
    forge: Callable[[Forged], None]
    says: str
    off: tuple[Patch, ...]
    reaches: Callable[[Night], bool]


def nothing(*_arguments: Any, **_named: Any) -> None:
    return None


def no_words(*_arguments: Any, **_named: Any) -> str:
    return ""


def always(*_arguments: Any, **_named: Any) -> bool:
    return True


def opened(night: Night) -> bool:
    """The night's branch exists: the forged target was proposed."""
    return bool(messages(night))


def on_page(text: str) -> Callable[[Night], bool]:
    return lambda night: opened(night) and text in page(night)


def in_commits(text: str) -> Callable[[Night], bool]:
    return lambda night: text in messages(night)


def in_the_file(text: str) -> Callable[[Night], bool]:
    return lambda night: opened(night) and text in proposed_file(night)


def header(**fields: Any) -> Callable[[Forged], None]:
    return lambda forged: forged.headers(**fields)


def in_run(event: dict[str, Any]) -> Callable[[Forged], None]:
    """One more event before the loop's seal."""
    return lambda forged: forged.of("run").insert(-1, event)


def last(**fields: Any) -> Callable[[Forged], None]:
    """The last measured discard of the loop, with other fields."""
    return lambda forged: forged.discard().update(fields)


def row(**fields: Any) -> Callable[[Forged], None]:
    return lambda forged: forged.confirm["rows"][-1].update(fields)


def spelled(old: str, new: str) -> Callable[[Forged], None]:
    """Writes a line as no JSON writer would."""

    def forge(forged: Forged) -> None:
        forged.discard()["cost_usd"] = 0.123456
        forged.spell = lambda body: body.replace(old, new)

    return forge


def names_only(found: dict[str, bytes], *_rest: Any) -> list[str]:
    """Every segment by its number, whatever it is."""
    stems = [name.removesuffix(".jsonl") for name in found if name.endswith(".jsonl")]
    return sorted(stems, key=lambda stem: int(stem.rpartition(".")[2].partition("-")[0]))


def without_space(self: Admission, content: bytes) -> Any:
    """Admission without a space."""
    free = Admission.__new__(Admission)
    free.__dict__.update(self.__dict__, _target=dataclasses.replace(self._target, space=Space()))
    return JUDGE(free, content)


def anything(self: Admission, content: bytes) -> Admitted:
    """Admission of what cannot even be parsed."""
    found = JUDGE(self, content)
    return found if isinstance(found, Admitted) else Admitted(found.blob, Forged.canon(content), 3)


JUDGE = Admission.judge


# --- what the intruders do ---


def keep_outside_the_space(forged: Forged) -> None:
    forged.keep(b"a: 50  # one\nb: 50\nfixed: 9\n", 101.0)


def keep_with_a_tag(forged: Forged) -> None:
    forged.keep(b"a: !!python/object/apply:os.system [id]\nb: 50\nfixed: 7\n", 101.0)


def keep_nothing_said(forged: Forged) -> None:
    """A worse experiment is kept, and confirmed as if it were the best."""
    worse = forged.discard()
    worse |= {"status": "keep", "reason": "better"}
    after = [e for e in forged.experiments if e["id"] > worse["id"]]
    for event in after:
        forged.of("run").remove(event)
    content = folds.restore(forged.night.segments("t"), worse["id"])[1]
    forged.row(content, worse["metrics"]["acc"], [worse["id"]])
    forged.confirm.update(incumbent=worse["blob"], claimed=worse["metrics"])


def other_rows(forged: Forged) -> None:
    forged.row(CONTENT, 83.5, [3])


def verdict_reversed(forged: Forged) -> None:
    """A result that is no gain is called confirmed: base and head change places."""
    sides = forged.confirm["search"]
    forged.confirm["search"] = {"base": sides["base"], "head": sides["base"]}
    forged.confirm["rows"][-1] |= {"metrics": sides["base"], "adds": 2.0 - forged.confirm["rows"][0]["metrics"]["acc"]}


def other_head(forged: Forged) -> None:
    forged.confirm["head"] = "a" * 40
    forged.looked("a" * 40)


def other_numbers(forged: Forged) -> None:
    """The confirmed content scores more than the loop itself ever measured for it."""
    rows = forged.confirm["rows"]
    rows[-1] |= {"metrics": {"acc": 4000.0}, "adds": 4000.0 - rows[0]["metrics"]["acc"]}
    forged.confirm["search"]["head"] = {"acc": 4000.0}


def bare_verdict(forged: Forged) -> None:
    """A confirmation without any measurement of the holdout."""
    del forged.confirm["holdout"]


def look_unsaid(forged: Forged) -> None:
    forged.segments[forged.name("confirm")] = [e for e in forged.of("confirm") if e["event"] != "look"]


def segment_before(forged: Forged) -> None:
    """A loop of another day in front of the real one."""
    forged.renamed(1)
    head = {**forged.of("run")[0]}
    seal = {"event": "seal", "events": 0, "end": "plateau", "why": ""}
    forged.segments = {f"{forged.night.name}.1-run": [head, seal], **forged.segments}


def first_deleted(forged: Forged) -> None:
    forged.renamed(1)


def run_after_confirm(forged: Forged) -> None:
    forged.add("run", end="interrupted")


def twice(forged: Forged) -> None:
    """The last experiment once more, under its own number."""
    event = {**forged.experiments[-1], "status": "crash", "reason": "exit", "metrics": {}, "parts": {}, "gain": 0.0}
    in_run(event)(forged)


def beyond_the_plan(forged: Forged) -> None:
    event = {**forged.experiments[-1], "status": "crash", "reason": "exit", "metrics": {}, "parts": {}, "gain": 0.0}
    in_run({**event, "id": event["id"] + 1})(forged)


def crash_called(reason: str) -> Callable[[Forged], None]:
    return last(status="crash", reason=reason, metrics={}, parts={}, gain=0.0)


def long_line(forged: Forged) -> None:
    forged.headers(machine={"notes": ["x" * 1999] * 2500})


def nested(forged: Forged) -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = [deep]
    forged.headers(machine=deep)


def crowd(forged: Forged) -> None:
    forged.of("run")[-1:-1] = [{"event": "note"} for _ in range(30_000)]


def goal_turned(forged: Forged) -> None:
    for found in forged.segments.values():
        found[0]["metrics"] = [{**found[0]["metrics"][0], "goal": "minimize"}]


def pack_elsewhere(forged: Forged) -> None:
    place = forged.pack("run", CONTENT)
    place["pack"]["path"] = "../../../../etc/passwd"
    event = forged.experiments[-1]
    event |= {"content": place, "blob": forged.night.repository.blob_id(CONTENT), "canon": forged.canon(CONTENT)}
    event |= {"status": "crash", "reason": "exit", "metrics": {}, "parts": {}, "gain": 0.0}


def seal_missing(forged: Forged) -> None:
    forged.of("run").pop()
    forged.count_anew = False


def seal_counts_wrong(forged: Forged) -> None:
    forged.of("run")[-1]["events"] = 3
    forged.count_anew = False


def forged_proposal(forged: Forged) -> None:
    blob = forged.night.repository.blob_id(CONTENT)
    event = {"event": "proposed", "branch": f"autoresearch/{forged.night.name}", "head": "a" * 40, "rows": [blob]}
    forged.add("propose", event, end="confirmed")


EARLIER = "2020-01-01"


def other_carried(forged: Forged) -> None:
    """The plan carries an earlier night over that waits for a review, and the loop began with something else."""
    repository, branch = forged.night.repository, f"autoresearch/{EARLIER}"
    git(repository, "checkout", "--quiet", "-b", branch)
    write(repository, {f"{FOLDER}/spec.yaml": CONTENT})
    git(repository, "commit", "--quiet", "--all", "--message", "A row")
    git(repository, "checkout", "--quiet", "main")
    blob = repository.blob_id(CONTENT)
    event = {"event": "proposed", "branch": branch, "head": git(repository, "rev-parse", branch), "rows": [blob]}
    ends = {"run": "exhausted", "confirm": "confirmed", "propose": "confirmed"}
    record(repository, "t", EARLIER, ends, proposed=[event])
    path = forged.night.path / "plan.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["targets"][0] |= {"carried_from": EARLIER, "carried_blob": blob}
    path.write_text(json.dumps(data), encoding="utf-8")


def taken_for_included(night: Night) -> bool:
    """A human reads that every row of the earlier night is in this one, and later nights go by it; none of it is."""
    branch = f"autoresearch/{EARLIER}"
    said = branch in page(night) and past.proposals(night.repository, "t")[-1].includes == branch
    return said and proposed_file(night).encode() != CONTENT.rstrip()


def closed_with_the_branch(night: Night) -> bool:
    """A human declines the branch, and a content that was never on it is closed to every later night, as refused."""
    git(night.repository, "branch", "--quiet", "-D", f"autoresearch/{night.name}")
    share, repository = night.target_plan("t"), night.repository
    closed = past.refused(repository, "t", share.lock, night.plan.base, LocalForge(night.path))
    return repository.blob_id(CONTENT) in closed


def canon_on_the_branch(night: Night) -> bool:
    found = tried_before(records.segments(night.repository, "t"), night.target_plan("t").lock)
    return "0" * 32 in found


HANDOVER, LOOP, OUTCOME = "harness.handover", "harness.handover.loop", "harness.handover.outcome"
FINITE = ((f"{HANDOVER}.check_written", nothing), (f"{HANDOVER}.problem", no_words))

ATTACKS = (
    # the loop's numbers and decisions
    Attack("a score rewritten", last(metrics={"acc": 777.0}, gain=677.0), "its numbers say", (
        (f"{HANDOVER}.check_decision", nothing),), on_page("777.0")),
    Attack("a keep forged", keep_nothing_said, "its numbers say discard, worse", (
        (f"{HANDOVER}.check_decision", nothing),), opened),
    Attack("a gain forged", last(gain=5.0), "its gain is not that of its numbers", (
        (f"{HANDOVER}.check_decision", nothing),), opened),
    Attack("an experiment counted twice", twice, "where 41 was due", (
        (f"{LOOP}.check_number", nothing),), on_page("41 tries")),
    Attack("more experiments than planned", beyond_the_plan, "and 40 were planned", (
        (f"{LOOP}.check_number", nothing),), on_page("41 tries")),
    Attack("another parent", last(parent="c" * 40), "parent is not the incumbent", (
        (f"{LOOP}.check_parent", nothing),), opened),
    Attack("time that runs back", last(elapsed=0.0), "before the experiment ahead", (
        (f"{LOOP}.check_time", nothing),), opened),
    Attack("another canon, to close a content for every later night", last(canon="0" * 32), "as something else", (
        (f"{LOOP}.check_admission", nothing),), canon_on_the_branch),
    Attack("what the plan carries left out", other_carried, "not what the plan carries over", (
        (f"{LOOP}.check_tried", nothing),), taken_for_included),
    # contents
    Attack("a content outside the space", keep_outside_the_space, "not admissible", (
        ("harness.admission.Admission.judge", without_space),), in_the_file("fixed: 9")),
    Attack("a content with a YAML tag", keep_with_a_tag, "not admissible", (
        ("harness.admission.Admission.judge", anything),), in_the_file("os.system")),
    Attack("a place in the pack that leads elsewhere", pack_elsewhere, "content", (
        ("harness.handover.shapes._is_place", always),), opened),
    # the header
    Attack("another lock", header(lock="d" * 64), "lock", (
        (f"{HANDOVER}.check_header", nothing),), in_commits("Lock: " + "d" * 64)),
    Attack("another base", header(base="e" * 40), "base", (
        (f"{HANDOVER}.check_header", nothing),), on_page("`eeeeeeeeeeee`")),
    Attack("another file", header(file=f"{FOLDER}/evaluate.py"), "evaluate.py", (
        (f"{HANDOVER}.check_header", nothing),), opened),
    Attack("a path out of the repository", header(file="../../.ssh/config"), "file", (
        (f"{HANDOVER}.check_header", nothing),), opened),
    Attack("another night", header(night="2020-02-02"), "night", (
        (f"{HANDOVER}.check_header", nothing),), on_page("reproduce 2020-02-02/t")),
    Attack("another rule", goal_turned, "metrics", (
        (f"{HANDOVER}.check_header", nothing),), on_page("lower is better")),
    Attack("another seed", header(seed=99), "seed", ((f"{HANDOVER}.check_header", nothing),), opened),
    Attack("more planned", header(planned=4000), "planned", ((f"{HANDOVER}.check_header", nothing),), opened),
    Attack("a larger budget", header(usd=999.5), "usd", (
        (f"{HANDOVER}.check_header", nothing),), on_page("$999.50")),
    Attack("another owner", header(owner="@intruder"), "owner", (
        (f"{HANDOVER}.check_header", nothing),), on_page("@intruder")),
    # segments
    Attack("a segment before the first", segment_before, "had come to its end before", (
        (f"{HANDOVER}.check_ends", nothing),), opened),
    Attack("the first segment deleted", first_deleted, "segment 2 where 1 was due", (
        (f"{HANDOVER}.check_names", names_only),), opened),
    Attack("a loop after confirm", run_after_confirm, "a segment of run after one of confirm", (
        (f"{HANDOVER}.check_names", names_only),), opened),
    Attack("the seal of the loop missing", seal_missing, "the seal is missing", (
        (f"{HANDOVER}.check_chain", nothing),), opened),
    Attack("a seal that counts wrong", seal_counts_wrong, "the seal counts other events", (
        (f"{HANDOVER}.check_chain", nothing),), opened),
    Attack("an end that nobody knows", lambda f: f.of("run")[-1].update(end=IMAGE), "is no end of run", (
        (f"{HANDOVER}.check_ends", nothing),), on_page(IMAGE)),
    # shapes and sizes
    Attack("an unknown kind of event", in_run({"event": "grant", "to": "everyone"}), "no event that run writes", (
        (f"{HANDOVER}.problem", no_words),), opened),
    Attack("an event of another verb", in_run({"event": "look", "holdout": "f" * 64}), "no event that run writes", (
        (f"{HANDOVER}.problem", no_words),), opened),
    Attack("a reason that is markup", crash_called(f"exit{IMAGE}"), "a crash with the reason", (
        (f"{HANDOVER}.problem", no_words),), opened),
    Attack("NaN", spelled("0.123456", "NaN"), "not as this program writes it", FINITE, on_page("$nan")),
    Attack("a number beyond a float", spelled("0.123456", "1e400"), "not as this program writes it", FINITE,
           on_page("$inf")),
    Attack("a key twice", spelled('"cost_usd":0.123456', '"cost_usd":9,"cost_usd":0.123456'), "not as this program", (
        (f"{HANDOVER}.check_written", nothing),), opened),
    Attack("a huge line", long_line, "a line of more than", ((f"{HANDOVER}.check_sizes", nothing),), opened),
    Attack("deep nesting", nested, "machine", (("harness.handover.shapes.MOST_DEPTH", 1000),), opened),
    Attack("a crowd of events", crowd, "more events than were planned", (
        (f"{HANDOVER}.check_sizes", nothing),), opened),
    # confirm and propose
    Attack("a verdict forged", verdict_reversed, "no gain over the base", (
        (f"{OUTCOME}.check_gain", nothing),), opened),
    Attack("a confirmed score rewritten", other_numbers, "the loop measured other numbers", (
        (f"{OUTCOME}.check_gain", nothing),), on_page("4,000")),
    Attack("a verdict without a holdout", bare_verdict, "without held-out rows", (
        (f"{OUTCOME}.check_complete", nothing),), opened),
    Attack("a look that was not noted", look_unsaid, "without saying so", (
        (f"{OUTCOME}.check_holdout", nothing),), opened),
    Attack("a holdout below 0", lambda f: f.confirm["holdout"].update(low=-3.0, lower=-4.0), "is not above 0", (
        (f"{OUTCOME}.check_holdout", nothing),), on_page("-3.0000")),
    Attack("a verdict that the seal does not share", lambda f: f.of("confirm")[-1].update(end="not-confirmed"),
           "and its segment ends not-confirmed", ((f"{HANDOVER}.claims.check_confirm", lambda *_: ()),),
           lambda night: f"t/{night.name}.2-confirm.jsonl" in recorded(night)),
    Attack("another head", other_head, "do not add up", (
        (f"{OUTCOME}.check_complete", nothing),), opened),
    Attack("rows of another content", other_rows, "neither the base's nor the incumbent's", (
        (f"{OUTCOME}.check_origin", nothing),), in_the_file("a: 33")),
    Attack("a row that adds what it likes", row(adds=999.0), "does not add what it says", (
        (f"{OUTCOME}.check_gain", nothing),), in_commits("acc +999")),
    Attack("a row that says another change", row(change="fix a typing error"), "says another change", (
        (f"{OUTCOME}.check_words", nothing),), in_commits("fix a typing error")),
    Attack("a row of experiments that never were", row(experiments=[4711]), "experiments that were not kept", (
        (f"{OUTCOME}.check_row", nothing),), in_commits("Experiments: 4711")),
    Attack("a proposal forged", forged_proposal, "other contents than were confirmed", (
        (f"{HANDOVER}.claims.check_proposed", nothing),), closed_with_the_branch),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart takes most of a proposal's time, and no attack here aims at it."""
    monkeypatch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_refused_and_succeeds_without_the_layer(
    attack: Attack, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = forged(attack, night, tmp_path)
    before = recorded(mine)
    result = proposed(mine)
    assert list(result.refused) == ["t"]
    assert attack.says in result.refused["t"]
    assert result.opened is None
    assert not messages(mine)
    assert not page(mine)
    assert recorded(mine) == before
    assert "t: refused: " in report.night_text(report.NightResult(mine, result, {}))

    switch_off(monkeypatch, attack.off)
    assert proposed(mine).refused == {}
    assert attack.reaches(mine), page(mine) or messages(mine)


def forged(attack: Attack, night: Night, folder: Path) -> Night:
    mine = copied(night, folder)
    tool = Forged(mine)
    attack.forge(tool)
    tool.write()
    return mine


def switch_off(monkeypatch: pytest.MonkeyPatch, layers: tuple[Patch, ...]) -> None:
    for dotted, instead in layers:
        where, _, name = dotted.rpartition(".")
        if where.rpartition(".")[2][:1].isupper():
            module, _, holder = where.rpartition(".")
            monkeypatch.setattr(getattr(importlib.import_module(module), holder), name, instead)
        else:
            monkeypatch.setattr(importlib.import_module(where), name, instead)


def test_the_untouched_night_is_proposed_and_verifies(night: Night, tmp_path: Path) -> None:
    """The tool itself makes nothing that is refused: what it writes unchanged is what was there."""
    mine = copied(night, tmp_path)
    before = mine.files("t").contents
    Forged(mine).write()
    assert mine.files("t").contents == before
    assert proposed(mine).refused == {}
    assert "b: 50" in proposed_file(mine)
    assert mine.done
    assert any("verify" in line for line in log.verify_lines(mine.repository, ""))
    assert proposed(mine).opened is not None, "a second time changes nothing"


def test_a_night_whose_loop_never_began_is_no_fault(night: Night, tmp_path: Path) -> None:
    mine = copied(night, tmp_path)
    for path in (mine.path / "t").glob("*.jsonl"):
        path.unlink()
    result = proposed(mine)
    assert (result.refused, result.opened, recorded(mine)) == ({}, None, [])
    assert not mine.done


@pytest.mark.parametrize("end", ["", '{"event":"hea'])
def test_a_segment_that_is_just_being_written_is_no_fault(end: str, loop: Night, tmp_path: Path) -> None:
    mine = copied(loop, tmp_path)
    (mine.path / "t" / f"{mine.name}.2-confirm.jsonl").write_text(end, encoding="utf-8")
    assert len(handover.read(mine, targets_of(mine)[0]).received.segments) == 1
    assert len(handover.accept(mine, targets_of(mine)[0]).received.segments) == 1
    torn = mine.path / "t" / f"{mine.name}.1-run.jsonl"
    torn.write_bytes(torn.read_bytes()[:-200])
    assert not handover.read(mine, targets_of(mine)[0]).received.segments[-1].sealed
    assert handover.accept(mine, targets_of(mine)[0]).received.segments[-1].sealed


# --- the files of the folder ---


def linked(night: Night, outside: Path) -> None:
    """The confirm segment stands elsewhere, and a link in its place."""
    path = night.path / "t" / f"{night.name}.2-confirm.jsonl"
    path.rename(outside / "segment")
    path.symlink_to(outside / "segment")


def second_name(night: Night, outside: Path) -> None:
    path = night.path / "t" / f"{night.name}.2-confirm.jsonl"
    os.link(path, outside / "segment")


@pytest.mark.parametrize("game", [linked, second_name])
def test_a_link_is_left_out_by_name(
    game: Callable[[Night, Path], None], night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(night, tmp_path)
    game(mine, tmp_path)
    result = proposed(mine)
    assert result.opened is None
    assert list(result.left_out) == [f"t/{mine.name}.2-confirm.jsonl"]
    assert recorded(mine) == [f"t/{mine.name}.1-run.jsonl"]
    control = copied(night, tmp_path / "control")
    game(control, tmp_path / "control")
    monkeypatch.setattr(files, "_problem", no_words)
    monkeypatch.setattr(files, "_OPEN", os.O_RDONLY | os.O_NONBLOCK)
    assert proposed(control).opened is not None


def fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [fifo, Path.mkdir])
def test_what_is_no_plain_file_is_left_out_and_stops_nothing(
    make: Callable[[Path], None], night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(night, tmp_path)
    make(mine.path / "t" / f"{mine.name}.9-propose.jsonl")
    result = proposed(mine)
    assert list(result.left_out) == [f"t/{mine.name}.9-propose.jsonl"]
    assert result.left_out[f"t/{mine.name}.9-propose.jsonl"] == "not a plain file"
    assert opened(mine)
    control = copied(night, tmp_path / "control")
    make(control.path / "t" / f"{control.name}.9-propose.jsonl")
    monkeypatch.setattr(files, "_problem", no_words)
    with pytest.raises((IsADirectoryError, TimeoutError)):  # a FIFO would be waited for without an end
        with_alarm(lambda: proposed(control))


def with_alarm(work: Callable[[], object], seconds: float = 5.0) -> None:
    """Raises TimeoutError, an OSError, for work that takes longer."""

    def late(*_arguments: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_target_folder_that_is_a_link_is_refused(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(night, tmp_path)
    (mine.path / "t").rename(tmp_path / "elsewhere")
    (mine.path / "t").symlink_to(tmp_path / "elsewhere")
    result = proposed(mine)
    assert "is a link" in result.refused["t"]
    assert not opened(mine)
    monkeypatch.setattr(files, "_OPEN", os.O_RDONLY | os.O_NONBLOCK)
    assert proposed(mine).refused == {}
    assert opened(mine)


def test_a_target_name_leads_nowhere_else(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = copied(night, tmp_path)
    path = mine.path / "plan.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["targets"][0]["name"] = "../../../t"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(IntegrityError, match="name"):
        mine.folder(mine.plan.targets[0].name)
    monkeypatch.setattr("harness.handover.plans.problem", no_words)
    assert mine.folder(mine.plan.targets[0].name).resolve() == mine.repository.root / "t"


def test_a_pack_bomb_is_not_even_read(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = copied(night, tmp_path)
    bomb = mine.path / "t" / f"{mine.name}.1-run.pack"
    bomb.touch()
    os.truncate(bomb, 2**33)
    assert "larger than a night can make it" in proposed(mine).refused["t"]
    assert not opened(mine)
    tool = Forged(control := copied(night, tmp_path / "control"))
    event = tool.experiments[-1]
    event |= {
        "content": tool.pack("run", b"#" * 5_000_000), "blob": control.repository.blob_id(b"#" * 5_000_000),
        "canon": control.repository.blob_id(b"#" * 5_000_000), "complexity": 0, "status": "discard",
        "reason": "invalid", "metrics": {}, "parts": {}, "gain": 0.0,
    }  # fmt: skip
    tool.write()
    with monkeypatch.context() as smaller:
        smaller.setattr("bot.night.folder._MOST", {".jsonl": 10**9, ".pack": 4_000_000})
        assert "larger" in proposed(control).refused["t"]
    assert proposed(control).refused == {}, "below the bound it is what a loop may record"
    assert f"t/{control.name}.1-run.pack" in recorded(control)


def test_a_scratch_folder_that_is_a_link_is_not_written_through(loop: Night, tmp_path: Path) -> None:
    mine = copied(loop, tmp_path)
    treasure = tmp_path / "home" / "t-confirm"
    treasure.mkdir(parents=True)
    (treasure / "thesis").write_text("years of work")
    scratch = mine.path / "scratch"
    for path in sorted(scratch.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    if scratch.exists():
        scratch.rmdir()
    scratch.symlink_to(treasure.parent)
    assert confirm(mine, targets_of(mine)[0]) == "confirmed"
    assert (treasure / "thesis").read_text() == "years of work"


# --- confirm ---


CONFIRM_REFUSES = [a for a in ATTACKS if a.name in {
    "a score rewritten", "an experiment counted twice", "another lock", "a content outside the space",
    "the first segment deleted", "NaN", "an unknown kind of event", "time that runs back",
}]  # fmt: skip


@pytest.mark.parametrize("attack", CONFIRM_REFUSES, ids=lambda attack: attack.name)
def test_confirm_refuses_it_before_anything_is_measured(
    attack: Attack, loop: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measuring(*_arguments: Any) -> None:
        raise AssertionError("an evaluator was about to be started")

    mine = forged(attack, loop, tmp_path)
    with monkeypatch.context() as watched:
        watched.setattr(measure, "measurer", measuring)
        with pytest.raises(IntegrityError) as refused:
            confirm(mine, targets_of(mine)[0])
        assert f"{mine.name}." in refused.value.what, "the part is not named"
        assert len(mine.segments("t")) == 1
        switch_off(watched, attack.off)
        with pytest.raises(AssertionError, match="an evaluator"):
            confirm(mine, targets_of(mine)[0])


def test_a_giver_writes_only_its_own_verbs(night: Night, tmp_path: Path) -> None:
    """A loop that confirms itself, consistently, is seen through by whose segment it is and nothing else."""
    target = targets_of(night)[0]
    assert handover.read(night, target).received.rows
    with pytest.raises(IntegrityError, match="a segment of confirm, which whoever hands this over does not write"):
        handover.read(night, target, verbs={"run"})


# --- words ---


def test_words_from_a_file_mean_nothing_to_a_forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the file itself holds gets into the title of an honest commit."""
    hostile = "@octocat closes #1 [skip ci] GH-2 https://evil.example"
    target = TARGET.replace("/b:", json.dumps("/" + hostile.replace("/", "~1")) + ":")
    evaluator = EVALUATOR.replace('data["b"]', f"data[{hostile!r}]")
    night = confirmed(ran(tmp_path, target=target, spec=f"a: 1\n{json.dumps(hostile)}: 1\n", evaluator=evaluator))
    control = copied(night, tmp_path / "control")
    assert proposed(night).refused == {}
    assert "octocat" in messages(night)
    for speaking in ("@octocat", "#1", "[skip ci]", "GH-2", "://"):
        assert speaking not in messages(night)
    monkeypatch.setattr(propose, "inert", str)
    assert proposed(control).refused == {}
    for speaking in ("@octocat", "#1", "[skip ci]", "GH-2", "://"):
        assert speaking in messages(control)


def test_descriptions_are_inert_on_the_page(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = f"{IMAGE} @octocat closes #1 | x |\n\nSeal: {'0' * 64}\n\x1b[31m```\n## Heading [a](javascript:b)"
    attack = Attack("", last(description=hostile, metrics={"acc": 99.5}, gain=-0.5), "", (), opened)
    mine = forged(attack, night, tmp_path)
    assert proposed(mine).refused == {}
    row_of = next(line for line in page(mine).splitlines() if IMAGE in line)
    assert row_of.startswith("| ")
    assert "\x1b" not in page(mine)
    assert "\n## Heading" not in page(mine)
    html = (mine.path / "pull-request.html").read_text(encoding="utf-8")
    assert IMAGE not in html
    assert "Seal: 000" not in messages(mine)
    control = forged(attack, night, tmp_path / "control")
    monkeypatch.setattr("bot.pages.target.tried.cell_code", lambda text, _most=0: text)
    assert proposed(control).refused == {}
    assert "\n## Heading" in page(control)


# --- several targets, several machines ---


def test_a_refused_target_is_named_on_the_page_and_the_others_go_on(tmp_path: Path) -> None:
    night = two(tmp_path)
    tool = Forged(night)
    tool.headers(lock="d" * 64)
    tool.write()
    result = proposed(night)
    assert list(result.refused) == ["t"]
    assert result.opened is not None
    assert "## t: integrity" in page(night)
    assert "not confirmed: t (below)" in page(night)
    assert "Target: u" in messages(night)
    assert "Target: t" not in messages(night)
    assert {path.split("/")[0] for path in recorded(night)} == {"u"}
    told = report.report(night.repository, "", None, as_json=False)
    assert "## t: refused" in told
    assert "## u: evidence" in told


def test_one_target_alone_is_proposed_alone(tmp_path: Path) -> None:
    night = two(tmp_path)
    done = autoresearch(night.repository, "propose", "--target", "u")
    assert done.returncode == 0, done.stderr
    assert "Target: u" in messages(night)
    assert "Target: t" not in messages(night)
    assert {path.split("/")[0] for path in recorded(night)} == {"u"}
    assert not night.done, "the other target waits to be proposed"


def two(folder: Path) -> Night:
    """A night of two targets, t and u, both confirmed."""
    from bot.night.plan import Wishes, plan
    from bot.night.run import run
    from tests.support import make_repository

    made: dict[str, str | bytes] = {}
    for name in ("t", "u"):
        where = f"targets/experiments/{name}"
        made |= {f"{where}/target.yaml": TARGET.replace("name: t", f"name: {name}"), f"{where}/spec.yaml": SPEC}
        made[f"{where}/evaluate.py"] = EVALUATOR
    night, _ = plan(make_repository(folder, made), Wishes(experiments=12, seed=3))
    for target in targets_of(night):
        run(night, target, quiet=True)
        assert confirm(night, target) == "confirmed"
    return night


# --- the records branch ---


def verified(repository: Repository) -> list[str]:
    return list(verification.verify_lines(repository, ""))


def rewrite_branch(repository: Repository, change: Callable[[dict[str, bytes]], None]) -> None:
    """The records branch as somebody with push rights could leave it: one commit with other files."""
    from bot import commits

    tip = repository.reference(records.BRANCH)
    tree = repository.tree(tip or "")
    contents = repository.blobs(blob for _, blob in tree.values())
    found = {path: contents[blob] for path, (_, blob) in tree.items()}
    change(found)
    blobs = {path: commits.write_blob(repository, content) for path, content in found.items()}
    commits.move(repository, records.BRANCH, commits.commit_tree(repository, None, blobs, "Replace", 10**9), tip)


@pytest.fixture(scope="module")
def done(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Night:
    mine = copied(night, tmp_path_factory.mktemp("done"))
    assert proposed(mine).opened is not None
    return mine


def delete_confirm(found: dict[str, bytes]) -> None:
    del found[next(path for path in found if path.endswith("-confirm.jsonl"))]


def delete_everything(found: dict[str, bytes]) -> None:
    found.clear()
    found["README"] = b""


def change_a_byte(found: dict[str, bytes]) -> None:
    path = next(path for path in found if path.endswith("-run.jsonl"))
    found[path] = found[path].replace(b'"worse"', b'"wurst"', 1)


def add_a_night(found: dict[str, bytes]) -> None:
    """A segment of a known night that its folder does not have."""
    path = next(path for path in found if path.endswith("-propose.jsonl"))
    found[path.replace(".3-propose", ".4-propose")] = found[path]


@pytest.mark.parametrize("change", [delete_confirm, delete_everything, change_a_byte, add_a_night])
def test_a_records_branch_that_was_tampered_with_does_not_pass(
    change: Callable[[dict[str, bytes]], None], done: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(done, tmp_path)
    assert verified(mine.repository)
    rewrite_branch(mine.repository, change)
    with pytest.raises(IntegrityError):
        verified(mine.repository)
    monkeypatch.setattr(verification, "_compared", nothing)
    monkeypatch.setattr(verification, "_branch", lambda *_: iter(()))
    assert verified(mine.repository)


def test_an_abandoned_night_is_missed_on_the_branch_too(loop: Night, tmp_path: Path) -> None:
    mine = copied(loop, tmp_path)
    assert recording.record(mine, targets_of(mine), LocalForge(mine.path)) == {}
    assert not mine.done
    assert verified(mine.repository)
    git(mine.repository, "update-ref", "-d", records.BRANCH)
    with pytest.raises(IntegrityError, match="is missing"):
        verified(mine.repository)


def test_a_record_replaced_as_a_whole_is_found_by_the_commits_seal(
    done: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder and branch agree, every chain holds: only the trailer remembers."""
    mine = copied(done, tmp_path)
    tool = Forged(mine)
    tool.confirm["seconds"] = 9.9
    tool.write()
    found = {f"t/{name}": content for name, content in mine.files("t").contents.items()}
    rewrite_branch(mine.repository, lambda there: there.update(found))
    (mine.path / "recorded.txt").unlink()
    with pytest.raises(IntegrityError, match="quotes the seal"):
        verified(mine.repository)
    monkeypatch.setattr(verification, "_sealed", nothing)
    assert verified(mine.repository)


def test_a_target_whose_record_was_replaced_is_refused_by_name(
    done: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(done, tmp_path)
    rewrite_branch(mine.repository, change_a_byte)
    result = proposed(mine)
    assert "differs from what this night wrote" in result.refused["t"]
    git(mine.repository, "branch", "-D", f"autoresearch/{mine.name}")
    monkeypatch.setattr(records, "check_same", nothing)
    assert proposed(mine).refused == {}
    assert opened(mine)


def elsewhere(done: Night, folder: Path) -> Repository:
    """Another machine: a clone with the records branch as a remote has it, and no night of its own."""
    git(folder, "clone", "--quiet", str(done.repository.root), "clone")
    return Repository.find(folder / "clone")


def test_a_night_of_another_machine_is_read_from_the_branch(done: Night, tmp_path: Path) -> None:
    there = elsewhere(done, tmp_path)
    assert nights(there) == []
    assert there.reference(records.BRANCH) is None
    told = report.report(there, "", None, as_json=False)
    assert "## t: evidence strong" in told
    assert f"t/{len(folds.of_kind(done.segments('t'), 'experiment'))}\t" in "\n".join(
        log.log_lines(there, done.name, None, as_json=False)
    )
    assert any("on the records branch" in line for line in log.log_lines(there, "", None, as_json=False))
    found = reproduce(there, f"{done.name}/t#1")
    assert found.same
    assert found.lock_same
    assert verified(there)
    with pytest.raises(NotFound):
        report.report(there, "2001-01-01", None, as_json=False)


def test_a_night_fetched_is_believed_no_more_than_a_folder(
    done: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged_origin = copied(done, tmp_path)
    tool = Forged(forged_origin)
    tool.discard()["metrics"] = {"acc": 777.0}
    tool.write()
    found = {f"t/{name}": content for name, content in forged_origin.files("t").contents.items()}
    rewrite_branch(forged_origin.repository, lambda there: there.update(found))
    there = elsewhere(forged_origin, tmp_path)
    told = report.report(there, "", None, as_json=False)
    assert "## t: refused" in told
    assert "777" not in told
    with pytest.raises(IntegrityError):
        verified(there)
    with pytest.raises(IntegrityError):
        reproduce(there, f"{done.name}/t/1")
    monkeypatch.setattr("harness.handover.check_decision", nothing)
    assert "777" in report.report(there, "", None, as_json=False)


def test_a_records_branch_leads_to_no_other_path(done: Night, tmp_path: Path) -> None:
    mine = copied(done, tmp_path)
    rewrite_branch(mine.repository, lambda there: there.update({f"x/y/{done.name}.1-run.jsonl": b"{}", "T/z": b""}))
    assert set(records.fetch_night(mine.repository, done.name)) == {f"t/{name}" for name in done.files("t").contents}
