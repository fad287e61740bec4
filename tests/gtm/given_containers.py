"""Containers that nobody here has seen: `make test-containers GTM_CONTAINERS=DIR`. Not part of the other tests."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from bot.repairs import MOST_TRIES, Mended, mended
from harness.documents.jsonstyle import rewritten
from harness.scorers.gtm import Scored, read, score
from harness.scorers.gtm.audit import Audited, audit
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.policy import Policy
from harness.scorers.gtm.view import View
from tests.gtm.build import nine
from tests.gtm.test_gtm_sameness import shuffled

FOLDER = os.environ.get("GTM_CONTAINERS", "")
POLICIES = {
    "cautious": Policy(),
    "open": Policy(remove=frozenset({"variable", "trigger", "folder"}), pause=True, unblock=True),
}
FILES = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []


def test_a_folder_with_containers_was_named() -> None:
    assert FILES, f"no *.json in {FOLDER or 'GTM_CONTAINERS, which is not set'}"


def scored(data: Any) -> Scored:
    return score(read(json.dumps(data).encode(), "given.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_scores_and_is_left_as_it_was(path: Path) -> None:
    content = path.read_bytes()
    container = read(content, path.name)
    found = score(container)
    assert container.data == json.loads(content.decode("utf-8-sig"))
    assert 0 <= found.total <= 1
    json.dumps(found.as_json(), allow_nan=False)
    print(f"\n{found.total:.3f} {found.business} {path.stem}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_order_of_arrays_changes_nothing(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    assert nine(scored(shuffled(data))) == nine(scored(data))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_audited_and_left_as_it_was(path: Path) -> None:
    content = path.read_bytes()
    container = read(content, path.name)
    found = audit(container)
    assert container.data == json.loads(content.decode("utf-8-sig"))
    assert told(audit(read(json.dumps(shuffled(container.data)).encode(), "given.json"))) == told(found)
    print(f"\n{found.weight} {path.stem}")


def told(found: Audited) -> list[tuple[str, str, str, str]]:
    return sorted((one.code, one.entity, one.id, one.name) for one in found.findings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_means_nobody_is_told(path: Path) -> None:
    view = View(read(path.read_bytes(), path.name), Declared())
    told = {issue.pointer for issue in score(view.container).issues} | {
        one.pointer for one in score(view.container).not_judged
    }
    for reference in view.references.unresolved:
        if reference.how not in {"firing", "blocking", "client", "trigger", "zone"}:
            assert {reference.pointer, reference.source.pointer} & told, (reference.source.label(), reference.says)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_written_as_it_was_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig")
    written = rewritten(json.loads(text), text)
    assert json.loads(written) == json.loads(text)
    again = read(written.encode(), path.name)
    assert again.data == read(text.encode(), path.name).data
    assert score(again) == score(read(text.encode(), path.name))
    print(f"\n{'to the last byte' if written == text else 'in content'}: {path.stem}")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_repair_comes_to_its_end_and_loses_nothing(path: Path, policy: str, request: pytest.FixtureRequest) -> None:
    content = path.read_bytes()
    found = mended(content, path.name, Declared(), POLICIES[policy])
    before, after = read(content, path.name), read(found.content, path.name)
    assert len(found.tries) < MOST_TRIES
    assert POLICIES[policy].problems(before, after) == ()
    assert found.after["total"] >= found.before["total"]
    assert found.after["audit_findings"] <= found.before["audit_findings"]
    assert all(why for _issue, why in found.left)
    if not POLICIES[policy].remove:
        assert {*before.by_id} <= {*after.by_id}
    kept = sum(one.kept for one in found.tries)
    told = [f"{name} {found.before[name]:.3f} -> {found.after[name]:.3f}" for name in ("total", "audit_findings")]
    print(f"\n{path.stem} ({policy}): {', '.join(told)}; {kept} of {len(found.tries)} offers kept")
    print("\n".join(unrepaired(found, full=request.config.get_verbosity() > 0)))


def unrepaired(found: Mended, *, full: bool) -> list[str]:
    """What stays and why: each issue, or how many of each code, with the commonest reason."""
    if full:
        return [f"  stays: {issue.code} {issue.entity} {issue.name!r}: {why}" for issue, why in found.left]
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for issue, why in found.left:
        reasons[issue.code][why] += 1
    return [
        f"  stays: {sum(those.values())} x {code}: {those.most_common(1)[0][0]}"
        for code, those in sorted(reasons.items())
    ]
