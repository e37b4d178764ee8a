"""An account's books, and what can be computed from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal

AMOUNT_STEP = Decimal("0.00000001")
HOURS_A_YEAR = 8760

# Wide enough for sums of products to be exact, whatever the caller's decimal context is.
EXACT = Context(prec=100)


@dataclass(frozen=True)
class Holding:
    """What an account has and owes in one currency."""

    available: Decimal = Decimal(0)
    traded: Decimal = Decimal(0)
    borrowed: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)

    @property
    def assets(self) -> Decimal:
        """Available and in open orders."""
        return self.available + self.traded

    @property
    def debt(self) -> Decimal:
        """Principal and interest."""
        return self.borrowed + self.interest


@dataclass(frozen=True)
class Liquidation:
    """A finished forced sale, at a second of simulated time."""

    second: int
    debt_currency: str
    debt_amount: Decimal
    asset_currency: str
    asset_amount: Decimal
    fee_amount: Decimal
    ratio_before: Decimal
    ratio_after: Decimal


@dataclass(frozen=True)
class Books:
    """Everything the exchange knows about one account."""

    account_id: str
    holdings: Mapping[str, Holding]
    liquidations: tuple[Liquidation, ...] = ()


def totals(books: Books, prices: Mapping[str, Decimal]) -> tuple[Decimal, Decimal]:
    """Give assets and debts in USDT at mark prices, truncated to eight decimals."""
    assets = debts = Decimal(0)
    for currency, holding in books.holdings.items():
        assets = EXACT.fma(holding.assets, prices[currency], assets)
        debts = EXACT.fma(holding.debt, prices[currency], debts)
    return truncated(assets), truncated(debts)


def ad_ratio(assets: Decimal, debts: Decimal) -> Decimal:
    """Give assets / debts truncated to two decimals; 0 without debts."""
    if not debts:
        return Decimal(0)
    return EXACT.divide_int(EXACT.scaleb(assets, 2), debts).scaleb(-2)


def accrue(books: Books, annual_percentage: Decimal) -> Books:
    """Charge one hour of simple interest on the principal, rounded up to eight decimals."""
    hourly_rate = annual_percentage / 100 / HOURS_A_YEAR
    return replace(
        books,
        holdings={
            currency: replace(
                holding,
                interest=holding.interest
                + (holding.borrowed * hourly_rate).quantize(AMOUNT_STEP, ROUND_UP),
            )
            if holding.borrowed
            else holding
            for currency, holding in books.holdings.items()
        },
    )


def truncated(amount: Decimal) -> Decimal:
    """Cut an amount to eight decimals."""
    return amount.quantize(AMOUNT_STEP, ROUND_DOWN, context=EXACT)
