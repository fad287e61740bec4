"""Reads documentation in reStructuredText as sections: titles, prose, code, and where its links lead. Locked.

Only as much of the markup is understood as this corpus needs. Nothing is run, nothing is included from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

ADORNMENT = re.compile(r"""([=\-~^"#*+`])\1{2,}""")
LABEL = re.compile(r"\.\. _([\w.-]+):")
DIRECTIVE = re.compile(r"\.\. ([\w:-]+)::\s*(.*)")
REFERENCE = re.compile(r":ref:`(?:([^`<]+?)\s*<([^>`]+)>|([^`<]+))`")
NOTE = re.compile(r"(?:[*-] )?:ref:`(?:[^`<]+<([^>`]+)>|([^`<]+))`\s+-+\s+(.*)")
CODE = {"sourcecode", "code-block", "code"}
PROSE = {
    "note", "tip", "warning", "topic", "sidebar", "admonition", "container", "legacy", "deepalchemy", "footer_topic",
    "versionadded", "versionchanged", "deprecated", "glossary",
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """text: what the link says in words of its own; label: the section that it leads to."""

    text: str
    label: str


@dataclass
class Section:
    """A title and what stands below it, up to the next title of any level. Prose is raw markup, a paragraph each.

    above: the titles that it lies under, outermost first. notes: what a "see also" says of another section.
    """

    id: str
    title: str
    above: tuple[str, ...]
    labels: tuple[str, ...]
    prose: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    notes: list[Link] = field(default_factory=list)

    def links(self) -> Iterator[Link]:
        for paragraph in self.prose:
            for text, label, _bare in REFERENCE.findall(paragraph):
                if text:
                    yield Link(text, label)


@dataclass(frozen=True)
class _Title:
    """start: the first line that belongs to it; body: the first after it."""

    text: str
    style: str
    start: int
    body: int


def read(name: str, text: str) -> list[Section]:
    """The sections of one file. name: its path without the suffix, the first half of their ids."""
    lines = text.expandtabs(8).split("\n")
    titles = list(_titles(lines))
    styles: list[str] = []
    found: list[Section] = []
    above: list[str] = []
    for number, title in enumerate(titles):
        if title.style not in styles:
            styles.append(title.style)
        level = styles.index(title.style)
        above = above[:level]
        end = titles[number + 1].start if number + 1 < len(titles) else len(lines)
        labels = tuple(_labels(lines[: title.start]))
        section = Section(f"{name}#{number}", plain(title.text, {}), tuple(above), labels)
        _fill(section, lines[title.body : end])
        found.append(section)
        above.append(section.title)
    return found


def _titles(lines: Sequence[str]) -> Iterator[_Title]:
    at = 0
    while at + 1 < len(lines):
        line, after = lines[at].rstrip(), lines[at + 1].rstrip()
        third = lines[at + 2].rstrip() if at + 2 < len(lines) else ""
        if ADORNMENT.fullmatch(line) and after and third == line:
            yield _Title(after.strip(), f"over{line[0]}", at, at + 3)
            at += 3
        elif _is_title(line) and ADORNMENT.fullmatch(after) and len(after) + 2 >= len(line):
            yield _Title(line, after[0], at, at + 2)
            at += 2
        else:
            at += 1


def _is_title(line: str) -> bool:
    return bool(line) and not line[0].isspace() and not line.startswith("..") and not ADORNMENT.fullmatch(line)


def _labels(before: Sequence[str]) -> Iterator[str]:
    """The labels right above a title, with nothing but blank lines between."""
    for line in reversed(before):
        if label := LABEL.fullmatch(line.rstrip()):
            yield label[1]
        elif line.strip():
            return


def _fill(section: Section, lines: Sequence[str]) -> None:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.lstrip().startswith(".. "):
            end = _end(lines, at + 1, _indent(line))
            _directive(section, line.strip(), lines[at + 1 : end])
            at = end
        else:
            at = _paragraph(section, lines, at)


def _directive(section: Section, first: str, body: Sequence[str]) -> None:
    found = DIRECTIVE.fullmatch(first)
    name, argument = (found[1], found[2]) if found else ("", "")
    if name in CODE:
        _code(section, [line for line in body if not re.match(r"\s*:[\w-]+:", line)])
    elif name in PROSE:
        _fill(section, [*([argument] if name not in {"container", "glossary"} else []), "", *body])
    elif name == "seealso":
        aside = replace(section, prose=[], code=[], notes=[])
        _fill(aside, [argument, "", *body])
        section.notes += [Link(note[3], note[1] or note[2]) for text in aside.prose if (note := NOTE.fullmatch(text))]


def _paragraph(section: Section, lines: Sequence[str], at: int) -> int:
    """Takes one paragraph, and the code that it announces. The line after it."""
    end = at
    while end < len(lines) and lines[end].strip() and not (end > at and lines[end].lstrip().startswith(".. ")):
        end += 1
    text = " ".join(line.strip() for line in lines[at:end])
    if text.startswith(">>>"):
        _code(section, lines[at:end])
    elif not re.match(r":[\w-]+:(\s|$)", text):
        section.prose.append(re.sub(r"::$", ":", text))
    if not text.endswith("::"):
        return end
    after = _end(lines, end, _indent(lines[at]))
    _code(section, lines[end:after])
    return after


def _code(section: Section, lines: Iterable[str]) -> None:
    words = " ".join(line.strip() for line in lines if line.strip())
    section.code += [words] if words else []


def _end(lines: Sequence[str], at: int, indent: int) -> int:
    """The first line from here that is neither blank nor further in."""
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > indent):
        at += 1
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def plain(text: str, titles: Mapping[str, str]) -> str:
    """Markup as a reader sees it. titles: label -> what a bare reference to it shows; unknown ones show nothing."""
    text = REFERENCE.sub(lambda m: m[1] or titles.get(m[3] or "", ""), text)
    text = re.sub(r":[\w:+-]+:`([^`<]+?)\s*<[^>`]*>`", r"\1", text)
    text = re.sub(r":[\w:+-]+:`~[^`]*?([^`.]+)`", r"\1", text)
    text = re.sub(r":[\w:+-]+:`\.?_?([^`]+)`", r"\1", text)
    text = re.sub(r"`([^`<]+?)\s*<[^>`]*>`__?", r"\1", text)
    text = re.sub(r"`+([^`]*)`+_?", r"\1", text)
    text = re.sub(r"\*\*?([^*\s][^*]*)\*\*?", r"\1", text)
    return " ".join(text.split())
