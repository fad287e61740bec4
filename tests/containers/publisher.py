"""The container of The Saltmarsh Courier, an invented newspaper: a paywall, articles that follow each other, a zone."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import ALL_PAGES, INIT, Export, Json, condition, fields, needs, parameter, table


def saltmarsh() -> Json:
    box = Export("The Saltmarsh Courier", "GTM-EXMPLPB", "6000000003", "30000003")
    box.built_in(
        PAGE_URL="Page URL",
        PAGE_PATH="Page Path",
        REFERRER="Referrer",
        EVENT="Event",
        CLICK_URL="Click URL",
        CLICK_CLASSES="Click Classes",
        SCROLL_DEPTH_THRESHOLD="Scroll Depth Threshold",
        HISTORY_SOURCE="History Source",
        VIDEO_STATUS="Video Status",
        VIDEO_TITLE="Video Title",
    )
    box.year("2021-01-11")
    folders = {name: box.folder(name) for name in ("GA4", "Reading", "Subscriptions", "Advertising")}
    value, on = _variables(box, folders), _triggers(box, folders)
    _ga4(box, on, value, folders)
    _others(box, on, value, folders)
    box.add(
        "zone",
        "Agency for subscriptions",
        childContainer=[{"publicId": "GTM-EXMPLZN", "nickname": "Subscriptions"}],
        boundary={"condition": [condition("STARTS_WITH", "{{Page Path}}", "/subscribe")]},
        typeRestriction={"enable": True, "whitelistedTypeId": ["gaawe", "awct"]},
    )
    return box.data("2026-02-11 05:30:22")


def _variables(box: Export, folders: dict[str, str]) -> dict[str, str]:
    reading = folders["Reading"]
    found = {
        "ga4": box.constant("Const - GA4 measurement id", "G-EXAMPLE003", folders["GA4"]),
        "title": box.layer("DLV - article.title", "article.title", reading),
        "desk": box.layer("DLV - article.desk", "article.desk", reading),
        "author": box.layer("DLV - article.author", "article.author", reading),
        "words": box.layer("article words", "article.words"),
        "plan": box.layer("DLV - subscription.plan", "subscription.plan", folders["Subscriptions"]),
        "reader": box.layer("DLV - reader.status", "reader.status", folders["Subscriptions"]),
        "term": box.layer("searchTerm", "search.term", version=1),
        "page": box.variable(
            "RT - kind of page",
            "remm",
            reading,
            setDefaultValue=True,
            defaultValue="other",
            input="{{Page Path}}",
            fullMatch=True,
            replaceAfterMatch=True,
            ignoreCase=True,
            map=table("key", "value", {"/news/.+": "article", "/video/.+": "video", "/": "front"}),
        ),
        "minutes": box.script("CJS - minutes to read", "return Math.ceil(({{article words}} || 0) / 220);", reading),
        "choice": box.variable("Cookie - consent", "k", decodeCookie=True, name="reader_consent"),
    }
    found["shared"] = box.variable(
        "Settings - article",
        "gtes",
        reading,
        eventSettingsTable=fields(
            title=found["title"], desk=found["desk"], author=found["author"], page_kind=found["page"]
        ),
    )
    box.layer("DLV - article.id", "article.id")
    box.layer("author", "article.author")
    box.variable("JS - ad slots", "j", name="adSlots.length")
    box.constant("UA property", "UA-10000003-1")
    return found


def _triggers(box: Export, folders: dict[str, str]) -> dict[str, str]:
    reading, sold = folders["Reading"], folders["Subscriptions"]
    depth = [parameter("verticalThresholdUnits", "PERCENT"), parameter("verticalThresholdOn", True)]
    found = {
        "route": box.trigger(
            "History - new article",
            "HISTORY_CHANGE",
            reading,
            filter=[condition("EQUALS", "{{History Source}}", "pushState")],
        ),
        "half": box.trigger(
            "Scroll - half", "SCROLL_DEPTH", reading, parameter=[*depth, parameter("verticalThresholdsPercent", "50")]
        ),
        "whole": box.trigger(
            "Scroll - whole", "SCROLL_DEPTH", reading, parameter=[*depth, parameter("verticalThresholdsPercent", "90")]
        ),
        "long": box.trigger(
            "stayed a minute",
            "TIMER",
            "",
            eventName={"type": "TEMPLATE", "value": "gtm.timer"},
            autoEventFilter=[condition("STARTS_WITH", "{{Page Path}}", "/news/")],
            interval={"type": "TEMPLATE", "value": "60000"},
            limit={"type": "TEMPLATE", "value": "1"},
        ),
        "paywall": box.event("CE - paywall_shown", "paywall_shown", sold),
        "subscribed": box.event("CE - subscribe", "subscribe", sold),
        "upgraded": box.event(
            "CE - subscribe to print", "subscribe", sold, [condition("EQUALS", "{{DLV - subscription.plan}}", "print")]
        ),
        "letter": box.event("newsletter", "newsletter_signup"),
        "search": box.event("search done", "search"),
        "video": box.trigger(
            "Video - started", "YOU_TUBE_VIDEO", reading, filter=[condition("EQUALS", "{{Video Status}}", "start")]
        ),
        "agreed": box.event(
            "CE - consent_given",
            "reader_consent_given",
            folders["Advertising"],
            [condition("CONTAINS", "{{Cookie - consent}}", "ads")],
        ),
        "share": box.link("share buttons", [condition("CONTAINS", "{{Click Classes}}", "share-")], "", "CLICK"),
    }
    found["read"] = box.group("Group - stayed and scrolled", [found["long"], found["whole"]], reading)
    box.event("CE - comment", "comment")
    box.trigger("AMP pages", "PAGEVIEW", filter=[condition("ENDS_WITH", "{{Page Path}}", "/amp")])
    return found


def _ga4(box: Export, on: dict[str, str], value: dict[str, str], folders: dict[str, str]) -> None:
    ga4, reading, sold = folders["GA4"], folders["Reading"], folders["Subscriptions"]
    send = {"measurementIdOverride": value["ga4"]}
    box.tag("GA4 - Google tag", "googtag", [INIT], ga4, tagId=value["ga4"])
    box.tag(
        "GA4 - article_read",
        "gaawe",
        [on["read"]],
        reading,
        eventName="article_read",
        eventSettingsTable=fields(minutes=value["minutes"]),
        eventSettingsVariable=value["shared"],
        **send,
    )
    box.tag(
        "GA4 - scroll half",
        "gaawe",
        [on["half"]],
        reading,
        eventName="scroll",
        eventSettingsVariable=value["shared"],
        **send,
    )
    box.tag(
        "GA4 - video_start",
        "gaawe",
        [on["video"]],
        reading,
        eventName="video_start",
        eventSettingsTable=fields(video="{{Video Title}}"),
        **send,
    )
    box.tag(
        "GA4 - subscribe",
        "gaawe",
        [ALL_PAGES],
        sold,
        eventName="subscribe",
        eventSettingsTable=fields(plan=value["plan"], reader=value["reader"]),
        **send,
    )
    box.tag("Paywall GA4", "gaawe", [on["paywall"]], eventName="paywall_view", **send)
    box.tag("Newsletter", "gaawe", [on["letter"]], eventName="newsletter_signup", measurementIdOverride="")
    box.tag("share", "gaawe", [on["share"]], eventName="share", **send)
    box.tag("virtual page GA4", "gaawe", [on["route"]], eventName="page_view", **send)
    box.tag("scroll GA4 (new)", "gaawe", [on["half"]], eventName="scroll", **send)
    box.tag("print GA4", "gaawe", [on["upgraded"]], eventName="subscribe_print", **send)
    box.tag("GA pageview", "ua", [ALL_PAGES], trackType="TRACK_PAGEVIEW", trackingId="{{UA property}}")


def _others(box: Export, on: dict[str, str], value: dict[str, str], folders: dict[str, str]) -> None:
    box.year("2023-08-28")
    sold, ads = folders["Advertising"], needs("ad_storage")
    default = codes.script(
        "function gtag() { dataLayer.push(arguments); }\n"
        "  gtag('consent', 'default', {ad_storage: 'denied', analytics_storage: 'denied', wait_for_update: 500});"
    )
    box.html("consent default", default, [ALL_PAGES], sold, {"priority": {"type": "INTEGER", "value": "100"}})
    box.tag("Comscore", "csm", [ALL_PAGES], clientId="1000003")
    box.tag("GAds - remarketing", "sp", [on["agreed"]], sold, conversionId="1000000003")
    box.tag(
        "GAds - subscription",
        "awct",
        [on["subscribed"]],
        sold,
        conversionId="1000000003",
        conversionLabel="exampleSubscr0008",
        conversionValue="30",
        currencyCode="GBP",
    )
    box.html("Taboola", codes.loader("https://cdn.taboola.com/libtrc/unip/1000003/tfa.js", "_tfa"), [ALL_PAGES])
    box.html("Meta - base", codes.pixel("100000000000003", "PageView"), [on["agreed"]], sold)
    box.html("Facebook subscribe", codes.pixel("100000000000003", "Subscribe"), [on["subscribed"]])
    box.html(
        "X - base",
        codes.loader("https://static.ads-twitter.com/uwt.js", "twq"),
        [ALL_PAGES],
        sold,
        {"consentSettings": ads},
    )
    box.html(
        "Clarity",
        codes.loader("https://www.clarity.ms/tag/examp1e003", "clarity"),
        [ALL_PAGES],
        "",
        {"consentSettings": needs("ad_storage")},
    )
    box.html("Chart", codes.script("window.readers = {{reader count}};"), [on["video"]])
    box.html("Print edition banner", codes.script("document.body.classList.add('print');"), [], "", {"paused": True})
