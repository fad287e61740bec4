"""Writes seen.json: what a reader gets of the page, as the stylesheet of the last deliberate design shows it.

python record.py            after a change of the design or of the page, by hand: the night never runs this
python record.py --check    whether styles.css still shows what seen.json says
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import evaluate

from harness import browser


def recorded(chromium: browser.Chromium, styles: bytes) -> dict[str, Any]:
    """State -> boxes, types, names, pixels of text and light; `types` holds each kind of type once."""
    site = evaluate.loaded(chromium, styles)
    site.page.evaluate(evaluate.script("seen.js"))
    types: list[str] = []
    found: dict[str, Any] = {}
    for state in evaluate.STATES:
        evaluate.go(site, state)
        told = site.page.evaluate("() => seen.told()")
        evaluate.refuse([*told["problems"], *(p for e in told["elements"] for p in e["problems"])], state)
        types += [kind for kind in dict.fromkeys(e["type"] for e in told["elements"]) if kind not in types]
        ink: list[int | None] = [None] * len(told["elements"])
        light = None
        for screen in evaluate.screens(site, state, bytes(len(evaluate.STATES))):
            light = light or (float(screen.shown.mean() / 255) if screen.whole else None)
            for number, count, contrast in evaluate.inked(screen):
                if contrast >= evaluate.CONTRAST:
                    ink[number] = count
                elif state != "menu":  # which lies over other text
                    raise SystemExit(f"{told['elements'][number]['name']} has a contrast of {contrast:.1f} ({state})")
        found[state] = {
            "boxes": [e["box"] for e in told["elements"]],
            "types": [types.index(e["type"]) for e in told["elements"]],
            "names": [e["name"] for e in told["elements"]],
            "ink": ink,
            "light": light,
            "height": site.page.evaluate("() => seen.height()"),
        }
    return {"types": types, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description="Records what a reader gets of the page.")
    parser.add_argument("--check", action="store_true", help="compare with seen.json instead of writing it")
    check = parser.parse_args().check
    styles = (evaluate.HERE / "styles.css").read_bytes()
    with browser.sandboxed() as chromium, chromium.within(300):
        if check:
            evaluate.look(chromium, styles, json.loads(evaluate.SEEN.read_text(encoding="utf-8")))
        else:
            text = json.dumps(recorded(chromium, styles), separators=(",", ":"))
            evaluate.SEEN.write_text(
                text.replace('"boxes"', '\n"boxes"').replace('"names"', '\n"names"') + "\n", "utf-8"
            )


if __name__ == "__main__":
    main()
