"""Whether the tools that a target's proposer starts can be started here, where they will be: in their sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from bot.proposers import command_session
from harness.errors import SandboxError
from harness.target import Target


def names(target: Target) -> tuple[str, ...]:
    """The programs of the proposer `command`, arms of a portfolio included; empty where none is started."""
    return tuple(dict.fromkeys(_names(target)))


def missing(target: Target) -> tuple[str, ...]:
    """What is wrong with each that cannot be started, with the cure; nothing where the sandbox itself does not work,
    which is said elsewhere."""
    try:
        gone = [name for name in names(target) if not command_session.findable(name)]
    except SandboxError:
        return ()
    cure = "install it below /usr or into the bot's own environment, such as npm install -g --prefix .venv PACKAGE"
    return tuple(f"the proposer's tool {name} is not in its sandbox: {cure}" for name in gone)


def _names(target: Target) -> Iterator[str]:
    entries = target.options.get("arms", ()) if target.proposer == "portfolio" else ()
    for kind, options in [(target.proposer, target.options), *((arm["kind"], arm) for arm in entries)]:
        if kind == "command":
            yield str(options["command"][0])
