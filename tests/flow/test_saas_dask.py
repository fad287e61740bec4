"""The engine dask: the same numbers as one process, whoever dies in between, and nothing left behind."""

from __future__ import annotations

import builtins
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import distributed
import pyarrow.csv
import pyarrow.parquet
import pytest

from bot.night.folder import nights
from harness import lock
from harness.errors import EvaluatorError, IntegrityError, InvalidCandidate
from harness.repository import Repository
from harness.scorers.saas.columns import OnDask
from harness.scorers.saas.dask_engine import Dask
from harness.scorers.saas.engine import Work
from harness.scorers.saas.scorer import Scorer
from tests import scoring
from tests.benchmarks.soak.processes import alive, wait_for
from tests.saas_slowly import Account, Sheet, columns_of, some_accounts, write
from tests.support import autoresearch, make_repository

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS, SHEETS = some_accounts(600), [Sheet([2, 1]), Sheet([-5, 25]), Sheet([0, 0])]
SPECS = [sheet.spec() for sheet in SHEETS]
TIMES = {"seconds", "elapsed", "chain", "lock", "seal"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of twelve row groups."""
    found = tmp_path_factory.mktemp("accounts")
    write(found / "a.parquet", ACCOUNTS, group=50)
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Dask]:
    with closing(Dask(OnDask(workers=2))) as found:
        yield found


def scorer(folder: Path, engine: Dask | None = None) -> Scorer:
    return Scorer(folder, columns_of(ACCOUNTS, SHEETS[0], "a.parquet", "a.parquet"), engine)


def pids(engine: Dask) -> set[int]:
    return set(engine.client.run(os.getpid).values())


def test_a_batch_is_that_of_one_process(folder: Path, engine: Dask) -> None:
    here, there = scorer(folder), scorer(folder, engine)
    assert there.measure(SPECS, "search") == here.measure(SPECS, "search")
    for name in ("auc_roc_retain", "revenue_capture_at_20", "nrr.A"):
        assert there.primary(SPECS, "search", name) == here.primary(SPECS, "search", name)
    assert there.rows(SPECS[0], "holdout", ["auc_roc_retain"]) == here.rows(SPECS[0], "holdout", ["auc_roc_retain"])
    assert len(pids(engine) - {os.getpid()}) == 2
    assert engine.client.scheduler.address.startswith("tls://127.0.0.1:")


@pytest.mark.parametrize("whom", ["one", "all"])
def test_a_worker_killed_in_mid_batch_loses_nothing(folder: Path, engine: Dask, whom: str) -> None:
    whole, there, work = scorer(folder), scorer(folder, engine), Work(SPECS, "search")
    expected = [whole.tallies(work, part) for part in range(12)]
    before, parts = pids(engine), engine.each(there, work)
    found = [next(parts)]
    for pid in list(before)[: 1 if whom == "one" else 2]:
        os.kill(pid, signal.SIGKILL)
    found += parts
    assert len(found) == 12
    for one, other in zip(found, expected, strict=True):
        for tally, same in zip(itertools.chain(*one), itertools.chain(*other), strict=True):
            assert (tally.index, tally.points.tolist()) == (same.index, same.points.tolist())
            assert {n: sums.tolist() for n, sums in tally.curves.items()} == {
                n: sums.tolist() for n, sums in same.curves.items()
            }
            assert tally.tiers.tolist() == same.tiers.tolist()
    wait_for(lambda: len(engine.client.ncores()) == 2, "no worker took the place of the killed one")
    assert len(pids(engine) & before) == (1 if whom == "one" else 0)
    assert there.measure(SPECS, "search") == whole.measure(SPECS, "search")


def test_what_is_wrong_is_said_as_in_one_process(tmp_path: Path, engine: Dask) -> None:
    """By the first part that is wrong, whichever worker was done first."""
    wide = [Account((n,), {"retained": n % 2}) for n in (10, 20, 150, 30, 180, 190)]
    write(tmp_path / "a.parquet", wide, group=2)
    known = columns_of(wide, Sheet([1]), "a.parquet")
    for where in (None, engine):
        with pytest.raises(InvalidCandidate, match=r"f0 runs from 0\.3 to 1\.5"):
            Scorer(tmp_path, known, where).measure([Sheet([1]).spec()], "search")
    broken = pyarrow.parquet.read_table(tmp_path / "a.parquet").set_column(2, "retained", [[1, 0, 1, 2, 0, 3]])
    pyarrow.parquet.write_table(broken, tmp_path / "a.parquet", row_group_size=2)
    (tmp_path / "a.parquet").rename(tmp_path / "b.parquet")
    known = columns_of(wide, Sheet([1]), "b.parquet")
    for where in (None, engine):
        with pytest.raises(EvaluatorError, match=r"b\.parquet: retained is neither 0 nor 1 in 1 rows, first in row 4"):
            Scorer(tmp_path, known, where).measure([Sheet([1]).spec()], "search")


def test_a_worker_with_another_harness_is_refused(folder: Path, engine: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "harness_hash", lambda: "another")
    with pytest.raises(IntegrityError, match="a worker of dask has another harness than the evaluator"):
        scorer(folder, engine).measure(SPECS, "search")


def test_a_worker_with_another_table_is_refused(tmp_path: Path, engine: Dask) -> None:
    """It read the table before somebody changed it."""
    write(tmp_path / "a.parquet", ACCOUNTS[:50])
    engine.client.run(_look, tmp_path / "a.parquet")
    write(tmp_path / "a.parquet", ACCOUNTS[:60])
    with pytest.raises(IntegrityError, match="a worker of dask has another table than the evaluator"):
        scorer(tmp_path, engine).measure(SPECS, "search")


def _look(path: Path) -> None:
    from harness.scorers.saas import dask_engine

    dask_engine._sha256(path)


def test_the_workers_of_a_scheduler_that_is_running(folder: Path) -> None:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp://", host="127.0.0.1"
    ) as cluster, closing(Dask(OnDask(scheduler=cluster.scheduler_address))) as engine:  # fmt: skip
        assert scorer(folder, engine).measure(SPECS, "search") == scorer(folder).measure(SPECS, "search")
        assert pids(engine) == {os.getpid()}


def test_no_scheduler_at_an_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.scorers.saas.dask_engine._PATIENCE", 1)
    with (
        closing(Dask(OnDask(scheduler="tcp://127.0.0.1:9"))) as engine,
        pytest.raises(EvaluatorError, match=r"dask: tcp://127\.0\.0\.1:9: .*\n.*has no network but its own loopback"),
    ):
        scorer(folder, engine).measure(SPECS, "search")


def test_without_its_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "distributed":
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluatorError, match=r"pip install 'autoresearch-bot\[dask\]'"):
        Dask(OnDask())


@pytest.mark.parametrize("kill", [True, False])
def test_nothing_is_left_of_the_workers_of_an_evaluator(tmp_path: Path, kill: bool) -> None:
    """However it ends. Its script is run again in each worker that starts, and has no guard against that."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files(tmp_path, "engine: {dask: 2}\n")
    line = {"id": 1, "split": "search", "seed": 0, "fidelity": 1, "items": [{"blob": "b", "path": "spec.yaml"}]}
    with subprocess.Popen(
        [sys.executable, "evaluate.py"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        assert "auc_roc_retain" in json.loads(process.stdout.readline())["results"][0]["metrics"]
        assert len(alive(tmp_path)) >= 3, "no workers: this test proves nothing"
        if kill:
            process.kill()
        process.stdin.close()
        process.wait(timeout=600)
        wait_for(lambda: not alive(tmp_path), "a worker outlived its evaluator")
        assert "dask" not in process.stderr.read()
    assert kill or not list(scratch.iterdir())


def files(folder: Path, engine: str) -> dict[str, bytes | str]:
    """The small target with its search in row groups, also written into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "search.csv").write_text(scoring.accounts(1))
    pyarrow.parquet.write_table(
        pyarrow.csv.read_csv(folder / "search.csv"), folder / "search.parquet", row_group_size=300
    )
    columns = scoring.COLUMNS.replace("data/search.csv", "search.parquet").replace("data/", "")
    found: dict[str, bytes | str] = {
        "target.yaml": scoring.TARGET.replace('"data/**"', "search.parquet, holdout.csv").replace("data/", ""),
        "columns.yaml": columns + engine,
        "spec.yaml": scoring.SPEC,
        "evaluate.py": 'from harness.scorers import saas\n\nsaas.serve("columns.yaml")\n',
        "search.parquet": (folder / "search.parquet").read_bytes(),
        "holdout.csv": scoring.accounts(2),
    }
    for name, content in found.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return found


def test_a_night_is_that_of_one_process(tmp_path: Path) -> None:
    told, repositories = [], []
    for name, engine in (("here", ""), ("dask", "engine: {dask: 2}\n")):
        made = files(tmp_path / f"{name}-files", engine)
        repository = make_repository(tmp_path / name, {f"{scoring.FOLDER}/{path}": made[path] for path in made})
        done = autoresearch(repository, "night", "--quiet", "-n", "40", "--seed", "3")
        assert done.returncode == 0, done.stderr
        told.append(events(repository))
        repositories.append(repository)
    assert [event["event"] for event in told[0]].count("experiment") == 40
    assert "confirm" in [event["event"] for event in told[0]]
    assert told[0] == told[1]
    wait_for(lambda: not alive(repositories[1].root), "a worker outlived the night")


def events(repository: Repository) -> list[dict[str, Any]]:
    """Every event of the only night, but for times and what names commits and locks: they follow from columns.yaml."""
    (night,) = nights(repository)
    found = [event for segment in night.segments("h") for event in segment.events]
    return [_timeless(event) for event in found if event["event"] not in {"header", "seal", "proposed"}]


def _timeless(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _timeless(value) for key, value in found.items() if key not in TIMES}
    return [_timeless(value) for value in found] if isinstance(found, list) else found
