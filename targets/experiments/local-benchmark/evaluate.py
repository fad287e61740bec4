"""Measures stylesheets of local-benchmark in a real Chromium, and refuses those that do not show the page. Locked.

A stylesheet runs no script and sees no clock. What it costs is read from outside: the processor time of all processes
of the browser, from the kernel. What it shows is looked at twice, in every state that is measured: by what the browser
computed for each element (scripts/seen.js), and by the pixels that change when all text is made transparent.
README.md says what is measured and what is looked at.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import browser, evaluator
from harness.browser import Chromium, Resource, Site, Stopped

HERE = Path(__file__).parent
SHEETS = ("vendor/helpers.css", "vendor/icons.css")
SEEN = HERE / "seen.json"
MOST_BYTES = 64 * 1024
SECONDS = 10.0  # for one measurement, SECONDS * LOOKS for one look
LOOKS = 6
WIDTH, HEIGHT, HEADER = 1280, 720, 76  # pixels
STATES = ("start", "menu", "filtered", "all", "low", "evening")
FRAMES = 1
PLACE, SIZE = 12.0, 0.1  # how far a box may move or grow: pixels; share of its width, and PLACE at least
CONTRAST, INK = 4.5, (0.5, 1.8)  # of text, and how much of it there may be against the base
LIGHT = 0.15  # how much lighter or darker a state may look, of 1
CHANGED = 24  # of 255: less is no change of a pixel
DARKEST = 0.98  # of the pixels of a text, in order of contrast: the strokes and not their blurred edges
# Nothing that a stylesheet names is loaded but the page's own sheets, whatever the rules below let through.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"

Pixels = NDArray[np.uint8]


class Refused(Exception):
    """The page is not what a reader must get: what is wrong, and where."""


@dataclass(frozen=True)
class Screen:
    """One screenful: its pixels, the same without text, and where the text of which element stands."""

    shown: Pixels
    bare: Pixels
    text: Sequence[Sequence[float]]
    whole: bool


def resources(styles: bytes) -> dict[str, Resource]:
    """All that the page may ask for, by path."""
    page = (HERE / "page" / "index.html").read_bytes()
    found = {"/": Resource(page, "text/html; charset=utf-8", {"Content-Security-Policy": POLICY})}
    sheets = {"styles.css": styles} | {name: (HERE / "page" / name).read_bytes() for name in SHEETS}
    return found | {f"/{name}": Resource(sheet, "text/css; charset=utf-8") for name, sheet in sheets.items()}


@functools.cache
def script(name: str) -> str:
    return (HERE / "scripts" / name).read_text(encoding="utf-8")


def loaded(chromium: Chromium, styles: bytes) -> Site:
    """The page in the state `start`."""
    site = chromium.open(resources(styles), width=WIDTH, height=HEIGHT)
    begin(site)
    return site


def begin(site: Site) -> None:
    site.page.goto(f"{site.origin}/", wait_until="load")
    site.page.evaluate(script("drive.js"))
    go(site, "start")


def go(site: Site, state: str) -> None:
    site.page.evaluate("([state, frames]) => drive.go(state, frames)", [state, FRAMES])


# --- what it costs ---


def measured(chromium: Chromium, styles: bytes) -> evaluator.Scores:
    """One load and one walk through the states. Milliseconds of processor time; layout_ms of it in style and layout."""
    site = chromium.open(resources(styles), width=WIDTH, height=HEIGHT)
    site.developer.send("Performance.enable", {"timeDomain": "threadTicks"})
    at_rest = chromium.clocks()
    begin(site)
    chromium.quieten()  # what is painted ahead belongs to it
    at_load = chromium.clocks()
    for state in STATES[1:]:
        go(site, state)
    chromium.quieten()
    at_end = chromium.clocks()
    counts = {entry["name"]: entry["value"] for entry in site.developer.send("Performance.getMetrics")["metrics"]}
    load, interaction = (1000 * browser.spent(*pair) for pair in ((at_rest, at_load), (at_load, at_end)))
    layout = 1000 * (counts["LayoutDuration"] + counts["RecalcStyleDuration"])
    times = {"total_ms": load + interaction, "load_ms": load, "layout_ms": layout, "interaction_ms": interaction}
    parts = {"layouts": counts["LayoutCount"], "recalculations": counts["RecalcStyleCount"]}
    return evaluator.Scores(times, parts)


# --- what is seen ---


def look(chromium: Chromium, styles: bytes, expected: Mapping[str, Any]) -> None:
    """Walks through the states as `measured` does. Raises Refused."""
    site = loaded(chromium, styles)
    site.page.evaluate(script("seen.js"))
    refuse(forbidden(site), "styles.css")
    chosen = hashlib.sha256(styles).digest()
    for state in STATES:
        go(site, state)
        refuse([f"asks for {url}" for url in site.refused], state)
        told = site.page.evaluate("() => seen.told()")
        refuse(unwanted(told), state)
        refuse(list(displaced(told["elements"], expected[state], expected["types"])), state)
        refuse(list(stretched(site, expected[state])), state)
        for screen in screens(site, state, chosen):
            refuse(list(unreadable(screen, expected[state])), state)
            refuse(list(otherwise_lit(screen, expected[state])), state)


def forbidden(site: Site) -> list[str]:
    """What no stylesheet for this page may say, whether it is used or not."""
    found: list[str] = site.page.evaluate("sheets => seen.rules(sheets)", list(SHEETS))
    return found


def unwanted(told: Mapping[str, Any]) -> list[str]:
    """What is there and should not be: text that moves, text that is not the page's, what nobody asked to see."""
    found: list[str] = told["problems"]
    return found


def screens(site: Site, state: str, chosen: bytes) -> Iterator[Screen]:
    """The whole page where it is new in this state. On a screen as high as that it could look otherwise: so the screens
    that are measured too, and two that no stylesheet can know before (by `chosen`, its hash)."""
    height, now = site.page.evaluate("() => [seen.height(), scrollY]")
    if state in {"start", "filtered", "evening"}:
        yield taken(site, 0, height)
    if state in {"start", "evening"}:
        yield taken(site, chosen[STATES.index(state)] * max(0, height - HEIGHT) // 255)
    if state not in {"filtered", "all"}:
        yield taken(site, now)


def refuse(problems: Sequence[str], where: str) -> None:
    if problems:
        raise Refused(f"{problems[0]} ({where})" + (f", and {len(problems) - 1} more" if len(problems) > 1 else ""))


def displaced(elements: Sequence[Mapping[str, Any]], state: Mapping[str, Any], types: Sequence[str]) -> Iterator[str]:
    """What the browser computed, held against the base's."""
    if len(elements) != len(state["boxes"]):
        yield f"{len(elements)} elements with text, {len(state['boxes'])} expected"
        return
    for told, box, kind in zip(elements, state["boxes"], state["types"], strict=True):
        yield from (f"{told['name']} {problem}" for problem in told["problems"])
        moved = max(abs(now - then) for now, then in zip(told["box"][:2], box[:2], strict=True))
        if moved > PLACE:
            yield f"{told['name']} is {moved:.0f} pixels from its place"
        grown = [abs(now - then) > max(PLACE, SIZE * then) for now, then in zip(told["box"][2:], box[2:], strict=True)]
        if any(grown):
            width, height = told["box"][2:]
            yield f"{told['name']} is {width:.0f} x {height:.0f} pixels, {box[2]:.0f} x {box[3]:.0f} expected"
        if told["type"] != types[kind]:
            yield f"{told['name']} has other type: {difference(told['type'], types[kind])}"


def stretched(site: Site, state: Mapping[str, Any]) -> Iterator[str]:
    height = site.page.evaluate("() => seen.height()")
    if abs(height - state["height"]) > SIZE * state["height"]:
        yield f"the page is {height} pixels high, {state['height']} expected"


def difference(now: str, then: str) -> str:
    changed = [(a, b) for a, b in zip(now.split("|"), then.split("|"), strict=False) if a != b]
    return ", ".join(f"{a} for {b}" for a, b in changed[:2])


def taken(site: Site, top: int, height: int = 0) -> Screen:
    """What is shown so far down, and once more with all text transparent. height: of all that is shown, in pixels."""
    site.page.evaluate("top => seen.at(top)", top)
    shown = site.pixels(height)
    text = site.page.evaluate("([header, height]) => seen.text(header, height)", [HEADER, height or HEIGHT])
    site.page.evaluate("() => seen.hide(true)")
    bare = site.pixels(height)
    site.page.evaluate("() => seen.hide(false)")
    return Screen(shown, bare, text, whole=bool(height))


def unreadable(screen: Screen, state: Mapping[str, Any]) -> Iterator[str]:
    """Which text leaves no pixels, or pixels that stand out too little."""
    for number, count, contrast in inked(screen):
        expected = state["ink"][number]
        if expected is None:
            continue
        label = state["names"][number]
        if not INK[0] * expected <= count <= INK[1] * expected + 8:
            yield f"{label} paints {count} pixels of text, {expected} expected"
        elif contrast < CONTRAST:
            yield f"{label} has a contrast of {contrast:.1f}, {CONTRAST} is needed"


def inked(screen: Screen) -> Iterator[tuple[int, int, float]]:
    """Per element with text on the screen: its number, its pixels of text, their contrast with what lies behind."""
    for number, *edges in screen.text:
        ratios = [contrasts(*changed(screen, *map(int, edge))) for edge in np.reshape(edges, (-1, 4))]
        found = np.concatenate(ratios)
        yield int(number), found.size, float(np.quantile(found, DARKEST)) if found.size else 1.0


def changed(screen: Screen, left: int, top: int, right: int, bottom: int) -> tuple[Pixels, Pixels]:
    """The pixels of a rectangle that text makes other: as shown, and bare."""
    place = slice(top, bottom + 1), slice(left, right + 1)
    shown, bare = screen.shown[place], screen.bare[place]
    other = np.abs(shown.astype(np.int16) - bare).max(axis=2) > CHANGED
    return shown[other], bare[other]


def contrasts(front: Pixels, back: Pixels) -> NDArray[np.float64]:
    """WCAG 2's contrast, pixel by pixel."""
    one, other = luminance(front), luminance(back)
    ratio: NDArray[np.float64] = (np.maximum(one, other) + 0.05) / (np.minimum(one, other) + 0.05)
    return ratio


def luminance(pixels: Pixels) -> NDArray[np.float64]:
    share = pixels / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return light


def otherwise_lit(screen: Screen, state: Mapping[str, Any]) -> Iterator[str]:
    if not screen.whole:
        return
    light = float(screen.shown.mean() / 255)
    if abs(light - state["light"]) > LIGHT:
        yield f"the page is {light:.2f} light, {state['light']:.2f} expected"


# --- the evaluator ---


class Judge:
    """Looks at each stylesheet once, measures it whenever it is asked for."""

    def __init__(self, chromium: Chromium, expected: Mapping[str, Any]) -> None:
        self._chromium, self._expected = chromium, expected
        self._looked: dict[bytes, str] = {}

    def score(self, request: evaluator.Request) -> list[evaluator.Scores | evaluator.Crash]:
        return [self._one(item.path.read_bytes()) for item in request.items]

    def _one(self, styles: bytes) -> evaluator.Scores | evaluator.Crash:
        try:
            with self._chromium.within(SECONDS):
                found = measured(self._chromium, styles) if len(styles) <= MOST_BYTES else None
            why = self._verdict(styles)
        except Stopped as stopped:
            return evaluator.Crash(str(stopped))
        return evaluator.Crash(why) if why or found is None else found

    def _verdict(self, styles: bytes) -> str:
        digest = hashlib.sha256(styles).digest()
        if digest not in self._looked:
            self._looked[digest] = self._look(styles)
        return self._looked[digest]

    def _look(self, styles: bytes) -> str:
        if len(styles) > MOST_BYTES:
            return f"the stylesheet has {len(styles):,} bytes, {MOST_BYTES:,} at most"
        try:
            with self._chromium.within(SECONDS * LOOKS):
                look(self._chromium, styles, self._expected)
        except Refused as refused:
            return str(refused)
        return ""


def main() -> None:
    expected = json.loads(SEEN.read_text(encoding="utf-8"))
    with browser.sandboxed() as chromium:
        evaluator.serve(Judge(chromium, expected).score)


if __name__ == "__main__":
    main()
