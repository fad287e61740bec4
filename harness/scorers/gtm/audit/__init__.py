"""An audit that the score knows nothing of: what repairs that only chase the score would break.

    audited = audit(container, Declared(business="shop"))

One family of rules per file; docs/gtm-audit.md says what each asks. No rule shares a check with a dimension, none knows
the clock, and neither names (but for the rules on names) nor the order of anything move a finding.
"""

from __future__ import annotations

from harness.scorers.gtm.audit import (
    blocking,
    code,
    conversions,
    copies,
    destinations,
    granting,
    limits,
    names,
    sequence,
    server,
    tables,
    templates,
)
from harness.scorers.gtm.audit.findings import WEIGHTS, Audited, Finding, Rule, found
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.view import View

_FAMILIES = (
    limits, code, conversions, destinations, sequence, tables, templates, server, granting, blocking, copies, names,
)  # fmt: skip
RULES: tuple[Rule, ...] = tuple(rule for family in _FAMILIES for rule in family.RULES)


def audit(container: Container, declared: Declared | None = None) -> Audited:
    return audit_of(View(container, declared or Declared()))


def audit_of(view: View) -> Audited:
    """The audit of a container that is worked out already."""
    findings = [finding for rule in RULES for finding in found(view, rule)]
    findings.sort(key=lambda one: (-WEIGHTS[one.severity], one.code, one.entity, one.name, one.pointer, one.message))
    return Audited(tuple(findings), sum(WEIGHTS[one.severity] for one in findings))


__all__ = ["RULES", "WEIGHTS", "Audited", "Finding", "audit", "audit_of"]
