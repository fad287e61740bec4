"""`autoresearch score --repairs` and `--mend`, on a laptop and outside any repository."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from bot.cli import cli
from harness.scorers.gtm import read
from tests.gtm.build import Json, the
from tests.gtm.sites import messy_shop, shop

POLICY = "remove: [variable, trigger]\npause: true\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["score", *arguments])


def saved(folder: Path, data: Json) -> Path:
    path = folder / "container.json"
    path.write_text(json.dumps(data, indent=2))
    return path


def test_it_says_what_it_would_do_and_what_stays_with_why(tmp_path: Path) -> None:
    path = saved(tmp_path, messy_shop())
    text = run(str(path), "--business", "shop", "--repairs").output
    assert "folders: sort into folders" in text
    assert "the policy lets nobody remove a variable" in text
    (tmp_path / "policy.yaml").write_text(POLICY)
    found = run(str(path), "--business", "shop", "--repairs", "--json", "--policy", str(tmp_path / "policy.yaml"))
    told = json.loads(found.output)
    assert {"words", "worth", "mends"} == set(told["would_try"][0])
    assert any(one["words"].startswith("unused-variables") for one in told["would_try"])
    assert all(one["why"] for one in told["stays"])


def test_a_mended_copy_is_written_and_the_container_left_alone(tmp_path: Path) -> None:
    path, out = saved(tmp_path, messy_shop()), tmp_path / "mended.json"
    before = path.read_bytes()
    (tmp_path / "policy.yaml").write_text(POLICY)
    arguments = ["--business", "shop", "--mend", str(out), "--policy", str(tmp_path / "policy.yaml")]
    found = run(str(path), *arguments, "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.output[found.output.index("{") :])
    assert path.read_bytes() == before
    assert told["after"]["total"] > told["before"]["total"] + 0.1
    assert told["after"]["audit_findings"] <= told["before"]["audit_findings"]
    assert all(one["why"] for one in [*told["tried"], *told["stays"]])
    mended = read(out.read_bytes(), "mended.json")
    assert len(mended.all("tag")) >= len(read(before, "container.json").all("tag"))
    first = out.read_bytes()
    assert run(str(path), *arguments).exit_code == 0
    assert out.read_bytes() == first, "the same container is mended the same way"


def test_a_container_without_faults_stays_as_it_is(tmp_path: Path) -> None:
    path, out = saved(tmp_path, shop()), tmp_path / "mended.json"
    assert run(str(path), "--business", "shop", "--mend", str(out)).exit_code == 0
    assert json.loads(out.read_text()) == shop()
    assert out.read_bytes() == path.read_bytes()


def test_what_cannot_be_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, shop())
    same = run(str(path), "--mend", str(path))
    assert same.exit_code == 2
    assert "never changed" in same.output
    assert json.loads(path.read_text()) == shop()
    (tmp_path / "policy.yaml").write_text("remove: [variables]\n")
    wrong = run(str(path), "--repairs", "--policy", str(tmp_path / "policy.yaml"))
    assert wrong.exit_code != 0
    assert 'did you mean "variable"?' in str(wrong.output) + str(wrong.exception)


def test_what_is_nested_without_end_is_told(tmp_path: Path) -> None:
    data = shop()
    inner: Json = {"type": "LIST", "list": []}
    for _ in range(400):
        inner = {"type": "LIST", "list": [inner]}
    the(data, "tag", "GA4 - purchase")["parameter"].append({**inner, "key": "deep"})
    found = run(str(saved(tmp_path, data)), "--business", "shop", "--mend", str(tmp_path / "mended.json"))
    assert "nested too deeply" in str(found.exception)
