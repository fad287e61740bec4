"""Honest work of each kind; and moves that pay although they should not, as nobody can tell them from real work."""

from __future__ import annotations

from tests.gtm.build import ALL_PAGES, Builder, condition, consent, rows, set_parameter
from tests.gtm.moves import NOT_MEASURED, Game, custom, event_tag, fill, of_type, of_vendor, outcomes_on, set_text
from tests.gtm.sites import shop


def trigger_of(web: Builder, event: str) -> str:
    """The trigger that waits for an event."""
    found: str = next(
        one["triggerId"]
        for one in web.arrays["trigger"]
        if one["type"] == "CUSTOM_EVENT" and one["customEventFilter"][0]["parameter"][1]["value"] == event
    )
    return found


def without(web: Builder, array: str, *names: str) -> None:
    web.arrays[array] = [one for one in web.arrays[array] if one["name"] not in names]


def consent_for_all(web: Builder) -> None:
    for one in web.arrays["tag"]:
        if of_vendor("fbq(")(one):
            one["consentSettings"] = consent("ad_storage", "ad_user_data")


def one_trigger(web: Builder) -> None:
    again = next(one for one in web.arrays["trigger"] if one["name"] == "CE - login again")["triggerId"]
    without(web, "trigger", "CE - login again")
    for one in web.arrays["tag"]:
        one["firingTriggerId"] = [each for each in one.get("firingTriggerId", []) if each != again]


def one_variable(web: Builder) -> None:
    set_parameter(next(one for one in web.arrays["tag"] if one["name"].endswith("login")), "x", None)
    without(web, "variable", "term again", "id again")


def as_in_the_tidy_shop(*keys: str) -> Game:
    """These fields of what the tidy shop has too."""

    def change(web: Builder) -> None:
        for array in ("tag", "trigger", "variable"):
            tidy = {one[f"{array}Id"]: one for one in shop()["containerVersion"][array]}
            for one in web.arrays[array]:
                one.update({key: tidy[one[f"{array}Id"]][key] for key in keys if one[f"{array}Id"] in tidy})

    return change


def fires_again(web: Builder) -> None:
    next(one for one in web.arrays["tag"] if one["type"] == "googtag").pop("paused")


HONEST: dict[str, Game] = {
    "outcome": lambda web: [event_tag(web, event, trigger_of(web, event)) for event in NOT_MEASURED],
    "consent": consent_for_all,
    "parameters": fill({"conversionValue": "{{DLV - ecommerce.value}}", "currencyCode": "EUR"}, ("awct",)),
    "order": fill({"orderId": "{{DLV - ecommerce.transaction_id}}"}, ("awct",)),
    "copy": lambda web: without(web, "tag", "Copy of GA4 purchase"),
    "twin trigger": one_trigger,
    "twin variable": one_variable,
    "secret": lambda web: without(web, "variable", "Const - token"),
    "built-in": lambda web: web.built_in(PAGE_URL="Page URL", CLICK_URL="Click URL", CLICK_TEXT="Click Text"),
    "unused": lambda web: without(web, "variable", "DLV - old.value", "DLV - page.kind"),
    "name": as_in_the_tidy_shop("name"),
    "folder": as_in_the_tidy_shop("parentFolderId"),
    "ads": fill({"conversionLabel": "orderLabel"}, ("awct",)),
    "page": fires_again,
}


def well_made_events(web: Builder) -> None:
    for n in range(300):
        word = "".join(chr(97 + int(digit)) for digit in str(n))
        event_tag(web, f"step_{word}", web.event(f"step_{word}", "1"), sendEcommerceData=False)


def well_made_variables(web: Builder) -> None:
    fields = {f"key_{n}": web.layer(f"key.{n}", "1") for n in range(300)}
    event_tag(web, "wide", web.event("wide", "1"), eventSettingsTable=rows(fields))


def catch_all(web: Builder) -> None:
    event_tag(web, "{{Event}}", of_type("CUSTOM_EVENT", customEventFilter=[
        condition("MATCH_REGEX", "{{_event}}", ".*")])(web, "all"))  # fmt: skip


def named_somewhere(web: Builder) -> None:
    """What is not used, named in a field that no tag reads."""
    text = "".join(f"{{{{{one['name']}}}}}" for one in web.arrays["variable"])
    set_text(web.arrays["tag"][0], "remark", text)


def unknown_types(web: Builder) -> None:
    for one in web.arrays["tag"]:
        if one["type"] == "ua":
            one["type"] = "ua_successor"


def elsewhere(web: Builder) -> None:
    """A copy that sends to whatever a variable says."""
    copy = next(one for one in web.arrays["tag"] if one["name"] == "Copy of GA4 purchase")
    set_text(copy, "measurementIdOverride", "{{DLV - event_id}}")


def word_of_consent(web: Builder) -> None:
    """All of Meta's tags, on an event of consent that no site pushes, and only there."""
    given = web.event("consent_of_nobody", "3")
    for one in web.arrays["tag"]:
        if of_vendor("fbq(")(one) and one.get("firingTriggerId"):
            one["firingTriggerId"] = [given]


def pixels_of_others(web: Builder) -> None:
    signs = {"Snapchat": "snaptr('init')", "Reddit": "rdt('init')", "Taboola": "_tfa.push({})", "X": "twq('init')"}
    for name, code in signs.items():
        said = {"consentSettings": consent("ad_storage")}
        web.tag(f"{name} - base", "html", [ALL_PAGES], "4", said, html=f"<script>{code};</script>")


def only_what_is_right(web: Builder) -> None:
    """Everything that some issue names is taken out."""
    without(web, "tag", *(one["name"] for one in web.arrays["tag"] if one["type"] in {"ua", "html"}))
    without(web, "tag", "Copy of GA4 purchase")


# What a move pays at most, and why nobody can see it. docs/gtm-scorer.md tells each.
LIMITS: dict[str, tuple[Game, float]] = {
    "outcomes on events that no site pushes": (outcomes_on(custom("no_such_{}")), 0.05),
    "outcomes on a page that does not exist": (
        outcomes_on(of_type("PAGEVIEW", condition("EQUALS", "{{Page Path}}", "/no-such-page"))), 0.05),
    "300 well-made events that nobody needs": (well_made_events, 0.1),
    "300 well-made variables in one tag": (well_made_variables, 0.06),
    "one tag for every event": (catch_all, 0.05),
    "unused variables named where nobody reads": (named_somewhere, 0.02),
    "types that nobody knows": (unknown_types, 0.01),
    "copies that send to whatever a variable says": (elsewhere, 0.005),
    "an event of consent that no site pushes": (word_of_consent, 0.025),
    "pixels of vendors that nobody pays": (pixels_of_others, 0.02),
    "what is wrong, taken out": (only_what_is_right, 0),
}  # fmt: skip
