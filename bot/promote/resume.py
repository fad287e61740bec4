"""`promote resume`: a human lets nights start again on a target whose merges gained less than was claimed."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import harness
from bot import config, records
from bot.night.header import machine
from bot.promote import chain, folds
from bot.promote.plan import header, locked_at
from harness.errors import NotFound
from harness.events import SegmentWriter
from harness.handover.promotions import RESUMED, VERB
from harness.repository import CommitSource, Repository


def resume(repository: Repository, name: str) -> str:
    """Records it; why the target was paused. Raises NotFound where it is not."""
    commit = repository.commit()
    target = config.load_targets(CommitSource(repository, commit), [name])[0]
    locked, known = locked_at(repository, target, commit), chain.read(repository, name)
    why = folds.paused(known.segments, locked.id)
    if not why:
        raise NotFound(f"{name} is not paused", next_step=f"autoresearch night {name}")
    now = int(time.time())
    with tempfile.TemporaryDirectory(prefix="autoresearch-resume-") as folder:
        said = {**header(target, commit, locked), "version": harness.__version__, "machine": machine(target), "at": now}
        writer = SegmentWriter(Path(folder), known.next_name, known.previous, {"verb": VERB, **said})
        writer.seal(RESUMED, why=why)
        content = (Path(folder) / f"{known.next_name}.jsonl").read_bytes()
    records.append(repository, {f"{name}/{known.next_name}.jsonl": content}, f"Resume {name}\n", now)
    return why
