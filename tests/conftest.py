"""What every test run says at its end, also where several processes share the tests; and what tests may leave out."""

from __future__ import annotations

import sys
from typing import Any

import pytest

GATHERED: list[tuple[int, int, list[str]]] = []  # of processes that have ended: valid, invalid, kinds


@pytest.fixture
def no_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart takes most of a proposal's time."""
    monkeypatch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"png")


def _seen() -> tuple[int, int, list[str]] | None:
    """What this process held against GitHub's description."""
    server = sys.modules.get("tests.github.server")
    return (server.TOTALS.valid, server.TOTALS.invalid, sorted(server.TOTALS.kinds)) if server else None


def pytest_sessionfinish(session: Any) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["github"] = _seen()


class _Gathering:
    """Where tests are shared: what each process reports when it ends."""

    def pytest_testnodedown(self, node: Any) -> None:
        if found := getattr(node, "workeroutput", {}).get("github"):
            GATHERED.append(found)


class _Naming:
    """Says what failed when it fails: a run that something ends early has then said it too."""

    def __init__(self, terminal: Any) -> None:
        self.terminal = terminal

    @pytest.hookimpl(trylast=True)  # after the letter
    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = str(getattr(crash, "message", report.longrepr)).strip().partition("\n")[0]
            self.terminal.write_line(f"\n{report.when} failed: {report.nodeid}: {why[:300]}")


def pytest_configure(config: Any) -> None:
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_Gathering())


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: Any) -> None:
    if terminal := session.config.pluginmanager.getplugin("terminalreporter"):
        session.config.pluginmanager.register(_Naming(terminal))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many messages were held against GitHub's description, where any were."""
    found = [*GATHERED, *([mine] if (mine := _seen()) else [])]
    if any(valid or invalid for valid, invalid, _kinds in found):
        from tests.github.server import Totals

        kinds = {kind for _valid, _invalid, each in found for kind in each}
        total = Totals(sum(each[0] for each in found), sum(each[1] for each in found), kinds)
        terminalreporter.write_line(total.line())
