"""Numbers for people: few digits, thousands separated, rounded so as not to flatter."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal

_WIDE = Context(prec=100)
# Beyond this a column of a table would burst.
_LARGEST = Decimal(10) ** 15
_SMALL = Decimal(1)
_LONG_DAYS = 10


def ratio(value: Decimal) -> str:
    """Return an account-to-debt ratio, cut to four decimals: 1.19999 is not 1.2."""
    return _fixed(value, 4, ROUND_DOWN)


def short_ratio(value: Decimal) -> str:
    """Return such a ratio of many, cut to two decimals."""
    return _fixed(value, 2, ROUND_DOWN)


def money(value: Decimal) -> str:
    """Return an amount of the unit."""
    return _fixed(value, 2, ROUND_HALF_EVEN)


def needed(value: Decimal) -> str:
    """Return an amount of the unit that is enough."""
    return _fixed(value, 2, ROUND_UP)


def price(value: Decimal) -> str:
    """Return a price, with more decimals if it is small."""
    return _fixed(value, 2 if value >= _SMALL else 8, ROUND_HALF_EVEN)


def percent(value: Decimal) -> str:
    """Return a share without its sign, cut to a tenth: a distance is never overstated."""
    return f"{_fixed(abs(value) * 100, 1, ROUND_DOWN)} %"


def days(value: Decimal) -> str:
    """Return a number of days that are left, cut."""
    return _fixed(value, 0 if value >= _LONG_DAYS else 1, ROUND_DOWN)


def _fixed(value: Decimal, decimals: int, rounding: str) -> str:
    if abs(value) >= _LARGEST:
        return f"{value:.6e}"
    step = Decimal(1).scaleb(-decimals)
    return f"{value.quantize(step, rounding, context=_WIDE):,f}"
