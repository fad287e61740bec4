"""Code and templates of our own for the containers: small, in the manner of what vendors hand out, for invented ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

NOT_EMPTY = [{"type": "NON_EMPTY"}]


def template(
    label: str, code: str, fields: Sequence[dict[str, Any]] = (), context: str = "WEB", may: str = "inject_script"
) -> str:
    """The text of a template: what it is called, what it asks for, what it does, and what it may do."""
    about = {"type": "TAG", "displayName": label, "description": f"{label}, made in this container", "version": 1}
    allowed = [{"instance": {"key": {"publicId": one, "versionId": "1"}}, "isRequired": True} for one in may.split()]
    place = "SERVER" if context == "SERVER" else "WEB_TEMPLATE"
    parts = {
        "INFO": json.dumps(about, indent=2), "TEMPLATE_PARAMETERS": json.dumps(list(fields), indent=2),
        f"SANDBOXED_JS_FOR_{place}": code.strip(), f"{context}_PERMISSIONS": json.dumps(allowed, indent=2),
        "NOTES": "Made by hand.",
    }  # fmt: skip
    return "".join(f"___{name}___\n\n{body}\n\n\n" for name, body in parts.items())


def field(name: str, *, needed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "TEXT", "name": name, "displayName": name, "simpleValueType": True}
    return found | ({"valueValidators": NOT_EMPTY} if needed else {})


def gallery(owner: str, repository: str, short: str) -> dict[str, str]:
    return {
        "host": "github.com", "owner": owner, "repository": repository, "version": "0123456789abcdef" * 2 + "01234567",
        "signature": "0123456789abcdef" * 4, "galleryTemplateId": short,
    }  # fmt: skip


BANNER = """
const setDefaultConsentState = require('setDefaultConsentState');
const updateConsentState = require('updateConsentState');
const getCookieValues = require('getCookieValues');

const answer = getCookieValues('site_choice')[0] || 'none';
const word = (yes) => yes ? 'granted' : 'denied';
const marketing = answer === 'all';
const state = {
  ad_storage: word(marketing), ad_user_data: word(marketing), ad_personalization: word(marketing),
  analytics_storage: word(marketing || answer === 'statistics')
};
if (data.command === 'default') { state.wait_for_update = 500; setDefaultConsentState(state); }
else { updateConsentState(state); }
data.gtmOnSuccess();
"""

META_TEMPLATE = """
const injectScript = require('injectScript');
const callInWindow = require('callInWindow');
const makeNumber = require('makeNumber');

const send = () => {
  callInWindow('fbq', 'init', data.pixelId);
  callInWindow('fbq', 'trackSingle', data.pixelId, data.eventName, {
    value: makeNumber(data.value), currency: data.currency, contents: data.contents
  }, {eventID: data.eventId});
  data.gtmOnSuccess();
};
injectScript('https://connect.facebook.net/en_US/fbevents.js', send, data.gtmOnFailure, 'pixel');
"""

LINKEDIN_TEMPLATE = """
const injectScript = require('injectScript');
const setInWindow = require('setInWindow');

setInWindow('_linkedin_data_partner_ids', [data.partnerId], true);
injectScript('https://snap.licdn.com/li.lms-analytics/insight.min.js', data.gtmOnSuccess, data.gtmOnFailure);
"""

CAPI_TEMPLATE = """
const sendHttpRequest = require('sendHttpRequest');
const getAllEventData = require('getAllEventData');
const JSON = require('JSON');

const event = getAllEventData();
const body = JSON.stringify({data: [{
  event_name: data.eventName || event.event_name, event_id: data.eventId, custom_data: {value: event.value}
}]});
sendHttpRequest('https://graph.facebook.com/v20.0/' + data.pixelId + '/events', {method: 'POST'}, body)
  .then(data.gtmOnSuccess, data.gtmOnFailure);
"""

TIKTOK_SERVER_TEMPLATE = """
const sendHttpRequest = require('sendHttpRequest');
const JSON = require('JSON');

const body = JSON.stringify({event_source: 'web', event_source_id: data.pixelCode, event_id: data.eventId});
sendHttpRequest('https://business-api.tiktok.com/open_api/v1.3/event/track/', {method: 'POST'}, body)
  .then(data.gtmOnSuccess, data.gtmOnFailure);
"""


def script(body: str) -> str:
    return f"<script>\n  {body}\n</script>"


def pixel(account: str, event: str, data: str = "", event_id: str = "") -> str:
    """A call of Meta's function, which makes itself known before."""
    extra = f", {{eventID: {event_id}}}" if event_id else ""
    return script(f"fbq('init', '{account}');\n  fbq('track', '{event}', {{{data}}}{extra});")


def loader(address: str, name: str) -> str:
    """Loads a vendor's script beside the page, and keeps what is called before it is there."""
    return script(
        f"window.{name} = window.{name} || [];\n"
        "  var made = document.createElement('script'); made.async = true;\n"
        f"  made.src = '{address}'; document.head.appendChild(made);"
    )
