"""What is looked at before anything is spent on a target that needs a card: is it there, free, cool, and does the
sandbox get at it? `run` ends such a target with `preflight` where one line says no; `check` shows the same lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.night.folder import Night
from bot.night.gates import end_before_it_began
from harness import candidate, device, folds, prepared
from harness.candidate import Limits
from harness.device import Card
from harness.errors import AutoresearchError, EvaluatorError, IntegrityError
from harness.events import Segment
from harness.handover.shapes import GATED
from harness.prepared import Kept
from harness.repository import CommitSource
from harness.target import Target

END = "preflight"
TAKEN = 0.05  # share of the card's memory, or the megabytes below, that may be in use before the night begins
TAKEN_MB = 1024.0
WARM = 80.0  # degrees Celsius of a card that does nothing yet
_SLOWED = {
    0x08: "the hardware slows it down",
    0x20: "it is held back since it is hot",
    0x40: "the hardware slows it down since it is hot",
    0x80: "its power supply slows it down",
}
_LIMITS = Limits(
    seconds=180, memory=16 << 30, address_space=1 << 46, processes=4096, open_files=4096, file_size=1 << 30
)  # fmt: skip
_PROBE = """
import ctypes, json
told = {}
def driver():
    cuda = ctypes.CDLL("libcuda.so.1")
    told["init"] = cuda.cuInit(0)
    count = ctypes.c_int()
    cuda.cuDeviceGetCount(ctypes.byref(count))
    told["count"] = count.value
def torch():
    import torch
    told["torch"], told["built"] = torch.__version__, torch.version.cuda
    told["available"] = torch.cuda.is_available()
    if told["available"]:
        told["name"] = torch.cuda.get_device_name(0)
        one = torch.ones(64, 64, device="cuda", dtype=torch.bfloat16)
        told["sum"] = float((one @ one).float().sum())
for step in (driver, torch):
    try:
        step()
    except Exception as error:
        told[step.__name__ + "_error"] = f"{type(error).__name__}: {error}"[:300]
print(json.dumps(told))
"""
_SUM = 64.0**3  # of the product of two matrices of ones


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. problem: whether no night begins because of it."""

    name: str
    said: str
    problem: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.said}"


def look(target: Target, source: Kept) -> tuple[Line, ...]:
    """All lines of a target that needs a card; none of any other."""
    return tuple(_lines(target, source)) if target.evaluate.gpu else ()


def ended(night: Night, target: Target, say: Callable[[str], None]) -> bool:
    """Whether the target's night ends here. Raises EvaluatorError where a night that has begun cannot go on now, and
    IntegrityError where it began on a card of another kind: either goes on later, where it can."""
    segments = night.segments(target.name)
    if not target.evaluate.gpu or folds.run_end(segments) is not None:
        return False
    problems = _problems(night, target, say)
    if segments:
        _require_none(target, problems)
        _require_the_same(target, segments)
        return False
    if problems:
        end_before_it_began(night, target, END, problems[:2000])
    return bool(problems)


def require(night: Night, target: Target, say: Callable[[str], None]) -> None:
    """For what comes after the loop. Raises EvaluatorError where the card is not fit to measure on."""
    if target.evaluate.gpu and folds.run_end(night.segments(target.name)) not in GATED:
        _require_none(target, _problems(night, target, say))


def begun_on(segments: Sequence[Segment]) -> str:
    """The card that a loop's figures come from, "" where none is recorded."""
    loops = (segment.header for segment in segments if segment.header["verb"] == "run")
    return next((str(header["machine"].get("device", "")) for header in loops), "")


def elsewhere(target: Target, segments: Sequence[Segment]) -> str:
    """In words that a loop ran on another kind of card than this one; nothing where it did not."""
    before, here = begun_on(segments), device.name() if target.evaluate.gpu else ""
    return f"the loop ran on {before}, this is {here}" if before and here and before != here else ""


def note(moved: str) -> list[str]:
    """A line for what was measured again, none where the kind of card is the same."""
    return [f"note: {moved}: figures of two kinds of cards need not agree"] if moved else []


def _problems(night: Night, target: Target, say: Callable[[str], None]) -> str:
    lines = look(target, CommitSource(night.repository, night.plan.base))
    for line in lines:
        say(f"{target.name}: {line}")
    return "; ".join(str(line) for line in lines if line.problem)


def _require_none(target: Target, problems: str) -> None:
    if problems:
        raise EvaluatorError(
            f"{target.name}: the night cannot go on now",
            why=problems,
            next_step="mend it and start the same command again: it goes on where it was",
        )


def _require_the_same(target: Target, segments: Sequence[Segment]) -> None:
    if why := elsewhere(target, segments):
        raise IntegrityError(
            f"{target.name}: {why}",
            why="figures of two kinds of cards are never mixed in one night",
            next_step="go on where it began, or start afresh here: autoresearch night --new",
        )


def _lines(target: Target, source: Kept) -> Iterator[Line]:
    card, why = device.look()
    if card is None:
        yield Line("card", f"none: {why}", problem=True)
    else:
        yield Line("card", f"{card.name}{', in parts (MIG)' if device.split(card) else ''}; driver {card.driver}")
        yield _memory(card)
        yield _clocks(card)
    missing = device.missing_nodes()
    if missing:
        cure = "nvidia-modprobe -u -c=0 makes them; in a container: docker run --gpus all"
        yield Line("nodes", f"{'; '.join(missing)}: {cure}", problem=True)
    yield _data(target, source)
    if card and not missing:
        yield _sandboxed(card)


def _memory(card: Card) -> Line:
    total, free = card.memory_total, card.memory_free
    if total is None or free is None:
        return Line("memory", "the driver does not say how much is free")
    said = f"{free:,.0f} of {total:,.0f} MB free"
    if total - free <= max(TAKEN_MB, TAKEN * total):
        return Line("memory", said)
    by = ", ".join(device.others(card)) or "a process that the driver does not name"
    return Line("memory", f"{said}: something else is on the card ({by}), and would be measured too", problem=True)


def _clocks(card: Card) -> Line:
    clock = "" if card.clock_most is None else f"up to {card.clock_most:.0f} MHz"
    warm = "" if card.celsius is None else f"{card.celsius:.0f} degrees"
    said = ", ".join(part for part in (clock, warm) if part) or "the driver does not say"
    bits = device.slowed(card) or 0
    held = [words for bit, words in _SLOWED.items() if bits & bit]
    if card.celsius is not None and card.celsius >= WARM and not held:
        held = ["it is hot, and nothing has begun"]
    return Line("clocks", "; ".join([said, *held]), problem=bool(held))


def _data(target: Target, source: Kept) -> Line:
    try:
        missing = prepared.unprepared(source, target)
    except AutoresearchError as error:
        return Line("data", str(error), problem=True)
    if missing:
        return Line("data", f"{', '.join(missing[:3])} not prepared: autoresearch setup {target.name}", problem=True)
    return Line("data", "as data.lock names it" if target.evaluate.setup else "in the repository")


def _sandboxed(card: Card) -> Line:
    """Whether CUDA begins in a sandbox, and computes there where torch is installed."""
    try:
        result = candidate.run(["python", "-c", _PROBE], limits=_LIMITS, packages=True, gpu=True)
    except AutoresearchError as error:
        return Line("cuda", str(error), problem=True)
    try:
        told = json.loads(result.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return Line("cuda", f"the sandbox did not come to its end: {result.stderr.strip()[-300:]}", problem=True)
    if told.get("init") != 0 or not told.get("count"):
        why = told.get("driver_error") or f"cuInit gave {told.get('init')}, {told.get('count')} cards"
        return Line("cuda", f"does not begin in the sandbox: {why}", problem=True)
    return _torch(card, told)


def _torch(card: Card, told: dict[str, object]) -> Line:
    if why := str(told.get("torch_error", "")):
        if why.startswith("ModuleNotFoundError"):
            return Line("cuda", "begins in the sandbox; torch is not installed, and was not asked")
        return Line("cuda", f"torch cannot compute in the sandbox: {why}", problem=True)
    if not told.get("available"):
        built = f"built for CUDA {told['built']}" if told.get("built") else "built without CUDA"
        return Line("cuda", f"torch {told.get('torch')}, {built}, sees no card in the sandbox", problem=True)
    if told.get("sum") != _SUM:
        return Line("cuda", f"a product of ones is {told.get('sum')}, {_SUM:g} is right", problem=True)
    version = f"torch {told.get('torch')} for CUDA {told.get('built')}"
    return Line("cuda", f"{version} computes on {card.name} in the sandbox")
