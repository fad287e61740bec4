"""A program called nvidia-smi that answers as the real one: queries as CSV, an unknown field by an error, in a loop."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

H200: Mapping[str, str] = {
    "index": "0", "name": "NVIDIA H200", "driver_version": "570.86.15", "pci.bus_id": "00000000:19:00.0",
    "memory.total": "143771", "memory.free": "143139", "memory.used": "632", "clocks.sm": "345",
    "clocks.max.sm": "1980", "temperature.gpu": "31", "power.draw": "76.31", "utilization.gpu": "0",
    "mig.mode.current": "Disabled", "clocks_event_reasons.active": "0x0000000000000001",
}  # fmt: skip
_PROGRAM = """#!{python}
import json, sys, time
told = json.load(open({told!r}))
words = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
if told["fails"]:
    print(told["fails"])
    sys.exit(9)
if "query-compute-apps" in words:
    for app in told["apps"]:
        print(app)
    sys.exit()
fields = words["query-gpu"].split(",")
for number in range(1_000_000):
    for card in told["cards"]:
        if "id" in words and words["id"] != card["index"]:
            continue
        if unknown := [one for one in fields if one not in card]:
            print(f'Field "{{unknown[0]}}" is not a valid field to query.')
            sys.exit(2)
        cells = [card[one] for one in fields]
        print(", ".join(cell.split("|")[min(number, cell.count("|"))] for cell in cells), flush=True)
    if "loop-ms" not in words:
        break
    time.sleep(int(words["loop-ms"]) / 1000)
"""


@dataclass
class Smi:
    """folder: where the program lies, for PATH. A cell `a|b` of a card is a at the first look of a loop, then b."""

    folder: Path
    cards: list[Mapping[str, str]] = field(default_factory=lambda: [dict(H200)])
    apps: list[str] = field(default_factory=list)
    fails: str = ""

    def install(self) -> None:
        told = self.folder / "told.json"
        told.write_text(json.dumps({"cards": self.cards, "apps": self.apps, "fails": self.fails}))
        program = self.folder / "nvidia-smi"
        program.write_text(_PROGRAM.format(python=sys.executable, told=str(told)))
        program.chmod(0o755)

    def says(self, **changed: str) -> None:
        """Changes cells of the first card; a dot in a field's name is written as two underscores."""
        self.cards[0] = {**self.cards[0], **{name.replace("__", "."): value for name, value in changed.items()}}
        self.install()


def on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Smi:
    folder.mkdir(exist_ok=True)
    found = Smi(folder)
    found.install()
    monkeypatch.setenv("PATH", f"{folder}:/usr/local/bin:/usr/bin:/bin")
    return found
