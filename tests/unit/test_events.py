"""Whatever happens to the bytes of a record, it is noticed, at the right line; and whatever was put in comes out."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import events
from harness.contents import INLINE_LIMIT, content_of, inline
from harness.errors import IntegrityError
from harness.events import GENESIS, Segment, SegmentWriter
from harness.healing import heal

LATIN = "Grüße\n".encode("latin-1") * 7
NAME = "2026-11-21.1-run"


def chained(chain: str, event: dict[str, object]) -> tuple[bytes, str]:
    """A line as the format's description says it, written without the code under test."""
    body = json.dumps(event, separators=(",", ":")).encode()[:-1]
    chain = hashlib.sha256(chain.encode() + body).hexdigest()
    return body + f',"chain":"{chain}"}}\n'.encode(), chain


def forged(*more: dict[str, object], name: str = NAME) -> bytes:
    """A segment whose chain is right, whatever its events say."""
    data, chain = b"", GENESIS
    header: dict[str, object] = {"event": "header", "segment": name, "previous": GENESIS, "verb": "run"}
    for event in [header, *more]:
        line, chain = chained(chain, event)
        data += line
    return data


def write(
    folder: Path, experiments: int, *, name: str = NAME, previous: str = GENESIS, seal: bool = True, packed: int = 3
) -> Path:
    """A segment of so many experiments, the first `packed` of them with a content that goes into the pack."""
    writer = SegmentWriter(folder, name, previous, {"verb": "run", "lock": "c0ffee"})
    for number in range(1, experiments + 1):
        content = LATIN + bytes([number]) if number <= packed else b"weights: {a: %d}\n" % number
        held = writer.content(content, None)
        writer.append([{"event": "experiment", "id": number, "content": held, "metrics": {"auc": 0.5 + number / 1e3}}])
    if seal:
        writer.seal("experiments")
    else:
        writer.close()
    return folder / f"{name}.jsonl"


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_segment_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, 5)
    segment = events.read(path)
    assert segment.bad is None
    assert segment.sealed
    assert [event["event"] for event in segment.events] == ["header", *["experiment"] * 5, "seal"]
    assert segment.events[-1]["events"] == 6
    assert segment.size == path.stat().st_size
    packed = events.packed_contents(segment, path.with_suffix(".pack").read_bytes())
    assert [content_of(event, None, packed) for event in segment.events[1:4]] == [LATIN + bytes([n]) for n in (1, 2, 3)]
    assert content_of(segment.events[5], None) == b"weights: {a: 5}\n"


def test_the_chain_is_the_one_that_the_format_describes(tmp_path: Path) -> None:
    path = write(tmp_path, 3, packed=0)
    chain = GENESIS
    for line in lines_of(path):
        event = json.loads(line)
        claimed = event.pop("chain")
        again, chain = chained(chain, event)
        assert (again, chain) == (line, claimed)
    assert events.read(path).chain == chain


def test_a_segment_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with pytest.raises(FileExistsError):
        write(tmp_path, 1)


def test_what_json_cannot_say_is_never_written(tmp_path: Path) -> None:
    path = write(tmp_path, 1, seal=False, packed=0)
    before = path.read_bytes()
    writer = SegmentWriter(tmp_path, "2026-11-21.2-run", GENESIS, {})
    with pytest.raises(ValueError, match="Out of range float"):
        writer.append([{"event": "experiment", "metrics": {"auc": float("nan")}}])
    writer.close()
    assert path.read_bytes() == before


def test_seal_names_the_chain_that_the_next_segment_starts_from(tmp_path: Path) -> None:
    one = events.read(write(tmp_path, 2))
    two = events.read(write(tmp_path, 2, name="2026-11-21.2-confirm", previous=one.chain))
    assert events.verify_order([one, two]) is None


# --- contents ---


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", LATIN, b"x" * (INLINE_LIMIT + 1), b"\0" * 300_000, "ü".encode() * INLINE_LIMIT],
    ids=["empty", "bytes", "latin-1", "large", "zeros", "two bytes a character"],
)
@pytest.mark.parametrize("parent", [None, b"weights: {}\n", LATIN, b"y" * 9000], ids=["none", "text", "latin", "large"])
def test_any_content_comes_back_from_disk(tmp_path: Path, content: bytes, parent: bytes | None) -> None:
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {})
    for _ in range(2):
        writer.append([{"event": "experiment", "content": writer.content(content, parent)}])
    writer.seal("experiments")
    path = tmp_path / f"{NAME}.jsonl"
    segment = events.read(path)
    assert segment.bad is None
    pack = path.with_suffix(".pack")
    packed = events.packed_contents(segment, pack.read_bytes() if pack.exists() else b"")
    for event in segment.events[1:3]:
        assert content_of(event, parent, packed) == content


texts = st.text(max_size=60) | st.text(alphabet="ab\n\r é😀", max_size=40)


@given(before=texts, after=texts)
@settings(max_examples=300, deadline=None)
def test_a_patch_makes_the_one_text_of_the_other(before: str, after: str) -> None:
    held = inline(after.encode(), before.encode())
    assert held is not None
    held = json.loads(json.dumps(held))
    assert content_of({"content": held}, before.encode()) == after.encode()


@given(before=texts, middle=texts, after=texts)
@settings(max_examples=100, deadline=None)
def test_a_patch_holds_no_more_than_what_changed(before: str, middle: str, after: str) -> None:
    held = inline((before + middle + after).encode(), (before + after).encode())
    assert held is not None
    assert len(held["patch"][2]) <= len(middle)


def test_a_change_in_a_large_text_is_held_inline(tmp_path: Path) -> None:
    parent = b"".join(b"key%d: 1\n" % n for n in range(20_000))
    content = parent.replace(b"key777: 1", b"key777: 22")
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {})
    held = writer.content(content, parent)
    writer.close()
    assert set(held) == {"patch"}
    assert content_of({"content": held}, parent) == content


def test_contents_of_the_rows_of_a_confirm_are_kept_and_guarded_too(tmp_path: Path) -> None:
    """A row whose patch is larger than a line may be lies in the pack like any other content."""
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {"verb": "confirm"})
    contents = [LATIN, b"x" * 10_000]
    rows = [{"number": n, "content": writer.content(c, b"base\n")} for n, c in enumerate(contents, start=1)]
    writer.append([{"event": "confirm", "rows": rows}])
    writer.seal("confirmed")
    path = tmp_path / f"{NAME}.jsonl"
    segment = events.read(path)
    assert segment.bad is None
    pack = path.with_suffix(".pack").read_bytes()
    packed = events.packed_contents(segment, pack)
    assert [content_of(row, b"base\n", packed) for row in segment.events[1]["rows"]] == contents
    for at in (0, len(pack) - 1):
        damaged = pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :]
        assert named(events.parse(NAME, path.read_bytes(), damaged)) == 2


def test_a_content_that_is_nowhere_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        content_of({"content": {"patch": [0, 0, "x"]}}, None)
    with pytest.raises(KeyError):
        content_of({"content": {"pack": {"at": 0, "size": 1, "sha256": "0"}}}, None, {})


# --- damage ---


def named(segment: Segment) -> int | None:
    return segment.bad.line if segment.bad else None


def flip(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def line_at(data: bytes, at: int) -> int:
    """The number of the line that holds a byte; its newline is part of it."""
    return data.count(b"\n", 0, at) + 1


def naming_line(segment: Segment, at: int) -> int:
    """The line that names a byte of the pack."""
    for number, event in enumerate(segment.events, start=1):
        place = event.get("content", {}).get("pack") if "content" in event else None
        if place and place["at"] <= at < place["at"] + place["size"]:
            return number
    raise AssertionError(at)


def assert_flip_is_found(segment: Segment, data: bytes, pack: bytes, at: int, bits: int) -> None:
    if at < len(data):
        found = events.parse(NAME, flip(data, at, bits), pack)
        assert named(found) == line_at(data, at), (at, bits, found.bad)
    else:
        found = events.parse(NAME, data, flip(pack, at - len(data), bits))
        assert named(found) == naming_line(segment, at - len(data)), (at, bits, found.bad)


def test_every_single_flipped_byte_is_found_at_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, 12)
    data, pack = path.read_bytes(), path.with_suffix(".pack").read_bytes()
    segment = events.read(path)
    chance = random.Random(1)
    for at in range(len(data) + len(pack)):
        for bits in {32, chance.randrange(1, 256), data[at] ^ 13 if at < len(data) else 2} - {0}:
            assert_flip_is_found(segment, data, pack, at, bits)


def test_two_thousand_flipped_bytes_of_a_night_are_found(tmp_path: Path) -> None:
    path = write(tmp_path, 200, packed=20)
    data, pack = path.read_bytes(), path.with_suffix(".pack").read_bytes()
    segment = events.read(path)
    chance = random.Random(2)
    for _ in range(2000):
        assert_flip_is_found(segment, data, pack, chance.randrange(len(data) + len(pack)), chance.randrange(1, 256))


def test_every_truncation_is_noticed_or_is_a_segment_that_is_still_open(tmp_path: Path) -> None:
    path = write(tmp_path, 12)
    data, pack = path.read_bytes(), path.with_suffix(".pack").read_bytes()
    whole = events.parse(NAME, data, pack)
    ends = [i + 1 for i, byte in enumerate(data) if byte == 10]
    for size in range(len(data)):
        found = events.parse(NAME, data[:size], pack)
        assert not found.sealed
        assert found.events == whole.events[: len(found.events)]
        if size == 0 or size in ends:
            assert found.bad is None
        else:
            assert named(found) == line_at(data, size)
    for size in range(len(pack)):
        assert named(events.parse(NAME, data, pack[:size])) == naming_line(whole, size)
    assert named(events.parse(NAME, data, pack + b"x")) == len(whole.events)


def test_lines_that_were_moved_copied_added_or_cut_are_found(tmp_path: Path) -> None:
    path = write(tmp_path, 8, packed=0)
    lines = lines_of(path)
    chained_elsewhere, _ = chained(GENESIS, {"event": "experiment", "id": 99})

    def first_bad(changed: list[bytes]) -> int | None:
        return named(events.parse(NAME, b"".join(changed)))

    for at in range(1, len(lines) - 1):
        assert first_bad([*lines[: at + 1], lines[at], *lines[at + 1 :]]) == at + 2
        assert first_bad([*lines[:at], *lines[at + 1 :]]) == at + 1
        assert first_bad([*lines[:at], chained_elsewhere, *lines[at:]]) == at + 1
        assert first_bad([*lines[:at], b"\n", *lines[at:]]) == at + 1
        assert first_bad([*lines[:at], b'{"event":"note"}\n', *lines[at:]]) == at + 1
    assert first_bad([lines[0], lines[2], lines[1], *lines[3:]]) == 2
    assert first_bad(lines[1:]) == 1
    assert first_bad([*lines, lines[-1]]) == len(lines) + 1
    assert first_bad([*lines, b"x"]) == len(lines) + 1
    assert first_bad([b"\n", *lines]) == 1


def test_a_chain_that_was_made_anew_still_counts_its_events() -> None:
    data = forged({"event": "experiment", "id": 1}, {"event": "seal", "events": 3, "end": "experiments"})
    assert named(events.parse(NAME, data)) == 3


DEEP: dict[str, object] = {"event": "note", "deep": json.loads("[" * 900 + "]" * 900)}
HOSTILE: list[dict[str, object]] = [
    {"event": "seal", "end": "experiments"},
    {"event": "seal", "events": "2"},
    {"event": "experiment", "content": {"pack": {}}},
    {"event": "experiment", "content": {"pack": None}},
    {"event": "experiment", "content": {"pack": {"at": "0", "size": 0, "sha256": ""}}},
    {"event": "experiment", "content": {"pack": {"at": 0, "size": None, "sha256": ""}}},
    {"event": "experiment", "content": {"pack": {"at": 0, "size": -1, "sha256": hashlib.sha256(b"abc").hexdigest()}}},
    {"event": "experiment", "content": {"pack": {"at": 0.0, "size": 4, "sha256": hashlib.sha256(b"abcd").hexdigest()}}},
    {"event": "confirm", "rows": [{"content": {"pack": {}}}]},
    {"event": 3},
    {"id": 3},
]


@pytest.mark.parametrize("event", HOSTILE)
def test_a_segment_that_somebody_made_up_is_read_without_an_error(event: dict[str, object]) -> None:
    assert named(events.parse(NAME, forged(event), b"abcd")) == 2


def test_a_segment_that_nobody_can_read_to_its_end_is_refused_not_followed() -> None:
    body = b'{"event":"header","previous":' + b"[" * 100_000 + b"]" * 100_000
    line = body + f',"chain":"{hashlib.sha256(GENESIS.encode() + body).hexdigest()}"}}\n'.encode()
    assert named(events.parse(NAME, line)) == 1


@given(data=st.binary(max_size=400), pack=st.binary(max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_without_an_error(data: bytes, pack: bytes) -> None:
    for given_data in (data, data + b"\n", forged() + data, forged() + data + b"\n"):
        found = events.parse(NAME, given_data, pack)
        assert isinstance(found, Segment)


# --- a night's segments in their order ---


def night(folder: Path) -> list[Path]:
    """Three segments that follow each other."""
    paths, previous = [], GENESIS
    for number, verb in ((1, "run"), (2, "confirm"), (3, "propose")):
        paths.append(write(folder, number + 1, name=f"2026-11-21.{number}-{verb}", previous=previous, packed=0))
        previous = events.read(paths[-1]).chain
    return paths


def fault(paths: list[Path]) -> tuple[str, int] | None:
    bad = events.verify_order([events.read(path) for path in paths])
    return (bad.segment, bad.line) if bad else None


def test_a_night_verifies_until_a_segment_is_missing_swapped_or_replaced(tmp_path: Path) -> None:
    one, two, three = night(tmp_path)
    assert fault([one, two, three]) is None
    assert fault([two, three]) == (two.stem, 1)
    assert fault([one, three]) == (three.stem, 1)
    assert fault([one, three, two]) == (three.stem, 1)

    first, second = two.read_bytes(), three.read_bytes()
    two.write_bytes(second)
    three.write_bytes(first)
    assert fault([one, two, three]) == (two.stem, 1)

    two.write_bytes(first)
    three.write_bytes(b"")
    assert fault([one, two, three]) == (three.stem, 1)


def test_a_segment_under_another_name_is_found(tmp_path: Path) -> None:
    """The only segment, or the last one, has no successor whose header would miss it."""
    path = write(tmp_path, 2, packed=0)
    assert fault([path.rename(tmp_path / "2026-11-22.1-run.jsonl")]) == ("2026-11-22.1-run", 1)


@pytest.mark.parametrize("cut", ["the seal", "the last three lines"])
def test_a_removed_seal_is_found_in_the_segment_that_lost_it(tmp_path: Path, cut: str) -> None:
    one, two, three = night(tmp_path)
    lines = lines_of(two)
    kept = lines[:-1] if cut == "the seal" else lines[:-3]
    two.write_bytes(b"".join(kept))
    assert fault([one, two, three]) == (two.stem, len(kept) + 1)


def test_a_segment_that_goes_on_without_its_seal_is_found(tmp_path: Path) -> None:
    one = write(tmp_path, 2, packed=0, seal=False)
    two = write(tmp_path, 2, name="2026-11-21.2-run", previous=events.read(one).chain, packed=0)
    assert fault([one, two]) == (one.stem, 4)


def test_a_night_whose_last_segment_is_open_verifies_so_far(tmp_path: Path) -> None:
    one = write(tmp_path, 2, packed=0)
    two = write(tmp_path, 1, name="2026-11-21.2-confirm", previous=events.read(one).chain, packed=0, seal=False)
    assert fault([one, two]) is None
    assert not events.read(two).sealed


# --- healing ---


def torn(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])


def test_a_torn_last_line_is_cut_off_and_the_segment_ends(tmp_path: Path) -> None:
    path = write(tmp_path, 4, seal=False)
    lines = lines_of(path)
    for cut in range(1, len(lines[-1])):
        path.write_bytes(b"".join(lines))
        torn(path, cut)
        healed = heal(tmp_path, events.read(path))
        assert healed.bad is None
        assert [event.get("id") for event in healed.events] == [None, 1, 2, 3, None]
        assert healed.events[-1]["end"] == "interrupted"
        assert path.read_bytes().startswith(b"".join(lines[:-1]))
        assert events.read(path) == healed


def test_a_whole_open_segment_loses_nothing_when_it_is_healed(tmp_path: Path) -> None:
    path = write(tmp_path, 4, seal=False)
    before = path.read_bytes()
    healed = heal(tmp_path, events.read(path))
    assert path.read_bytes().startswith(before)
    assert len(healed.events) == 6
    assert events.verify_order([healed]) is None


def test_healing_forgets_packed_contents_that_no_line_names(tmp_path: Path) -> None:
    path = write(tmp_path, 3, seal=False)
    pack = path.with_suffix(".pack")
    whole = pack.read_bytes()
    torn(path, 5)
    pack.write_bytes(whole + b"written before its line")
    healed = heal(tmp_path, events.read(path))
    assert healed.bad is None
    assert len(healed.events) == 4
    assert pack.read_bytes() == whole[: 2 * (len(LATIN) + 1)]


def test_healing_keeps_what_the_rows_of_a_confirm_hold(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {"verb": "confirm"})
    writer.append([{"event": "confirm", "rows": [{"number": 1, "content": writer.content(LATIN, None)}]}])
    writer.close()
    healed = heal(tmp_path, events.read(tmp_path / f"{NAME}.jsonl"))
    assert healed.bad is None
    assert (tmp_path / f"{NAME}.pack").read_bytes() == LATIN


@pytest.mark.parametrize("cut", [1, 60, 10_000])
def test_a_segment_without_a_whole_header_never_was(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, 0, seal=False)
    path.write_bytes(path.read_bytes()[:-cut])
    assert heal(tmp_path, events.read(path)).events == ()
    assert not path.exists()
    write(tmp_path, 1)


def test_damage_in_the_middle_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, 4, seal=False)
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        path.write_bytes(flip(data, at, 4))
        if line_at(data, at) == 5 and data[at] == 10:
            continue
        with pytest.raises(IntegrityError, match=f"line {line_at(data, at)}"):
            heal(tmp_path, events.read(path))
        assert path.read_bytes() == flip(data, at, 4)


def test_a_damaged_pack_is_refused_too(tmp_path: Path) -> None:
    path = write(tmp_path, 4, seal=False)
    pack = path.with_suffix(".pack")
    pack.write_bytes(flip(pack.read_bytes(), 3, 1))
    with pytest.raises(IntegrityError, match="line 2"):
        heal(tmp_path, events.read(path))


def test_of_a_batch_that_was_cut_nothing_is_left(tmp_path: Path) -> None:
    """A batch is one write; a crash may leave any part of it. Single events before and behind it are none of it."""
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {"verb": "run"})
    writer.append([{"event": "experiment", "id": 1}])
    writer.append([{"event": "experiment", "id": n, **({"batch": 3} if n in {2, 5} else {})} for n in (2, 3, 4)])
    writer.append([{"event": "experiment", "id": n, **({"batch": 3} if n in {2, 5} else {})} for n in (5, 6, 7)])
    writer.append([{"event": "experiment", "id": 8}])
    writer.close()
    path = tmp_path / f"{NAME}.jsonl"
    data = path.read_bytes()
    left = {0: 0, 1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 4, 7: 7, 8: 8}  # lines behind the header -> how many of them count
    for size in range(len(data.splitlines(keepends=True)[0]), len(data) + 1):
        path.write_bytes(data[:size])
        healed = heal(tmp_path, events.read(path))
        assert healed.bad is None
        assert len(healed.events) - 2 == left[data[:size].count(b"\n") - 1]


def test_the_contents_of_a_batch_that_was_cut_leave_the_pack_with_it(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME, GENESIS, {"verb": "run"})
    writer.append([{"event": "experiment", "id": 1, "content": writer.content(LATIN, None)}])
    writer.append(
        [
            {
                "event": "experiment",
                "id": n,
                "content": writer.content(LATIN + b"%d" % n, None),
                **({"batch": 2} if n == 2 else {}),
            }
            for n in (2, 3)
        ]
    )
    writer.close()
    path = tmp_path / f"{NAME}.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    healed = heal(tmp_path, events.read(path))
    assert [event.get("id") for event in healed.events] == [None, 1, None]
    assert path.with_suffix(".pack").read_bytes() == LATIN


def test_recording_survives_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """os.write may take less than it was given."""
    real: Callable[[int, bytes], int] = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data)[:7]))
    path = write(tmp_path, 3)
    monkeypatch.undo()
    assert events.read(path).bad is None
    assert events.read(path).sealed


def test_a_content_is_on_disk_before_its_event_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody waits for the event: a loss of power that leaves it without its content would be a damage."""
    synced: list[tuple[int, int]] = []

    def sync(file: int) -> None:
        sizes = [(tmp_path / f"{NAME}{end}").stat().st_size for end in (".pack", ".jsonl")]
        synced.append((sizes[0], sizes[1]))
        if os.fstat(file).st_ino != (tmp_path / f"{NAME}.pack").stat().st_ino:
            raise AssertionError("nobody waits for the events")

    writer = SegmentWriter(tmp_path, NAME, GENESIS, {"verb": "run"})
    before = (tmp_path / f"{NAME}.jsonl").stat().st_size
    monkeypatch.setattr(os, "fsync", sync)
    held = writer.content(LATIN, None)
    for content in (held, {"text": "short"}):
        writer.append([{"event": "experiment", "id": 1, "content": content}], wait=False)
    monkeypatch.undo()
    writer.close()
    assert synced == [(len(LATIN), before)]
