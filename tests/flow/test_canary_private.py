"""Private mode, searched: canary accounts are looked for in everything that the commands leave and say.

The same scenario runs on a target that is not private: there the same search finds them, place by place.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from bot import proposers
from bot.new.table.split import held_out
from bot.night.folder import nights
from bot.night.loop.recollection import told_before
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Proposer, Request, Told
from harness.repository import CommitSource, Repository
from tests.leaks import found_in, in_folder, in_git, spelled
from tests.support import autoresearch, git, make_repository

FOLDER = "targets/experiments/health"
SEARCHED, HELD = (
    next(f"canary-Kq7Zp9Xw{n}" for n in count() if held_out(f"canary-Kq7Zp9Xw{n}", 30) == side)
    for side in (False, True)
)
PLAN, SEATS, REVENUE = "Jv3WmTq8Rn", 918273645.5, 981234567.89
NEEDLES = spelled([SEARCHED, HELD, PLAN], [SEATS, REVENUE])
AS_OF = "as_of: {features: 2025-01-31, outcomes: 2025-06-30}\n"
LATER = ("--features-as-of", "2025-07-01", "--outcomes-as-of", "2025-12-31", "--most-moved", "1")

# Tells what it should not wherever it can: output, errors, parts, other metrics, refusals and its last words.
LEAKY = """
import csv, sys
from pathlib import Path
from harness import evaluator
from harness.documents import load
from harness.evaluator import Crash, Scores
from harness.scorers.saas import columns
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.serving import Serving, declared

HERE = Path(__file__).resolve().parent
serving = Serving(Scorer(HERE, columns.load(HERE / "columns.yaml")), declared(HERE / "target.yaml"))
tables = (HERE / name for name in serving.scorer.columns.tables.values())
rows = [row for path in tables if path.exists() for row in csv.DictReader(path.open()) if "canary" in row["account_id"]]
ID = rows[0]["account_id"]
print(rows)


def score(request):
    print(rows, file=sys.stderr)
    if request.split == "holdout":
        raise ValueError(rows)
    results = serving.score(request)
    for number, item in enumerate(request.items):
        weight = load(item.path)["weights"]["days_active"]
        if weight % 4 == 3:
            results[number] = Crash(f"cannot rate {rows}")
        elif weight % 8 == 2:  # each costs an evaluator
            raise ValueError(rows)
        elif isinstance(results[number], Scores):
            found = results[number]
            told = {ID: float(rows[0]["mrr"])}
            results[number] = Scores({**found.metrics, **told}, told, found.rows)
    return results


evaluator.serve(score)
"""
BROKEN = """
import csv
from pathlib import Path

tables = Path(__file__).resolve().parent.glob("*/*.csv")
raise ValueError([row for path in tables for row in csv.reader(path.open()) if "canary" in row[0]])
"""


def table(seed: int) -> str:
    """600 accounts and a canary on either side of the split, each alone in its group of a segment."""
    chance = np.random.default_rng(seed)
    days, seats, start = chance.integers(0, 31, 600), chance.integers(1, 60, 600), chance.integers(100, 900, 600)
    stayed = (chance.random(600) < 1 / (1 + np.exp(1.5 - days / 10))).astype(int)
    rows = [
        f"a{n},{days[n]},{seats[n]},{('basic', 'plus')[n % 2]},{start[n]},{start[n] * stayed[n]},{stayed[n]}"
        for n in range(600)
    ]
    for name in (SEARCHED, HELD):
        rows.insert(300, f"{name},30,{SEATS},{PLAN},{REVENUE},{REVENUE},1")
    return "\n".join(["account_id,days_active,seats,plan,mrr,mrr_6mo,retained", *rows]) + "\n"


@dataclass
class Scene:
    """A repository, the table of rows outside it, and everything that was said."""

    repository: Repository
    table: Path
    said: dict[str, str] = field(default_factory=dict)

    def does(self, label: str, *arguments: str, code: int = 0) -> str:
        done = autoresearch(self.repository, *arguments)
        assert done.returncode == code, (label, done.stdout, done.stderr)
        self.said[label] = done.stdout + done.stderr
        return self.said[label]

    def all_at_once(self, commands: Mapping[str, Sequence[str]], code: int = 0) -> None:
        """Commands that do not wait for one another, by their labels."""
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(lambda label: self.does(label, *commands[label], code=code), commands))

    def commits(self, message: str, **files: str) -> None:
        for name, content in files.items():
            (self.repository.root / FOLDER / name.replace("_", ".")).write_text(content)
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", message)

    def text(self, name: str) -> str:
        return (self.repository.root / FOLDER / name).read_text()


def begun(folder: Path, *, private: bool) -> Scene:
    """With a target, as `new` writes it and a user commits it."""
    path = folder / "crm" / "accounts.csv"
    path.parent.mkdir(parents=True)
    path.write_text(table(3))
    scene = Scene(make_repository(folder, {}), path)
    new = ("new", "health", "--data", str(path), *(["--private"] if private else []))
    scene.does("dry", *new, "--dry-run")
    scene.does("new", *new)
    (scene.repository.root / FOLDER / "columns.yaml").write_text(scene.text("columns.yaml") + AS_OF)
    scene.does("setup", "setup", "health")
    scene.commits("Add health")
    return scene


def leaked(scene: Scene) -> None:
    """A night whose evaluator tells all that it can, then one that cannot even begin."""
    scene.commits("Leak", evaluate_py=LEAKY)
    scene.does("leaky check", "check", code=4)
    scene.does("leaky night", "night", "--experiments", "12", "--seed", "2", "--new")
    log = ("log", nights(scene.repository)[-1].name, "--json")
    scene.all_at_once({"leaky page": ("report",), "leaky log": log})
    crashed = next(n for n, line in enumerate(scene.said["leaky log"].splitlines(), start=1) if '"crash"' in line)
    scene.does("leaky reproduce", "reproduce", f"{nights(scene.repository)[-1].name}/health/{crashed}")
    scene.commits("Break", evaluate_py=BROKEN)
    night = ("night", "--experiments", "5", "--new")
    scene.all_at_once({"broken check": ("check",), "broken night": night}, code=4)


@pytest.fixture(scope="module", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
            patch.setenv(name, str(folder))
        yield folder


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Scene]:
    """By whether the target is private."""
    return {private: begun(tmp_path_factory.mktemp("started"), private=private) for private in (True, False)}


def another(scene: Scene, folder: Path) -> Scene:
    """The same as it stands; its table stays where it is."""
    root = shutil.copytree(scene.repository.root, folder / "repository", symlinks=True)
    return Scene(Repository.find(root), scene.table, dict(scene.said))


@pytest.fixture(scope="module")
def scene(started: Mapping[bool, Scene], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """After everything that a user could run."""
    scene = another(started[True], tmp_path_factory.mktemp("private"))
    scene.all_at_once({"check": ("check",), "check --json": ("check", "--json")})
    night = scene.does("night", "night", "--experiments", "80", "--seed", "1")
    assert "on held-out rows" in night
    looked_at(scene, nights(scene.repository)[-1].name)
    unlike(scene)
    leaked(scene)
    return scene


def looked_at(scene: Scene, night: str) -> None:
    """By every command that reads a night."""
    later = scene.table.with_name("later.csv")
    later.write_text(table(4))
    refresh = ("refresh", "health", "--later", str(later), *LATER)
    scene.all_at_once(
        {
            "review": ("report", "health", "--out", "review"),
            "page": ("report", "--out", "page"),
            "report": ("report",),
            "report --json": ("report", "--json"),
            "log": ("log",),
            "log of the night": ("log", night, "--json"),
            "verify": ("log", "--verify"),
            "reproduce": ("reproduce", f"{night}/health/1"),
            "reproduce a row": ("reproduce", f"{night}/health#head", "--json"),
            "audit": ("audit", "health", "--null", "3"),
            "refresh": refresh,
            "refresh outside": (*refresh, "--into", str(later.parent / "o")),
        }
    )


def unlike(scene: Scene) -> None:
    """Tables that cannot be read, or not meant: the canary is what is wrong with them."""
    wrong = {
        "twice": (f"\n{SEARCHED},30,", f"\n{HELD},30,"),
        "ragged": (f"\n{SEARCHED},30,", f"\n{SEARCHED},extra,30,"),
        "no number": (f"\n{SEARCHED},30,{SEATS}", f"\n{SEARCHED},30,{SEATS} {PLAN}"),
        "no label": (f"{REVENUE},1\n", f"{REVENUE},{REVENUE}\n"),
        "negative": (f",{REVENUE},{REVENUE}", f",-{REVENUE},{REVENUE}"),
        "dressed": (f",{REVENUE},{REVENUE}", f',"${REVENUE:,.2f}",{REVENUE}'),
    }
    new, refresh = {}, {}
    for label, (before, after) in wrong.items():
        path = scene.table.with_name(f"{label.replace(' ', '-')}.csv")
        path.write_text(table(3).replace(before, after))
        assert path.read_text() != table(3)
        new[f"new: {label}"] = ("new", "other", "--data", str(path), "--private")
        into = str(scene.table.parent / label)
        refresh[f"refresh: {label}"] = ("refresh", "health", "--later", str(path), *LATER, "--into", into)
    twice = "refresh: twice"
    scene.all_at_once({**new, twice: refresh.pop(twice)}, code=3)
    scene.all_at_once(refresh, code=4)


def test_every_command_was_heard(scene: Scene) -> None:
    assert len(scene.said) > 30
    assert "--private does not show" in scene.said["new: twice"]
    assert "accounts stand twice" in scene.said["refresh: twice"]


def test_nothing_that_was_said_quotes_a_canary(scene: Scene) -> None:
    assert {label: found for label, text in scene.said.items() if (found := found_in(text.encode(), NEEDLES))} == {}


def test_no_git_object_holds_a_canary(scene: Scene) -> None:
    assert in_git(scene.repository, NEEDLES) == {}
    git(scene.repository, "gc", "--quiet")
    assert in_git(scene.repository, NEEDLES) == {}


def test_no_file_holds_a_canary_but_where_private_rows_lie(scene: Scene) -> None:
    """Events, packs, plans, pages, charts and refreshes lie below `state`, the working tree beside it."""
    root, private = scene.repository.root, scene.repository.private
    names = {path.name for path in scene.repository.state.rglob("*")}
    assert {"plan.json", "pull-request.md", "report.html", "manifest.json"} <= names
    assert any(name.endswith(".png") for name in names)
    assert any(name.endswith("-confirm.jsonl") for name in names)
    assert in_folder(root, NEEDLES, [private]) == {}
    assert (root / "review" / "worth.png").is_file()
    assert (root / "page").is_dir()
    assert in_folder(private, NEEDLES), "this is where they lie"
    assert private.stat().st_mode & 0o77 == 0, "and nobody else may look"


def test_nothing_is_left_in_temporary_folders(scene: Scene, temporary: Path) -> None:
    assert in_folder(temporary, NEEDLES) == {}
    assert not list((scene.repository.private / "scratch").rglob("*.csv"))


def test_single_accounts_are_written_only_where_a_human_asked(scene: Scene) -> None:
    (folder,) = (scene.repository.state / "refresh").iterdir()
    assert not (folder / "accounts.csv").exists()
    assert "single accounts only with `--into`" in (folder / "report.md").read_text()
    outside = scene.table.with_name("o")
    assert SEARCHED in (outside / "accounts.csv").read_text()
    page = (folder / "report.md").read_text()
    assert "plan: groups of fewer than 5 accounts" in page
    assert "plan: basic" in page


def test_what_the_evaluator_says_of_a_crash_is_not_kept(scene: Scene) -> None:
    said = scene.said["leaky log"]
    for kind in ("refused", "exit"):
        assert f'"{kind}"' in said, "the evaluator did crash that way"
    assert "not kept, because the rows are private" in said
    assert "to see it, and rows with it: cd targets/experiments/health" in scene.said["broken check"]


class Recording:
    """A proposer that writes down all that it is given."""

    def __init__(self, inner: Proposer) -> None:
        self.inner, self.given = inner, list[object]()
        self.worst_case_usd, self.steady = inner.worst_case_usd, inner.steady

    def ask(self, request: Request) -> list[Proposal]:
        self.given.append(request)
        return self.inner.ask(request)

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.given += outcomes
        self.inner.tell(outcomes)

    def recall(self, told: Iterable[Told]) -> None:
        self.given += list(told)


def prompts(scene: Scene) -> bytes:
    """What a proposer is given in a night of the leaky evaluator, and what it would be given as that one goes on."""
    scene.commits("Leak once more", evaluate_py=LEAKY)
    night, _ = plan(scene.repository, Wishes(experiments=12, seed=5))
    (target,) = targets_of(night)
    recording = Recording(proposers.make(target, 5, CommitSource(scene.repository, night.plan.base)))
    run(night, target, quiet=True, proposer=recording)
    given = [*recording.given, *told_before(night, target.name)]
    assert any(isinstance(one, Outcome) and one.status == "crash" for one in given)
    assert len(given) > 25
    return repr(given).encode()


def test_a_proposer_is_given_no_canary(scene: Scene) -> None:
    assert found_in(prompts(scene), NEEDLES) == set()


def test_a_killed_night_leaves_rows_only_where_they_may_lie(started: Mapping[bool, Scene], tmp_path: Path) -> None:
    scene = another(started[True], tmp_path)
    command = [sys.executable, "-m", "bot.cli", "night", "--experiments", "100000", "--quiet"]
    process = subprocess.Popen(command, cwd=scene.repository.root, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    scratch = scene.repository.private / "scratch"
    deadline = time.monotonic() + 300
    while not list(scratch.rglob("search.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert in_folder(scratch, NEEDLES), "it was killed while it read them"
    assert in_folder(scene.repository.root, NEEDLES, [scene.repository.private]) == {}
    scene.does("night", "plan", "--experiments", "3")
    shutil.rmtree(scratch)


def test_a_setup_that_quotes_rows_is_not_quoted(started: Mapping[bool, Scene], tmp_path: Path) -> None:
    scene = another(started[True], tmp_path)
    (scene.repository.root / FOLDER / "prepare.py").write_text(
        "import os\nraise SystemExit(open(os.environ['AUTORESEARCH_PRIVATE_DATA']).read()[-40000:])\n"
    )
    said = scene.does("broken setup", "setup", "health", "--write-lock", code=4)
    assert found_in(said.encode(), NEEDLES) == set()
    assert "by hand: cd targets/experiments/health && python prepare.py" in said


def test_rows_in_the_repository_are_not_private(started: Mapping[bool, Scene], tmp_path: Path) -> None:
    scene = another(started[False], tmp_path)
    target = scene.repository.root / FOLDER / "target.yaml"
    text = target.read_text().replace("data: {hidden", "data: {private: true, hidden")
    target.write_text(text.replace("evaluate:", "evaluate:\n  setup: [python, evaluate.py]"))
    said = scene.does("check", "check", code=3)
    assert "data.private is for rows that are not" in said


def test_the_same_search_finds_all_of_it_where_nothing_is_private(
    started: Mapping[bool, Scene], tmp_path: Path
) -> None:
    """The control: each place that is clean above is one that a canary can reach."""
    scene = another(started[False], tmp_path)
    leaked(scene)
    for label in ("broken check", "broken night", "leaky log", "leaky page"):
        assert found_in(scene.said[label].encode(), NEEDLES), label
    objects = in_git(scene.repository, NEEDLES)
    assert len(objects) > 2, "the tables, and what was recorded of the night"
    files = in_folder(scene.repository.root, NEEDLES)
    assert any(name.endswith("-run.jsonl") for name in files), files
    assert any(name.endswith("README.md") for name in files), "a group of one is named where the guard is explained"
    assert found_in(prompts(scene), NEEDLES)
