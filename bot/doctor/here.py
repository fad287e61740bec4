"""What can be told from this checkout alone: remote, targets, workflows, the bot's version, owners, the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from bot import config
from bot.doctor import remote
from bot.doctor.finding import Finding, missing, ok, warning
from bot.doctor.ground import Ground
from bot.pages.wording.text import count
from harness.errors import AutoresearchError, RepositoryError

CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_ADD = "git remote add origin https://github.com/OWNER/NAME.git"


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


def check_owners(ground: Ground) -> Iterator[Finding]:
    """Who is asked to review: `owner:` of each target, else CODEOWNERS."""
    if not ground.targets:
        return
    files = [path for path in CODEOWNERS if ground.text(path) is not None]
    ownerless = [target.name for target in ground.targets if not target.owner]
    told = "\n".join(ground.text(path) or "" for path in files).split()
    teams = sorted({target.owner for target in ground.targets if target.owner and "/" in target.owner} - set(told))
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
    if not ground.targets:
        return
    isolated = [target.name for target in ground.targets if target.isolated]
    if not isolated:
        yield ok("sandbox", "no target runs candidate code")
        return
    from harness.sandbox.selftest import self_test

    try:
        self_test()
    except AutoresearchError as error:
        said = f"{', '.join(isolated)} cannot run on this machine: {error.what}"
        yield missing("sandbox", said + (f" ({error.why})" if error.why else ""), where=error.next_step)
        return
    yield ok("sandbox", f"holds on this machine, for {', '.join(isolated)}")
