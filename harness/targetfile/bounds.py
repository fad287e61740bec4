"""The policy that a target.yaml names: what else a candidate must hold to. So far there is one kind, for containers."""

from __future__ import annotations

from collections.abc import Collection

from harness.complaints import show
from harness.configfile import ConfigFile
from harness.errors import InvalidCandidate
from harness.repository import Source
from harness.scorers.gtm import policy
from harness.scorers.gtm.container import read as container_of
from harness.target import Policy
from harness.targetfile.paths import Paths

KEY = "/policy"


class Bounds:
    """Reads the key `policy` of one target.yaml."""

    def __init__(self, config: ConfigFile, paths: Paths) -> None:
        self._config, self._paths = config, paths

    def read(self, source: Source, file: str, others: Collection[str | None]) -> tuple[tuple[str, ...], Policy | None]:
        """What is locked for it, and the policy; nothing where there is none. others: what judges nobody, as it is
        hidden or read by proposers alone.

        Raises ConfigErrors for the policy, and for a file that none can be held against.
        """
        written = self._config.data.get("policy")
        if written is None:
            return (), None
        path = self._paths.existing(KEY, written)
        if path == file or path in others:
            role = "the editable file" if path == file else "hidden, or read by proposers alone"
            raise self._config.error(KEY, f"{show(written)} is {role}; what judges everybody is a file of its own")
        contents = source.read([file, path])
        try:
            container = container_of(contents[file], file)
        except InvalidCandidate as invalid:
            what = f"is for containers of Tag Manager: {invalid.what}"
            raise self._config.error(KEY, what, next_step="space says what may change in other data") from None
        return (path,), policy.read(contents[path], path, container)
