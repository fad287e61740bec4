"""The bot's packages on a runner, a version and the hashes of its wheels each: .github/autoresearch-requirements.txt.

What jobs of the targets that train a language model install beside them is .github/autoresearch-requirements-gpt.txt.
pip resolves them, for the runner's Python and system rather than for this machine's. Wheels alone are taken: a source
package would run its own code while it is installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from bot.install import files
from bot.install.needs import GPT, Needs
from bot.install.options import DISTRIBUTION, GPT_LOCK_FILE, LOCK_FILE, SOURCE, Options, project
from harness.errors import AutoresearchError
from harness.repository import Repository
from harness.target import Target

SECONDS = 600.0
OLDEST, NEWEST = 5, 28  # of glibc 2.x: what a wheel may have been built for, and what the runner has at least
_UNRESOLVED = "# its packages are not resolved yet: autoresearch install\n"
_NOTHING = "# nothing: all of it is there\n"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class LockError(AutoresearchError):
    """The bot's packages cannot be resolved for the runner."""

    exit_code = 3


@dataclass(frozen=True)
class Lock:
    """One file: what is asked for, as pip takes it, and for which machines. Its text has no header yet."""

    file: str
    root: Path
    options: Options
    asked: tuple[str, ...]
    machines: tuple[str, ...]

    @classmethod
    def of(cls, repository: Repository, options: Options, needs: Needs) -> Lock:
        """Of the file that every job installs."""
        return cls._of(LOCK_FILE, repository.root, options, needs.extras, needs.targets)

    @classmethod
    def of_gpt(cls, repository: Repository, options: Options, needs: Needs) -> Lock:
        """Of the file for jobs of targets that need the extra gpt: it asks for all, and pins what the other lacks."""
        return cls._of(GPT_LOCK_FILE, repository.root, options, (*needs.extras, GPT), needs.gpt)

    @classmethod
    def _of(cls, file: str, root: Path, options: Options, extras: Collection[str], targets: Collection[Target]) -> Lock:
        labels = {label.lower() for target in targets for label in target.runner}
        arm = any("arm" in label.split("-") or "arm64" in label for label in labels)
        asked = _of_source(root, extras) if options.bot == SOURCE else (_of_package(options, extras),)
        return cls(file, root, options, asked, ("x86_64", *(["aarch64"] if arm else [])))

    def holds(self, text: str | None, beside: str = "") -> bool:
        """Whether this lock file names packages for the same wishes and the same other list, and nobody changed it."""
        return files.state(text) is files.State.OURS and self._asked_for(beside) in (text or "")

    def with_packages_of(self, present: str | None, beside: str = "") -> str:
        """The text with the packages that the file names now, whatever they were asked for."""
        lines = files.body(present or "").splitlines(keepends=True)
        pinned = "".join(line for line in lines if not line.startswith("#"))
        return self._preface(beside) + (pinned or (_NOTHING if _NOTHING in lines else _UNRESOLVED))

    def resolved(self, beside: str = "") -> str:
        """The text, resolved now, without the packages that `beside`, another lock's text, pins, and in agreement with
        them. Needs the network. Raises LockError."""
        there = _packages(beside)
        found: dict[str, tuple[str, set[str]]] = {}
        for machine in self.machines:
            for name, wanted, digest in self._resolve(machine, there):
                known, hashes = found.setdefault(name, (wanted, set()))
                if known != wanted:
                    what = f"{known} on one machine, {wanted} on another"
                    raise LockError(f"no version of {name} fits every runner: {what}", next_step="use one architecture")
                hashes.add(digest)
        missing = [pin for _name, pin in sorted(found.items()) if pin[0] not in there]
        pinned = "".join(_pinned(wanted, sorted(hashes)) for wanted, hashes in missing)
        return self._preface(beside) + (pinned or _NOTHING)

    def _preface(self, beside: str) -> str:
        options = f"# Options: {self.options}\n" if self.file == LOCK_FILE else ""
        return options + self._asked_for(beside)

    def _asked_for(self, beside: str) -> str:
        """What is asked for; of the second list also which packages it is right beside, by their digest."""
        machines = " and ".join(self.machines)
        lines = [f"For CPython {self.options.python} on Linux, {machines}:", *(f"  {one}" for one in self.asked)]
        if self.file != LOCK_FILE:
            there = files.digest("\n".join(_packages(beside)))
            lines.insert(0, f"What {LOCK_FILE} (packages {there}) lacks of this:")
        return "".join(f"# {line}\n" for line in lines)

    def _resolve(self, machine: str, there: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """(name, what to install, sha256:...) of every package, the bot included. there: versions that are settled."""
        wanted = [*self._wanted(), *(one for one in there if "==" in one)]
        for entry in _published(self.root, wanted, self.options.python, machine):
            name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
            if name == DISTRIBUTION and self.options.wheel:
                yield name, *self._wheel(entry)
            else:
                yield name, f"{name}=={entry['metadata']['version']}", _hash(entry)

    def _wanted(self) -> Sequence[str]:
        if self.options.wheel and "://" not in self.options.wheel:
            return [one.replace(self.options.wheel, (self.root / self.options.wheel).as_uri()) for one in self.asked]
        return self.asked

    def _wheel(self, entry: Mapping[str, Any]) -> tuple[str, str]:
        if "://" in self.options.wheel:
            return f"{DISTRIBUTION} @ {self.options.wheel}", _hash(entry)
        content = (self.root / self.options.wheel).read_bytes()
        return f"./{self.options.wheel}", f"sha256:{hashlib.sha256(content).hexdigest()}"


def _of_package(options: Options, extras: Collection[str]) -> str:
    what = f" @ {options.wheel}" if options.wheel else f"=={harness.__version__}"
    return f"{DISTRIBUTION}[{','.join(sorted(extras))}]{what}"


def _of_source(root: Path, extras: Collection[str]) -> tuple[str, ...]:
    """What pyproject.toml asks for: the dependencies, those of these extras, and what builds the bot."""
    declared = project(root)
    found, waiting = [*declared["project"]["dependencies"], *declared["build-system"]["requires"]], list(extras)
    seen: set[str] = set()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in declared["project"]["optional-dependencies"][extra]:
            own = re.fullmatch(rf"{DISTRIBUTION}\[([a-z,]+)\]", requirement)
            waiting += own[1].split(",") if own else []
            found += [] if own else [requirement]
    return tuple(sorted(set(found), key=str.lower))


def _published(root: Path, wanted: Sequence[str], python: str, machine: str) -> list[dict[str, Any]]:
    """pip's own account of what it would install there, without builds of this machine's own.

    Their versions end in +something, as torch 2.13.0+cpu does, and no index that a runner asks has them.
    """
    without: set[str] = set()
    while True:
        found = _report(root, [*wanted, *sorted(without)], python, machine)
        own = {f"{e['metadata']['name']}!={e['metadata']['version']}" for e in found if "+" in e["metadata"]["version"]}
        if not own - without:
            return found
        without |= own


def _report(root: Path, wanted: Sequence[str], python: str, machine: str) -> list[dict[str, Any]]:
    """pip's own account of what it would install on such a machine."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST, OLDEST - 1, -1)]
    platforms += [f"manylinux2014_{machine}"]
    with tempfile.TemporaryDirectory(prefix="autoresearch-") as folder:
        listed, report = Path(folder, "asked.txt"), Path(folder, "report.json")
        listed.write_text("".join(f"{one}\n" for one in wanted), encoding="utf-8")
        command = [
            sys.executable, "-P", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input",
            "--disable-pip-version-check", "--only-binary", ":all:", "--implementation", "cp",
            "--python-version", python, *(word for one in platforms for word in ("--platform", one)),
            "--report", str(report), "--requirement", str(listed),
            "--target", folder,  # nothing comes there; older pips answer for another platform only so
        ]  # fmt: skip
        try:
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise LockError(f"pip found no answer within {SECONDS:g} s", next_step="autoresearch install") from None
        if done.returncode:
            raise _unresolvable(wanted, done.stderr)
        installed: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
        return installed


def _unresolvable(wanted: Sequence[str], said: str) -> LockError:
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith("ERROR")]
    step = "look at what pip says: is there a network, and does it know these packages?"
    if wanted[0].startswith(f"{DISTRIBUTION}[") and DISTRIBUTION in "".join(lines):
        step = "autoresearch install --bot URL-OF-A-WHEEL, or its path in this repository"
    return LockError(
        "the bot's packages cannot be resolved for the runner",
        why="; ".join(lines[-2:])[:500] or said.strip()[-500:],
        next_step=step,
    )


def _hash(entry: Mapping[str, Any]) -> str:
    found = "sha256:" + str(entry.get("download_info", {}).get("archive_info", {}).get("hashes", {}).get("sha256", ""))
    if not _HASH.fullmatch(found):
        name = entry["metadata"]["name"]
        raise LockError(f"pip names no hash for {name}", next_step="install from an index that gives hashes")
    return found


def _packages(text: str) -> list[str]:
    """What a lock's text says to install, without the hashes."""
    return [line.removesuffix(" \\") for line in text.splitlines() if line and not line.startswith(("#", " "))]


def _pinned(wanted: str, hashes: Sequence[str]) -> str:
    return " \\\n".join([wanted, *(f"    --hash={one}" for one in hashes)]) + "\n"
