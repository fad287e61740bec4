"""The nine dimensions, a file each: functions of a view that return Judged; docs/gtm-scorer.md defines them."""

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
