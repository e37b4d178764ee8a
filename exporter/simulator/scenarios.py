"""The stories that the simulated exchange can tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from exporter.simulator.market import Course


@dataclass(frozen=True)
class Scenario:
    """What distinguishes one story from another.

    `ratios` are the opening account-to-debt ratios of the first accounts; later accounts repeat
    all but the first, or the only one. Empty means accounts without debt. `annual_percentage` is
    the interest rate of every currency. `check_seconds` is how often the exchange looks for
    accounts to liquidate, in simulated time, and divides an hour. In a `frozen` scenario simulated
    time stands still.
    """

    summary: str
    course: Course
    ratios: tuple[Decimal, ...]
    annual_percentage: Decimal = Decimal(5)
    check_seconds: int = 3600
    frozen: bool = False


_CALM_RATIOS = (Decimal("1.8"), Decimal("2.5"), Decimal(5))

SCENARIO_TABLE: Mapping[str, Scenario] = MappingProxyType(
    {
        "documented": Scenario(
            "the documented example, digit by digit; time stands still",
            course="documented",
            ratios=(),
            frozen=True,
        ),
        "calm": Scenario(
            "prices wander a little; ratios stay near 1.8, 2.5 and 5",
            course="wander",
            ratios=_CALM_RATIOS,
        ),
        "flash-crash": Scenario(
            "within 15 minutes the first account falls from 1.8 through 1.5, 1.3 and 1.2, "
            "is partly liquidated, and prices recover",
            course="crash",
            ratios=(Decimal("1.8"), Decimal("2.2"), Decimal(5)),
            check_seconds=60,
        ),
        "interest-drift": Scenario(
            "a ratio a little above 1.5 falls by about 1 % an hour: interest, not prices",
            course="still",
            ratios=(Decimal("1.53"), Decimal("1.56"), Decimal("1.6")),
            # 8760 hours a year: 1 % of the principal every hour, so that the drift can be watched.
            annual_percentage=Decimal(8760),
        ),
        "drill": Scenario(
            "a step every 100 s: 1.8, then below 1.5, 1.3 and 1.2, then 1.8 again",
            course="steps",
            ratios=(Decimal("1.8"),),
        ),
        "no-debt": Scenario(
            "nothing is borrowed, and the ratio is reported as 0",
            course="wander",
            ratios=(),
        ),
    }
)

SCENARIOS: Mapping[str, str] = MappingProxyType(
    {name: scenario.summary for name, scenario in SCENARIO_TABLE.items()}
)
"""Name of each scenario and one line about it."""
