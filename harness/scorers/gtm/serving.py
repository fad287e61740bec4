"""The evaluator of a container target: `gtm.serve("declared.yaml")` is all that its evaluate.py has to say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from harness import evaluator
from harness.errors import AutoresearchError, InvalidCandidate
from harness.evaluator import Crash, Scores
from harness.scorers.gtm.audit import audit_of
from harness.scorers.gtm.container import Container, read
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.declaring import declared_from
from harness.scorers.gtm.scoring import Scored, score_of
from harness.scorers.gtm.view import View


def serve(file: str) -> None:
    """Answers batches until the harness closes standard input. file: the declared.yaml beside the evaluator."""
    here = Path(sys.argv[0]).resolve().parent
    try:
        declared = declared_from(lambda name: (here / name).read_bytes(), file)
    except OSError as error:
        raise SystemExit(f"{file}: cannot be read: {error.strerror}") from None
    except AutoresearchError as error:
        raise SystemExit(" ".join(str(error).split())) from None  # its last line is all that the harness quotes
    evaluator.serve(Serving(declared).score)


class Serving:
    """Scores containers. Nothing is held out: of a file there is no second sample."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._before: Container | None = None

    def score(self, request: evaluator.Request) -> list[Scores | Crash]:
        """One result per item of the request, in its order."""
        return [self._one(item.path.read_bytes()) for item in request.items]

    def _one(self, content: bytes) -> Scores | Crash:
        try:
            return self.measure(content)
        except InvalidCandidate as invalid:
            return Crash(" ".join(str(invalid).split())[:2000])
        except RecursionError:
            return Crash("the container is nested too deeply")

    def measure(self, content: bytes) -> Scores:
        """metrics: total; the nine dimensions, 0 where one is left out, so that making one unjudgeable never pays;
        audit_findings, the weight of the audit; issues, of which notes that cost nothing are none. parts: the
        dimensions that were judged. Raises InvalidCandidate."""
        self._before = read(content, "container.json", self._before)
        view = View(self._before, self._declared)
        scored, audited = score_of(view), audit_of(view)
        nine = {one.name: one.score for one in scored.dimensions}
        metrics = {
            "total": scored.total,
            **{name: value or 0.0 for name, value in nine.items()},
            "audit_findings": float(audited.weight),
            "issues": float(sum(issue.severity != "info" for issue in scored.issues)),
        }
        parts = {name: value for name, value in nine.items() if value is not None}
        return Scores(metrics, parts, notes=tuple(_not_judged(scored)))


def _not_judged(scored: Scored) -> Iterator[str]:
    """What the score says nothing of, and why."""
    for one in scored.dimensions:
        if one.score is None:
            yield f"{one.name.replace('_', ' ')} is left out: {one.why}"
    for left in scored.not_judged:
        yield f"{left.what}: {left.why}"


__all__ = ["Serving", "declared_from", "serve"]
