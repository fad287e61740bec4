"""Names that mislead: not whether they are well made, but whether two of them can be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot, later_copies
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.view import View

_KINDS = ("tag", "trigger", "variable", "folder", "client", "template")


def _folded(one: Entity) -> object:
    return (" ".join(one.name.casefold().split())) or None


def _alike(view: View) -> Iterator[Spot]:
    for kind in _KINDS:
        for one, first in later_copies(view.container.all(kind), _folded):
            if one.name != first.name:
                yield Spot(one, f'differs from "{first.name}" by spaces or capitals alone', f"{one.pointer}/name")


def _invisible(view: View) -> Iterator[Spot]:
    for kind in _KINDS:
        for one in view.container.all(kind):
            if one.name != one.name.strip() or "  " in one.name or not one.name.isprintable():
                yield Spot(one, "its name holds spaces or signs that nobody sees", f"{one.pointer}/name")


def _shadows(view: View) -> Iterator[Spot]:
    taken = set(view.container.built_ins) | set(catalogue()["system_variables"])
    for one in view.container.all("variable"):
        if one.name.strip() in taken:
            yield Spot(
                one,
                "has the name of a built-in variable: nobody can say which of the two is meant",
                f"{one.pointer}/name",
            )


RULES = (
    Rule("name-alike", "warning", _alike),
    Rule("name-invisible", "warning", _invisible),
    Rule("name-shadows", "error", _shadows),
)
