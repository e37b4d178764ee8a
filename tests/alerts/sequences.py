"""States that follow each other: nothing may look like an all-clear before there is proof."""

from tests.alerts.account_states import State
from tests.alerts.cases import ASSETS, DEBT, NO_DEBT, NO_PAGE, UP, ratio
from tests.alerts.scenarios import MINUTE, STALE, Changes, during, then

_BLIND: Changes = {UP: 0, ASSETS: STALE, DEBT: STALE}


def _blinking(at: int) -> float:
    """Return assets for ratios of 1.19 and 1.21, changing each minute."""
    return 121_000 if at // MINUTE % 2 else 119_000


# Of each of the first group: below liquidation from minute 10, not proven better before minute 30.
BELOW_UNTIL_30 = [
    State("below, then blind", then((10, 15, ratio(1.1)), (15, 30, _BLIND))),
    State("below, then not a number", then((10, 15, ratio(1.1)), (15, 30, {ASSETS: "NaN"}))),
    State("below, then infinite", then((10, 15, ratio(1.1)), (15, 30, {ASSETS: "Inf"}))),
    State("below, then down", then((10, 15, ratio(1.1)), (15, 30, {**NO_PAGE, "up": 0}))),
    State("below, then gone", then((10, 15, ratio(1.1)), (15, 30, {**NO_PAGE, "up": STALE}))),
    State(
        "below, then blind, then without debt",
        then((10, 15, ratio(1.1)), (15, 30, _BLIND), (30, 60, NO_DEBT)),
    ),
    State("below and above in turn", during(600, 1800, {ASSETS: _blinking, DEBT: 100_000})),
]

REPAID_AT_15 = State(
    "below, then without debt, then blind",
    then((10, 15, ratio(1.1)), (15, 20, NO_DEBT), (20, 40, _BLIND)),
)

SEQUENCES = [*BELOW_UNTIL_30, REPAID_AT_15]
