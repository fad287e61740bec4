"""The numbers of a page against its events, counted here a second time."""

from __future__ import annotations

import itertools
import math
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.pages.body import body
from bot.pages.summary import summarise
from bot.pages.wording.text import count, duration
from harness import folds
from harness.events import Event, Segment
from tests.invented import NIGHT, night, noisy_night
from tests.pages import SITE, links, outside_code

NUMBER = re.compile(r"(?<![\w.-])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?(?![\w-]|\.\d)")
# The page's own: confidences (95 %, 99.75 % for one of 20 looks), the power (80 %), the base's own change (0).
OWN = {"95", "99.75", "2.5", "5", "90", "80", "0", "1"}
Night = list[Segment]


def plain_page(segments: Night) -> str:
    """The page as it is read: no code, no address, no marker."""
    report = summarise(segments)
    text = outside_code(body(NIGHT, [report], links([report])))
    return re.sub(rf"{re.escape(SITE)}\S*|<!--.*?-->|</?\w+>", " ", text).replace("\u00a0", " ")


def recorded(value: Any) -> Iterator[float]:
    """Every number of an event, however deep."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        yield float(value)
    else:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from recorded(inner)


def written(number: float) -> set[str]:
    """Every way in which a page writes a number, as a value, as a gain, and as a change in percent."""
    found = set()
    ratios = [100 * math.expm1(sign * number) for sign in (1, -1)] if abs(number) < 50 else []
    for one in (number, -number, 100 * number, *ratios):
        if math.isfinite(one):
            found |= {f"{one:,.{decimals}f}" for decimals in range(11)}
            found |= {f"{one:.{digits}g}" for digits in (1, 2, 4)}
    return {f"{sign}{text}" for text in found for sign in ("", "+")} | {text.lstrip("-") for text in found}


def derived(segments: Night, experiments: Sequence[Event]) -> Iterator[float]:
    """What a page says that no event holds, worked out from the events."""
    head = segments[0].header
    kept = [event for event in experiments if event["status"] == "keep"]
    yield from (len(experiments), len(kept), len(experiments) - len(kept))
    yield from Counter(reason(event) for event in experiments if event["status"] != "keep").values()
    confirms = folds.of_kind(segments, "confirm")
    yield sum(event["cost_usd"] for event in experiments)
    base = folds.of_kind(segments, "baseline")[0]["metrics"]
    limits = [entry["guard"] for entry in head["metrics"] if entry.get("guard")]
    yield from (base["capture"] * (1 - limit["amount"]) for limit in limits if "capture" in base)
    for confirm in confirms:
        yield len(confirm.get("rows", []))
        for side in (confirm.get("holdout") or {}).get("base", {}).get("capture", None), None:
            yield from (side * (1 - limit["amount"]) for limit in limits if side)
        for guard in confirm.get("guards", []):
            yield from (-guard["loss"], -guard["upper"], -guard["allowed"])
        for name in ("answers",) if confirm.get("pairs") else ():
            yield statistics.fmean(pair["head"][name] - pair["base"][name] for pair in confirm["pairs"])
    yield from noisy(segments, experiments, kept)


def noisy(segments: Night, experiments: Sequence[Event], kept: Sequence[Event]) -> Iterator[float]:
    settings_ = segments[0].header["noise"]
    if settings_:
        pairs = folds.of_kind(segments, "pair")
        yield from (len(pairs), sum(bool(pair["void"]) for pair in pairs), sum(event["gain"] for event in kept))
        yield segments[0].header["planned"] / settings_["alpha"]
        yield len(experiments) * settings_["alpha"]
        alone = -math.log(settings_["alpha"])
        lost = [
            event for event in experiments if event["status"] != "keep" and event["reason"] not in {"guard", "suspect"}
        ]
        yield sum(event["peak"] >= alone for event in lost)
        yield from (round(math.exp(event["peak"])) for event in experiments)
        base = folds.of_kind(segments, "baseline")[0]
        yield segments[0].header["metrics"][0]["min_effect"] + base["detectable"]


def tried(event: Event) -> set[str]:
    """A try is told by its number and what it reached; with noise, by its gain."""
    change = 100 * math.expm1(-event["gain"])
    gain = {f"{change:+.{decimals}f}" for decimals in (1, 2, 3, 4)} if "pairs" in event else set()
    return {str(event["id"]), *(f"{value:.6f}" for value in event["metrics"].values()), *gain}


def reason(event: Event) -> str:
    return str(event["reason"]) if event["status"] == "discard" else "crash"


def strangers(segments: Night, page: str = "") -> set[str]:
    """The numbers of a page that are neither in an event nor follow from any."""
    experiments = folds.of_kind(segments, "experiment")
    shown = [event for event in folds.all_events(segments) if event["event"] in {"baseline", "confirm"}]
    shown = [segments[0].header, *({k: v for k, v in event.items() if k != "pairs"} for event in shown)]
    numbers = {*recorded(shown), *derived(segments, experiments)}
    known = OWN.union(*map(written, numbers), *(tried(event) for event in experiments))
    seconds = experiments[-1]["elapsed"] + sum(event["seconds"] for event in folds.of_kind(segments, "confirm"))
    known |= set(re.findall(r"[\d.]+", duration(seconds)))
    return {text for text in NUMBER.findall(page or plain_page(segments)) if text not in known}


exact = st.fixed_dictionaries({
    "tries": st.integers(9, 60), "rows": st.integers(1, 7), "suspects": st.integers(0, 5), "holdout": st.booleans(),
    "held": st.floats(0.011, 0.09), "goal": st.sampled_from(["maximize", "minimize"]),
    "look": st.sampled_from([None, 1, 19]),
})  # fmt: skip
wavering = st.fixed_dictionaries({
    "tries": st.integers(17, 40), "suspects": st.integers(0, 3), "as_a_set": st.booleans(),
    "real": st.floats(0.5, 1.2),
})  # fmt: skip


def made(chosen: dict[str, Any]) -> Night:
    with tempfile.TemporaryDirectory() as folder:
        return (noisy_night if "real" in chosen else night)(Path(folder), **chosen)


@settings(deadline=None, max_examples=25)
@given(exact)
def test_every_number_equals_an_event(chosen: dict[str, Any]) -> None:
    assert strangers(made(chosen)) == set()


@settings(deadline=None, max_examples=5, phases=[Phase.generate])  # a night takes a second, so none is made smaller
@given(wavering)
def test_every_number_of_a_noisy_night_equals_an_event(chosen: dict[str, Any]) -> None:
    assert strangers(made(chosen)) == set()


@settings(deadline=None, max_examples=25)
@given(exact)
def test_kept_and_reverted_make_up_the_tries(chosen: dict[str, Any]) -> None:
    segments = made(chosen)
    experiments = folds.of_kind(segments, "experiment")
    kept = sum(event["status"] == "keep" for event in experiments)
    page = plain_page(segments)
    found = re.search(r"(\d+) reverted: (.*?); (\d+) kept on the way", page)
    assert found
    reasons = {name: int(number) for name, number in re.findall(r"([a-z-]+) (\d+)", found[2])}
    assert reasons == Counter(reason(event) for event in experiments if event["status"] != "keep")
    assert sum(reasons.values()) == int(found[1])
    assert int(found[1]) + int(found[3]) == len(experiments)
    assert int(found[3]) == kept
    assert f"{count(chosen['rows'], 'row')} from {len(experiments)} tries" in page


@settings(deadline=None, max_examples=25)
@given(exact)
def test_the_gains_of_the_rows_add_up(chosen: dict[str, Any]) -> None:
    report = summarise(made(chosen))
    text = body(NIGHT, [report], links([report]))
    adds = [float(found) for found in re.findall(r"^\| \[\d+\]\(.*\| ([+-][\d.e-]+) \|$", text, re.MULTILINE)]
    assert len(adds) == chosen["rows"]
    base, confirmed = re.findall(
        r"^\| (?:search rows|score) \| ([\d.]+) \| [\d.]+ \| \**([\d.]+)\** \|$", text, re.MULTILINE
    )[0]
    gain = (float(confirmed) - float(base)) * (1 if chosen["goal"] == "maximize" else -1)
    assert sum(adds) == pytest.approx(gain, abs=0.5e-4 * (len(adds) + 2)), "each is rounded"


def test_the_control_finds_a_number_that_no_event_holds(tmp_path: Path) -> None:
    segments = night(tmp_path)
    page = plain_page(segments)
    assert strangers(segments) == set()
    tokens = [found for found in NUMBER.finditer(page) if len(found[0]) >= 6]
    assert len(tokens) > 10
    for found in itertools.islice(tokens, 12):
        changed = f"{page[: found.end() - 1]}{(int(page[found.end() - 1]) + 5) % 10}{page[found.end() :]}"
        assert strangers(segments, changed), found[0]
