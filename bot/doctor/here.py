"""What can be told from this checkout alone: remote, targets, workflows, the bot's version, owners, the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot import config
from bot.doctor import remote
from bot.doctor.finding import Finding, missing, ok, warning
from bot.doctor.ground import Ground, self_hosted
from bot.pages.text import count
from harness import __version__
from harness.errors import AutoresearchError, RepositoryError

CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
LOCK_FILE = ".github/autoresearch-requirements.txt"
NIGHTLY = ".github/workflows/nightly.yml"
_ADD = "git remote add origin https://github.com/OWNER/NAME.git"
_PINNED = re.compile(r"^autoresearch-bot(?:\[[^\]]*\])?\s*==\s*(?P<version>[^\s;\\]+)", re.MULTILINE)


def check_remote(ground: Ground) -> Iterator[Finding]:
    try:
        address = ground.repository.git("remote", "get-url", "origin").decode().strip()
    except RepositoryError:
        yield missing("remote", "there is no remote called origin: nothing can reach GitHub", commands=(_ADD,))
        return
    found = remote.parse(address)
    if found.password:
        yield warning(
            "remote",
            "the remote's address holds a token, which lies in .git/config in plain text",
            commands=(
                f"git remote set-url origin {ground.server}/{found.slug or 'OWNER/NAME'}.git",
                "gh auth setup-git",
            ),
        )
    if not found.slug or found.host != ground.server.partition("://")[2].lower():
        yield missing(
            "remote",
            f"origin is {found.host or 'a folder'}, not {ground.server}; for GitHub Enterprise set GITHUB_SERVER_URL",
            commands=("git remote set-url origin https://github.com/OWNER/NAME.git",),
        )
    elif ground.slug.lower() != found.slug.lower():
        yield missing(
            "remote",
            f"origin is {found.slug}, but GITHUB_REPOSITORY says {ground.slug}",
            commands=("git remote set-url origin " + f"{ground.server}/{ground.slug}.git",),
        )
    else:
        yield ok("remote", f"origin is {found.slug}")


def check_targets(ground: Ground) -> Iterator[Finding]:
    try:
        found = config.load_targets(ground.source)
    except AutoresearchError as error:
        first = str(error).splitlines()[0]
        yield missing("targets", f"they do not load: {first}", commands=("autoresearch check",))
        return
    yield ok("targets", f"{count(len(found), 'target')}: {', '.join(one.name for one in found)}")


def check_lock(ground: Ground) -> Iterator[Finding]:
    """The version that the workflows install, against the one that speaks here."""
    text = ground.text(LOCK_FILE)
    pinned = _PINNED.search(text or "")
    again = ("autoresearch install",)
    if text is None:
        yield missing("version", f"{LOCK_FILE} is absent: the jobs would have nothing to install", commands=again)
    elif pinned and pinned["version"] != __version__:
        said = f"the workflows run version {pinned['version']}, this is {__version__}: scores carry different locks"
        yield warning("version", said, commands=again)
    else:
        yield ok(
            "version", f"{__version__}, here and in {LOCK_FILE}" if pinned else f"{__version__}, from the checkout"
        )


def check_owners(ground: Ground) -> Iterator[Finding]:
    """Who is asked to review: `owner:` of each target, else CODEOWNERS."""
    files = [path for path in CODEOWNERS if ground.text(path) is not None]
    ownerless = [target.name for target in ground.targets if not target.owner]
    teams = sorted({target.owner for target in ground.targets if target.owner and "/" in target.owner})
    if teams:
        yield warning(
            "owners",
            f"{', '.join(teams)}: GITHUB_TOKEN cannot ask a team to review; CODEOWNERS does, or a GitHub App",
            lines=tuple(f"/{target.file} {target.owner}" for target in ground.targets if target.owner in teams),
        )
    if ownerless and not files:
        yield warning(
            "owners",
            f"nobody is asked to review {', '.join(ownerless)}",
            lines=('owner: "@YOUR-NAME"   # in target.yaml',),
        )
    elif not teams:
        yield ok("owners", files[0] if files else "every target names its owner")


def check_sandbox(ground: Ground) -> Iterator[Finding]:
    """On this machine. Workflows prepare hosted machines by themselves."""
    isolated = [target.name for target in ground.targets if target.isolated]
    if not isolated:
        yield ok("sandbox", "no target runs candidate code")
        return
    from harness.sandbox.selftest import self_test

    try:
        self_test()
    except AutoresearchError as error:
        for_whom = f"{', '.join(isolated)} cannot run on this machine: {error.what}"
        why = f" ({error.why})" if error.why else ""
        yield missing("sandbox", for_whom + why, commands=(error.next_step,) if _is_command(error.next_step) else (),
                      where="" if _is_command(error.next_step) else error.next_step)  # fmt: skip
        return
    yield ok("sandbox", f"holds on this machine, for {', '.join(isolated)}")


def check_workflows(ground: Ground) -> Iterator[Finding]:
    if ground.text(NIGHTLY) is None:
        yield missing(
            "workflows", f"{NIGHTLY} is absent: no night starts by itself", commands=("autoresearch install",)
        )
        return
    from bot.doctor.installed import drifted

    changed = drifted(ground.repository)
    if changed:
        said = f"not as `autoresearch install` writes them: {', '.join(changed)}"
        yield missing("workflows", said, commands=("autoresearch install --check", "autoresearch install"))
        return
    hosts = "GitHub's and your own machines" if any(map(self_hosted, ground.targets)) else "GitHub's machines"
    yield ok("workflows", f"as `autoresearch install` writes them, for {hosts}")


def _is_command(step: str) -> bool:
    return step.startswith(("sudo ", "apt", "chmod ", "unshare "))
