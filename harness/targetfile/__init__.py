"""Reads target.yaml into a Target: paths, scoring, proposer, space, each checked in a file of its own."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from harness import configfile, screening
from harness.configfile import ConfigFile, Faults
from harness.documents import SPLICED_SUFFIXES, is_data
from harness.errors import NotFound
from harness.repository import Source
from harness.target import HOSTED_RUNNER, TARGET_FILE, Budget, Confirm, Longer, Noise, Screen, Target, seconds
from harness.targetfile import needs
from harness.targetfile.bounds import Bounds
from harness.targetfile.paths import Paths
from harness.targetfile.proposing import Proposing
from harness.targetfile.scoring import Scoring
from harness.targetfile.spacecheck import SpaceCheck


def load(source: Source, folder: str, defaults: ConfigFile | None = None) -> Target:
    """The target in a folder of `source`. Raises ConfigError(s), NotFound."""
    where = posixpath.join(folder, TARGET_FILE)
    if where not in source.modes():
        raise NotFound(f"{where} is not in {source.label}", next_step="autoresearch new NAME writes one")
    config = configfile.load(source, where, "target").under(defaults)
    return build(source, folder, config)


def build(source: Source, folder: str, config: ConfigFile) -> Target:
    """The target that a valid target.yaml declares. Raises ConfigErrors with all that is wrong."""
    data, scoring = config.data, Scoring(config)
    paths = Paths(source.modes(), folder, config, source.label)
    with Faults() as faults:
        with faults.part():
            file = paths.file()
        with faults.part():
            program = paths.program()
        with faults.part():
            proposing = Proposing(config, paths)
            options = proposing.options()
            catalogue, catalogues = proposing.catalogue(), proposing.catalogues()
        with faults.part():
            hidden = paths.hidden()
        with faults.part():
            metrics = scoring.metrics()
            rule = scoring.rule(metrics)
    with Faults() as faults:
        with faults.part():
            locked = paths.locked(file, {program, *catalogues}, hidden, metrics)
            evaluate = paths.evaluate(locked, hidden, file)
            evaluate = replace(evaluate, model=needs.model(config), gpu=needs.gpu(config))
        with faults.part():
            bounds, policy = Bounds(config, paths).read(source, file, {program, *catalogues, *hidden})
        with faults.part():
            confirm = _confirm(config, file)
        with faults.part():
            noise = _noise(config)
        with faults.part():
            isolated = _isolated(config, file)
        with faults.part():
            space = SpaceCheck(config, file, source.read([file])[file]).space()
    return Target(
        name=data["name"],
        folder=folder,
        file=file,
        program=program,
        space=space,
        evaluate=evaluate,
        locked=tuple(sorted({*locked, *bounds})),
        hidden=hidden,
        signal=data.get("signal", ""),
        rule=rule,
        sample=data.get("sample") == "rows",
        noise=noise,
        confirm=confirm,
        proposer=proposing.kind or ("perturb" if _spliced(file) else ""),
        options=options,
        catalogue=catalogue,
        budget=_budget(config),
        isolated=isolated,
        owner=data.get("owner"),
        private=data.get("data", {}).get("private", False),
        policy=policy,
        publish=tuple(data.get("publish", ())),
        runner=_runner(data.get("runner", HOSTED_RUNNER)),
        places={key: config.place(f"/{key}") for key in ("name", "file", "proposer", "budget", "evaluate/model")},
    )


def _isolated(config: ConfigFile, file: str) -> bool:
    isolated: bool = config.data.get("isolation", "none" if is_data(file) else "required") == "required"
    if not is_data(file) and not isolated:
        what = f"{file} is code: its candidates run in a sandbox or not at all"
        raise config.error("/isolation", what, next_step="isolation: required")
    return isolated


def _confirm(config: ConfigFile, file: str) -> Confirm:
    entry = config.data.get("confirm", {})
    spliced = _spliced(file)
    unit = entry.get("unit", "leaf" if spliced else "hunk")
    if unit in {"leaf", "operation"} and not spliced:
        told = {"leaf": "leaves are found", "operation": "operations are told apart"}[unit]
        what = f"{told} in YAML and JSON, and {file} is neither"
        raise config.error("/confirm/unit", what, next_step=f"unit: hunk, for {config.data['name']}")
    return Confirm(seconds(entry.get("budget", "20m")), entry.get("groups", 12), unit, _longer(config))


def _longer(config: ConfigFile) -> Longer | None:
    entry = config.data.get("confirm", {}).get("longer")
    if entry is None:
        return None
    if config.data.get("noise") is None:
        what = "a gain at a longer budget is measured in pairs, which only a target with noise has"
        raise config.error("/confirm/longer", what, next_step="declare noise: {}, or leave confirm.longer out")
    return Longer(float(entry.get("times", 2)), entry.get("pairs", 5))


def _noise(config: ConfigFile) -> Noise | None:
    entry = config.data.get("noise")
    if entry is None:
        return None
    if config.data.get("sample") == "rows":
        what = "a noisy score over a finite sample of rows is not available yet"
        raise config.error("/noise", what, next_step="sample: rows for a deterministic score, noise for any other")
    if config.data.get("keep", {}).get("rule") == "pareto":
        what = "no metric worse cannot be shown of metrics that vary, and pareto with noise is not available yet"
        raise config.error("/keep/rule", what, next_step="rule: every, with a tolerance for each metric")
    usual = entry.get("alpha", 0.05), entry.get("max_pairs", 80), entry.get("calibration", 20)
    return Noise(*usual, _screen(config) if "screen" in entry else None)


def _screen(config: ConfigFile) -> Screen:
    entry, rule = config.data["noise"]["screen"], config.data.get("keep", {}).get("rule", "primary")
    if rule not in screening.RULES:
        what = f"it sees the primary metric alone; the rule {rule} decides by more"
        raise config.error("/noise/screen", what, next_step="rule: primary or every, or no screen")
    return Screen(float(entry.get("share", 0.25)), float(entry.get("behind", 0)))


def _budget(config: ConfigFile) -> Budget:
    entry = config.data.get("budget", {})
    wall = seconds(entry["wall_clock"]) if "wall_clock" in entry else None
    usual = 2000 if config.data.get("noise") is None else 100
    return Budget(entry.get("experiments", usual), wall, float(entry.get("usd", 0)), entry.get("plateau"))


def _runner(labels: str | list[str]) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(labels)


def _spliced(file: str) -> bool:
    """Whether values of this file can be changed one by one."""
    return posixpath.splitext(file)[1].lower() in SPLICED_SUFFIXES
