"""What a tag sends, to whom, and about which events: by type, parameters and code, never by its name."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.scorers.gtm.container import Container
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import catalogue, tag_facts
from harness.scorers.gtm.reach import Reach
from harness.scorers.gtm.values import Values

_FBQ = re.compile(
    r"""fbq\(\s*['"](?:track|trackSingle|trackCustom|trackSingleCustom)['"]\s*,\s*(?:['"](?:\d+|\{\{[^{}]+\}\})['"]\s*,\s*)?['"]([^'"]+)['"]"""
)
_GTAG = re.compile(r"""gtag\(\s*['"]event['"]\s*,\s*['"]([^'"]+)['"]""")
_PIXEL = re.compile(r"""fbq\(\s*['"]init['"]\s*,\s*['"]?(\{\{[^{}]+\}\}|[^'",)\s]+)|facebook\.com/tr/?\?id=([^&'"]+)""")
_EVENT_ID = re.compile(r"""event_?id['"]?\s*:\s*(\{\{[^{}]+\}\}|['"][^'"]*['"]|[\w.$]+)""", re.IGNORECASE)
_EVENT_ID_KEY = re.compile(r"event_?id", re.IGNORECASE)
_EVENT_NAME_KEY = re.compile(r"event_?name|^event$", re.IGNORECASE)
_SECTION = re.compile(r"^___([A-Z_]+)___\s*$", re.MULTILINE)
_SPACES = re.compile(r"\s+")
# None begins inside another: so a text of many beginnings and no end is read once, not once for each.
_COMMENT = re.compile(
    r"<!--(?:(?!<!--).)*?-->|/\*(?:(?!/\*).)*?\*/|(?:(?<=[\s;{}>])|^)//[^\n]*", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Sender:
    """What a tag does. vendors: who receives; "" never. purposes: ads, analytics.

    events: names that it surely sends; follows: it also sends the event that fires it, under that event's own name.
    unsure: the name of the event cannot be known. destination: constant ids, "" each where they vary.
    event_id: what stands for the shared id of an event, None where the tag has no such thing.
    """

    vendors: frozenset[str]
    purposes: frozenset[str]
    sends: bool
    reads_consent: bool
    sets_default: bool
    events: frozenset[str]
    follows: bool
    unsure: bool
    destination: tuple[str, ...]
    event_id: str | None
    dead: str

    @property
    def vendor(self) -> str:
        """The one vendor that names the tag; the first of several, by the alphabet."""
        return min(self.vendors, default="")


@functools.lru_cache(maxsize=512)
def sections(template: str) -> dict[str, str]:
    """The parts of a template's text, such as its code, its permissions and its fields."""
    marks = list(_SECTION.finditer(template))
    ends = [*(mark.start() for mark in marks[1:]), len(template)][: len(marks)]
    return {mark.group(1): template[mark.end() : end] for mark, end in zip(marks, ends, strict=True)}


def template_code(template: Entity | None) -> str:
    """What a template may do: its code and its permissions."""
    return _template_code(text_of(template.data.get("templateData"))) if template else ""


@functools.lru_cache(maxsize=512)
def _template_code(text: str) -> str:
    parts = sections(text)
    return "".join(
        executed(text)
        for name, text in parts.items()
        if name.startswith("SANDBOXED_JS") or name.endswith("PERMISSIONS")
    )


@functools.lru_cache(maxsize=4096)
def executed(code: str) -> str:
    """Code without its comments, which nobody runs."""
    return _COMMENT.sub(" ", code) if "/*" in code or "//" in code or "<!--" in code else code


def template_fields(template: Entity | None) -> list[dict[str, Any]]:
    """The fields that a template asks for; [] where they cannot be read."""
    parts = sections(text_of(template.data.get("templateData"))) if template else {}
    try:
        found = json.loads(parts.get("TEMPLATE_PARAMETERS", "[]"))
    except (ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


class Senders:
    """What every tag of a container sends."""

    def __init__(self, container: Container, values: Values) -> None:
        self._container, self._values = container, values
        self._found = {tag: self._of(tag) for tag in container.all("tag")}

    def of(self, tag: Entity) -> Sender:
        return self._found[tag]

    def events(self, tag: Entity, reach: Reach, names: frozenset[str]) -> frozenset[str]:
        """Which of these events the tag sends when it fires."""
        sender = self.of(tag)
        followed = {name for name in names if any(firing.events.allows(name) for firing in reach.firings)}
        return (sender.events & names) | (followed if sender.follows else set())

    def _of(self, tag: Entity) -> Sender:
        facts, template = tag_facts(tag.type), self._container.template_of(tag)
        code, is_template = _code(tag, facts, template), template is not None
        destination = self._destination(tag, facts, code)
        vendors = _vendors(facts, code, destination)
        events, follows, unsure = self._events(tag, facts, vendors, code, is_template=is_template)
        return Sender(
            vendors=frozenset(vendors),
            purposes=frozenset(_described(vendors, "purpose")),
            sends=_sends(facts, vendors, code, is_template=is_template),
            reads_consent=_reads_consent(facts, vendors, code, is_template=is_template),
            sets_default=_sets_default(code) and _denies(tag, code, template),
            events=frozenset(events),
            follows=follows,
            unsure=unsure,
            destination=destination,
            event_id=self._event_id(tag, code),
            dead=next(iter(_described(vendors, "dead")), ""),
        )

    def _events(
        self, tag: Entity, facts: dict[str, Any], vendors: set[str], code: str, *, is_template: bool
    ) -> tuple[set[str], bool, bool]:
        texts = [tag.text(key) for key in facts.get("event", []) if tag.text(key)]
        if not is_template and "content" in facts:
            texts += _FBQ.findall(code) if "meta" in vendors else []
            texts += _GTAG.findall(code) if "ga4" in vendors else []
        elif is_template and "meta" in vendors:
            texts += [text for text in _texts(tag.parameters) if self._is_meta(text)] or _named_events(tag)
        events, follows, unsure = set(), bool(facts.get("forwards")) and not texts, False
        if facts.get("page_view") and not follows and self._sends_page_view(tag):
            events.add("page_view")
        for text in texts:
            possible = self._values.possible(text)
            follows |= self._values.is_event_name(text)
            unsure |= possible is None and not self._values.is_event_name(text)
            events |= possible or set()
        if is_template and self._container.context == "server" and not texts and vendors:
            follows = True
        return {one for one in events if one}, follows, unsure

    def _is_meta(self, text: str) -> bool:
        known = catalogue()["meta_events"]
        possible = self._values.possible(text) if "{{" in text else {text}
        return bool(possible) and any(one in known for one in possible or ())

    def _sends_page_view(self, tag: Entity) -> bool:
        fields = self._values.fields(tag)
        said = [fields.get("send_page_view", ""), tag.text("sendPageView")]
        return "false" not in [self._values.constant(text) for text in said]

    def _destination(self, tag: Entity, facts: dict[str, Any], code: str) -> tuple[str, ...]:
        keys = facts.get("destination", [])
        if keys and all(key.startswith("measurement") for key in keys):  # two ages of one parameter
            keys = [next((key for key in keys if tag.text(key)), keys[0])]
        texts = [tag.text(key) for key in keys]
        if not keys and "content" in facts:
            texts = [a or b for a, b in _PIXEL.findall(code)][:1]
        return tuple(self._values.constant(text) or text for text in texts)

    def _event_id(self, tag: Entity, code: str) -> str | None:
        if tag_facts(tag.type).get("content"):
            found = _EVENT_ID.search(code)
            said = found.group(1) if found else None
            return said.strip("'\"") if said and "{{" in said else said
        fields = {**self._values.fields(tag), **{k: v for k, v in tag.parameters.items() if isinstance(v, str)}}
        return next((fields[key] for key in sorted(filter(_EVENT_ID_KEY.search, fields)) if fields[key]), None)


def _named_events(tag: Entity) -> list[str]:
    """What a template's fields for the event hold, where that is no constant."""
    fields = [key for key in tag.parameters if _EVENT_NAME_KEY.search(key)]
    return [tag.text(key) for key in sorted(fields) if "{{" in tag.text(key)]


def _vendors(facts: dict[str, Any], code: str, destination: tuple[str, ...]) -> set[str]:
    if "vendor" in facts:
        others: dict[str, str] = catalogue()["google_tag_vendors"] if facts.get("page_view") else {}
        return {others.get(destination[0][:3] if destination else "", facts["vendor"])}
    return set(_heard_in(code)) if code else set()


@functools.lru_cache(maxsize=4096)
def _heard_in(code: str) -> frozenset[str]:
    """Vendors whose signs stand in code."""
    every: dict[str, dict[str, list[str]]] = catalogue()["vendors"]
    return frozenset(name for name, one in every.items() if any(sign in code for sign in one["signs"]))


def _code(tag: Entity, facts: dict[str, Any], template: Entity | None) -> str:
    """What a tag runs or fetches: its template's code, or its own."""
    return template_code(template) if template else executed("".join(map(tag.text, facts.get("content", []))))


@functools.lru_cache(maxsize=4096)
def _sets_default(code: str) -> bool:
    return "onsent" in code and _any(_SPACES.sub("", code), "default_consent_code")


def _denies(tag: Entity, code: str, template: Entity | None) -> bool:
    """A default that grants everything asks nobody. Templates take the word from their fields."""
    said = text_of(template.data.get("templateData")) if template else code
    return "denied" in said or any("denied" in text for text in _texts(tag.parameters))


def _described(vendors: set[str], key: str) -> list[str]:
    """What the catalogue says of vendors under a key, in their alphabet; [] where it says nothing."""
    every: dict[str, dict[str, str]] = catalogue()["vendors"]
    return [every[one][key] for one in sorted(vendors) if key in every[one]]


def _sends(facts: dict[str, Any], vendors: set[str], code: str, *, is_template: bool) -> bool:
    if facts.get("linker"):
        return False
    return bool(vendors or facts.get("pixel")) or _any(code, "sending_template" if is_template else "sending_code")


def _reads_consent(facts: dict[str, Any], vendors: set[str], code: str, *, is_template: bool) -> bool:
    if is_template:
        return _any(code, "reads_consent_code")
    by_gtag = bool(vendors) and "gtag" in code and vendors <= set(catalogue()["gtag_vendors"])
    return bool(facts.get("reads_consent")) or by_gtag


@functools.lru_cache(maxsize=8192)
def _any(code: str, signs: str) -> bool:
    return any(sign in code for sign in catalogue()[signs]) if code else False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
