"""A diagnosis as a person reads it, in 80 columns: what hinders first, each with its cure, the next command last."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from bot.doctor import Diagnosis
from bot.doctor.finding import STATES, Finding
from bot.label import visible
from bot.pages.wording.text import count, plain

WIDTH = 80
_STATE, _CHECK = 9, 16
_LONGEST = 600
_OPEN = re.compile(r"--?[A-Za-z-]+|\|")  # a word that another one belongs to


def as_text(found: Diagnosis) -> str:
    lines = [_headline(found), ""]
    for state in STATES:
        group = [finding for finding in found.findings if finding.state == state]
        lines += _short(group) if state == "ok" else [line for one in _merged(group) for line in _long(one, found)]
    return "\n".join([*lines, "", *_command(found.next_step, "next: ")])


def _headline(found: Diagnosis) -> str:
    many = Counter(finding.state for finding in found.findings)
    words = {"warning": count(many["warning"], "warning"), "ok": f"{many['ok']} in order"}
    told = ", ".join(words.get(state, f"{many[state]} {state}") for state in STATES if many[state])
    return f"{found.slug or 'this repository'}: {told}"


def _short(findings: Iterable[Finding]) -> list[str]:
    return [line for one in findings for line in _folded(f"{'ok':<{_STATE}}{one.check:<{_CHECK}}", one.says)]


def _long(finding: Finding, found: Diagnosis) -> Iterator[str]:
    yield from _folded(f"{finding.state:<{_STATE}}{finding.check}: ", finding.says, _STATE)
    if finding.where:
        yield from _folded(" " * _STATE, finding.where)
    if finding.page and found.slug:
        yield f"{'':<{_STATE}}{found.server}/{found.slug}/{finding.page}"
    if finding.permission:
        yield from _folded(" " * _STATE, f"needs a token with {finding.permission}")
    for command in finding.commands:
        yield from _command(command, f"{'':<{_STATE}}$ ")
    for line in finding.lines:
        yield f"{'':<{_STATE}}  {visible(line)}"
    yield ""


def _merged(findings: list[Finding]) -> Iterator[Finding]:
    """What one permission would show is told once."""
    told: set[str] = set()
    for finding in findings:
        if not finding.permission:
            yield finding
        elif finding.permission not in told:
            told.add(finding.permission)
            same = [one for one in findings if one.permission == finding.permission]
            names = ", ".join(one.check for one in same)
            yield (
                finding
                if len(same) == 1
                else Finding(names, "unknown", "the token may not look", permission=finding.permission)
            )


def _folded(label: str, said: str, indent: int | None = None) -> list[str]:
    """A label, and text folded beside it (or below it, at `indent`)."""
    margin = " " * (len(label) if indent is None else indent)
    return textwrap.wrap(
        plain(said, _LONGEST), WIDTH, initial_indent=label, subsequent_indent=margin, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _command(command: str, label: str) -> list[str]:
    """A command that can be copied: continued with backslashes where it is longer than a line."""
    lines, room = [""], WIDTH - len(label) - 2
    for part in _parts(visible(command).replace("\n", " ")):
        if lines[-1] and len(lines[-1]) + 1 + len(part) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {part}".lstrip()
    margin = " " * len(label)
    told = [f"{label if not index else margin}{line}" for index, line in enumerate(lines)]
    return [f"{line} \\" if index < len(told) - 1 else line for index, line in enumerate(told)]


def _parts(command: str) -> list[str]:
    """Words as the shell reads them, with their quotes; an option stays with its value, a pipe with what follows."""
    lexer = shlex.shlex(command, posix=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        return [command]
    parts: list[str] = []
    for word in words:
        if parts and _OPEN.fullmatch(parts[-1]) and not word.startswith(("-", "|")):
            parts[-1] = f"{parts[-1]} {word}"
        else:
            parts.append(word)
    return parts
