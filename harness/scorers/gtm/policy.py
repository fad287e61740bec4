"""What may be touched in a container, for whoever proposes: a model, a program or a rule."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("tag", "trigger", "variable", "folder", "template", "client", "transformation", "zone", "tag configuration")


@dataclass(frozen=True)
class Policy:
    """remove: kinds that may go where nothing uses them; pause, rename, code: whether; add: kinds that may be new.

    types: known (Tag Manager's own words and templates of the file), or any. protected: names or ids of entities that
    nobody may touch.
    """

    remove: frozenset[str] = frozenset()
    pause: bool = False
    rename: bool = True
    code: bool = False
    add: frozenset[str] = field(default=frozenset({"tag", "trigger", "variable", "folder"}))
    types: str = "known"
    protected: frozenset[str] = frozenset()

    def protects(self, id_: str, name: str) -> bool:
        return id_ in self.protected or name in self.protected
