"""The rules of ARCHITECTURE.md that a reader would otherwise have to trust."""

from __future__ import annotations

import ast
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE_LINES = 1500
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING, tokenize.ENDMARKER, tokenize.INDENT,
    tokenize.DEDENT,
}  # fmt: skip
FIELD_LIBRARIES = {"numpy", "pandas", "sklearn", "scipy", "playwright", "harness"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or anywhere inside."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def python_files(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "templates" not in path.parts]


def core_files() -> list[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.split("## The core")[1].split("## ")[0]
    return re.findall(r"`([a-z_/]+\.py)`", section)


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in NO_CODE:
                lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_the_harness_imports_nothing_from_the_bot() -> None:
    for path in python_files("harness"):
        assert "bot" not in roots(path), path


def test_evaluators_import_the_harness_and_field_libraries_only() -> None:
    evaluators = sorted((ROOT / "targets").rglob("evaluate.py"))
    assert evaluators
    for path in evaluators:
        siblings = {sibling.stem for sibling in path.parent.glob("*.py")}  # locked with it, or not in its view
        foreign = roots(path) - FIELD_LIBRARIES - siblings - set(__import__("sys").stdlib_module_names) - {"__future__"}
        assert not foreign, f"{path}: {foreign}"


def test_the_harness_knows_no_network_and_no_model() -> None:
    for path in python_files("harness"):
        foreign = roots(path) & {"requests", "urllib", "http", "github", "anthropic", "openai", "httpx"}
        assert not foreign, f"{path}: {foreign}"


def test_only_the_broker_knows_the_clients_of_models() -> None:
    found = {path for path in python_files("bot") if roots(path) & {"anthropic", "openai"}}
    assert {path.parent.relative_to(ROOT).as_posix() for path in found} == {"bot/models/providers"}


def test_only_commits_py_writes_git_objects() -> None:
    writing = re.compile(r'git\(\s*"(hash-object|commit-tree|write-tree|update-ref|update-index|push|commit)"')
    for path in [*python_files("bot"), *python_files("harness")]:
        if path.name == "commits.py":
            assert writing.search(path.read_text(encoding="utf-8")), (
                "the pattern finds nothing: this test proves nothing"
            )
        else:
            assert not writing.search(path.read_text(encoding="utf-8")), path


def test_the_core_reads_in_one_sitting() -> None:
    files = core_files()
    assert {"harness/decide.py", "harness/events.py", "harness/folds.py", "harness/lock.py"} <= set(files)
    counts = {name: code_lines(ROOT / name) for name in files}
    assert sum(counts.values()) <= CORE_LINES, counts


def test_no_file_is_a_monster() -> None:
    for path in [*python_files("bot"), *python_files("harness")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_every_room_of_the_map_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bot|harness|tests)/[a-z_/]+\.py)`", text))
    assert named
    for name in named:
        assert (ROOT / name).exists(), name
