"""Prices of simulated markets, and the scenarios that run on them."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Course = Literal["documented", "still", "wander", "crash", "steps"]

PRICE_STEP = Decimal("0.00000001")
UNIT = "USDT"

# The one BTC price with eight decimals that reproduces every digit of both totals of the
# documented example, when totals are truncated.
DOCUMENTED_BTC_PRICE = Decimal("64824.45906666")

# In USDT. The order is the order in which accounts are given currencies.
_OPENING_PRICES: Mapping[str, Decimal] = MappingProxyType(
    {
        "BTC": DOCUMENTED_BTC_PRICE,
        UNIT: Decimal(1),
        "ETH": Decimal("3412.27150000"),
        "SOL": Decimal("148.36210000"),
        "XRP": Decimal("0.52470000"),
        "ADA": Decimal("0.38520000"),
        "DOGE": Decimal("0.12340000"),
        "BNB": Decimal("582.41900000"),
        "TRX": Decimal("0.12280000"),
        "LTC": Decimal("74.18300000"),
        "BCH": Decimal("391.55000000"),
        "LINK": Decimal("14.21700000"),
        "DOT": Decimal("6.18400000"),
        "AVAX": Decimal("28.33100000"),
        "UNI": Decimal("9.47200000"),
        "AAVE": Decimal("92.63000000"),
        "SHIB": Decimal("0.00001784"),
        "TON": Decimal("7.31900000"),
        "NEAR": Decimal("5.22800000"),
        "ATOM": Decimal("6.87100000"),
    }
)

# The fall and the partial recovery of `crash`: (simulated second, share of the opening price).
_CRASH = ((0, 1.0), (60, 1.0), (670, 0.605), (720, 0.605), (900, 0.90))

# The shares of the opening price in `steps`, and how long each lasts; the last one stays. With
# what an account holds and owes, they are ratios of about 1.56, 1.47, 1.33, 1.25, 1.1 and 1.8: the
# first falls too little for its pace to matter, the second for it to be near.
_STEPS = (0.857, 0.803, 0.717, 0.67, 0.585, 1.0)
STEP_SECONDS = 100


def currencies(count: int) -> tuple[str, ...]:
    """Return `count` currency codes: real ones first, then made-up ones for load tests."""
    real = tuple(_OPENING_PRICES)[:count]
    return real + tuple(f"TOKEN{number}" for number in range(1, count - len(real) + 1))


def opening_price(currency: str) -> Decimal:
    """Return the price in USDT around which a currency moves; 1 for made-up currencies."""
    return _OPENING_PRICES.get(currency, Decimal(1))


@lru_cache(maxsize=512)
def prices(course: Course, codes: tuple[str, ...], second: int) -> Mapping[str, Decimal]:
    """Return the mark prices in USDT, eight decimals, at a simulated second."""
    return MappingProxyType(
        {code: _price(course, code, place, second) for place, code in enumerate(codes)}
    )


def _price(course: Course, code: str, place: int, second: int) -> Decimal:
    opening = opening_price(code)
    if code == UNIT or course == "documented":
        return opening.quantize(PRICE_STEP)
    match course:
        case "still":
            share = 1 + _waves(second, place) / 100
        case "wander":
            share = 1 + _waves(second, place)
        case "crash":
            share = _between(_CRASH, second) * (1 + _waves(second, place) / 10)
        case "steps":
            share = _STEPS[min(second // STEP_SECONDS, len(_STEPS) - 1)]
    # Nine decimals, so that prices are the same on machines whose sines differ in the last bit.
    return (opening * Decimal(f"{share:.9f}")).quantize(PRICE_STEP, ROUND_DOWN)


def _waves(second: int, place: int) -> float:
    """Return a smooth deviation within 2 %: two waves of half an hour and of seven minutes."""
    slow = math.sin(math.tau * second / 1800 + place)
    quick = math.sin(math.tau * second / 420 + 2 * place)
    return 0.014 * slow + 0.006 * quick


def _between(points: tuple[tuple[int, float], ...], second: int) -> float:
    """Follow straight lines from point to point, and stay at the last."""
    for (start, before), (end, after) in itertools.pairwise(points):
        if start <= second < end:
            return before + (after - before) * (second - start) / (end - start)
    return points[-1][1]


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
            "a step every 100 s: 1.56, then below 1.5, far below it, below 1.3 and 1.2, then 1.8",
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
