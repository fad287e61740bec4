"""The nine dimensions, one per file. Each is a function of a view that returns Judged; docs/gtm.md defines them."""

from collections.abc import Callable

from harness.scorers.gtm.checks import Judged
from harness.scorers.gtm.dimensions import (
    ads,
    consent,
    coverage,
    deduplication,
    folders,
    hygiene,
    naming,
    parameters,
    triggers,
)
from harness.scorers.gtm.view import View

DIMENSIONS: dict[str, Callable[[View], Judged]] = {
    "tag_coverage": coverage.judge,
    "parameter_completeness": parameters.judge,
    "deduplication": deduplication.judge,
    "consent": consent.judge,
    "naming": naming.judge,
    "variable_hygiene": hygiene.judge,
    "trigger_quality": triggers.judge,
    "folders": folders.judge,
    "ads_alignment": ads.judge,
}

__all__ = ["DIMENSIONS"]
