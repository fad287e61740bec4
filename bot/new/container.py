"""`autoresearch new NAME --container export.json`: a target for a Google Tag Manager container of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from bot import new
from bot.containers import snapshot
from harness.errors import ConfigError, InvalidCandidate, Place
from harness.repository import Repository
from harness.scorers.gtm import Declared, Scored, read, score

MOST_BYTES = 4 * 1024 * 1024
ADS = "ads.json"


def from_container(repository: Repository, name: str, export: Path, business: str, ads: Path | None) -> Iterator[str]:
    """Writes the target, and says what was done, a line each. business: "" where it is to be guessed once, and written
    down. Raises ConfigError, before anything is written, for a name or a file that will not do."""
    new.refuse(repository, name)
    content, snapshots = _content(export), {ADS: _content(ads)} if ads else {}
    try:
        scored = score(read(content, export.name), Declared(business, ads=snapshot(ads)))
    except InvalidCandidate as invalid:
        raise ConfigError(Place(str(export)), invalid.what, why=invalid.why, next_step=invalid.next_step) from None
    written = {"container.json": content, **snapshots}
    for path in new.write(repository, name, {**_templates(_words(name, scored, ads=bool(ads))), **written}):
        yield f"wrote {path}"
    guessed = ", guessed: say in declared.yaml if it is another" if scored.guessed else ""
    yield f"it scores {scored.total:.3f} as the container of a business like this: {scored.business}{guessed}"
    yield f"next: autoresearch check {name}"


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(Place(str(path)), f"cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ConfigError(Place(str(path)), f"is larger than {MOST_BYTES:,} bytes, which no night takes")
    return content


def _words(name: str, scored: Scored, *, ads: bool) -> Mapping[str, str]:
    return {
        "name": name,
        "total": f"{scored.total:.3f}",
        "business": scored.business,
        "guessed": "  # guessed from the events that are sent and heard" if scored.guessed else "",
        "locked": f", {ADS}" if ads else "",
        "ads": f"ads: {ADS}                       # conversions that ads were paid for" if ads
        else f"# ads: {ADS}                     # conversions that ads were paid for: docs/gtm-scorer.md",
        "ads_metric": "  - {name: ads_alignment, goal: maximize, tolerance: 0.01}\n" if ads else "",
    }  # fmt: skip


def _templates(words: Mapping[str, str]) -> dict[str, bytes]:
    folder = resources.files("bot.new") / "templates" / "container"
    found = {}
    for entry in folder.iterdir():
        if entry.is_file():
            text = entry.read_text(encoding="utf-8")
            for key, word in words.items():
                text = text.replace(f"{{{{{key}}}}}", word)
            found[entry.name] = text.encode()
    return dict(sorted(found.items()))
