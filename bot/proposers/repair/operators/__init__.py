"""What can be mended: one file per family of operators. Where two mend one code, the milder stands first."""

from __future__ import annotations

from bot.proposers.repair.bench import Operator
from bot.proposers.repair.operators.consents import ASKING, BLOCKS, CONSENTS, DEFAULTS
from bot.proposers.repair.operators.event_ids import EVENT_IDS, PURCHASES
from bot.proposers.repair.operators.events import EVENTS, ORDERS
from bot.proposers.repair.operators.folders import FOLDERS
from bot.proposers.repair.operators.left import LEFT
from bot.proposers.repair.operators.names import NAMES
from bot.proposers.repair.operators.outcomes import CONVERSIONS, LINKER, OUTCOMES
from bot.proposers.repair.operators.parameters import PARAMETERS
from bot.proposers.repair.operators.settling import Settled
from bot.proposers.repair.operators.triggers import BROAD, TIMING, UNDEFINED
from bot.proposers.repair.operators.twins import TWIN_TAGS, TWIN_TRIGGERS, TWIN_VARIABLES
from bot.proposers.repair.operators.unused import DEAD, SILENT, UNUSED_TRIGGERS, UNUSED_VARIABLES
from bot.proposers.repair.operators.variables import BUILT_INS, REFERENCES, VERSIONS
from bot.proposers.repair.operators.waking import WAKING

_FAMILIES = (
    OUTCOMES, TIMING, LINKER, WAKING, DEAD,
    PARAMETERS, EVENTS, PURCHASES, ORDERS, EVENT_IDS, TWIN_TAGS,
    CONSENTS, DEFAULTS, BLOCKS, ASKING,
    UNDEFINED, BROAD, TWIN_TRIGGERS, UNUSED_TRIGGERS, SILENT,
    REFERENCES, BUILT_INS, VERSIONS, TWIN_VARIABLES, UNUSED_VARIABLES,
    CONVERSIONS, FOLDERS, NAMES, LEFT,
)  # fmt: skip
_SETTLED = {NAMES, FOLDERS}  # which put nothing to use
OPERATORS: tuple[Operator, ...] = tuple(one if one in _SETTLED else Settled(one) for one in _FAMILIES)
