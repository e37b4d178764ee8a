"""Families of the exchange's market, which is the same for all accounts: prices and terms.

They have no label `account`. Prices and terms disappear each on their own when they are stale.
"""

from collections.abc import Callable
from decimal import Decimal

from exporter.exchange.borrow_terms import BorrowTerm
from exporter.exchange.mark_prices import PRICE_UNIT
from exporter.page.family import PREFIX, Family, Part, Samples, each
from exporter.state.market import MarketState

_PRICES: Part[MarketState] = Part(
    lambda market: market.prices, lambda market: market.prices_expire_at_monotonic_seconds
)
_TERMS: Part[MarketState] = Part(
    lambda market: market.terms, lambda market: market.terms_expire_at_monotonic_seconds
)


def _prices(market: MarketState) -> Samples:
    prices = market.prices.prices if market.prices else {}
    return tuple(((currency, PRICE_UNIT), price) for currency, price in prices.items())


def _of_terms(name: str, help_: str, read: Callable[[BorrowTerm], Decimal]) -> Family[MarketState]:
    def read_market(market: MarketState) -> Samples:
        terms = market.terms.terms if market.terms else {}
        return each({currency: read(term) for currency, term in terms.items()})

    return Family(
        PREFIX + name,
        "gauge",
        f"{help_}, as of the last answer.",
        ("currency",),
        read_market,
        owner=lambda _: (),
        part=_TERMS,
    )


MARKET_FAMILIES: tuple[Family[MarketState], ...] = (
    Family(
        PREFIX + "mark_price",
        "gauge",
        "Price at which the exchange values the currency, in the unit (price); absent where it "
        "is zero, as of the last answer.",
        ("currency", "unit"),
        _prices,
        owner=lambda _: (),
        part=_PRICES,
    ),
    _of_terms(
        "borrow_annual_interest_ratio",
        "Interest on borrowed principal for a year, 0.01 being 1 % (annualInterestPercentage)",
        lambda term: term.annual_interest_ratio,
    ),
    _of_terms(
        "borrow_user_limit_amount",
        "Most that one user may borrow, in the currency (maxUserAmount)",
        lambda term: term.user_limit_amount,
    ),
    _of_terms(
        "borrow_system_limit_amount",
        "Most that the exchange lends in all, in the currency (maxSystemAmount)",
        lambda term: term.system_limit_amount,
    ),
    _of_terms(
        "borrow_system_borrowed_amount",
        "What is lent to all users, in the currency (systemBorrowedAmount)",
        lambda term: term.system_borrowed_amount,
    ),
    _of_terms(
        "borrow_system_available_amount",
        "What is left to be lent, in the currency (systemAvailableBorrowAmount)",
        lambda term: term.system_available_amount,
    ),
)
