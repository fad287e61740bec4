"""Containers that nobody here has seen: `make test-containers GTM_CONTAINERS=DIR`. Not part of the other tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.scorers.gtm import Scored, read, score
from harness.scorers.gtm.audit import Audited, audit
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.view import View
from tests.gtm.build import nine
from tests.gtm.test_gtm_sameness import shuffled

FOLDER = os.environ.get("GTM_CONTAINERS", "")
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
