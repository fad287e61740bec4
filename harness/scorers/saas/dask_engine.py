"""The parts of a table added up by workers of dask.distributed: processes on this machine, or those of a scheduler.

A worker reads the rows of its part itself. One that dies loses nothing: its parts are given to the others, and since
sums of whole numbers do not depend on who adds them, the result is the same. With every answer a worker says by which
harness and on which table it was computed; one that is not by ours, on ours, is refused.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import logging
import os
import pickle
import tempfile
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import lock
from harness.errors import AutoresearchError, EvaluatorError, IntegrityError
from harness.scorers.saas.columns import OnDask
from harness.scorers.saas.engine import Tallies, Work
from harness.scorers.saas.scorer import Scorer

_PATIENCE = 20  # seconds for a scheduler or a first worker to answer
_QUIET = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.terminate": False,
}


@dataclass(frozen=True)
class Answer:
    """harness, table: SHA-256 of what the outcome was computed by, and on."""

    harness: str
    table: str
    outcome: Tallies | AutoresearchError


class Dask:
    """An engine; its workers are started with the first batch, and end with this process."""

    def __init__(self, asked: OnDask) -> None:
        """Raises EvaluatorError where the library is not installed."""
        self._asked = asked
        self._distributed = _library()
        self._closing = contextlib.ExitStack()

    def each(self, scorer: Scorer, work: Work) -> Iterator[Tallies]:
        """As `Engine.each`. No more parts are under way than keep every worker busy."""
        store, client = scorer.store(work.split), self.client
        source = pickle.dumps((scorer.folder, scorer.columns, work.split, store.values))
        ours = (lock.harness_hash(), _sha256(store.path))
        ahead = 2 * max(len(client.ncores()), 1)
        waiting: deque[Any] = deque()
        try:
            for part in range(len(store.parts)):
                waiting.append(client.submit(added_up, source, work, part, pure=False))
                if len(waiting) > ahead:
                    yield self._received(waiting.popleft(), ours)
            while waiting:
                yield self._received(waiting.popleft(), ours)
        finally:
            for future in waiting:
                future.release()

    def _received(self, future: Any, ours: tuple[str, str]) -> Tallies:
        try:
            answer: Answer = future.result()
        except (self._distributed.KilledWorker, CancelledError, OSError) as error:
            raise EvaluatorError(
                f"a part of the table could not be added up: {str(error)[:200]}",
                why="its worker ended several times over, most likely for want of memory, or the scheduler is gone",
                next_step="fewer workers, as in engine: {dask: 1}, or smaller row groups",
            ) from None
        if (answer.harness, answer.table) != ours:
            what = "harness" if answer.harness != ours[0] else "table"
            raise IntegrityError(
                f"a worker of dask has another {what} than the evaluator",
                next_step="give the workers the same installation and the same files, under the same paths",
            )
        if isinstance(answer.outcome, AutoresearchError):
            raise answer.outcome
        return answer.outcome

    @functools.cached_property
    def client(self) -> Any:
        """Connected, with a worker at least. Raises EvaluatorError."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        atexit.register(self.close)
        import dask

        scratch = self._closing.enter_context(tempfile.TemporaryDirectory(prefix="autoresearch-dask-"))
        self._closing.enter_context(dask.config.set({**_QUIET, "temporary-directory": scratch}))
        where: Any = self._asked.scheduler or self._own_cluster()
        try:
            client = self._closing.enter_context(self._distributed.Client(where, timeout=_PATIENCE))
            client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, TimeoutError) as error:
            raise EvaluatorError(
                f"dask: {self._asked.scheduler or 'its own workers'}: {str(error)[:200]}",
                why="under `autoresearch night` an evaluator has no network but its own loopback",
                next_step="engine: dask starts workers beside the evaluator, which need none",
            ) from None
        return client

    def _own_cluster(self) -> Any:
        """Encrypted, so that no other user of the machine can hand work to it."""
        with warnings.catch_warnings(action="ignore"):  # a port that is taken; nothing is served there
            cluster = self._distributed.LocalCluster(
                n_workers=self._asked.workers or os.cpu_count(), threads_per_worker=1, processes=True, host="127.0.0.1",
                dashboard_address=None, security=True, memory_limit=None,
                silence_logs=logging.CRITICAL,
            )  # fmt: skip
        return self._closing.enter_context(cluster)

    def close(self) -> None:
        """Ends the workers that this process started."""
        self._closing.close()


def added_up(source: bytes, work: Work, part: int) -> Answer:
    """What a worker does. source: a folder, its columns, a split and the values of its segments, pickled."""
    try:
        scorer, table = _opened(source)
        outcome: Tallies | AutoresearchError = scorer.tallies(work, part)
    except AutoresearchError as error:
        table, outcome = _sha256(_path(source)), error
    return Answer(lock.harness_hash(), table, outcome)


@functools.lru_cache(maxsize=2)  # of the search and of the holdout
def _opened(source: bytes) -> tuple[Scorer, str]:
    folder, columns, split, values = pickle.loads(source)  # noqa: S301  the evaluator's own
    scorer = Scorer(folder, columns)
    return scorer, _sha256(scorer.store(split, values).path)


def _path(source: bytes) -> Path:
    folder, columns, split, _values = pickle.loads(source)  # noqa: S301
    return Path(folder, columns.tables[split])


@functools.cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _library() -> Any:
    try:
        import cryptography  # noqa: F401
        import distributed
    except ImportError as error:
        raise EvaluatorError(
            "columns.yaml asks for the engine dask, which cannot be imported",
            why=str(error)[:200],
            next_step="pip install 'autoresearch-bot[dask]', or take `engine` out of columns.yaml",
        ) from None
    return distributed
