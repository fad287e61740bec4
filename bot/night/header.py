"""What every segment of a target says first."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict
from typing import Any

import harness
from bot.night.folder import Night, TargetPlan
from bot.proposers.portfolio import arms_of
from harness import device, folds
from harness.target import Noise, Target


def header_fields(night: Night, target: Target, plan: TargetPlan, harness_hash: str) -> dict[str, Any]:
    """What every segment of a target says first."""
    return {
        "target": target.name,
        "night": night.name,
        "base": night.plan.base,
        "file": target.file,
        "lock": plan.lock,
        "harness": harness_hash,
        "signal": target.signal,
        "sample": target.sample,
        "unit": target.confirm.unit,
        "owner": target.owner,
        "proposer": target.proposer,
        "seed": plan.seed,
        "usd": plan.usd,
        "planned": plan.experiments,
        "version": harness.__version__,
        "machine": machine(target),
        "at": int(time.time()),
        "noise": _noise(target.noise),
        **folds.rule_fields(target.rule),
        **({"private": True} if target.private else {}),
        **({"arms": list(arms_of(target))} if target.proposer == "portfolio" else {}),
    }


def _noise(noise: Noise | None) -> dict[str, Any] | None:
    """Without a screen where there is none: what was recorded before there were any says nothing of it either."""
    return {key: value for key, value in asdict(noise).items() if value is not None} if noise else None


def machine(target: Target) -> dict[str, str]:
    """The kind of machine that this is, the run of the workflow that it works for, and the card, if the target needs
    one: figures of two kinds of cards are never compared."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    kind = {"system": platform.platform(), "python": platform.python_version(), "cpu": platform.machine()}
    card = {"device": device.name()} if target.evaluate.gpu else {}
    return {**kind, **card, "run": run} if run.isdecimal() else {**kind, **card}
