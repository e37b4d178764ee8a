"""Forced sales: when the exchange sells an account's assets, and how the books look afterwards."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_UP, Decimal

from exporter.simulator.books import (
    AMOUNT_STEP,
    Books,
    Holding,
    Liquidation,
    ad_ratio,
    totals,
    truncated,
)

# Below the first the exchange sells assets until the ratio is the second again. BitoPro publishes
# no numbers; the first follows another Taiwanese exchange with the same ratio.
LIQUIDATION_RATIO = Decimal("1.2")
_RESTORED_RATIO = Decimal("1.4")
_FEE_RATE = Decimal("0.01")


def needs_liquidation(books: Books, prices: Mapping[str, Decimal]) -> bool:
    """Tell whether the ratio is below the limit; an account without debt never is."""
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
