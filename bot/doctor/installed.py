"""The workflows in the checkout, held against what `autoresearch install` would write."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from bot import install
from bot.doctor.finding import Finding, missing, ok, unknown, warning
from bot.doctor.ground import Ground
from bot.install import Installation
from bot.install.options import DISTRIBUTION, LOCK_FILE, remembered
from harness import __version__

NIGHTS = (".github/workflows/nightly.yml", ".github/workflows/nightly-gpu.yml")
_AGAIN = ("autoresearch install",)
_OURS = f"{DISTRIBUTION}=="


@functools.lru_cache(maxsize=1)
def _made(ground: Ground) -> Installation:
    return install.plan(ground.repository, {}, check=True)


def check_workflows(ground: Ground) -> Iterator[Finding]:
    if all(ground.text(path) is None for path in NIGHTS):
        yield missing("workflows", f"{NIGHTS[0]} is absent: no night starts by itself", commands=_AGAIN)
        return
    if not ground.targets:
        yield unknown("workflows", "they follow from the targets, which do not load", where="cure those first")
        return
    drifted = _made(ground).drifted
    ours = [change.path for change in drifted if not change.kept]
    theirs = [change.path for change in drifted if change.kept]
    if ours:
        said = f"not as `autoresearch install` writes them: {', '.join(ours)}"
        yield missing("workflows", said, commands=("autoresearch install --check", *_AGAIN))
    if theirs:
        said = f"changed by hand, so that no update reaches them: {', '.join(theirs)}"
        yield warning("workflows", said, commands=("autoresearch install --check", "autoresearch install --force"))
    if not drifted:
        yield ok("workflows", "as `autoresearch install` writes them")


def check_version(ground: Ground) -> Iterator[Finding]:
    """The version that the workflows install, against the one that speaks here."""
    text = ground.text(LOCK_FILE)
    if text is None:
        yield missing("version", f"{LOCK_FILE} is absent: the jobs would have nothing to install", commands=_AGAIN)
        return
    pinned = next((line.partition("==")[2].split()[0] for line in text.splitlines() if line.startswith(_OURS)), "")
    if pinned and pinned != __version__:
        said = f"the workflows run version {pinned}, this is {__version__}: their scores carry different locks"
        yield warning("version", said, commands=("autoresearch install --upgrade",))
    else:
        yield ok(
            "version", f"{__version__}, here and in the workflows" if pinned else f"{__version__}, from its source"
        )


def app(ground: Ground) -> bool:
    """Whether the workflows write as a GitHub App."""
    return remembered(ground.repository.root).get("app") == "yes"


def first_night(ground: Ground) -> str:
    """The command that begins a first small night."""
    return _made(ground).first
