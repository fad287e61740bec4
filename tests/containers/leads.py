"""The container of Harrowgate Roofing, an invented firm that lives on enquiries: a careful hand, then a hurried one."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import ALL_PAGES, CONSENT_INIT, INIT, Export, Json, condition, fields, needs


def harrowgate() -> Json:
    box = Export("Harrowgate Roofing", "GTM-EXMPLLD", "6000000002", "30000002")
    box.built_in(
        PAGE_URL="Page URL",
        PAGE_PATH="Page Path",
        EVENT="Event",
        CLICK_URL="Click URL",
        CLICK_TEXT="Click Text",
        CLICK_CLASSES="Click Classes",
        FORM_ID="Form ID",
    )
    box.year("2022-05-09")
    ga4, ads, tools = box.folder("GA4"), box.folder("Google Ads"), box.folder("Tools")
    on = _triggers(box, ga4)
    _measured_with_care(box, on, ga4, ads, tools)
    _measured_in_a_hurry(box, on, ads)
    return box.data("2026-01-19 16:40:07")


def _triggers(box: Export, ga4: str) -> dict[str, str]:
    form, click = "FORM_SUBMISSION", "CLICK"
    found = {
        "sent": box.event("CE - enquiry_sent", "enquiry_sent", ga4),
        "survey": box.event("CE - survey_booked", "survey_booked", ga4),
        "form": box.link("Form - enquiry", [condition("EQUALS", "{{Form ID}}", "enquiry")], ga4, form),
        "commercial": box.link(
            "Form - enquiry of a business",
            [condition("EQUALS", "{{Form ID}}", "enquiry"), condition("STARTS_WITH", "{{Page Path}}", "/business")],
            "",
            form,
        ),
        "call": box.link("Link - call", [condition("STARTS_WITH", "{{Click URL}}", "tel:")], ga4),
        "mail": box.link("email click", [condition("STARTS_WITH", "{{Click URL}}", "mailto:")]),
        "brochure": box.link("Brochures", [condition("MATCH_REGEX", "{{Click URL}}", r"\.pdf$")]),
        "chat": box.link("Chat button", [condition("CONTAINS", "{{Click Classes}}", "open-chat")], "", click),
        "thanks": box.trigger(
            "PV - thank you", "PAGEVIEW", ga4, filter=[condition("EQUALS", "{{Page Path}}", "/thank-you")]
        ),
        "landing": box.trigger(
            "landing page 2024", "PAGEVIEW", filter=[condition("CONTAINS", "{{Page Path}}", "/storm-damage")]
        ),
        "consent": box.event("CE - cookie_consent_update", "cookie_consent_update"),
    }
    box.link("old contact form", [condition("EQUALS", "{{Form ID}}", "contact-2019")], "", form)
    box.event("CE - enquiry_started", "enquiry_started")
    return found


def _measured_with_care(box: Export, on: dict[str, str], ga4: str, ads: str, tools: str) -> None:
    measurement = box.constant("Const - GA4 measurement id", "G-EXAMPLE002", ga4)
    topic, postcode = (
        box.layer("DLV - enquiry.topic", "enquiry.topic", ga4),
        box.layer("DLV - enquiry.area", "enquiry.area", ga4),
    )
    worth = box.lookup("LT - value of topic", topic, {"new roof": "250", "repair": "60", "gutter": "20"}, "40", ads)
    account = box.constant("Const - Google Ads account", "1000000002", ads)
    box.variable("URL - gclid", "u", ads, component="QUERY", queryKey="gclid")
    banner = box.template(
        "Consent banner of an example",
        codes.template(
            "Consent banner", codes.BANNER, [codes.field("command", needed=True)], may="access_consent get_cookies"
        ),
        codes.gallery("example-templates", "consent-banner-of-an-example", "EXCMP"),
    )
    box.tag("Banner - consent default", banner, [CONSENT_INIT], tools, command="default")
    box.tag("Banner - consent update", banner, [on["consent"]], tools, command="update")
    box.tag("GA4 - Google tag", "googtag", [INIT], ga4, tagId=measurement)
    box.tag(
        "GA4 - contact by phone",
        "gaawe",
        [on["call"]],
        ga4,
        eventName="contact",
        measurementIdOverride=measurement,
        eventSettingsTable=fields(way="phone"),
    )
    box.tag(
        "GA4 - survey_booked",
        "gaawe",
        [on["survey"]],
        ga4,
        eventName="survey_booked",
        measurementIdOverride=measurement,
        eventSettingsTable=fields(topic=topic, area=postcode),
    )
    box.tag(
        "GA4 - generate_lead",
        "gaawe",
        [],
        ga4,
        eventName="generate_lead",
        measurementIdOverride=measurement,
        eventSettingsTable=fields(topic=topic, value=worth, currency="GBP"),
    )
    box.tag(
        "GAds - survey booked",
        "awct",
        [on["survey"]],
        ads,
        conversionId=account,
        conversionLabel="exampleSurvey0006",
        conversionValue=worth,
        currencyCode="GBP",
    )
    box.tag("GAds - enquiry", "awct", [on["sent"]], ads, conversionId=account, conversionLabel="exampleEnquiry007")


def _measured_in_a_hurry(box: Export, on: dict[str, str], ads: str) -> None:
    box.year("2024-10-21")
    account = "{{Const - Google Ads account}}"
    box.constant("phone number", "+44 1632 960000")
    box.layer("formName", "form.name", version=1)
    topic = box.layer("topic", "enquiry.topic")
    pixel = box.constant("FB pixel", "100000000000002")
    box.tag("GA4 brochure", "gaawe", [on["brochure"]], eventName="brochure", measurementIdOverride="")
    box.tag("email GA4", "gaawe", [on["mail"]], eventName="email_click", measurementIdOverride="G-EXAMPLE002")
    box.tag(
        "Chat",
        "gaawe",
        [on["chat"]],
        eventName="chat_start",
        measurementIdOverride="G-EXAMPLE002",
        eventSettingsTable=fields(topic=topic),
    )
    box.tag("Copy of email GA4", "gaawe", [on["mail"]], eventName="email_click", measurementIdOverride="G-EXAMPLE002")
    box.tag("Adwords remarketing", "sp", [ALL_PAGES], conversionId=account)
    box.tag("phone conversion", "awct", [on["call"]], ads, conversionId=account, conversionLabel="")
    box.tag("UA pageview", "ua", [ALL_PAGES], trackType="TRACK_PAGEVIEW", trackingId="UA-10000002-1")
    box.html("Facebook base", codes.pixel(pixel, "PageView"), [ALL_PAGES])
    box.html("Facebook lead", codes.script("fbq('track', 'Lead', {});"), [on["sent"]])
    box.html(
        "Meta - Contact",
        codes.script("fbq('track', 'Contact', {});"),
        [on["call"]],
        "",
        {"consentSettings": needs("ad_storage")},
    )
    box.html("fb business lead", codes.script("fbq('trackCustom', 'BusinessLead', {});"), [on["commercial"]])
    box.html("storm campaign", codes.script("fbq('trackCustom', 'Storm', {});"), [on["landing"]], "", {"paused": True})
    box.html(
        "LinkedIn", codes.loader("https://snap.licdn.com/li.lms-analytics/insight.min.js", "lintrk_queue"), [ALL_PAGES]
    )
    box.html("Hotjar", codes.loader("https://static.hotjar.com/c/hotjar-1000002.js?sv=6", "hj"), [ALL_PAGES])
    box.html("Bing", codes.loader("https://bat.bing.com/bat.js", "uetq"), [ALL_PAGES], "", {"consentSettings": needs()})
    box.html("Reviews widget", codes.script("document.querySelector('#stars').dataset.shown = '1';"), [on["thanks"]])
