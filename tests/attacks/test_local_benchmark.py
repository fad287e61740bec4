"""Stylesheets that cheat or reach out, in the real browser: refused, with the reason.

Each attack has its control: the same stylesheet with only those checks taken out that stand in its way. Then nothing
refuses it: it would have been measured, and it does less of what the page is there for.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness import browser, evaluator
from harness.browser import Chromium, Resource

TARGET = Path(__file__).parents[2] / "targets" / "experiments" / "local-benchmark"
BASE = (TARGET / "styles.css").read_bytes()
PATIENCE = 300.0  # seconds; for a loaded machine

# What each check is called in evaluate.py, and what it finds when it is taken out.
CHECKS: dict[str, Any] = {
    "rules": ("forbidden", lambda _site: []),
    "told": ("unwanted", lambda _told: []),
    "computed": ("displaced", lambda *_arguments: iter(())),
    "height": ("stretched", lambda *_arguments: iter(())),
    "pixels": ("unreadable", lambda *_arguments: iter(())),
    "light": ("otherwise_lit", lambda *_arguments: iter(())),
}
HIDES = ("computed", "height", "pixels", "light")


@dataclass(frozen=True)
class Attack:
    """css: behind the base; aimed: the checks that stand in its way; why: what the refusal says."""

    css: str
    why: str
    aimed: tuple[str, ...] = HIDES


ATTACKS = {
    "hide all": Attack("main * { display: none !important }", "is not visible"),
    "hide with importance in a layer": Attack("@layer x { .card { display: none !important } }", "is not visible"),
    "hide by visibility": Attack(".card-text { visibility: hidden }", "card-text is not visible"),
    "hide by opacity": Attack(".card { opacity: 0.01 }", "has opacity: 0.01"),
    "skip the content": Attack(".grid { content-visibility: hidden }", "is not visible"),
    "no size": Attack(".card-text { font-size: 0 !important }", "card-text"),
    "tiny": Attack(".card-text { font-size: 2px !important }", "has other type: 2px for 15px"),
    "beside the page": Attack(".card { position: relative; left: -4000px }", "from its place"),
    "moved by a transform": Attack(".card { transform: translateX(-4000px) }", "from its place"),
    "mirrored": Attack(".card { transform: scaleX(-1) }", "has transform"),
    "white on white": Attack(".card-text { color: #fff !important }", "pixels of text", ("pixels",)),
    "faint": Attack(".card-text { color: #bbb !important }", "contrast", ("pixels",)),
    "the text as its own ground": Attack(".card-text { background: currentcolor }", "pixels of text", ("pixels",)),
    "another fill": Attack(".card-text { -webkit-text-fill-color: #fff }", "is filled with", ("computed", "pixels")),
    "covered": Attack(
        ".grid { position: relative }"
        ".grid::after { content: ''; position: absolute; inset: 0; background: #fff; z-index: 5 }",
        "pixels of text", ("pixels",),
    ),
    "covered on low screens alone": Attack(
        ".grid { position: relative; overflow: clip }"
        ".grid::after { content: ''; position: absolute; inset: 0 0 auto 0;"
        " height: calc((721px - 100vh) * 99999); background: #fff; z-index: 5 }",
        "measures by the size of the screen", ("rules", "pixels"),
    ),
    "clipped": Attack(".card { clip-path: inset(50%) }", "has clip-path", ("computed", "pixels")),
    "clipped by its box": Attack(".card-text { height: 24px; overflow: clip; text-indent: 900px }", "has other type"),
    "dots for letters": Attack(".card-text { -webkit-text-security: disc }", "type: disc", ("computed", "pixels")),
    "blurred text": Attack(".card { filter: blur(8px) }", "has filter", ("computed", "pixels")),
    "masked": Attack(
        ".card { mask-image: linear-gradient(transparent, transparent) }", "has mask-image", ("computed", "pixels")
    ),
    "shown when nobody measures": Attack(
        "@keyframes late { from { visibility: hidden } to { visibility: hidden } } .card { animation: late 2s }",
        "is animated", ("told", *HIDES),
    ),
    "never hides what is filtered": Attack(
        "[hidden].card.card { display: block !important }", "nobody asked for it", ("told", *HIDES)
    ),
    "never changes its colours": Attack(
        ":root.evening { --ink: #1d2a33; --soft: #46565f; --paper: #f4f1ea; --sheet: #fff; --brand: #0b5c66;"
        " --brand-ink: #fff; --free: #1b6b3a; --lent: #9a3412 }", "light", ("light",),
    ),
    "text of its own": Attack(".card-title::after { content: ' FREE' }", "that is not the page's", ("told", *HIDES)),
    "a page without end": Attack(".foot { margin-bottom: 90000px }", "pixels high", ("height", "pixels", "light")),
    "for this screen alone": Attack("@media (width: 1280px) { .glow { display: none } }", "of a kind", ("rules",)),
    "for print": Attack("@media print { .card { color: red } }", "of a kind", ("rules",)),
    "by the container": Attack("@container (width > 10px) { .glow { display: none } }", "of a kind", ("rules",)),
    "a font of its own": Attack("@font-face { font-family: x; src: local('Symbol') }", "of a kind", ("rules",)),
    "hidden behind supports": Attack("@supports (display: grid) { .card-text { display: none } }", "is not visible"),
    "the first letter": Attack(".card-text::first-letter { font-size: 0 }", "part of an element", ("rules", "pixels")),
}  # fmt: skip


@pytest.fixture(scope="module")
def evaluate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("local_benchmark_evaluate", TARGET / "evaluate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TARGET / "seen.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browser.sandboxed() as found:
        yield found


def looked(evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], styles: bytes) -> str:
    """What the look refuses a stylesheet for; nothing if it does not."""
    try:
        with chromium.within(PATIENCE):
            evaluate.look(chromium, styles, expected)
    except evaluate.Refused as refused:
        return str(refused)
    return ""


def without(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, checks: tuple[str, ...]) -> None:
    for check in checks:
        name, finds_nothing = CHECKS[check]
        monkeypatch.setattr(evaluate, name, finds_nothing)
    if {"pixels", "light"} <= set(checks):
        monkeypatch.setattr(evaluate, "screens", lambda *_arguments: iter(()))


@pytest.fixture
def states(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Most attacks show in the first state; the others need theirs."""
    name = request.node.callspec.params["name"]
    where = {"never hides what is filtered": "filtered", "never changes its colours": "evening"}.get(name)
    monkeypatch.setattr(evaluate, "STATES", ("start", where) if where else ("start",))


@pytest.mark.usefixtures("states")
@pytest.mark.parametrize("name", ATTACKS)
def test_the_cheat_is_refused_with_its_reason(
    name: str, evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any]
) -> None:
    attack = ATTACKS[name]
    assert attack.why in looked(evaluate, chromium, expected, BASE + attack.css.encode())


@pytest.mark.usefixtures("states")
@pytest.mark.parametrize("name", ATTACKS)
def test_the_control_without_those_checks_is_taken(
    name: str, evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = ATTACKS[name]
    without(evaluate, monkeypatch, attack.aimed)
    assert looked(evaluate, chromium, expected, BASE + attack.css.encode()) == ""


def test_the_base_is_taken_in_every_state(evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any]) -> None:
    assert looked(evaluate, chromium, expected, BASE) == ""


def test_hiding_would_pay(evaluate: ModuleType, chromium: Chromium) -> None:
    """What the browser has to lay out, counted: no figure that a busy machine changes."""

    def boxes(styles: bytes) -> float:
        with chromium.within(PATIENCE):
            site = evaluate.loaded(chromium, styles)
            site.developer.send("Performance.enable", {"timeDomain": "threadTicks"})
            counts = site.developer.send("Performance.getMetrics")["metrics"]
        return next(float(entry["value"]) for entry in counts if entry["name"] == "LayoutObjects")

    assert boxes(BASE + b"main * { display: none !important }") < 0.75 * boxes(BASE)


REACHES = {
    "an import": '@import url("http://other.test/x.css");\n',
    "an import of another file": '@import "missing.css";\n',
    "a background": ".card { background-image: url(http://other.test/x.png) }",
    "a choice of images": '.card { background-image: image-set("http://other.test/x.png" 1x) }',
    "a cursor": "body { cursor: url(http://other.test/x.png), auto }",
    "a file": ".glow { background-image: url(file:///etc/passwd) }",
    "data": ".glow { background-image: url(data:image/svg+xml,<svg/>) }",
    "an escaped name in a variable": ".glow { --it: u\\72l(http://other.test/x.png); background-image: var(--it) }",
    "a rule that nobody uses": ".nobody { background-image: url(http://other.test/x.png) }",
}
ASKS = {"an import", "an import of another file", "a background", "a choice of images"}


def reaching(name: str) -> bytes:
    css = REACHES[name].encode()
    return css + BASE if css.startswith(b"@import") else BASE + css


@pytest.mark.parametrize("name", REACHES)
def test_a_stylesheet_that_names_a_resource_is_refused(
    name: str, evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any]
) -> None:
    why = looked(evaluate, chromium, expected, reaching(name))
    assert "names a resource" in why or "imports what the page does not have" in why


@pytest.mark.parametrize("name", sorted(ASKS))
def test_what_the_rules_let_through_is_stopped_by_the_policy_and_then_by_the_route(
    name: str, evaluate: ModuleType, chromium: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> list[str]:
        with chromium.within(PATIENCE):
            return list(evaluate.loaded(chromium, reaching(name)).refused)

    behind_the_policy = [url for url in asked() if "other.test" in url]
    monkeypatch.setattr(evaluate, "POLICY", "default-src * data:")
    behind_the_route = asked()
    assert behind_the_policy == []
    assert any("other.test" in url or "missing" in url for url in behind_the_route)


def request(*paths: Path) -> evaluator.Request:
    items = tuple(evaluator.Item("0" * 40, path) for path in paths)
    return evaluator.Request(1, "search", 0, 1.0, items)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "styles.css"
    path.write_bytes(content)
    return path


def test_the_judge_measures_the_base_and_looks_once(
    evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bytes] = []
    monkeypatch.setattr(evaluate, "look", lambda _chromium, styles, _expected: looks.append(styles))
    monkeypatch.setattr(evaluate, "SECONDS", PATIENCE)
    judge = evaluate.Judge(chromium, expected)
    path = written(tmp_path, BASE)
    first, second = judge.score(request(path, path))
    assert set(first.metrics) == set(second.metrics) == {"total_ms", "load_ms", "layout_ms", "interaction_ms"}
    assert first.metrics["total_ms"] == pytest.approx(first.metrics["load_ms"] + first.metrics["interaction_ms"])
    assert min(first.metrics.values()) > 0
    assert looks == [BASE]


@pytest.mark.parametrize("most", [64 * 1024, 1 << 20])
def test_a_huge_file_is_refused_and_the_control_is_measured(
    most: int, evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(evaluate, "MOST_BYTES", most)
    monkeypatch.setattr(evaluate, "SECONDS", PATIENCE)
    monkeypatch.setattr(evaluate, "look", lambda *_arguments: None)
    path = written(tmp_path, BASE + b"/*" + b"x" * 100_000 + b"*/")
    (found,) = evaluate.Judge(chromium, expected).score(request(path))
    assert isinstance(found, evaluator.Crash if most < 100_000 else evaluator.Scores)


def test_a_bomb_of_selectors_is_stopped_and_the_next_one_is_measured(
    evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = b"".join(
        b":is(*:has(~ * ~ * ~ * ~ * ~ .x%d)) ~ * ~ * ~ * ~ * ~ *:has(~ * ~ .y%d) { --a: %d }\n" % (n, n, n)
        for n in range(600)
    )
    monkeypatch.setattr(evaluate, "look", lambda *_arguments: None)
    judge = evaluate.Judge(chromium, expected)
    monkeypatch.setattr(evaluate, "SECONDS", 1.0)
    (stopped,) = judge.score(request(written(tmp_path, BASE + bomb)))
    monkeypatch.setattr(evaluate, "SECONDS", PATIENCE)
    (measured,) = judge.score(request(written(tmp_path, BASE)))
    assert isinstance(stopped, evaluator.Crash)
    assert "longer than 1 s" in stopped.why
    assert isinstance(measured, evaluator.Scores)


def test_a_page_that_takes_the_browser_down_is_a_crash(
    evaluate: ModuleType, chromium: Chromium, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(found: Chromium, _styles: bytes) -> None:
        found.open({"/": Resource(b"", "text/html")}).developer.send("Page.crash")

    monkeypatch.setattr(evaluate, "measured", dies)
    (found,) = evaluate.Judge(chromium, expected).score(request(written(tmp_path, BASE)))
    assert isinstance(found, evaluator.Crash)
