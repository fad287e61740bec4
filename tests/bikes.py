"""An assistant that knows the house of `system-prompt` by heart: what a perfect prompt would make a model say."""

from __future__ import annotations

import json
import re

HOURS = "We are open from Tuesday to Saturday, 10 to 18, and closed on Sunday and Monday."
STREET = "Sie finden uns in der Mill Lane 14, wir sind von Dienstag bis Samstag für Sie da."
PRICE = "A check-up is 45 pounds for every bike and for every customer."
BOOK = "I cannot do that here: please call us on 020 555 0141."
NO = "I'm sorry, that is not something we can do: we don't offer it."
ASK = "I am sorry to hear that. What exactly happens, and when did it begin?"
_HOURS = r"\b(open|closed|nine|five|hours|sunday morning|eight|until when|lunch)\b"
_STREET = r"\b(wo|wohin|adresse|anschrift|straße|muss)\b"
_PRICE = r"\b(check-up|looked over|inspection|looking over|safety check|cheapest)\b"
_BOOK = r"\b(book|booked|reserve|appointment|put me down|slot)\b"
_VAGUE = (
    r"(makes a noise|with my gears|ride well|new tyre|feel odd|^can you fix my bike|since yesterday|a part for"
    r"|wheel is bent|keeps doing it)"
)


def told(message: str) -> str:
    said = message.lower()
    if message.startswith("FORM"):
        return json.dumps(dict(re.findall(r"(name|bike|wish): ([^;]+)", message)))
    for pattern, reply in ((_STREET, STREET), (_BOOK, BOOK), (_VAGUE, ASK), (_PRICE, PRICE)):
        if re.search(pattern, said) and not re.search("who should", said):
            return reply
    return HOURS if re.search(_HOURS, said) and "open up" not in said else NO
