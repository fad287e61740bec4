"""`autoresearch report TARGET`: what a scoring target's night found, for who has to explain the new weights.

Everything is computed on the accounts of the search, from the night's base commit; the held-out figures are those that
confirm recorded, for looking again would spend a look.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bot import disclosure
from bot.night.folder import write_atomically
from bot.review import charts, page
from bot.review.business import business
from bot.review.inputs import Reviewed, gather
from bot.review.stability import Seeds, over_seeds
from bot.review.worth import worths
from harness.repository import Repository


def review(repository: Repository, target: str, night: str, against: str, out: Path | None) -> str:
    """Writes page.html, its charts and review.json; the path of the page. against: a night to compare with, or "".

    Raises NotFound and ConfigError for what is no scoring target, or a night without this target.
    """
    with gather(repository, target, night) as found:
        weights = worths(found)
        seeds = over_seeds(found)
        earlier = _earlier(repository, target, against) if against else None
        folder = out or repository.state / "review" / f"{target}-{found.night}"
        text = page.text(found, weights, seeds, business(found.base, found.head), earlier)
        files: dict[str, str | bytes] = {
            "convergence.png": charts.convergence(found),
            "worth.png": charts.worth(weights),
            "page.md": text,
            "page.html": page.html(found, text),
            "review.json": json.dumps(_figures(found, weights, seeds), indent=2),
        }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return str(folder / "page.html")


def _earlier(repository: Repository, target: str, night: str) -> Reviewed:
    with gather(repository, target, night) as found:
        return found


def _figures(found: Reviewed, weights: page.Worths, seeds: Seeds) -> dict[str, object]:
    base, head = (disclosure.metrics(found.target, one) for one in (found.base, found.head))
    return {
        "target": found.target.name, "night": found.night, "confirmed": found.confirmed, "base": base, "head": head,
        "worth": [asdict(one) for one in weights], "seeds": asdict(seeds),
        "business": asdict(business(found.base, found.head)),
    }  # fmt: skip
