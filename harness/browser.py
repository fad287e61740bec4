"""A real Chromium for hostile pages: pages open here or nowhere.

    with browser.sandboxed() as chromium, chromium.within(20):
        site = chromium.open({"/": Resource(html, "text/html"), "/styles.css": Resource(css, "text/css")})
        site.page.evaluate("document.title")

Playwright drives it over two pipes, so Chromium needs no network and has none: it runs in a sandbox of ours
(`harness.sandbox.bwrap`, with the relaxation for sockets that stay inside), sees the system's programs and fonts and a
profile in memory, and ends with whoever started it. What a page asks for is answered from what the evaluator holds;
anything else is aborted and recorded.

Chromium's own inner sandbox is off: it builds namespaces, which no process in ours may do. So a page that takes over
its renderer has what a candidate that is a program has: the sandbox of `harness.sandbox`, and no more. It could then
reach Chromium's other processes and forge what this browser says of later pages. Keep the browser up to date.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import shlex
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.descendants import kill_tree, members
from harness.errors import EvaluatorError
from harness.sandbox import TESTED_VARIABLE, bwrap, usage
from harness.sandbox.limits import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Browser, BrowserType, CDPSession, Page, Route
    from playwright.sync_api._context_manager import PlaywrightContextManager

INSTALL = "pip install 'autoresearch-bot[browser]'"
LIMITS = Limits(
    seconds=60,
    memory=3 << 30,
    address_space=1 << 46,  # reserved by the terabyte, hardly used
    processes=1024,
    file_size=256 << 20,
    open_files=4096,
)
_PLACES = (
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SYSTEM = Path("/usr")
_SHOWN = "/candidate/chromium"
_LOOK = 0.2  # seconds between two looks at what the browser uses
_PAUSE, _IDLE = 0.01, 0.001  # seconds; a tenth of one processor is not much
_FONTS = (
    '<?xml version="1.0"?><fontconfig><dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir>'
    "<cachedir>/tmp/fonts</cachedir></fontconfig>"
)
# In the sandbox: the host's settings for fonts are not shown, so they are the same wherever the fonts are.
_BEGIN = 'printf %s "$1" >/tmp/fonts.conf; export FONTCONFIG_FILE=/tmp/fonts.conf; shift; exec "$@"'
_FLAGS = (
    "--disable-gpu",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-background-networking",
    # A spare renderer would be started while somebody else is measured.
    "--disable-features=SpareRendererForSitePerProcess,PaintHolding,HttpsUpgrades,OptimizationHints,MediaRouter",
    "--user-data-dir=/tmp/profile",
)


@dataclass(frozen=True)
class Resource:
    """What a page may ask for, and is given."""

    content: bytes
    kind: str  # as in Content-Type
    headers: Mapping[str, str] = field(default_factory=dict)


class Stopped(Exception):
    """The browser was stopped, or failed: kind is timeout, memory, processes, or exit."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass
class Site:
    """A page with an origin, and so a renderer process, that no page had before. refused: what it asked for in vain."""

    page: Page
    developer: CDPSession
    origin: str
    resources: Mapping[str, Resource]
    refused: list[str] = field(default_factory=list)

    def pixels(self, whole: int = 0) -> NDArray[np.uint8]:
        """What is on the screen: (height, width, 3), red, green, blue. whole: as on a screen of this height."""
        from PIL import Image

        wanted: dict[str, Any] = {"format": "png", "optimizeForSpeed": True}
        if whole:
            size = self.page.viewport_size or {"width": 0}
            clip = {"x": 0, "y": 0, "width": size["width"], "height": whole, "scale": 1}
            wanted |= {"captureBeyondViewport": True, "clip": clip}
        taken = self.developer.send("Page.captureScreenshot", wanted)
        with Image.open(io.BytesIO(base64.b64decode(taken["data"]))) as image:
            return np.asarray(image.convert("RGB"))

    def answer(self, route: Route) -> None:
        url = route.request.url
        found = self.resources.get(url.removeprefix(self.origin)) if url.startswith(f"{self.origin}/") else None
        if found is None:
            self.refused.append(url[:200])
            route.abort("blockedbyclient")
        else:
            route.fulfill(body=found.content, headers={"Content-Type": found.kind, **found.headers})


class Chromium:
    """The browser. One that was stopped is started again when the next site opens."""

    def __init__(self, kind: BrowserType, program: Path, scratch: Path, limits: Limits) -> None:
        self._kind, self._program, self._scratch, self._limits = kind, program, scratch, limits
        self._browser: Browser | None = None
        self._site: Site | None = None
        self._leader = 0
        self._opened = 0

    def open(self, resources: Mapping[str, Resource], *, width: int = 1280, height: int = 720) -> Site:
        """A site with these resources, by path; nothing of it is loaded yet but an empty page at /blank.

        Nothing is left of the site before: its process ends. Raises Stopped.
        """
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._start()
        if self._site is None:
            context = self._browser.new_context(viewport={"width": width, "height": height}, service_workers="block")
            page = context.new_page()
            page.set_default_timeout(self._limits.seconds * 1000)
            page.route("**/*", lambda route: self._site.answer(route) if self._site else route.abort())
            self._site = Site(page, context.new_cdp_session(page), "", {})
        page = self._site.page
        if page.viewport_size != {"width": width, "height": height}:
            page.set_viewport_size({"width": width, "height": height})
        self._opened += 1
        blank = {"/blank": Resource(b"<!doctype html>", "text/html")}
        self._site = Site(page, self._site.developer, f"http://page{self._opened}.test", {**resources, **blank})
        page.goto(f"{self._site.origin}/blank")
        self.quieten()
        return self._site

    def clocks(self) -> dict[int, float]:
        """Seconds of processor time that each process of the browser has used: clocks that no page can set."""
        return {pid: usage.clock(pid) for pid in members(self._leader)} if self._leader else {}

    def quieten(self, seconds: float = 0.5) -> None:
        """Waits until the browser is idle, so long at most: what a page leaves behind is not the next one's cost."""
        deadline, before = time.monotonic() + seconds, self.clocks()
        while time.monotonic() < deadline:
            time.sleep(_PAUSE)
            after = self.clocks()
            if (
                after.keys() == before.keys()
                and spent(before, after) < _IDLE
                and not any(map(usage.wants_to_run, after))
            ):
                return
            before = after

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Stops the browser, and raises Stopped, when what is done with it takes longer or fails, or uses too much."""
        from playwright.sync_api import Error

        over, verdict = threading.Event(), [""]
        guard = threading.Thread(target=self._guard, args=(time.monotonic() + seconds, over, verdict), daemon=True)
        guard.start()
        try:
            yield
        except Error as error:  # also where only the page crashed: what else would a hostile page be believed
            self.stop()
            raise Stopped(verdict[0] or "exit", _reason(verdict[0], seconds, str(error))) from None
        finally:
            over.set()
            guard.join()

    def stop(self) -> None:
        """Ends the browser with all that belongs to it."""
        from playwright.sync_api import Error

        leader, self._leader = self._leader, 0
        self._site = None
        browser, self._browser = self._browser, None
        if leader:
            kill_tree(leader)
        if browser is not None:
            with contextlib.suppress(Error):
                browser.close()

    def _start(self) -> Browser:
        from playwright.sync_api import Error

        self.stop()
        command = _command(self._program, self._limits)
        wrapper, told = self._scratch / "chromium", self._scratch / "pid"
        begun = f"echo $$ >{shlex.quote(str(told))}"
        started = f'exec env -i {shlex.join(command)} "$@" {shlex.join(_FLAGS)}'
        wrapper.write_text(f"#!/bin/sh\n{begun}\n{started}\n", encoding="utf-8")
        wrapper.chmod(0o700)
        try:
            browser = self._kind.launch(
                executable_path=wrapper, env={}, chromium_sandbox=False, timeout=self._limits.seconds * 1000
            )
        except Error as error:
            raise EvaluatorError(
                f"Chromium does not start in its sandbox: {_last_words(str(error))}",
                why=f"{self._program} ended before it could be driven",
                next_step=f"try it alone: {self._program} --headless --no-sandbox --dump-dom about:blank",
            ) from None
        self._leader = int(told.read_text(encoding="ascii"))
        return browser

    def _guard(self, deadline: float, over: threading.Event, verdict: list[str]) -> None:
        watch = usage.watch(self._limits)
        while not over.wait(min(_LOOK, max(0.0, deadline - time.monotonic()))):
            leader = self._leader
            broken = "timeout" if time.monotonic() >= deadline else ""
            broken = broken or (watch.broken(leader) if watch and leader else "")
            if broken and leader:
                verdict[0] = broken
                kill_tree(leader)
                return


def spent(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """Seconds of processor time between two readings of the clocks, by the processes that did not end meanwhile."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


@contextlib.contextmanager
def sandboxed(limits: Limits = LIMITS) -> Iterator[Chromium]:
    """A browser, until the end of the `with`. limits: of all its processes together; seconds, of one answer.

    Raises EvaluatorError when Playwright or Chromium is missing or does not start, SandboxError without a sandbox.
    """
    if TESTED_VARIABLE not in os.environ:
        from harness.sandbox.selftest import self_test

        self_test()
    sync_playwright = _playwright()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as scratch:
        with _temporary(scratch):
            driver = sync_playwright().start()
        try:
            chromium = Chromium(driver.chromium, find(driver.chromium.executable_path), Path(scratch), limits)
            try:
                yield chromium
            finally:
                chromium.stop()
        finally:
            driver.stop()


def find(own: str = "") -> Path:
    """The system's Chromium or Chrome, else `own`: the one that Playwright downloads. Raises EvaluatorError.

    The program itself, never a script that starts it: such read settings that the sandbox does not show, and Ubuntu's
    starts a snap, which builds a sandbox of its own.
    """
    entries = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    named = [Path(entry, name) for name in _NAMES for entry in entries]
    for place in (*map(Path, _PLACES), *named, Path(own)):
        if os.access(place, os.X_OK) and place.is_file() and not _is_script(place):
            return place
    raise EvaluatorError(
        "pages open in a browser, and there is no Chromium",
        why=f"looked for {', '.join(_PLACES)}, for {', '.join(_NAMES)} on PATH, and for Playwright's own",
        next_step="sudo apt-get install chromium, or: python -m playwright install --with-deps chromium",
    )


def _is_script(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(2) == b"#!"


def _command(program: Path, limits: Limits) -> list[str]:
    """The sandbox with Chromium in it, to which its flags are still to be added."""
    real = program.resolve()
    outside = not real.is_relative_to(_SYSTEM)
    started = f"{_SHOWN}/{real.name}" if outside else str(program)
    words = ["/bin/sh", "-c", _BEGIN, "chromium", _FONTS, started]
    command = bwrap.command(words, sees=(), limits=limits, sockets=True)
    if outside:  # its folder alone, and before the mounts are closed
        end = command.index("--remount-ro", command.index("--dir"))
        command[end:end] = ["--ro-bind", str(real.parent), _SHOWN]
    return command


@contextlib.contextmanager
def _temporary(folder: str) -> Iterator[None]:
    """What Playwright's driver keeps for itself goes there: it reads TMPDIR when it starts."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def _reason(broken: str, seconds: float, said: str) -> str:
    if broken == "timeout":
        return f"the page took longer than {seconds:g} s"
    return f"the page used more {broken} than it may" if broken else said[:300]


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "bwrap: " in line or "sandbox: " in line or "ERROR" in line]
    return (lines or said.splitlines() or [""])[-1][:300]


def _playwright() -> Callable[[], PlaywrightContextManager]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise EvaluatorError(
            "pages open in a browser, and Playwright is not installed", why="no package playwright", next_step=INSTALL
        ) from None
    return sync_playwright
