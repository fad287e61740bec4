"""The sandboxed browser, with a real Chromium: what a page gets, what it cannot reach, what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Error

from harness import browser
from harness.browser import Chromium, Resource, Stopped
from harness.errors import EvaluatorError
from harness.sandbox import TESTED_VARIABLE
from harness.sandbox.limits import Limits

PATIENCE = 60.0  # seconds; for a loaded machine
PAGE = Resource(b"<!doctype html><title>here</title><p id=said>no</p>", "text/html")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browser.sandboxed() as found:
        yield found


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()


def naked(url: str) -> str:
    """What a browser without our sandbox shows at an address: the control."""
    script = (
        "import sys\nfrom playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as driver:\n"
        f"    opened = driver.chromium.launch(executable_path={str(browser.find())!r}, args=['--no-sandbox'])\n"
        "    page = opened.new_page()\n    page.goto(sys.argv[1])\n    print(page.inner_text('body'))\n"
    )
    command = [sys.executable, "-c", script, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip()


def test_a_page_gets_what_is_held_and_asks_for_the_rest_in_vain(chromium: Chromium) -> None:
    html = b"<link rel=stylesheet href=own.css><p id=said>no</p><img src=missing.png><img src=http://other.test/x.png>"
    held = {"/": Resource(html, "text/html"), "/own.css": Resource(b"#said {color: red}", "text/css")}
    with chromium.within(PATIENCE):
        site = chromium.open(held)
        site.page.goto(f"{site.origin}/")
        colour = site.page.evaluate("getComputedStyle(document.querySelector('#said')).color")
    assert colour == "rgb(255, 0, 0)"
    assert sorted(site.refused) == sorted([f"{site.origin}/missing.png", "http://other.test/x.png"])


def test_there_is_no_network_even_where_nothing_is_routed(chromium: Chromium, server: tuple[str, list[str]]) -> None:
    address, asked = server
    with chromium.within(PATIENCE):
        site = chromium.open({"/": PAGE})
        site.page.unroute_all()
        try:
            with pytest.raises(Error, match="ERR_"):
                site.page.goto(f"{address}/sandboxed")
        finally:
            chromium.stop()  # the route is gone from its page
    assert asked == []
    naked(f"{address}/naked")
    assert "/naked" in asked


def test_no_file_of_the_host_is_there(chromium: Chromium, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the answer")
    tmp_path.chmod(0o755)
    with chromium.within(PATIENCE):
        site = chromium.open({"/": PAGE})
        site.page.unroute_all()
        try:
            with pytest.raises(Error, match="ERR_"):
                site.page.goto(secret.as_uri())
        finally:
            chromium.stop()
    assert naked(secret.as_uri()) == "the answer"


def test_each_site_has_a_renderer_of_its_own_and_the_last_one_ends(chromium: Chromium) -> None:
    def renderers() -> set[int]:
        return {pid for pid in chromium.clocks() if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes()}

    with chromium.within(PATIENCE):
        chromium.open({"/": PAGE})
        first = renderers()
        chromium.open({"/": PAGE})
        deadline = time.monotonic() + PATIENCE / 2
        while first <= renderers() and time.monotonic() < deadline:
            time.sleep(0.05)
        second = renderers()
    assert second - first, "the new page is in an old process"
    assert first - second, "the old page's process lives on"


def test_a_page_that_hangs_is_stopped_and_the_next_one_opens(chromium: Chromium) -> None:
    with chromium.within(PATIENCE):
        site = chromium.open({"/": PAGE})
    with pytest.raises(Stopped, match="longer than 3 s") as stopped, chromium.within(3):
        site.page.evaluate("() => { for (;;); }")
    assert stopped.value.kind == "timeout"
    with chromium.within(PATIENCE):
        site = chromium.open({"/": PAGE})
        site.page.goto(f"{site.origin}/")
        assert site.page.title() == "here"


def elsewhere(work: Callable[[], None]) -> None:
    """In a thread of its own: Playwright drives one browser per thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def test_a_page_that_fills_the_memory_is_stopped() -> None:
    bounds = Limits(memory=700 << 20, address_space=1 << 46, processes=1024, file_size=256 << 20, open_files=4096)
    fill = "() => { const held = []; for (;;) held.push(new Uint8Array(16 << 20).fill(1)); }"

    def work() -> None:
        with browser.sandboxed(bounds) as small, small.within(PATIENCE):
            small.open({"/": PAGE}).page.evaluate(fill)

    with pytest.raises(Stopped) as stopped:
        elsewhere(work)
    assert stopped.value.kind == "memory"


def test_clocks_count_what_a_page_computes(chromium: Chromium) -> None:
    with chromium.within(PATIENCE):
        site = chromium.open({"/": PAGE})
        before = chromium.clocks()
        site.page.evaluate("() => { const end = Date.now() + 300; while (Date.now() < end); }")
        busy = browser.spent(before, chromium.clocks())
    assert busy > 0.01


def test_pixels_are_what_is_painted(chromium: Chromium) -> None:
    html = b"<!doctype html><body style='margin:0;background:rgb(10,20,30);height:900px'>"
    with chromium.within(PATIENCE):
        site = chromium.open({"/": Resource(html, "text/html")}, width=320, height=240)
        site.page.goto(f"{site.origin}/")
        screen, whole = site.pixels(), site.pixels(900)
    assert (screen.shape, whole.shape) == ((240, 320, 3), (900, 320, 3))
    assert {tuple(map(int, pixel)) for pixel in (screen[5, 5], whole[899, 319])} == {(10, 20, 30)}


HELD = """
import sys, time
from harness import browser
with browser.sandboxed() as chromium, chromium.within(300):
    chromium.open({})
    print(*chromium.clocks(), flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_evaluator_leaves_no_chromium(end: signal.Signals, tmp_path: Path) -> None:
    own = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, env=own, text=True) as evaluator:
        assert evaluator.stdout is not None
        pids = [int(pid) for pid in evaluator.stdout.readline().split()]
        assert len(pids) > 3
        evaluator.send_signal(end)
    assert until_gone(pids) == []
    assert not list(tmp_path.rglob("*profile/*")), "the profile lies in the sandbox's memory"


def until_gone(pids: list[int]) -> list[int]:
    """The processes that are still there after a while; a zombie that nobody has reaped yet is gone."""
    deadline = time.monotonic() + PATIENCE / 2
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def test_after_the_with_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    pids: list[int] = []

    def work() -> None:
        with browser.sandboxed() as brief, brief.within(PATIENCE):
            brief.open({"/": PAGE})
            pids.extend(brief.clocks())

    elsewhere(work)
    assert len(pids) > 3
    assert until_gone(pids) == []
    assert list(tmp_path.iterdir()) == []


AS_SOMEBODY = """
import os
from harness import browser
assert os.geteuid() != 0
with browser.sandboxed() as chromium, chromium.within(60):
    chromium.open({})
    print("ok")
"""


def test_who_is_not_root_has_the_browser_too() -> None:
    """In a user namespace of one user root is somebody else, but for the count of processes: so no self-test here."""
    command = ["unshare", "--user", "--map-user=1234", "--map-group=1234", sys.executable, "-c", AS_SOMEBODY]
    own = {**os.environ, TESTED_VARIABLE: "1"}
    done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
    assert done.stdout.strip() == "ok", done.stderr


def test_without_chromium_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "_PLACES", ())
    with pytest.raises(EvaluatorError, match="apt-get install chromium"):
        browser.find(str(tmp_path / "nothing"))


def test_a_script_named_chromium_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\nexec snap run chromium\n")
    (tmp_path / "chromium").chmod(0o755)
    own = Path(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "_PLACES", ())
    assert browser.find(str(own)) == own


def test_without_playwright_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(EvaluatorError, match=r"autoresearch-bot\[browser\]"), browser.sandboxed():
        pass
