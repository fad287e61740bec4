"""What a hostile measuring job may hand over: nothing of it is recorded, tagged or followed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import commits, records
from bot.forge.local import LocalForge
from bot.promote import chain, folds, handed, vouched
from bot.promote.publish import Published, lines, publish
from bot.promote.remeasure import folder, remeasure
from harness.errors import IntegrityError
from harness.repository import Repository
from tests import promotions
from tests.promotions import content, copied, edit, forged, found, make, references, tags

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return promotions.measured(tmp_path_factory.mktemp("night"))


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The same of a content that nobody confirmed, and that is worse."""
    repository = make(tmp_path_factory.mktemp("edit"))
    edit(repository, content(0, 1))
    due = found(repository).due
    assert due
    assert remeasure(repository, due) == "not-confirmed"
    return repository


def segment(repository: Repository) -> Path:
    (path,) = folder(repository, "dial").glob("*.jsonl")
    return path


def published(repository: Repository, place: Path | None = None) -> Published:
    given = handed.listed(place) if place else handed.here(repository, ["dial"])
    return publish(repository, given, repository.commit(), "", LocalForge(repository.state))


def on(event_kind: str, /, **values: Any) -> Change:
    """Sets these keys of every event of a kind; a/b is b inside a."""

    def change(event: dict[str, Any]) -> None:
        if event["event"] == event_kind:
            for key, value in values.items():
                outer, _, inner = key.partition("__")
                (event[outer] if inner else event)[inner or outer] = value

    return change


FORGERIES: dict[str, Change] = {
    "another target": on("header", target="other"),
    "another lock": on("header", lock="a" * 64),
    "another commit": on("header", base="a" * 40),
    "another rule": on("header", metrics=[]),
    "an extra word in the header": on("header", owner="@mallory"),
    "another place in the chain": on("header", previous="a" * 64),
    "another number": on("header", segment="promoted.2-promote"),
    "no time": on("header", at="now"),
    "a larger gain": on("realised", figures__gain=60.0),
    "a larger interval": on("realised", figures__high=60.0),
    "measured in another way": on(
        "realised",
        figures__how="held-out",
        figures__holdout={"base": {"score": 3.0}, "head": {"score": 9.0}, "lower": 5.0, "rows": 50},
    ),
    "pairs of nothing": on("realised", figures__how="pairs", figures__pairs=[]),
    "another metric": on("realised", figures__metric="auc"),
    "no number": on("realised", figures__gain=None),
    "a score that is text": on("realised", figures__head={"score": "9"}),
    "a missing metric": on("realised", figures__head={}),
    "a larger claim": on("realised", predicted={"how": "search", "gain": 60.0, "low": 60.0, "high": 60.0}),
    "another night": on("realised", night="2020-01-01"),
    "another row": on("realised", row=1),
    "another base": on("realised", before="a" * 40),
    "another blob": on("realised", blob="a" * 40),
    "another content": on("realised", content={"text": "x: 9\ny: 9\n"}),
    "a patch of nothing": on("realised", content={"patch": [0, 0, "x"]}),
    "a place outside of the pack": on("realised", content={"pack": {"at": 0, "size": 9, "sha256": "a" * 64}}),
    "compared though it cannot be": on("realised", comparable=1),
    "of nobody's": on("realised", kind="unconfirmed"),
    "a verdict of its own": on("realised", verdict="not-confirmed"),
    "an unknown key": on("realised", url="https://example.org"),
    "very long words": on("realised", why="x" * 10_000),
    "a tag of somebody else": on("promoted", tag="v1.0"),
    "a tag that is an option": on("promoted", tag="--force"),
    "another blob promoted": on("promoted", blob="a" * 40),
    "another commit promoted": on("promoted", commit="a" * 40),
    "an unknown event": on("note", event="exec"),
    "two measurements": on("note", event="realised"),
    "another end": on("seal", end="not-confirmed"),
    "an end of no kind": on("seal", end="merged"),
    "fewer events": on("seal", events=1),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_measurement_is_refused(measured: Repository, tmp_path: Path, name: str) -> None:
    repository = copied(measured, tmp_path)
    path, before = segment(repository), references(repository)
    assert forged(path.read_bytes(), lambda _event: None) == path.read_bytes(), "the forger writes as we do"
    path.write_bytes(forged(path.read_bytes(), FORGERIES[name]))
    done = published(repository)
    assert list(done.refused) == ["dial"], done
    assert tags(repository) == []
    assert references(repository) == before


def test_the_control_is_promoted(measured: Repository, tmp_path: Path) -> None:
    repository = copied(measured, tmp_path)
    assert published(repository).refused == {}
    assert tags(repository) == ["autoresearch/dial/1"]


@pytest.mark.parametrize(
    "change",
    [
        [on("realised", verdict="promoted"), on("seal", end="promoted")],
        [on("realised", kind="confirmed", night="2026-11-21", row=1)],
        [on("realised", figures__gain=1.0, figures__low=1.0, figures__high=1.0)],
        [on("realised", figures__head={"score": 90.0})],
        [on("realised", complexity=[9, 1])],
    ],
)
def test_nobodys_content_cannot_promote_itself(edited: Repository, tmp_path: Path, change: list[Change]) -> None:
    repository = copied(edited, tmp_path)
    path = segment(repository)
    for one in change:
        path.write_bytes(forged(path.read_bytes(), one))
    assert list(published(repository).refused) == ["dial"]
    assert tags(repository) == []
    assert chain.read(repository, "dial").segments == ()


def test_a_torn_and_an_unsealed_one_are_refused(measured: Repository, tmp_path: Path) -> None:
    whole = segment(measured).read_bytes()
    for cut in (whole[:-20], b"".join(whole.splitlines(keepends=True)[:-1]), b"", whole + b"{}\n"):
        repository = copied(measured, tmp_path / str(len(cut)))
        segment(repository).write_bytes(cut)
        assert list(published(repository).refused) == ["dial"]
        assert tags(repository) == []


def artifact(repository: Repository, place: Path, name: str) -> Path:
    handed.hand_over(repository, "dial", place / name)
    return place / name / "dial" / "promoted.1-promote.jsonl"


def test_the_newest_attempt_that_holds_is_taken(measured: Repository, tmp_path: Path) -> None:
    repository, place = copied(measured, tmp_path), tmp_path / "in"
    artifact(repository, place, "promote-dial-2")
    damaged = artifact(repository, place, "promote-dial-10")
    damaged.write_bytes(forged(damaged.read_bytes(), on("realised", row=1)))
    done = published(repository, place)
    assert list(done.refused) == ["promote-dial-10"]
    assert tags(repository) == ["autoresearch/dial/1"]


def test_links_foreign_names_and_other_files_are_named_and_left(measured: Repository, tmp_path: Path) -> None:
    repository, place = copied(measured, tmp_path), tmp_path / "in"
    path = artifact(repository, place, "promote-dial-1")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "promoted.1-promote.jsonl").write_text("secret")
    for name in ("promote-dial-9", "promote-..-9", "promote-dial-0", "run-dial-1"):
        (place / name).symlink_to(secret)
    (place / "promote-other-1").mkdir()
    (place / "promote-other-1" / "other").symlink_to(secret)
    (place / "promote-dial-8" / "dial").mkdir(parents=True)
    (place / "promote-dial-8" / "dial" / "promoted.1-promote.jsonl").symlink_to(path)
    os.mkfifo(path.parent / "promoted.2-promote.pack")
    (path.parent / "hooks").write_text("#!/bin/sh")
    done = published(repository, place)
    refused = " ".join(done.refused)
    for name in ("promote-dial-9", "promote-..-9", "promote-dial-0", "run-dial-1", "promote-other-1"):
        assert name in refused
    assert "promote-dial-1/'hooks'" in refused
    assert "promote-dial-1/'promoted.2-promote.pack'" in refused
    assert tags(repository) == ["autoresearch/dial/1"], "what is left holds"


def test_what_is_recorded_cannot_be_replaced(measured: Repository, tmp_path: Path) -> None:
    """A second, other measurement of a content that is recorded already."""
    repository, place = copied(measured, tmp_path), tmp_path / "in"
    path = artifact(repository, place, "promote-dial-1")
    assert published(repository, place).refused == {}
    before = references(repository)
    path.write_bytes(forged(path.read_bytes(), on("realised", seconds=9.0)))
    assert "nothing is due" in published(repository, place).refused["promote-dial-1"]
    assert references(repository) == before


@pytest.mark.parametrize("thorough", [False, True])
def test_a_record_of_the_night_that_was_changed_vouches_for_nothing(
    measured: Repository, tmp_path: Path, thorough: bool
) -> None:
    """The night's record is replaced by one that confirms another content. thorough: with every chain made anew."""
    repository = copied(measured, tmp_path)
    shutil.rmtree(repository.state)
    edit(repository, content(3, 2))
    night_name = records.nights(repository)[-1]
    files = records.fetch_night(repository, night_name)
    blob = repository.blob_id(content(3, 2).encode())

    def claim(event: dict[str, Any]) -> None:
        if event["event"] == "confirm":
            event["rows"][-1]["blob"] = event["head"] = blob
        if event["event"] == "proposed":
            event["rows"][-1] = blob

    confirm, proposed = (f"dial/{night_name}.{name}.jsonl" for name in ("2-confirm", "3-propose"))
    changed = {confirm: forged(files[confirm], claim)}
    if thorough:
        seal = json.loads(changed[confirm].splitlines()[-1])["chain"]
        relinked = forged(files[proposed], on("header", previous=seal))
        changed[proposed] = forged(relinked, claim)
    blobs = {path: commits.write_blob(repository, data) for path, data in changed.items()}
    tip = commits.commit_tree(repository, records.tip(repository), blobs, "forged", 1_700_000_000)
    commits.move(repository, records.BRANCH, tip, repository.reference(records.BRANCH))
    due = found(repository).due
    assert due
    assert bool(due.vouched) == thorough, "a broken chain is seen at once, a whole forgery by whoever publishes"
    if thorough:
        assert remeasure(repository, due) == "promoted"
        assert list(published(repository).refused) == ["dial"]
        assert tags(repository) == []


def test_a_whole_forgery_of_a_night_is_seen_before_a_tag(measured: Repository, tmp_path: Path) -> None:
    """Even where the content is really better: no night confirmed it."""
    repository = copied(measured, tmp_path)
    due = found(repository).due
    assert due
    assert due.vouched
    with pytest.raises(IntegrityError, match="did not confirm"):
        vouched.check_whole(repository, "dial", due.vouched, "a" * 40)
    vouched.check_whole(repository, "dial", due.vouched, due.blob)


def test_hostile_words_stay_words(edited: Repository, tmp_path: Path) -> None:
    """The reason of a measurement is shown to people: in one line, without a control character."""
    repository = copied(edited, tmp_path)
    path = segment(repository)
    path.write_bytes(forged(path.read_bytes(), on("seal", why="a\n::error::b\x1b[31m \u202e")))
    done = published(repository)
    for line in lines(done):
        assert "\n" not in line
        assert line.isprintable()
    assert folds.promoted(chain.read(repository, "dial").segments) == []
    assert json.loads(json.dumps(done.outcomes))
