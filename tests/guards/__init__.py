"""Every guard of the wire and parsing layers, and a command that disables them one at a time.

`python -m tests.guards` shows that each is held by at least one test; see `__main__`.
"""

from tests.guards.configuration import CONFIGURATION_GUARDS
from tests.guards.guard import Guard
from tests.guards.market import MARKET_GUARDS
from tests.guards.operator import OPERATOR_GUARDS
from tests.guards.parsing import PARSING_GUARDS
from tests.guards.protection import PROTECTION_GUARDS
from tests.guards.reloading import RELOADING_GUARDS
from tests.guards.serving import SERVING_GUARDS
from tests.guards.supervision import SUPERVISION_GUARDS
from tests.guards.wire import WIRE_GUARDS

GUARDS: tuple[Guard, ...] = (
    *WIRE_GUARDS,
    *PARSING_GUARDS,
    *MARKET_GUARDS,
    *SERVING_GUARDS,
    *CONFIGURATION_GUARDS,
    *OPERATOR_GUARDS,
    *PROTECTION_GUARDS,
    *RELOADING_GUARDS,
    *SUPERVISION_GUARDS,
)
