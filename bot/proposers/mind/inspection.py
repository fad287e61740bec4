"""Whether what a model answered is a candidate: what is wrong with it is said in words that help it correct it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.models.redaction import REMOVED
from bot.proposers import Request
from bot.proposers.mind import answer, edits, novelty
from bot.proposers.mind.edits import Form
from bot.proposers.mind.novelty import Discarded
from bot.proposers.mind.wrong import Wrong
from harness.admission import Admission, Refused
from harness.documents import canonical_id
from harness.errors import InvalidCandidate
from harness.target import Target


class NearRepeat(Wrong):
    """It can be measured, and was nearly measured before."""


class Inspection:
    """Of one target. base: the night's file; most: bytes that a candidate may have."""

    def __init__(self, target: Target, base: bytes, form: Form, most: int) -> None:
        self._target, self._base, self._form, self._most = target, base, form, most
        self._admission = Admission(target, base, lambda _content: "")

    def content(self, value: Mapping[str, Any], request: Request, also: Collection[str] = ()) -> bytes:
        """The candidate. also: canonical ids not to repeat beside the request's. Raises Wrong."""
        idea = answer.read(value)
        if not idea.hypothesis.strip():
            raise Wrong("hypothesis is empty")
        try:
            new = edits.apply(self._form, idea.edits, request.incumbent, self._target.file, self._base)
        except RecursionError:
            raise Wrong("the edits are nested too deeply") from None
        if new.count(REMOVED.encode()) > request.incumbent.count(REMOVED.encode()):
            raise Wrong(
                f"the file would say {REMOVED}: that stands where something like a secret was kept from you, and only "
                "edits that leave it where it is can keep it"
            )
        if len(new) > self._most:
            raise Wrong(f"the file would have {len(new):,} bytes; at most {self._most:,} are allowed")
        if new == request.incumbent:
            raise Wrong("the edits change nothing")
        judged = self._admission.judge(new)
        if isinstance(judged, Refused):
            raise Wrong(judged.why)
        if judged.canon == self._canonical(request.incumbent):
            raise Wrong("the edits change nothing that counts, as comments, spacing or spelling")
        if judged.canon in request.tried or judged.canon in also:
            raise Wrong("the file would be exactly one that was measured before")
        return new

    def canonical(self, content: bytes) -> str:
        return self._canonical(content)

    def _canonical(self, content: bytes) -> str:
        try:
            return canonical_id(content, self._target.file)
        except InvalidCandidate:
            return ""

    def is_new(self, new: bytes, incumbent: bytes, discarded: list[Discarded]) -> None:
        """Raises NearRepeat."""
        found = novelty.nearest(novelty.change(incumbent, new, self._target.file), discarded)
        if found:
            raise NearRepeat(
                f"this nearly repeats experiment {found.number}, which was discarded ({found.why}). Propose something "
                "else; or, if there is a reason why it should work now, propose it again and say the reason"
            )
