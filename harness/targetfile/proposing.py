"""Who proposes, by target.yaml: which options belong to which proposer, and what an arm of a portfolio says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.complaints import Faults
from harness.configfile import ConfigFile
from harness.errors import ConfigError
from harness.targetfile.paths import Paths

_MODEL = frozenset(
    {"model", "larger", "after", "provider", "max_tokens", "history_tokens", "view_tokens", "form", "simplify"}
)
OPTIONS: Mapping[str, frozenset[str]] = {
    "tune": frozenset({"catalogue"}),
    "claude": _MODEL,
    "openai": _MODEL,
    "ollama": _MODEL,
    "command": frozenset({"command", "provider", "timeout"}),
    "portfolio": frozenset({"arms"}),
}
KEYLESS = frozenset({"perturb", "search", "tune", "repair"})  # who can be the control arm of a portfolio
_NEEDED = {"command": "command", "portfolio": "arms"}


class Proposing:
    """Reads the proposer of one target.yaml."""

    def __init__(self, config: ConfigFile, paths: Paths) -> None:
        self.config, self.paths = config, paths
        self.entry: Mapping[str, Any] = config.data.get("proposer", {})
        self.kind: str = self.entry.get("kind", "")

    def catalogue(self) -> str | None:
        """What the proposer `tune` chooses from. Like `program` it proposes and judges nothing: it is not locked."""
        return self._catalogue(self.entry, "/proposer")

    def catalogues(self) -> set[str]:
        """Every file that proposers choose from, those of arms too."""
        found = (entry.get("catalogue") for entry in (self.options().get("arms", ())))
        return {path for path in (self.catalogue(), *found) if path}

    def options(self) -> dict[str, Any]:
        """What it says beside its kind. Raises ConfigErrors for options of other kinds."""
        with Faults() as faults:
            faults.found += self._misplaced(self.entry, self.kind, "/proposer")
            for index, arm in enumerate(self.entry.get("arms", ())):
                faults.found += self._misplaced(arm, arm["kind"], f"/proposer/arms/{index}")
            faults.found += self._uncontrolled()
        mine = OPTIONS.get(self.kind, frozenset()) - {"catalogue"}
        found = {key: value for key, value in self.entry.items() if key in mine}
        if "arms" in found:
            found["arms"] = [self._arm(index, arm) for index, arm in enumerate(found["arms"])]
        return found

    def _arm(self, index: int, arm: Mapping[str, Any]) -> dict[str, Any]:
        """An arm with its catalogue as a path from the repository's root."""
        catalogue = self._catalogue(arm, f"/proposer/arms/{index}")
        return {**arm, "catalogue": catalogue} if catalogue else dict(arm)

    def _catalogue(self, entry: Mapping[str, Any], pointer: str) -> str | None:
        if entry.get("kind") != "tune" or ("catalogue" not in entry and self._marked()):
            return None
        return self.paths.existing(f"{pointer}/catalogue", entry.get("catalogue", "catalogue.yaml"))

    def _marked(self) -> bool:
        """Whether constants of a Python file are marked, where there is no catalogue."""
        return str(self.config.data["file"]).endswith(".py") and not self.paths.beside("catalogue.yaml")

    def _misplaced(self, entry: Mapping[str, Any], kind: str, pointer: str) -> Iterator[ConfigError]:
        """Options of other kinds; those that the repository's defaults say for another kind are passed over."""
        for key in entry.keys() - OPTIONS.get(kind, frozenset()) - {"kind"}:
            if f"{pointer}/{key}" in self.config.document.spans:
                homes = [name for name, keys in OPTIONS.items() if key in keys]
                what = f"belongs to the proposer {' or '.join(homes)}, not {kind}"
                yield self.config.error(f"{pointer}/{key}", what, at_key=True)
        needed = _NEEDED.get(kind)
        if needed and needed not in entry:
            yield self.config.error(pointer, f'the proposer {kind} needs the key "{needed}"')

    def _uncontrolled(self) -> Iterator[ConfigError]:
        """A portfolio that has nothing to compare its models with."""
        arms = self.entry.get("arms", ())
        if self.kind == "portfolio" and arms and not any(arm["kind"] in KEYLESS for arm in arms):
            what = f"no arm does without a key: one is the control, of the kind {' or '.join(sorted(KEYLESS))}"
            yield self.config.error("/proposer/arms", what, next_step="- {kind: search}, as one more arm")


def kinds(data: Mapping[str, Any], usual: str | None = None) -> list[str]:
    """Every kind of proposer that takes part, arms included."""
    entry = data.get("proposer", {})
    kind = entry.get("kind", usual)
    arms = [arm["kind"] for arm in entry.get("arms", ())] if kind == "portfolio" else []
    return [kind, *arms] if kind else []
