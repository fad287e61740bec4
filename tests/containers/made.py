"""The containers of targets/experiments/gtm-*, made anew. Their files are what a person would have downloaded.

python -m tests.containers.made            writes container.json of each target
python -m tests.containers.made --check    exit status 1 unless the files are exactly what it would write
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.containers import shop_google, shop_parts, shop_past, shop_vendors
from tests.containers.export import Export, Json, text
from tests.containers.leads import harrowgate
from tests.containers.publisher import saltmarsh
from tests.containers.server import fernhollow_server
from tests.containers.shop import Shop

TARGETS = Path(__file__).resolve().parents[2] / "targets/experiments"


def fernhollow() -> Json:
    """A shop after ten years of many hands."""
    box = Export("Fernhollow Outdoor - www.fernhollow.example", "GTM-EXAMPLE", "6000000001", "30000001")
    box.built_in(
        PAGE_URL="Page URL",
        PAGE_HOSTNAME="Page Hostname",
        PAGE_PATH="Page Path",
        REFERRER="Referrer",
        EVENT="Event",
        CLICK_ELEMENT="Click Element",
        CLICK_CLASSES="Click Classes",
        CLICK_ID="Click ID",
        CLICK_URL="Click URL",
        CLICK_TEXT="Click Text",
        FORM_ID="Form ID",
        SCROLL_DEPTH_THRESHOLD="Scroll Depth Threshold",
        VIDEO_TITLE="Video Title",
        VIDEO_STATUS="Video Status",
    )
    shop = Shop(box)
    shop_past.years_in_house(shop)
    shop_past.pixelwerk(shop)
    shop_parts.variables(shop)
    shop_parts.settings(shop)
    shop_parts.triggers(shop)
    shop_google.ga4(shop)
    shop_google.google_ads(shop)
    shop_vendors.add(shop)
    return box.data("2026-03-02 08:14:51")


MADE: dict[str, Callable[[], Json]] = {
    "gtm-shop": fernhollow,
    "gtm-leads": harrowgate,
    "gtm-publisher": saltmarsh,
    "gtm-server": fernhollow_server,
}


def file_of(name: str) -> Path:
    return TARGETS / name / "container.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    wrong = []
    for name, make in MADE.items():
        content = text(make()).encode()
        if not check:
            file_of(name).write_bytes(content)
        elif file_of(name).read_bytes() != content:
            wrong.append(name)
    print(f"not what is written: {', '.join(wrong)}" if wrong else "as it stands")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
