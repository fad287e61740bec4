"""A container as a model is shown it: an index of all, what issues name in full, one example of each kind, the issues.

It takes a share of a prompt that is fixed; what had no room is said. All that comes from the file stands between marks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.models.redaction import REMOVED
from bot.proposers.mind.containers import complaints
from bot.proposers.mind.containers.address import found, parsed
from bot.proposers.mind.containers.full import Full
from bot.proposers.mind.containers.index import LEGEND, index, quoted
from bot.proposers.mind.containers.permitted import permitted
from bot.proposers.mind.fence import begins, fenced, one_line
from harness.documents.change import Change, steps
from harness.documents.identity import changes, words
from harness.scorers.gtm import Container, Declared, Scored, read, score
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import ARRAYS, Entity
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.policy import Policy

INDEX, ISSUES, EXAMPLES, NOT_JUDGED = 0.4, 0.22, 0.1, 0.03  # shares of the view; entities in full take what is left
OUTGROWN = 0.15  # of the view, beyond which what has changed since is no small end of a prompt any more
NEWS = 4_000  # bytes of issues that are new since
_OF_A_LINE = frozenset({"naming", "folders"})  # dimensions whose issues the index explains


@dataclass(frozen=True)
class Known:
    """What target.yaml's files say of a container. most: bytes that the view of it may take."""

    declared: Declared
    policy: Policy
    most: int


class Looked:
    """One content of the file, looked at."""

    def __init__(self, content: bytes, file: str, declared: Declared) -> None:
        self.container: Container = read(content, file)
        self.scored: Scored = score(self.container, declared)

    @cached_property
    def issues(self) -> list[Issue]:
        return complaints.ordered(self.scored)

    @cached_property
    def by_pointer(self) -> dict[str, Entity]:
        return {one.pointer: one for those in self.container.entities.values() for one in those}

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Pointers of texts that nobody may see."""
        return frozenset(issue.pointer for issue in self.issues if issue.code == "secret")

    @cached_property
    def secret_texts(self) -> tuple[str, ...]:
        data = self.container.data
        return tuple(str(found(data, parsed(pointer, data))) for pointer in sorted(self.secrets))

    @cached_property
    def hidden(self) -> frozenset[Entity]:
        """Entities that hold such texts."""
        return frozenset(one for one in map(self.entity_of, self.issues) if one and self._holds_a_secret(one))

    def entity_of(self, issue: Issue) -> Entity | None:
        at = issue.pointer
        while at and at not in self.by_pointer:
            at = at.rpartition("/")[0]
        return self.by_pointer.get(at)

    def _holds_a_secret(self, one: Entity) -> bool:
        return any(pointer.startswith(f"{one.pointer}/") for pointer in self.secrets)


class View:
    """Of one target's file. See `bot.proposers.mind.showing.Showing`."""

    tells_parts = True

    def __init__(self, file: str, known: Known) -> None:
        self._file, self._known = file, known
        self._looked: dict[bytes, Looked] = {}
        self._fixed: tuple[bytes, str] = (b"", "")

    def fixed(self, content: bytes) -> str:
        """Kept until another is asked for: a prompt begins with the same one for many experiments."""
        if self._fixed[0] != content or not self._fixed[1]:
            self._fixed = (content, self._shown(self._look(content)))
        return self._fixed[1]

    def _shown(self, looked: Looked) -> str:
        cuts: list[str] = []
        sections = "".join(self._sections(looked, cuts))
        cut = f"Left out above, for its length: {'; '.join(cuts)}.\n" if cuts else "Nothing was left out above.\n"
        return f"{sections}{cut}# What may be changed in it\n{permitted(self._known.policy)}"

    def now(self, anchor: bytes, content: bytes, _before: int) -> str:
        looked = self._look(content)
        nine = f"Its dimensions, the one that can still give the most first:\n{complaints.nine(looked.scored)}\n"
        if content == anchor:
            return f"The container stands as it is shown above, with the issues in that order.\n{nine}"
        return f"{self._since(self._look(anchor), looked)}{nine}"

    def outgrown(self, anchor: bytes, content: bytes) -> bool:
        if anchor == content:
            return False
        return len(self._since(self._look(anchor), self._look(content)).encode()) > OUTGROWN * self._known.most

    def described(self, before: bytes, after: bytes) -> str:
        """In words, then change by change."""
        old, new = self._look(before), self._look(after)
        made = changes(old.container.data, new.container.data)
        said = [words(made, old.container.data, new.container.data)]
        hidden = (*old.secret_texts, *new.secret_texts)
        said += [f"{steps(one.path)}: {_change(one, hidden)}" for one in made]
        return "\n".join(said)

    def _look(self, content: bytes) -> Looked:
        """The last few are kept: the fixed one, the incumbent and what was tried."""
        looked = self._looked.pop(content, None) or Looked(content, self._file, self._known.declared)
        self._looked = dict([*self._looked.items()][-3:]) | {content: looked}
        return looked

    def _sections(self, looked: Looked, cuts: list[str]) -> Iterator[str]:
        """cuts: gets what was left out, in words."""
        most = self._known.most
        head = _head(looked)
        listed, cut = index(looked.container, looked.hidden, int(INDEX * most) - len(head.encode()))
        cuts += [cut] if cut else []
        yield f"An index of it. {LEGEND}\n{fenced('index', head + listed)}"
        spare = int(INDEX * most) - len(head.encode()) - len(listed.encode())
        issues, left = complaints.told(looked.issues, looked.container.data, int(ISSUES * most) + spare)
        cuts += [f"{left} of {len(looked.issues)} issues"] if left else []
        yield f"Its issues, those of the dimension that can still give the most first:\n{fenced('issues', issues)}"
        unjudged = begins("\n".join(_not_judged(looked)), int(NOT_JUDGED * most))
        room = most - sum(len(text.encode()) for text in (head, listed, issues, unjudged))
        named, examples = _named(looked), _examples(looked)
        full = Full(looked.secrets, room - int(EXAMPLES * most))
        yield f"The entities that issues name, in full:\n{fenced('entities', full.text(named))}"
        cuts += [f"{full.left} of {len(named)} entities that issues name"] if full.left else []
        more = Full(looked.secrets, full.room + int(EXAMPLES * most))
        others = [one for one in examples if one not in full.shown]
        yield f"One more of each kind and type, as an example:\n{fenced('examples', more.text(others))}"
        cuts += [f"{more.left} of {len(others)} examples"] if more.left else []
        cuts += [f"the ends of {full.long + more.long} long texts"] if full.long + more.long else []
        yield f"What was not judged:\n{fenced('not judged', unjudged or 'nothing')}"

    def _since(self, before: Looked, now: Looked) -> str:
        """What changed since, and which issues that mended and made."""
        changes = "\n".join(_changes(before, now, int(OUTGROWN * self._known.most)))
        old, new = ({complaints.key(one) for one in looked.issues} for looked in (before, now))
        fresh = [one for one in now.issues if complaints.key(one) not in old]
        said = f"The container stands as it is shown above, with these changes:\n{fenced('changes', changes)}"
        gone = [one for one in before.issues if complaints.key(one) not in new]
        said += f"Of the issues above {len(gone)} are gone; {len(before.issues) - len(gone)} are left.\n"
        if gone:
            said += f"Gone:\n{fenced('gone', begins(chr(10).join(map(_in_short, gone)), NEWS // 2))}"
        if fresh:
            text, left = complaints.told(fresh, now.container.data, NEWS)
            said += f"New ones:\n{fenced('new issues', text)}" + (f"and {left} more\n" if left else "")
        return said


def _change(one: Change, hidden: Sequence[str]) -> str:
    if one.what == "order":
        return "in another order"
    if one.what == "remove":
        return "gone"
    after = _value(one.after, hidden)
    return f"+ {after}" if one.what == "add" else f"{_value(one.before, hidden)} -> {after}"


def _value(value: Any, hidden: Sequence[str]) -> str:
    """Short; what holds a text that nobody may see is not shown."""
    said = json.dumps(value, ensure_ascii=False)
    if any(json.dumps(text, ensure_ascii=False)[1:-1] in said for text in hidden):
        return REMOVED
    return one_line(said, 160)


def _head(looked: Looked) -> str:
    scored, on = looked.scored, looked.container.built_ins
    counts = ", ".join(f"{count} {kind}" for kind, count in scored.counts.items())
    guessed = " (guessed)" if scored.guessed else ""
    system = "; ".join(f"{id_} {one['name']}" for id_, one in catalogue()["system_triggers"].items())
    return (
        f"{quoted(scored.container)}, a container for {scored.context}, {counts}\n"
        f"the business that it measures: {scored.business}{guessed}\n"
        f"triggers of the system, which stand in no list: {system}\n"
        f"built-in variables that are switched on: {one_line(', '.join(on) or 'none', 2_000)}\n"
    )


def _named(looked: Looked) -> list[Entity]:
    """Entities that issues name, each once. Those whose name or folder is wrong come last: the index shows both."""
    bodies = [issue for issue in looked.issues if issue.dimension not in _OF_A_LINE]
    others = [issue for issue in looked.issues if issue.dimension in _OF_A_LINE]
    return [one for one in dict.fromkeys(map(looked.entity_of, [*bodies, *others])) if one]


def _examples(looked: Looked) -> list[Entity]:
    """One of each kind and type; one without an issue where there is such."""
    blamed = {looked.entity_of(issue) for issue in looked.issues}
    found: dict[tuple[str, str], Entity] = {}
    for kind in ARRAYS:
        for one in looked.container.all(kind):
            there = found.setdefault((kind, one.type), one)
            if there in blamed and one not in blamed:
                found[kind, one.type] = one
    return [*found.values()]


def _not_judged(looked: Looked) -> Iterator[str]:
    for one in looked.scored.dimensions:
        if one.score is None:
            yield f"the dimension {one.name}: {one.why}"
    for other in looked.scored.not_judged:
        yield one_line(f"{other.what} at {other.pointer}: {other.why}", 300)


def _in_short(issue: Issue) -> str:
    return one_line(f"{issue.code}: {issue.entity} {issue.id} {quoted(issue.name) if issue.name else ''}", 200)


def _changes(before: Looked, now: Looked, most: int) -> Iterator[str]:
    """Entities that changed, as they stand now, as long as there is room; what is gone; what else changed."""
    old, new = before.container, now.container
    full = Full(now.secrets, most)
    changed = [one for key, one in new.by_id.items() if key not in old.by_id or old.by_id[key].data != one.data]
    yield from full.lines(changed)
    yield from (f"{one.kind} {one.id} {quoted(one.name)} changed, too" for one in changed if one not in full.shown)
    yield from (f"{kind} {id_} is gone" for kind, id_ in old.by_id if (kind, id_) not in new.by_id)
    on: Sequence[str] = sorted(set(new.built_ins) - set(old.built_ins))
    if on:
        yield one_line(f"switched on: {', '.join(on)}", 500)
