"""`setup`: makes what is too large to commit, before any key or candidate exists, and holds it against data.lock.

A setup runs with the network and without secrets, in a scratch checkout of what is locked, hidden data left out. What
it writes below prepared/ is kept under the name of its data.lock, so that one run serves every night.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from bot import config
from harness import prepared
from harness.discretion import NOT_KEPT
from harness.errors import ConfigError, EvaluatorError, IntegrityError, Place
from harness.measure import command, environment
from harness.prepared import FOLDER, LOCK_FILE, Kept, Manifest
from harness.process import MIB, Finished, printable, run_bounded
from harness.repository import CommitSource, Repository, WorkingSource
from harness.target import Target
from harness.view import overwrite, remove, write

SECONDS = 1800.0
OUTPUT = 64 * MIB
DOWNLOADS = "AUTORESEARCH_DOWNLOADS"  # names a folder that outlives the run, which the setup makes itself
PRIVATE_DATA, PRIVATE_RECORD = "AUTORESEARCH_PRIVATE_DATA", ".autoresearch-private"


# What a program needs to reach the network, and pip its packages, as this machine is configured.
_NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "PIP_CERT", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS",
)  # fmt: skip

Say = Callable[[str], None]


def tell(line: str) -> None:
    """One line of progress: on standard error, even where a night is quiet, because a setup can take minutes."""
    click.echo(line, err=True)


def prepare_named(repository: Repository, names: Sequence[str], revision: str = "") -> None:
    """As `prepare`, for targets by name (none: all), as a commit declares them; "" is the working tree."""
    source = _source(repository, revision)
    prepare(source, config.load_targets(source, names))


def set_up_named(repository: Repository, names: Sequence[str], revision: str, *, anew: bool) -> Iterator[str]:
    """As `set_up`, likewise: one line a target."""
    source = _source(repository, revision)
    for target in config.load_targets(source, names):
        yield set_up(source, target, anew=anew)


def _source(repository: Repository, revision: str) -> Kept:
    return CommitSource(repository, repository.commit(revision)) if revision else WorkingSource(repository)


def prepare(source: Kept, targets: Sequence[Target], say: Say = tell) -> None:
    """Makes what the setups of these targets make, where it is not kept already. Needs the network only then.

    Raises ConfigError(s) for data.lock, EvaluatorError for a setup that fails, IntegrityError for one that makes
    something else than data.lock names.
    """
    for target in targets:
        if target.evaluate.setup:
            _prepare(source, target, say)


def set_up(source: Kept, target: Target, *, anew: bool, say: Say = tell) -> str:
    """Prepares one target, and writes its data.lock where there is none, or anew. What was done, in words."""
    where = prepared.lock_path(target)
    if not target.evaluate.setup:
        return f"{target.name}: nothing to prepare, its target.yaml has no evaluate.setup"
    if where in source.modes() and not anew:
        _prepare(source, target, say)
        manifest, name = prepared.read(source, target)
        made = prepared.made_in(prepared.cache(source.repository, target, name), manifest)
        return f"{target.name}: {_amount(made)}, as {where} says"
    if not isinstance(source, WorkingSource):
        raise ConfigError(Place(where), f"is not in {source.label}", next_step="a lock is written without --at")
    with _made(source, target, say) as folder:
        made = prepared.found_below(folder)
        manifest = {**made, **dict.fromkeys(_any_content(source, where) & set(made), prepared.ANY)}
        content = prepared.spell(manifest)
        prepared.parse(content, where)
        kept = prepared.cache(source.repository, target, prepared.cache_name(content, manifest, source, target))
        _keep(source.repository, folder, kept, made)
    overwrite(source.repository.root / where, content)
    return f"{target.name}: {_amount(made)}; wrote {where}: commit it{_unpinned(manifest)}"


def _unpinned(manifest: Manifest) -> str:
    """What the lock does not cover goes on unsaid no longer: a setup may have been given other data meanwhile."""
    unpinned = [path for path, entry in manifest.items() if entry == prepared.ANY]
    pin = "the same on every machine? remove that file, then set up again: it is pinned"
    return f"; it goes on saying any for {', '.join(unpinned)}, whatever is in there ({pin})" if unpinned else ""


def _any_content(source: Kept, where: str) -> set[str]:
    """The files of which data.lock says `any`: written anew it goes on saying so."""
    if where not in source.modes():
        return set()
    known = prepared.parse(source.read([where])[where], where)
    return {path for path, entry in known.items() if entry == prepared.ANY}


def _prepare(source: Kept, target: Target, say: Say) -> None:
    manifest, name = prepared.read(source, target)
    kept = prepared.cache(source.repository, target, name)
    if kept.is_dir():
        wrong = _differences(manifest, kept)
        if not wrong:
            return
        say(f"{target.name}: what was prepared earlier changed on the disk ({wrong[0]}) and is made again")
    with _made(source, target, say) as folder:
        made = prepared.found_below(folder)
        if wrong := prepared.differences(manifest, made):
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise IntegrityError(
                f"{target.name}: the setup made something else than {LOCK_FILE} names: {wrong[0]}{more}",
                why="what it fetches or computes has changed, or depends on the machine",
                next_step=f"if the new content is meant: autoresearch setup {target.name} --write-lock, then commit; "
                "scores from before and after do not compare",
            )
        _keep(source.repository, folder, kept, made)


def _differences(manifest: Manifest, folder: Path) -> list[str]:
    """How what is kept differs from what was made; all that is not known to be what was made does."""
    known = prepared.made_in(folder, manifest)
    if prepared.ANY in known.values():
        return [f"{prepared.MADE_FILE} does not name what was made"]
    try:
        return prepared.differences(known, prepared.found_below(folder))
    except IntegrityError as error:
        return [error.what]


@contextlib.contextmanager
def _made(source: Kept, target: Target, say: Say) -> Iterator[Path]:
    """Runs a setup; the folder that holds the prepared/ it wrote. Raises EvaluatorError."""
    with tempfile.TemporaryDirectory(prefix="autoresearch-setup-", ignore_cleanup_errors=True) as scratch:
        cwd, home = _checkout(source, target, Path(scratch, "checkout")), Path(scratch, "home")
        home.mkdir()
        words = " ".join(target.evaluate.setup)
        say(f"{target.name}: setup, once: {words}")
        started = time.monotonic()
        private = private_data(source, target)
        finished = _run(source, target, cwd, home, private)
        if finished.stopped or finished.exit_code:
            raise _failure(target, finished, private.get(PRIVATE_DATA, ""))
        if not any(path.is_file() for path in (cwd / FOLDER).rglob("*")):
            raise EvaluatorError(
                f"{target.name}: the setup wrote no file below {FOLDER}/",
                why=f"{words} ended without an error; it is started in the folder of target.yaml",
                next_step=f"let it write what the evaluator needs below {FOLDER}/, beside target.yaml",
            )
        say(f"{target.name}: setup took {time.monotonic() - started:.1f} s")
        yield cwd


def _checkout(source: Kept, target: Target, root: Path) -> Path:
    modes = source.modes()
    for path, content in prepared.seen_by_setup(source, target).items():
        write(root / path, content, 0o555 if modes[path] == "100755" else 0o444)
    cwd = root / target.folder
    cwd.mkdir(parents=True, exist_ok=True)
    return cwd


def _run(source: Kept, target: Target, cwd: Path, home: Path, private: dict[str, str]) -> Finished:
    argv = command(target.evaluate.setup)
    downloads = source.repository.private if target.private else source.repository.state
    kept = {DOWNLOADS: str(downloads / "downloads")}  # what a setup fetched need not be fetched again when it failed
    own = environment(home, isolated=False) | network() | kept | private
    try:
        return run_bounded(argv, cwd=cwd, env=own, timeout=SECONDS, output_limit=OUTPUT)
    except OSError as error:
        raise EvaluatorError(
            f"{target.name}: the setup cannot be started: {argv[0]}: {error.strerror}",
            next_step="install the program, or give the script an interpreter: [sh, prepare.sh]",
        ) from None


def private_data(source: Kept, target: Target) -> dict[str, str]:
    """Where the rows of a target lie that are not in the repository: as the environment says, else the file that `new`
    wrote beside target.yaml and that git ignores."""
    recorded = source.repository.root / target.folder / PRIVATE_RECORD
    named = os.environ.get(PRIVATE_DATA) or (recorded.read_text("utf-8").strip() if recorded.is_file() else "")
    return {PRIVATE_DATA: str(Path(named).absolute())} if named else {}


def network() -> dict[str, str]:
    """The settings of the network that a setup inherits; none that holds a password."""
    found = {name: os.environ.get(name, "") for name in _NETWORK}
    return {name: value for name, value in found.items() if value and "@" not in value}


def _failure(target: Target, finished: Finished, named: str) -> EvaluatorError:
    how = {"timeout": f"was stopped after {SECONDS:g} s", "output": f"said more than {OUTPUT // MIB} MiB"}.get(
        finished.stopped, f"failed with exit code {finished.exit_code}"
    )
    said = printable(finished.stderr.strip() or finished.stdout.strip()[-2000:])
    quoted = "\n        ".join(said.splitlines()[-8:]) or "it said nothing"
    return EvaluatorError(
        f"{target.name}: the setup {how}: {' '.join(target.evaluate.setup)}",
        why=_unquoted(target, said, named) if target.private else quoted,
        next_step=f"autoresearch setup {target.name} runs it again",
    )


def _unquoted(target: Target, said: str, named: str) -> str:
    """Why a private setup failed, as far as that can be told without what it said, which may quote rows."""
    if not named:
        return f"say where the table of accounts is: {PRIVATE_DATA}=/path/to/accounts.csv"
    if not Path(named).is_file():
        return f"the table of accounts that {PRIVATE_DATA} names is not there"
    by_hand = f"cd {target.folder or '.'} && {' '.join(target.evaluate.setup)}"
    return f"what it said ({len(said):,} characters) is {NOT_KEPT}; by hand: {by_hand}"


def _keep(repository: Repository, made: Path, kept: Path, manifest: Manifest) -> None:
    """Moves what was made to where it is kept, whole or not at all."""
    if kept.is_relative_to(repository.private):
        repository.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    incoming = kept.with_name(f"{kept.name}.{os.getpid()}")
    remove(incoming)
    remove(kept)
    for name in manifest:
        (incoming / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made / name, incoming / name)
    (incoming / prepared.MADE_FILE).write_bytes(prepared.spell(manifest))
    try:
        incoming.rename(kept)
    except OSError:
        remove(incoming)
        if _differences(manifest, kept):  # else somebody else has just made the same
            raise


def _amount(manifest: Manifest) -> str:
    size = sum(entry.size for entry in manifest.values())
    return f"{len(manifest)} file{'' if len(manifest) == 1 else 's'} prepared, {size:,} bytes"
