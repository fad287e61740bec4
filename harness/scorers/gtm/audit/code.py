"""Code: does it break, wait for somebody to watch it, or open a door?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot
from harness.scorers.gtm.audit.scripts import code_of, piece_of
from harness.scorers.gtm.entities import Entity, table, text_of
from harness.scorers.gtm.view import View

_INSECURE = re.compile(
    r"""\bsrc["']?\s{0,9}[=:]\s{0,9}["'`]?\s{0,9}http://|\b(?:fetch|sendBeacon|importScripts)\(\s{0,9}["'`]http://""",
    re.I,
)
_WRITES = re.compile(r"""\bdocument\.write(?:ln)?\s*\(""")
_EVALUATES = re.compile(r"""(?<![\w.$])eval\s*\(|\bnew\s+Function\s*\(|\bset(?:Timeout|Interval)\s*\(\s*["'`]""")
_DEBUGGING = re.compile(
    r"""(?<![\w.$])debugger\s*;|(?<![\w.$])(?:window\.)?alert\s*\(|\bdebug_mode["']?\s*:\s*(?:true|1|["']true)"""
)
_FUNCTION = re.compile(r"""\(?\s*(?:async\s+)?(?:function\b|\([^()]*\)\s*=>|[\w$]+\s*=>)""")
_CREDENTIALS = re.compile(
    r"(?i)\b(?:passwor[dt]|passwd|pwd|api[ _-]?key|(?:client|app)[ _-]?secret|(?:access|auth)[ _-]?token)\b"
    r"\s*(?:[:=]\s*\S{4,}|is\s+(?=\S{0,99}\d)\S{4,})"
)


def _html(view: View) -> Iterator[tuple[Entity, str]]:
    for tag in view.container.all("tag"):
        if tag.type == "html" and tag.text("html"):
            yield tag, tag.text("html")


def _functions(view: View) -> Iterator[tuple[Entity, str]]:
    for one in view.container.all("variable"):
        if one.type == "jsm" and one.text("javascript").strip():
            yield one, one.text("javascript")


def _bare(view: View) -> Iterator[tuple[Entity, str, str]]:
    """Code that really runs, with the key that holds it."""
    for one, text in _html(view):
        yield one, "html", piece_of(text).bare
    for one, text in _functions(view):
        yield one, "javascript", code_of(text).bare


def _insecure(view: View) -> Iterator[Spot]:
    for one, key, bare in _bare(view):
        if _INSECURE.search(bare):
            yield Spot(one, "loads or sends over http, which browsers block and everybody can change", one.at(key))
    for tag in view.container.all("tag"):
        if tag.type == "img" and (view.values.constant(tag.text("url")) or tag.text("url")).startswith("http://"):
            yield Spot(tag, "its image is loaded over http", tag.at("url"))


def _writes(view: View) -> Iterator[Spot]:
    for one, key, bare in _bare(view):
        if _WRITES.search(bare):
            yield Spot(one, "document.write: once a page is loaded it wipes the page out", one.at(key))


def _evaluates(view: View) -> Iterator[Spot]:
    for one, key, bare in _bare(view):
        if _EVALUATES.search(bare):
            yield Spot(one, "runs a text as code: eval, new Function, or a timer with a text", one.at(key))


def _unclosed(view: View) -> Iterator[Spot]:
    for tag, text in _html(view):
        if not piece_of(text).closed:
            yield Spot(tag, "a script or comment begins without an end, or ends without a beginning", tag.at("html"))


def _unsound(view: View) -> Iterator[Spot]:
    message = "its brackets or quotation marks do not match, so that nothing of it runs"
    for tag, text in _html(view):
        if piece_of(text).closed and not piece_of(text).sound:
            yield Spot(tag, message, tag.at("html"))
    for one, text in _functions(view):
        if not code_of(text).sound:
            yield Spot(one, message, one.at("javascript"))


def _no_function(view: View) -> Iterator[Spot]:
    for one, text in _functions(view):
        if not _FUNCTION.match(code_of(text).bare.strip()):
            yield Spot(one, "is no function, which Tag Manager refuses to publish", one.at("javascript"))


def _debugging(view: View) -> Iterator[Spot]:
    for one, key, bare in _bare(view):
        if _DEBUGGING.search(bare):
            yield Spot(one, "debugging was left on: debugger, alert or debug_mode", one.at(key))
    for one in (*view.container.all("tag"), *view.container.all("variable")):
        for key in ("eventSettingsTable", "eventParameters", "configSettingsTable", "fieldsToSet"):
            said = table(one.parameters.get(key)).get("debug_mode", "")
            if said and view.values.constant(said):  # a GA4 event that says debug_mode=false is a debug event, too
                yield Spot(
                    one, "sends debug_mode with every event, so that all of them are taken for tests", one.at(key)
                )


def _credentials(view: View) -> Iterator[Spot]:
    """What is found is never repeated."""
    message = "a comment or note holds what looks like a password or key"
    for one, text in _html(view):
        if any(_CREDENTIALS.search(comment) for comment in piece_of(text).comments):
            yield Spot(one, message, one.at("html"))
    for one, text in _functions(view):
        if any(_CREDENTIALS.search(comment) for comment in code_of(text).comments):
            yield Spot(one, message, one.at("javascript"))
    for those in view.container.entities.values():
        for one in (each for each in those if "notes" in each.data):
            if _CREDENTIALS.search(text_of(one.data.get("notes"))):
                yield Spot(one, message, f"{one.pointer}/notes")


RULES = (
    Rule("code-insecure", "error", _insecure),
    Rule("code-writes-page", "error", _writes),
    Rule("code-evaluates-text", "error", _evaluates),
    Rule("code-unclosed", "error", _unclosed),
    Rule("code-unsound", "error", _unsound),
    Rule("code-no-function", "error", _no_function),
    Rule("code-debugging", "warning", _debugging),
    Rule("code-credentials", "error", _credentials),
)
