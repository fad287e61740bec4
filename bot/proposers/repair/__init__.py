"""`repair`: mends a Tag Manager container by rules, one operation at a time. No model, no key.

`bench.py` is what an operator looks at, `operators/` what can be mended, `draft.py` how the file is changed,
`repair.py` which offer is tried next. docs/gtm-repair.md says it for people.
"""

from bot.proposers.repair.bench import Bench, Offer, Operator
from bot.proposers.repair.draft import Draft

__all__ = ["Bench", "Draft", "Offer", "Operator"]
