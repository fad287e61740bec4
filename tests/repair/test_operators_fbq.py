"""Calls of fbq: completed where they can be read, everything around them left as it is."""

from __future__ import annotations

import pytest

from bot.proposers.repair.operators.fbq import calls, with_event_id, with_field

ID = "{{DLV - event_id}}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("fbq('track', 'Lead');", f"fbq('track', 'Lead', {{}}, {{eventID: '{ID}'}});"),
        ("fbq('track', 'Lead', {a: 1});", f"fbq('track', 'Lead', {{a: 1}}, {{eventID: '{ID}'}});"),
        ("fbq('track', 'Lead', {}, {x: 1});", f"fbq('track', 'Lead', {{}}, {{eventID: '{ID}', x: 1}});"),
        ("fbq('track', 'Lead', {}, {eventID: 'no'});", f"fbq('track', 'Lead', {{}}, {{eventID: '{ID}'}});"),
        ("fbq('track', 'Lead', {}, {eventID: {{Old}}});", f"fbq('track', 'Lead', {{}}, {{eventID: {ID}}});"),
        ("fbq('trackSingle', '1', 'Lead', {});", f"fbq('trackSingle', '1', 'Lead', {{}}, {{eventID: '{ID}'}});"),
        ("fbq('track', \"Lead\", {a: ')'});", f"fbq('track', \"Lead\", {{a: ')'}}, {{eventID: '{ID}'}});"),
    ],
)
def test_an_event_id_is_put_in(code: str, found: str) -> None:
    assert with_event_id(f"<script>{code} more();</script>", ID) == f"<script>{found} more();</script>"
    assert with_event_id(with_event_id(code, ID), ID) == found


@pytest.mark.parametrize(
    "code",
    [
        "fbq('init', '123');",
        "fbq('track', 'PageView');",
        "fbq('track', 'Lead', {}, options);",
        "fbq('track', 'Lead', {}, {{Options}});",
        "fbq('track', 'Lead', {",
        "fbq('track', name);"[:12],
        "other('track', 'Lead');",
        "",
    ],
)
def test_what_cannot_be_read_stays(code: str) -> None:
    assert with_event_id(code, ID) == code


def test_every_call_gets_its_own() -> None:
    code = "fbq('track', 'Lead'); fbq('track', 'Contact', {});"
    assert with_event_id(code, ID).count(ID) == 2
    assert [call.event for call in calls(code)] == ["Lead", "Contact"]


def test_a_field_is_put_into_calls_of_one_event() -> None:
    code = "fbq('track', 'Purchase', {value: 1}); fbq('track', 'Lead', {});"
    assert with_field(code, "Purchase", "currency", "{{C}}") == (
        "fbq('track', 'Purchase', {currency: {{C}}, value: 1}); fbq('track', 'Lead', {});"
    )
    assert with_field("fbq('track', 'Purchase');", "Purchase", "value", "{{V}}") == (
        "fbq('track', 'Purchase', {value: {{V}}});"
    )
    assert with_field(code, "Search", "value", "1") == code
