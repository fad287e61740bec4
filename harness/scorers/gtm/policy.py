"""What may be touched in a container, whoever proposes: a model, a program or a rule.

    policy = read(content, "policy.yaml")
    policy.problems(before, after)      # why `after` may not be measured, each a sentence that can be acted upon

Held against the night's base, so that many small steps come no further than one large one. docs/gtm-repair.md lists
every key with its default, and what is forbidden always. `policing/` holds the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from harness import configfile
from harness.complaints import Faults, nearest, show
from harness.errors import InvalidCandidate
from harness.scorers.gtm.container import Container, model
from harness.scorers.gtm.policing.base import Base
from harness.scorers.gtm.policing.pairing import paired
from harness.scorers.gtm.policing.rules import broken

ADDED = frozenset({"tag", "trigger", "variable", "folder"})


@dataclass(frozen=True)
class Policy:
    """remove: kinds that may go where nothing uses them; pause, rename, code: whether; add: kinds that may be new, and
    most_added: how many of all kinds together; unblock: whether tags that act on consent by themselves need not wait.

    types: known (Tag Manager's own words and the templates of the file), or any. protected: names or ids of entities
    that nobody may touch.
    """

    remove: frozenset[str] = frozenset()
    pause: bool = False
    rename: bool = True
    code: bool = False
    add: frozenset[str] = field(default=ADDED)
    most_added: int = 20
    unblock: bool = False
    types: str = "known"
    protected: frozenset[str] = frozenset()

    def protects(self, id_: str, name: str) -> bool:
        return id_ in self.protected or name in self.protected

    def problems(self, before: Container, after: Container) -> tuple[str, ...]:
        """Why `after` may not take the place of `before`; () where it may."""
        base = _base(before)
        pairing = paired(base, after)
        return tuple(dict.fromkeys([*pairing.problems, *broken(self, base, pairing)]))

    def problems_of(self, before: Any, after: Any) -> tuple[str, ...]:
        """As `problems`, of parsed JSON; what is no container any more is one problem."""
        try:
            return self.problems(_model(before), model(after))
        except InvalidCandidate as invalid:
            return (invalid.what,)


class _Known:
    """The last container that was asked for, by the object that it was parsed to: a night has one base."""

    def __init__(self) -> None:
        self.data: Any = None
        self.container: Container | None = None


_LAST = _Known()


def _model(data: Any) -> Container:
    if _LAST.container is None or _LAST.data is not data:
        _LAST.data, _LAST.container = data, model(data)
    return _LAST.container


@lru_cache(maxsize=2)
def _base(container: Container) -> Base:
    return Base(container)


def read(content: bytes, name: str, container: Container | None = None) -> Policy:
    """The policy of a file. container: the one that it is for, so that who is protected can be looked up.

    Raises ConfigErrors with file, line, key and the nearest valid word.
    """
    config = configfile.read(content, name, "policy")
    with Faults() as faults:
        for index, said in enumerate(config.data.get("protected", ()) if container else ()):
            valid = _sayable(container)
            if said not in valid:
                what = f"no entity has the name or id {show(said)}{nearest(said, valid)}"
                faults.found.append(config.error(f"/protected/{index}", what))
    sets = {key: frozenset(config.data[key]) for key in ("remove", "add", "protected") if key in config.data}
    return Policy(**{**config.data, **sets})


def _sayable(container: Container | None) -> dict[str, None]:
    """Every name and id."""
    everybody = [one for those in container.entities.values() for one in those] if container else []
    return dict.fromkeys([*(one.name for one in everybody), *(one.id for one in everybody if one.id)])
