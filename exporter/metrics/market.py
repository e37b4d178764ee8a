"""Families of the exchange's market, which is the same for all accounts: prices and terms.

They have no label `account`. Prices and terms disappear each on their own when they are stale.
"""

from collections.abc import Callable
from decimal import Decimal

from exporter.bitopro.market import PRICE_UNIT, BorrowTerm
from exporter.metrics.families import PREFIX, Family, Samples, each
from exporter.state import MarketState


def _prices(market: MarketState) -> Samples:
    prices = market.prices.prices if market.prices else {}
    return tuple(((currency, PRICE_UNIT), price) for currency, price in prices.items())


def _prices_expire_at(market: MarketState) -> float:
    return market.prices_expire_at_monotonic_seconds


def _terms_expire_at(market: MarketState) -> float:
    return market.terms_expire_at_monotonic_seconds


def _of_terms(
    name: str, unit: str, help_: str, read: Callable[[BorrowTerm], Decimal]
) -> Family[MarketState]:
    def read_market(market: MarketState) -> Samples:
        terms = market.terms.terms if market.terms else {}
        return each({currency: read(term) for currency, term in terms.items()})

    return Family(
        PREFIX + name,
        unit,
        f"{help_}, as of the last answer.",
        ("currency",),
        read_market,
        expires_at=_terms_expire_at,
        stability="experimental",
    )


MARKET_FAMILIES: tuple[Family[MarketState], ...] = (
    Family(
        PREFIX + "mark_price",
        "price in `unit`",
        "Price at which the exchange values the currency (price), as of the last answer; absent "
        "if zero.",
        ("currency", "unit"),
        _prices,
        expires_at=_prices_expire_at,
        stability="experimental",
    ),
    _of_terms(
        "borrow_annual_interest_ratio",
        "ratio, 0.01 is 1 %",
        "Annual interest rate of borrowing, 0.01 being 1 % (annualInterestPercentage)",
        lambda term: term.annual_interest_ratio,
    ),
    _of_terms(
        "borrow_user_limit_amount",
        "amount of `currency`",
        "Maximum that one user may borrow (maxUserAmount)",
        lambda term: term.user_limit_amount,
    ),
    _of_terms(
        "borrow_system_limit_amount",
        "amount of `currency`",
        "Maximum that the exchange lends in total (maxSystemAmount)",
        lambda term: term.system_limit_amount,
    ),
    _of_terms(
        "borrow_system_borrowed_amount",
        "amount of `currency`",
        "Amount lent to all users (systemBorrowedAmount)",
        lambda term: term.system_borrowed_amount,
    ),
    _of_terms(
        "borrow_system_available_amount",
        "amount of `currency`",
        "Amount left to lend (systemAvailableBorrowAmount)",
        lambda term: term.system_available_amount,
    ),
)
