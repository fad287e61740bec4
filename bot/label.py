"""`autoresearch label`: a human judges what a language model judged before, one keypress a sample.

The judge's verdict is shown after the keypress, never before: who sees it first agrees with it. Every answer is on disk
before the next sample is shown, so a session can stop anywhere and goes on where it was.
"""

from __future__ import annotations

import json
import posixpath
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot import config
from bot.night.folder import write_atomically
from harness import configfile, labels
from harness.documents import ParseProblem, parse
from harness.errors import ConfigError, NotFound, Place
from harness.labels import Sample
from harness.repository import Repository, WorkingSource
from harness.target import LLM_JUDGE_AGREEMENT, LLM_JUDGE_SAMPLES, TARGET_FILE

DEFAULT_FILE = "judge-labels.jsonl"
KEYS = "p pass, f fail, s skip, u undo, q quit"
_LONGEST = 20_000
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def label(
    repository: Repository, target_name: str, metric_name: str, samples_path: Path | None,
    getchar: Callable[[], str], echo: Callable[[str], Any],
) -> str:  # fmt: skip
    """Labels until all samples have a label or the human quits. Returns what was reached and what to do next.

    Raises NotFound, ConfigError: the target need not be valid, for it is not before its labels are there.
    """
    place = _find(repository, target_name, metric_name)
    file = repository.root / place.path
    samples = _read(file.read_bytes(), place.path) if file.exists() else []
    if samples_path:
        samples = _extended(samples, _read(samples_path.read_bytes(), str(samples_path)), str(samples_path))
    if not samples:
        raise NotFound(
            f"{place.path} has no samples yet",
            why='--samples names a file with one {"id", "text", "judge": "pass" or "fail"} a line',
            next_step=f"autoresearch label {target_name} {metric_name} --samples FILE",
        )
    session = Session(file, samples, getchar, echo)
    if samples_path:
        session.save()
    session.run()
    return _summary(place, session.samples)


@dataclass(frozen=True)
class _Labelled:
    """path: of the labels, from the repository's root; declared: whether target.yaml names it."""

    path: str
    target_file: str
    metric: str
    declared: bool
    signal: bool


class Session:
    """One sitting. samples: all of the file, in its order."""

    def __init__(
        self, file: Path, samples: list[Sample], getchar: Callable[[], str], echo: Callable[[str], Any]
    ) -> None:
        self.samples, self._file, self._getchar, self._echo = samples, file, getchar, echo

    def save(self) -> None:
        lines = (json.dumps(dict(sample.fields), ensure_ascii=False) for sample in self.samples)
        write_atomically(self._file, "".join(f"{line}\n" for line in lines))

    def run(self) -> None:
        waiting = [index for index, sample in enumerate(self.samples) if not sample.human]
        at = 0
        while waiting:
            key = self._ask(waiting, at)
            if key == "q":
                return
            if key == "u":
                at = max(at - 1, 0)
                self._answer(waiting[at], "")
                continue
            if key != "s":
                self._answer(waiting[at], "pass" if key == "p" else "fail")
                self._verdict(self.samples[waiting[at]])
            at += 1

    def _ask(self, waiting: list[int], at: int) -> str:
        if at == len(waiting):
            self._echo("\nthat was the last: u undo, q quit")
            return self._key("uq")
        self._show(self.samples[waiting[at]], at + 1, len(waiting))
        return self._key("pfsuq")

    def _show(self, sample: Sample, number: int, count: int) -> None:
        self._echo(f"\n[{number} of {count}] {visible(sample.id)}\n")
        self._echo("\n".join(f"  | {line}" for line in visible(sample.text).split("\n")))
        self._echo(f"\n{KEYS}")

    def _key(self, valid: str) -> str:
        """The first key that means something. No terminal is an error, its end is a quit."""
        while True:
            try:
                pressed = self._getchar().lower()
            except EOFError:
                return "q"
            except OSError:
                raise ConfigError(
                    Place("standard input"), "is no terminal, and labelling takes a keypress a sample"
                ) from None
            if pressed and pressed in valid:
                return pressed
            self._echo(KEYS)

    def _answer(self, index: int, human: str) -> None:
        sample = self.samples[index]
        fields = {key: value for key, value in sample.fields.items() if key != "human"}
        if human:
            fields["human"] = human
        self.samples[index] = replace(sample, human=human, fields=fields)
        self.save()

    def _verdict(self, sample: Sample) -> None:
        same = "the same" if sample.judge == sample.human else "the opposite"
        self._echo(
            f"you: {sample.human}, the judge said {same}: {sample.judge}. So far {labels.agreement(self.samples)}"
        )


def visible(text: str) -> str:
    """Text of any origin for a terminal: line ends stay, other control and format characters show as escapes."""
    shown = text[:_LONGEST].replace("\r\n", "\n").replace("\t", "    ")
    safe = "".join(
        c if c == "\n" or unicodedata.category(c) not in _HIDDEN else c.encode("unicode_escape").decode() for c in shown
    )
    return safe if len(text) <= _LONGEST else f"{safe}\n[cut after {_LONGEST:,} characters]"


def _read(content: bytes, name: str) -> list[Sample]:
    try:
        return labels.read(content.split(b"\n"))
    except labels.BadLabel as bad:
        raise ConfigError(Place(name, bad.line, 1), bad.what) from None


def _extended(known: list[Sample], more: Iterable[Sample], name: str) -> list[Sample]:
    """The samples of both. What is known keeps its label; a new sample never brings one along."""
    found = {sample.id: sample for sample in known}
    for sample in more:
        old = found.get(sample.id)
        if old is None:
            fields = {key: value for key, value in sample.fields.items() if key != "human"}
            found[sample.id] = replace(sample, human="", fields=fields)
        elif (old.text, old.judge) != (sample.text, sample.judge):
            raise ConfigError(
                Place(name), f'the sample "{sample.id}" is known with another text or verdict',
                next_step="give it an id of its own",
            )  # fmt: skip
    return list(found.values())


def _find(repository: Repository, target_name: str, metric_name: str) -> _Labelled:
    source = WorkingSource(repository)
    known = {}
    for folder in config.target_folders(source, config.load(source)):
        where = posixpath.join(folder, TARGET_FILE)
        try:
            data = parse(source.read([where])[where], TARGET_FILE).data
        except ParseProblem:
            continue
        if isinstance(data, dict):
            known[str(data.get("name"))] = (folder, data)
    if target_name not in known:
        hint = configfile.nearest(target_name, known) or f"; there are: {', '.join(known) or 'none'}"
        raise NotFound(f'no target is called "{target_name}"{hint}')
    return _metric(repository, *known[target_name], metric_name)


def _metric(repository: Repository, folder: str, data: dict[str, Any], name: str) -> _Labelled:
    metrics = data.get("metrics")
    entries = [entry for entry in metrics if isinstance(entry, dict)] if isinstance(metrics, list) else []
    names = [str(entry.get("name")) for entry in entries]
    target_file = posixpath.join(folder, TARGET_FILE)
    if name not in names:
        hint = configfile.nearest(name, names) or f"; there are: {', '.join(names) or 'none'}"
        raise NotFound(f'{target_file} declares no metric "{name}"{hint}')
    entry = entries[names.index(name)]
    signal = entry.get("signal", data.get("signal"))
    if signal not in (None, "llm-judge"):
        raise ConfigError(Place(target_file, key=name), f"labels are for signal llm-judge; its signal is {signal}")
    written = entry.get("labels")
    path = labels.path(folder, written if isinstance(written, str) else DEFAULT_FILE)
    if not (repository.root / path).resolve().is_relative_to(repository.root.resolve()):
        raise ConfigError(Place(target_file, key="labels"), f'"{written}" lies outside the repository')
    return _Labelled(path, target_file, name, isinstance(written, str), signal == "llm-judge")


def _summary(place: _Labelled, samples: list[Sample]) -> str:
    found = labels.agreement(samples)
    lines = [f"\n{place.path}: {found}; {len(samples) - found.labelled} without a label"]
    if found.failed:
        lines.append(f"of the {found.failed} that you failed, the judge failed {found.caught}")
    enough = found.labelled >= LLM_JUDGE_SAMPLES and found.share >= LLM_JUDGE_AGREEMENT
    wanted = f"{LLM_JUDGE_SAMPLES} labelled samples, {LLM_JUDGE_AGREEMENT:.0%} of them agreeing"
    lines.append(f"that is enough: {wanted}" if enough else f"needed: {wanted}")
    missing = [] if place.signal else ["signal: llm-judge"]
    missing += [] if place.declared else [f"labels: {posixpath.basename(place.path)}"]
    if missing:
        lines.append(f"add to the metric {place.metric} in {place.target_file}: {', '.join(missing)}")
    return "\n".join(lines)
