"""After a merge: what is promoted, what is measured first, and what a push can do to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.forge.local import LocalForge
from bot.night.folder import night_named
from bot.promote import chain, folds
from bot.promote.handed import Handed
from bot.promote.publish import publish
from bot.promote.remeasure import folder, remeasure
from harness.errors import RepositoryError
from harness.repository import Repository
from tests.promotions import (
    AT,
    EVALUATE,
    FILE,
    TARGET,
    branches,
    content,
    copied,
    edit,
    end,
    found,
    make,
    merge,
    night,
    promote,
    tags,
)
from tests.support import autoresearch, git, write


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository whose first night proposes x: 3, y: 3 in two rows."""
    repository = make(tmp_path_factory.mktemp("night"))
    assert git(repository, "show", f"{night(repository)}:{FILE}") == content(3, 3).rstrip("\n")
    return repository


@pytest.fixture
def repository(proposed: Repository, tmp_path: Path) -> Repository:
    return copied(proposed, tmp_path)


def the_branch(repository: Repository) -> str:
    (branch,) = branches(repository)
    return branch


def row(repository: Repository, number: int) -> str:
    """The commit of a row of the night."""
    return git(repository, "rev-list", "--reverse", f"main..{the_branch(repository)}").split()[number - 1]


def test_a_merge_is_promoted_with_its_tag(repository: Repository) -> None:
    branch = the_branch(repository)
    merge(repository, branch)
    assert found(repository).state == "confirmed"
    done = promote(repository)
    assert end(repository) == ("promoted", branch.removeprefix("autoresearch/"))
    assert done.tags == tags(repository) == ["autoresearch/dial/1"]
    said = git(repository, "tag", "--list", "--format=%(*objectname) %(contents)", "autoresearch/dial/1")
    assert said.startswith(repository.commit())
    assert "Confirmed: +6" in said
    assert "Realised: score +6" in said
    assert chain.read(repository, "dial").previous in said


@pytest.mark.parametrize("options", [("--squash",), ("--ff-only",)])
def test_content_decides_not_history(repository: Repository, options: tuple[str]) -> None:
    merge(repository, the_branch(repository), *options)
    if options == ("--squash",):
        git(repository, "commit", "--quiet", "-m", "Squashed")
    promote(repository)
    assert end(repository)[0] == "promoted"
    assert tags(repository) == ["autoresearch/dial/1"]


def test_a_part_of_the_rows_is_confirmed_too(repository: Repository) -> None:
    merge(repository, row(repository, 1), "--ff-only")
    promote(repository)
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    assert (merged.row, merged.promoted, merged.gain, merged.predicted) == (1, True, 4.0, 4.0)


def test_after_a_drop_only_what_is_left_is_confirmed(repository: Repository) -> None:
    whole = repository.commit(the_branch(repository))
    dropped = autoresearch(repository, "command", "local", "/drop 1")
    assert dropped.returncode == 0, dropped.stderr
    git(repository, "merge", "--quiet", "--ff-only", whole)
    assert found(repository, before="HEAD~3").state == "unconfirmed", "what was dropped is no longer vouched for"
    git(repository, "reset", "--hard", "--quiet", "HEAD~3")
    merge(repository, the_branch(repository))
    promote(repository)
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    assert (merged.row, merged.promoted, merged.gain, merged.predicted) == (2, True, 2.0, 2.0)


def test_what_a_newer_night_took_back_no_older_one_vouches_for(repository: Repository) -> None:
    older = the_branch(repository)
    newer = night(repository, "--new")
    whole = repository.commit(newer)
    assert git(repository, "show", f"{newer}:{FILE}") == git(repository, "show", f"{older}:{FILE}")
    dropped = autoresearch(repository, "command", "local", "/drop 1")
    assert dropped.returncode == 0, dropped.stderr
    assert repository.commit(newer) != whole
    merge(repository, older)
    assert found(repository, before="HEAD^1").state == "unconfirmed"


def test_a_target_that_does_not_load_stops_no_other(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    other = f"{Path(AT).parent}/knob/target.yaml"
    write(repository, {other: "name: knob\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "Add a target that does not load")
    planned = autoresearch(repository, "promote", "plan", "--before", "HEAD~2")
    assert planned.returncode == 0, planned.stderr
    assert "dial: confirmed" in planned.stdout
    assert f"knob: broken: {other}" in planned.stdout
    done = promote(repository)
    assert end(repository)[0] == "promoted"
    assert done.tags == ["autoresearch/dial/1"]
    assert not done.refused


def test_a_second_push_promotes_nothing_twice(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    promote(repository)
    write(repository, {"README.md": "more\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "Something else")
    assert found(repository).state == "promoted"
    promote(repository)
    assert len(chain.read(repository, "dial").segments) == 1


def test_a_push_that_was_missed_is_made_up_for(repository: Repository) -> None:
    """Its run was cancelled: the next push did not touch the file."""
    merge(repository, the_branch(repository))
    write(repository, {"README.md": "more\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "Something else")
    assert found(repository, before="HEAD^1").state == "confirmed"


@pytest.mark.parametrize(("text", "verdict"), [(content(2, 2), "promoted"), (content(0, 1), "not-confirmed")])
def test_what_a_human_wrote_is_measured_first(repository: Repository, text: str, verdict: str) -> None:
    edit(repository, text)
    assert found(repository).state == "unconfirmed"
    promote(repository)
    assert end(repository) == (verdict, "")
    assert tags(repository) == (["autoresearch/dial/1"] if verdict == "promoted" else [])
    assert found(repository).due is None, "the same content is not measured at every push"


def test_an_edit_on_top_of_a_merge_is_measured_against_what_was_promoted(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    promote(repository)
    edit(repository, content(3, 2))
    done = promote(repository)
    assert done.outcomes["dial"][0] == "not-confirmed"
    assert "measurably worse" in done.outcomes["dial"][1]
    assert folds.merges(chain.read(repository, "dial").segments)[-1].gain == -2
    assert tags(repository) == ["autoresearch/dial/1"]


def test_a_revert_is_no_promotion_and_a_second_merge_is_one(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    promote(repository)
    git(repository, "revert", "--no-edit", "-m", "1", "HEAD")
    promote(repository)
    assert end(repository) == ("not-confirmed", "")
    git(repository, "revert", "--no-edit", "HEAD")
    promote(repository)
    assert end(repository)[0] == "promoted"
    assert tags(repository) == ["autoresearch/dial/1", "autoresearch/dial/3"]
    assert len(folds.merges(chain.read(repository, "dial").segments)) == 2, "one content, one merge that counts"


def test_a_merge_of_two_nights_was_confirmed_by_neither(tmp_path: Path) -> None:
    repository = make(tmp_path, TARGET.replace(", /y: {int: [0, 3]}", ""))
    first = night(repository)
    write(repository, {f"{AT}/target.yaml": TARGET.replace("/x: {int: [0, 3]}, ", "")})
    git(repository, "commit", "--quiet", "--all", "-m", "The other value")
    second = night(repository)
    before = repository.commit()
    merge(repository, first)
    merge(repository, second, "--no-ff", "-X", "theirs", "-m", "Merge")
    assert (repository.root / FILE).read_text() == content(3, 3)
    assert found(repository, before).state == "unconfirmed"
    promote(repository, before)
    assert end(repository) == ("promoted", ""), "it was measured on its own, and is better"


def test_the_first_commit_has_nothing_to_promote(tmp_path: Path) -> None:
    repository = make(tmp_path)
    for before in ("", "0" * 40, "1" * 40):
        one = found(repository, before)
        assert (one.state, one.due) == ("unknown", None)
    assert autoresearch(repository, "promote").returncode == 0
    assert tags(repository) == []


def test_a_new_target_replaces_nothing(tmp_path: Path) -> None:
    repository = make(tmp_path)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Later")
    assert found(repository).state == "unchanged"
    git(repository, "rm", "-r", "--quiet", AT)
    git(repository, "commit", "--quiet", "-m", "Away")
    git(repository, "revert", "--no-edit", "HEAD")
    assert found(repository).state == "new"


def test_what_a_force_push_took_away_is_not_promoted(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    gone = repository.commit()
    one = found(repository).due
    assert one
    remeasure(repository, one)
    git(repository, "reset", "--hard", "--quiet", "HEAD~1")
    done = autoresearch(repository, "promote", "publish", "--at", gone, "--branch", "main")
    assert done.returncode == 8
    assert "no longer part of main" in done.stderr
    assert tags(repository) == []
    assert autoresearch(repository, "promote", "publish", "--at", gone, "--branch", gone).returncode == 0
    assert tags(repository) == ["autoresearch/dial/1"], "the control: on its branch it is promoted"


def test_after_a_force_push_the_record_says_what_changed(repository: Repository) -> None:
    """The commit before the push is nowhere, and the content that was promoted last is."""
    merge(repository, the_branch(repository))
    promote(repository)
    git(repository, "reset", "--hard", "--quiet", "HEAD~1")
    edit(repository, content(2, 3))
    one = found(repository, before="1" * 40)
    assert one.state == "unconfirmed"
    assert one.due
    assert one.due.before == content(3, 3).encode()


def test_an_evaluator_that_fails_on_the_merged_file_promotes_nothing(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    write(repository, {f"{AT}/evaluate.py": "raise SystemExit(3)\n"})
    git(repository, "commit", "--quiet", "--all", "-m", "Broken")
    promote(repository)
    assert end(repository)[0] == "not-confirmed"
    assert tags(repository) == []


def test_what_was_replaced_need_not_be_measurable_any_more(repository: Repository) -> None:
    """A content that its night confirmed under this lock is promoted without a figure; under another it is not."""
    merge(repository, the_branch(repository))
    refuses = EVALUATE.replace("evaluator.report", "assert params['x'] > 1\nevaluator.report")
    write(repository, {f"{AT}/evaluate.py": refuses})
    git(repository, "commit", "--quiet", "--all", "-m", "Stricter")
    promote(repository)
    assert (end(repository)[0], tags(repository)) == ("infra", [])
    assert folds.merges(chain.read(repository, "dial").segments) == []


def test_what_was_confirmed_under_another_lock_is_confirmed_again_or_not_promoted(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    indifferent = EVALUATE.replace('params["x"] + 2 * params["y"]', '0 * params["x"] + 1')
    write(repository, {f"{AT}/evaluate.py": indifferent})
    git(repository, "commit", "--quiet", "--all", "-m", "Another question")
    promote(repository)
    assert (end(repository)[0], tags(repository)) == ("not-confirmed", [])
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    assert (merged.gain, merged.predicted, merged.promoted) == (0.0, 6.0, False)
    (said,) = folds.realised(chain.read(repository, "dial").segments)
    assert "under another lock; here: no gain over what it replaced" in said["why"]
    assert found(repository).state == "refused"


def test_claims_and_gains_under_different_locks_are_not_compared(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    write(repository, {f"{AT}/evaluate.py": EVALUATE.replace("2 *", "20 *")})
    git(repository, "commit", "--quiet", "--all", "-m", "Another scale")
    promote(repository)
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    assert (merged.gain, merged.predicted, merged.comparable) == (42.0, 6.0, False)
    assert "under another lock" in autoresearch(repository, "report").stdout
    assert "\nConfirmed: +6 (+6 to +6), under another lock\n" in git(
        repository, "show", "--no-patch", *tags(repository)
    )


def test_a_branch_elsewhere_cannot_be_published(repository: Repository) -> None:
    commit = repository.commit(the_branch(repository))
    with pytest.raises(RepositoryError, match="no longer part"):
        publish(repository, Handed(), commit, "", LocalForge(repository.state), "main")


def test_a_whole_life(repository: Repository) -> None:
    """Night, merge, promote; a second night on top of it, merged and promoted too."""
    first = the_branch(repository)
    merge(repository, first)
    done = autoresearch(repository, "promote")
    assert done.returncode == 0, done.stderr
    assert "dial: promoted" in done.stdout
    assert "tag: autoresearch/dial/1" in done.stdout
    write(repository, {f"{AT}/target.yaml": TARGET.replace("[0, 3]", "[0, 5]")})
    git(repository, "commit", "--quiet", "--all", "-m", "More room")
    second = night(repository)
    assert night_named(repository, "").plan.base == repository.commit()
    merge(repository, second)
    assert autoresearch(repository, "promote").returncode == 0
    assert tags(repository) == ["autoresearch/dial/1", "autoresearch/dial/2"]
    merges = folds.merges(chain.read(repository, "dial").segments)
    assert [f"autoresearch/{one.night}" for one in merges] == [first, second]
    assert all(one.gain == one.predicted and one.comparable for one in merges)
    verified = autoresearch(repository, "log", "--verify")
    assert verified.returncode == 0, verified.stderr
    assert "autoresearch/dial/2: the tag quotes the seal" in verified.stdout
    report = autoresearch(repository, "report", second.removeprefix("autoresearch/")).stdout
    assert "## After the merge" in report
    assert "was confirmed" in report
    assert "realised: score" in autoresearch(repository, "reproduce", "dial#head").stdout


def test_a_tag_that_was_moved_is_found(repository: Repository) -> None:
    merge(repository, the_branch(repository))
    promote(repository)
    assert autoresearch(repository, "log", "--verify").returncode == 0
    git(repository, "tag", "--force", "--annotate", "-m", "mine", "autoresearch/dial/1", "HEAD~1")
    done = autoresearch(repository, "log", "--verify")
    assert done.returncode == 5
    assert "autoresearch/dial/1 says something else" in done.stderr
    with pytest.raises(RepositoryError, match="is not what the record says"):
        promote(repository)


def test_without_publish_there_is_a_record_and_no_tag(tmp_path: Path) -> None:
    repository = make(tmp_path, TARGET.replace("publish: [tag]", ""))
    merge(repository, night(repository))
    promote(repository)
    assert end(repository)[0] == "promoted"
    assert tags(repository) == []
    assert not list(folder(repository, "dial").glob("*.pack"))
