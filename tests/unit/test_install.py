"""`install`: what it writes for which targets, what it keeps, and when it says that files are not current."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import install
from bot.install import files, lock, render
from bot.install.files import State
from bot.install.lock import LockError, _hash
from bot.install.options import GPT_LOCK_FILE, LOCK_FILE
from harness.errors import AutoresearchError, ConfigError
from harness.repository import Repository
from tests.actions import wheel
from tests.actions.repositories import (
    ARMS,
    CHOSEN,
    CODE,
    DATA,
    LONG,
    OWN,
    OWN_TRAINING,
    SEARCH,
    TRAINING,
    TUNED,
    WHEEL,
    with_targets,
)
from tests.support import autoresearch, git, write

NIGHTLY = ".github/workflows/nightly.yml"
ASK_PIP = lock._report


@pytest.fixture(autouse=True)
def _no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip says of the wheel that stands for the bot, at once. Tests that start the command ask the real one."""
    monkeypatch.setattr(lock, "_report", lambda *_: [{"metadata": {"name": "autoresearch_bot", "version": "0"}}])


def installed(repository: Repository, **wishes: object) -> list[str]:
    return install.write(install.plan(repository, {"bot": WHEEL, **wishes}))


def text(repository: Repository, path: str) -> str:
    return (repository.root / path).read_text(encoding="utf-8")


def job(repository: Repository, path: str, name: str) -> str:
    return text(repository, path).split("\njobs:\n")[1].split(f"  {name}:\n")[1].split("\n\n")[0]


def test_a_first_install_says_how_to_get_a_first_pull_request(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    done = autoresearch(repository, "install", "--bot", WHEEL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "wrote .github/workflows/nightly.yml",
        "wrote .github/workflows/commands.yml",
        "wrote .github/workflows/promote.yml",
        "wrote .github/workflows/pull-request.yml",
        "wrote .github/workflows/verdict.yml",
        f"wrote {LOCK_FILE}",
        "next:",
        '  git add .github && git commit -m "Install autoresearch" && git push',
        "  gh workflow run nightly.yml -f experiments=20 -f targets=data",
    ]
    assert not (repository.root / ".github/workflows/nightly-gpu.yml").exists()


def test_a_second_install_changes_nothing_and_asks_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = with_targets(tmp_path, DATA)
    assert installed(repository)
    monkeypatch.setattr(lock, "_report", lambda *_: pytest.fail("resolved anew"))
    assert install.write(install.plan(repository, {})) == []  # the options are remembered
    assert not install.plan(repository, {}, check=True).drifted


def test_upgrade_resolves_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    entry = {
        "metadata": {"name": "Some.Thing", "version": "2.0"},
        "download_info": {"archive_info": {"hashes": {"sha256": "ab" * 32}}},
    }
    monkeypatch.setattr(lock, "_report", lambda *_: [entry])
    assert installed(repository, upgrade=True) == [f"wrote {LOCK_FILE}"]
    assert f"some-thing==2.0 \\\n    --hash=sha256:{'ab' * 32}\n" in text(repository, LOCK_FILE)


def test_the_lock_names_the_wheel_by_its_hash(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    before = text(repository, LOCK_FILE)
    assert f"\n./{WHEEL} \\\n    --hash=sha256:" in before
    wheel.write(repository.root / ".github", "def main(): print('another')\n")
    assert installed(repository, upgrade=True) == [f"wrote {LOCK_FILE}"]
    assert text(repository, LOCK_FILE) != before


def test_builds_of_this_machine_alone_are_not_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip answers with the newest that it is not told to leave out, as it does where builds for this machine lie."""
    asked: list[list[str]] = []

    def answer(_root: Path, wanted: list[str], *_: object) -> list[dict[str, object]]:
        asked.append(list(wanted))
        version = next(one for one in ("2.13.0+mine", "2.13.0+cpu", "2.13.0") if f"torch!={one}" not in wanted)
        hashes = {"sha256": ("cd" if "+" in version else "ab") * 32}
        return [
            {"metadata": {"name": "torch", "version": version}, "download_info": {"archive_info": {"hashes": hashes}}}
        ]

    repository = with_targets(tmp_path, DATA)
    installed(repository)
    monkeypatch.setattr(lock, "_report", answer)
    assert installed(repository, upgrade=True) == [f"wrote {LOCK_FILE}"]
    assert f"torch==2.13.0 \\\n    --hash=sha256:{'ab' * 32}\n" in text(repository, LOCK_FILE)
    assert "+" not in text(repository, LOCK_FILE)
    assert [len(wanted) for wanted in asked] == [1, 2, 3]


def test_what_pip_gives_no_hash_for_is_refused() -> None:
    with pytest.raises(LockError, match="no hash for some-thing"):
        _hash({"metadata": {"name": "some-thing"}, "download_info": {"archive_info": {}}})


@pytest.mark.parametrize(
    ("kinds", "extras"),
    [
        ((DATA,), "[github]"),
        ((SEARCH,), "[github,search]"),
        ((DATA, SEARCH), "[github,search]"),
        ((TUNED,), "[github,search]"),
        ((CHOSEN,), "[github]"),
        ((ARMS,), "[github,mind,models,search]"),
    ],
)
def test_the_bot_is_installed_with_what_the_targets_need(tmp_path: Path, kinds: tuple[str, ...], extras: str) -> None:
    repository = with_targets(tmp_path, *kinds)
    installed(repository)
    assert f"\n#   autoresearch-bot{extras} @ {WHEEL}\n" in text(repository, LOCK_FILE)


@pytest.mark.parametrize(
    ("line", "extra"),
    [
        ("from harness.scorers import retrieval", "retrieval"),
        ("from harness.scorers import saas", "saas"),
        ("import harness.scorers.saas.columns", "saas"),
        ("def f():\n    from harness import browser", "browser"),
        ("import psycopg", "postgres"),
        ("import distributed", "dask"),
    ],
)
def test_extras_follow_from_what_an_evaluator_imports(tmp_path: Path, line: str, extra: str) -> None:
    repository = with_targets(tmp_path, DATA)
    write(repository, {"targets/experiments/data/evaluate.py": f"{line}\n"})
    installed(repository)
    assert f"[{','.join(sorted([extra, 'github']))}]" in text(repository, LOCK_FILE)


def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """pip answers with a newer tqdm each time, first with 5, unless it is told which; here is what it was asked."""
    asked: list[list[str]] = []

    def entry(name: str, version: str) -> dict[str, object]:
        hashes = {"sha256": "ab" * 32}
        return {"metadata": {"name": name, "version": version}, "download_info": {"archive_info": {"hashes": hashes}}}

    def answer(_root: Path, wanted: list[str], *_: object) -> list[dict[str, object]]:
        asked.append(list(wanted))
        told = [one.removeprefix("tqdm==") for one in wanted if one.startswith("tqdm==")]
        found = [entry("autoresearch_bot", "0"), entry("tqdm", told[0] if told else str(4 + len(asked)))]
        return [*found, *([entry("torch", "2.13.0")] if "gpt" in wanted[0] else [])]

    monkeypatch.setattr(lock, "_report", answer)
    return asked


def test_what_training_takes_is_pinned_beside_what_every_job_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch)
    repository = with_targets(tmp_path, DATA, TRAINING)
    written = installed(repository)
    assert [f"wrote {LOCK_FILE}", f"wrote {GPT_LOCK_FILE}"] == written[-2:]
    common, beside = text(repository, LOCK_FILE), text(repository, GPT_LOCK_FILE)
    assert "[github]" in common
    assert "[github,gpt]" in beside
    assert "torch" not in common
    assert [line for line in beside.splitlines() if not line.startswith(("#", " "))] == ["torch==2.13.0 \\"]
    assert "\ntqdm==5 " in common
    assert "tqdm==5" in asked[-1]  # torch is found for the version that is there already
    assert not install.plan(repository, {}, check=True).drifted


def test_both_lists_are_resolved_together_or_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch)
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)
    assert len(asked) == 2
    installed(repository)
    assert len(asked) == 2
    (repository.root / GPT_LOCK_FILE).unlink()
    assert [change.path for change in install.plan(repository, {}, check=True).drifted] == [GPT_LOCK_FILE]
    installed(repository)
    assert len(asked) == 4


def test_a_list_beside_another_one_than_it_was_found_for_is_resolved_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a merge that takes each list from another branch: both are as they were written, but not together."""
    answers(monkeypatch)
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)
    earlier = text(repository, LOCK_FILE)
    installed(repository, upgrade=True)
    assert text(repository, LOCK_FILE) != earlier
    write(repository, {LOCK_FILE: earlier})
    assert [change.path for change in install.plan(repository, {}, check=True).drifted] == [GPT_LOCK_FILE]
    assert f"wrote {GPT_LOCK_FILE}" in installed(repository)
    assert not install.plan(repository, {}, check=True).drifted


def test_the_second_list_is_kept_with_a_first_that_a_human_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch)
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)
    edited = text(repository, LOCK_FILE).replace("tqdm==5", "tqdm==4")
    beside = text(repository, GPT_LOCK_FILE)
    write(repository, {LOCK_FILE: edited})
    with pytest.raises(install.Kept, match=f"kept as they are: {LOCK_FILE}, {GPT_LOCK_FILE}") as raised:
        installed(repository)
    assert "changed by hand" in str(raised.value.why)
    assert f"right beside {LOCK_FILE} alone" in str(raised.value.why)
    assert (text(repository, LOCK_FILE), text(repository, GPT_LOCK_FILE)) == (edited, beside)
    assert len(asked) == 4  # there was another second list to write
    install.write(install.plan(repository, {}), force=True)
    assert not install.plan(repository, {}, check=True).drifted


def test_a_second_list_that_lacks_nothing_is_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)  # the wheel that stands for the bot brings no more with an extra than without
    assert text(repository, GPT_LOCK_FILE).endswith("\n# nothing: all of it is there\n")
    assert not install.plan(repository, {}, check=True).drifted
    monkeypatch.setattr(lock, "_report", lambda *_: pytest.fail("resolved anew"))
    assert install.write(install.plan(repository, {})) == []


def test_only_jobs_that_measure_such_a_target_install_it(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)
    step = "- name: Install what training a language model takes\n"
    due = f"{step}        if: ${{{{ contains(fromJSON('[\"training\"]'), matrix.target) }}}} #"
    found = {
        (path, name): job(repository, f"{install.FOLDER}/{path}", name)
        for path, names in {
            "nightly.yml": ("plan", "run", "confirm", "propose"),
            "commands.yml": ("gate", "work", "post"),
            "promote.yml": ("plan", "remeasure", "publish"),
        }.items()
        for name in names
    }
    measuring = {"run", "confirm", "work", "remeasure"}
    assert {name for (_, name), words in found.items() if due in words} == measuring
    assert {name for (_, name), words in found.items() if GPT_LOCK_FILE in words} == measuring


def test_training_on_a_machine_of_ones_own_is_installed_for_in_its_workflow_alone(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, OWN_TRAINING)
    installed(repository)
    own = f"{install.FOLDER}/nightly-gpu.yml"
    for name in ("run", "confirm"):
        found = job(repository, own, name)
        assert "contains(fromJSON('[\"own-training\"]'), matrix.target)" in found
        assert GPT_LOCK_FILE in found
    assert GPT_LOCK_FILE not in text(repository, NIGHTLY)


def test_the_second_list_goes_with_the_last_target_that_needs_it(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository)
    write(repository, {"targets/experiments/training/evaluate.py": "print('score: 0.5')\n"})
    assert f"removed {GPT_LOCK_FILE}: no target needs it" in installed(repository)
    assert GPT_LOCK_FILE not in text(repository, NIGHTLY)


def test_who_names_the_extra_has_it_in_every_job(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, TRAINING)
    installed(repository, extra=("gpt",))
    assert "[github,gpt]" in text(repository, LOCK_FILE)
    assert not (repository.root / GPT_LOCK_FILE).exists()
    assert GPT_LOCK_FILE not in text(repository, NIGHTLY)


def test_an_extra_by_name_is_remembered(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository, extra=("dask",), python="3.13", branch="trunk")
    assert "# Options: --bot" in text(repository, LOCK_FILE)
    found = install.plan(repository, {}, check=True)
    assert not found.drifted
    assert "[dask,github]" in text(repository, LOCK_FILE)
    assert 'branches: ["trunk"]' in text(repository, ".github/workflows/promote.yml")
    assert 'python-version: "3.13"' in text(repository, NIGHTLY)


def test_another_option_keeps_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    monkeypatch.setattr(lock, "_report", lambda *_: pytest.fail("resolved anew"))
    written = install.write(install.plan(repository, {"app": "yes"}))
    assert f"wrote {LOCK_FILE}" in written
    assert "--app yes" in text(repository, LOCK_FILE)
    assert "steps.app.outputs.token" in text(repository, NIGHTLY)
    install.write(install.plan(repository, {"app": "no"}))
    assert "steps.app" not in text(repository, NIGHTLY)


def test_the_sandbox_is_prepared_where_candidates_are_code(tmp_path: Path) -> None:
    data, code = with_targets(tmp_path / "1", DATA), with_targets(tmp_path / "2", DATA, CODE)
    for repository in (data, code):
        installed(repository)
    cure = "sudo sysctl --quiet --write kernel.apparmor_restrict_unprivileged_userns=0"
    for name in ("run", "confirm"):
        assert cure in job(data, NIGHTLY, name)  # evaluators of data targets lose the network in a namespace too
        assert "bubblewrap" not in job(data, NIGHTLY, name)
        assert "--no-install-recommends bubblewrap" in job(code, NIGHTLY, name)
    assert cure not in job(code, NIGHTLY, "propose")


def test_targets_on_machines_of_ones_own_have_a_workflow_of_their_own(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, OWN)
    assert f"wrote {install.FOLDER}/nightly-gpu.yml" in installed(repository)
    hosted, own = text(repository, NIGHTLY), text(repository, f"{install.FOLDER}/nightly-gpu.yml")
    assert "--runner hosted" in hosted
    assert "--runner self-hosted" in own
    assert "actions: write" not in hosted
    assert "actions: write # cancels" in own
    assert "\nconcurrency:" in hosted
    assert "\nconcurrency:" not in own  # a night that waits for its machine must not keep the next plan waiting


def test_with_such_targets_alone_there_is_no_other_night(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, OWN)
    made = install.plan(repository, {"bot": WHEEL})
    assert made.first == "gh workflow run nightly-gpu.yml -f experiments=20 -f targets=own"
    assert NIGHTLY not in [change.path for change in made.changes]


def test_a_workflow_that_no_target_needs_any_more_is_removed(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, OWN)
    installed(repository)
    target = "targets/experiments/own/target.yaml"
    write(repository, {target: text(repository, target).replace("runner: [self-hosted, gpu]\n", "")})
    assert f"removed {install.FOLDER}/nightly-gpu.yml: no target needs it" in install.write(
        install.plan(repository, {})
    )


@pytest.mark.parametrize(
    ("kinds", "run", "confirm"),
    [((SEARCH,), 45, 35), ((SEARCH, LONG), 340, 55), ((DATA,), 340, 35), ((OWN,), 1455, 35)],
)
def test_steps_end_a_little_after_the_targets_own_limits(
    tmp_path: Path, kinds: tuple[str, ...], run: int, confirm: int
) -> None:
    repository = with_targets(tmp_path, *kinds)
    installed(repository)
    path = NIGHTLY if OWN not in kinds else f"{install.FOLDER}/nightly-gpu.yml"
    for name, minutes in (("run", run), ("confirm", confirm)):
        found = job(repository, path, name)
        assert f"      - name: {name.title()}\n        timeout-minutes: {minutes}\n" in found
        assert f"\n    timeout-minutes: {minutes + 10}\n" in f"\n{found}"


def test_the_whole_nights_limit_bounds_every_targets(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA, config="budget: {wall_clock: 1h}\n")
    installed(repository)
    assert "- name: Run\n        timeout-minutes: 75\n" in text(repository, NIGHTLY)


def test_the_schedule_and_the_branch_are_the_repositorys(tmp_path: Path) -> None:
    config = "schedule: {cron: '43 4 * * 1-5', timezone: Europe/Berlin}\npull_request: {base: trunk}\n"
    repository = with_targets(tmp_path, DATA, config=config)
    installed(repository)
    assert '    - cron: "43 4 * * 1-5"\n      timezone: "Europe/Berlin"\n' in text(repository, NIGHTLY)
    assert 'branches: ["trunk"]' in text(repository, ".github/workflows/promote.yml")


def test_a_budget_that_no_hosted_job_can_keep_is_told(tmp_path: Path) -> None:
    assert "long: wall_clock 480 minutes is more" in install.plan(with_targets(tmp_path, LONG), {"bot": WHEEL}).notes[0]


def test_check_shows_the_difference(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, SEARCH)
    installed(repository)
    assert autoresearch(repository, "install", "--check").returncode == 0
    target = "targets/experiments/search/target.yaml"
    write(repository, {target: text(repository, target).replace("30m", "90m")})
    done = autoresearch(repository, "install", "--check")
    assert done.returncode == 3
    assert "-        timeout-minutes: 45\n+        timeout-minutes: 105\n" in done.stdout
    assert "autoresearch install writes them again" in done.stderr


def test_check_sees_that_the_lock_lacks_an_extra(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    write(repository, {"targets/experiments/data/evaluate.py": "from harness.scorers import saas\n"})
    done = autoresearch(repository, "install", "--check")
    assert done.returncode == 3
    assert "-#   autoresearch-bot[github] @" in done.stdout
    assert "+#   autoresearch-bot[github,saas] @" in done.stdout


def test_line_ends_are_no_drift(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    for path in (NIGHTLY, LOCK_FILE):
        file = repository.root / path
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert not install.plan(repository, {}, check=True).drifted


@pytest.mark.parametrize("foreign", [False, True])
def test_a_file_that_a_human_wrote_or_changed_is_kept(tmp_path: Path, foreign: bool) -> None:
    repository = with_targets(tmp_path, DATA)
    installed(repository)
    theirs = "name: mine\n" if foreign else text(repository, NIGHTLY).replace("retention-days: 14", "retention-days: 3")
    write(repository, {NIGHTLY: theirs, ".github/workflows/promote.yml": ""})
    (repository.root / ".github/workflows/promote.yml").unlink()
    done = autoresearch(repository, "install")
    assert done.returncode == 3
    assert f"kept as it is: {NIGHTLY}" in done.stderr
    assert ("not written by" if foreign else "changed by hand since") in done.stderr
    assert text(repository, NIGHTLY) == theirs
    assert (repository.root / ".github/workflows/promote.yml").exists()  # the others are brought up to date
    assert autoresearch(repository, "install", "--force").returncode == 0
    assert files.state(text(repository, NIGHTLY)) is State.OURS


def test_somebodys_own_workflow_of_a_name_that_is_not_needed_is_none_of_ours(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    write(repository, {f"{install.FOLDER}/nightly-gpu.yml": "name: mine\n"})
    installed(repository)
    assert text(repository, f"{install.FOLDER}/nightly-gpu.yml") == "name: mine\n"


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    done = autoresearch(repository, "install", "--bot", WHEEL, "--dry-run")
    assert f"would write {NIGHTLY}" in done.stdout
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == f"?? {WHEEL}"


def test_a_link_in_a_workflows_place_is_not_followed(tmp_path: Path) -> None:
    repository = with_targets(tmp_path, DATA)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious", encoding="utf-8")
    (repository.root / install.FOLDER).mkdir()
    (repository.root / NIGHTLY).symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="is no plain file"):
        installed(repository)
    assert elsewhere.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"bot": "nothing.whl"}, "is no wheel in this repository"),
        ({"bot": "../outside.whl"}, "is no wheel in this repository"),
        ({"bot": "http://example.org/x.whl"}, "is no wheel in this repository"),
        ({"python": "3.9"}, "expected 3.11 or later"),
        ({"python": "3.12\n  evil: 1"}, "expected 3.11 or later"),
        ({"branch": 'main"]\npermissions: write-all'}, "is no plain name"),
    ],
)
def test_what_no_workflow_can_be_written_from_is_refused(tmp_path: Path, wish: dict[str, str], said: str) -> None:
    repository = with_targets(tmp_path, DATA)
    (tmp_path / "outside.whl").write_bytes(b"")
    with pytest.raises(AutoresearchError, match=said):
        install.plan(repository, {"bot": WHEEL, **wish})


def test_a_package_that_cannot_be_resolved_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = with_targets(tmp_path, DATA)
    monkeypatch.setattr(lock, "_report", ASK_PIP)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(LockError, match="--bot URL-OF-A-WHEEL"):
        install.plan(repository, {"bot": "index"})


def test_an_unknown_place_in_a_template_is_an_error() -> None:
    assert render.fill("a: <<b>>\n  <<part: c>>\n", {"c": "x:\n\n  <<b>>\n"}, {"b": "1"}) == "a: 1\n  x:\n\n    1\n"
    with pytest.raises(KeyError):
        render.fill("<<typo>>", {}, {})


def test_our_own_workflows_are_current() -> None:
    made = install.plan(Repository.find(Path(__file__).parents[2]), {}, check=True)
    assert not [change.path for change in made.drifted]
