"""Fernhollow's server container: what the shop's browser sends to, half way through being set up."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import Export, Json, condition, table


def fernhollow_server() -> Json:
    box = Export(
        "Fernhollow server",
        "GTM-EXMPLSV",
        "6000000001",
        "30000004",
        "SERVER",
        taggingServerUrls=["https://sgtm.fernhollow.example"],
    )
    box.built_in(CLIENT_NAME="Client Name", EVENT_NAME="Event Name", PAGE_URL="Page URL", REQUEST_PATH="Request Path")
    box.year("2024-03-04")
    ga4, meta = box.folder("GA4"), box.folder("Meta")
    box.client(
        "GA4",
        "gaaw_client",
        ga4,
        100,
        activateGtagSupport=True,
        activateDefaultPaths=True,
        cookieManagement="server",
        cookieName="FPID",
        cookieDomain="auto",
        cookiePath="/",
        cookieMaxAgeInSec="63072000",
        migrateFromJsClientId=False,
    )
    box.client(
        "Web container",
        "gtm_client",
        "",
        0,
        allowedContainerIds=[{"containerId": "GTM-EXAMPLE"}],
        activateGeoResolution=False,
        activateDependencyServing=True,
    )
    value = _variables(box, ga4, meta)
    on = _triggers(box, value, ga4)
    _tags(box, on, value, ga4, meta)
    box.add(
        "transformation",
        "Without the address",
        "tf_exclude_params",
        parentFolderId=ga4,
        parameter=[
            {
                "type": "LIST",
                "key": "excludedParams",
                "list": [
                    {"type": "MAP", "map": [{"type": "TEMPLATE", "key": "paramName", "value": "user_data.address"}]}
                ],
            },
        ],
    )
    return box.data("2026-03-02 08:31:10")


def _variables(box: Export, ga4: str, meta: str) -> dict[str, str]:
    def event_data(label: str, key: str, folder: str = "") -> str:
        return box.variable(label, "ed", folder, keyPath=key, setDefaultValue=False)

    found = {
        "value": event_data("ED - value", "value", ga4),
        "currency": event_data("ED - currency", "currency", ga4),
        "order": event_data("ED - transaction_id", "transaction_id", ga4),
        "id": event_data("event id", "event_id"),
        "consent": event_data("ED - consent", "x-ga-gcs", meta),
        "mail": event_data("mail hash", "user_data.sha256_email_address"),
        "items": event_data("ED - items", "items", ga4),
        "ads": box.constant("Const - Google Ads account", "1000000001"),
        "pixel": box.constant("Const - Meta pixel", "100000000000001", meta),
        "agent": box.variable("Header - user agent", "rh", ga4, headerName="user-agent"),
        "ga4": box.constant("measurement", "G-EXAMPLE001"),
    }
    found["meta event"] = box.variable(
        "LT - Meta event",
        "smm",
        meta,
        setDefaultValue=False,
        input="{{Event Name}}",
        map=table(
            "key", "value", {"purchase": "Purchase", "add_to_cart": "AddToCart", "begin_checkout": "InitiateCheckout"}
        ),
    )
    event_data("ED - page_referrer", "page_referrer")
    event_data("currency", "currency")
    box.variable("Header - host", "rh", headerName="host")
    return found


def _triggers(box: Export, value: dict[str, str], ga4: str) -> dict[str, str]:
    from_ga4 = condition("EQUALS", "{{Client Name}}", "GA4")

    def bought(step: str) -> Json:
        return condition("EQUALS", "{{Event Name}}", step)

    agreed = condition("CONTAINS", value["consent"], "G11")
    on = {
        "every": box.trigger("GA4 - every event", "ALWAYS", ga4, filter=[from_ga4]),
        "purchase": box.trigger("GA4 - purchase", "ALWAYS", ga4, filter=[from_ga4, bought("purchase")]),
        "allowed": box.trigger("purchase with consent", "ALWAYS", filter=[from_ga4, bought("purchase"), agreed]),
        "cart": box.trigger("GA4 - add_to_cart", "ALWAYS", ga4, filter=[from_ga4, bought("add_to_cart")]),
        "steps": box.trigger(
            "Meta - steps with consent",
            "ALWAYS",
            filter=[
                from_ga4,
                condition("MATCH_REGEX", "{{Event Name}}", "^(add_to_cart|begin_checkout|purchase)$"),
                agreed,
            ],
        ),
        "other": box.trigger(
            "UA - every event", "ALWAYS", filter=[condition("EQUALS", "{{Client Name}}", "Universal Analytics")]
        ),
    }
    box.trigger("all purchases", "ALWAYS", filter=[from_ga4, bought("purchase")])
    return on


def _tags(box: Export, on: dict[str, str], value: dict[str, str], ga4: str, meta: str) -> None:
    asked = [codes.field("pixelId", needed=True), codes.field("eventName"), codes.field("eventId"), codes.field("mail")]
    capi = box.template(
        "Conversions API",
        codes.template("Conversions API", codes.CAPI_TEMPLATE, asked, "SERVER", "send_http read_event_data"),
    )
    tiktok = box.template(
        "TikTok events",
        codes.template(
            "TikTok events",
            codes.TIKTOK_SERVER_TEMPLATE,
            [codes.field("pixelCode", needed=True), codes.field("eventId")],
            "SERVER",
            "send_http",
        ),
        codes.gallery("example-templates", "events-of-an-example", "EXTTS"),
    )
    box.tag(
        "GA4 - forward",
        "sgtmgaaw",
        [on["every"]],
        ga4,
        redactVisitorIp=True,
        epToIncludeDropdown="all",
        upToIncludeDropdown="all",
    )
    box.tag(
        "Meta - steps",
        capi,
        [on["steps"]],
        meta,
        pixelId=value["pixel"],
        eventName=value["meta event"],
        eventId=value["id"],
        mail=value["mail"],
    )
    box.tag("Conversions API purchase", capi, [on["purchase"]], pixelId=value["pixel"], eventName="Purchase")
    box.tag(
        "GAds - order",
        "sgtmadsct",
        [on["purchase"]],
        "",
        conversionId=value["ads"],
        conversionLabel="exampleOrder00001",
        conversionValue=value["value"],
        currencyCode=value["currency"],
        orderId=value["order"],
    )
    box.tag("remarketing", "sgtmadsremarketing", [on["every"]], conversionId="")
    box.tag("TikTok purchase", tiktok, [on["allowed"]], pixelCode="", eventId=value["id"])
    box.tag(
        "Copy of GA4",
        "sgtmgaaw",
        [on["every"]],
        redactVisitorIp=True,
        epToIncludeDropdown="all",
        upToIncludeDropdown="all",
    )
    box.tag(
        "Warehouse",
        "http_request",
        [on["cart"]],
        url="https://hooks.fernhollow.example/cart?items={{ED - items}}&agent={{Header - user agent}}",
    )
    box.tag("old UA", "sgtmgaaw", [on["other"]], measurementId=value["ga4"])
