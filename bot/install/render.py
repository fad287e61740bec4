"""Fills the templates. `<<name>>` is a value, `<<part: name>>` on a line of its own is a block, indented as that line.

Nothing else is known to a template, so that it reads as the workflow that it becomes.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable

import yaml

from bot.config import Config
from bot.install.needs import Needs
from bot.install.options import SOURCE, Options
from harness.target import Target

MOST_PARALLEL = 8

_PART = re.compile(r"^([ ]*)<<part: ([a-z_]+)>>\n", re.MULTILINE)
_VALUE = re.compile(r"<<([a-z_/-]+)>>")


def workflows(needs: Needs, options: Options, config: Config) -> dict[str, str]:
    """File name -> text of every workflow that these targets need."""
    found = {
        name: _filled(name, needs.targets, needs, options, config, "hosted")
        for name in ("commands.yml", "promote.yml", "pull-request.yml", "verdict.yml")
    }
    for name, targets, kind in (
        ("nightly.yml", needs.hosted, "hosted"),
        ("nightly-gpu.yml", needs.self_hosted, "self-hosted"),
    ):
        if targets:
            found[name] = _filled("nightly.yml", targets, needs, options, config, kind)
    return found


def fill(template: str, parts: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The template with its blocks, theirs, and then all values in place. Raises KeyError for an unknown one."""

    def block(found: re.Match[str]) -> str:
        lines = parts[found[2]].splitlines()
        return "".join(f"{found[1]}{line}\n" if line else "\n" for line in lines)

    while _PART.search(template):
        template = _PART.sub(block, template)
    return _VALUE.sub(lambda found: values[found[1]], template)


def _filled(name: str, targets: Sequence[Target], needs: Needs, options: Options, config: Config, kind: str) -> str:
    minutes = needs.minutes(targets)
    values = {
        "kind": kind,
        # A later plan cancels what waits for a machine that never came; that night is still recorded.
        "whatever": "always()" if kind == "self-hosted" else "!cancelled()",
        "also_when": " or no machine took it" if kind == "self-hosted" else "",
        "token": "steps.app.outputs.token" if options.app else "github.token",
        "cron": json.dumps(config.schedule.cron),
        "timezone": json.dumps(config.schedule.timezone),
        "python": options.python,
        "branch": json.dumps(options.branch),
        "max_parallel": str(MOST_PARALLEL),
        "run_minutes": str(minutes.run),
        "confirm_minutes": str(minutes.confirm),
        "run_job_minutes": str(minutes.run_job),
        "confirm_job_minutes": str(minutes.confirm_job),
        **_pins(),
    }
    names = {target.name for target in targets}
    keys, judging = _of(needs.keys, names), _of(needs.judging, names)
    values["secrets"] = _secrets(keys)
    asking = {"keys": _keys(keys), "judging_keys": _keys(judging)}
    parts = {**_parts(kind, options, isolated=needs.isolated), **asking}
    training = [target.name for target in needs.gpt if target.name in names]
    values["training"] = json.dumps(training)
    if not training:
        parts["gpt"] = ""
    return fill(_text(_templates() / name), parts, values)


def _of(keys: Mapping[str, Sequence[str]], names: Collection[str]) -> dict[str, list[str]]:
    """Without the targets of other names, and keys that none is left for."""
    return {key: found for key, all_of in keys.items() if (found := [one for one in all_of if one in names])}


def _secrets(keys: Mapping[str, Sequence[str]]) -> str:
    if not keys:
        return "no secret exists."
    return "no secret but the key of a model,\n  # in the one step that starts the process which holds it."


def _keys(keys: Mapping[str, Sequence[str]]) -> str:
    """Of a step that starts a broker: each key for the targets that ask by it, and for no other."""
    return "".join(
        f"{key}: ${{{{ contains(fromJSON('{json.dumps(names)}'), matrix.target) && secrets.{key} || '' }}}}\n"
        for key, names in keys.items()
    )


def _parts(kind: str, options: Options, *, isolated: bool) -> dict[str, str]:
    folder = _templates() / "parts"
    names = ("checkout", "python", "requirements", "gpt", "source", "sandbox", "bubblewrap")
    found = {name: _text(folder / f"{name}.yml") for name in names}
    for choice in (kind, "app-token" if options.app else "workflow-token"):
        found |= {entry.name.removesuffix(".yml"): _text(entry) for entry in (folder / choice).iterdir()}
    found["bot"] = found["python"] + found["requirements"] + (found["source"] if options.bot == SOURCE else "")
    return found if isolated else found | {"bubblewrap": ""}


@functools.cache
def _pins() -> dict[str, str]:
    listed: dict[str, dict[str, str]] = yaml.safe_load(_text(resources.files(__package__) / "pins.yaml"))
    return {action: f"{action}@{pin['commit']} # {pin['release']}" for action, pin in listed.items()}


def _templates() -> Traversable:
    return resources.files(__package__) / "templates"


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
