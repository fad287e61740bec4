"""Reads target.yaml into a Target: paths, scoring, space, each checked in a file of its own."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from harness import space
from harness.configfile import ConfigFile
from harness.documents import SPLICED_SUFFIXES, is_data
from harness.repository import Source
from harness.target import Budget, Confirm, Target, seconds
from harness.targetfile.paths import Paths
from harness.targetfile.scoring import Scoring
from harness.targetfile.spacecheck import SpaceCheck


def build(source: Source, folder: str, config: ConfigFile, defaults: Mapping[str, Any]) -> Target:
    """The target that a valid target.yaml declares. Raises ConfigError."""
    data = _with_defaults(config.data, defaults)
    paths = Paths(source.modes(), folder, config, data, source.label)
    scoring = Scoring(config, data)
    file = paths.existing("/file", data["file"])
    program = paths.existing("/program", data["program"]) if "program" in data else None
    metrics = scoring.metrics()
    hidden = paths.hidden()
    locked = paths.locked(file, program, hidden, metrics)
    target = Target(
        name=data["name"],
        folder=folder,
        file=file,
        program=program,
        space=space.from_config(data.get("space", {})),
        evaluate=paths.evaluate(locked, file),
        locked=locked,
        hidden=hidden,
        signal=data.get("signal", ""),
        rule=scoring.rule(metrics),
        sample=data.get("sample") == "rows",
        confirm=_confirm(config, data, file),
        proposer=data.get("proposer", {}).get("kind", "perturb"),
        budget=_budget(data),
        isolated=_isolated(config, data, file),
        owner=data.get("owner"),
    )
    SpaceCheck(config, data.get("space", {})).check(target, source.read([file])[file])
    return target


def _with_defaults(own: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the repository says for all its targets, under what this one says itself."""
    merged = {**defaults, **own}
    for key, value in defaults.items():
        if isinstance(value, dict):
            merged[key] = {**value, **own.get(key, {})}
    return merged


def _isolated(config: ConfigFile, data: Mapping[str, Any], file: str) -> bool:
    isolated: bool = data.get("isolation", "none" if is_data(file) else "required") == "required"
    if not is_data(file) and not isolated:
        raise config.error("/isolation", f"{file} is code: its candidates run in a sandbox or not at all")
    return isolated


def _confirm(config: ConfigFile, data: Mapping[str, Any], file: str) -> Confirm:
    entry = data.get("confirm", {})
    spliced = posixpath.splitext(file)[1].lower() in SPLICED_SUFFIXES
    unit = entry.get("unit", "leaf" if spliced else "hunk")
    if unit == "leaf" and not spliced:
        raise config.error(
            "/confirm/unit", f"leaves are found in YAML and JSON, and {file} is neither", next_step="unit: hunk"
        )
    return Confirm(seconds(entry.get("budget", "20m")), entry.get("groups", 12), unit)


def _budget(data: Mapping[str, Any]) -> Budget:
    entry = data.get("budget", {})
    wall = seconds(entry["wall_clock"]) if "wall_clock" in entry else None
    return Budget(entry.get("experiments", 2000), wall, float(entry.get("usd", 0)), entry.get("plateau"))
