"""What Tag Manager would not import: fields of another shape than its own, of whoever changed or is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.complaints import show
from harness.scorers.gtm.conditions import FILTERS
from harness.scorers.gtm.entities import canonical, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.policing.afterwards import is_system

_TEXTS = {"TEMPLATE", "BOOLEAN", "INTEGER", "TAG_REFERENCE", "TRIGGER_REFERENCE"}
_PARAMETER = {"type", "key", "value", "list", "map", "isWeakReference"}
_LONGEST = 500  # characters of a name


def misshapen(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Fields that were well before and are not now, each with what they should be. old: {} of a new entity."""
    for key, valid, why in _RULES:
        was_well = key not in old or valid(old[key])
        if key in new and was_well and not valid(new[key]):
            yield f"{show(key)} is {why}"
    for key in ("firingTriggerId", "blockingTriggerId"):
        for id_ in sorted(_ids(new, key) - _ids(old, key)):
            if is_system(id_) and id_ not in catalogue()["system_triggers"]:
                yield f"{show(key)}: none of Tag Manager's own triggers has the id {show(id_)}"


def _ids(data: Mapping[str, Any], key: str) -> set[str]:
    listed = data.get(key)
    return set(map(text_of, listed)) if isinstance(listed, list) else set()


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _are_ids(value: object) -> bool:
    if not isinstance(value, list) or len(set(map(repr, value))) != len(value):
        return False
    return all(isinstance(one, str) and one.isdecimal() for one in value)


def _is_parameter(value: object) -> bool:
    """A parameter of any depth."""
    if not isinstance(value, dict) or not value.keys() <= _PARAMETER or not isinstance(value.get("key", ""), str):
        return False
    kind, said = canonical(value.get("type")), value.get("value", "")
    if kind in {"LIST", "MAP"}:
        return _are_parameters(value.get(kind.lower(), []))
    if kind not in _TEXTS or not isinstance(said, str):
        return False
    is_plain = kind not in {"BOOLEAN", "INTEGER"} or "{{" in said or not said
    return is_plain or (said in {"true", "false"} if kind == "BOOLEAN" else said.lstrip("-").isdecimal())


def _are_parameters(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_parameter, value))


def _is_consent(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() <= {"consentStatus", "consentType"}:
        return False
    return isinstance(value.get("consentStatus", ""), str) and _is_parameter(value.get("consentType", {"type": "LIST"}))


def _is_sequence(stops: str) -> Callable[[object], bool]:
    def valid(value: object) -> bool:
        return isinstance(value, list) and all(
            isinstance(one, dict) and one.keys() <= {"tagName", stops} and isinstance(one.get("tagName"), str)
            and isinstance(one.get(stops, False), bool)
            for one in value
        )  # fmt: skip

    return valid


def _are_conditions(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and one.keys() <= {"type", "parameter"} and isinstance(one.get("type"), str)
        and _are_parameters(one.get("parameter"))
        for one in value
    )  # fmt: skip


_RULES: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("name", _is_name, f"a text of at most {_LONGEST} characters"),
    ("notes", _is_text, "a text"),
    ("type", _is_text, "a text"),
    ("parentFolderId", _is_text, "the id of a folder, a text"),
    ("paused", _is_truth, "true or false"),
    ("firingTriggerId", _are_ids, "a list of ids, texts of digits, each once"),
    ("blockingTriggerId", _are_ids, "a list of ids, texts of digits, each once"),
    (
        "parameter",
        _are_parameters,
        "a list of parameters with type, key and value, list or map as Tag Manager has them",
    ),
    ("consentSettings", _is_consent, "an object of consentStatus and consentType, a LIST of texts"),
    ("setupTag", _is_sequence("stopOnSetupFailure"), "a list of objects of tagName and stopOnSetupFailure"),
    ("teardownTag", _is_sequence("stopTeardownOnFailure"), "a list of objects of tagName and stopTeardownOnFailure"),
    *((key, _are_conditions, "a list of conditions with type and parameter") for key in FILTERS),
)
