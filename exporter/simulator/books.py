"""The books of a simulated account: opened, through time, and liquidated by force."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal

from exporter.simulator.market import UNIT, Scenario, opening_price, prices

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
    """Return assets and debts in USDT at mark prices, truncated to eight decimals."""
    assets = debts = Decimal(0)
    for currency, holding in books.holdings.items():
        assets = EXACT.fma(holding.assets, prices[currency], assets)
        debts = EXACT.fma(holding.debt, prices[currency], debts)
    return truncated(assets), truncated(debts)


def ad_ratio(assets: Decimal, debts: Decimal) -> Decimal:
    """Return assets / debts truncated to two decimals; 0 without debts."""
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


# Below the first the exchange sells assets until the ratio is the second again. BitoPro publishes
# no numbers; the first follows another Taiwanese exchange with the same ratio.
LIQUIDATION_RATIO = Decimal("1.2")
_RESTORED_RATIO = Decimal("1.4")
_FEE_RATE = Decimal("0.01")


def needs_liquidation(books: Books, prices: Mapping[str, Decimal]) -> bool:
    """Return whether the ratio is below the limit; an account without debt never is."""
    assets, debts = totals(books, prices)
    return debts > 0 and assets < LIQUIDATION_RATIO * debts


def liquidate(books: Books, prices: Mapping[str, Decimal], second: int) -> Books:
    """Sell of the largest asset, with a fee of 1 %, to repay the largest debt in part.

    As much as restores the ratio, or as much as there is.
    """
    assets, debts = totals(books, prices)
    debt_currency = max(books.holdings, key=lambda code: books.holdings[code].debt * prices[code])
    asset_currency = max(
        (code for code in books.holdings if code != debt_currency),
        key=lambda code: books.holdings[code].assets * prices[code],
    )
    owing, selling = books.holdings[debt_currency], books.holdings[asset_currency]
    # The value x solves (assets - (1 + fee) x) / (debts - x) = restored ratio.
    value = min(
        (_RESTORED_RATIO * debts - assets) / (_RESTORED_RATIO - 1 - _FEE_RATE),
        owing.debt * prices[debt_currency],
        selling.assets * prices[asset_currency] / (1 + _FEE_RATE),
    )
    repaid = truncated(value / prices[debt_currency])
    fee = (repaid * _FEE_RATE).quantize(AMOUNT_STEP, ROUND_UP)
    sold = min(
        ((repaid + fee) * prices[debt_currency] / prices[asset_currency]).quantize(
            AMOUNT_STEP, ROUND_UP
        ),
        selling.assets,
    )
    after = replace(
        books,
        holdings={
            **books.holdings,
            debt_currency: _repay(owing, repaid),
            asset_currency: _withdraw(selling, sold),
        },
    )
    liquidation = Liquidation(
        second=second,
        debt_currency=debt_currency,
        debt_amount=repaid,
        asset_currency=asset_currency,
        asset_amount=sold,
        fee_amount=fee,
        ratio_before=ad_ratio(assets, debts),
        ratio_after=ad_ratio(*totals(after, prices)),
    )
    return replace(after, liquidations=(*books.liquidations, liquidation))


def _repay(holding: Holding, amount: Decimal) -> Holding:
    """Take a repayment off the interest first, then off the principal."""
    of_interest = min(amount, holding.interest)
    return replace(
        holding,
        interest=holding.interest - of_interest,
        borrowed=holding.borrowed - (amount - of_interest),
    )


def _withdraw(holding: Holding, amount: Decimal) -> Holding:
    """Take a sale from what is available first, then from cancelled orders."""
    of_available = min(amount, holding.available)
    return replace(
        holding,
        available=holding.available - of_available,
        traded=holding.traded - (amount - of_available),
    )


_HOUR_SECONDS = 3600


class Ledger:
    """An account's books, brought up to date on demand.

    Everything happens on a fixed grid of simulated time, so the books at a second do not depend
    on when or how often they were looked at.
    """

    def __init__(self, scenario: Scenario, codes: tuple[str, ...], opening: Books) -> None:
        self._scenario = scenario
        self._codes = codes
        self._books = opening
        self._second = 0

    def at(self, second: int) -> Books:
        """Return the books at a simulated second, which must not lie before the last one asked."""
        step = self._scenario.check_seconds
        for checked in range(self._second + step, second + 1, step):
            self._check(checked)
            self._second = checked
        return self._books

    def _check(self, second: int) -> None:
        if second % _HOUR_SECONDS == 0:
            self._books = accrue(self._books, self._scenario.annual_percentage)
        marks = prices(self._scenario.course, self._codes, second)
        if needs_liquidation(self._books, marks):
            self._books = liquidate(self._books, marks, second)


FIRST_ACCOUNT_ID = 5_411_716_254

_DOCUMENTED_HOLDINGS = (
    (
        "BTC",
        Holding(
            available=Decimal("9.99990000"),
            borrowed=Decimal("2.00008624"),
            interest=Decimal("0.00236786"),
        ),
    ),
    ("ETH", Holding()),
    (
        "USDT",
        Holding(available=Decimal("100041.50010000"), borrowed=Decimal("15.00078403")),
    ),
)

# What an account of a scenario with debts owes in all, in USDT, before accounts are varied.
_DEBT_VALUE = Decimal(40_000)
_UNINDEBTED_RATIO = Decimal(2)

# Shares of the assets. Most is BTC, so that the price of BTC decides about the ratio and one
# forced sale of BTC is enough to restore it.
_BTC_SHARE = Decimal("0.70")
_UNIT_SHARE = Decimal("0.05")

# Shares of the debts, where there is a third currency to owe.
_UNIT_DEBT_SHARE = Decimal("0.96")


def opening_books(
    scenario: Scenario, number: int, codes: tuple[str, ...], first_id: int = FIRST_ACCOUNT_ID
) -> Books:
    """Return the books of account `number` (0 is the default key's) at simulated second 0."""
    account_id = str(first_id + number)
    if scenario.course == "documented":
        return Books(account_id, dict(_DOCUMENTED_HOLDINGS))
    # The default key and demo-key-1 each are "the first account" of those who use them.
    place = max(number - 1, 0)
    # Amounts differ from account to account, so that a mix-up of accounts cannot go unseen.
    debt = _DEBT_VALUE + 13 * number
    assets = debt * _opening_ratio(scenario, place)
    return Books(
        account_id,
        {
            code: _holding(
                code,
                assets * _asset_share(code, len(codes)),
                debt * _debt_share(code, len(codes)) if scenario.ratios else Decimal(0),
            )
            for code in sorted(codes)
        },
    )


def _opening_ratio(scenario: Scenario, place: int) -> Decimal:
    if not scenario.ratios:
        return _UNINDEBTED_RATIO
    if place < len(scenario.ratios):
        return scenario.ratios[place]
    later = scenario.ratios[1:] or scenario.ratios
    return later[(place - 1) % len(later)]


def _asset_share(code: str, count: int) -> Decimal:
    """Split what BTC and USDT leave over evenly; BTC takes it where there is no other currency."""
    rest = 1 - _BTC_SHARE - _UNIT_SHARE
    if code == UNIT:
        return _UNIT_SHARE
    if code == "BTC":
        return _BTC_SHARE if count > 2 else _BTC_SHARE + rest  # noqa: PLR2004  # BTC and USDT
    return rest / (count - 2)


def _debt_share(code: str, count: int) -> Decimal:
    if code == UNIT:
        return _UNIT_DEBT_SHARE if count > 2 else Decimal(1)  # noqa: PLR2004  # BTC and USDT
    return 1 - _UNIT_DEBT_SHARE if code == "ETH" else Decimal(0)


def _holding(code: str, asset_value: Decimal, debt_value: Decimal) -> Holding:
    price = opening_price(code)
    owned = (asset_value / price).quantize(AMOUNT_STEP, ROUND_DOWN)
    in_orders = (owned / 10).quantize(AMOUNT_STEP, ROUND_DOWN) if code == "BTC" else Decimal(0)
    return Holding(
        available=owned - in_orders,
        traded=in_orders,
        borrowed=(debt_value / price).quantize(AMOUNT_STEP, ROUND_DOWN),
    )
