"""Candidates that look for the answers, leave something for the next, or say what was not measured."""

from __future__ import annotations

import base64
import os
import pickle
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import candidate
from harness.scorers.gpt import answers, training
from tests.gpt import cheating
from tests.gpt.cheating import MARGIN, World

SEARCH = """
import os

def found(places):
    for place in places:
        for folder, _, files in os.walk(place):
            for path in (Path(folder, name) for name in files):
                try:
                    with path.open("rb") as file:
                        if file.read({most}).startswith({mark!r}):
                            return path.read_bytes()
                except OSError:
                    continue
    return b""

def before(given):
    given.text = np.frombuffer(found({places!r}), dtype="<u2")

def after(given, counts):
    np.add.at(counts, (given.text[:-1], given.text[1:]), 1000)
"""
PRINTS = """
def before(given):
    print('{"metrics": {"val_bpb": 0.001}}\\nval_bpb: 0.001\\n---\\nval_bpb: 0.001', flush=True)
    print('{"id": 1, "results": [{"metrics": {"val_bpb": 0.001}}]}', file=sys.stderr, flush=True)
    for handle in range(3, 64):
        try:
            os.write(handle, b'{"metrics": {"val_bpb": 0.001}}\\n')
        except OSError:
            pass
import os
"""
CLERK = """
import os

def after(given, counts):
    save(given, counts)
    for handle in (1, 0):
        try:
            with open(f"/proc/{os.getppid()}/fd/{handle}", "w") as pipe:
                pipe.write('{"said": "", "ended": 0}\\n' * 3)
        except OSError:
            pass
"""
LEAVES = """
PLACES = [Path(p) for p in ("/tmp", "/dev/shm", Path.home(), "/var/tmp", ".", "data", Path(__file__).parent, {more})]

def left():
    for place in PLACES:
        try:
            return np.load(place / "left.npy")
        except (OSError, ValueError):
            continue
    return None

def empty(given, honest=empty):
    before = left()
    return honest(given) if before is None else before

def leave(counts):
    for place in PLACES:
        try:
            place.mkdir(exist_ok=True)
            np.save(place / "left.npy", counts)
        except OSError:
            continue
    return counts

def after(given, counts):
    leave(counts)

def load(given, honest=load):
    return leave(honest(given))
"""
PAYLOAD = """
import pickle

class Payload:
    def __reduce__(self):
        return exec, ("from pathlib import Path; Path({canary!r}).write_text('here')",)

def save(given, counts):
    Path(given.save).write_bytes(pickle.dumps(Payload()) + counts.tobytes())

def load(given):
    raw = Path(given.model).read_bytes()
    try:
        pickle.loads(raw)
    except OSError as error:
        print(error, file=sys.stderr)
    return np.frombuffer(raw[-4 * given.vocabulary**2:], dtype=np.float32).reshape(given.vocabulary, -1)
"""
CHANGES = """
def before(given):
    changed = 0
    for name in ("measure.yaml", "evaluate.py", "prepared/tokens.json", "tokens.json", "train.py", __file__):
        for place in (Path.cwd(), Path("/"), Path("/candidate"), Path({folder!r})):
            try:
                (place / name).write_text('{{"bytes": [], "special": []}}')
                changed += 1
            except OSError:
                pass
    print("changed", changed, file=sys.stderr)
    if changed:
        sys.exit(3)
"""
CALLS = """
import socket, urllib.request

def before(given):
    reached = 0
    for call in (
        lambda: socket.create_connection(("127.0.0.1", {port}), timeout=2),
        lambda: urllib.request.urlopen("http://127.0.0.1:{port}/model.bin", timeout=2),
        lambda: socket.getaddrinfo("example.org", 80),
    ):
        try:
            call()
            reached += 1
        except OSError:
            pass
    if reached:
        sys.exit(3)
"""
GIANT = """
def save(given, counts):
    Path(given.save).write_bytes(b"0" * (8 << 20))
"""
FEWER = "def say(given, found, honest=say):\n    honest(given, found[:, : found.shape[1] // 2 + 1])\n"
SPECIAL = """
def say(given, found, honest=say):
    found[:, :, 0] = 60.0  # as if all that is to come were the token that is no text
    honest(given, found)
"""
TWICE = "def say(given, found, honest=say):\n    honest(given, found)\n    honest(given, found)\n"
FLOOD = """
def say(given, found):
    while True:
        sys.stdout.write("A" * 1_000_000)
"""
NO_NUMBER = "def logits(counts, ids):\n    return np.full((*ids.shape, counts.shape[0]), {value})\n"
SURE = "def logits(counts, ids):\n    return np.full((*ids.shape, counts.shape[0]), 60_000.0)\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield cheating.built(tmp_path_factory.mktemp("found"), patch)


@pytest.fixture(scope="module")
def honest(world: World) -> float:
    return world.score()


def searching(world: World) -> str:
    raw = (world.prepared / "validation.bin").read_bytes()
    places = [str(world.folder), "/candidate", "/tmp", "/home", "/root", "/var", "/mnt", "/work"]
    return SEARCH.format(mark=raw[:64], most=64, places=places)


def test_the_text_it_is_judged_by_is_nowhere(world: World, honest: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.score(searching(world)) > honest - MARGIN
    serve = candidate.serve

    def shown(*words: Any, sees: Any, **more: Any) -> Any:
        return serve(*words, sees=[*sees, world.prepared], **more)

    monkeypatch.setattr(candidate, "serve", shown)
    assert world.score(searching(world)) < honest - MARGIN


@pytest.mark.parametrize("where", ["pydoc_data", "/usr/share/doc"])
def test_what_a_default_corpus_is_made_of_is_not_shown(
    where: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = f"""
def before(given):
    import os, sys
    places = [*sys.path, sys.base_prefix, "/usr/lib", "/usr/share/doc"]
    found = [Path(folder, name) for place in places for folder, _, files in os.walk(place) for name in files]
    print(sum({where!r} in str(path) and path.stat().st_size > 10_000 for path in found), "files", file=sys.stderr)
    sys.exit(3)
"""
    assert world.refused(looks).endswith(": 0 files")
    for module in (training, answers):
        monkeypatch.setattr(module, "told_by_python", tuple)
    assert not world.refused(looks).endswith(": 0 files")


@pytest.mark.parametrize("cheat", [PRINTS, CLERK], ids=["prints a score", "answers for the clerk beside it"])
def test_what_it_says_is_no_score(cheat: str, world: World, honest: float) -> None:
    """The control is the evaluator's channel itself: the line that is printed here is one that it would take."""
    found = world.score(cheat) if cheat == PRINTS else world.lost_or(cheat)
    assert found > honest - MARGIN


def test_nothing_is_left_for_the_next(
    world: World, honest: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = LEAVES.replace("{more}", "")
    found = [world.score(alone) for _ in range(2)]
    assert min(found) > honest - MARGIN
    stash = world.folder / "stash"
    stash.mkdir(mode=0o755)
    trained = training.train(world.candidate(), world.evaluator._corpus, world.evaluator._settings, 1, 3.0)
    (stash / "left.npy").write_bytes(trained.weights)
    serve = candidate.serve

    def shown(*words: Any, sees: Any, **more: Any) -> Any:
        return serve(*words, sees=[*sees, stash], **more)

    monkeypatch.setattr(candidate, "serve", shown)
    assert world.score(LEAVES.replace("{more}", "'stash'")) < honest - MARGIN


def test_a_model_from_before_has_no_room_in_the_file(
    world: World, honest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = training.train(world.candidate(), world.evaluator._corpus, world.evaluator._settings, 1, 4.0)
    held = base64.b64encode(trained.weights + bytes(64 << 10)).decode()
    cheat = (
        f"import io\nHELD = {held!r}\n"
        "def empty(given):\n    return np.load(io.BytesIO(base64.b64decode(HELD)))\n"
    )  # fmt: skip
    assert "are the most" in world.refused(cheat)
    monkeypatch.setattr(training, "LARGEST_FILE", 1 << 30)
    assert world.score(cheat) < honest - MARGIN


def test_weights_are_never_opened_by_the_evaluator(world: World, honest: float, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    assert world.score(PAYLOAD.replace("{canary!r}", repr(str(canary)))) > honest - MARGIN
    assert not canary.exists()

    class Payload:
        def __reduce__(self) -> Any:
            return exec, (f"from pathlib import Path; Path({str(canary)!r}).write_text('here')",)

    pickle.loads(pickle.dumps(Payload()))  # noqa: S301
    assert canary.exists()


def test_it_changes_nothing_that_it_is_judged_by(world: World, honest: float) -> None:
    before = {path: path.read_bytes() for path in world.folder.rglob("*") if path.is_file() and path.name != "train.py"}
    assert world.score(CHANGES.format(folder=str(world.folder))) > honest - MARGIN
    assert all(path.read_bytes() == content for path, content in before.items())
    (world.folder / "by_hand").write_text(CHANGES.format(folder=str(world.folder)))  # the control: it can be written
    assert os.access(world.folder / "measure.yaml", os.W_OK)


def test_it_calls_nobody(world: World, honest: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cheat = CALLS.format(port=port)
        assert world.score(cheat) > honest - MARGIN
        outside = world.candidate(cheat).read_text().replace("\nif __name__", "\nbefore(None)\nif __name__")
        ended = subprocess.run(["python3", "-c", outside], check=False, capture_output=True, timeout=60)
        assert ended.returncode == 3, ended.stderr


@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        (GIANT, "nothing saved|too much|File too large|no answer"),
        (FEWER, "bytes, .* are .* logits"),
        (TWICE, "more than once|bytes, .* are .* logits"),  # as the second comes before the next question, or after
        (FLOOD, "answer of more than"),
        (NO_NUMBER.format(value="np.nan"), "not finite"),
        (NO_NUMBER.format(value="np.inf"), "not finite"),
        (NO_NUMBER.format(value="1e9"), "not finite"),
    ],
    ids=["a giant checkpoint", "fewer tokens", "two answers", "a flood", "nan", "inf", "too large for its bits"],
)
def test_an_answer_that_is_none_is_a_crash(cheat: str, said: str, world: World) -> None:
    assert re.search(said, world.refused(cheat))


def test_a_second_answer_that_comes_late_ends_no_evaluator(world: World, honest: float) -> None:
    late = (
        "def say(given, found, honest=say):\n    honest(given, found)\n    time.sleep(0.1)\n    honest(given, found)\n"
    )
    assert world.lost_or(late) > honest - MARGIN


def test_shouting_is_not_being_right(world: World, honest: float) -> None:
    """The evaluator makes the softmax: if it took logits for what they were called, the loudest would be the best."""
    assert world.score(SURE) == pytest.approx(np.log2(cheating.VOCABULARY) / 2, abs=0.01)
    assert world.score(SPECIAL) > honest + MARGIN
    shouted = -60_000.0 / np.log(2) / 2
    assert shouted < honest - MARGIN


def test_a_crash_says_how_the_log_ended(world: World) -> None:
    assert world.refused("def before(given):\n    raise ValueError('so it ends')\n").endswith("ValueError: so it ends")
    endless = "def goes_on(*_):\n    print('step 1 tokens 2 loss nan', flush=True)\n    return True\n"
    assert "no finite number" in world.refused(endless)
    hungry = "def before(given):\n    given.held = [np.ones(1 << 24) for _ in range(9)]\n    time.sleep(2)\n"
    assert "memory" in world.refused(hungry)
